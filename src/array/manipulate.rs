//! Shapes and axes: transpose, reshape, concatenate, broadcast, flip.

use super::create::{IntoShape, checked_shape};
use super::typed::forward;
use super::{Array, DynArray};
use crate::block::ArrayMeta;
use crate::chunks::reshape::{infer_shape, plan_reshape};
use crate::chunks::select::{normalize_axes, normalize_axis};
use crate::chunks::{AxisChunks, AxisRange, Grid};
use crate::config::Config;
use crate::element::{Element, promote_all};
use crate::error::{Error, Result, Shown};
use crate::graph::ops::{ConcatOp, ReshapeOp, SliceOp, ViewOp};

impl DynArray {
    /// A view of which axis `k` shows axis `axes[k]` of this array, or is new with length 1.
    pub(crate) fn view(&self, axes: Vec<Option<usize>>) -> Self {
        let grid = axes.iter().map(|axis| axis.map_or_else(|| AxisChunks::whole(1), |a| self.grid().axis(a).clone()));
        let meta = ArrayMeta { grid: grid.collect(), ..self.meta().clone() };
        if axes.iter().copied().eq((0..self.ndim()).map(Some)) {
            return self.clone();
        }
        // A length of 1 may be cut into empty blocks and one that is not. An axis that is dropped has that known length.
        let hidden = (0..self.ndim()).filter(|axis| !axes.contains(&Some(*axis)));
        let input = self.with_whole_axes(hidden).unwrap_or_else(|error| unreachable!("{error}"));
        DynArray::build(ViewOp { axes }, &[&input], meta)
    }

    /// See [`Array::transpose`].
    pub fn transpose(&self) -> Self {
        self.view((0..self.ndim()).rev().map(Some).collect())
    }

    /// See [`Array::permute_axes`].
    pub fn permute_axes(&self, axes: &[isize]) -> Result<Self> {
        let order = normalize_axes("permute_axes", axes, self.ndim())?;
        if order.len() != self.ndim() {
            let detail = format!("{} axes are named for an array with {}", order.len(), self.ndim());
            return Err(Error::shape("permute_axes", detail).with_remedy("name every axis once"));
        }
        Ok(self.view(order.into_iter().map(Some).collect()))
    }

    /// See [`Array::swap_axes`].
    pub fn swap_axes(&self, a: isize, b: isize) -> Result<Self> {
        let [a, b] = [normalize_axis("swap_axes", a, self.ndim())?, normalize_axis("swap_axes", b, self.ndim())?];
        let mut order: Vec<Option<usize>> = (0..self.ndim()).map(Some).collect();
        order.swap(a, b);
        Ok(self.view(order))
    }

    /// See [`Array::expand_dims`].
    pub fn expand_dims(&self, axis: isize) -> Result<Self> {
        let at = normalize_axis("expand_dims", axis, self.ndim() + 1)?;
        let mut axes: Vec<Option<usize>> = (0..self.ndim()).map(Some).collect();
        axes.insert(at, None);
        Ok(self.view(axes))
    }

    /// See [`Array::squeeze`].
    pub fn squeeze(&self) -> Self {
        let kept = (0..self.ndim()).filter(|&axis| self.grid().axis(axis).len() != Some(1));
        self.view(kept.map(Some).collect())
    }

    /// See [`Array::squeeze_axes`].
    pub fn squeeze_axes(&self, axes: &[isize]) -> Result<Self> {
        let dropped = normalize_axes("squeeze", axes, self.ndim())?;
        for &axis in &dropped {
            if self.known_len("squeeze", axis)? != 1 {
                return Err(Error::shape(
                    "squeeze",
                    format!("axis {axis} of shape {} is not 1", self.grid().shape_text()),
                ));
            }
        }
        Ok(self.view((0..self.ndim()).filter(|axis| !dropped.contains(axis)).map(Some).collect()))
    }

    /// See [`Array::broadcast_to`].
    pub fn broadcast_to(&self, shape: impl IntoShape) -> Result<Self> {
        self.broadcast_for("broadcast_to", &checked_shape("broadcast_to", shape)?)
    }

    /// The array stretched to a shape on behalf of an operation.
    pub(crate) fn broadcast_for(&self, op: &'static str, shape: &[u64]) -> Result<Self> {
        let own = self.grid().require_shape(op)?;
        let fits =
            own.len() <= shape.len() && own.iter().rev().zip(shape.iter().rev()).all(|(&a, &b)| a == b || a == 1);
        if !fits {
            return Err(Error::broadcast(op, &Shown(&own), &Shown(shape)));
        }
        let lead = shape.len() - own.len();
        let axes: Vec<Option<usize>> = (0..shape.len()).map(|axis| axis.checked_sub(lead)).collect();
        let item_bytes = self.dtype().size_bytes();
        let stretched = crate::chunks::Chunks::auto().normalize(op, shape, item_bytes)?;
        let grid: Grid = (0..shape.len())
            .map(|axis| match axes[axis] {
                Some(a) if own[a] == shape[axis] => self.grid().axis(a).clone(),
                Some(_) | None => stretched.axis(axis).clone(),
            })
            .collect();
        if &grid == self.grid() {
            return Ok(self.clone());
        }
        let stretched = (0..own.len()).filter(|&axis| own[axis] != shape[lead + axis]);
        let input = self.with_whole_axes(stretched)?;
        Ok(DynArray::build(ViewOp { axes }, &[&input], ArrayMeta { grid, ..self.meta().clone() }))
    }

    /// See [`Array::broadcast_like`].
    pub fn broadcast_like(&self, other: impl AsRef<DynArray>) -> Result<Self> {
        let grid = other.as_ref().grid();
        let common = crate::chunks::unify::broadcast_grids("broadcast_like", &[self.grid(), grid])?;
        if common.shape() != grid.shape() {
            return Err(Error::broadcast("broadcast_like", &self.grid().shape_text(), &grid.shape_text()));
        }
        Ok(self.to_grid(&crate::chunks::unify::operand_grid(self.grid(), grid))?.stretched(grid))
    }

    /// The array, whose chunks fit, stretched to a grid.
    pub(crate) fn stretched(&self, grid: &Grid) -> Self {
        if self.grid() == grid {
            return self.clone();
        }
        let lead = grid.ndim() - self.ndim();
        let axes = (0..grid.ndim()).map(|axis| axis.checked_sub(lead)).collect();
        DynArray::build(ViewOp { axes }, &[self], ArrayMeta { grid: grid.clone(), ..self.meta().clone() })
    }

    /// See [`Array::reshape`].
    pub fn reshape(&self, shape: impl IntoShape) -> Result<Self> {
        let old = self.grid().require_shape("reshape")?;
        let n_elems = self.n_elems()?;
        let new = infer_shape("reshape", &shape.into_shape(), n_elems)?;
        if new == old {
            return Ok(self.clone());
        }
        let limit_bytes = Config::global().chunk_bytes().max(self.meta().max_block_bytes().unwrap_or(0));
        let steps = plan_reshape("reshape", self.grid(), &new, self.dtype().size_bytes(), limit_bytes)?;
        steps.into_iter().try_fold(self.clone(), |array, step| {
            let cut = array.to_grid(&step.input)?;
            Ok(DynArray::build(ReshapeOp, &[&cut], ArrayMeta { grid: step.output, ..self.meta().clone() }))
        })
    }

    /// See [`Array::ravel`].
    pub fn ravel(&self) -> Result<Self> {
        if self.ndim() == 1 {
            return Ok(self.clone());
        }
        self.reshape([-1i64]).map_err(|error| error.of_op("ravel"))
    }

    /// See [`Array::flip`].
    pub fn flip(&self, axes: &[isize]) -> Result<Self> {
        let flipped = normalize_axes("flip", axes, self.ndim())?;
        let ranges = (0..self.ndim()).map(|axis| {
            if !flipped.contains(&axis) {
                return Ok(None);
            }
            let len = self.known_len("flip", axis)?;
            Ok(Some(AxisRange::full(len).reversed()))
        });
        self.slice_ranges(ranges.collect::<Result<_>>()?)
    }

    /// The length of an axis, or an error saying that `op` needs it.
    pub(crate) fn known_len(&self, op: &'static str, axis: usize) -> Result<u64> {
        let shape = self.grid();
        shape
            .axis(axis)
            .len()
            .ok_or_else(|| Error::unknown_chunks(op, format_args!("axis {axis} of shape {}", shape.shape_text())))
    }

    /// A slice by one range per axis, `None` for an axis that is taken whole.
    pub(crate) fn slice_ranges(&self, ranges: Vec<Option<AxisRange>>) -> Result<Self> {
        let is_whole = |(range, axis): (&Option<AxisRange>, &AxisChunks)| {
            range.is_none_or(|range| axis.len().is_some_and(|len| range.is_full(len)))
        };
        if ranges.iter().zip(self.grid().axes()).all(is_whole) {
            return Ok(self.clone());
        }
        let lens = self.grid().axes().iter().map(AxisChunks::len);
        let ranges = ranges.into_iter().zip(lens).map(|(range, len)| range.or(len.map(AxisRange::full))).collect();
        let op = SliceOp { ranges };
        let meta = op.meta(self.meta())?;
        Ok(DynArray::build(op, &[self], meta))
    }
}

/// Brings arrays to one element type and to equal chunks along every axis but `axis`.
fn aligned(op: &'static str, arrays: &[&DynArray], axis: usize) -> Result<Vec<DynArray>> {
    let dtype = promote_all(arrays.iter().map(|array| array.dtype()))
        .ok_or_else(|| Error::shape(op, "no arrays are given").with_remedy("give at least one"))?;
    let ndim = arrays[0].ndim();
    let mut common: Vec<Option<AxisChunks>> = vec![None; ndim];
    for array in arrays {
        if array.ndim() != ndim {
            let (first, other) = (arrays[0].grid().shape_text(), array.grid().shape_text());
            return Err(Error::shape(op, format!("shapes {first} and {other} have {ndim} and {} axes", array.ndim())));
        }
        for (a, common) in common.iter_mut().enumerate().filter(|(a, _)| *a != axis) {
            let own = array.grid().axis(a);
            let merged = match common.as_ref() {
                None => own.clone(),
                Some(other) => equal_length_refinement(op, arrays[0], array, a, other, own)?,
            };
            *common = Some(merged);
        }
    }
    let align = |array: &&DynArray| {
        let grid =
            common.iter().enumerate().map(|(a, chunks)| chunks.clone().unwrap_or_else(|| array.grid().axis(a).clone()));
        array.astype(dtype).to_grid(&grid.collect())
    };
    arrays.iter().map(align).collect()
}

/// The common refinement of two cuts of one axis, which must agree in length; neither is stretched.
fn equal_length_refinement(
    op: &'static str,
    first: &DynArray,
    array: &DynArray,
    axis: usize,
    a: &AxisChunks,
    b: &AxisChunks,
) -> Result<AxisChunks> {
    if let (Some(x), Some(y)) = (a.len(), b.len())
        && x != y
    {
        let (first, other) = (first.grid().shape_text(), array.grid().shape_text());
        return Err(Error::shape(op, format!("shapes {first} and {other} differ along axis {axis}: {x} and {y}")));
    }
    let grids = [Grid::new(vec![a.clone()]), Grid::new(vec![b.clone()])];
    Ok(crate::chunks::unify::broadcast_grids(op, &[&grids[0], &grids[1]])?.axis(0).clone())
}

pub(crate) fn concatenate_dyn(arrays: &[&DynArray], axis: isize) -> Result<DynArray> {
    let ndim = arrays.first().map_or(0, |array| array.ndim());
    if arrays.is_empty() {
        return Err(Error::shape("concatenate", "no arrays are given").with_remedy("give at least one"));
    }
    let axis = normalize_axis("concatenate", axis, ndim)?;
    let parts = aligned("concatenate", arrays, axis)?;
    if let [one] = parts.as_slice() {
        return Ok(one.clone());
    }
    let op = ConcatOp { axis };
    let meta = op.meta(&parts.iter().map(DynArray::meta).collect::<Vec<_>>())?;
    Ok(DynArray::build(op, &parts.iter().collect::<Vec<_>>(), meta))
}

/// Arrays one behind the other along an axis that they have.
///
/// # Chunks
/// The blocks of all arrays; along the other axes their common refinement.
///
/// # Errors
/// No arrays, different numbers of axes, or different lengths along another axis. Unknown lengths along another axis must
/// come from the same mask.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let a = Array::from_vec(vec![1, 2], Chunks::auto())?;
/// let b = Array::from_vec(vec![3], Chunks::auto())?;
/// assert_eq!(concatenate(&[&a, &b], 0)?.compute()?, ndarray::arr1(&[1, 2, 3]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn concatenate<T: Element>(arrays: &[&Array<T>], axis: isize) -> Result<Array<T>> {
    Array::try_wrap(concatenate_dyn(&arrays.iter().map(|array| array.as_dyn()).collect::<Vec<_>>(), axis))
}

/// Arrays of one shape side by side along a new axis.
///
/// # Errors
/// As [`concatenate`]; and `axis` must lie in the shape of the result.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let a = Array::from_vec(vec![1, 2], Chunks::auto())?;
/// let b = Array::from_vec(vec![3, 4], Chunks::auto())?;
/// assert_eq!(stack(&[&a, &b], -1)?.compute()?, ndarray::arr2(&[[1, 3], [2, 4]]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn stack<T: Element>(arrays: &[&Array<T>], axis: isize) -> Result<Array<T>> {
    let dyns: Vec<&DynArray> = arrays.iter().map(|array| array.as_dyn()).collect();
    Array::try_wrap(stack_dyn(&dyns, axis))
}

pub(crate) fn stack_dyn(arrays: &[&DynArray], axis: isize) -> Result<DynArray> {
    let Some(first) = arrays.first() else {
        return Err(Error::shape("stack", "no arrays are given").with_remedy("give at least one"));
    };
    let at = normalize_axis("stack", axis, first.ndim() + 1)?;
    for array in arrays {
        let (first, other) = (first.grid(), array.grid());
        let differs = |(a, b): (&AxisChunks, &AxisChunks)| a.len().zip(b.len()).is_some_and(|(a, b)| a != b);
        if first.ndim() != other.ndim() || first.axes().iter().zip(other.axes()).any(differs) {
            let detail = format!("shapes {} and {} differ", first.shape_text(), other.shape_text());
            return Err(Error::shape("stack", detail).with_remedy("only arrays of one shape stand side by side"));
        }
    }
    let raised = arrays.iter().map(|array| array.expand_dims(at as isize)).collect::<Result<Vec<_>>>()?;
    concatenate_dyn(&raised.iter().collect::<Vec<_>>(), at as isize)
}

forward! { same:
    /// The array with its axes in reverse order.
    ///
    /// # Chunks
    /// Reversed too. No data moves: blocks get other strides.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[1, 2, 3], [4, 5, 6]]), Chunks::size(2))?;
    /// assert_eq!(x.transpose().compute()?, ndarray::arr2(&[[1, 4], [2, 5], [3, 6]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn transpose(&self);
    /// The array without its axes of length 1.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::zeros([1, 3, 1], Chunks::auto())?;
    /// assert_eq!(x.squeeze().known_shape()?, [3]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn squeeze(&self);
}

forward! { try_same:
    /// The array with its axes in another order: axis `k` of the result is axis `axes[k]`.
    ///
    /// # Errors
    /// An axis is missing, named twice or out of range.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::zeros([2, 3, 4], Chunks::auto())?;
    /// assert_eq!(x.permute_axes(&[-1, 0, 1])?.known_shape()?, [4, 2, 3]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn permute_axes(&self, axes: &[isize]);
    /// The array with two axes exchanged.
    ///
    /// # Errors
    /// An axis is out of range.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::zeros([2, 3, 4], Chunks::auto())?;
    /// assert_eq!(x.swap_axes(0, -1)?.known_shape()?, [4, 3, 2]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "swapaxes")]
    fn swap_axes(&self, a: isize, b: isize);
    /// The array with a new axis of length 1 at `axis` of the result.
    ///
    /// # Errors
    /// The place is out of range.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::zeros([2, 3], Chunks::auto())?;
    /// assert_eq!(x.expand_dims(-1)?.known_shape()?, [2, 3, 1]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn expand_dims(&self, axis: isize);
    /// The array without the named axes, which must have length 1.
    ///
    /// # Errors
    /// An axis is out of range, named twice, or not known to have length 1.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::zeros([1, 3, 1], Chunks::auto())?;
    /// assert_eq!(x.squeeze_axes(&[0])?.known_shape()?, [3, 1]);
    /// assert!(x.squeeze_axes(&[1]).unwrap_err().is_shape());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn squeeze_axes(&self, axes: &[isize]);
    /// The array stretched to a larger shape: axes of length 1 repeat, and new ones appear on the left.
    ///
    /// # Errors
    /// The shape does not broadcast to the new one, or a length is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 2], Chunks::auto())?;
    /// assert_eq!(x.broadcast_to([2, 2])?.compute()?, ndarray::arr2(&[[1, 2], [1, 2]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn broadcast_to(&self, shape: impl IntoShape);
    /// The array stretched to the shape and the chunks of another one. In elementwise work and reductions nothing is
    /// stored for it.
    ///
    /// # Errors
    /// The shape does not broadcast to that of `other`.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let rows = Array::from_vec(vec![1.0, 2.0], Chunks::auto())?.expand_dims(1)?;
    /// let x = Array::<f64>::zeros([2, 3], Chunks::size(2))?;
    /// assert_eq!(rows.broadcast_like(&x)?.grid(), x.grid());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn broadcast_like(&self, other: impl AsRef<DynArray>);
    /// The same elements in row-major order under another shape; one length may be -1 and is inferred.
    ///
    /// # Chunks
    /// Axes that survive keep their chunks; where axes merge or split, the trailing ones of a group become whole, within
    /// the size of a chunk where that is possible.
    ///
    /// # Errors
    /// The numbers of elements differ, or a length is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 6, 1, Chunks::size(2))?;
    /// assert_eq!(x.reshape([2, -1])?.compute()?, ndarray::arr2(&[[0, 1, 2], [3, 4, 5]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn reshape(&self, shape: impl IntoShape);
    /// The elements in row-major order along one axis.
    ///
    /// # Errors
    /// A length is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[1, 2], [3, 4]]), Chunks::size(1))?;
    /// assert_eq!(x.ravel()?.compute()?, ndarray::arr1(&[1, 2, 3, 4]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn ravel(&self);
    /// The array with the order of elements reversed along some axes.
    ///
    /// # Errors
    /// An axis is out of range, named twice, or has an unknown length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 2, 3], Chunks::size(2))?;
    /// assert_eq!(x.flip(&[0])?.compute()?, ndarray::arr1(&[3, 2, 1]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn flip(&self, axes: &[isize]);
}
