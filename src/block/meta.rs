//! What is known of an array before it is computed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::layout::Layout;
use crate::chunks::Grid;
use crate::element::DType;

/// Element type, shape with chunks, and layout: decided when the expression is built.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<f64>::zeros([4, 6], Chunks::size(3))?;
/// assert_eq!(x.meta().to_string(), "float64 (4, 6) chunks (3, 3)");
/// assert_eq!(x.meta().n_bytes(), Some(192));
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ArrayMeta {
    /// The element type.
    pub dtype: DType,
    /// The shape and its cut into blocks.
    pub grid: Grid,
    /// How blocks are stored.
    pub layout: Layout,
}

impl ArrayMeta {
    /// Dense blocks of `dtype` on `grid`.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::ArrayMeta;
    /// use hyperslab::chunks::Grid;
    /// use hyperslab::prelude::*;
    /// let meta = ArrayMeta::dense(DType::F32, Grid::single(&[4]));
    /// assert!(meta.layout.is_dense());
    /// ```
    pub fn dense(dtype: DType, grid: Grid) -> Self {
        Self { dtype, grid, layout: Layout::Dense }
    }

    /// The same array with another element type.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::ArrayMeta;
    /// use hyperslab::chunks::Grid;
    /// use hyperslab::prelude::*;
    /// let meta = ArrayMeta::dense(DType::F32, Grid::single(&[4])).with_dtype(DType::I8);
    /// assert_eq!(meta.n_bytes(), Some(4));
    /// ```
    pub fn with_dtype(mut self, dtype: DType) -> Self {
        self.dtype = dtype;
        self
    }

    /// The bytes of all elements stored densely; `None` where extents are unknown or the product overflows.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::ArrayMeta;
    /// use hyperslab::chunks::Grid;
    /// use hyperslab::prelude::*;
    /// assert_eq!(ArrayMeta::dense(DType::F32, Grid::single(&[4])).n_bytes(), Some(16));
    /// ```
    pub fn n_bytes(&self) -> Option<u64> {
        self.grid.n_elems()?.checked_mul(self.dtype.size_bytes() as u64)
    }

    /// An upper bound of the bytes of one block stored densely; `None` where extents are unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::zeros([4, 6], Chunks::size(3))?;
    /// assert_eq!(x.meta().max_block_bytes(), Some(72));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn max_block_bytes(&self) -> Option<u64> {
        self.grid.max_block_elems()?.checked_mul(self.dtype.size_bytes() as u64)
    }
}

impl fmt::Display for ArrayMeta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.dtype, self.grid)?;
        if self.layout.is_dense() { Ok(()) } else { write!(f, " {}", self.layout) }
    }
}
