//! What a user's function sees of a block.

use ndarray::{ArcArray, ArrayViewD, IxDyn};

use super::{BlockData, BlockLocation};
use crate::element::Element;
use crate::error::Result;
use crate::sparse::Coo;

/// A read-only view of one block of element type `T`, with its place in the array.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<i64>::arange(0, 5, 1, Chunks::size(2))?;
/// let lens: Array<i64> = x.map_blocks(|block: BlockView<'_, i64>| {
///     let n = block.shape()[0] as i64;
///     Ok(block.dense()?.mapv(|_| n).into())
/// })?;
/// assert_eq!(lens.compute()?, ndarray::arr1(&[2, 2, 2, 2, 1]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct BlockView<'a, T: Element> {
    data: &'a BlockData<T>,
    location: &'a BlockLocation,
}

impl<'a, T: Element> BlockView<'a, T> {
    pub(crate) fn new(data: &'a BlockData<T>, location: &'a BlockLocation) -> Self {
        Self { data, location }
    }

    /// The elements of a dense block; an error for a sparse one.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 5, 1, Chunks::size(2))?;
    /// let doubled: Array<i64> = x.map_blocks(|block| Ok((&block.dense()? * 2).into()))?;
    /// assert_eq!(doubled.sum().scalar()?, 20);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn dense(&self) -> Result<ArrayViewD<'a, T>> {
        self.data.dense()
    }

    /// The sparse block; an error for a dense one.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::eye(4, 4, 0, Chunks::size(2))?.to_sparse();
    /// let entries: Array<f64> = x.map_blocks(|block| {
    ///     let n = block.sparse()?.nnz() as f64;
    ///     Ok(ndarray::ArrayD::from_elem(block.shape(), n).into())
    /// })?;
    /// assert_eq!(entries.compute()?[[0, 0]], 2.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn sparse(&self) -> Result<&'a Coo<T>> {
        self.data.sparse()
    }

    /// The elements stored densely, whatever the layout; copies only a sparse block.
    ///
    /// # Errors
    /// A sparse block has more elements than memory can hold.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::eye(4, 4, 0, Chunks::size(2))?.to_sparse();
    /// let y: Array<f64> = x.map_blocks(|block| Ok(block.to_dense()?.into()))?;
    /// assert_eq!(y.compute()?.sum(), 4.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn to_dense(&self) -> Result<ArcArray<T, IxDyn>> {
        self.data.to_dense()
    }

    /// Whether the block is sparse.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::eye(4, 4, 0, Chunks::size(2))?.to_sparse();
    /// let told: Array<bool> = x.map_blocks(|block| Ok(ndarray::ArrayD::from_elem(block.shape(), block.is_sparse()).into()))?;
    /// assert!(told.all().scalar()?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn is_sparse(&self) -> bool {
        self.data.is_sparse()
    }

    /// The lengths of the block along each axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 5, 1, Chunks::size(2))?;
    /// let lens: Array<i64> = x.map_blocks(|b| Ok(ndarray::ArrayD::from_elem(b.shape(), b.shape()[0] as i64).into()))?;
    /// assert_eq!(lens.max().scalar()?, 2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn shape(&self) -> Vec<usize> {
        self.data.shape()
    }

    /// Where the block lies.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::zeros([4], Chunks::size(2))?;
    /// let starts: Array<i64> = x.map_blocks(|b| Ok((&b.dense()? + b.location().ranges()?[0].start as i64).into()))?;
    /// assert_eq!(starts.compute()?, ndarray::arr1(&[0, 0, 2, 2]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn location(&self) -> &'a BlockLocation {
        self.location
    }
}
