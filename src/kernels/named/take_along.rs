//! Elements of lanes at positions of their own.

use ndarray::{ArrayD, Axis};
use serde::{Deserialize, Serialize};

use crate::block::{Block, BlockLocation, with_block};
use crate::error::{Error, Result};
use crate::kernels::NamedKernel;

/// Blocks: whole lanes along `axis`, and positions in them, `int64`; negative ones count from the end.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct TakeAlong {
    pub(crate) axis: usize,
}

impl NamedKernel for TakeAlong {
    const NAME: &'static str = "hyperslab.take_along";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        let positions = blocks[1].to_array::<i64>()?;
        let axis = Axis(self.axis);
        with_block!(&blocks[0], T, data => {
            let data = data.to_dense()?;
            let len = data.len_of(axis);
            let mut out = ArrayD::<T>::default(positions.raw_dim());
            for ((lane, places), mut to) in data.lanes(axis).into_iter().zip(positions.lanes(axis)).zip(out.lanes_mut(axis)) {
                for (&at, to) in places.iter().zip(to.iter_mut()) {
                    let inside = if at < 0 { at + len as i64 } else { at };
                    let place = usize::try_from(inside).ok().filter(|&place| place < len);
                    *to = lane[place.ok_or_else(|| Error::index("take_along_axis", at, self.axis, len as u64))?];
                }
            }
            Ok(Block::from_dense(out))
        })
    }
}
