//! Products of arrays that are no matrices: `outer`, `inner`, `vdot`, `kron`.

use super::elementwise::{apply, binary};
use super::reduce::Reduce;
use super::{Array, DynArray};
use crate::element::{Element, promote};
use crate::error::{Error, Result};
use crate::kernels::{ElemOp, Reduction};

impl DynArray {
    /// See [`outer`].
    pub fn outer(&self, other: &DynArray) -> Result<Self> {
        let flat = |array: &DynArray| Ok(array.ravel().map_err(|error| error.of_op("outer"))?.atleast_1d());
        let (lhs, rhs) = (flat(self)?, flat(other)?);
        binary(ElemOp::Multiply, &lhs.view(vec![Some(0), None]), &rhs)
    }

    /// This array with as many axes of length 1 behind its own as another one has.
    pub(crate) fn raised_for_outer(&self, other: &DynArray) -> Self {
        let own = (0..self.ndim()).map(Some);
        self.view(own.chain(std::iter::repeat_n(None, other.ndim())).collect())
    }

    /// See [`inner`].
    pub fn inner(&self, other: &DynArray) -> Result<Self> {
        match (self.ndim(), other.ndim()) {
            (0, _) | (_, 0) => binary(ElemOp::Multiply, self, other),
            _ => self.tensordot(other, ([-1], [-1])).map_err(|error| error.of_op("inner")),
        }
    }

    /// See [`vdot`].
    pub fn vdot(&self, other: &DynArray) -> Result<Self> {
        let dtype = promote(self.dtype(), other.dtype());
        let flat = |array: &DynArray| array.astype(dtype).ravel().map_err(|error| error.of_op("vdot"));
        let (lhs, rhs) = (flat(self)?, flat(other)?);
        let lhs = if dtype.is_complex() { apply(ElemOp::Conj, &[&lhs])? } else { lhs };
        match (lhs.ndim(), rhs.ndim()) {
            (1, 1) => lhs.dot(&rhs).map_err(|error| error.of_op("vdot")),
            _ => Ok(binary(ElemOp::Multiply, &lhs, &rhs)?.reduce(Reduction::Sum, &Reduce::all())?.astype(dtype)),
        }
    }

    /// See [`kron`].
    pub fn kron(&self, other: &DynArray) -> Result<Self> {
        let ndim = self.ndim().max(other.ndim());
        let lead = |array: &DynArray, axis: usize| (axis + array.ndim()).checked_sub(ndim);
        // Axes alternate: one of the first, one of the second.
        let lhs = self.view((0..ndim).flat_map(|axis| [lead(self, axis), None]).collect());
        let rhs = other.view((0..ndim).flat_map(|axis| [None, lead(other, axis)]).collect());
        let (rows, columns) = (lhs.grid().require_shape("kron")?, rhs.grid().require_shape("kron")?);
        let shape =
            (0..ndim).map(|axis| rows[2 * axis].checked_mul(columns[2 * axis + 1])).collect::<Option<Vec<u64>>>();
        let shape = shape.ok_or_else(|| {
            let shapes = [self.grid().shape_text(), other.grid().shape_text()];
            Error::shape(
                "kron",
                format!("an axis gets 2^64 elements or more; operands {} and {}", shapes[0], shapes[1]),
            )
        })?;
        binary(ElemOp::Multiply, &lhs, &rhs)?.reshape(shape)
    }
}

/// All products of an element of one array and an element of another, both taken in row-major order.
///
/// # Errors
/// An array has several axes and one of unknown length.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let a = Array::from_vec(vec![1, 2], Chunks::auto())?;
/// let b = Array::from_vec(vec![3, 4, 5], Chunks::auto())?;
/// assert_eq!(outer(&a, &b)?.compute()?, ndarray::arr2(&[[3, 4, 5], [6, 8, 10]]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn outer<T: Element>(a: &Array<T>, b: &Array<T>) -> Result<Array<T>> {
    Array::try_wrap(a.as_dyn().outer(b.as_dyn()))
}

/// What an operation of two arrays makes of all pairs of their elements (NumPy's `ufunc.outer`): the axes of the first,
/// then those of the second.
///
/// # Errors
/// The operation fails.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let a = Array::from_vec(vec![1, 2], Chunks::auto())?;
/// let b = Array::from_vec(vec![10, 20, 30], Chunks::auto())?;
/// let sums = outer_with(&a, &b, |a, b| a.try_add(b))?;
/// assert_eq!(sums.compute()?, ndarray::arr2(&[[11, 21, 31], [12, 22, 32]]).into_dyn());
/// assert!(outer_with(&a, &b, |a, b| a.lt(b))?.all().scalar()?);
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn outer_with<T: Element, U: Element, V: Element>(
    a: &Array<T>,
    b: &Array<U>,
    op: impl FnOnce(&Array<T>, &Array<U>) -> Result<Array<V>>,
) -> Result<Array<V>> {
    op(&Array::wrap(a.as_dyn().raised_for_outer(b.as_dyn())), b)
}

/// The sum of products over the last axes of two arrays.
///
/// # Errors
/// The last axes differ in length.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let a = Array::from_ndarray(ndarray::arr2(&[[1, 2], [3, 4]]), Chunks::size(1))?;
/// assert_eq!(inner(&a, &a)?.compute()?, ndarray::arr2(&[[5, 11], [11, 25]]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn inner<T: Element>(a: &Array<T>, b: &Array<T>) -> Result<Array<T>> {
    Array::try_wrap(a.as_dyn().inner(b.as_dyn()))
}

/// The sum of products of all elements in row-major order, those of the first conjugated.
///
/// # Errors
/// The numbers of elements differ.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let a = Array::from_vec(vec![C64::new(0.0, 1.0), C64::new(2.0, 0.0)], Chunks::size(1))?;
/// assert_eq!(vdot(&a, &a)?.scalar()?, C64::new(5.0, 0.0));
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn vdot<T: Element>(a: &Array<T>, b: &Array<T>) -> Result<Array<T>> {
    Array::try_wrap(a.as_dyn().vdot(b.as_dyn()))
}

/// The Kronecker product: every element of the first array times the whole second one, as blocks of one array.
///
/// # Errors
/// A length is unknown.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let a = Array::from_vec(vec![1, 10], Chunks::auto())?;
/// let b = Array::from_vec(vec![1, 2, 3], Chunks::auto())?;
/// assert_eq!(kron(&a, &b)?.compute()?, ndarray::arr1(&[1, 2, 3, 10, 20, 30]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn kron<T: Element>(a: &Array<T>, b: &Array<T>) -> Result<Array<T>> {
    Array::try_wrap(a.as_dyn().kron(b.as_dyn()))
}
