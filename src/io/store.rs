//! Writing arrays: by this process, or by those that compute the blocks.

use std::path::Path;
use std::sync::Arc;

use crate::array::DynArray;
use crate::block::{ArrayMeta, Block, BlockLocation, BlockSink, Layout};
use crate::element::{DType, Scalar};
use crate::error::{Error, Result};
use crate::exec::Runtime;
use crate::kernel::NamedKernel;
use crate::sparse::Coo;

/// A sink whose blocks other processes can write as well, under the same path.
pub(super) trait SharedSink: BlockSink + 'static {
    /// Writes blocks wherever it runs.
    type Writer: NamedKernel;

    /// What writes blocks to the same place.
    fn writer(&self) -> Self::Writer;

    /// Notes that all blocks have been written by others.
    fn all_written(&self);
}

/// Computes an array and writes its blocks, each where it is computed.
pub(super) fn store<S: SharedSink>(op: &'static str, array: &DynArray, sink: &Arc<S>) -> Result<()> {
    if Runtime::current().runs_here() {
        return array.store(Arc::clone(sink) as Arc<dyn BlockSink>);
    }
    // What comes back is an array of the same chunks in which nothing is stored.
    let layout = Layout::Sparse(Scalar::zero(DType::Bool));
    let meta = ArrayMeta { dtype: DType::Bool, layout, ..array.meta().clone() };
    let axes = (0..array.ndim()).map(Some).collect();
    DynArray::map_kernel(op, &sink.writer(), &[(array, axes)], meta)?.compute_block()?;
    sink.all_written();
    Ok(())
}

/// Has a block written by `write`, and gives the result of a task that has.
pub(super) fn written(
    op: &'static str,
    blocks: &[Block],
    at: &BlockLocation,
    write: impl FnOnce(&Block) -> Result<()>,
) -> Result<Block> {
    let block = blocks.first().ok_or_else(|| Error::format(op, "a task without a block to write"))?;
    write(block)?;
    let lens = at.shape().ok_or_else(|| Error::format(op, "the place of the block is not known"))?;
    Ok(Block::new::<bool>(Coo::zeros(lens.iter().map(|&len| len as u64).collect::<Vec<_>>())?))
}

/// What could not be opened for writing, with what to do about it.
pub(super) fn out_of_reach(error: Error, path: &Path) -> Error {
    error.with_remedy(format!("{}: every process must see the same folder under the same path", path.display()))
}
