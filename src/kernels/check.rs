//! What is asked of a kernel that nobody vouches for, before it runs.
//!
//! Kernels of this process are right by construction, and say so with bugs and panics where they are not. Those that come
//! from elsewhere are looked at first: whether the parameters fit together and the number of inputs
//! ([`Kernel::check_form`]), and whether they fit the number of axes of the inputs ([`Kernel::check_inputs`]). Lengths are
//! checked by the kernels themselves, as for any block.

use std::ops::Range;

use super::contract::Contract;
use super::evaluate::Evaluate;
use super::generate::Generate;
use super::index::{Gather, Piece, PointTake};
use super::kernel::{Kernel, Read};
use super::layout::View;
use super::lift::{FinishPartial, Lift, LiftItem};
use super::program::Program;
use crate::block::Value;
use crate::element::DType;
use crate::error::{Error, Result};

/// Blocks up to this size need no promise.
const SMALL_BYTES: u64 = 64 << 10;

// A line is a family of kernels, whether or not another family is asked the same.
#[allow(clippy::match_same_arms)]
impl Kernel {
    /// An error if the parameters do not fit together, or the kernel does not take `n_inputs` inputs.
    pub(super) fn check_form(&self, n_inputs: usize, promise: Promise) -> Result<()> {
        let takes =
            |counts: Range<usize>| require(counts.contains(&n_inputs), "the number of inputs is not the kernel's");
        match self {
            Kernel::Pass | Kernel::Reshape(_) | Kernel::Nonzero(_) | Kernel::ScanTotal(_) => takes(1..2),
            Kernel::Read(Read { at, dtype, .. }) => {
                takes(0..1).and_then(|()| promise.covers(known(at.shape()), dtype.size_bytes()))
            }
            Kernel::Generate(kernel, ranges) => takes(0..1).and_then(|()| generate(kernel, ranges, promise)),
            Kernel::Evaluate(kernel) => evaluate(kernel, n_inputs, promise),
            Kernel::Lift(kernel) => lift(kernel, n_inputs),
            Kernel::Combine(kernel) => {
                takes(1..usize::MAX)?;
                kernel.reducers.iter().try_for_each(|reducer| reducer.output_dtype().map(|_| ()))
            }
            Kernel::Finish(kernel) => takes(1..2).and_then(|()| finish(kernel)),
            Kernel::Gather(kernel) => gather(kernel, n_inputs, promise),
            Kernel::Take(_) | Kernel::Topk(_) => takes(1..usize::MAX),
            Kernel::TakeAt(_) | Kernel::Mask(_) | Kernel::ScanApply(_) => takes(2..3),
            Kernel::AssignRegion(_) | Kernel::AssignPicks(_) => takes(2..3),
            Kernel::AssignMasked(_) => takes(3..4),
            Kernel::PointTake(kernel) => takes(1..usize::MAX).and_then(|()| point_take(kernel)),
            Kernel::View(kernel) => takes(1..2).and_then(|()| view(kernel)),
            Kernel::Scan(_) => takes(1..3),
            Kernel::Contract(kernel) => takes(1..usize::MAX).and_then(|()| contract(kernel)),
            Kernel::ArgTopk(_) => takes(1..usize::MAX),
            Kernel::Sort(_) | Kernel::Argsort(_) | Kernel::TakePart(_) => takes(1..2),
            Kernel::Function(_) | Kernel::PartsFunction(_) => Ok(()),
        }
    }

    /// An error if an axis is named that an input has not, or dense inputs stretch beyond the promise; for what kernels do
    /// not look at themselves.
    pub(crate) fn check_inputs(&self, inputs: &[Value], promise: Promise) -> Result<()> {
        match self {
            Kernel::Evaluate(kernel) => {
                operand_axes(&kernel.operands, inputs)?;
                promise.covers_dense(kernel.shape.iter().copied(), inputs)
            }
            Kernel::Gather(kernel) => {
                let lens = kernel.shape.iter().map(|&len| Some(len).filter(|&len| len != Gather::WHOLE));
                promise.covers_dense(lens, inputs)
            }
            Kernel::View(kernel) => promise.covers_dense(kernel.shape.iter().copied(), inputs),
            Kernel::Lift(kernel) => operand_axes(&kernel.operands, inputs),
            Kernel::TakeAt(kernel) => has_axes(inputs, kernel.axis.saturating_add(1)),
            // A mask without axes stands behind the last one.
            Kernel::Mask(kernel) => has_axes(inputs, kernel.axis),
            Kernel::AssignMasked(kernel) => has_axes(inputs, kernel.axis),
            Kernel::Finish(kernel) => dropped_axes(kernel, inputs),
            Kernel::Pass | Kernel::Read(_) | Kernel::Generate(_, _) | Kernel::Function(_) | Kernel::Combine(_) => {
                Ok(())
            }
            Kernel::Take(_) | Kernel::PointTake(_) | Kernel::Nonzero(_) | Kernel::PartsFunction(_) => Ok(()),
            Kernel::ArgTopk(_) | Kernel::Sort(_) | Kernel::Argsort(_) | Kernel::TakePart(_) => Ok(()),
            Kernel::Reshape(_) | Kernel::AssignRegion(_) | Kernel::AssignPicks(_) | Kernel::Topk(_) => Ok(()),
            Kernel::ScanTotal(_) | Kernel::ScanApply(_) | Kernel::Scan(_) | Kernel::Contract(_) => Ok(()),
        }
    }
}

fn require(holds: bool, otherwise: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::format("kernel", otherwise)) }
}

fn ascends(axes: &[usize]) -> bool {
    axes.is_sorted_by(|a, b| a < b)
}

fn differ(axes: impl IntoIterator<Item = usize>) -> bool {
    let mut axes: Vec<usize> = axes.into_iter().collect();
    axes.sort_unstable();
    ascends(&axes)
}

fn generate(kernel: &Generate, ranges: &[Range<u64>], promise: Promise) -> Result<()> {
    let in_order = ranges.iter().all(|range| range.start <= range.end && i64::try_from(range.end).is_ok());
    require(in_order, "a block ends before it begins")?;
    if !matches!(kernel, Generate::Empty(_)) {
        let lens = ranges.iter().map(|range| Some(range.end - range.start));
        promise.covers(lens, kernel.dtype().size_bytes())?;
    }
    match kernel {
        Generate::Full(_) | Generate::Empty(_) => Ok(()),
        Generate::Arange { .. } | Generate::Linspace { .. } => require(ranges.len() == 1, "a line has one axis"),
        Generate::Eye { .. } => require(ranges.len() == 2, "an identity matrix has two axes"),
        Generate::Indices { axis, .. } => require(*axis < ranges.len(), "indices along an axis that is not there"),
    }
}

/// The bytes that a task promises to stay below. Whoever runs it has made room for them, and for no more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Promise(pub(crate) u64);

impl Promise {
    /// An error if a dense block is larger, as far as its lengths are known; axes of unknown length count as one.
    fn covers(self, lens: impl IntoIterator<Item = Option<u64>>, elem_bytes: usize) -> Result<()> {
        // An axis of length zero does not excuse the others.
        let lens = lens.into_iter().flatten().map(|len| len.max(1));
        let bytes = lens.fold(elem_bytes as u64, u64::saturating_mul);
        if bytes > self.0.max(SMALL_BYTES) {
            let Promise(promised) = self;
            return Err(Error::format("kernel", format!("a block of {bytes} bytes where {promised} were promised")));
        }
        Ok(())
    }

    /// The same for what is made of inputs, of which one at least is dense: of sparse ones blocks of any shape are made.
    fn covers_dense(self, lens: impl IntoIterator<Item = Option<u64>>, inputs: &[Value]) -> Result<()> {
        let dense = inputs.iter().filter_map(|input| input.block().ok()).filter(|block| !block.is_sparse());
        let Some((elem_bytes, n_bytes)) = dense.map(|block| (block.dtype().size_bytes(), block.n_bytes())).max() else {
            return Ok(());
        };
        // Views of an input promise nothing, for they take no memory of their own.
        Promise(self.0.max(n_bytes)).covers(lens, elem_bytes)
    }
}

fn known(shape: Option<Vec<usize>>) -> impl Iterator<Item = Option<u64>> {
    shape.unwrap_or_default().into_iter().map(|len| Some(len as u64))
}

/// Each result axis shows at most one axis of an operand, and each axis of it is shown at most once.
fn operands(operands: &[Vec<Option<usize>>], ndim: usize, n_inputs: usize) -> Result<()> {
    require(operands.len() == n_inputs, "the number of operands is not that of the inputs")?;
    let fits = |axes: &Vec<Option<usize>>| axes.len() == ndim && differ(axes.iter().flatten().copied());
    require(operands.iter().all(fits), "an operand shows one axis twice, or too many")
}

fn program(program: &Program, n_inputs: usize) -> Result<()> {
    require(program.inputs().len() == n_inputs, "the number of the program's inputs is not that of the task's")
}

fn evaluate(kernel: &Evaluate, n_inputs: usize, promise: Promise) -> Result<()> {
    operands(&kernel.operands, kernel.shape.len(), n_inputs)?;
    program(&kernel.program, n_inputs)?;
    match kernel.program.output_dtypes().as_slice() {
        // Sparse operands give a sparse block of any shape.
        [dtype] if n_inputs == 0 => promise.covers(kernel.shape.iter().copied(), dtype.size_bytes()),
        outputs => require(outputs.len() == 1, "a program of one block has one output"),
    }
}

fn lift(kernel: &Lift, n_inputs: usize) -> Result<()> {
    let ndim = kernel.reduced.len();
    operands(&kernel.operands, ndim, n_inputs)?;
    let has_lengths = |lens: &Vec<u64>| lens.len() == ndim;
    require(kernel.shape.as_ref().is_none_or(has_lengths), "a block with another number of axes")?;
    let place_fits = kernel.place.as_ref().is_none_or(|(start, whole)| has_lengths(start) && has_lengths(whole));
    require(place_fits, "a place with another number of axes")?;
    let outputs: Option<Vec<DType>> = kernel.program.as_ref().map(Program::output_dtypes);
    match &kernel.program {
        Some(lifted) => program(lifted, n_inputs)?,
        None => require(n_inputs == 1, "without a program there is one input")?,
    }
    let is_there = |item: &LiftItem| match &outputs {
        Some(outputs) => {
            let masks = |mask: usize| outputs.get(mask) == Some(&DType::Bool);
            outputs.get(item.value) == Some(&item.reducer.input()) && item.mask.is_none_or(masks)
        }
        None => item.value == 0 && item.mask.is_none(),
    };
    require(kernel.items.iter().all(is_there), "a reduction of what the program does not compute")?;
    kernel.items.iter().try_for_each(|item| item.reducer.output_dtype().map(|_| ()))
}

fn finish(kernel: &FinishPartial) -> Result<()> {
    require(ascends(&kernel.dropped), "dropped axes do not ascend")?;
    kernel.reducer.output_dtype().map(|_| ())
}

fn gather(kernel: &Gather, n_inputs: usize, promise: Promise) -> Result<()> {
    require(kernel.axes.len() == kernel.shape.len(), "pieces for another number of axes")?;
    let mut n_read = 1usize;
    for (pieces, &len) in kernel.axes.iter().zip(&kernel.shape) {
        let is_inside = |piece: &Piece| piece.dst.checked_add(piece.len).is_some_and(|end| end <= len);
        require(pieces.iter().all(is_inside), "a piece lies outside of the block")?;
        let n_along = pieces.iter().map(|piece| piece.input as usize + 1).max().unwrap_or(0);
        n_read = n_read.saturating_mul(n_along);
    }
    require(n_read == n_inputs, "pieces of another number of inputs")?;
    // Without pieces it is all fill; else inputs tell the element type, and sparse ones give a block of any shape.
    match kernel.fill.filter(|_| n_inputs == 0) {
        Some(fill) => promise.covers(kernel.shape.iter().copied().map(Some), fill.dtype().size_bytes()),
        None => Ok(()),
    }
}

fn point_take(kernel: &PointTake) -> Result<()> {
    let n_indices = kernel.inputs.len().checked_mul(kernel.axes.len());
    require(n_indices == Some(kernel.indices.len()) && ascends(&kernel.axes), "points with another number of axes")
}

fn view(kernel: &View) -> Result<()> {
    let fits = kernel.axes.len() == kernel.shape.len() && differ(kernel.axes.iter().flatten().copied());
    require(fits, "a view shows one axis twice, or too many")
}

fn contract(kernel: &Contract) -> Result<()> {
    let each_once = |axes: &[usize]| differ(axes.iter().copied());
    require(each_once(&kernel.lhs_axes) && each_once(&kernel.rhs_axes), "an axis is contracted twice")
}

fn ndim(value: &Value) -> usize {
    value.block().map_or(0, |block| block.shape().len())
}

fn operand_axes(operands: &[Vec<Option<usize>>], inputs: &[Value]) -> Result<()> {
    let fits = operands.iter().zip(inputs).all(|(axes, input)| axes.iter().flatten().all(|&axis| axis < ndim(input)));
    require(fits, "an operand shows an axis that it has not")
}

fn has_axes(inputs: &[Value], n_axes: usize) -> Result<()> {
    require(inputs.first().is_some_and(|input| n_axes <= ndim(input)), "an axis that the block has not")
}

fn dropped_axes(kernel: &FinishPartial, inputs: &[Value]) -> Result<()> {
    let Some(last) = kernel.dropped.last() else { return Ok(()) };
    let parts = inputs.first().map_or(Ok(&[][..]), Value::parts)?;
    let first = parts.get(kernel.item).map_or(Ok(&[][..]), Value::parts)?.first();
    let shape = first.map_or(Ok(Vec::new()), |part| part.block().map(crate::block::Block::shape))?;
    let are_one = kernel.dropped.iter().all(|&axis| shape.get(axis).is_some_and(|&len| len > 0));
    require(are_one, &format!("axis {last} or one before it cannot be dropped"))
}
