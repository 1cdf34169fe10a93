//! The tasks of a reduction: lift a block, combine partial results, finish them.

use ndarray::Axis;
use serde::{Deserialize, Serialize};

use super::arrange::{arranged_sparse, result_shape};
use super::context::KernelContext;
use super::evaluate::dense_operands;
use super::operands::blocks;
use super::program::Program;
use super::reduce::{
    Cells, Fills, LiftSpec, Partial, PassItem, Place, Reducer, lift_program, lift_segments, lift_together,
};
use crate::block::{Block, Value, with_block};
use crate::element::{Element, Scalar};
use crate::error::{Error, Result};
use crate::sparse::Coo;
use crate::sparse::group::{Groups, Segments};

/// One reduction of a pass over data: the output of the program that it takes, and the one that tells which elements take
/// part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct LiftItem {
    pub(crate) reducer: Reducer,
    pub(crate) value: usize,
    pub(crate) mask: Option<usize>,
}

/// Reads blocks once and leaves a partial result for each item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lift {
    /// Without a program the only input is reduced as it is.
    pub(crate) program: Option<Program>,
    pub(crate) operands: Vec<Vec<Option<usize>>>,
    pub(crate) items: Vec<LiftItem>,
    pub(crate) reduced: Vec<bool>,
    /// The lengths of the block where the plan knows them.
    pub(crate) shape: Option<Vec<u64>>,
    /// Where the block starts along the reduced axes and their lengths in the array, where known; positions count from there.
    pub(crate) place: Option<(Vec<u64>, Vec<u64>)>,
}

impl Lift {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Value> {
        let blocks = blocks(inputs)?;
        let known: Vec<Option<u64>> = match &self.shape {
            Some(shape) => shape.iter().copied().map(Some).collect(),
            None => vec![None; self.reduced.len()],
        };
        let shapes: Vec<Vec<usize>> = blocks.iter().map(Block::shape).collect();
        let shape = result_shape(&known, &shapes, &self.operands);
        let partials = match (<[Block; 1]>::try_from(blocks), &self.program) {
            (Ok([block]), None) if block.is_sparse() => self.sparse(block, &shape, ctx)?,
            (blocks, _) => {
                let blocks = blocks.map_or_else(|blocks| blocks, Vec::from);
                let dense = blocks.into_iter().map(|block| block.to_dense()).collect::<Result<Vec<_>>>()?;
                let partials = self.dense(&dense, &shape)?;
                ctx.recycle(dense);
                partials
            }
        };
        Ok(Value::Parts(partials.into_iter().map(Value::from).collect()))
    }

    fn spec(&self, shape: &[usize], item: &LiftItem) -> LiftSpec {
        let spec = LiftSpec::new(shape, &self.reduced);
        let spec = if item.mask.is_some() { spec.partial() } else { spec };
        match &self.place {
            Some((start, whole)) => spec.at(start, whole),
            None => spec,
        }
    }

    fn dense(&self, blocks: &[Block], shape: &[usize]) -> Result<Vec<Partial>> {
        if let ([item], [block], None) = (self.items.as_slice(), blocks, &self.program) {
            return Ok(vec![item.reducer.lift(block, None, &self.spec(shape, item))?]);
        }
        if let ([first, ..], [block], None) = (self.items.as_slice(), blocks, &self.program)
            && self.items.iter().all(|item| item.mask.is_none())
        {
            let reducers: Vec<Reducer> = self.items.iter().map(|item| item.reducer).collect();
            return lift_together(block, &reducers, &self.spec(shape, first));
        }
        let operands = dense_operands(blocks, &self.operands)?;
        let identity;
        let program = match &self.program {
            Some(program) => program,
            None => {
                identity = Program::identity(&blocks.iter().map(Block::dtype).collect::<Vec<_>>());
                &identity
            }
        };
        let pass_item = |item: &LiftItem| PassItem {
            reducer: item.reducer,
            spec: self.spec(shape, item),
            value: item.value,
            mask: item.mask,
        };
        let items = self.items.iter().map(pass_item).collect();
        lift_program(program, &operands, shape, &self.reduced, items)
    }

    /// A sparse block is reduced by what it stores; what it does not store counts as many fill values.
    fn sparse(&self, block: Block, shape: &[usize], ctx: &KernelContext<'_>) -> Result<Vec<Partial>> {
        let block = arranged_sparse(block, &self.operands[0], shape, ctx)?;
        let lift_item = |item: &LiftItem| with_block!(&block, T, data => self.lift_sparse(data.sparse()?, item));
        self.items.iter().map(lift_item).collect()
    }

    fn lift_sparse<T: Element>(&self, coo: &Coo<T>, item: &LiftItem) -> Result<Partial> {
        let axes = (0isize..).zip(&self.reduced).filter(|(_, is_reduced)| **is_reduced).map(|(axis, _)| axis);
        let groups = Groups::new(item.reducer.reduction().name(), coo.shape(), &axes.collect::<Vec<_>>())?;
        let place = match &self.place {
            Some((start, whole)) => Place::new(coo.shape(), &self.reduced, start, whole),
            None => Place::new(coo.shape(), &self.reduced, &vec![0; coo.ndim()], coo.shape()),
        };
        let lens = coo.shape().iter().zip(&self.reduced);
        let kept: Vec<usize> = lens.map(|(&len, &is_reduced)| if is_reduced { 1 } else { len as usize }).collect();
        let segments = Segments::new(coo, groups);
        lift_segments(item.reducer, &segments, coo.fill(), Cells::All, Some(&place), &kept)
    }
}

/// Joins partial results in their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CombinePartials {
    pub(crate) reducers: Vec<Reducer>,
}

impl CombinePartials {
    pub(crate) fn run(&self, inputs: &[Value]) -> Result<Value> {
        let lists: Vec<&[Value]> = inputs.iter().map(Value::parts).collect::<Result<_>>()?;
        let combined = self.reducers.iter().enumerate().map(|(item, reducer)| {
            let partials = lists.iter().map(|list| partial_of(list, item)).collect::<Result<Vec<Partial>>>()?;
            reducer.combine(&partials.iter().collect::<Vec<_>>()).map(Value::from)
        });
        Ok(Value::Parts(combined.collect::<Result<_>>()?))
    }
}

fn partial_of(list: &[Value], item: usize) -> Result<Partial> {
    let value =
        list.get(item).ok_or_else(|| Error::bug("reduce", format!("no partial result {item} of {}", list.len())))?;
    Partial::try_from(value)
}

/// Turns the partial results of one item into its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FinishPartial {
    pub(crate) reducer: Reducer,
    pub(crate) item: usize,
    /// Reduced axes that the answer does not keep, ascending.
    pub(crate) dropped: Vec<usize>,
    /// The fill value if the answer is to be sparse.
    pub(crate) fill: Option<Scalar>,
}

impl FinishPartial {
    pub(crate) fn run(&self, inputs: &[Value]) -> Result<Block> {
        let [value] = inputs else { return Err(Error::bug("reduce", format!("{} inputs to finish", inputs.len()))) };
        let block = self.reducer.finish(&partial_of(value.parts()?, self.item)?)?;
        with_block!(block, T, data => {
            let mut array = data.to_dense()?;
            for &axis in self.dropped.iter().rev() {
                array = array.index_axis_move(Axis(axis), 0);
            }
            match self.fill {
                Some(fill) => Coo::from_dense_with_fill(&array.view(), T::from_scalar(fill)).map(Block::new::<T>),
                None => Ok(Block::new::<T>(array)),
            }
        })
    }
}

/// What a reduction makes of `n` equal values.
pub(crate) fn reduce_fill(reducer: Reducer, fill: Scalar, n: u64) -> Result<Scalar> {
    let first = if n > 0 { 0 } else { -1 };
    let fills = Fills { fill, counts: &[n], first: &[first], shape: &[] };
    reducer.finish(&reducer.fills(&fills)?)?.scalar()
}
