//! Results that stay on the cluster.

use std::fmt;
use std::sync::Arc;

use super::cluster::Cluster;
use crate::block::codec::decode_bytes;
use crate::block::{Block, BlockLocation, BlockSource, BufferPool, SourceSpec};
use crate::error::{Error, Result};
use crate::graph::wire::HeldBlocks;

/// The blocks of a persisted array. They are kept as long as this lives; tasks of the cluster read them where they are, and
/// whoever else reads one fetches it.
pub(super) struct KeptBlocks<C: Cluster> {
    pub(super) cluster: Arc<C>,
    /// In row-major order.
    pub(super) futures: Vec<C::Future>,
    pub(super) held: HeldBlocks,
}

impl<C: Cluster> fmt::Debug for KeptBlocks<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeptBlocks({}, {} blocks)", self.held.group, self.futures.len())
    }
}

impl<C: Cluster> BlockSource for KeptBlocks<C> {
    fn format(&self) -> &'static str {
        "kept"
    }

    fn read(&self, at: &BlockLocation) -> Result<Block> {
        let number = at.number() as usize;
        let future = self.futures.get(number).ok_or_else(|| Error::bug("kept", format!("no block {number}")))?;
        let content = self.cluster.gather(std::slice::from_ref(future))?.pop();
        let content = content.ok_or_else(|| Error::bug("kept", "a gather gave nothing"))?;
        decode_bytes(&content, &BufferPool::new(0))?.into_block()
    }

    /// Whole blocks have names, their parts have none.
    fn is_random_access(&self) -> bool {
        false
    }

    fn spec(&self) -> Option<SourceSpec> {
        SourceSpec::of(&self.held).ok()
    }
}
