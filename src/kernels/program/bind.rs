//! A program with the arrays it is run on, checked against each other.

use super::compile::Compiled;
use super::walk::{Space, memory_order};
use super::{Operand, OutputMut, Program};
use crate::element::DType;
use crate::error::{Error, Result, Shown};

/// A program, and operands and outputs that fit it. Whoever holds one may rely on:
///
/// * operand `i` has the element type of input `i` and broadcasts to the space's shape;
/// * output `j` has the element type of output `j` and that very shape;
/// * the space's strides are those of all operands, then of all outputs.
pub(super) struct Bound<'a, 'i, 'o> {
    compiled: &'a Compiled,
    space: Space,
    inputs: &'a [Operand<'i>],
    outputs: &'a mut [OutputMut<'o>],
}

impl<'a, 'i, 'o> Bound<'a, 'i, 'o> {
    /// For a run that writes its outputs, in the order in which the first of them lies in memory.
    ///
    /// # Errors
    ///
    /// Something does not fit.
    pub(super) fn to_memory(
        program: &'a Program,
        inputs: &'a [Operand<'i>],
        shape: &[usize],
        outputs: &'a mut [OutputMut<'o>],
    ) -> Result<Self> {
        check_inputs(program, inputs)?;
        let compiled = program.compiled()?;
        check_outputs(compiled.output_dtypes(), shape, outputs)?;
        let mut strides = broadcast_all(inputs, shape, outputs.len())?;
        strides.extend(outputs.iter().flat_map(OutputMut::strides));
        let n_operands = inputs.len() + outputs.len();
        let first: Vec<isize> = outputs.first().into_iter().flat_map(OutputMut::strides).collect();
        let space = match memory_order(&first) {
            None => Space::collapse(shape, |_| false, &strides, n_operands),
            Some(order) => {
                let shape: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
                let own = strides.chunks_exact(order.len());
                let strides: Vec<isize> = own.flat_map(|own| order.iter().map(|&axis| own[axis])).collect();
                Space::collapse(&shape, |_| false, &strides, n_operands)
            }
        };
        Ok(Bound { compiled, space, inputs, outputs })
    }

    /// For a run that hands its outputs to a sink, in C order.
    ///
    /// # Errors
    ///
    /// Something does not fit.
    pub(super) fn to_sink(
        program: &'a Program,
        inputs: &'a [Operand<'i>],
        shape: &[usize],
        reduced: &[bool],
    ) -> Result<Self> {
        if reduced.len() != shape.len() {
            let detail = format!("{} flags for a block of shape {}", reduced.len(), Shown(shape));
            return Err(Error::bug("reduce", detail));
        }
        check_inputs(program, inputs)?;
        let strides = broadcast_all(inputs, shape, 0)?;
        let space = Space::collapse(shape, |axis| reduced[axis], &strides, inputs.len());
        Ok(Bound { compiled: program.compiled()?, space, inputs, outputs: &mut [] })
    }

    pub(super) fn compiled(&self) -> &'a Compiled {
        self.compiled
    }

    pub(super) fn space(&self) -> &Space {
        &self.space
    }

    pub(super) fn inputs(&self) -> &'a [Operand<'i>] {
        self.inputs
    }

    pub(super) fn outputs(&mut self) -> &mut [OutputMut<'o>] {
        self.outputs
    }
}

fn check_inputs(program: &Program, inputs: &[Operand<'_>]) -> Result<()> {
    if !inputs.iter().map(Operand::dtype).eq(program.inputs().iter().copied()) {
        let found: Vec<DType> = inputs.iter().map(Operand::dtype).collect();
        let detail = format!("a program of {} is given {}", Shown(program.inputs()), Shown(&found));
        return Err(Error::bug("evaluate", detail));
    }
    Ok(())
}

fn check_outputs(wanted: &[DType], shape: &[usize], outputs: &[OutputMut<'_>]) -> Result<()> {
    let fits = outputs.iter().map(OutputMut::dtype).eq(wanted.iter().copied());
    if !fits || outputs.iter().any(|output| output.shape() != shape) {
        let found: Vec<DType> = outputs.iter().map(OutputMut::dtype).collect();
        let shapes: Vec<String> = outputs.iter().map(|output| Shown(output.shape()).to_string()).collect();
        let (wanted, shape, found, shapes) = (Shown(wanted), Shown(shape), Shown(&found), Shown(&shapes));
        let detail = format!("outputs of {wanted} and shape {shape} are written to {found} of shapes {shapes}");
        return Err(Error::bug("evaluate", detail));
    }
    Ok(())
}

/// The strides of all operands along `shape`, with room for those of `n_more` outputs.
fn broadcast_all(operands: &[Operand<'_>], shape: &[usize], n_more: usize) -> Result<Vec<isize>> {
    let mut strides = Vec::with_capacity((operands.len() + n_more) * shape.len());
    for operand in operands {
        operand.broadcast("evaluate", shape, &mut strides)?;
    }
    Ok(strides)
}
