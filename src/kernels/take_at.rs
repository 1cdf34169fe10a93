//! Elements at positions that a block holds.

use ndarray::{ArcArray, Axis, IxDyn};
use serde::{Deserialize, Serialize};

use super::context::KernelContext;
use super::operands::exactly;
use crate::block::{Block, Value, with_block};
use crate::error::{Error, Result};

/// Inputs: a block, and positions along one axis of it as `int64`; negative ones count from the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TakeAt {
    pub(crate) axis: usize,
}

impl TakeAt {
    pub(crate) fn run(&self, inputs: Vec<Value>, _ctx: &KernelContext<'_>) -> Result<Block> {
        let [block, positions] = exactly("index", inputs)?;
        let len = block.shape().get(self.axis).copied().unwrap_or(0);
        let positions = positions.to_array::<i64>()?;
        let resolved = positions.iter().map(|&at| self.resolve(at, len)).collect::<Result<Vec<usize>>>()?;
        with_block!(&block, T, data => {
            let taken: ArcArray<T, IxDyn> = data.to_dense()?.select(Axis(self.axis), &resolved).into_shared();
            Ok(Block::new::<T>(taken))
        })
    }

    fn resolve(&self, at: i64, len: usize) -> Result<usize> {
        let position = if at < 0 { at as i128 + len as i128 } else { at as i128 };
        let inside = usize::try_from(position).ok().filter(|&position| position < len);
        inside.ok_or_else(|| Error::index("index", at, self.axis, len as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::BufferPool;

    #[test]
    fn negative_positions_count_from_the_end_and_others_are_checked() {
        let pool = BufferPool::new(0);
        let run = |positions: Vec<i64>| {
            let block = Block::from_dense(ndarray::arr1(&[10, 20, 30]).into_dyn());
            let positions = Block::from_dense(ndarray::Array1::from_vec(positions).into_dyn());
            TakeAt { axis: 0 }.run(vec![block.into(), positions.into()], &KernelContext::new(&pool))
        };
        assert_eq!(run(vec![-1, 0]).unwrap().dense::<i32>().unwrap(), ndarray::arr1(&[30, 10]).into_dyn().view());
        assert!(run(vec![3]).unwrap_err().is_index());
    }
}
