//! One block of a fused elementwise program.

use serde::{Deserialize, Serialize};

use super::arrange::{arranged, result_shape};
use super::context::KernelContext;
use super::layout::View;
use super::operands::blocks;
use super::program::{Operand, OutputMut, Program};
use super::sparse::evaluate_if_sparse;
use crate::block::{Block, Value, with_block};
use crate::element::Element;
use crate::element::dispatch::dispatch;
use crate::error::{Error, Result};
use crate::sparse::Coo;

/// Evaluates a program over blocks that broadcast: axis `k` of the result shows axis `operands[i][k]` of input `i`.
///
/// Dense inputs are read in place, whatever their strides. If inputs are sparse and the program gives one value wherever
/// they store nothing, it runs on stored values only, and the result is sparse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Evaluate {
    pub(crate) program: Program,
    pub(crate) operands: Vec<Vec<Option<usize>>>,
    /// The lengths of the result where the plan knows them.
    pub(crate) shape: Vec<Option<u64>>,
}

impl Evaluate {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Value> {
        let blocks = blocks(inputs)?;
        if blocks.len() != self.operands.len() {
            return Err(Error::bug(
                "evaluate",
                format!("{} inputs for {} operands", blocks.len(), self.operands.len()),
            ));
        }
        let shapes: Vec<Vec<usize>> = blocks.iter().map(Block::shape).collect();
        let shape = result_shape(&self.shape, &shapes, &self.operands);
        dispatch!(self.program.output_dtypes()[0], T => {
            if blocks.iter().any(Block::is_sparse)
                && let Some(coo) = self.sparse::<T>(&blocks, &shape, &ctx.for_intermediate())?
            {
                return Ok(Block::new::<T>(coo).into());
            }
            self.dense::<T>(blocks, &shape, ctx)
        })
    }

    fn dense<T: Element>(&self, blocks: Vec<Block>, shape: &[usize], ctx: &KernelContext<'_>) -> Result<Value> {
        let blocks = blocks.into_iter().map(|block| block.to_dense()).collect::<Result<Vec<_>>>()?;
        let operands = dense_operands(&blocks, &self.operands)?;
        let result =
            ctx.dense_result::<T>(shape, |out| self.program.evaluate(&operands, shape, &mut [OutputMut::new(out)]))?;
        ctx.recycle(blocks);
        Ok(result)
    }

    /// The result where it is sparse: what is not stored gives one value, whatever stands beside it.
    fn sparse<T: Element>(&self, blocks: &[Block], shape: &[usize], ctx: &KernelContext<'_>) -> Result<Option<Coo<T>>> {
        let shown = |(block, axes): (&Block, &Vec<Option<usize>>)| {
            let view = View { axes: axes.clone(), shape: vec![None; axes.len()] };
            let is_identity = axes.iter().copied().eq((0..block.shape().len()).map(Some));
            if is_identity { Ok(block.clone()) } else { view.run(vec![block.clone().into()], ctx) }
        };
        let shown = blocks.iter().zip(&self.operands).map(shown).collect::<Result<Vec<Block>>>()?;
        let shape: Vec<u64> = shape.iter().map(|&len| len as u64).collect();
        evaluate_if_sparse(&self.program, &shown, &shape)
    }
}

/// Dense blocks as operands of a program.
pub(crate) fn dense_operands<'a>(blocks: &'a [Block], axes: &[Vec<Option<usize>>]) -> Result<Vec<Operand<'a>>> {
    blocks
        .iter()
        .zip(axes)
        .map(|(block, axes)| with_block!(block, U, data => Ok(Operand::new(&arranged(data.dense()?, axes)))))
        .collect()
}
