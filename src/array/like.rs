//! Arrays in the shape of others: `full_like`, `meshgrid`, positions of all axes.

use super::create::{IntoShape, checked_shape};
use super::elementwise::select;
use super::manipulate::stack_dyn;
use super::stack::as_dyns;
use super::{Array, DynArray};
use crate::block::ArrayMeta;
use crate::chunks::Chunks;
use crate::element::{Element, Scalar};
use crate::error::{Error, Result};
use crate::graph::ops::FullOp;

/// The order of the first two axes that [`meshgrid`] gives.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let (x, y) = (Array::<i64>::zeros([3], Chunks::auto())?, Array::<i64>::zeros([2], Chunks::auto())?);
/// assert_eq!(meshgrid(&[&x, &y], Indexing::Xy)?[0].known_shape()?, [2, 3]);
/// assert_eq!(meshgrid(&[&x, &y], Indexing::Ij)?[0].known_shape()?, [3, 2]);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Indexing {
    /// As in pictures: the first array runs along axis 1, the second along axis 0. NumPy's default.
    #[default]
    Xy,
    /// As in matrices: array `i` runs along axis `i`.
    Ij,
}

/// An array stretched along another one whose lengths a run decides: a choice between two equal values, because only the
/// blocks of the other tell how far.
pub(super) fn stretched_along(array: &DynArray, other: &DynArray) -> Result<DynArray> {
    select(&other.to_dense().isnan()?, array, array)
}

impl DynArray {
    /// See [`Array::full_like`].
    pub fn full_like(&self, value: Scalar) -> Self {
        let meta = ArrayMeta::dense(value.dtype(), self.grid().clone());
        if self.grid().is_known() {
            return DynArray::build(FullOp { value }, &[], meta);
        }
        let filled = stretched_along(&DynArray::scalar_of(value), self);
        // A 0-d value broadcasts with any shape.
        filled.unwrap_or_else(|error| unreachable!("{error}"))
    }

    /// See [`Array::zeros_like`].
    pub fn zeros_like(&self) -> Self {
        self.full_like(Scalar::zero(self.dtype()))
    }

    /// See [`Array::ones_like`].
    pub fn ones_like(&self) -> Self {
        self.full_like(Scalar::one(self.dtype()))
    }

    /// See [`meshgrid`].
    pub fn meshgrid(arrays: &[&DynArray], indexing: Indexing) -> Result<Vec<Self>> {
        if let Some(other) = arrays.iter().find(|array| array.ndim() > 1) {
            let detail = format!("an array of shape {} is no list of coordinates", other.grid().shape_text());
            return Err(Error::shape("meshgrid", detail).with_remedy("give 1-d arrays"));
        }
        let place = |i: usize| match indexing {
            Indexing::Xy if i < 2 && arrays.len() > 1 => 1 - i,
            Indexing::Xy | Indexing::Ij => i,
        };
        let raised = arrays.iter().enumerate().map(|(i, array)| {
            let along = |axis: usize| (axis == place(i)).then_some(0);
            array.atleast_1d().view((0..arrays.len()).map(along).collect())
        });
        let raised: Vec<DynArray> = raised.collect();
        DynArray::broadcast_arrays(&raised.iter().collect::<Vec<_>>())
    }
}

impl<T: Element> Array<T> {
    /// An array of one value, of any element type, in the shape and chunks of this array.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::zeros([3, 4], Chunks::size(2))?;
    /// let y: Array<f32> = x.full_like(7.0);
    /// assert_eq!((y.grid() == x.grid(), y.sum().scalar()?), (true, 84.0));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn full_like<U: Element>(&self, value: U) -> Array<U> {
        Array::wrap(self.as_dyn().full_like(value.to_scalar()))
    }

    /// An array of zeros in the shape and chunks of this array; of another element type with
    /// [`full_like`](Self::full_like).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::ones([3], Chunks::size(2))?;
    /// assert_eq!((x.zeros_like().sum().scalar()?, x.zeros_like().n_blocks()), (0, 2));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn zeros_like(&self) -> Self {
        self.full_like(T::zero())
    }

    /// An array of ones in the shape and chunks of this array; of another element type with
    /// [`full_like`](Self::full_like).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::zeros([3], Chunks::size(2))?;
    /// assert_eq!(x.ones_like().sum().scalar()?, 3);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn ones_like(&self) -> Self {
        self.full_like(T::one())
    }

    /// The positions of every element along all axes, stacked along a first axis (NumPy's `indices`).
    ///
    /// # Errors
    /// A length is negative, or the chunks do not fit.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::all_indices([2, 2], Chunks::auto())?;
    /// assert_eq!(x.compute()?, ndarray::arr3(&[[[0, 0], [1, 1]], [[0, 1], [0, 1]]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "indices")]
    pub fn all_indices(shape: impl IntoShape, chunks: impl Into<Chunks>) -> Result<Self> {
        let (shape, chunks) = (checked_shape("indices", shape)?, chunks.into());
        if shape.is_empty() {
            return Array::zeros([0u64], Chunks::auto());
        }
        let axes = 0..shape.len() as isize;
        let each = axes.map(|axis| Self::indices(&shape[..], axis, chunks.clone())).collect::<Result<Vec<_>>>()?;
        Array::try_wrap(stack_dyn(&each.iter().map(Array::as_dyn).collect::<Vec<_>>(), 0))
    }
}

/// The coordinates of the points of a grid from the coordinates along each axis.
///
/// # Errors
/// An array has more than one axis.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::from_vec(vec![1, 2, 3], Chunks::auto())?;
/// let y = Array::from_vec(vec![10, 20], Chunks::auto())?;
/// let points = meshgrid(&[&x, &y], Indexing::Xy)?;
/// assert_eq!(points[0].compute()?, ndarray::arr2(&[[1, 2, 3], [1, 2, 3]]).into_dyn());
/// assert_eq!(points[1].compute()?, ndarray::arr2(&[[10, 10, 10], [20, 20, 20]]).into_dyn());
/// assert_eq!(meshgrid(&[&x, &y], Indexing::Ij)?[0].known_shape()?, [3, 2]);
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn meshgrid<T: Element>(arrays: &[&Array<T>], indexing: Indexing) -> Result<Vec<Array<T>>> {
    Ok(DynArray::meshgrid(&as_dyns(arrays), indexing)?.into_iter().map(Array::wrap).collect())
}
