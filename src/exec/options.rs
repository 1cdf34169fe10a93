//! What a run may be told, and what it tells.

use super::cancel::CancelToken;

/// How one run shall go.
///
/// # Examples
/// ```
/// use hyperslab::exec::{CancelToken, RunOptions};
/// let token = CancelToken::new();
/// let options = RunOptions::new().with_cancel(token.clone());
/// ```
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    inline: bool,
    cancel: Option<CancelToken>,
}

impl RunOptions {
    /// Run on the runtime's threads until the end.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::RunOptions;
    /// let options = RunOptions::new();
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs everything on the caller's thread: for work too small to be worth waking another one.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::RunOptions;
    /// let options = RunOptions::new().with_inline();
    /// ```
    pub fn with_inline(mut self) -> Self {
        self.inline = true;
        self
    }

    /// Lets `token` stop the run.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::{CancelToken, RunOptions};
    /// let token = CancelToken::new();
    /// let options = RunOptions::new().with_cancel(token.clone());
    /// ```
    pub fn with_cancel(mut self, token: CancelToken) -> Self {
        self.cancel = Some(token);
        self
    }

    pub(super) fn is_inline(&self) -> bool {
        self.inline
    }

    pub(super) fn cancel(&self) -> Option<&CancelToken> {
        self.cancel.as_ref()
    }
}

/// What a run did.
///
/// [`Runtime::run_job`](super::Runtime::run_job) gives it, and observers get it when a run ends: see
/// [`RunFinish`](super::RunFinish).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunReport {
    /// Tasks that ran to their end.
    pub n_tasks: u64,
    /// The largest sum of the bytes of living results and of the bounds of running tasks.
    pub peak_bytes: u64,
    /// Tasks that were started beyond the memory budget because nothing else could go on.
    pub over_budget_starts: u64,
    /// Results that were larger than the bound their task had given.
    pub low_bounds: u64,
    /// The largest number of tasks the scheduler had to remember at one time.
    pub peak_records: u64,
    /// The most that results took on disk at one time.
    pub spilled_bytes: u64,
}
