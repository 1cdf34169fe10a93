//! What a kernel may use beyond its inputs.

use crate::block::{Block, BufferPool};

/// The surroundings of one kernel call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KernelContext<'a> {
    /// Where the memory of results comes from and the memory of used-up inputs goes to.
    pub(crate) pool: &'a BufferPool,
}

impl<'a> KernelContext<'a> {
    pub(crate) fn new(pool: &'a BufferPool) -> Self {
        Self { pool }
    }

    /// Gives back the memory of inputs that are used up, where nobody else holds them.
    pub(crate) fn recycle(&self, blocks: impl IntoIterator<Item = Block>) {
        blocks.into_iter().for_each(|block| self.pool.give_block(block));
    }
}
