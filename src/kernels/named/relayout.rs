//! The same elements, stored in another layout.

use serde::{Deserialize, Serialize};

use crate::block::{Block, BlockData, BlockLocation, with_block};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::kernels::NamedKernel;
use crate::sparse::Coo;

/// Stores a block densely, or sparsely with fill zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Relayout {
    Dense,
    Sparse,
}

impl NamedKernel for Relayout {
    const NAME: &'static str = "hyperslab.relayout";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        let block = blocks.first().ok_or_else(|| Error::bug("relayout", "no block"))?;
        match self {
            Relayout::Dense => block.to_dense(),
            Relayout::Sparse => with_block!(block, T, data => sparse::<T>(data).map(Block::new)),
        }
    }
}

fn sparse<T: Element>(data: &BlockData<T>) -> Result<Coo<T>> {
    match data {
        BlockData::Sparse(coo) if coo.fill().is_same(T::zero()) => Ok(coo.clone()),
        data => Coo::from_dense(&data.to_dense()?.view()),
    }
}
