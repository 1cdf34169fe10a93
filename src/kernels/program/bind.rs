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
        check_outputs(program, shape, outputs)?;
        let mut strides = broadcast_all(inputs, shape)?;
        strides.extend(outputs.iter().map(OutputMut::strides));
        let order = outputs.first().map_or_else(|| (0..shape.len()).collect(), |first| memory_order(&first.strides()));
        let shape: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
        for own in &mut strides {
            *own = order.iter().map(|&axis| own[axis]).collect();
        }
        let space = Space::collapse(&shape, &vec![false; shape.len()], &slices(&strides));
        Ok(Bound { compiled: program.compiled()?, space, inputs, outputs })
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
        let strides = broadcast_all(inputs, shape)?;
        let space = Space::collapse(shape, reduced, &slices(&strides));
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

    pub(super) fn n_outputs(&self) -> usize {
        self.outputs.len()
    }

    pub(super) fn into_space(self) -> Space {
        self.space
    }
}

fn check_inputs(program: &Program, inputs: &[Operand<'_>]) -> Result<()> {
    let found: Vec<DType> = inputs.iter().map(Operand::dtype).collect();
    if found != program.inputs() {
        let detail = format!("a program of {} is given {}", Shown(program.inputs()), Shown(&found));
        return Err(Error::bug("evaluate", detail));
    }
    Ok(())
}

fn check_outputs(program: &Program, shape: &[usize], outputs: &[OutputMut<'_>]) -> Result<()> {
    let found: Vec<DType> = outputs.iter().map(OutputMut::dtype).collect();
    let wanted = program.output_dtypes();
    if found != wanted || outputs.iter().any(|output| output.shape() != shape) {
        let shapes: Vec<String> = outputs.iter().map(|output| Shown(output.shape()).to_string()).collect();
        let (wanted, shape, found, shapes) = (Shown(&wanted), Shown(shape), Shown(&found), Shown(&shapes));
        let detail = format!("outputs of {wanted} and shape {shape} are written to {found} of shapes {shapes}");
        return Err(Error::bug("evaluate", detail));
    }
    Ok(())
}

fn broadcast_all(operands: &[Operand<'_>], shape: &[usize]) -> Result<Vec<Vec<isize>>> {
    operands.iter().map(|operand| operand.broadcast("evaluate", shape)).collect()
}

fn slices(strides: &[Vec<isize>]) -> Vec<&[isize]> {
    strides.iter().map(Vec::as_slice).collect()
}
