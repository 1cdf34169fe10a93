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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_are_cast_and_equal_operations_are_one() {
        let mut builder = ProgramBuilder::new();
        let (x, y) = (builder.input(DType::I32), builder.input(DType::F32));
        let a = builder.push(ElemOp::Add, &[x, y]).unwrap();
        let b = builder.push(ElemOp::Add, &[x, y]).unwrap();
        assert_eq!((a, builder.dtype(a)), (b, DType::F64));
        let c = builder.push(ElemOp::Sqrt, &[x]).unwrap();
        let text = "x0: int32\nx1: float32\nt0 = astype(x0, float64)\nt1 = astype(x1, float64)\nt2 = add(t0, t1)\n\
                    t3 = sqrt(t0)\n-> t2, t3";
        assert_eq!(builder.finish(&[a, c]).to_string(), text);
    }

    #[test]
    fn constants_are_computed_at_once() {
        let mut builder = ProgramBuilder::new();
        let x = builder.input(DType::F32);
        let two = builder.constant(2i8);
        assert_eq!(two, builder.constant(2i8));
        assert_ne!(two, builder.constant(2u8));
        let half = builder.push(ElemOp::Reciprocal, &[two]).unwrap();
        let four = builder.push(ElemOp::Square, &[two]).unwrap();
        let four = builder.push(ElemOp::Cast(DType::F32), &[four]).unwrap();
        let product = builder.push(ElemOp::Multiply, &[x, four]).unwrap();
        let program = builder.finish(&[product, half]);
        assert_eq!(program.to_string(), "x0: float32\nt0 = multiply(x0, 4)\n-> t0, 0");
        // Zeros of different signs are different constants.
        let mut builder = ProgramBuilder::new();
        assert_ne!(builder.constant(0.0), builder.constant(-0.0));
        assert_eq!(builder.constant(f64::NAN), builder.constant(f64::NAN));
    }

    #[test]
    fn what_fails_is_not_computed_before_it_runs() {
        let mut builder = ProgramBuilder::new();
        let (two, minus) = (builder.constant(2i64), builder.constant(-1i64));
        let power = builder.push(ElemOp::Power, &[two, minus]).unwrap();
        let error = builder.finish(&[power]).on_scalars(&[]).unwrap_err();
        assert!(error.to_string().starts_with("power: the integer 2 to the negative power -1"), "{error}");
    }

    #[test]
    fn nothing_is_done_for_nothing() {
        let mut builder = ProgramBuilder::new();
        let x = builder.input(DType::F64);
        assert_eq!(builder.push(ElemOp::Positive, &[x]).unwrap(), x);
        assert_eq!(builder.push(ElemOp::Cast(DType::F64), &[x]).unwrap(), x);
        let two = builder.constant(2.0);
        let power = builder.push(ElemOp::Power, &[x, two]).unwrap();
        let unused = builder.push(ElemOp::Exp, &[power]).unwrap();
        builder.push(ElemOp::Sin, &[unused]).unwrap();
        assert_eq!(builder.finish(&[power]).to_string(), "x0: float64\nt0 = square(x0)\n-> t0");
    }

    #[test]
    fn programs_are_put_into_each_other() {
        let norm = {
            let mut builder = ProgramBuilder::new();
            let (x, y) = (builder.input(DType::F64), builder.input(DType::F64));
            let (xx, yy) = (builder.push(ElemOp::Square, &[x]).unwrap(), builder.push(ElemOp::Square, &[y]).unwrap());
            let sum = builder.push(ElemOp::Add, &[xx, yy]).unwrap();
            let three = builder.constant(3.0);
            builder.finish(&[sum, three, x])
        };
        let mut builder = ProgramBuilder::new();
        let (a, b) = (builder.input(DType::F64), builder.constant(4.0));
        let bb = builder.append(&norm, &[a, b]).unwrap();
        assert_eq!(bb.len(), 3);
        let root = builder.push(ElemOp::Sqrt, &[bb[0]]).unwrap();
        let root = builder.push(ElemOp::Divide, &[root, bb[1]]).unwrap();
        let text = "x0: float64\nt0 = square(x0)\nt1 = add(t0, 16)\nt2 = sqrt(t1)\nt3 = divide(t2, 3)\n-> t3, x0";
        assert_eq!(builder.finish(&[root, bb[2]]).to_string(), text);
        let mut builder = ProgramBuilder::new();
        let a = builder.input(DType::F32);
        assert!(builder.append(&norm, &[a, a]).is_err() && builder.append(&norm, &[]).is_err());
    }

    #[test]
    fn types_without_a_loop_are_refused_when_built() {
        let mut builder = ProgramBuilder::new();
        let x = builder.input(DType::Bool);
        assert!(builder.push(ElemOp::Negative, &[x]).unwrap_err().is_dtype());
        let z = builder.input(DType::C64);
        assert!(builder.push(ElemOp::Floor, &[z]).unwrap_err().is_dtype());
        assert!(builder.push(ElemOp::Add, &[x]).unwrap_err().is_dtype());
    }
}
