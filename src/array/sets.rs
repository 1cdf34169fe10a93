//! Arrays as sets: distinct elements, membership, places in sorted lists.

use super::diagonal::positions;
use super::elementwise::{Operand, binary};
use super::manipulate::concatenate_dyn;
use super::reduce::Reduce;
use super::typed::forward;
use super::{Array, DynArray};
use crate::block::ArrayMeta;
use crate::chunks::{AxisChunks, Chunks, Grid};
use crate::element::{DType, Element, Real, Scalar, promote};
use crate::error::{Error, Result};
use crate::graph::Name;
use crate::kernels::named::{Distinct, InSorted, SearchSorted, Tally, TallyDistinct};
use crate::kernels::{ElemOp, Reduction};

/// Where [`searchsorted`](Array::searchsorted) puts an element among equal ones.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let list = Array::from_vec(vec![1, 2, 2], Chunks::auto())?;
/// assert_eq!(list.searchsorted(2, Side::Left)?.scalar()?, 1);
/// assert_eq!(list.searchsorted(2, Side::Right)?.scalar()?, 3);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// Before them.
    #[default]
    Left,
    /// Behind them.
    Right,
}

/// Lists of distinct elements that are merged at a time.
const FAN: u64 = 8;

/// Distinct elements with what [`unique_all`](Array::unique_all) tells of them. The first three arrays share one length.
///
/// # Examples
/// See [`unique_all`](Array::unique_all).
#[derive(Clone, Debug)]
pub struct Unique<T: Element> {
    /// The distinct elements, ascending.
    pub values: Array<T>,
    /// The first position of each, in row-major order of the array.
    pub index: Array<i64>,
    /// How often each occurs.
    pub counts: Array<i64>,
    /// For each element of the array, in the array's shape, its place among the distinct ones.
    pub inverse: Array<i64>,
}

impl DynArray {
    /// See [`Array::unique`].
    pub fn unique(&self) -> Result<Self> {
        let flat = self.to_dense().ravel()?;
        let name = Name::of(&("unique", self.name()));
        let chunks = |n_blocks| AxisChunks::unknown(Name::of(&(name, n_blocks)).size_var(), n_blocks);
        let meta = |n_blocks| ArrayMeta::dense(self.dtype(), Grid::new(vec![chunks(n_blocks)]));
        let n_blocks = flat.n_blocks();
        let of_blocks = Self::map_kernel("unique", &Distinct, &[(&flat, vec![Some(0)])], meta(n_blocks))?;
        if n_blocks == 1 { Ok(of_blocks) } else { of_blocks.fold_kernel("unique", &Distinct, 0, FAN, meta(1)) }
    }

    /// See [`Unique::counts`]: how often each of the distinct elements occurs.
    pub fn unique_counts(&self) -> Result<Array<i64>> {
        self.tally(Tally::Count, Reduction::Sum)
    }

    /// See [`Unique::index`]: where each of the distinct elements occurs first.
    pub fn unique_index(&self) -> Result<Array<i64>> {
        self.tally(Tally::First, Reduction::Min)
    }

    /// See [`Unique::inverse`]: the place of each element among the distinct ones.
    pub fn unique_inverse(&self) -> Result<Array<i64>> {
        self.unique()?.searchsorted(self, Side::Left)
    }

    /// What all blocks tell of each distinct element, reduced to one answer.
    fn tally(&self, tally: Tally, reduction: Reduction) -> Result<Array<i64>> {
        let values = self.unique()?;
        let flat = self.to_dense().ravel()?;
        let numbered =
            if flat.grid().is_known() { positions(flat.grid().axis(0)) } else { flat.running_numbers(tally)? };
        let rows = AxisChunks::regular(flat.n_blocks(), 1);
        let meta = ArrayMeta::dense(DType::I64, Grid::new(vec![rows, values.grid().axis(0).clone()]));
        let (listed, along) = (vec![None, Some(0)], vec![Some(0), None]);
        let inputs = [(&values, listed), (&flat, along.clone()), (&numbered, along)];
        let by_block = Self::map_kernel("unique", &TallyDistinct { tally }, &inputs, meta)?;
        Ok(Array::wrap(by_block.reduce(reduction, &Reduce::one(0))?))
    }

    /// The numbers 0, 1, 2, … along an axis of unknown length; any numbers where only counts are asked for.
    fn running_numbers(&self, tally: Tally) -> Result<Self> {
        let ones = self.full_like(Scalar::I64(1));
        if tally == Tally::Count {
            return Ok(ones);
        }
        binary(ElemOp::Subtract, &ones.cumsum(0)?, &DynArray::scalar_of(Scalar::I64(1)))
    }

    /// See [`Array::searchsorted`].
    pub fn searchsorted(&self, values: &DynArray, side: Side) -> Result<Array<i64>> {
        const OP: &str = "searchsorted";
        if self.ndim() != 1 {
            let detail = format!("a sorted list has 1 axis, not {}", self.ndim());
            return Err(Error::shape(OP, detail));
        }
        let dtype = promote(self.dtype(), values.dtype());
        let list = self.astype(dtype).to_dense().joined_along(0)?;
        let kernel = SearchSorted { behind_equal: side == Side::Right };
        list.look_up(OP, &kernel, &values.astype(dtype), DType::I64).map(Array::wrap)
    }

    /// Calls a kernel with this list, which is one block, and each block of elements.
    fn look_up<K: crate::kernels::NamedKernel>(
        &self,
        label: &'static str,
        kernel: &K,
        elements: &DynArray,
        dtype: DType,
    ) -> Result<Self> {
        let elements = elements.to_dense();
        let meta = elements.meta().clone().with_dtype(dtype);
        let inputs =
            [(self, vec![None; elements.ndim()]), (&elements, (0..elements.ndim()).map(Some).collect::<Vec<_>>())];
        Self::map_kernel(label, kernel, &inputs, meta)
    }

    /// See [`Array::isin`].
    pub fn isin(&self, tests: &DynArray) -> Result<Array<bool>> {
        let dtype = promote(self.dtype(), tests.dtype());
        tests.astype(dtype).unique()?.look_up("isin", &InSorted, &self.astype(dtype), DType::Bool).map(Array::wrap)
    }

    /// See [`Array::union1d`].
    pub fn union1d(&self, other: &DynArray) -> Result<Self> {
        concatenate_dyn(&[&self.ravel()?, &other.ravel()?], 0)?.unique()
    }

    /// See [`Array::intersect1d`].
    pub fn intersect1d(&self, other: &DynArray) -> Result<Self> {
        let values = self.unique()?;
        values.mask(values.isin(other)?.as_dyn())
    }

    /// See [`Array::setdiff1d`].
    pub fn setdiff1d(&self, other: &DynArray) -> Result<Self> {
        let values = self.unique()?;
        values.mask(values.isin(other)?.as_dyn().logical_not()?)
    }
}

impl<T: Element> Array<T> {
    /// The distinct elements with their first positions, their counts, and the place of each element among them.
    ///
    /// # Errors
    /// The array has several axes and one of unknown length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![3, 1, 3, 2, 1], Chunks::size(2))?;
    /// let unique = x.unique_all()?;
    /// assert_eq!(unique.values.compute()?, ndarray::arr1(&[1, 2, 3]).into_dyn());
    /// assert_eq!(unique.index.compute()?, ndarray::arr1(&[1, 3, 0]).into_dyn());
    /// assert_eq!(unique.counts.compute()?, ndarray::arr1(&[2, 1, 2]).into_dyn());
    /// assert_eq!(unique.inverse.compute()?, ndarray::arr1(&[2, 0, 2, 1, 0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn unique_all(&self) -> Result<Unique<T>> {
        let array = self.as_dyn();
        Ok(Unique {
            values: self.unique()?,
            index: array.unique_index()?,
            counts: array.unique_counts()?,
            inverse: array.unique_inverse()?,
        })
    }

    /// Where each of some values would be inserted in this sorted list to keep its order.
    ///
    /// The list must be sorted, NaN last; it is brought together in one block, the values keep their chunks.
    ///
    /// # Errors
    /// This array has not one axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let list = Array::from_vec(vec![1, 2, 2, 5], Chunks::size(3))?;
    /// let values = Array::from_vec(vec![2, 9], Chunks::auto())?;
    /// assert_eq!(list.searchsorted(&values, Side::Left)?.compute()?, ndarray::arr1(&[1, 4]).into_dyn());
    /// assert_eq!(list.searchsorted(&values, Side::Right)?.compute()?, ndarray::arr1(&[3, 4]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn searchsorted(&self, values: impl Operand<T>, side: Side) -> Result<Array<i64>> {
        self.as_dyn().searchsorted(&values.into_operand(), side)
    }

    /// Whether each element is among those of another array. NaN is among none.
    ///
    /// # Errors
    /// The tests have several axes and one of unknown length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 2, 3], Chunks::size(2))?;
    /// let tests = Array::from_vec(vec![3, 7, 1], Chunks::auto())?;
    /// assert_eq!(x.isin(&tests)?.compute()?, ndarray::arr1(&[true, false, true]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn isin(&self, tests: &Array<T>) -> Result<Array<bool>> {
        self.as_dyn().isin(tests.as_dyn())
    }

    /// The distinct elements of two arrays, ascending.
    ///
    /// # Errors
    /// An array has several axes and one of unknown length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let a = Array::from_vec(vec![3, 1], Chunks::auto())?;
    /// let b = Array::from_vec(vec![2, 3], Chunks::auto())?;
    /// assert_eq!(a.union1d(&b)?.compute()?, ndarray::arr1(&[1, 2, 3]).into_dyn());
    /// assert_eq!(a.intersect1d(&b)?.compute()?, ndarray::arr1(&[3]).into_dyn());
    /// assert_eq!(a.setdiff1d(&b)?.compute()?, ndarray::arr1(&[1]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn union1d(&self, other: &Array<T>) -> Result<Self> {
        Self::try_wrap(self.as_dyn().union1d(other.as_dyn()))
    }

    /// The distinct elements that both arrays have, ascending.
    ///
    /// # Errors
    /// An array has several axes and one of unknown length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let a = Array::from_vec(vec![3, 1], Chunks::auto())?;
    /// let b = Array::from_vec(vec![2, 3], Chunks::auto())?;
    /// assert_eq!(a.intersect1d(&b)?.compute()?, ndarray::arr1(&[3]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn intersect1d(&self, other: &Array<T>) -> Result<Self> {
        Self::try_wrap(self.as_dyn().intersect1d(other.as_dyn()))
    }

    /// The distinct elements that the other array has not, ascending.
    ///
    /// # Errors
    /// An array has several axes and one of unknown length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let a = Array::from_vec(vec![3, 1], Chunks::auto())?;
    /// let b = Array::from_vec(vec![2, 3], Chunks::auto())?;
    /// assert_eq!(a.setdiff1d(&b)?.compute()?, ndarray::arr1(&[1]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn setdiff1d(&self, other: &Array<T>) -> Result<Self> {
        Self::try_wrap(self.as_dyn().setdiff1d(other.as_dyn()))
    }
}

impl<T: Real> Array<T> {
    /// The number of the bin in which each element lies, between edges that ascend or descend.
    ///
    /// Bin `i` lies between edges `i - 1` and `i`. An edge belongs to the bin with the larger elements, or with
    /// [`Side::Right`] (NumPy's `right=True`) to that with the smaller ones.
    ///
    /// # Errors
    /// The edges neither ascend nor descend.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![0.5, 1.0, 3.0], Chunks::size(2))?;
    /// assert_eq!(x.digitize(&[1.0, 2.0], Side::Left)?.compute()?, ndarray::arr1(&[0, 1, 2]).into_dyn());
    /// assert_eq!(x.digitize(&[1.0, 2.0], Side::Right)?.compute()?, ndarray::arr1(&[0, 0, 2]).into_dyn());
    /// assert_eq!(x.digitize(&[2.0, 1.0], Side::Left)?.compute()?, ndarray::arr1(&[2, 1, 0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn digitize(&self, edges: &[T], closed: Side) -> Result<Array<i64>> {
        let ascends = edges.windows(2).all(|w| w[0] <= w[1]);
        if !ascends && !edges.windows(2).all(|w| w[0] >= w[1]) {
            return Err(Error::value("digitize", "the edges neither ascend nor descend").with_remedy("sort them"));
        }
        let mut sorted = edges.to_vec();
        if !ascends {
            sorted.reverse();
        }
        let list = Array::from_vec(sorted, Chunks::auto())?;
        let places = list.searchsorted(self, if closed == Side::Left { Side::Right } else { Side::Left })?;
        if ascends { Ok(places) } else { Array::from_scalar(edges.len() as i64).try_sub(&places) }
    }
}

forward! { try_same:
    /// The distinct elements in ascending order: NaN last, all NaN as one; of -0.0 and 0.0 the one that comes first.
    ///
    /// # Chunks
    /// One chunk of unknown length. Each block is sorted by itself; lists are merged in a tree.
    ///
    /// # Errors
    /// The array has several axes and one of unknown length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![3, 1, 3, 2, 1], Chunks::size(2))?;
    /// assert_eq!(x.unique()?.compute()?, ndarray::arr1(&[1, 2, 3]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn unique(&self);
}
