//! The one error type of the crate.
//!
//! An [`Error`] is one word wide, cheap to clone and opaque. It belongs to a [`Family`] that tells who has to act, and
//! it carries a sentence with the operation, the operands, the numbers and, where there is one, the remedy:
//!
//! ```
//! use hyperslab::{Array, Chunks};
//! let a = Array::<f64>::zeros([2, 3], Chunks::auto())?;
//! let b = Array::<f64>::zeros([4], Chunks::auto())?;
//! let error = a.try_add(&b).unwrap_err();
//! assert!(error.is_usage() && error.is_shape());
//! assert!(error.to_string().starts_with("add: shapes (2, 3) and (4) do not broadcast"));
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! The constructors live in one file per family (`usage`, `data`, `resource`, `engine`, `bug`), so that the same fault
//! reads the same wherever it is found.

mod bug;
mod data;
mod engine;
mod kind;
mod resource;
mod usage;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

pub(crate) use kind::Kind;
pub(crate) use usage::Shown;

/// A result whose error is the crate's [`Error`].
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// fn third(x: &Array<f64>) -> Result<f64> { x.index(&idx![2])?.scalar() }
/// assert_eq!(third(&Array::arange(0.0, 4.0, 1.0, Chunks::auto())?)?, 2.0);
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who has to act on an error.
///
/// # Examples
/// ```
/// use hyperslab::error::Family;
/// use hyperslab::prelude::*;
/// let error = open_npy("no such file.npy", Chunks::auto()).unwrap_err();
/// assert_eq!(error.family(), Family::Resource);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// The caller: an argument does not fit. Nothing was run.
    Usage,
    /// The owner of the data: a file or a block is not what it claims to be.
    Data,
    /// The owner of the machine: memory, disk or another resource is short.
    Resource,
    /// The run: a task failed, was cancelled, or a remote side went away.
    Engine,
    /// The authors of this crate: please report it.
    Bug,
}

/// What went wrong, in words, with the family that has to act.
///
/// Cloning copies a pointer. Predicates such as [`Error::is_shape`] tell kinds apart without parsing the text.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<f64>::zeros([3], Chunks::auto())?;
/// let error = x.index(&idx![7]).unwrap_err();
/// assert_eq!(error.to_string(), "index: index 7 is out of bounds for axis 0 with length 3");
/// let shared = error.clone();                      // one word
/// assert!(shared.is_index());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: Kind,
    op: Cow<'static, str>,
    detail: String,
    remedy: Option<Cow<'static, str>>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: Kind, op: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self(Arc::new(Inner { kind, op: op.into(), detail: detail.into(), remedy: None, source: None }))
    }

    /// Adds what the reader can do about it.
    pub(crate) fn with_remedy(self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.map_inner(|inner| inner.remedy = Some(remedy.into()))
    }

    /// Adds the error that caused this one.
    pub(crate) fn with_source(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.map_inner(|inner| inner.source = Some(source.into()))
    }

    /// The same under the name of the operation that the user called, which is made of the one that failed.
    pub(crate) fn of_op(self, op: &'static str) -> Self {
        self.map_inner(|inner| inner.op = op.into())
    }

    fn map_inner(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        // Only called by constructors, before the error is shared; a shared one is left as it is.
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            change(inner);
        }
        self
    }

    /// Who has to act.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::error::Family;
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::zeros([3], Chunks::auto())?;
    /// assert_eq!(x.sum_axis(1).unwrap_err().family(), Family::Usage);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn family(&self) -> Family {
        self.0.kind.family()
    }

    /// The name of the operation that failed, such as `"tensordot"`.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::zeros([3], Chunks::auto())?;
    /// assert_eq!(x.reshape([4]).unwrap_err().op(), "reshape");
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn op(&self) -> &str {
        &self.0.op
    }

    /// Whether an argument did not fit ([`Family::Usage`]).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::zeros([3], Chunks::auto())?;
    /// assert!(x.reshape([4]).unwrap_err().is_usage());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn is_usage(&self) -> bool {
        self.family() == Family::Usage
    }

    /// Whether shapes or axes did not fit together.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let (x, y) = (Array::<f64>::zeros([3], Chunks::auto())?, Array::<f64>::zeros([4], Chunks::auto())?);
    /// assert!(x.try_add(&y).unwrap_err().is_shape());
    /// assert!(x.sum_axis(1).unwrap_err().is_shape());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn is_shape(&self) -> bool {
        matches!(self.0.kind, Kind::Shape | Kind::Axis)
    }

    /// Whether element types did not fit.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::zeros([3], Chunks::auto())?;
    /// assert!(x.as_dyn().try_typed::<f32>().unwrap_err().is_dtype());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn is_dtype(&self) -> bool {
        self.0.kind == Kind::DType
    }

    /// Whether an index lay outside its axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::zeros([3], Chunks::auto())?;
    /// assert!(x.take(&[3], 0).unwrap_err().is_index());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn is_index(&self) -> bool {
        self.0.kind == Kind::Index
    }

    /// Whether the operation needs chunk sizes that are not known before the array is computed.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::zeros([3], Chunks::auto())?;
    /// assert!(x.mask(&x.eq(0.0)?)?.len().unwrap_err().is_unknown_chunks());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn is_unknown_chunks(&self) -> bool {
        self.0.kind == Kind::UnknownChunks
    }

    /// Whether memory or the memory budget was short.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let huge = Coo::<u8>::empty([1 << 40, 1 << 20], 0)?;
    /// assert!(huge.to_dense().unwrap_err().is_memory());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn is_memory(&self) -> bool {
        self.0.kind == Kind::Memory
    }

    /// Whether another process was out of reach, went away, or answered with an error.
    pub fn is_remote(&self) -> bool {
        matches!(self.0.kind, Kind::Remote | Kind::Lost)
    }

    /// Whether the run was cancelled.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::CancelToken;
    /// use hyperslab::prelude::*;
    /// let token = CancelToken::new();
    /// token.cancel();
    /// let x = Array::<f64>::zeros([3], Chunks::size(1))?;
    /// assert!(Runtime::local().cancel_token(token).enter(|| x.compute()).unwrap_err().is_cancelled());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn is_cancelled(&self) -> bool {
        self.0.kind == Kind::Cancelled
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.op, self.0.detail)?;
        match &self.0.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}, {:?}: {self})", self.family(), self.0.kind)?;
        match &self.0.source {
            Some(source) => write!(f, " caused by {source}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
