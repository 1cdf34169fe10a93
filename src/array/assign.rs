//! Replacing elements. Arrays are values: clones made before keep the old elements.

use ndarray::SliceInfoElem;

use super::elementwise::Operand;
use super::index::{Index, Resolved, StepRule};
use super::{Array, DynArray};
use crate::chunks::{AxisRange, Grid};
use crate::element::{Element, Scalar};
use crate::error::{Error, Result};
use crate::graph::ops::{AssignMaskedOp, AssignOp, PointsOp, Target};

impl DynArray {
    /// This array with the elements that [`idx!`](crate::idx) items name replaced by a value that broadcasts to them.
    ///
    /// The element type stays: values are cast to it.
    ///
    /// # Errors
    /// The value does not broadcast to the selection; a position lies outside its axis; NaN goes to an integer type.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::zeros([3], Chunks::auto())?.into_dyn();
    /// let y = x.assigned(&idx![1..], &DynArray::scalar_of(7.0.into()))?;
    /// assert_eq!(y.try_typed::<i64>()?.compute()?, ndarray::arr1(&[0, 7, 7]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn assigned(&self, items: &[Index], value: &DynArray) -> Result<Self> {
        self.assigned_by("assign", items, value, StepRule::NumPy)
    }

    pub(crate) fn assigned_by(
        &self,
        op: &'static str,
        items: &[Index],
        value: &DynArray,
        rule: StepRule,
    ) -> Result<Self> {
        let value = self.as_assignable(op, value)?;
        let resolved = self.resolve(op, items, rule)?.with_list_in_place();
        if let [(axis, mask)] = resolved.lazy.as_slice() {
            return self.assigned_where(op, &resolved, *axis, mask, &value);
        }
        if !resolved.lazy.is_empty() || resolved.lists.len() > 1 {
            return self.assigned_points(op, &resolved, &value);
        }
        let selected = self.slice_ranges(resolved.ranges.clone())?;
        let region = match resolved.lists.as_slice() {
            [(axis, positions)] => selected.with_positions(op, *axis, positions, &resolved, &value)?,
            _ => broadcast_value(op, &value, &resolved.shown_shape(&selected)?)?.unviewed(&resolved, selected.ndim()),
        };
        self.with_region(op, &resolved.ranges, &region)
    }

    /// The value as elements of this array's type.
    fn as_assignable(&self, op: &'static str, value: &DynArray) -> Result<DynArray> {
        if let Some(scalar) = value.constant() {
            let lost = scalar.is_nan() && self.dtype().is_integral();
            if lost {
                return Err(Error::dtype(op, format!("NaN can not be assigned to elements of {}", self.dtype()))
                    .with_remedy("cast the array to a floating point type first"));
            }
        }
        Ok(value.astype(self.dtype()))
    }

    /// This array with the region of some ranges replaced by an array of the region's shape.
    fn with_region(&self, op: &'static str, ranges: &[Option<AxisRange>], region: &DynArray) -> Result<Self> {
        let ranges: Vec<AxisRange> = ranges
            .iter()
            .enumerate()
            .map(|(axis, range)| range.map_or_else(|| Ok(AxisRange::full(self.known_len(op, axis)?)), Ok))
            .collect::<Result<_>>()?;
        let whole = self.slice_ranges(ranges.iter().copied().map(Some).collect())?;
        let cut = region.to_grid(whole.grid())?;
        let op = AssignOp { target: Target::Region(ranges) };
        Ok(DynArray::build(op, &[self, &cut], self.meta().clone()))
    }

    /// This array with the positions of a list along one axis replaced.
    fn with_positions(
        &self,
        op: &'static str,
        axis: usize,
        positions: &[u64],
        resolved: &Resolved,
        value: &DynArray,
    ) -> Result<Self> {
        let mut shape = resolved.shown_shape(self)?;
        if let Some(place) = resolved.place_of(axis) {
            shape[place] = positions.len() as u64;
        }
        let values = broadcast_value(op, value, &shape)?.unviewed(resolved, self.ndim());
        let grid: Grid = (0..self.ndim())
            .map(|a| if a == axis { values.grid().axis(a).clone() } else { self.grid().axis(a).clone() })
            .collect();
        let values = values.to_grid(&grid)?.with_whole_axes([axis])?;
        let target = Target::Positions { axis, positions: positions.into() };
        Ok(DynArray::build(AssignOp { target }, &[self, &values], self.meta().clone()))
    }

    /// Several lists, taken pointwise: the selected part is seen as one row of elements along the listed axes.
    fn assigned_points(&self, op: &'static str, resolved: &Resolved, value: &DynArray) -> Result<Self> {
        if !resolved.lazy.is_empty() {
            return Err(Error::bad_index(op, "a lazy array stands beside lists").with_remedy("assign in several steps"));
        }
        let points = PointsOp::new(super::index::equal_lists(op, &resolved.lists)?);
        let selected = self.slice_ranges(resolved.ranges.clone())?;
        let listed: Vec<usize> = points.axes().collect();
        let others = (0..self.ndim()).filter(|axis| !listed.contains(axis));
        let order: Vec<usize> = listed.iter().copied().chain(others).collect();
        let front = selected.view(order.iter().copied().map(Some).collect());
        let shape = front.grid().require_shape(op)?;
        let rows = RowsOfPoints::new(&points, &shape);
        let values = rows.values(op, value, resolved.axes_with_points(&points))?;
        let flat = front.reshape(rows.flat_shape)?;
        let assigned =
            flat.assigned_by(op, &[Index::List(rows.positions)], &values, StepRule::NumPy)?.reshape(shape)?;
        let place_of = |axis: usize| order.iter().position(|&a| a == axis);
        self.with_region(op, &resolved.ranges, &assigned.view((0..self.ndim()).map(place_of).collect()))
    }

    /// This array with the elements where a mask over its axes from `axis` on is true replaced.
    fn assigned_where(
        &self,
        op: &'static str,
        resolved: &Resolved,
        axis: usize,
        mask: &DynArray,
        value: &DynArray,
    ) -> Result<Self> {
        if !resolved.lists.is_empty() {
            return Err(Error::bad_index(op, "a lazy mask stands beside a list").with_remedy("index in several steps"));
        }
        if mask.dtype() != crate::element::DType::Bool {
            return Err(Error::bad_index(op, format!("a lazy array of {} is no target", mask.dtype()))
                .with_remedy("compute the positions first, or assign through a mask"));
        }
        self.check_mask_fits(op, mask, axis)?;
        let per_element = value.ndim() > 0 && !value.grid().axes().iter().all(|axis| axis.len().is_some());
        let selected = self.slice_ranges(resolved.ranges.clone())?;
        let replaced = if per_element {
            selected.assigned_in_order(op, mask, axis, value)?
        } else {
            let raised = mask.view_of_axes(axis, self.ndim());
            let value = selected.value_beside_mask(op, value, resolved, axis..axis + mask.ndim())?;
            super::elementwise::select(&raised, &value, &selected)?.to_grid(selected.grid())?
        };
        if resolved.ranges.iter().all(Option::is_none) {
            return Ok(replaced);
        }
        self.with_region(op, &resolved.ranges, &replaced)
    }

    /// The value for every true element of a mask that stands on some axes of a selection, arranged as its axes.
    ///
    /// It broadcasts to what the selection shows, where the masked axes are one, along which it has length 1.
    fn value_beside_mask(
        &self,
        op: &'static str,
        value: &DynArray,
        resolved: &Resolved,
        masked: std::ops::Range<usize>,
    ) -> Result<DynArray> {
        let is_later = |axis: usize| axis > masked.start && masked.contains(&axis);
        let shown = resolved.shown().iter().copied().filter(|shown| !shown.is_some_and(is_later));
        let shown: Vec<Option<usize>> = shown.collect();
        let named = &shown[shown.len().saturating_sub(value.ndim())..];
        let len_of = |shown: &Option<usize>| match *shown {
            Some(axis) if axis != masked.start => self.grid().axis(axis).len(),
            _ => Some(1),
        };
        let Some(lens) = named.iter().map(len_of).collect::<Option<Vec<u64>>>() else {
            let rows = self.grid().shape_text();
            return Err(Error::unknown_chunks(op, format_args!("a value for each row of shape {rows}")));
        };
        let stretched = broadcast_value(op, value, &lens).map_err(|error| {
            error.with_remedy("assign one value, or values selected by the same mask: `x.mask(&m)`")
        })?;
        let place_of = |axis: usize| named.iter().position(|&shown| shown == Some(axis));
        Ok(stretched.view((0..self.ndim()).map(place_of).collect()))
    }

    /// A mask of other lengths than the axes it stands on would stretch, or stretch them.
    fn check_mask_fits(&self, op: &'static str, mask: &DynArray, axis: usize) -> Result<()> {
        let own = self.grid().shape();
        let masked = own.get(axis..axis + mask.ndim()).unwrap_or_default();
        let fits = mask.ndim() > 0
            && masked.len() == mask.ndim()
            && masked.iter().zip(mask.shape()).all(|(a, b)| a.known().zip(b.known()).is_none_or(|(a, b)| a == b));
        if fits {
            return Ok(());
        }
        let (own, given) = (self.grid().shape_text(), mask.grid().shape_text());
        Err(Error::shape(op, format!("a mask of shape {given} does not fit axis {axis} of an array of {own}")))
    }

    /// This array with the true elements of a mask replaced by as many values, in order.
    fn assigned_in_order(&self, op: &'static str, mask: &DynArray, axis: usize, values: &DynArray) -> Result<Self> {
        let (array, mask) = self.aligned_with_mask(op, mask, axis)?;
        let expected = crate::graph::ops::MaskOp { axis, mask_ndim: mask.ndim() }.meta(array.meta(), mask.name());
        if values.grid() != &expected.grid {
            let detail = format!(
                "values of shape {} for a mask that selects {}",
                values.grid().shape_text(),
                expected.grid.shape_text()
            );
            return Err(Error::unknown_chunks(op, detail));
        }
        let assign = AssignMaskedOp { axis, mask_ndim: mask.ndim() };
        DynArray::build(assign, &[&array, &mask, values], array.meta().clone()).to_grid(self.grid())
    }

    /// The array with its axes at `axis` and later of an array of `ndim` axes, with length 1 for all others.
    fn view_of_axes(&self, axis: usize, ndim: usize) -> DynArray {
        let shown = |a: usize| a.checked_sub(axis).filter(|&own| own < self.ndim());
        self.view((0..ndim).map(shown).collect())
    }

    /// From the arrangement of axes that a selection shows back to that of the array.
    fn unviewed(&self, resolved: &Resolved, ndim: usize) -> DynArray {
        self.view((0..ndim).map(|axis| resolved.place_of(axis)).collect())
    }

    /// The value of an array that is one constant.
    fn constant(&self) -> Option<Scalar> {
        match self.expr().op() {
            crate::graph::ops::Op::Full(full) => Some(full.value),
            _ => None,
        }
    }
}

/// Points of the leading axes of an array, seen as rows of the same array with one axis in place of those.
struct RowsOfPoints {
    positions: Vec<i64>,
    flat_shape: Vec<u64>,
}

impl RowsOfPoints {
    fn new(points: &PointsOp, shape: &[u64]) -> Self {
        let lists = points.lists();
        let n_points = lists.first().map_or(0, |list| list.1.len());
        let row = |i: usize| lists.iter().zip(shape).fold(0, |row, ((_, list), len)| row * len + list[i]) as i64;
        let flat_len = shape[..lists.len()].iter().product();
        let flat_shape = std::iter::once(flat_len).chain(shape[lists.len()..].iter().copied()).collect();
        Self { positions: (0..n_points).map(row).collect(), flat_shape }
    }

    /// The value for all rows; `shown` are their axes in the order in which a selection shows them.
    fn values(&self, op: &'static str, value: &DynArray, shown: Vec<Option<usize>>) -> Result<DynArray> {
        let len_of = |axis: usize| if axis == 0 { self.positions.len() as u64 } else { self.flat_shape[axis] };
        let shape: Vec<u64> = shown.iter().map(|axis| axis.map_or(1, len_of)).collect();
        let place_of = |axis: usize| shown.iter().position(|&a| a == Some(axis));
        Ok(broadcast_value(op, value, &shape)?.view((0..self.flat_shape.len()).map(place_of).collect()))
    }
}

/// The value stretched to the shape of what it replaces.
fn broadcast_value(op: &'static str, value: &DynArray, shape: &[u64]) -> Result<DynArray> {
    // NumPy lets a value have leading axes of length 1 that the target has not.
    let extra = value.ndim().saturating_sub(shape.len());
    let droppable = value.grid().axes()[..extra].iter().all(|axis| axis.len() == Some(1));
    let value =
        if extra > 0 && droppable { value.view((extra..value.ndim()).map(Some).collect()) } else { value.clone() };
    value.broadcast_to(shape).map_err(|_| {
        let shown = crate::error::Shown(shape).to_string();
        Error::shape(op, format!("a value of shape {} does not broadcast to {shown}", value.grid().shape_text()))
    })
}

impl Resolved {
    /// The lengths of the axes that the selection shows.
    fn shown_shape(&self, selected: &DynArray) -> Result<Vec<u64>> {
        self.shown().iter().map(|shown| shown.map_or(Ok(1), |axis| selected.known_len("assign", axis))).collect()
    }

    /// The place at which the selection shows an axis of the array.
    fn place_of(&self, axis: usize) -> Option<usize> {
        self.shown().iter().position(|&shown| shown == Some(axis))
    }
}

impl<T: Element> Array<T> {
    /// Replaces the elements that ndarray's `s![…]` names by a value or an array that broadcasts to them.
    ///
    /// Arrays are values: the old elements stay in every clone made before and in everything derived from it.
    ///
    /// # Errors
    /// The value does not broadcast to the selection; an integer lies outside its axis; NaN goes to an integer type. The
    /// array is unchanged then.
    ///
    /// # Complexity
    /// One task per block; blocks outside the selection are handed on, and a block that nobody else holds is written in
    /// place.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let mut x = Array::<i64>::zeros([2, 3], Chunks::size(2))?;
    /// let before = x.clone();
    /// x.assign(s![.., 1..], 5)?;
    /// assert_eq!(x.compute()?, ndarray::arr2(&[[0, 5, 5], [0, 5, 5]]).into_dyn());
    /// assert_eq!(before.sum().scalar()?, 0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn assign(&mut self, info: impl AsRef<[SliceInfoElem]>, value: impl Operand<T>) -> Result<()> {
        let items: Vec<Index> = info.as_ref().iter().map(Index::from).collect();
        *self = Self::wrap(self.as_dyn().assigned_by("assign", &items, &value.into_operand(), StepRule::NdArray)?);
        Ok(())
    }

    /// Replaces the elements that [`idx!`](crate::idx) items name, with NumPy's meaning: slices, lists, masks.
    ///
    /// Of equal positions in a list the last one wins.
    ///
    /// # Errors
    /// As [`assign`](Self::assign), and lists of positions differ in length, or several lists stand on other axes than the
    /// leading ones.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let mut x = Array::<i64>::zeros([4], Chunks::size(2))?;
    /// let values = Array::from_vec(vec![1, 2, 3], Chunks::auto())?;
    /// x.assign_index(&idx![[3, 0, 3]], &values)?;
    /// assert_eq!(x.compute()?, ndarray::arr1(&[2, 0, 0, 3]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn assign_index(&mut self, items: &[Index], value: impl Operand<T>) -> Result<()> {
        *self = Self::wrap(self.as_dyn().assigned(items, &value.into_operand())?);
        Ok(())
    }

    /// Replaces the elements where a mask over the leading axes is true.
    ///
    /// One value, or values over the remaining axes, fuse with what follows; values selected by the same mask
    /// (`x.mask(&m)?`) are put back in order.
    ///
    /// # Errors
    /// The mask does not fit the leading axes, the value does not broadcast to the selection, or NaN goes to an integer type.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let mut x = Array::from_vec(vec![0.2, 0.7, 0.9], Chunks::size(2))?;
    /// let large = x.gt(0.5)?;
    /// let halves = x.mask(&large)? / 2.0;
    /// x.assign_mask(&large, &halves)?;
    /// assert_eq!(x.compute()?, ndarray::arr1(&[0.2, 0.35, 0.45]).into_dyn());
    /// x.assign_mask(&large, 0.0)?;
    /// assert_eq!(x.compute()?, ndarray::arr1(&[0.2, 0.0, 0.0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn assign_mask(&mut self, mask: &Array<bool>, value: impl Operand<T>) -> Result<()> {
        self.assign_index(&[Index::from(mask)], value)
    }
}
