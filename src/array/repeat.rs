//! Elements several times: `repeat`, `tile`.

use super::DynArray;
use super::typed::forward;
use crate::block::ArrayMeta;
use crate::chunks::AxisChunks;
use crate::chunks::select::normalize_axis;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::graph::Name;
use crate::graph::ops::BlocksOp;
use crate::kernels::named::Repeat;

impl DynArray {
    /// See [`Array::repeat`](super::Array::repeat).
    pub fn repeat(&self, n: u64, axis: isize) -> Result<Self> {
        let axis = normalize_axis("repeat", axis, self.ndim())?;
        let dense = self.to_dense();
        let chunks = repeated(dense.grid().axis(axis), n)?;
        let meta = ArrayMeta::dense(self.dtype(), dense.grid().with_axis(axis, chunks));
        let same = (0..self.ndim()).map(Some).collect();
        Self::map_kernel("repeat", &Repeat { axis, n: n as usize }, &[(&dense, same)], meta)
    }

    /// See [`Array::repeat_each`](super::Array::repeat_each).
    pub fn repeat_each(&self, counts: &[u64], axis: isize) -> Result<Self> {
        let axis = normalize_axis("repeat", axis, self.ndim())?;
        let len = self.known_len("repeat", axis)?;
        if counts.len() as u64 != len {
            let detail = format!("{} counts are given for the {len} elements of axis {axis}", counts.len());
            return Err(Error::shape("repeat", detail).with_remedy("give a count for each element"));
        }
        check_list("repeat", counts.iter().copied())?;
        let times = |(at, &n): (usize, &u64)| std::iter::repeat_n(at as u64, n as usize);
        self.take_positions(axis, &counts.iter().enumerate().flat_map(times).collect::<Vec<u64>>())
    }

    /// See [`Array::tile`](super::Array::tile).
    pub fn tile(&self, reps: &[u64]) -> Result<Self> {
        let ndim = self.ndim().max(reps.len());
        let raised = self.view((0..ndim).map(|axis| (axis + self.ndim()).checked_sub(ndim)).collect());
        let all_reps: Vec<u64> = std::iter::repeat_n(1, ndim - reps.len()).chain(reps.iter().copied()).collect();
        let counts = raised.grid().block_counts();
        if let Some(axis) = all_reps.iter().position(|&n| n == 0) {
            let mut rest = all_reps;
            rest[axis] = 1;
            return raised.part(axis, 0..0)?.tile(&rest);
        }
        if all_reps.iter().all(|&n| n == 1) {
            return Ok(raised);
        }
        check_list("tile", counts.iter().zip(&all_reps).map(|(&n_blocks, &n)| n_blocks.saturating_mul(n)))?;
        let picks = counts.iter().zip(&all_reps).map(|(&n_blocks, &n)| (0..n).flat_map(|_| 0..n_blocks).collect());
        let op = BlocksOp { picks: picks.collect() };
        let meta = op.meta(raised.meta())?;
        Ok(DynArray::build(op, &[&raised], meta))
    }
}

/// Lists of blocks and positions are made when the expression is built, and must fit in memory.
pub(super) fn check_list(op: &'static str, entries: impl Iterator<Item = u64>) -> Result<()> {
    let need = entries.fold(0u64, u64::saturating_add).saturating_mul(size_of::<u64>() as u64);
    let limit = Config::global().memory_bytes();
    match need > limit {
        true => Err(Error::memory(op, need, limit).with_remedy("ask for fewer")),
        false => Ok(()),
    }
}

/// The chunks of an axis whose elements each stand `n` times.
fn repeated(chunks: &AxisChunks, n: u64) -> Result<AxisChunks> {
    if let Some(var) = chunks.var() {
        return Ok(AxisChunks::unknown(Name::of(&("repeat", var, n)).size_var(), chunks.n_blocks()));
    }
    let sizes = chunks.sizes().map(|size| size.checked_mul(n)).collect::<Option<Vec<u64>>>();
    AxisChunks::from_sizes(&sizes.ok_or_else(|| Error::shape("repeat", "the length of the axis overflows 64 bits"))?)
}

forward! { try_same:
    /// Every element `n` times along an axis, one copy behind the other.
    ///
    /// # Chunks
    /// Each becomes `n` times as long. Works along axes of unknown length.
    ///
    /// # Errors
    /// The axis is out of range.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 2, 3], Chunks::size(2))?;
    /// assert_eq!(x.repeat(2, 0)?.compute()?, ndarray::arr1(&[1, 1, 2, 2, 3, 3]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn repeat(&self, n: u64, axis: isize);
    /// Element `i` along an axis `counts[i]` times.
    ///
    /// # Errors
    /// There are more or fewer counts than elements, or the length is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 2, 3], Chunks::size(2))?;
    /// assert_eq!(x.repeat_each(&[2, 0, 1], 0)?.compute()?, ndarray::arr1(&[1, 1, 3]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn repeat_each(&self, counts: &[u64], axis: isize);
    /// The whole array `reps[i]` times along axis `i`; the shorter of shape and `reps` gets ones on the left.
    ///
    /// # Chunks
    /// The blocks of the array, again and again: nothing is copied.
    ///
    /// # Errors
    /// An axis of unknown length is taken 0 times.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 2], Chunks::auto())?;
    /// assert_eq!(x.tile(&[2, 2])?.compute()?, ndarray::arr2(&[[1, 2, 1, 2], [1, 2, 1, 2]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn tile(&self, reps: &[u64]);
}
