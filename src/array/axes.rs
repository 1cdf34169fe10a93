//! Axes and the order of elements along them: moves, turns, rolls.

use super::DynArray;
use super::manipulate::concatenate_dyn;
use super::typed::forward;
use crate::chunks::AxisRange;
use crate::chunks::select::{normalize_axes, normalize_axis};
use crate::error::{Error, Result};

impl DynArray {
    /// See [`Array::move_axis`](super::Array::move_axis).
    pub fn move_axis(&self, from: isize, to: isize) -> Result<Self> {
        self.move_axes(&[from], &[to]).map_err(|error| error.of_op("move_axis"))
    }

    /// See [`Array::move_axes`](super::Array::move_axes).
    pub fn move_axes(&self, from: &[isize], to: &[isize]) -> Result<Self> {
        if from.len() != to.len() {
            let detail = format!("{} axes are moved to {} places", from.len(), to.len());
            return Err(Error::shape("move_axes", detail).with_remedy("name one place for each axis"));
        }
        let sources = normalize_axes("move_axes", from, self.ndim())?;
        let places = normalize_axes("move_axes", to, self.ndim())?;
        let mut others = (0..self.ndim()).filter(|axis| !sources.contains(axis));
        let axis_at = |place: usize| match places.iter().position(|&p| p == place) {
            Some(i) => Some(sources[i]),
            None => others.next(),
        };
        Ok(self.view((0..self.ndim()).map(axis_at).collect()))
    }

    /// See [`Array::expand_axes`](super::Array::expand_axes).
    pub fn expand_axes(&self, axes: &[isize]) -> Result<Self> {
        let new = normalize_axes("expand_axes", axes, self.ndim() + axes.len())?;
        let mut old = 0..self.ndim();
        let axis_at = |axis: usize| if new.contains(&axis) { None } else { old.next() };
        Ok(self.view((0..self.ndim() + axes.len()).map(axis_at).collect()))
    }

    /// See [`Array::flip_all`](super::Array::flip_all).
    pub fn flip_all(&self) -> Result<Self> {
        self.flip(&(0..self.ndim() as isize).collect::<Vec<_>>())
    }

    /// See [`Array::rot90`](super::Array::rot90).
    pub fn rot90(&self, k: i64, axes: [isize; 2]) -> Result<Self> {
        let plane = normalize_axes("rot90", &axes, self.ndim())?;
        let [first, second] = [plane[0] as isize, plane[1] as isize];
        match k.rem_euclid(4) {
            0 => Ok(self.clone()),
            1 => self.flip(&[second])?.swap_axes(first, second),
            2 => self.flip(&[first, second]),
            _ => self.swap_axes(first, second)?.flip(&[second]),
        }
    }

    /// See [`Array::roll`](super::Array::roll).
    pub fn roll(&self, shift: i64, axis: isize) -> Result<Self> {
        let axis = normalize_axis("roll", axis, self.ndim())?;
        let len = self.known_len("roll", axis)?;
        let cut = if len == 0 { 0 } else { (-i128::from(shift)).rem_euclid(i128::from(len)) as u64 };
        if cut == 0 {
            return Ok(self.clone());
        }
        concatenate_dyn(&[&self.part(axis, cut..len)?, &self.part(axis, 0..cut)?], axis as isize)
    }

    /// See [`Array::roll_axes`](super::Array::roll_axes).
    pub fn roll_axes(&self, shifts: &[i64], axes: &[isize]) -> Result<Self> {
        let n = shifts.len().max(axes.len());
        let fits = |len: usize| len == n || len == 1;
        if !fits(shifts.len()) || !fits(axes.len()) {
            let detail = format!("{} shifts are given for {} axes", shifts.len(), axes.len());
            return Err(Error::shape("roll", detail).with_remedy("give one shift for each axis, or one for all"));
        }
        let pick = |i: usize, len: usize| if len == 1 { 0 } else { i };
        (0..n).try_fold(self.clone(), |array, i| array.roll(shifts[pick(i, shifts.len())], axes[pick(i, axes.len())]))
    }

    /// See [`Array::roll_flat`](super::Array::roll_flat).
    pub fn roll_flat(&self, shift: i64) -> Result<Self> {
        let shape = self.grid().require_shape("roll")?;
        self.ravel()?.roll(shift, 0)?.reshape(shape)
    }

    /// The elements of one range along an axis.
    pub(crate) fn part(&self, axis: usize, range: std::ops::Range<u64>) -> Result<Self> {
        let along = |a: usize| (a == axis).then(|| AxisRange::contiguous(range.clone()));
        self.slice_ranges((0..self.ndim()).map(along).collect())
    }
}

forward! { try_same:
    /// The array with an axis at another place; the others keep their order (NumPy's `moveaxis`).
    ///
    /// # Errors
    /// An axis is out of range.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::zeros([2, 3, 4], Chunks::auto())?;
    /// assert_eq!(x.move_axis(0, -1)?.known_shape()?, [3, 4, 2]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "moveaxis")]
    fn move_axis(&self, from: isize, to: isize);
    /// The array with axis `from[i]` at place `to[i]` of the result; the others keep their order.
    ///
    /// # Errors
    /// The lists differ in length, or an axis is out of range or named twice.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::zeros([2, 3, 4], Chunks::auto())?;
    /// assert_eq!(x.move_axes(&[0, 1], &[-1, -2])?.known_shape()?, [4, 3, 2]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "moveaxis")]
    fn move_axes(&self, from: &[isize], to: &[isize]);
    /// The array with new axes of length 1 at these places of the result.
    ///
    /// # Errors
    /// A place is out of range or named twice.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::zeros([2, 3], Chunks::auto())?;
    /// assert_eq!(x.expand_axes(&[0, -1])?.known_shape()?, [1, 2, 3, 1]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "expand_dims")]
    fn expand_axes(&self, axes: &[isize]);
    /// The array with the order of elements reversed along every axis.
    ///
    /// # Errors
    /// A length is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[1, 2], [3, 4]]), Chunks::size(1))?;
    /// assert_eq!(x.flip_all()?.compute()?, ndarray::arr2(&[[4, 3], [2, 1]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn flip_all(&self);
    /// The array turned `k` times by 90 degrees in the plane of two axes, from the first towards the second.
    ///
    /// # Errors
    /// The axes are equal or out of range, or have an unknown length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[1, 2], [3, 4]]), Chunks::size(1))?;
    /// assert_eq!(x.rot90(1, [0, 1])?.compute()?, ndarray::arr2(&[[2, 4], [1, 3]]).into_dyn());
    /// assert_eq!(x.rot90(-1, [0, 1])?.compute()?, ndarray::arr2(&[[3, 1], [4, 2]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn rot90(&self, k: i64, axes: [isize; 2]);
    /// The array with elements moved `shift` places along an axis; those that leave at one end enter at the other.
    ///
    /// # Errors
    /// The axis is out of range or has an unknown length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 2, 3, 4], Chunks::size(3))?;
    /// assert_eq!(x.roll(1, 0)?.compute()?, ndarray::arr1(&[4, 1, 2, 3]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn roll(&self, shift: i64, axis: isize);
    /// [`roll`](Self::roll) along several axes, one after the other: a shift for each axis, one shift for all axes, or
    /// several shifts for one axis. An axis may be named more than once.
    ///
    /// # Errors
    /// The numbers of shifts and axes do not fit; an axis is out of range or has an unknown length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[1, 2, 3], [4, 5, 6]]), Chunks::size(2))?;
    /// assert_eq!(x.roll_axes(&[1, -1], &[0, 1])?.compute()?, ndarray::arr2(&[[5, 6, 4], [2, 3, 1]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn roll_axes(&self, shifts: &[i64], axes: &[isize]);
    /// [`roll`](Self::roll) of the elements in row-major order, whatever the axes.
    ///
    /// # Errors
    /// A length is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[1, 2], [3, 4]]), Chunks::size(1))?;
    /// assert_eq!(x.roll_flat(1)?.compute()?, ndarray::arr2(&[[4, 1], [2, 3]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn roll_flat(&self, shift: i64);
}
