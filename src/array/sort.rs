//! Sorting, and the largest and the smallest elements.

use super::{Array, DynArray};
use crate::block::ArrayMeta;
use crate::chunks::AxisChunks;
use crate::chunks::select::normalize_axis;
use crate::element::{DType, Real};
use crate::error::{Error, Result};
use crate::graph::ops::{SortOp, TopkOp};

impl DynArray {
    /// See [`Array::topk`].
    pub fn topk(&self, k: i64, axis: isize) -> Result<Self> {
        let axis = self.axis_in_order("topk", axis)?;
        self.best("topk", TopkOp { k, axis, positions: false })
    }

    /// See [`Array::argtopk`].
    pub fn argtopk(&self, k: i64, axis: isize) -> Result<Self> {
        let axis = self.axis_in_order("argtopk", axis)?;
        self.grid().require_axis_len("argtopk", axis)?;
        self.best("argtopk", TopkOp { k, axis, positions: true })
    }

    /// See [`Array::sort`].
    pub fn sort(&self, axis: isize) -> Result<Self> {
        self.sorted("sort", axis, false)
    }

    /// See [`Array::argsort`].
    pub fn argsort(&self, axis: isize) -> Result<Self> {
        self.sorted("argsort", axis, true)
    }

    fn sorted(&self, op: &'static str, axis: isize, positions: bool) -> Result<Self> {
        let axis = self.axis_in_order(op, axis)?;
        let len = self.grid().require_axis_len(op, axis)?;
        let array = self.to_dense().to_grid(&self.grid().with_axis(axis, AxisChunks::whole(len)))?;
        let dtype = if positions { DType::I64 } else { array.dtype() };
        let meta = ArrayMeta::dense(dtype, array.grid().clone());
        Ok(DynArray::build(SortOp { axis, positions }, &[&array], meta))
    }

    /// The number of an axis of elements that have an order.
    fn axis_in_order(&self, op: &'static str, axis: isize) -> Result<usize> {
        let axis = normalize_axis(op, axis, self.ndim())?;
        if self.dtype().is_complex() {
            return Err(Error::dtype(op, format!("elements of {} have no order", self.dtype())));
        }
        Ok(axis)
    }

    fn best(&self, op: &'static str, spec: TopkOp) -> Result<Self> {
        let TopkOp { k, axis, positions } = spec;
        if k == 0 {
            return Err(Error::value(op, "k is 0").with_remedy("ask for k largest, or -k smallest elements"));
        }
        let chunks = match self.grid().axis(axis).len() {
            Some(len) => AxisChunks::whole(len.min(k.unsigned_abs())),
            None => AxisChunks::unknown(crate::graph::Name::of(&("topk", self.name(), k, axis)).size_var(), 1),
        };
        let dtype = if positions { DType::I64 } else { self.dtype() };
        let meta = ArrayMeta::dense(dtype, self.grid().with_axis(axis, chunks));
        Ok(DynArray::build(spec, &[&self.to_dense()], meta))
    }
}

impl<T: Real> Array<T> {
    /// The `k` largest elements along an axis, largest first; for a negative `k` the smallest, smallest first.
    ///
    /// All elements if there are fewer. Works along axes of unknown length.
    ///
    /// # Errors
    /// `k` is 0, or the axis is out of range.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![3, 1, 4, 1, 5], Chunks::size(2))?;
    /// assert_eq!(x.topk(2, 0)?.compute()?, ndarray::arr1(&[5, 4]).into_dyn());
    /// assert_eq!(x.topk(-2, 0)?.compute()?, ndarray::arr1(&[1, 1]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn topk(&self, k: i64, axis: isize) -> Result<Self> {
        Self::try_wrap(self.as_dyn().topk(k, axis))
    }

    /// The positions of what [`topk`](Self::topk) finds, along the axis; of equal elements, the first ones.
    ///
    /// # Errors
    /// `k` is 0, the axis is out of range, or its length is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![3, 1, 4, 1, 5], Chunks::size(2))?;
    /// assert_eq!(x.argtopk(2, 0)?.compute()?, ndarray::arr1(&[4, 2]).into_dyn());
    /// assert_eq!(x.argtopk(-2, 0)?.compute()?, ndarray::arr1(&[1, 3]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn argtopk(&self, k: i64, axis: isize) -> Result<Array<i64>> {
        Array::try_wrap(self.as_dyn().argtopk(k, axis))
    }

    /// The elements along an axis in ascending order, as NumPy's `sort`: NaN last, equal elements in their order.
    ///
    /// # Chunks
    /// The axis becomes one chunk: whole lanes must fit into memory.
    ///
    /// # Errors
    /// The axis is out of range, or its length is unknown.
    ///
    /// # Complexity
    /// `n log n` comparisons for lanes of `n` elements.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![3, 1, 4, 1, 5], Chunks::size(2))?;
    /// assert_eq!(x.sort(0)?.compute()?, ndarray::arr1(&[1, 1, 3, 4, 5]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn sort(&self, axis: isize) -> Result<Self> {
        Self::try_wrap(self.as_dyn().sort(axis))
    }

    /// The positions along an axis that would [`sort`](Self::sort) it.
    ///
    /// # Errors
    /// As [`sort`](Self::sort).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![3, 1, 4, 1, 5], Chunks::size(2))?;
    /// assert_eq!(x.argsort(-1)?.compute()?, ndarray::arr1(&[1, 3, 0, 2, 4]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn argsort(&self, axis: isize) -> Result<Array<i64>> {
        Array::try_wrap(self.as_dyn().argsort(axis))
    }
}
