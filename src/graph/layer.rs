//! One layer of a plan: tasks of one kind, made on demand from their numbers.

use std::fmt::Debug;
use std::sync::Arc;

use super::map::BlockMap;
use super::name::Name;
use crate::block::{Block, BlockLocation, BlockSource};
use crate::chunks::Grid;
use crate::error::Result;
use crate::kernels::Kernel;

/// Makes the kernel calls of a layer.
pub(crate) trait LayerBody: Debug + Send + Sync {
    /// The kernel of task `index`. Its inputs are the blocks of all edges in order.
    fn kernel(&self, index: u64) -> Result<Kernel>;
}

/// A body whose tasks all make the same call.
#[derive(Debug)]
pub(crate) struct SameKernel(pub Kernel);

impl LayerBody for SameKernel {
    fn kernel(&self, _index: u64) -> Result<Kernel> {
        Ok(self.0.clone())
    }
}

/// Blocks that are read where they are used, because reading costs nothing.
#[derive(Clone, Debug)]
pub(crate) struct InlineSource {
    pub source: Arc<dyn BlockSource>,
    pub grid: Grid,
}

impl InlineSource {
    pub(crate) fn read(&self, number: u64) -> Result<Block> {
        self.source.read(&BlockLocation::new(&self.grid, number))
    }
}

/// Where the blocks of an edge come from.
#[derive(Clone, Debug)]
pub(crate) enum Producer {
    /// The tasks of a layer.
    Layer(u32),
    /// Memory.
    Inline(InlineSource),
}

/// One input of a layer.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub from: Producer,
    pub map: BlockMap,
}

/// Tasks of one kind over a grid of results.
#[derive(Debug)]
pub(crate) struct Layer {
    /// The operation, as users know it.
    pub label: String,
    /// Stands for the operation with its parameters, what is promised of it and of its inputs, and the layer's number in
    /// it: all that decides body and edges, but for where the edges come from.
    pub op: Name,
    /// The number of results along each axis; tasks are numbered in row-major order.
    pub counts: Vec<u64>,
    pub edges: Vec<Edge>,
    pub body: Arc<dyn LayerBody>,
    /// An upper bound of what one task allocates.
    pub task_bytes: u64,
    /// Whether results are much smaller than inputs, so that running a task frees memory.
    pub reduces: bool,
}

impl Layer {
    pub(crate) fn n_tasks(&self) -> u64 {
        self.counts.iter().product()
    }
}
