//! Building a program instruction by instruction.

use std::collections::HashMap;

use super::Program;
use super::code::Code;
use super::value::{Constant, Instr, Value};
use crate::element::{DType, Scalar};
use crate::error::{Error, Result};
use crate::kernels::ops::ElemOp;

/// Builds a [`Program`].
///
/// Operands are cast to the types of the operation's loop, equal instructions become one, and operations on constants are
/// done at once. Building takes time in proportion to the instructions.
#[derive(Debug, Default)]
pub(crate) struct ProgramBuilder {
    code: Code,
    /// The element types of the results of the instructions.
    dtypes: Vec<DType>,
    known: HashMap<Instr, Value>,
    constants: HashMap<Constant, Value>,
}

impl ProgramBuilder {
    /// An empty program.
    pub(crate) fn new() -> ProgramBuilder {
        ProgramBuilder::default()
    }

    /// Adds an input.
    pub(crate) fn input(&mut self, dtype: DType) -> Value {
        self.code.inputs.push(dtype);
        Value::Input(self.code.inputs.len() as u32 - 1)
    }

    /// Adds a constant.
    pub(crate) fn constant(&mut self, value: impl Into<Scalar>) -> Value {
        let constant = Constant(value.into());
        let next = Value::Constant(self.code.constants.len() as u32);
        let value = *self.constants.entry(constant).or_insert(next);
        if value == next {
            self.code.constants.push(constant);
        }
        value
    }

    /// The element type of a value.
    pub(crate) fn dtype(&self, value: Value) -> DType {
        self.code.dtype(value, &self.dtypes)
    }

    /// Adds an operation.
    ///
    /// # Errors
    ///
    /// The operation has no loop for the types of the operands.
    pub(crate) fn push(&mut self, op: ElemOp, args: &[Value]) -> Result<Value> {
        let mut cast = [Value::Input(0); 3];
        let mut dtypes = [DType::Bool; 3];
        for (slot, &arg) in dtypes.iter_mut().zip(args) {
            *slot = self.dtype(arg);
        }
        let signature = op.signature(&dtypes[..args.len().min(3)])?;
        for ((slot, &arg), &dtype) in cast.iter_mut().zip(args).zip(signature.inputs()) {
            *slot =
                if self.dtype(arg) == dtype { arg } else { self.emit(Instr::new(ElemOp::Cast(dtype), &[arg]), dtype) };
        }
        Ok(self.emit(Instr::new(op, &cast[..args.len()]), signature.output))
    }

    /// Adds all instructions of a program, with `args` for its inputs; returns its outputs.
    ///
    /// # Errors
    ///
    /// The arguments are not of the number and the types of the program's inputs.
    pub(crate) fn append(&mut self, program: &Program, args: &[Value]) -> Result<Vec<Value>> {
        let code = program.code();
        if args.len() != code.inputs.len()
            || args.iter().zip(&code.inputs).any(|(&arg, &dtype)| self.dtype(arg) != dtype)
        {
            return Err(Error::bug("fuse", "a program is appended with arguments that it does not take"));
        }
        let constants: Vec<Value> = code.constants.iter().map(|constant| self.constant(constant.0)).collect();
        let mut temps = Vec::with_capacity(code.instrs.len());
        let place = |value: Value, temps: &[Value]| match value {
            Value::Input(i) => args[i as usize],
            Value::Constant(i) => constants[i as usize],
            Value::Temp(i) => temps[i as usize],
        };
        for (instr, &dtype) in code.instrs.iter().zip(program.temp_dtypes()) {
            let own = instr.map_args(|arg| place(arg, &temps));
            temps.push(self.emit(own, dtype));
        }
        Ok(code.outputs.iter().map(|&output| place(output, &temps)).collect())
    }

    /// The finished program, without the instructions that no output needs.
    pub(crate) fn finish(self, outputs: &[Value]) -> Program {
        let code = Code { outputs: outputs.to_vec(), ..self.code };
        let (code, temps) = code.without_dead(&self.dtypes);
        Program::new(code, temps)
    }

    /// An instruction on values of the right types, or a value that is the same.
    fn emit(&mut self, instr: Instr, output: DType) -> Value {
        if let Some(&value) = self.known.get(&instr) {
            return value;
        }
        let value = match self.shortcut(&instr, output) {
            Some(value) => value,
            None => self.append_instr(instr, output),
        };
        self.known.insert(instr, value);
        value
    }

    fn append_instr(&mut self, instr: Instr, output: DType) -> Value {
        self.code.instrs.push(instr);
        self.dtypes.push(output);
        Value::Temp(self.code.instrs.len() as u32 - 1)
    }

    /// A value that is the same without a new instruction of this kind: the argument, a constant, a cheaper operation.
    fn shortcut(&mut self, instr: &Instr, output: DType) -> Option<Value> {
        let (op, args) = (instr.op(), instr.args());
        let constants: Option<Vec<Scalar>> = args.iter().map(|&arg| self.constant_value(arg)).collect();
        if let Some(constants) = constants {
            return fold(op, &constants).map(|value| self.constant(value));
        }
        match op {
            ElemOp::Positive => Some(args[0]),
            ElemOp::Cast(to) if self.dtype(args[0]) == to => Some(args[0]),
            // As NumPy does; a product is rounded once, as a correct power would be.
            ElemOp::Power if output.is_float() && self.is_two(args[1]) => {
                Some(self.emit(Instr::new(ElemOp::Square, &args[..1]), output))
            }
            _ => None,
        }
    }

    fn constant_value(&self, value: Value) -> Option<Scalar> {
        match value {
            Value::Constant(i) => Some(self.code.constants[i as usize].0),
            Value::Input(_) | Value::Temp(_) => None,
        }
    }

    fn is_two(&self, value: Value) -> bool {
        self.constant_value(value).is_some_and(|scalar| scalar.is_same(Scalar::F64(2.0).cast(scalar.dtype())))
    }
}

/// The result of an operation on constants; `None` if it has none, which is an error only when it runs.
fn fold(op: ElemOp, constants: &[Scalar]) -> Option<Scalar> {
    let dtypes: Vec<DType> = constants.iter().map(|constant| constant.dtype()).collect();
    Program::single(op, &dtypes).ok()?.on_scalars(constants).ok()?.pop()
}
