//! Where the blocks of a result go: one array in memory, a list of blocks, or a sink.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{ArrayViewMutD, Axis};

use crate::block::{Block, BlockLocation, BlockSink, BufferPool, Value};
use crate::chunks::Grid;
use crate::element::Element;
use crate::element::any_view::{AnyViewMut, Viewed};
use crate::element::dispatch::dispatch;
use crate::error::{Error, Result, Shown};
use crate::kernels::{Destination, copy_into};

/// Takes the blocks of one result, in any order and from any thread.
pub(crate) enum Output<'a> {
    /// Every block on its own.
    Blocks(Mutex<Vec<Option<Block>>>),
    /// The parts of one dense array.
    Dense(SplitArray<'a>),
    /// A file or another store.
    Sink { sink: Arc<dyn BlockSink>, grid: Grid },
}

impl Output<'_> {
    /// A list for the blocks of a grid.
    pub(crate) fn blocks(grid: &Grid) -> Self {
        Output::Blocks(Mutex::new(vec![None; grid.n_blocks() as usize]))
    }

    /// The place of block `number`, for a kernel that can write there at once.
    pub(crate) fn destination(&self, number: u64) -> Option<&dyn Destination> {
        match self {
            Output::Dense(array) => Some(&array.parts[number as usize]),
            Output::Blocks(_) | Output::Sink { .. } => None,
        }
    }

    /// Takes block `number`; its memory goes to `pool` where nobody needs it any more.
    pub(crate) fn put(&self, number: u64, value: Value, pool: &BufferPool) -> Result<()> {
        if let (Value::Placed, Output::Dense(_)) = (&value, self) {
            return Ok(());
        }
        let block = value.into_block()?;
        match self {
            Output::Blocks(blocks) => {
                // A panic elsewhere leaves the list as it was: it is written to in one step.
                blocks.lock().unwrap_or_else(PoisonError::into_inner)[number as usize] = Some(block);
            }
            Output::Dense(array) => {
                array.put(number, &block)?;
                pool.give_block(block);
            }
            Output::Sink { sink, grid } => {
                sink.write(&BlockLocation::new(grid, number), &block)?;
                pool.give_block(block);
            }
        }
        Ok(())
    }

    /// The list of blocks; nothing for the other kinds.
    pub(crate) fn into_blocks(self) -> Result<Vec<Block>> {
        let Output::Blocks(blocks) = self else { return Ok(Vec::new()) };
        let blocks = blocks.into_inner().unwrap_or_else(PoisonError::into_inner);
        let missing = || Error::bug("compute", "a run ended without one of its results");
        blocks.into_iter().collect::<Option<_>>().ok_or_else(missing)
    }
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Output::Blocks(_) => f.write_str("Blocks"),
            Output::Dense(_) => f.write_str("Dense"),
            Output::Sink { sink, .. } => write!(f, "Sink({})", sink.format()),
        }
    }
}

/// The parts of an array, one for each block of a grid: they do not overlap, so each can be written to on its own.
pub(crate) struct SplitArray<'a> {
    parts: Vec<Part<'a>>,
}

/// One part, until it is written to.
struct Part<'a>(Mutex<Option<AnyViewMut<'a>>>);

impl Destination for Part<'_> {
    fn write(&self, write: &mut dyn FnMut(AnyViewMut<'_>) -> Result<()>) -> Option<Result<()>> {
        self.take().map(write)
    }
}

impl<'a> Part<'a> {
    fn take(&self) -> Option<AnyViewMut<'a>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<'a> SplitArray<'a> {
    /// Cuts an array along a grid of known chunk sizes.
    pub(crate) fn new<T: Element>(array: ArrayViewMutD<'a, T>, grid: &Grid) -> Self {
        let mut parts = vec![array];
        for (axis, chunks) in grid.axes().iter().enumerate() {
            let sizes: Vec<u64> = chunks.sizes().collect();
            parts = parts.into_iter().flat_map(|part| split(part, Axis(axis), &sizes)).collect();
        }
        Self { parts: parts.into_iter().map(|part| Part(Mutex::new(Some(T::into_any(part))))).collect() }
    }

    /// Copies a block to its place.
    fn put(&self, number: u64, block: &Block) -> Result<()> {
        let part = self.parts[number as usize].take();
        let part = part.ok_or_else(|| Error::bug("compute", format!("block {number} came twice")))?;
        dispatch!(block.dtype(), T => {
            let part = T::from_any(part).ok_or_else(|| Error::bug("compute", "a block has another type than its array"))?;
            put_block::<T>(part, block)
        })
    }
}

fn put_block<T: Element>(part: ArrayViewMutD<'_, T>, block: &Block) -> Result<()> {
    let elements = block.to_array::<T>()?;
    if elements.shape() != part.shape() {
        return Err(Error::block("compute", "shape", Shown(part.shape()), Shown(elements.shape())));
    }
    copy_into(part, elements.view());
    Ok(())
}

fn split<'a, T>(part: ArrayViewMutD<'a, T>, axis: Axis, sizes: &[u64]) -> Vec<ArrayViewMutD<'a, T>> {
    let mut parts = Vec::with_capacity(sizes.len());
    let mut rest = part;
    for &size in &sizes[..sizes.len() - 1] {
        let (first, others) = rest.split_at(axis, size as usize);
        parts.push(first);
        rest = others;
    }
    parts.push(rest);
    parts
}
