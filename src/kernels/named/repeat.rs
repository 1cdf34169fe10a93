//! Every element several times.

use ndarray::{ArrayD, Axis};
use serde::{Deserialize, Serialize};

use crate::block::{Block, BlockLocation, with_block};
use crate::error::Result;
use crate::kernels::NamedKernel;

/// Every element `n` times along `axis`, one copy behind the other.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Repeat {
    pub(crate) axis: usize,
    pub(crate) n: usize,
}

impl NamedKernel for Repeat {
    const NAME: &'static str = "hyperslab.repeat";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        with_block!(&blocks[0], T, data => {
            let data = data.to_dense()?;
            let mut shape = data.shape().to_vec();
            shape[self.axis] *= self.n;
            let mut out = ArrayD::<T>::default(shape);
            for (part, from) in out.axis_chunks_iter_mut(Axis(self.axis), self.n.max(1)).zip(data.axis_iter(Axis(self.axis))) {
                let mut part = part;
                part.axis_iter_mut(Axis(self.axis)).for_each(|mut copy| copy.assign(&from));
            }
            Ok(Block::from_dense(out))
        })
    }
}
