//! Columns of values of any element type, for tests.

use ndarray::{ArrayD, Axis, Slice};

use super::{Operand, OutputMut, Program};
use crate::element::dispatch::dispatch;
use crate::element::{DType, Element, Scalar};
use crate::error::Result;

/// A list of values of one element type.
pub(crate) trait Column {
    fn operand(&self) -> Operand<'_>;
    /// Every `steps[axis]`-th element (from the end when negative) along each axis of an array of this shape, the axes in
    /// another order; the operand's shape; and its elements in C order.
    fn strided(&self, shape: &[usize], steps: &[isize], order: &[usize]) -> (Operand<'_>, Vec<usize>, Vec<Scalar>);
    fn output(&mut self) -> OutputMut<'_>;
    /// The memory as an array of this shape, to write to.
    fn output_of(&mut self, shape: &[usize]) -> OutputMut<'_>;
    fn scalars(&self) -> Vec<Scalar>;
}

impl<T: Element> Column for ArrayD<T> {
    fn operand(&self) -> Operand<'_> {
        Operand::new(&self.view())
    }
    fn strided(&self, shape: &[usize], steps: &[isize], order: &[usize]) -> (Operand<'_>, Vec<usize>, Vec<Scalar>) {
        let mut view = self.view().into_shape_with_order(shape).expect("a valid case").into_dyn();
        for (axis, &step) in steps.iter().enumerate() {
            view.slice_axis_inplace(Axis(axis), Slice::new(0, None, step));
        }
        let view = view.permuted_axes(order);
        (Operand::new(&view), view.shape().to_vec(), view.iter().map(|&x| x.to_scalar()).collect())
    }
    fn output(&mut self) -> OutputMut<'_> {
        OutputMut::new(self.view_mut())
    }
    fn output_of(&mut self, shape: &[usize]) -> OutputMut<'_> {
        OutputMut::new(self.view_mut().into_shape_with_order(shape).expect("a valid case").into_dyn())
    }
    fn scalars(&self) -> Vec<Scalar> {
        self.iter().map(|&x| x.to_scalar()).collect()
    }
}

/// The values, converted to `dtype`.
pub(crate) fn column(dtype: DType, values: &[Scalar]) -> Box<dyn Column> {
    dispatch!(dtype, T => {
        let own: Vec<T> = values.iter().map(|&value| T::from_scalar(value)).collect();
        Box::new(ArrayD::from_shape_vec(vec![values.len()], own).expect("a valid case"))
    })
}

/// The outputs of a program for columns of equal length.
pub(crate) fn on_columns(program: &Program, inputs: &[Vec<Scalar>], len: usize) -> Result<Vec<Vec<Scalar>>> {
    let inputs: Vec<_> = program.inputs().iter().zip(inputs).map(|(&dtype, values)| column(dtype, values)).collect();
    let operands: Vec<_> = inputs.iter().map(|input| input.operand()).collect();
    let zeros = vec![Scalar::I64(0); len];
    let mut results: Vec<_> = program.output_dtypes().into_iter().map(|dtype| column(dtype, &zeros)).collect();
    let mut outputs: Vec<_> = results.iter_mut().map(|result| result.output()).collect();
    program.evaluate(&operands, &[len], &mut outputs)?;
    drop(outputs);
    Ok(results.iter().map(|result| result.scalars()).collect())
}
