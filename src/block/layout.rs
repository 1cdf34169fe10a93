//! How blocks are stored: dense or sparse.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::element::Scalar;

/// How the blocks of an array are stored. It never changes a result, only what it costs.
///
/// # Examples
/// ```
/// use hyperslab::block::Layout;
/// use hyperslab::element::Scalar;
/// use hyperslab::prelude::*;
/// let x = Array::<f64>::eye(3, 3, 0, Chunks::size(2))?;
/// assert_eq!(x.layout(), Layout::Dense);
/// assert_eq!((x.to_sparse() + 1.0).layout(), Layout::Sparse(Scalar::F64(1.0)));
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Layout {
    /// Every block is dense.
    Dense,
    /// Every block is sparse with this fill value.
    Sparse(Scalar),
    /// Blocks may be of either kind, sparse ones with any fill value.
    Mixed,
}

impl Layout {
    /// Whether every block is dense.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::Layout;
    /// assert!(Layout::Dense.is_dense() && !Layout::Mixed.is_dense());
    /// ```
    pub fn is_dense(self) -> bool {
        matches!(self, Layout::Dense)
    }

    /// Whether every block is sparse.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::Layout;
    /// use hyperslab::element::Scalar;
    /// assert!(Layout::Sparse(Scalar::I32(0)).is_sparse() && !Layout::Mixed.is_sparse());
    /// ```
    pub fn is_sparse(self) -> bool {
        matches!(self, Layout::Sparse(_))
    }

    /// The common fill value of sparse blocks.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::Layout;
    /// use hyperslab::element::Scalar;
    /// assert_eq!(Layout::Sparse(Scalar::I32(0)).fill(), Some(Scalar::I32(0)));
    /// assert_eq!(Layout::Mixed.fill(), None);
    /// ```
    pub fn fill(self) -> Option<Scalar> {
        match self {
            Layout::Sparse(fill) => Some(fill),
            Layout::Dense | Layout::Mixed => None,
        }
    }

    /// The layout of an array whose blocks come from arrays of either layout.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::Layout;
    /// use hyperslab::element::Scalar;
    /// assert_eq!(Layout::Dense.join(Layout::Dense), Layout::Dense);
    /// assert_eq!(Layout::Dense.join(Layout::Sparse(Scalar::I32(0))), Layout::Mixed);
    /// ```
    pub fn join(self, other: Layout) -> Layout {
        if self == other { self } else { Layout::Mixed }
    }
}

impl PartialEq for Layout {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Layout::Dense, Layout::Dense) | (Layout::Mixed, Layout::Mixed) => true,
            (Layout::Sparse(a), Layout::Sparse(b)) => a.is_same(*b),
            (_, _) => false,
        }
    }
}

impl Eq for Layout {}

impl Hash for Layout {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        if let Layout::Sparse(fill) = self {
            fill.hash_bits(state);
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Layout::Dense => f.write_str("dense"),
            Layout::Sparse(fill) => write!(f, "sparse (fill {fill})"),
            Layout::Mixed => f.write_str("dense and sparse"),
        }
    }
}
