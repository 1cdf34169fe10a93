//! Blocks that must agree in length.

use serde::{Deserialize, Serialize};

use crate::block::{Block, BlockLocation};
use crate::error::{Error, Result};
use crate::kernels::NamedKernel;

/// Blocks: one that is handed on, and one that must have the same length along some axes: pairs of an axis of the first and
/// an axis of the second.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SameLengths {
    pub(crate) axes: Vec<(usize, usize)>,
}

impl NamedKernel for SameLengths {
    const NAME: &'static str = "hyperslab.same_lengths";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        let (own, other) = (blocks[0].shape(), blocks[1].shape());
        match self.axes.iter().find(|(a, b)| own[*a] != other[*b]) {
            None => Ok(blocks[0].clone()),
            Some(&(a, b)) => {
                let detail = format!(
                    "axis {a} of a block has length {} where the block that it should equal has {} along axis {b}",
                    own[a], other[b]
                );
                Err(Error::shape("with_lengths_of", detail))
            }
        }
    }
}
