//! The inputs of a kernel, taken apart: blocks out of values, one element type, dense or sparse.

use ndarray::{ArcArray, ArrayD, IxDyn};

use super::context::KernelContext;
use crate::block::{Block, BlockData, Value};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::sparse::Coo;

/// Blocks of one element type in the layout that a kernel works in.
pub(crate) enum Operands<T: Element> {
    /// At least one block is dense, or fills differ: all are dense.
    Dense(Vec<ArcArray<T, IxDyn>>),
    /// All are sparse with the same fill.
    Sparse(Vec<Coo<T>>),
}

impl<T: Element> Operands<T> {
    /// Takes blocks apart. Sparse ones among dense ones, or with different fills, become dense.
    pub(crate) fn of(blocks: Vec<Block>) -> Result<Self> {
        let data = blocks.into_iter().map(typed).collect::<Result<Vec<BlockData<T>>>>()?;
        if let Some(sparse) = all_sparse(&data) {
            return Ok(Operands::Sparse(sparse));
        }
        data.into_iter().map(dense).collect::<Result<_>>().map(Operands::Dense)
    }
}

fn all_sparse<T: Element>(data: &[BlockData<T>]) -> Option<Vec<Coo<T>>> {
    let sparse: Vec<Coo<T>> = data.iter().map(|data| data.sparse().ok().cloned()).collect::<Option<_>>()?;
    let fill = sparse.first()?.fill();
    sparse.iter().all(|coo| coo.fill().is_same(fill)).then_some(sparse)
}

/// The blocks behind values.
pub(crate) fn blocks(inputs: Vec<Value>) -> Result<Vec<Block>> {
    inputs.into_iter().map(Value::into_block).collect()
}

/// The blocks behind exactly `N` values.
pub(crate) fn exactly<const N: usize>(op: &'static str, inputs: Vec<Value>) -> Result<[Block; N]> {
    let blocks = blocks(inputs)?;
    blocks
        .try_into()
        .map_err(|blocks: Vec<Block>| Error::bug(op, format!("{} inputs where {N} were due", blocks.len())))
}

/// The typed data of a block, by value: a block that nobody else held is still held by nobody else.
pub(crate) fn typed<T: Element>(block: Block) -> Result<BlockData<T>> {
    block.typed::<T>().cloned()
}

/// The elements, every one stored.
pub(crate) fn dense<T: Element>(data: BlockData<T>) -> Result<ArcArray<T, IxDyn>> {
    match data {
        BlockData::Dense(array) => Ok(array),
        BlockData::Sparse(coo) => Ok(coo.to_dense()?.into_shared()),
    }
}

/// A row-major array of unspecified elements, in memory from the pool.
pub(crate) fn scratch<T: Element>(shape: &[usize], ctx: &KernelContext<'_>) -> Result<ArrayD<T>> {
    from_flat(shape, ctx.pool.take(n_elems(shape)?)?)
}

/// A row-major array from its elements.
pub(crate) fn from_flat<T: Element>(shape: &[usize], flat: Vec<T>) -> Result<ArrayD<T>> {
    ArrayD::from_shape_vec(IxDyn(shape), flat).map_err(|error| Error::bug("block", error.to_string()))
}

/// The number of elements of a dense shape; an error where memory could not hold them.
pub(crate) fn n_elems(shape: &[usize]) -> Result<usize> {
    let n = shape.iter().filter(|&&len| len != 0).try_fold(1usize, |n, &len| n.checked_mul(len));
    match n {
        Some(n) if n <= isize::MAX as usize / 16 => Ok(if shape.contains(&0) { 0 } else { n }),
        _ => Err(Error::memory("block", u64::MAX, isize::MAX as u64)),
    }
}

/// Lengths as they are in memory.
pub(crate) fn lengths(shape: &[u64]) -> Vec<usize> {
    shape.iter().map(|&len| len as usize).collect()
}
