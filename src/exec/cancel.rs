//! Stopping a run from another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Stops the runs it was given to: no further task starts, running tasks end, memory goes back to the budget, and the
/// run returns an error for which [`Error::is_cancelled`](crate::Error::is_cancelled) holds.
///
/// Cloning copies a pointer: any clone cancels all of them. A token that was used stays cancelled.
///
/// # Examples
/// ```
/// use hyperslab::exec::CancelToken;
/// let token = CancelToken::new();
/// let other = token.clone();
/// other.cancel();
/// assert!(token.is_cancelled());
/// ```
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<Flag>);

#[derive(Debug, Default)]
struct Flag {
    is_set: AtomicBool,
    parent: Option<CancelToken>,
}

impl CancelToken {
    /// A token that has not been used.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::CancelToken;
    /// assert!(!CancelToken::new().is_cancelled());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// A token that is cancelled with this one, and can be cancelled without it.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::CancelToken;
    /// let all = CancelToken::new();
    /// let (one, other) = (all.child(), all.child());
    /// one.cancel();
    /// assert!(one.is_cancelled() && !other.is_cancelled() && !all.is_cancelled());
    /// all.cancel();
    /// assert!(other.is_cancelled());
    /// ```
    pub fn child(&self) -> Self {
        Self(Arc::new(Flag { is_set: AtomicBool::new(false), parent: Some(self.clone()) }))
    }

    /// Cancels.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::CancelToken;
    /// let token = CancelToken::new();
    /// token.cancel();
    /// assert!(token.is_cancelled());
    /// ```
    pub fn cancel(&self) {
        self.0.is_set.store(true, Ordering::Release);
    }

    /// Whether somebody has cancelled.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::CancelToken;
    /// let token = CancelToken::new();
    /// let clone = token.clone();
    /// clone.cancel();
    /// assert!(token.is_cancelled());
    /// ```
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.0.is_set.load(Ordering::Acquire) || self.0.parent.as_ref().is_some_and(Self::is_cancelled)
    }
}
