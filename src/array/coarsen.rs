//! Neighbouring elements reduced to one: `coarsen`.

use super::reduce::Reduce;
use super::{Array, DynArray};
use crate::chunks::select::normalize_axes;
use crate::chunks::{AxisChunks, AxisRange, Grid};
use crate::element::Element;
use crate::error::{Error, Result};

const OP: &str = "coarsen";

/// Chunks of whole windows: borders move to the next multiple of the window.
fn of_whole_windows(chunks: &AxisChunks, len: u64, window: u64) -> AxisChunks {
    let borders = chunks.borders().unwrap_or_default();
    let mut moved: Vec<u64> = borders.iter().map(|border| border.next_multiple_of(window).min(len)).collect();
    moved.dedup();
    if moved.len() < 2 { chunks.clone() } else { AxisChunks::from_borders(moved) }
}

impl DynArray {
    /// The array with an axis of windows and one within windows in place of each coarsened axis, and the latter axes.
    fn windows(&self, factors: &[(isize, u64)], trim_excess: bool) -> Result<(Self, Reduce)> {
        let axes: Vec<isize> = factors.iter().map(|factor| factor.0).collect();
        let axes = normalize_axes(OP, &axes, self.ndim())?;
        let shape = self.grid().require_shape(OP)?;
        let mut windows = vec![None; self.ndim()];
        for (&axis, &(_, window)) in axes.iter().zip(factors) {
            if window == 0 || (!trim_excess && !shape[axis].is_multiple_of(window)) {
                let detail = format!("axis {axis} of length {} is no whole number of windows of {window}", shape[axis]);
                return Err(Error::shape(OP, detail).with_remedy("choose another window, or trim what is left over"));
            }
            windows[axis] = Some(window);
        }
        let kept: Vec<u64> = shape.iter().zip(&windows).map(|(len, window)| len - len % window.unwrap_or(1)).collect();
        let trimmed = self.slice_ranges(kept.iter().map(|&len| Some(AxisRange::canonical(0, 1, len))).collect())?;
        let aligned = |axis: usize| match windows[axis] {
            Some(window) => of_whole_windows(trimmed.grid().axis(axis), kept[axis], window),
            None => trimmed.grid().axis(axis).clone(),
        };
        let grid: Grid = (0..self.ndim()).map(aligned).collect();
        let (mut split, mut within) = (Vec::new(), Vec::new());
        for (&len, window) in kept.iter().zip(&windows) {
            split.push(len / window.unwrap_or(1));
            if let Some(window) = *window {
                within.push(split.len() as isize);
                split.push(window);
            }
        }
        Ok((trimmed.to_grid(&grid)?.reshape(split)?, Reduce::axes(within)))
    }

    /// See [`Array::coarsen`].
    pub fn coarsen(
        &self,
        factors: &[(isize, u64)],
        trim_excess: bool,
        reduce: impl FnOnce(&Self, &Reduce) -> Result<Self>,
    ) -> Result<Self> {
        let (windows, within) = self.windows(factors, trim_excess)?;
        reduce(&windows, &within)
    }
}

impl<T: Element> Array<T> {
    /// Neighbouring elements reduced to one: windows of so many elements along some axes, by any reduction.
    ///
    /// The reduction is called once, when the expression is built, with an array of windows and the axes within them.
    ///
    /// # Chunks
    /// Borders between chunks move to borders between windows.
    ///
    /// # Errors
    /// A length is unknown, or no multiple of its window: unless what is left over at the end of an axis is to be trimmed.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 7, 1, Chunks::size(3))?;
    /// let pairs = x.coarsen(&[(0, 2)], true, Array::sum_with)?;
    /// assert_eq!(pairs.compute()?, ndarray::arr1(&[1, 5, 9]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn coarsen<U: Element>(
        &self,
        factors: &[(isize, u64)],
        trim_excess: bool,
        reduce: impl FnOnce(&Self, Reduce) -> Result<Array<U>>,
    ) -> Result<Array<U>> {
        let (windows, within) = self.as_dyn().windows(factors, trim_excess)?;
        reduce(&Self::wrap(windows), within)
    }
}
