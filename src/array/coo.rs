//! What eager sparse arrays share with lazy ones: index expressions, and reductions with options.
//!
//! ```
//! use hyperslab::prelude::*;
//! let a = Coo::new(&[[0, 0, 1, 2], [1, 2, 0, 3]], vec![5, 3, -2, 7], [3, 4])?;
//! assert_eq!(a.index(&idx![0, 1])?.get(&[])?, 5);
//! assert_eq!(a.index(&idx![[2, 0, 0]])?.nnz(), 5);
//! assert_eq!(a.max_with(Reduce::axes([1]).keepdims())?.shape(), [3, 1]);
//! # Ok::<(), hyperslab::Error>(())
//! ```

use ndarray::{ArrayD, Axis, SliceInfoElem};

use super::index::{Index, StepRule, equal_lists};
use super::{DynArray, Reduce};
use crate::block::ArrayMeta;
use crate::chunks::select::normalize_axes;
use crate::chunks::{AxisRange, Grid};
use crate::config::Config;
use crate::element::{DType, Element, Real, Scalar};
use crate::error::{Error, Result, Shown};
use crate::graph::ops::{FullOp, PointsOp};
use crate::kernels::{Ddof, Reduction, View, arranged, reduce_axes};
use crate::sparse::{Beside, Coo, CooBuilder, CooOperand};

/// What an index expression selects of an array: a box, then some points of it.
struct Selection {
    /// The range of every axis; the whole of it where there is a list.
    ranges: Vec<AxisRange>,
    /// Lists of equal lengths by axis, taken pointwise.
    lists: Vec<(usize, Vec<u64>)>,
    /// The axes of the result. Points, if there are lists, are axis 0 of what is shown, followed by the axes without lists.
    order: Vec<Option<usize>>,
}

impl Selection {
    fn new(op: &'static str, shape: &[u64], items: &[Index], rule: StepRule) -> Result<Self> {
        // Expressions are resolved against lazy arrays: this one is nothing but a shape.
        let nothing = FullOp { value: Scalar::Bool(false) };
        let like = DynArray::build(nothing, &[], ArrayMeta::dense(DType::Bool, Grid::single(shape)));
        let resolved = like.resolve(op, items, rule)?;
        if !resolved.lazy.is_empty() {
            return Err(Error::bad_index(op, "a lazy array is an index of an eager one")
                .with_remedy("compute it first, or make the sparse array lazy with `Array::from_coo`"));
        }
        let ranges = resolved.ranges.iter().zip(shape).map(|(range, &len)| range.unwrap_or(AxisRange::full(len)));
        let lists = equal_lists(op, &resolved.lists)?;
        let order = match lists.is_empty() {
            true => resolved.shown().to_vec(),
            false => resolved.axes_with_points(&PointsOp::new(lists.clone())),
        };
        Ok(Self { ranges: ranges.collect(), lists, order })
    }

    fn view(&self) -> View {
        View { axes: self.order.clone(), shape: vec![None; self.order.len()] }
    }

    /// The axes without lists.
    fn others(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.ranges.len()).filter(|axis| self.lists.iter().all(|(listed, _)| listed != axis))
    }

    /// The lengths of what is shown: points, then the axes without lists.
    fn lens(&self) -> Vec<u64> {
        let points = self.lists.first().map(|list| list.1.len() as u64);
        points.into_iter().chain(self.others().map(|axis| self.ranges[axis].len())).collect()
    }

    /// The C-order positions of all selected elements in the array: points, then the axes without lists.
    fn keys(&self, op: &'static str, shape: &[u64]) -> Result<ArrayD<u128>> {
        let mut strides = vec![1u128; shape.len()];
        for axis in (1..shape.len()).rev() {
            // The builder checked that the shape has less than 2^128 elements; one without elements has no positions.
            strides[axis - 1] = strides[axis].wrapping_mul(shape[axis] as u128);
        }
        let n_points = self.lists.first().map(|list| list.1.len());
        let point = |i: usize| -> u128 { self.lists.iter().map(|(axis, list)| list[i] as u128 * strides[*axis]).sum() };
        let points = n_points.map(|n| (0..n).map(point).collect::<Vec<u128>>());
        let along =
            |axis: usize| self.ranges[axis].positions().map(|at| at as u128 * strides[axis]).collect::<Vec<u128>>();
        let lens = self.lens();
        let n_elems = lens.iter().try_fold(1u64, |n, &len| n.checked_mul(len)).unwrap_or(u64::MAX);
        let budget = Config::global().memory_bytes();
        if n_elems.saturating_mul(16) > budget {
            return Err(Error::memory(op, n_elems.saturating_mul(16), budget).with_remedy("assign to a smaller part"));
        }
        let mut keys = vec![0u128];
        for offsets in points.into_iter().chain(self.others().map(along)) {
            keys = keys.iter().flat_map(|&key| offsets.iter().map(move |&offset| key + offset)).collect();
        }
        let lens: Vec<usize> = lens.iter().map(|&len| len as usize).collect();
        ArrayD::from_shape_vec(lens, keys).map_err(|error| Error::bug(op, error.to_string()))
    }

    /// Where each point lies on the listed axes, taken as one.
    fn rows(&self, shape: &[u64]) -> Vec<u64> {
        let n = self.lists.first().map_or(0, |list| list.1.len());
        (0..n).map(|i| self.lists.iter().fold(0, |at, (axis, list)| at * shape[*axis] + list[i])).collect()
    }
}

impl<T: Element> Coo<T> {
    /// The part that an index expression selects, with NumPy's meaning: see [`idx!`](crate::idx).
    ///
    /// Integers drop their axis, slices clamp, lists may repeat positions, several lists are taken pointwise, masks in
    /// memory select along as many axes as they have. The fill stays.
    ///
    /// # Errors
    /// A position lies outside of its axis, there are more items than axes, or an item is a lazy array.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let a = Coo::new(&[[0, 0, 1, 2], [1, 2, 0, 3]], vec![5, 3, -2, 7], [3, 4])?;
    /// assert_eq!(a.index(&idx![.., [3, 1]])?.to_dense()?, ndarray::arr2(&[[0, 5], [0, 0], [7, 0]]).into_dyn());
    /// assert_eq!(a.index(&idx![[0, 2], [1, 3]])?.values(), [5, 7]);
    /// assert_eq!(a.index(&idx![NewAxis, 1, ..2])?.shape(), [1, 2]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "getitem")]
    pub fn index(&self, items: &[Index]) -> Result<Coo<T>> {
        self.select("index", &Selection::new("index", self.shape(), items, StepRule::NumPy)?)
    }

    /// The part that one of ndarray's slice expressions selects: `s![1.., ..;-1]`.
    ///
    /// # Errors
    /// As [`index`](Coo::index).
    ///
    /// ```
    /// use hyperslab::prelude::*;
    /// let a = Coo::new(&[[1, 3]], vec![5, 6], [4])?;
    /// assert_eq!(a.slice_with(s![..;-1])?, Coo::new(&[[0, 2]], vec![6, 5], [4])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn slice_with(&self, info: impl AsRef<[SliceInfoElem]>) -> Result<Coo<T>> {
        let items: Vec<Index> = info.as_ref().iter().map(Index::from).collect();
        self.select("slice", &Selection::new("slice", self.shape(), &items, StepRule::NdArray)?)
    }

    fn select(&self, op: &'static str, selection: &Selection) -> Result<Coo<T>> {
        let sliced = self.slice(&selection.ranges)?;
        if selection.lists.is_empty() {
            return selection.view().of(&sliced);
        }
        let listed = selection.lists.iter().map(|(axis, _)| *axis);
        let order: Vec<isize> = listed.clone().chain(selection.others()).map(|axis| axis as isize).collect();
        let n_rows = listed.map(|axis| self.shape()[axis]).try_fold(1u64, u64::checked_mul);
        let n_rows = n_rows.filter(|&n| i64::try_from(n).is_ok()).ok_or_else(|| {
            Error::shape(op, format!("the listed axes of shape {} have 2^63 positions or more", Shown(self.shape())))
                .with_remedy("take one list at a time")
        })?;
        let shape: Vec<u64> = std::iter::once(n_rows).chain(selection.lens().split_off(1)).collect();
        let rows: Vec<i64> = selection.rows(self.shape()).iter().map(|&row| row as i64).collect();
        selection.view().of(&sliced.transpose(&order)?.reshape(shape)?.take(&rows, 0)?)
    }

    /// The array with the part that an index expression selects replaced: by a value, or by an array that broadcasts.
    ///
    /// # Errors
    /// As [`index`](Coo::index), or the value does not broadcast to the part, or entries do not fit in memory.
    ///
    /// # Complexity
    /// As [`assign_coo`](Coo::assign_coo); with lists or masks, every selected element is looked at, and where a position is
    /// selected more than once the last one stays.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let a = Coo::new(&[[0, 2]], vec![5, 6], [4])?;
    /// let b = a.assign_index(&idx![1..3], 9)?;
    /// assert_eq!(b, Coo::new(&[[0, 1, 2]], vec![5, 9, 9], [4])?);
    /// assert_eq!(b.assign_index(&idx![[0, 0]], &ndarray::arr1(&[7, 0]).into_dyn())?.nnz(), 2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "setitem")]
    pub fn assign_index(&self, items: &[Index], value: impl CooOperand<T>) -> Result<Coo<T>> {
        const OP: &str = "assign_index";
        let selection = Selection::new(OP, self.shape(), items, StepRule::NumPy)?;
        match value.into_beside() {
            Beside::Sparse(value) if selection.lists.is_empty() && value.ndim() == 0 => {
                self.assign(&selection.ranges, value.get(&[])?)
            }
            value => {
                let mut builder = CooBuilder::from(self);
                builder.assign_selection(OP, &selection, value)?;
                Ok(builder.build())
            }
        }
    }
}

impl<T: Element> CooBuilder<T> {
    /// Replaces the part that an index expression selects: by a value, or by an array that broadcasts.
    ///
    /// # Errors
    /// As [`Coo::index`], or the value does not broadcast to the part.
    ///
    /// # Complexity
    /// One look-up per selected element.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// use hyperslab::sparse::CooBuilder;
    /// let mut b = CooBuilder::new([3, 4], 0)?;
    /// b.assign_index(&idx![1..3, 2], 7)?;
    /// b.assign_index(&idx![[0, 2], [1, 3]], &ndarray::arr1(&[10, 20]).into_dyn())?;
    /// assert_eq!(b.build(), Coo::new(&[[0, 1, 2, 2], [1, 2, 2, 3]], vec![10, 7, 7, 20], [3, 4])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "setitem")]
    pub fn assign_index(&mut self, items: &[Index], value: impl CooOperand<T>) -> Result<()> {
        const OP: &str = "assign_index";
        let selection = Selection::new(OP, self.shape(), items, StepRule::NumPy)?;
        self.assign_selection(OP, &selection, value.into_beside())
    }

    fn assign_selection(&mut self, op: &'static str, selection: &Selection, value: Beside<T>) -> Result<()> {
        let keys = selection.keys(op, self.shape())?;
        let keys = arranged(keys.view(), &selection.order);
        let value = dense_value(op, value, keys.shape())?;
        let lens = keys.raw_dim();
        let values = value.broadcast(lens).ok_or_else(|| {
            let (given, part) = (value.shape().to_vec(), keys.shape().to_vec());
            Error::broadcast(op, &Shown(&given), &Shown(&part))
        })?;
        keys.iter().zip(values).for_each(|(&key, &value)| self.put(key, value));
        Ok(())
    }
}

/// The value of an assignment as a dense array that may still be broadcast.
fn dense_value<T: Element>(op: &'static str, value: Beside<T>, part: &[usize]) -> Result<ArrayD<T>> {
    let mut array = match value {
        Beside::Sparse(coo) => coo.to_dense()?,
        Beside::Dense(array) => array,
    };
    // NumPy drops axes of length 1 in front where the value has more axes than the part.
    while array.ndim() > part.len() && array.len_of(Axis(0)) == 1 {
        array = array.index_axis_move(Axis(0), 0);
    }
    if array.ndim() > part.len() {
        return Err(Error::broadcast(op, &Shown(array.shape()), &Shown(part)));
    }
    Ok(array)
}

/// Makes the reductions with options.
macro_rules! reductions {
    ($($bound:ident: $with:ident -> $out:ty, |$options:ident| $reduction:expr;)*) => {$(
        impl<T: $bound> Coo<T> {
            #[doc = concat!("The reduction of the name, with options; see [`Array::", stringify!($with), "`](super::Array::", stringify!($with), ").")]
            ///
            /// # Errors
            /// An axis is out of range or named twice, or there is no answer somewhere.
            pub fn $with(&self, options: Reduce) -> Result<Coo<$out>> {
                let $options = &options;
                reduce_with(self, $reduction, $options)
            }
        }
    )*};
}
reductions! {
    Element: sum_with -> T::Sum, |_options| Reduction::Sum;
    Element: prod_with -> T::Sum, |_options| Reduction::Prod;
    Real: min_with -> T, |_options| Reduction::Min;
    Real: max_with -> T, |_options| Reduction::Max;
    Element: any_with -> bool, |_options| Reduction::Any;
    Element: all_with -> bool, |_options| Reduction::All;
    Element: count_nonzero_with -> i64, |_options| Reduction::CountNonzero;
    Element: mean_with -> T::Mean, |_options| Reduction::Mean;
    Element: var_with -> T::Spread, |options| Reduction::Var { ddof: Ddof::new(options.ddof) };
    Element: std_with -> T::Spread, |options| Reduction::Std { ddof: Ddof::new(options.ddof) };
    Real: argmin_with -> i64, |_options| Reduction::ArgMin;
    Real: argmax_with -> i64, |_options| Reduction::ArgMax;
    Element: nansum_with -> T::Sum, |_options| Reduction::NanSum;
    Element: nanprod_with -> T::Sum, |_options| Reduction::NanProd;
    Real: nanmin_with -> T, |_options| Reduction::NanMin;
    Real: nanmax_with -> T, |_options| Reduction::NanMax;
    Element: nanmean_with -> T::Mean, |_options| Reduction::NanMean;
    Element: nanvar_with -> T::Spread, |options| Reduction::NanVar { ddof: Ddof::new(options.ddof) };
    Element: nanstd_with -> T::Spread, |options| Reduction::NanStd { ddof: Ddof::new(options.ddof) };
    Real: nanargmin_with -> i64, |_options| Reduction::NanArgMin;
    Real: nanargmax_with -> i64, |_options| Reduction::NanArgMax;
}

fn reduce_with<T: Element, R: Element>(coo: &Coo<T>, reduction: Reduction, options: &Reduce) -> Result<Coo<R>> {
    let axes: Vec<isize> = options.axes.clone().unwrap_or_else(|| (0..coo.ndim() as isize).collect());
    let reduced = reduce_axes(coo, reduction, &axes)?;
    if !options.keepdims {
        return Ok(reduced);
    }
    let gone = normalize_axes(reduction.name(), &axes, coo.ndim())?;
    let kept = coo.shape().iter().enumerate().map(|(axis, &len)| if gone.contains(&axis) { 1 } else { len });
    reduced.reshape(kept.collect::<Vec<u64>>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::array::{Array, Ellipsis, NewAxis};
    use crate::chunks::Chunks;
    use crate::sparse::testing::dense_with_fill;

    fn item(len: usize) -> impl Strategy<Value = Index> {
        let n = len as i64;
        prop_oneof![
            (-n..n).prop_map(Index::At),
            (prop::option::of(-6i64..7), prop::option::of(-6i64..7), prop_oneof![1i64..4, -3i64..0])
                .prop_map(|(start, stop, step)| Index::Slice { start, stop, step }),
            prop::collection::vec(-n..n, 3).prop_map(Index::List),
            prop::collection::vec(any::<bool>(), len).prop_map(|mask| if mask.iter().filter(|m| **m).count() == 3 {
                Index::from(mask)
            } else {
                Index::from(..)
            }),
        ]
    }

    fn cases() -> impl Strategy<Value = (ArrayD<i64>, Vec<Index>)> {
        prop::collection::vec(1usize..5, 1..4).prop_flat_map(|shape| {
            let items: Vec<_> = shape.iter().map(|&len| item(len).boxed()).collect();
            let extras = (any::<prop::sample::Index>(), any::<[bool; 2]>(), any::<prop::sample::Index>());
            (dense_with_fill(shape, 3i64), items, extras).prop_map(|(a, mut items, (at, [new, dots], cut))| {
                if dots {
                    let from = cut.index(items.len());
                    items.truncate(from);
                    items.push(Ellipsis.into());
                }
                if new {
                    items.insert(at.index(items.len() + 1), NewAxis.into());
                }
                (a, items)
            })
        })
    }

    proptest! {
        #[test]
        fn parts_are_those_of_lazy_dense_arrays((a, items) in cases()) {
            let coo = Coo::from_dense_with_fill(&a.view(), 3).unwrap();
            let lazy = Array::from_ndarray(a.clone(), Chunks::auto()).unwrap();
            let expected = lazy.index(&items).unwrap().compute().unwrap();
            let found = coo.index(&items).unwrap();
            prop_assert_eq!(found.fill(), 3);
            prop_assert_eq!(found.to_dense().unwrap(), expected);
        }

        #[test]
        fn assignments_put_every_value_in_its_place((a, items) in cases(), one in 0i64..5) {
            let coo = Coo::from_dense_with_fill(&a.view(), 3).unwrap();
            // Where every element of the part comes from, in the order of the part.
            let numbers = ArrayD::from_shape_vec(a.raw_dim(), (0..a.len() as i64).collect()).unwrap();
            let from = Coo::from_dense(&numbers.view()).unwrap().index(&items).unwrap().to_dense().unwrap();
            let many = from.mapv(|at| (at * 7) % 5);
            let put = |value: &dyn Fn(usize) -> i64| {
                let mut put = a.clone();
                let flat = put.as_slice_mut().unwrap();
                from.iter().enumerate().for_each(|(i, &at)| flat[at as usize] = value(i));
                put
            };
            prop_assert_eq!(coo.assign_index(&items, one).unwrap().to_dense().unwrap(), put(&|_| one));
            let flat: Vec<i64> = many.iter().copied().collect();
            let expected = put(&|i| flat[i]);
            prop_assert_eq!(&coo.assign_index(&items, &many).unwrap().to_dense().unwrap(), &expected);
            let found = coo.assign_index(&items, Coo::from_dense_with_fill(&many.view(), 1).unwrap()).unwrap();
            prop_assert_eq!(&found.to_dense().unwrap(), &expected);
            prop_assert_eq!(found.nnz(), expected.iter().filter(|x| **x != 3).count());
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let a = Coo::<i64>::zeros([2, 3]).unwrap();
        assert!(a.index(&[Index::At(2)]).unwrap_err().is_index());
        assert!(a.index(&[Index::List(vec![0, 5])]).unwrap_err().is_index());
        assert!(a.index(&[Index::from(..), Index::from(..), Index::At(0)]).unwrap_err().is_index());
        assert!(a.index(&[Index::from([true, false, true])]).unwrap_err().is_shape());
        let lazy = Array::<i64>::zeros([1], Chunks::auto()).unwrap();
        assert!(a.index(&[Index::from(&lazy)]).unwrap_err().to_string().contains("compute it first"));
        assert!(a.assign_index(&[Index::At(0)], &ndarray::arr1(&[1, 2]).into_dyn()).unwrap_err().is_shape());
        let huge = Coo::<i64>::zeros([1 << 41, 1 << 41]).unwrap();
        assert_eq!(huge.index(&[Index::At(-1), Index::from(5..)]).unwrap().shape(), [(1 << 41) - 5]);
        assert!(huge.assign_index(&[Index::At(0)], Coo::ones([1]).unwrap()).unwrap_err().is_memory());
        assert_eq!(huge.assign_index(&[Index::At(0), Index::At(-1)], 1).unwrap().nnz(), 1);
    }

    #[test]
    fn options_of_reductions() {
        let a = Coo::new(&[[0, 1], [1, 2]], vec![4.0, 8.0], [2, 4]).unwrap();
        assert_eq!(a.sum_with(Reduce::all().keepdims()).unwrap().shape(), [1, 1]);
        assert_eq!(a.var_with(Reduce::axes([-1]).ddof(3.0)).unwrap().values(), [12.0, 48.0]);
        assert_eq!(
            a.argmax_with(Reduce::axes([1]).keepdims()).unwrap().to_dense().unwrap(),
            ndarray::arr2(&[[1], [2]]).into_dyn()
        );
        assert!(a.sum_with(Reduce::axes([2])).unwrap_err().is_shape());
    }
}
