//! Lengths that may not be known before a run.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a length that only a run can tell. Equal variables stand for equal lengths, block by block.
///
/// A variable is derived from the structural name of what makes the length, so the same mask applied twice gives the same
/// variable, and two different masks give different ones.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<i64>::arange(0, 6, 1, Chunks::size(3))?;
/// let (large, odd) = (x.gt(2)?, (&x % 2).eq(1)?);
/// assert_eq!(x.mask(&large)?.shape(), x.mask(&large)?.shape());
/// assert_ne!(x.mask(&large)?.shape(), x.mask(&odd)?.shape());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SizeVar(pub(crate) u128);

impl fmt::Display for SizeVar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "?{:04x}", self.0 as u16)
    }
}

/// The length of an axis or of a chunk.
///
/// # Examples
/// ```
/// use hyperslab::chunks::Extent;
/// use hyperslab::prelude::*;
/// let x = Array::<i64>::zeros([2, 3], Chunks::auto())?;
/// assert_eq!(x.shape(), [Extent::Known(2), Extent::Known(3)]);
/// assert_eq!(Extent::from(7).to_string(), "7");
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Extent {
    /// A length in elements.
    Known(u64),
    /// A length that a run will tell.
    Unknown(SizeVar),
}

impl Extent {
    /// The length, if known.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::Extent;
    /// assert_eq!(Extent::Known(3).known(), Some(3));
    /// ```
    pub fn known(self) -> Option<u64> {
        match self {
            Extent::Known(len) => Some(len),
            Extent::Unknown(_) => None,
        }
    }

    /// Whether the length is known.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::Extent;
    /// assert!(Extent::Known(3).is_known());
    /// ```
    pub fn is_known(self) -> bool {
        self.known().is_some()
    }
}

impl From<u64> for Extent {
    fn from(len: u64) -> Self {
        Extent::Known(len)
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Extent::Known(len) => len.fmt(f),
            Extent::Unknown(var) => var.fmt(f),
        }
    }
}
