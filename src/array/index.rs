//! Parts of arrays: slices, integers, new axes, lists and masks.

use ndarray::{ArrayD, SliceInfoElem};

use super::DynArray;
use super::typed::forward;
use crate::block::{ArrayMeta, Layout};
use crate::chunks::select::{normalize_axis, normalize_index};
use crate::chunks::{AxisChunks, AxisRange, Grid};
use crate::config::Config;
use crate::element::{DType, Scalar};
use crate::error::{Error, Result};
use crate::graph::ops::{FullOp, MaskOp, PointsOp, TakeAtOp, TakeOp};

/// One item of an index expression, as the [`idx!`](crate::idx) macro makes them.
///
/// The meaning is NumPy's: slices clamp, negative positions count from the end, several lists are taken pointwise.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<i64>::arange(0, 6, 1, Chunks::size(4))?;
/// let backwards = Index::Slice { start: Some(-1), stop: Some(2), step: -2 };                // x[-1:2:-2]
/// assert_eq!(x.index(&[backwards])?.compute()?, ndarray::arr1(&[5, 3]).into_dyn());
/// assert_eq!(x.index(&[Index::from([0, 0])])?.compute()?, ndarray::arr1(&[0, 0]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug)]
pub enum Index {
    /// Positions from `start` to before `stop`, `step` apart; negative numbers count from the end.
    Slice {
        /// The first position; the first or last of the axis if missing.
        start: Option<i64>,
        /// The position before which the slice ends; the end of the axis if missing.
        stop: Option<i64>,
        /// The distance from one position to the next; not 0.
        step: i64,
    },
    /// One position; the axis disappears.
    At(i64),
    /// A new axis of length 1.
    NewAxis,
    /// As many whole axes as are not named by the other items.
    Ellipsis,
    /// A list of positions.
    List(Vec<i64>),
    /// Positions with any number of axes, which the result has in place of the indexed one.
    Table(ArrayD<i64>),
    /// The true elements of a mask in memory, over as many axes as it has.
    Mask(ArrayD<bool>),
    /// The true elements of a lazy mask, or the positions in a lazy array of integers.
    Array(DynArray),
}

/// A new axis in an [`idx!`](crate::idx) expression.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<i64>::zeros([4], Chunks::auto())?;
/// assert_eq!(x.index(&idx![NewAxis, ..])?.known_shape()?, [1, 4]);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NewAxis;

/// All axes that are not named in an [`idx!`](crate::idx) expression.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<i64>::zeros([2, 3, 4], Chunks::auto())?;
/// assert_eq!(x.index(&idx![Ellipsis, 0])?.known_shape()?, [2, 3]);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Ellipsis;

/// Makes a list of [`Index`] items: ranges, integers, lists, masks, [`NewAxis`] and [`Ellipsis`].
///
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<i64>::arange(0, 12, 1, Chunks::size(5))?.reshape([3, 4])?;
/// let y = x.index(&idx![[2, 0, 0], 1..3])?;
/// assert_eq!(y.compute()?, ndarray::arr2(&[[9, 10], [1, 2], [1, 2]]).into_dyn());
/// assert_eq!(x.index(&idx![Ellipsis, NewAxis, -1])?.known_shape()?, [3, 1]);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[macro_export]
macro_rules! idx {
    ($($item:expr),* $(,)?) => { [$($crate::array::Index::from($item)),*] };
}

macro_rules! index_from_int {
    ($($t:ty),*) => {$(
        impl From<$t> for Index {
            fn from(at: $t) -> Self { Index::At(at as i64) }
        }
        impl From<std::ops::Range<$t>> for Index {
            fn from(range: std::ops::Range<$t>) -> Self {
                Index::Slice { start: Some(range.start as i64), stop: Some(range.end as i64), step: 1 }
            }
        }
        impl From<std::ops::RangeFrom<$t>> for Index {
            fn from(range: std::ops::RangeFrom<$t>) -> Self {
                Index::Slice { start: Some(range.start as i64), stop: None, step: 1 }
            }
        }
        impl From<std::ops::RangeTo<$t>> for Index {
            fn from(range: std::ops::RangeTo<$t>) -> Self {
                Index::Slice { start: None, stop: Some(range.end as i64), step: 1 }
            }
        }
        impl<const N: usize> From<[$t; N]> for Index {
            fn from(list: [$t; N]) -> Self { Index::List(list.iter().map(|&at| at as i64).collect()) }
        }
        impl From<Vec<$t>> for Index {
            fn from(list: Vec<$t>) -> Self { Index::List(list.into_iter().map(|at| at as i64).collect()) }
        }
        impl From<&[$t]> for Index {
            fn from(list: &[$t]) -> Self { Index::List(list.iter().map(|&at| at as i64).collect()) }
        }
    )*};
}
index_from_int!(i32, i64, u64, usize);

impl From<std::ops::RangeFull> for Index {
    fn from(_: std::ops::RangeFull) -> Self {
        Index::Slice { start: None, stop: None, step: 1 }
    }
}

impl From<NewAxis> for Index {
    fn from(_: NewAxis) -> Self {
        Index::NewAxis
    }
}

impl From<Ellipsis> for Index {
    fn from(_: Ellipsis) -> Self {
        Index::Ellipsis
    }
}

impl<const N: usize> From<[bool; N]> for Index {
    fn from(mask: [bool; N]) -> Self {
        Index::Mask(ndarray::Array1::from_vec(mask.to_vec()).into_dyn())
    }
}

impl From<Vec<bool>> for Index {
    fn from(mask: Vec<bool>) -> Self {
        Index::Mask(ndarray::Array1::from_vec(mask).into_dyn())
    }
}

impl<D: ndarray::Dimension> From<ndarray::Array<bool, D>> for Index {
    fn from(mask: ndarray::Array<bool, D>) -> Self {
        Index::Mask(mask.into_dyn())
    }
}

impl<D: ndarray::Dimension> From<ndarray::Array<i64, D>> for Index {
    fn from(positions: ndarray::Array<i64, D>) -> Self {
        Index::Table(positions.into_dyn())
    }
}

impl<T: crate::element::Element> From<&super::Array<T>> for Index {
    fn from(array: &super::Array<T>) -> Self {
        Index::Array(array.as_dyn().clone())
    }
}

impl From<&DynArray> for Index {
    fn from(array: &DynArray) -> Self {
        Index::Array(array.clone())
    }
}

impl From<&SliceInfoElem> for Index {
    /// ndarray's meaning: a negative step reverses the range, which is given forwards.
    fn from(elem: &SliceInfoElem) -> Self {
        match *elem {
            SliceInfoElem::Index(at) => Index::At(at as i64),
            SliceInfoElem::NewAxis => Index::NewAxis,
            SliceInfoElem::Slice { start, end, step } => {
                Index::Slice { start: Some(start as i64), stop: end.map(|end| end as i64), step: step as i64 }
            }
        }
    }
}

/// What an index expression asks of each axis of an array.
pub(crate) struct Resolved {
    /// The range of every axis.
    pub ranges: Vec<Option<AxisRange>>,
    /// Lists of positions, by axis.
    pub lists: Vec<(usize, Vec<u64>)>,
    /// Lazy masks and lists, by their first axis.
    pub lazy: Vec<(usize, DynArray)>,
    /// The axes of the result before lists are taken: an axis of the array, or a new one.
    axes: Vec<Option<usize>>,
    /// Whether integers and lists stand apart, so that the axis of the lists comes first.
    lists_first: bool,
}

/// How the slices of an expression read negative steps.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepRule {
    /// Start and stop lie in the direction of the step.
    NumPy,
    /// Start and stop lie forwards; a negative step reverses what they select.
    NdArray,
}

impl DynArray {
    /// Brings an index expression to one form and checks it against the array.
    pub(crate) fn resolve(&self, op: &'static str, items: &[Index], rule: StepRule) -> Result<Resolved> {
        let items = self.expand_masks(op, items)?;
        let n_named: usize = items.iter().map(axes_of).sum();
        if n_named > self.ndim() {
            let detail = format!("{n_named} axes are indexed in an array of shape {}", self.grid().shape_text());
            return Err(Error::bad_index(op, detail));
        }
        if items.iter().filter(|item| matches!(item, Index::Ellipsis)).count() > 1 {
            return Err(Error::bad_index(op, "an index has more than one ellipsis"));
        }
        let mut resolved = Resolved {
            ranges: vec![None; self.ndim()],
            lists: Vec::new(),
            lazy: Vec::new(),
            axes: Vec::new(),
            lists_first: are_apart(&items),
        };
        let mut axis = 0;
        for item in &items {
            match item {
                Index::Ellipsis => {
                    let n = self.ndim() - n_named;
                    resolved.axes.extend((axis..axis + n).map(Some));
                    axis += n;
                }
                Index::NewAxis => resolved.axes.push(None),
                item => {
                    self.resolve_item(op, item, axis, rule, &mut resolved)?;
                    axis += axes_of(item);
                }
            }
        }
        resolved.axes.extend((axis..self.ndim()).map(Some));
        Ok(resolved)
    }

    fn resolve_item(
        &self,
        op: &'static str,
        item: &Index,
        axis: usize,
        rule: StepRule,
        to: &mut Resolved,
    ) -> Result<()> {
        match item {
            Index::Slice { start: None | Some(0), stop: None, step: 1 } => to.axes.push(Some(axis)),
            Index::Slice { start, stop, step } => {
                let len = self.known_len(op, axis)?;
                to.ranges[axis] = Some(slice_range(*start, *stop, *step, len, rule)?);
                to.axes.push(Some(axis));
            }
            Index::At(at) => {
                let position = normalize_index(op, axis, *at, self.known_len(op, axis)?)?;
                to.ranges[axis] = Some(AxisRange::contiguous(position..position + 1));
            }
            Index::List(list) => {
                let len = self.known_len(op, axis)?;
                let positions = list.iter().map(|&at| normalize_index(op, axis, at, len)).collect::<Result<_>>()?;
                to.lists.push((axis, positions));
                to.axes.push(Some(axis));
            }
            Index::Array(array) => {
                to.axes.extend((axis..axis + axes_of(item)).map(Some));
                to.lazy.push((axis, array.clone()));
            }
            Index::Table(table) => {
                let detail = format!("positions with {} axes can not be assigned to", table.ndim());
                return Err(Error::bad_index(op, detail).with_remedy("assign to lists of positions"));
            }
            // Handled by the caller or turned into lists before.
            Index::NewAxis | Index::Ellipsis | Index::Mask(_) => {}
        }
        Ok(())
    }

    /// Replaces masks in memory by the positions of their true elements.
    fn expand_masks(&self, op: &'static str, items: &[Index]) -> Result<Vec<Index>> {
        let n_named: usize = items.iter().map(axes_of).sum();
        let mut axis = 0;
        let mut expanded = Vec::with_capacity(items.len());
        for item in items {
            if let Index::Mask(mask) = item {
                let axes = axis..(axis + mask.ndim()).min(self.ndim());
                let shape = axes.map(|a| self.known_len(op, a)).collect::<Result<Vec<u64>>>()?;
                if !mask.shape().iter().map(|&len| len as u64).eq(shape.iter().copied()) {
                    let (own, given) = (self.grid().shape_text(), crate::error::Shown(mask.shape()).to_string());
                    return Err(Error::shape(op, format!("a mask of shape {given} does not fit axis {axis} of {own}")));
                }
                expanded.extend(positions_of(mask));
            } else {
                expanded.push(item.clone());
            }
            axis += if matches!(item, Index::Ellipsis) { self.ndim().saturating_sub(n_named) } else { axes_of(item) };
        }
        Ok(expanded)
    }

    /// See [`Array::index`](super::Array::index).
    pub fn index(&self, items: &[Index]) -> Result<Self> {
        if items.iter().any(super::points::is_table) {
            return self.index_with_tables("index", items);
        }
        self.select_part("index", items, StepRule::NumPy)
    }

    /// See [`Array::slice`](super::Array::slice).
    pub fn slice(&self, info: impl AsRef<[SliceInfoElem]>) -> Result<Self> {
        let items: Vec<Index> = info.as_ref().iter().map(Index::from).collect();
        self.select_part("slice", &items, StepRule::NdArray)
    }

    pub(crate) fn select_part(&self, op: &'static str, items: &[Index], rule: StepRule) -> Result<Self> {
        let resolved = self.resolve(op, items, rule)?;
        let sliced = self.slice_ranges(resolved.ranges.clone())?;
        let (taken, axes) = match (resolved.lists.as_slice(), resolved.lazy.as_slice()) {
            ([], []) => (sliced, resolved.axes),
            ([(axis, positions)], []) => {
                let axes = resolved.axes_with_list(*axis);
                (sliced.take_positions(*axis, positions)?, axes)
            }
            ([], [(axis, array)]) => (sliced.select_lazy(op, array, *axis)?, resolved.axes_with_lazy(*axis, array)),
            (lists, []) => return sliced.take_points(op, lists, &resolved),
            (lists, lazy) => {
                let detail = format!("{} lists and {} lazy arrays in one index", lists.len(), lazy.len());
                return Err(Error::bad_index(op, detail).with_remedy("index in several steps"));
            }
        };
        Ok(taken.view(axes))
    }

    pub(crate) fn take_positions(&self, axis: usize, positions: &[u64]) -> Result<Self> {
        if let Some(range) = AxisRange::from_positions(positions) {
            return self.slice_ranges((0..self.ndim()).map(|a| (a == axis).then_some(range)).collect());
        }
        let op = TakeOp { axis, positions: positions.into() };
        let meta = op.meta(self.meta())?;
        Ok(DynArray::build(op, &[self], meta))
    }

    /// Several lists, taken pointwise; the result has one axis for all of them.
    fn take_points(&self, op: &'static str, lists: &[(usize, Vec<u64>)], resolved: &Resolved) -> Result<Self> {
        let points = PointsOp::new(equal_lists(op, lists)?);
        let order = resolved.axes_with_points(&points);
        Ok(self.at_points(points)?.view(order))
    }

    /// The elements at points: one axis for all lists, first, then the axes without lists.
    pub(crate) fn at_points(&self, points: PointsOp) -> Result<Self> {
        let meta = points.meta(self.meta())?;
        if meta.grid.axis(0).is_empty() {
            let nothing = FullOp { value: Scalar::zero(self.dtype()) };
            return Ok(DynArray::build(nothing, &[], ArrayMeta { layout: Layout::Dense, ..meta }));
        }
        Ok(DynArray::build(points, &[self], meta))
    }

    fn select_lazy(&self, op: &'static str, array: &DynArray, axis: usize) -> Result<Self> {
        match array.dtype() {
            DType::Bool => self.mask_from(op, array, axis),
            dtype if dtype.is_integral() && array.ndim() == 1 => self.take_lazy(array, axis),
            dtype => Err(Error::bad_index(op, format!("an array of {dtype} with {} axes is no index", array.ndim()))
                .with_remedy("index with booleans, or with integers along one axis")),
        }
    }

    /// The elements at the positions that an array of integers holds, along one axis.
    fn take_lazy(&self, positions: &DynArray, axis: usize) -> Result<Self> {
        self.known_len("index", axis)?;
        let array = self.with_whole_axes([axis])?.to_dense();
        let grid = array.grid().with_axis(axis, positions.grid().axis(0).clone());
        let meta = ArrayMeta { grid, ..array.meta().clone() };
        let positions = positions.astype(DType::I64).to_dense();
        Ok(DynArray::build(TakeAtOp { axis }, &[&array, &positions], meta))
    }

    /// See [`Array::mask`](super::Array::mask).
    pub fn mask(&self, mask: impl AsRef<DynArray>) -> Result<Self> {
        self.mask_from("mask", mask.as_ref(), 0)
    }

    /// See [`Array::mask_axis`](super::Array::mask_axis).
    pub fn mask_axis(&self, mask: impl AsRef<DynArray>, axis: isize) -> Result<Self> {
        let axis = normalize_axis("mask_axis", axis, self.ndim())?;
        self.mask_from("mask_axis", mask.as_ref(), axis)
    }

    fn mask_from(&self, op: &'static str, mask: &DynArray, axis: usize) -> Result<Self> {
        let (array, mask) = self.aligned_with_mask(op, mask, axis)?;
        let masked = MaskOp { axis, mask_ndim: mask.ndim() };
        let meta = masked.meta(array.meta(), mask.name());
        Ok(DynArray::build(masked, &[&array, &mask], meta))
    }

    /// The array and a mask over its axes from `axis` on, in equal chunks, with one chunk along all masked axes but the
    /// first: then the elements of a block are consecutive in row-major order.
    pub(crate) fn aligned_with_mask(&self, op: &'static str, mask: &DynArray, axis: usize) -> Result<(Self, Self)> {
        if mask.dtype() != DType::Bool {
            return Err(
                Error::dtype(op, format!("the mask holds {}", mask.dtype())).with_remedy("compare it with something")
            );
        }
        if mask.ndim() == 0 || axis + mask.ndim() > self.ndim() {
            let (own, given) = (self.grid().shape_text(), mask.grid().shape_text());
            return Err(Error::shape(
                op,
                format!("a mask of shape {given} does not fit axis {axis} of an array of {own}"),
            ));
        }
        let masked: Grid = (axis..axis + mask.ndim()).map(|a| self.grid().axis(a).clone()).collect();
        let differs = masked.shape().iter().zip(mask.shape()).any(|(a, b)| a.is_known() && b.is_known() && *a != b);
        if differs {
            return Err(Error::shape(
                op,
                format!(
                    "a mask of shape {} does not fit axes of shape {}",
                    mask.grid().shape_text(),
                    masked.shape_text()
                ),
            ));
        }
        let common = crate::chunks::unify::broadcast_grids(op, &[&masked, mask.grid()])?;
        let (array, mask) = (self.with_masked_axes(&common, axis)?, mask.to_grid(&common)?);
        if mask.ndim() == 1 {
            return Ok((array, mask));
        }
        // Two steps, so that a reduction can do without the second: to it the order of elements means nothing.
        let ordered = row_major_grid(op, &common, self.row_bytes(axis, mask.ndim()))?;
        Ok((array.with_masked_axes(&ordered, axis)?, mask.to_grid(&ordered)?))
    }

    /// The array cut along `common` on the axes from `axis` on.
    fn with_masked_axes(&self, common: &Grid, axis: usize) -> Result<Self> {
        let cut = |(a, chunks): (usize, &AxisChunks)| match a.checked_sub(axis) {
            Some(masked) if masked < common.ndim() => common.axis(masked).clone(),
            _ => chunks.clone(),
        };
        self.to_grid(&self.grid().axes().iter().enumerate().map(cut).collect())
    }

    /// The bytes of a block per element of the masked axes.
    fn row_bytes(&self, axis: usize, n_masked: usize) -> u64 {
        let others = self.grid().axes().iter().enumerate().filter(|(a, _)| !(axis..axis + n_masked).contains(a));
        let elems: u64 = others.map(|(_, chunks)| chunks.max_block_len().unwrap_or(1)).product();
        elems.max(1) * self.dtype().size_bytes() as u64
    }

    /// See [`Array::take`](super::Array::take).
    pub fn take(&self, positions: &[i64], axis: isize) -> Result<Self> {
        let axis = normalize_axis("take", axis, self.ndim())?;
        let len = self.known_len("take", axis)?;
        let positions =
            positions.iter().map(|&at| normalize_index("take", axis, at, len)).collect::<Result<Vec<_>>>()?;
        self.take_positions(axis, &positions)
    }

    /// See [`Array::index_axis`](super::Array::index_axis).
    pub fn index_axis(&self, axis: isize, at: i64) -> Result<Self> {
        let axis = normalize_axis("index_axis", axis, self.ndim())?;
        let mut items = vec![Index::from(..); axis];
        items.push(Index::At(at));
        self.select_part("index_axis", &items, StepRule::NumPy)
    }
}

impl Resolved {
    /// The axes of the result before lists are taken.
    pub(crate) fn shown(&self) -> &[Option<usize>] {
        &self.axes
    }

    /// The same with the axes in the order in which NumPy shows the result, where at most one list is taken.
    pub(crate) fn with_list_in_place(mut self) -> Self {
        if let [(axis, _)] = self.lists.as_slice() {
            self.axes = self.axes_with_list(*axis);
        }
        self
    }

    /// The axes of the result when the one list stands on `axis`.
    fn axes_with_list(&self, axis: usize) -> Vec<Option<usize>> {
        if !self.lists_first {
            return self.axes.clone();
        }
        let others = self.axes.iter().copied().filter(|&shown| shown != Some(axis));
        std::iter::once(Some(axis)).chain(others).collect()
    }

    /// The axes of the result when a lazy mask or list has made one axis of those from `axis` on.
    fn axes_with_lazy(&self, axis: usize, array: &DynArray) -> Vec<Option<usize>> {
        let n = if array.dtype() == DType::Bool { array.ndim() } else { 1 };
        let renumber = |shown: Option<usize>| match shown {
            Some(a) if a > axis && a < axis + n => None,
            Some(a) if a >= axis + n => Some(Some(a + 1 - n)),
            other => Some(other),
        };
        let axes: Vec<Option<usize>> = self.axes.iter().copied().filter_map(renumber).collect();
        if !self.lists_first {
            return axes;
        }
        let others = axes.into_iter().filter(|&shown| shown != Some(axis));
        std::iter::once(Some(axis)).chain(others).collect()
    }

    /// The axes of the result when lists have made one axis, the first of the points' result.
    pub(super) fn axes_with_points(&self, points: &PointsOp) -> Vec<Option<usize>> {
        let listed: Vec<usize> = points.axes().collect();
        let place_of = |axis: usize| 1 + axis - listed.iter().filter(|&&l| l < axis).count();
        let mut order = Vec::new();
        let mut placed = self.lists_first;
        if placed {
            order.push(Some(0));
        }
        for shown in &self.axes {
            match shown {
                Some(axis) if listed.contains(axis) => {
                    if !placed {
                        order.push(Some(0));
                        placed = true;
                    }
                }
                Some(axis) => order.push(Some(place_of(*axis))),
                None => order.push(None),
            }
        }
        order
    }
}

/// How many axes of the array an item names.
pub(crate) fn axes_of(item: &Index) -> usize {
    match item {
        Index::NewAxis | Index::Ellipsis => 0,
        Index::Mask(mask) => mask.ndim(),
        Index::Array(array) if array.dtype() == DType::Bool => array.ndim(),
        Index::Slice { .. } | Index::At(_) | Index::List(_) | Index::Table(_) | Index::Array(_) => 1,
    }
}

/// Whether lists (and integers beside them) have something else between them.
pub(crate) fn are_apart(items: &[Index]) -> bool {
    let is_list = |item: &Index| matches!(item, Index::List(_) | Index::Table(_) | Index::Array(_));
    let is_advanced = |item: &Index| is_list(item) || matches!(item, Index::At(_));
    if !items.iter().any(is_list) {
        return false;
    }
    let first = items.iter().position(is_advanced).unwrap_or(0);
    let last = items.iter().rposition(is_advanced).unwrap_or(0);
    items[first..=last].iter().any(|item| !is_advanced(item))
}

/// The positions of true elements, one list per axis of the mask.
fn positions_of(mask: &ArrayD<bool>) -> Vec<Index> {
    let mut lists = vec![Vec::new(); mask.ndim()];
    for (position, _) in mask.indexed_iter().filter(|(_, selected)| **selected) {
        lists.iter_mut().enumerate().for_each(|(axis, list)| list.push(position[axis] as i64));
    }
    lists.into_iter().map(Index::List).collect()
}

/// Lists of equal lengths, those of length 1 stretched.
pub(super) fn equal_lists(op: &'static str, lists: &[(usize, Vec<u64>)]) -> Result<Vec<(usize, Vec<u64>)>> {
    let n = lists.iter().map(|list| list.1.len()).max().unwrap_or(0);
    let n = if lists.iter().any(|list| list.1.is_empty()) { 0 } else { n };
    for (axis, positions) in lists {
        if positions.len() != n && positions.len() != 1 {
            let detail = format!("the list of axis {axis} has {} positions where others have {n}", positions.len());
            return Err(Error::bad_index(op, detail).with_remedy("give lists of equal lengths, or of length 1"));
        }
    }
    let stretched = |list: &Vec<u64>| if list.len() == n { list.clone() } else { list.repeat(n) };
    Ok(lists.iter().map(|(axis, list)| (*axis, stretched(list))).collect())
}

fn slice_range(start: Option<i64>, stop: Option<i64>, step: i64, len: u64, rule: StepRule) -> Result<AxisRange> {
    if rule == StepRule::NumPy || step >= 0 {
        return AxisRange::from_slice(start, stop, step, len);
    }
    // ndarray: the range is taken forwards, then walked from its last element.
    let forwards = AxisRange::from_slice(start, stop, 1, len)?;
    let last_first = AxisRange::from_slice(None, None, step, forwards.len())?;
    Ok(forwards.compose(last_first))
}

/// The grid with one chunk along all axes but the first, whose chunks shrink so that blocks keep a sensible size.
pub(crate) fn row_major_grid(op: &'static str, grid: &Grid, item_bytes: u64) -> Result<Grid> {
    let mut shape = Vec::with_capacity(grid.ndim());
    for axis in &grid.axes()[1..] {
        let len = axis
            .len()
            .ok_or_else(|| Error::unknown_chunks(op, format_args!("the mask has shape {}", grid.shape_text())))?;
        shape.push(len);
    }
    let whole = shape.iter().map(|&len| AxisChunks::whole(len));
    let first = grid.axis(0);
    let (Some(len), true) = (first.len(), grid.axes()[1..].iter().any(|axis| axis.n_blocks() > 1)) else {
        return Ok(std::iter::once(first.clone()).chain(whole).collect());
    };
    let row_bytes = shape.iter().product::<u64>().saturating_mul(item_bytes).max(1);
    let rows = (Config::global().chunk_bytes() / row_bytes).clamp(1, first.max_block_len().unwrap_or(len).max(1));
    Ok(std::iter::once(AxisChunks::regular(len, rows)).chain(whole).collect())
}

forward! { try_same:
    /// The part that ndarray's `s![…]` names: ranges with steps, integers, new axes.
    ///
    /// # Chunks
    /// One output chunk for every input chunk that has elements in the slice. Slices move to the sources: blocks outside
    /// are never made.
    ///
    /// # Errors
    /// An integer lies outside its axis, or a sliced axis has an unknown length. Ranges clamp.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 12, 1, Chunks::size(5))?.reshape([3, 4])?;
    /// assert_eq!(x.slice(s![1.., ..;-2])?.compute()?, ndarray::arr2(&[[7, 5], [11, 9]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn slice(&self, info: impl AsRef<[SliceInfoElem]>);
    /// The part that [`idx!`](crate::idx) items name, with NumPy's meaning: slices, integers, lists, masks, new axes.
    ///
    /// Several lists are taken pointwise; where they stand apart, their axis comes first. A lazy mask gives an axis of
    /// unknown length.
    ///
    /// # Errors
    /// A position lies outside its axis, lists differ in length, or an indexed axis has an unknown length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 6, 1, Chunks::size(4))?.reshape([2, 3])?;
    /// assert_eq!(x.index(&idx![.., [2, -1, 0]])?.compute()?, ndarray::arr2(&[[2, 2, 0], [5, 5, 3]]).into_dyn());
    /// assert_eq!(x.index(&idx![[0, 1], [2, 0]])?.compute()?, ndarray::arr1(&[2, 3]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn index(&self, items: &[Index]);
    /// The elements where a mask over the leading axes is true, in row-major order.
    ///
    /// # Chunks
    /// The masked axes become one of unknown length, with one chunk per chunk of the first of them. Equal masks give equal
    /// lengths: `x.mask(&m)? + y.mask(&m)?` is fine; lengths of different masks cannot be combined.
    ///
    /// # Errors
    /// The mask is not boolean or does not fit the leading axes.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.0, -2.0, 3.0], Chunks::size(2))?;
    /// let positive = x.mask(&x.gt(0.0)?)?;
    /// assert!(!positive.shape()[0].is_known());
    /// assert_eq!(positive.compute()?, ndarray::arr1(&[1.0, 3.0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn mask(&self, mask: impl AsRef<DynArray>);
    /// Like [`mask`](Self::mask), for a mask over the axes from `axis` on.
    ///
    /// # Errors
    /// The mask is not boolean or does not fit the axes from `axis` on.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[1, 2, 3], [4, 5, 6]]), Chunks::size(2))?;
    /// let odd = Array::from_vec(vec![true, false, true], Chunks::size(2))?;
    /// assert_eq!(x.mask_axis(&odd, 1)?.compute()?, ndarray::arr2(&[[1, 3], [4, 6]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn mask_axis(&self, mask: impl AsRef<DynArray>, axis: isize);
    /// The elements at a list of positions along an axis, in that order, duplicates included.
    ///
    /// # Errors
    /// A position lies outside the axis; negative ones count from the end.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![10, 20, 30], Chunks::size(2))?;
    /// assert_eq!(x.take(&[-1, 0, 0], 0)?.compute()?, ndarray::arr1(&[30, 10, 10]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn take(&self, positions: &[i64], axis: isize);
    /// The part at one position along an axis; the axis disappears.
    ///
    /// # Errors
    /// The axis or the position is out of range, or the axis has an unknown length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[1, 2], [3, 4]]), Chunks::size(1))?;
    /// assert_eq!(x.index_axis(1, -1)?.compute()?, ndarray::arr1(&[2, 4]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn index_axis(&self, axis: isize, at: i64);
}
