//! Positions of several axes as one number in row-major order, and back: `ravel_multi_index`, `unravel_index`.

use super::create::{IntoShape, checked_shape};
use super::{Array, DynArray};
use crate::block::ArrayMeta;
use crate::element::{DType, Int};
use crate::error::{Error, Result, Shown};
use crate::kernels::named::{Flatten, Unflatten};

/// A shape whose elements can be numbered by `int64`.
fn numbered_shape(op: &'static str, shape: impl IntoShape) -> Result<Vec<u64>> {
    let shape = checked_shape(op, shape)?;
    let n = shape.iter().try_fold(1u64, |n, &len| n.checked_mul(len));
    if n.is_none_or(|n| i64::try_from(n).is_err()) {
        let detail = format!("shape {} has 2^63 elements or more", Shown(&shape));
        return Err(Error::shape(op, detail).with_remedy("number the elements of a part of it"));
    }
    Ok(shape)
}

fn whole_numbers(op: &'static str, array: &DynArray) -> Result<DynArray> {
    if !array.dtype().is_integral() || array.dtype() == DType::Bool {
        let detail = format!("positions are integers, not {}", array.dtype());
        return Err(Error::dtype(op, detail).with_remedy("convert them with `astype`"));
    }
    Ok(array.astype(DType::I64).to_dense())
}

impl DynArray {
    /// See [`ravel_multi_index`].
    pub fn ravel_multi_index(positions: &[&DynArray], shape: impl IntoShape) -> Result<Array<i64>> {
        const OP: &str = "ravel_multi_index";
        let shape = numbered_shape(OP, shape)?;
        if positions.len() != shape.len() || shape.is_empty() {
            let detail = format!("{} lists of positions for shape {}", positions.len(), Shown(&shape));
            return Err(Error::shape(OP, detail).with_remedy("give one array of positions for each axis"));
        }
        let positions = positions.iter().map(|array| whole_numbers(OP, array)).collect::<Result<Vec<_>>>()?;
        let positions: Vec<&DynArray> = positions.iter().collect();
        let inputs = DynArray::broadcast_arrays(&positions).map_err(|error| error.of_op(OP))?;
        let meta = ArrayMeta::dense(DType::I64, inputs[0].grid().clone());
        let same: Vec<Option<usize>> = (0..meta.grid.ndim()).map(Some).collect();
        let operands: Vec<_> = inputs.iter().map(|input| (input, same.clone())).collect();
        Ok(Array::wrap(Self::map_kernel(OP, &Flatten { shape }, &operands, meta)?))
    }

    /// See [`Array::unravel_index`].
    pub fn unravel_index(&self, shape: impl IntoShape) -> Result<Vec<Array<i64>>> {
        const OP: &str = "unravel_index";
        let shape = numbered_shape(OP, shape)?;
        let numbers = whole_numbers(OP, self)?;
        let same: Vec<Option<usize>> = (0..numbers.ndim()).map(Some).collect();
        let along = |axis: usize| {
            let kernel = Unflatten { shape: shape.clone(), axis };
            Self::map_kernel(OP, &kernel, &[(&numbers, same.clone())], numbers.meta().clone()).map(Array::wrap)
        };
        (0..shape.len()).map(along).collect()
    }
}

impl<T: Int> Array<T> {
    /// The position along each axis of an array of some shape of the elements with these numbers, in row-major order.
    ///
    /// # Errors
    /// The shape has 2^63 elements or more. When run: a number is negative, or none of an element.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let numbers = Array::from_vec(vec![0, 4, 5], Chunks::size(2))?;
    /// let at = numbers.unravel_index([2, 3])?;
    /// assert_eq!(at[0].compute()?, ndarray::arr1(&[0, 1, 1]).into_dyn());
    /// assert_eq!(at[1].compute()?, ndarray::arr1(&[0, 1, 2]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn unravel_index(&self, shape: impl IntoShape) -> Result<Vec<Array<i64>>> {
        self.as_dyn().unravel_index(shape)
    }
}

/// The numbers, in row-major order, of elements of an array of some shape: one array of positions for each axis. They
/// broadcast.
///
/// # Errors
/// There are not as many arrays as axes, they do not broadcast, or the shape has 2^63 elements or more. When run: a position
/// is negative or beyond its axis.
///
/// # Examples
/// ```
/// use hyperslab::array::ravel_multi_index;
/// use hyperslab::prelude::*;
/// let (rows, columns) = (Array::from_vec(vec![0, 1, 1], Chunks::size(2))?, Array::from_vec(vec![0, 1, 2], Chunks::size(2))?);
/// assert_eq!(ravel_multi_index(&[&rows, &columns], [2, 3])?.compute()?, ndarray::arr1(&[0, 4, 5]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn ravel_multi_index<T: Int>(positions: &[&Array<T>], shape: impl IntoShape) -> Result<Array<i64>> {
    DynArray::ravel_multi_index(&positions.iter().map(|array| array.as_dyn()).collect::<Vec<_>>(), shape)
}
