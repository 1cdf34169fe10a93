//! What a user's function sees of a block.

use ndarray::{ArcArray, ArrayViewD, IxDyn};

use super::{BlockData, BlockLocation};
use crate::element::Element;
use crate::error::Result;
use crate::sparse::Coo;

/// A read-only view of one block of element type `T`, with its place in the array.
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
    pub fn dense(&self) -> Result<ArrayViewD<'a, T>> {
        self.data.dense()
    }

    /// The sparse block; an error for a dense one.
    pub fn sparse(&self) -> Result<&'a Coo<T>> {
        self.data.sparse()
    }

    /// The elements stored densely, whatever the layout; copies only a sparse block.
    ///
    /// # Errors
    /// A sparse block has more elements than memory can hold.
    pub fn to_dense(&self) -> Result<ArcArray<T, IxDyn>> {
        self.data.to_dense()
    }

    /// Whether the block is sparse.
    pub fn is_sparse(&self) -> bool {
        self.data.is_sparse()
    }

    /// The lengths of the block along each axis.
    pub fn shape(&self) -> Vec<usize> {
        self.data.shape()
    }

    /// Where the block lies.
    pub fn location(&self) -> &'a BlockLocation {
        self.location
    }
}
