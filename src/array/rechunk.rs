//! The same elements in other blocks.

use super::DynArray;
use super::typed::forward;
use crate::block::ArrayMeta;
use crate::chunks::rechunk::plan_rechunk;
use crate::chunks::{AxisChunks, Chunks, Grid};
use crate::config::Config;
use crate::error::Result;
use crate::graph::ops::{FoldOp, RechunkOp};
use crate::kernels::named::Join;
use crate::kernels::{BlockFunction, NamedKernel};

impl DynArray {
    /// The same elements in other chunks; see [`Array::rechunk`](super::Array::rechunk).
    pub fn rechunk(&self, chunks: impl Into<Chunks>) -> Result<Self> {
        let grid = chunks.into().normalize_rechunk("rechunk", self.grid(), self.dtype().size_bytes())?;
        self.to_grid(&grid)
    }

    /// The same elements on a grid of the same shape.
    pub(crate) fn to_grid(&self, grid: &Grid) -> Result<Self> {
        if grid == self.grid() {
            return Ok(self.clone());
        }
        let limit_bytes = Config::global().memory_bytes() / 16;
        let steps = plan_rechunk(self.grid(), grid, self.dtype().size_bytes(), limit_bytes);
        Ok(steps.into_iter().fold(self.clone(), |array, step| {
            let meta = ArrayMeta { grid: step, ..array.meta().clone() };
            DynArray::build(RechunkOp, &[&array], meta)
        }))
    }

    /// The same elements with one chunk along an axis, whose length may be unknown.
    pub(crate) fn joined_along(&self, axis: usize) -> Result<Self> {
        let Some(var) = self.grid().axis(axis).var() else { return self.with_whole_axes([axis]) };
        let fan = self.grid().axis(axis).n_blocks();
        if fan == 1 {
            return Ok(self.clone());
        }
        let array = self.to_dense();
        let grid = array.grid().with_axis(axis, AxisChunks::unknown(var, 1));
        let meta = ArrayMeta { grid, ..array.meta().clone() };
        array.fold_kernel("join", &Join { axis }, axis, fan, meta)
    }

    /// Calls a kernel of the crate with `fan` neighbouring blocks along an axis at a time, until one is left.
    pub(crate) fn fold_kernel<K: NamedKernel>(
        &self,
        label: &'static str,
        kernel: &K,
        axis: usize,
        fan: u64,
        meta: ArrayMeta,
    ) -> Result<Self> {
        let function = BlockFunction::named(kernel)?;
        let key = crate::graph::Name::of(&function.key_bits());
        Ok(DynArray::build(FoldOp { label, function, key, axis, fan }, &[self], meta))
    }

    /// The same elements with one chunk along some axes.
    pub(crate) fn with_whole_axes(&self, axes: impl IntoIterator<Item = usize>) -> Result<Self> {
        let mut grid = self.grid().clone();
        for axis in axes {
            if grid.axis(axis).n_blocks() == 1 {
                continue;
            }
            let len = grid.axis(axis).len().ok_or_else(|| {
                let detail = format_args!("axis {axis} of shape {} must be one chunk", grid.shape_text());
                crate::error::Error::unknown_chunks("rechunk", detail)
            })?;
            grid = grid.with_axis(axis, AxisChunks::whole(len));
        }
        self.to_grid(&grid)
    }
}

forward! { try_same:
    /// The same elements in other chunks.
    ///
    /// # Chunks
    /// As asked. `AxisSpec::Keep` keeps an axis as it is; an axis of unknown length can only be kept. A change that would
    /// need very many small pieces goes through chunks in between, each within a sixteenth of the memory budget.
    ///
    /// # Errors
    /// The sizes do not add up to the length of an axis, or an axis to be changed has an unknown length.
    ///
    /// # Complexity
    /// One task per new block (and step in between); a task allocates its block. Arrays in memory are read in the new
    /// chunks at once; for a file, say the chunks when opening it.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::zeros([10, 10], Chunks::from([10, 1]))?;
    /// let y = x.rechunk([1, 10])?;
    /// assert_eq!(y.grid().block_counts(), [10, 1]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn rechunk(&self, chunks: impl Into<Chunks>);
}
