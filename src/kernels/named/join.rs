//! Blocks one behind the other, whatever their lengths.

use ndarray::{ArcArray, Axis, IxDyn};
use serde::{Deserialize, Serialize};

use crate::block::{Block, BlockLocation, with_block};
use crate::error::{Error, Result};
use crate::kernels::NamedKernel;

/// Joins blocks along `axis`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Join {
    pub(crate) axis: usize,
}

impl NamedKernel for Join {
    const NAME: &'static str = "hyperslab.join";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        let first = blocks.first().ok_or_else(|| Error::bug("join", "no blocks"))?;
        with_block!(first, T, _data => {
            let arrays = blocks.iter().map(Block::to_array::<T>).collect::<Result<Vec<ArcArray<T, IxDyn>>>>()?;
            let views: Vec<_> = arrays.iter().map(|array| array.view()).collect();
            let joined = ndarray::concatenate(Axis(self.axis), &views);
            joined.map(Block::from_dense).map_err(|error| Error::bug("join", error.to_string()))
        })
    }
}
