//! Arrays taken apart along an axis, and lengths taken on trust.

use super::DynArray;
use super::repeat::check_list;
use super::typed::forward;
use crate::block::ArrayMeta;
use crate::chunks::select::normalize_axis;
use crate::element::Element;
use crate::error::{Error, Result};
use crate::kernels::named::SameLengths;

use super::Array;

impl DynArray {
    /// See [`Array::split_at`].
    pub fn split_at(&self, positions: &[u64], axis: isize) -> Result<Vec<Self>> {
        let axis = normalize_axis("split_at", axis, self.ndim())?;
        let len = self.known_len("split_at", axis)?;
        let starts = std::iter::once(0).chain(positions.iter().map(|&at| at.min(len)));
        let ends = positions.iter().map(|&at| at.min(len)).chain([len]);
        starts.zip(ends).map(|(start, end)| self.part(axis, start..end.max(start))).collect()
    }

    /// See [`Array::array_split`].
    pub fn array_split(&self, n: u64, axis: isize) -> Result<Vec<Self>> {
        let at = normalize_axis("array_split", axis, self.ndim())?;
        let len = self.known_len("array_split", at)?;
        if n == 0 {
            return Err(Error::value("array_split", "an array can not be split into 0 parts"));
        }
        check_list("array_split", std::iter::once(n))?;
        let border = |i: u64| i * (len / n) + i.min(len % n);
        self.split_at(&(1..n).map(border).collect::<Vec<u64>>(), axis)
    }

    /// See [`Array::unstack`].
    pub fn unstack(&self, axis: isize) -> Result<Vec<Self>> {
        let at = normalize_axis("unstack", axis, self.ndim())?;
        (0..self.known_len("unstack", at)?).map(|i| self.index_axis(axis, i as i64)).collect()
    }

    /// See [`Array::with_lengths_of`].
    pub fn with_lengths_of(&self, other: impl AsRef<DynArray>) -> Result<Self> {
        const OP: &str = "with_lengths_of";
        let other = other.as_ref();
        let mut grid = self.grid().clone();
        let mut axes = Vec::new();
        for (axis, chunks) in self.grid().axes().iter().enumerate().rev() {
            let Some(theirs) = (axis + other.ndim()).checked_sub(self.ndim()) else { continue };
            let trusted = other.grid().axis(theirs);
            if chunks.is_known() || trusted == chunks {
                continue;
            }
            if trusted.n_blocks() != chunks.n_blocks() {
                let counts = [chunks.n_blocks(), trusted.n_blocks()];
                let detail = format!("axis {axis} has {} chunks where the other array has {}", counts[0], counts[1]);
                return Err(Error::chunks(OP, detail).with_remedy("call `compute_chunk_sizes()` on both"));
            }
            grid = grid.with_axis(axis, trusted.clone());
            axes.push((axis, theirs));
        }
        if axes.is_empty() {
            return Ok(self.clone());
        }
        let meta = ArrayMeta { grid, ..self.meta().clone() };
        let own = (0..self.ndim()).map(Some).collect();
        let shown = |axis: usize| axes.iter().find(|pair| pair.0 == axis).map(|pair| pair.1);
        let theirs = (0..self.ndim()).map(shown).collect();
        Self::map_kernel(OP, &SameLengths { axes: axes.clone() }, &[(self, own), (other, theirs)], meta)
    }
}

impl<T: Element> Array<T> {
    /// The parts of the array between positions along an axis.
    ///
    /// # Errors
    /// The axis is out of range or has an unknown length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 5, 1, Chunks::size(2))?;
    /// let parts = x.split_at(&[1, 3], 0)?;
    /// assert_eq!(parts[1].compute()?, ndarray::arr1(&[1, 2]).into_dyn());
    /// assert_eq!(parts.len(), 3);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "split")]
    pub fn split_at(&self, positions: &[u64], axis: isize) -> Result<Vec<Self>> {
        Ok(self.as_dyn().split_at(positions, axis)?.into_iter().map(Self::wrap).collect())
    }

    /// `n` parts of the array along an axis, of equal lengths or, where that can not be, the first ones longer by one.
    ///
    /// # Errors
    /// `n` is 0; the axis is out of range or has an unknown length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 5, 1, Chunks::size(2))?;
    /// let parts = x.array_split(2, 0)?;
    /// assert_eq!(parts[0].compute()?, ndarray::arr1(&[0, 1, 2]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn array_split(&self, n: u64, axis: isize) -> Result<Vec<Self>> {
        Ok(self.as_dyn().array_split(n, axis)?.into_iter().map(Self::wrap).collect())
    }

    /// The parts of the array at each position along an axis, without that axis: the inverse of
    /// [`stack`](super::stack).
    ///
    /// # Errors
    /// The axis is out of range or has an unknown length.
    pub fn unstack(&self, axis: isize) -> Result<Vec<Self>> {
        Ok(self.as_dyn().unstack(axis)?.into_iter().map(Self::wrap).collect())
    }
}

forward! { try_same:
    /// The array with its unknown lengths taken to be those of another array, aligned on the right: then both combine.
    ///
    /// Lengths of different masks can not be combined, because nobody knows whether they are equal. This says that they
    /// are; when run, every block is checked.
    ///
    /// # Errors
    /// The numbers of chunks differ. When run: blocks differ in length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 6, 1, Chunks::size(4))?;
    /// let (even, odd) = (x.mask(&(&x % 2).eq(0)?)?, x.mask(&(&x % 2).eq(1)?)?);
    /// assert!(even.try_add(&odd).unwrap_err().is_unknown_chunks());
    /// let sums = &even + &odd.with_lengths_of(&even)?;
    /// assert_eq!(sums.compute()?, ndarray::arr1(&[1, 5, 9]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "allow_unknown_chunksizes")]
    fn with_lengths_of(&self, other: impl AsRef<DynArray>);
}
