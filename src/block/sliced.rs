//! A rectangular part of a source.

use std::sync::Arc;

use super::{ArrayMeta, Block, BlockLocation, BlockSource, SourceSpec};
use crate::error::Result;

/// A part of another source that starts at given positions.
#[derive(Clone, Debug)]
pub(crate) struct SlicedSource {
    whole: Arc<dyn BlockSource>,
    starts: Vec<u64>,
}

impl SlicedSource {
    pub(crate) fn new(whole: Arc<dyn BlockSource>, starts: Vec<u64>) -> Self {
        Self { whole, starts }
    }
}

impl BlockSource for SlicedSource {
    fn format(&self) -> &'static str {
        self.whole.format()
    }

    fn read(&self, at: &BlockLocation) -> Result<Block> {
        self.whole.read(&at.shifted(&self.starts)?)
    }

    fn is_in_memory(&self) -> bool {
        self.whole.is_in_memory()
    }

    fn scratch_bytes(&self, meta: &ArrayMeta) -> u64 {
        self.whole.scratch_bytes(meta)
    }

    fn spec(&self) -> Option<SourceSpec> {
        self.whole.spec().map(|spec| spec.shifted(&self.starts))
    }
}
