//! The largest and the smallest elements.

use super::{Array, DynArray};
use crate::chunks::AxisChunks;
use crate::chunks::select::normalize_axis;
use crate::element::Real;
use crate::error::{Error, Result};
use crate::graph::ops::TopkOp;

impl DynArray {
    /// See [`Array::topk`].
    pub fn topk(&self, k: i64, axis: isize) -> Result<Self> {
        let axis = normalize_axis("topk", axis, self.ndim())?;
        if k == 0 {
            return Err(Error::value("topk", "k is 0").with_remedy("ask for k largest, or -k smallest elements"));
        }
        if self.dtype().is_complex() {
            return Err(Error::dtype("topk", format!("elements of {} have no order", self.dtype())));
        }
        let chunks = match self.grid().axis(axis).len() {
            Some(len) => AxisChunks::whole(len.min(k.unsigned_abs())),
            None => AxisChunks::unknown(crate::graph::Name::of(&("topk", self.name(), k, axis)).size_var(), 1),
        };
        let meta = crate::block::ArrayMeta { grid: self.grid().with_axis(axis, chunks), ..self.meta().clone() };
        let array = self.to_dense();
        let meta = crate::block::ArrayMeta { layout: array.layout(), ..meta };
        Ok(DynArray::build(TopkOp { k, axis }, &[&array], meta))
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
}
