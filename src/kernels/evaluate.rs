//! One block of a fused elementwise program.

use ndarray::IxDyn;
use serde::{Deserialize, Serialize};

use super::arrange::{arranged, arranged_sparse, result_shape};
use super::context::KernelContext;
use super::operands::blocks;
use super::program::{Operand, OutputMut, Program};
use crate::block::{Block, Value, with_block};
use crate::element::dispatch::dispatch;
use crate::element::{Element, Scalar};
use crate::error::{Error, Result};
use crate::sparse::Coo;
use crate::sparse::align::{from_aligned, union, values_at};

/// Evaluates a program over blocks that broadcast: axis `k` of the result shows axis `operands[i][k]` of input `i`.
///
/// Dense inputs are read in place, whatever their strides. If all inputs are sparse, the program runs once on the aligned
/// stored values and once on the fills.
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
        let dtype = self.program.output_dtypes()[0];
        if !blocks.is_empty() && blocks.iter().all(Block::is_sparse) {
            return dispatch!(dtype, T => self.sparse::<T>(blocks, &shape, ctx).map(|coo| Block::new::<T>(coo).into()));
        }
        dispatch!(dtype, T => self.dense::<T>(blocks, &shape, ctx))
    }

    fn dense<T: Element>(&self, blocks: Vec<Block>, shape: &[usize], ctx: &KernelContext<'_>) -> Result<Value> {
        let blocks = blocks.into_iter().map(|block| block.to_dense()).collect::<Result<Vec<_>>>()?;
        let operands = dense_operands(&blocks, &self.operands)?;
        let result =
            ctx.dense_result::<T>(shape, |out| self.program.evaluate(&operands, shape, &mut [OutputMut::new(out)]))?;
        ctx.recycle(blocks);
        Ok(result)
    }

    fn sparse<T: Element>(&self, blocks: Vec<Block>, shape: &[usize], ctx: &KernelContext<'_>) -> Result<Coo<T>> {
        let arranged = blocks
            .into_iter()
            .zip(&self.operands)
            .map(|(block, axes)| arranged_sparse(block, axes, shape, ctx))
            .collect::<Result<Vec<Block>>>()?;
        let keys = arranged.iter().map(|block| with_block!(block, U, data => data.sparse().map(Coo::keys)));
        let positions = union(&keys.collect::<Result<Vec<_>>>()?);
        let aligned = arranged.iter().map(|block| {
            with_block!(block, U, data => {
                let values = values_at(data.sparse()?, &positions);
                Ok(Block::from_dense(ndarray::Array1::from_vec(values.to_vec()).into_dyn()))
            })
        });
        let aligned = aligned.collect::<Result<Vec<Block>>>()?;
        let mut values = vec![T::zero(); positions.len()];
        let row = vec![vec![Some(0)]; aligned.len()];
        let view = ndarray::ArrayViewMutD::from_shape(IxDyn(&[positions.len()]), &mut values)
            .map_err(|error| Error::bug("evaluate", error.to_string()))?;
        let operands = dense_operands(&aligned, &row)?;
        self.program.evaluate(&operands, &[positions.len()], &mut [OutputMut::new(view)])?;
        let fills: Vec<Scalar> = arranged.iter().filter_map(Block::fill).collect();
        let fill = T::from_scalar(self.program.on_scalars(&fills)?[0]);
        let shape = shape.iter().map(|&len| len as u64).collect();
        Ok(from_aligned(shape, positions, values, fill))
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
