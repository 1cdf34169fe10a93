//! Elements at points: lists of positions with several axes, `vindex`, `take_along_axis`.

use super::index::{Index, StepRule, are_apart, axes_of};
use super::typed::forward;
use super::{Array, DynArray};
use crate::chunks::select::normalize_axis;
use crate::chunks::unify::broadcast_shape;
use crate::element::{DType, Element, Int};
use crate::error::{Error, Result};
use crate::kernels::named::TakeAlong;

impl DynArray {
    /// An index expression with a list of positions that has not one axis: in the result its axes stand where those of a
    /// plain list would stand.
    pub(crate) fn index_with_tables(&self, op: &'static str, items: &[Index]) -> Result<Self> {
        let shape = table_shape(op, items)?;
        let place = self.place_of_lists(items);
        let flat = items.iter().map(|item| flattened(item, &shape)).collect::<Result<Vec<Index>>>()?;
        let listed = self.select_part(op, &flat, StepRule::NumPy)?;
        let lens = listed.known_shape()?;
        listed.reshape([&lens[..place], &shape, &lens[place + 1..]].concat())
    }

    /// The axis of the result that the lists of an index expression make.
    fn place_of_lists(&self, items: &[Index]) -> usize {
        if are_apart(items) {
            return 0;
        }
        let n_named: usize = items.iter().map(axes_of).sum();
        let before = items.iter().take_while(|item| !is_list(item));
        let shown = before.map(|item| match item {
            Index::At(_) => 0,
            Index::Ellipsis => self.ndim().saturating_sub(n_named),
            _ => 1,
        });
        shown.sum()
    }

    /// See [`Array::vindex`].
    pub fn vindex(&self, items: &[Index]) -> Result<Self> {
        let as_list = |item: &Index| match item {
            Index::At(at) => Index::List(vec![*at]),
            other => other.clone(),
        };
        let items: Vec<Index> = items.iter().map(as_list).collect();
        if !items.iter().any(is_list) {
            return Err(Error::bad_index("vindex", "no list of positions is given").with_remedy("use `index`"));
        }
        let n_axes = table_shape("vindex", &items)?.len();
        let place = self.place_of_lists(&items);
        let listed = self.index_with_tables("vindex", &items)?;
        let first = place..place + n_axes;
        let others = (0..listed.ndim()).filter(|axis| !first.contains(axis));
        Ok(listed.view(first.clone().chain(others).map(Some).collect()))
    }

    /// See [`Array::take_along_axis`].
    pub fn take_along_axis(&self, positions: &DynArray, axis: isize) -> Result<Self> {
        const OP: &str = "take_along_axis";
        let axis = normalize_axis(OP, axis, self.ndim())?;
        if !positions.dtype().is_integral() || positions.ndim() != self.ndim() {
            let detail = format!("positions of {} with {} axes", positions.dtype(), positions.ndim());
            return Err(Error::bad_index(OP, detail).with_remedy("give integers, with the axes of the array"));
        }
        let lanes = self.to_dense().joined_along(axis)?;
        let mut common = positions.to_dense().astype(DType::I64);
        for other in (0..self.ndim()).filter(|other| *other != axis) {
            if lanes.shape()[other] != common.shape()[other] {
                let shapes = [self.grid().shape_text(), positions.grid().shape_text()];
                return Err(Error::shape(OP, format!("shapes {} and {} differ beside the axis", shapes[0], shapes[1])));
            }
            common = common.to_grid(&common.grid().with_axis(other, lanes.grid().axis(other).clone()))?;
        }
        let along = |keeps: bool| (0..self.ndim()).map(|a| (keeps || a != axis).then_some(a)).collect::<Vec<_>>();
        let meta = common.meta().clone().with_dtype(self.dtype());
        Self::map_kernel(OP, &TakeAlong { axis }, &[(&lanes, along(false)), (&common, along(true))], meta)
    }
}

fn is_list(item: &Index) -> bool {
    matches!(item, Index::List(_) | Index::Table(_)) || is_lazy_list(item)
}

fn is_lazy_list(item: &Index) -> bool {
    matches!(item, Index::Array(array) if array.dtype().is_integral() && array.dtype() != DType::Bool)
}

/// Whether an item is a list of positions that has not one axis.
pub(crate) fn is_table(item: &Index) -> bool {
    match item {
        Index::Table(_) => true,
        Index::Array(array) => is_lazy_list(item) && array.ndim() != 1,
        _ => false,
    }
}

/// The shape that all lists of an index expression broadcast to.
fn table_shape(op: &'static str, items: &[Index]) -> Result<Vec<u64>> {
    let shape_of = |item: &Index| match item {
        Index::List(list) => Some(Ok(vec![list.len() as u64])),
        Index::Table(table) => Some(Ok(table.shape().iter().map(|&len| len as u64).collect())),
        Index::Array(array) if is_lazy_list(item) => Some(array.grid().require_shape(op)),
        _ => None,
    };
    items.iter().filter_map(shape_of).try_fold(Vec::new(), |all, shape| broadcast_shape(op, &all, &shape?))
}

/// An item with its list stretched to a shape and brought to one axis.
fn flattened(item: &Index, shape: &[u64]) -> Result<Index> {
    let lens: Vec<usize> = shape.iter().map(|&len| len as usize).collect();
    let stretched = |table: ndarray::ArrayViewD<'_, i64>| {
        // The shape is what all lists broadcast to.
        table.broadcast(lens.as_slice()).map(|table| Index::List(table.iter().copied().collect()))
    };
    let flat = match item {
        Index::List(list) => stretched(ndarray::ArrayView1::from(list).into_dyn()),
        Index::Table(table) => stretched(table.view()),
        Index::Array(array) if is_lazy_list(item) => Some(Index::Array(array.broadcast_to(shape)?.reshape([-1i64])?)),
        other => Some(other.clone()),
    };
    flat.ok_or_else(|| Error::bug("index", "a list does not broadcast to the shape of all lists"))
}

impl<T: Element> Array<T> {
    /// The elements along an axis whose positions an array of the same axes holds: with the positions that
    /// [`argsort`](Array::argsort) gives, the sorted array.
    ///
    /// # Errors
    /// The shapes differ beside the axis, or it is out of range. When run: a position lies outside.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[3, 1, 2], [6, 4, 5]]), Chunks::size(2))?;
    /// let order = x.argsort(1)?;
    /// assert_eq!(x.take_along_axis(&order, 1)?.compute()?, x.sort(1)?.compute()?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn take_along_axis<I: Int>(&self, positions: &Array<I>, axis: isize) -> Result<Self> {
        Self::try_wrap(self.as_dyn().take_along_axis(positions.as_dyn(), axis))
    }
}

forward! { try_same:
    /// The elements at points, as dask's `vindex`: lists of positions go together and broadcast, and their axes come first
    /// in the result, before the axes that are taken whole.
    ///
    /// # Errors
    /// No list is given, lists do not broadcast, or a position lies outside its axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 12, 1, Chunks::size(5))?.reshape([3, 4])?;
    /// assert_eq!(x.vindex(&idx![[0, 2], [1, 3]])?.compute()?, ndarray::arr1(&[1, 11]).into_dyn());
    /// let corners = x.vindex(&idx![ndarray::arr2(&[[0i64], [-1]]), ndarray::arr2(&[[0i64, -1]])])?;
    /// assert_eq!(corners.compute()?, ndarray::arr2(&[[0, 3], [8, 11]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn vindex(&self, items: &[Index]);
}
