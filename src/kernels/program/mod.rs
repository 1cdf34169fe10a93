//! Fused elementwise programs and the interpreter that runs them tile by tile.

mod compile;
mod memory;
mod operand;
mod run;
mod sink;
mod walk;

use crate::element::DType;
use compile::Compiled;

pub(crate) use memory::TileRef;
pub(crate) use operand::{Operand, OutputMut};
pub(crate) use sink::{Rows, TileAt, TileSink};

/// An elementwise function of several inputs, as plain data.
#[derive(Debug)]
pub(crate) struct Program {
    inputs: Vec<DType>,
    compiled: Compiled,
}

impl Program {
    /// The program that gives back its inputs.
    pub(crate) fn identity(dtypes: &[DType]) -> Program {
        Program { inputs: dtypes.to_vec(), compiled: Compiled::hand_over(dtypes) }
    }

    /// The element types of the inputs.
    pub(crate) fn inputs(&self) -> &[DType] {
        &self.inputs
    }

    /// The element types of the outputs.
    pub(crate) fn output_dtypes(&self) -> Vec<DType> {
        self.compiled.output_dtypes().to_vec()
    }

    fn compiled(&self) -> &Compiled {
        &self.compiled
    }
}
