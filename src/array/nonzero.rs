//! Where elements are not zero, and what stands there: `nonzero`, `argwhere`, `compress`, `extract`.

use super::index::row_major_grid;
use super::typed::forward;
use super::{Array, DynArray};
use crate::chunks::select::normalize_axis;
use crate::element::Element;
use crate::error::{Error, Result};
use crate::graph::ops::NonzeroOp;

impl DynArray {
    /// See [`Array::argwhere`].
    pub fn argwhere(&self) -> Result<Array<i64>> {
        const OP: &str = "argwhere";
        if self.ndim() == 0 {
            return self.atleast_1d().argwhere()?.slice(ndarray::s![.., 0..0]);
        }
        self.grid().require_shape(OP)?;
        let ordered = self.to_grid(&row_major_grid(OP, self.grid(), self.dtype().size_bytes() as u64)?)?;
        // Equal places for equal elements: the lengths of all that is found in one array are the same.
        let meta = NonzeroOp::meta(ordered.meta(), self.name());
        Ok(Array::wrap(DynArray::build(NonzeroOp, &[&ordered], meta)))
    }

    /// See [`Array::nonzero`].
    pub fn nonzero(&self) -> Result<Vec<Array<i64>>> {
        if self.ndim() == 0 {
            return Err(Error::shape("nonzero", "a 0-d array has no axes to tell positions along"));
        }
        let places = self.argwhere()?;
        (0..self.ndim() as i64).map(|axis| places.index_axis(1, axis)).collect()
    }

    /// See [`Array::flatnonzero`].
    pub fn flatnonzero(&self) -> Result<Array<i64>> {
        self.ravel()?.argwhere()?.index_axis(1, 0)
    }

    /// See [`Array::compress`].
    pub fn compress(&self, condition: &[bool], axis: isize) -> Result<Self> {
        let at = normalize_axis("compress", axis, self.ndim())?;
        let len = self.known_len("compress", at)?;
        if condition.len() as u64 > len {
            let detail = format!("{} conditions are given for the {len} elements of axis {at}", condition.len());
            return Err(Error::shape("compress", detail));
        }
        let chosen = condition.iter().zip(0..).filter(|(chosen, _)| **chosen).map(|(_, at)| at);
        self.take_positions(at, &chosen.collect::<Vec<u64>>())
    }

    /// See [`Array::extract`].
    pub fn extract(&self, condition: &DynArray) -> Result<Self> {
        let chosen = |array: &DynArray| array.ravel()?.mask(condition.ravel()?);
        chosen(self).map_err(|error| error.of_op("extract"))
    }
}

impl<T: Element> Array<T> {
    /// The elements where a condition of the same size is true, both in row-major order.
    ///
    /// # Errors
    /// The numbers of elements differ, or a length is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[1, 2], [3, 4]]), Chunks::size(1))?;
    /// assert_eq!(x.extract(&(&x % 2).eq(0)?)?.compute()?, ndarray::arr1(&[2, 4]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn extract(&self, condition: &Array<bool>) -> Result<Self> {
        Self::try_wrap(self.as_dyn().extract(condition.as_dyn()))
    }
}

forward! { plain:
    /// The positions of the elements that are not zero, one row for each, in row-major order.
    ///
    /// # Chunks
    /// The rows are an axis of unknown length, with a chunk for each chunk of the first axis.
    ///
    /// # Errors
    /// A length is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[0, 5], [7, 0]]), Chunks::size(1))?;
    /// assert_eq!(x.argwhere()?.compute()?, ndarray::arr2(&[[0, 1], [1, 0]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn argwhere(&self) -> Result<Array<i64>>;
    /// The positions of the elements that are not zero along each axis: together they index just these elements.
    ///
    /// # Errors
    /// The array has no axes, or a length is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[0, 5], [7, 0]]), Chunks::size(1))?;
    /// let places = x.nonzero()?;
    /// assert_eq!(places[0].compute()?, ndarray::arr1(&[0, 1]).into_dyn());
    /// assert_eq!(places[1].compute()?, ndarray::arr1(&[1, 0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn nonzero(&self) -> Result<Vec<Array<i64>>>;
    /// The positions, in row-major order of all elements, of those that are not zero.
    ///
    /// # Errors
    /// A length is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[0, 5], [7, 0]]), Chunks::size(1))?;
    /// assert_eq!(x.flatnonzero()?.compute()?, ndarray::arr1(&[1, 2]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn flatnonzero(&self) -> Result<Array<i64>>;
}

forward! { try_same:
    /// The elements along an axis where a list of conditions is true; missing conditions are false.
    ///
    /// # Errors
    /// There are more conditions than elements, or the length is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 2, 3], Chunks::size(2))?;
    /// assert_eq!(x.compress(&[false, true], 0)?.compute()?, ndarray::arr1(&[2]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn compress(&self, condition: &[bool], axis: isize);
}
