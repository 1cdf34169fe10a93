//! Arrays side by side: `hstack`, `vstack`, `dstack`, `append`, nested blocks, and the axes that they add first.

use super::create::IntoShape;
use super::manipulate::{concatenate_dyn, stack_dyn};
use super::repeat::check_list;
use super::typed::forward;
use super::{Array, DynArray};
use crate::chunks::unify::{broadcast_grids, operand_grid};
use crate::element::Element;
use crate::error::{Error, Result};

/// The same arrays without their static type.
pub(crate) fn as_dyns<'a, T: Element>(arrays: &[&'a Array<T>]) -> Vec<&'a DynArray> {
    arrays.iter().map(|array| array.as_dyn()).collect()
}

fn concatenate_raised(
    op: &'static str,
    arrays: &[&DynArray],
    raise: impl Fn(&DynArray) -> DynArray,
    axis: isize,
) -> Result<DynArray> {
    let raised: Vec<DynArray> = arrays.iter().map(|array| raise(array)).collect();
    concatenate_dyn(&raised.iter().collect::<Vec<_>>(), axis).map_err(|error| error.of_op(op))
}

/// An array with the unknown lengths of others on the axes that stretch.
fn along_unknown(array: &DynArray, others: &[&DynArray]) -> Result<DynArray> {
    let unknown = |array: &DynArray, from_right: usize| {
        let axis = array.ndim().checked_sub(from_right);
        axis.is_some_and(|axis| array.grid().axis(axis).len().is_none())
    };
    others.iter().try_fold(array.clone(), |own, other| {
        let stretches = (1..=other.ndim()).any(|i| unknown(other, i) && !unknown(&own, i));
        if stretches { super::like::stretched_along(&own, other) } else { Ok(own) }
    })
}

impl DynArray {
    /// See [`concatenate`](super::concatenate); element types are promoted.
    pub fn concatenate(arrays: &[&DynArray], axis: isize) -> Result<Self> {
        concatenate_dyn(arrays, axis)
    }

    /// See [`stack`](super::stack); element types are promoted.
    pub fn stack(arrays: &[&DynArray], axis: isize) -> Result<Self> {
        stack_dyn(arrays, axis)
    }

    /// See [`hstack`]; element types are promoted.
    pub fn hstack(arrays: &[&DynArray]) -> Result<Self> {
        let of_lists = arrays.iter().all(|array| array.ndim() <= 1);
        concatenate_raised("hstack", arrays, DynArray::atleast_1d, isize::from(!of_lists))
    }

    /// See [`vstack`]; element types are promoted.
    pub fn vstack(arrays: &[&DynArray]) -> Result<Self> {
        concatenate_raised("vstack", arrays, DynArray::atleast_2d, 0)
    }

    /// See [`dstack`]; element types are promoted.
    pub fn dstack(arrays: &[&DynArray]) -> Result<Self> {
        concatenate_raised("dstack", arrays, DynArray::atleast_3d, 2)
    }

    /// See [`column_stack`]; element types are promoted.
    pub fn column_stack(arrays: &[&DynArray]) -> Result<Self> {
        let column = |array: &DynArray| match array.ndim() {
            0 => array.view(vec![None, None]),
            1 => array.view(vec![Some(0), None]),
            _ => array.clone(),
        };
        concatenate_raised("column_stack", arrays, column, 1)
    }

    /// See [`Array::append`]; element types are promoted.
    pub fn append(&self, other: &DynArray, axis: isize) -> Result<Self> {
        concatenate_dyn(&[self, other], axis).map_err(|error| error.of_op("append"))
    }

    /// See [`Array::append_flat`]; element types are promoted.
    pub fn append_flat(&self, other: &DynArray) -> Result<Self> {
        let flat = |array: &DynArray| array.ravel().map_err(|error| error.of_op("append_flat"));
        concatenate_dyn(&[&flat(self)?, &flat(other)?], 0)
    }

    /// See [`broadcast_arrays`].
    pub fn broadcast_arrays(arrays: &[&DynArray]) -> Result<Vec<Self>> {
        let grids: Vec<_> = arrays.iter().map(|array| array.grid()).collect();
        let common = broadcast_grids("broadcast_arrays", &grids)?;
        let stretch = |array: &&DynArray| {
            let array = along_unknown(array, arrays)?;
            Ok(array.to_grid(&operand_grid(array.grid(), &common))?.stretched(&common))
        };
        arrays.iter().map(stretch).collect()
    }

    /// See [`Array::atleast_1d`].
    pub fn atleast_1d(&self) -> Self {
        if self.ndim() == 0 { self.view(vec![None]) } else { self.clone() }
    }

    /// See [`Array::atleast_2d`].
    pub fn atleast_2d(&self) -> Self {
        match self.ndim() {
            0 => self.view(vec![None, None]),
            1 => self.view(vec![None, Some(0)]),
            _ => self.clone(),
        }
    }

    /// See [`Array::atleast_3d`].
    pub fn atleast_3d(&self) -> Self {
        match self.ndim() {
            0 => self.view(vec![None, None, None]),
            1 => self.view(vec![None, Some(0), None]),
            2 => self.view(vec![Some(0), Some(1), None]),
            _ => self.clone(),
        }
    }

    /// See [`block`].
    pub fn block(rows: &[Vec<&DynArray>]) -> Result<Self> {
        let joined = rows.iter().map(|row| concatenate_raised("block", row, DynArray::atleast_2d, -1));
        let joined = joined.collect::<Result<Vec<_>>>()?;
        concatenate_dyn(&joined.iter().collect::<Vec<_>>(), -2).map_err(|error| error.of_op("block"))
    }

    /// See [`Array::resize`].
    pub fn resize(&self, shape: impl IntoShape) -> Result<Self> {
        let shape = super::create::checked_shape("resize", shape)?;
        let wanted = shape.iter().try_fold(1u64, |n, &len| n.checked_mul(len));
        let wanted = wanted.ok_or_else(|| Error::shape("resize", "the elements overflow 64 bits"))?;
        let have = self.n_elems()?;
        if wanted == 0 || have == 0 {
            return DynArray::full(shape, crate::element::Scalar::zero(self.dtype()), crate::Chunks::auto());
        }
        check_list("resize", std::iter::once(wanted.div_ceil(have)))?;
        let flat = self.ravel()?;
        let copies: Vec<&DynArray> = (0..wanted.div_ceil(have)).map(|_| &flat).collect();
        let cut = crate::chunks::AxisRange::contiguous(0..wanted);
        concatenate_dyn(&copies, 0)?.slice_ranges(vec![Some(cut)])?.reshape(shape)
    }
}

/// Arrays one behind the other along their second axis; 0-d and 1-d ones along their only axis (NumPy's `hstack`).
///
/// # Errors
/// As [`concatenate`](super::concatenate).
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let a = Array::from_vec(vec![1, 2], Chunks::auto())?;
/// assert_eq!(hstack(&[&a, &a])?.compute()?, ndarray::arr1(&[1, 2, 1, 2]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn hstack<T: Element>(arrays: &[&Array<T>]) -> Result<Array<T>> {
    Array::try_wrap(DynArray::hstack(&as_dyns(arrays)))
}

/// Arrays one below the other along their first axis; 1-d ones are rows (NumPy's `vstack`).
///
/// # Errors
/// As [`concatenate`](super::concatenate).
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let a = Array::from_vec(vec![1, 2], Chunks::auto())?;
/// assert_eq!(vstack(&[&a, &a])?.compute()?, ndarray::arr2(&[[1, 2], [1, 2]]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[doc(alias = "row_stack")]
pub fn vstack<T: Element>(arrays: &[&Array<T>]) -> Result<Array<T>> {
    Array::try_wrap(DynArray::vstack(&as_dyns(arrays)))
}

/// Arrays one behind the other along their third axis, which arrays of fewer axes get (NumPy's `dstack`).
///
/// # Errors
/// As [`concatenate`](super::concatenate).
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let a = Array::from_vec(vec![1, 2], Chunks::auto())?;
/// assert_eq!(dstack(&[&a, &a])?.compute()?, ndarray::arr3(&[[[1, 1], [2, 2]]]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn dstack<T: Element>(arrays: &[&Array<T>]) -> Result<Array<T>> {
    Array::try_wrap(DynArray::dstack(&as_dyns(arrays)))
}

/// 1-d arrays as the columns of a matrix; 2-d ones stay as they are.
///
/// # Errors
/// As [`concatenate`](super::concatenate).
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let a = Array::from_vec(vec![1, 2], Chunks::auto())?;
/// let b = Array::from_vec(vec![3, 4], Chunks::auto())?;
/// assert_eq!(column_stack(&[&a, &b])?.compute()?, ndarray::arr2(&[[1, 3], [2, 4]]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn column_stack<T: Element>(arrays: &[&Array<T>]) -> Result<Array<T>> {
    Array::try_wrap(DynArray::column_stack(&as_dyns(arrays)))
}

/// A matrix from rows of matrices: each row is joined along the last axis, and the rows along the one before
/// (NumPy's `block` of two levels).
///
/// # Errors
/// As [`concatenate`](super::concatenate).
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let one = Array::<i64>::ones([2, 2], Chunks::auto())?;
/// let zero = Array::<i64>::zeros([2, 1], Chunks::auto())?;
/// let corner = Array::<i64>::full([1, 1], 7, Chunks::auto())?;
/// let m = block(&[vec![&one, &zero], vec![&zero.transpose(), &corner]])?;
/// assert_eq!(m.compute()?, ndarray::arr2(&[[1, 1, 0], [1, 1, 0], [0, 0, 7]]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn block<T: Element>(rows: &[Vec<&Array<T>>]) -> Result<Array<T>> {
    let rows: Vec<Vec<&DynArray>> = rows.iter().map(|row| as_dyns(row)).collect();
    Array::try_wrap(DynArray::block(&rows))
}

/// The arrays stretched to their common shape, in common chunks.
///
/// # Errors
/// The shapes do not broadcast.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let row = Array::from_vec(vec![1, 2], Chunks::auto())?;
/// let column = row.expand_dims(1)?;
/// let both = broadcast_arrays(&[&row, &column])?;
/// assert_eq!(both[0].compute()?, ndarray::arr2(&[[1, 2], [1, 2]]).into_dyn());
/// assert_eq!(both[1].compute()?, ndarray::arr2(&[[1, 1], [2, 2]]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn broadcast_arrays<T: Element>(arrays: &[&Array<T>]) -> Result<Vec<Array<T>>> {
    Ok(DynArray::broadcast_arrays(&as_dyns(arrays))?.into_iter().map(Array::wrap).collect())
}

impl<T: Element> Array<T> {
    /// Another array behind this one, along an axis.
    ///
    /// # Errors
    /// As [`concatenate`](super::concatenate).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let a = Array::from_vec(vec![1, 2], Chunks::auto())?;
    /// assert_eq!(a.append(&a, 0)?.compute()?, ndarray::arr1(&[1, 2, 1, 2]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn append(&self, other: &Array<T>, axis: isize) -> Result<Self> {
        Self::try_wrap(self.as_dyn().append(other.as_dyn(), axis))
    }

    /// The elements of this array and then those of another, along one axis (NumPy's `append` without an axis).
    ///
    /// # Errors
    /// A length is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let a = Array::<i64>::ones([2, 1], Chunks::auto())?;
    /// assert_eq!(a.append_flat(&Array::from_scalar(5))?.compute()?, ndarray::arr1(&[1, 1, 5]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn append_flat(&self, other: &Array<T>) -> Result<Self> {
        Self::try_wrap(self.as_dyn().append_flat(other.as_dyn()))
    }
}

forward! { same:
    /// The array, or a 1-d one for a 0-d array.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Array::from_scalar(7).atleast_1d().known_shape()?, [1]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn atleast_1d(&self);
    /// The array with at least two axes: a 1-d array becomes a row.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Array::<i64>::zeros([3], Chunks::auto())?.atleast_2d().known_shape()?, [1, 3]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn atleast_2d(&self);
    /// The array with at least three axes: a 1-d array of `n` elements gets shape `(1, n, 1)`, a matrix a last axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let a = Array::from_vec(vec![1, 2], Chunks::auto())?;
    /// assert_eq!(a.atleast_2d().known_shape()?, [1, 2]);
    /// assert_eq!(a.atleast_3d().known_shape()?, [1, 2, 1]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn atleast_3d(&self);
}

forward! { try_same:
    /// The elements in row-major order, repeated as often as another shape needs them (NumPy's `resize`);
    /// zeros if there are none.
    ///
    /// # Errors
    /// A length is unknown, or more copies are needed than can be listed in memory.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let a = Array::from_vec(vec![1, 2, 3], Chunks::auto())?;
    /// assert_eq!(a.resize([2, 2])?.compute()?, ndarray::arr2(&[[1, 2], [3, 1]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn resize(&self, shape: impl IntoShape);
}
