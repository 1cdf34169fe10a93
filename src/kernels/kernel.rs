//! What a task does: one call of one kernel, as data.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::assign::{AssignMasked, AssignPicks, AssignRegion};
use super::context::KernelContext;
use super::contract::Contract;
use super::evaluate::Evaluate;
use super::func::Function;
use super::generate::Generate;
use super::index::{Gather, Mask, Nonzero, PointTake, Take};
use super::layout::{Reshape, View};
use super::lift::{CombinePartials, FinishPartial, Lift};
use super::parts::{PartsFunction, TakePart};
use super::scan::{Scan, ScanApply, ScanTotal};
use super::sort::{ArgTopk, Argsort, Sort, Topk};
use super::take_at::TakeAt;
use crate::block::{BlockLocation, BlockSource, Value};
use crate::element::DType;
use crate::error::{Error, Result, Shown};

/// One kernel with the parameters of one task.
///
/// All but the last three are plain data; those travel, if at all, as what makes them again (`portable`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Kernel {
    /// Hands its first input on.
    Pass,
    Generate(Generate, Vec<Range<u64>>),
    Evaluate(Evaluate),
    Lift(Lift),
    Combine(CombinePartials),
    Finish(FinishPartial),
    Gather(Gather),
    Take(Take),
    TakeAt(TakeAt),
    PointTake(PointTake),
    Mask(Mask),
    Nonzero(Nonzero),
    View(View),
    Reshape(Reshape),
    AssignRegion(AssignRegion),
    AssignPicks(AssignPicks),
    AssignMasked(AssignMasked),
    ScanTotal(ScanTotal),
    ScanApply(ScanApply),
    Scan(Scan),
    Topk(Topk),
    ArgTopk(ArgTopk),
    Sort(Sort),
    Argsort(Argsort),
    Contract(Contract),
    TakePart(TakePart),
    #[serde(skip)]
    Read(Read),
    #[serde(skip)]
    Function(Function),
    #[serde(skip)]
    PartsFunction(PartsFunction),
}

impl Kernel {
    /// Runs the kernel on its inputs.
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Value> {
        match self {
            Kernel::Pass => {
                inputs.into_iter().next().ok_or_else(|| Error::bug("pass", "a task has no input to hand on"))
            }
            Kernel::Read(kernel) => kernel.run().map(Value::from),
            Kernel::Generate(kernel, ranges) => kernel.run(ranges, ctx).map(Value::from),
            Kernel::Evaluate(kernel) => kernel.run(inputs, ctx),
            Kernel::Lift(kernel) => kernel.run(inputs, ctx),
            Kernel::Combine(kernel) => kernel.run(&inputs),
            Kernel::Finish(kernel) => kernel.run(&inputs).map(Value::from),
            Kernel::Gather(kernel) => kernel.run(inputs, ctx),
            Kernel::Take(kernel) => kernel.run(inputs, ctx).map(Value::from),
            Kernel::TakeAt(kernel) => kernel.run(inputs, ctx).map(Value::from),
            Kernel::PointTake(kernel) => kernel.run(inputs, ctx).map(Value::from),
            Kernel::Mask(kernel) => kernel.run(inputs, ctx).map(Value::from),
            Kernel::Nonzero(kernel) => kernel.run(inputs, ctx).map(Value::from),
            Kernel::View(kernel) => kernel.run(inputs, ctx).map(Value::from),
            Kernel::Reshape(kernel) => kernel.run(inputs, ctx).map(Value::from),
            Kernel::AssignRegion(kernel) => kernel.run(inputs, ctx).map(Value::from),
            Kernel::AssignPicks(kernel) => kernel.run(inputs, ctx).map(Value::from),
            Kernel::AssignMasked(kernel) => kernel.run(inputs, ctx).map(Value::from),
            Kernel::ScanTotal(kernel) => kernel.run(inputs, ctx),
            Kernel::ScanApply(kernel) => kernel.run(inputs, ctx),
            Kernel::Scan(kernel) => kernel.run(inputs, ctx),
            Kernel::Topk(kernel) => kernel.run(inputs, ctx).map(Value::from),
            Kernel::ArgTopk(kernel) => kernel.run(inputs, ctx),
            Kernel::Sort(kernel) => kernel.run(inputs, ctx).map(Value::from),
            Kernel::Argsort(kernel) => kernel.run(inputs, ctx).map(Value::from),
            Kernel::Contract(kernel) => kernel.run(inputs, ctx).map(Value::from),
            Kernel::Function(kernel) => kernel.run(inputs, ctx).map(Value::from),
            Kernel::PartsFunction(kernel) => kernel.run(inputs, ctx),
            Kernel::TakePart(kernel) => kernel.run(&inputs).map(Value::from),
        }
    }
}

/// Reads a block from a source and checks that it is what was promised.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) source: Arc<dyn BlockSource>,
    pub(crate) at: BlockLocation,
    pub(crate) dtype: DType,
}

impl Read {
    fn run(&self) -> Result<crate::block::Block> {
        let block = self.source.read(&self.at)?;
        if block.dtype() != self.dtype {
            return Err(Error::block(self.source.format(), "dtype", self.dtype, block.dtype()));
        }
        match self.at.shape() {
            Some(shape) if shape != block.shape() => {
                Err(Error::block(self.source.format(), "shape", Shown(&shape), Shown(&block.shape())))
            }
            _ => Ok(block),
        }
    }
}
