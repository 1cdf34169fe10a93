//! [`Program`]: the plain data, shared, with the compiled form made on first use.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::builder::ProgramBuilder;
use super::code::Code;
use super::compile::Compiled;
use super::operand::{Operand, OutputMut};
use super::value::Value;
use crate::element::{DType, Scalar};
use crate::error::{Error, Result};
use crate::kernels::ops::ElemOp;
#[cfg(test)]
use crate::kernels::simd::Level;

/// An elementwise function of several inputs with one or several outputs.
///
/// Cloning copies a pointer. Two programs are equal when their code is; the compiled form, made when the program first
/// runs, is not part of the value and is not sent.
#[derive(Clone)]
pub(crate) struct Program(Arc<Inner>);

struct Inner {
    code: Code,
    /// The element types of the results of the instructions.
    temps: Vec<DType>,
    compiled: OnceLock<Result<Compiled>>,
}

impl Program {
    /// The program that gives back its inputs.
    pub(crate) fn identity(dtypes: &[DType]) -> Program {
        let outputs = (0..dtypes.len() as u32).map(Value::Input).collect();
        let code = Code { inputs: dtypes.to_vec(), outputs, ..Code::default() };
        Program::new(code, Vec::new())
    }

    /// The program of one operation on inputs of the given types.
    ///
    /// # Errors
    ///
    /// The operation has no loop for these types.
    pub(crate) fn single(op: ElemOp, dtypes: &[DType]) -> Result<Program> {
        let mut builder = ProgramBuilder::new();
        let inputs: Vec<Value> = dtypes.iter().map(|&dtype| builder.input(dtype)).collect();
        let output = builder.push(op, &inputs)?;
        Ok(builder.finish(&[output]))
    }

    pub(super) fn new(code: Code, temps: Vec<DType>) -> Program {
        Program(Arc::new(Inner { code, temps, compiled: OnceLock::new() }))
    }

    /// The element types of the inputs.
    pub(crate) fn inputs(&self) -> &[DType] {
        &self.0.code.inputs
    }

    /// The element types of the outputs.
    pub(crate) fn output_dtypes(&self) -> Vec<DType> {
        self.0.code.outputs.iter().map(|&output| self.dtype(output)).collect()
    }

    /// The name of the only operation, or `elementwise` for several.
    pub(crate) fn name(&self) -> &'static str {
        match self.0.code.instrs.as_slice() {
            [instr] => instr.op().name(),
            _ => "elementwise",
        }
    }

    /// The number of instructions.
    pub(crate) fn n_instrs(&self) -> usize {
        self.0.code.instrs.len()
    }

    /// The outputs for single values.
    ///
    /// # Errors
    ///
    /// As [`evaluate`](Self::evaluate).
    pub(crate) fn on_scalars(&self, inputs: &[Scalar]) -> Result<Vec<Scalar>> {
        let operands: Vec<Operand<'_>> = inputs.iter().map(Operand::scalar).collect();
        let mut results: Vec<Scalar> = self.output_dtypes().into_iter().map(Scalar::zero).collect();
        let mut outputs: Vec<OutputMut<'_>> = results.iter_mut().map(OutputMut::scalar).collect();
        self.evaluate(&operands, &[], &mut outputs)?;
        drop(outputs);
        Ok(results)
    }

    /// The same program, compiled for a level of this machine, with or without superinstructions.
    #[cfg(test)]
    pub(crate) fn compiled_for(&self, level: Level, superinstructions: bool) -> Program {
        let program = Program::new(self.0.code.clone(), self.0.temps.clone());
        let compiled = Compiled::for_level(&program, level, superinstructions);
        assert!(program.0.compiled.set(compiled).is_ok(), "a new program is not compiled yet");
        program
    }

    pub(super) fn code(&self) -> &Code {
        &self.0.code
    }

    pub(super) fn dtype(&self, value: Value) -> DType {
        self.0.code.dtype(value, &self.0.temps)
    }

    pub(super) fn temp_dtypes(&self) -> &[DType] {
        &self.0.temps
    }

    pub(super) fn compiled(&self) -> Result<&Compiled> {
        self.0.compiled.get_or_init(|| Compiled::new(self)).as_ref().map_err(Error::clone)
    }
}

impl PartialEq for Program {
    fn eq(&self, other: &Program) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.code == other.0.code
    }
}

impl Eq for Program {}

impl Hash for Program {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.code.hash(state);
    }
}

impl Serialize for Program {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.code.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Program {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Program, D::Error> {
        let code = Code::deserialize(deserializer)?;
        let temps = code.check().map_err(serde::de::Error::custom)?;
        Ok(Program::new(code, temps))
    }
}

/// `t0 = multiply(x0, x1)`, one instruction a line, after the inputs and before the outputs.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code();
        let show = |value: Value| match value {
            Value::Constant(i) => code.constants[i as usize].0.to_string(),
            Value::Input(_) | Value::Temp(_) => value.to_string(),
        };
        for (i, dtype) in self.inputs().iter().enumerate() {
            writeln!(f, "x{i}: {dtype}")?;
        }
        for (i, instr) in code.instrs.iter().enumerate() {
            let args: Vec<String> = instr.args().iter().map(|&arg| show(arg)).collect();
            let to = if let ElemOp::Cast(to) = instr.op() { format!(", {to}") } else { String::new() };
            writeln!(f, "t{i} = {}({}{to})", instr.op().name(), args.join(", "))?;
        }
        let outputs: Vec<String> = code.outputs.iter().map(|&output| show(output)).collect();
        write!(f, "-> {}", outputs.join(", "))
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Program({} inputs, {} instructions, {} outputs)",
            self.inputs().len(),
            self.n_instrs(),
            self.code().outputs.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_shared_between_threads() {
        fn check<T: Send + Sync + 'static>(_: &T) {}
        let program = Program::single(ElemOp::Square, &[DType::F64]).unwrap();
        check(&program);
        let clone = program.clone();
        let nine = std::thread::spawn(move || clone.on_scalars(&[Scalar::F64(3.0)]).unwrap()[0]).join().unwrap();
        assert!(nine.is_same(9.0.into()));
        // The clone compiled it for both.
        assert!(program.0.compiled.get().is_some());
    }

    #[test]
    fn a_program_needs_little_memory_of_its_own() {
        let program = Program::single(ElemOp::Add, &[DType::F64, DType::F64]).unwrap();
        assert!(program.scratch_bytes().unwrap() < 2 << 20);
    }
}
