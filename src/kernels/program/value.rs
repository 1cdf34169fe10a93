//! The parts of a program: values, constants, instructions.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::element::{DType, Element, Scalar};
use crate::kernels::ops::ElemOp;

/// A value in a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Value {
    /// An input, by its number.
    Input(u32),
    /// A constant, by its place in the list of constants.
    Constant(u32),
    /// The result of an instruction, by its place in the code.
    Temp(u32),
}

/// A constant. Two constants are equal when their types and bits are.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Constant(pub(crate) Scalar);

impl Constant {
    /// The type and the bits of the value.
    fn key(self) -> (DType, u64, u64) {
        let dtype = self.0.dtype();
        if dtype.is_integral() {
            // Injective: integers of one type wrap to different numbers.
            (dtype, u64::from_scalar(self.0), 0)
        } else {
            let value = self.0.to_c64();
            (dtype, value.re.to_bits(), value.im.to_bits())
        }
    }
}

impl PartialEq for Constant {
    fn eq(&self, other: &Constant) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Constant {}

impl Hash for Constant {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// One instruction: an operation on values that have the types of its loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Instr {
    op: ElemOp,
    /// Those that the operation does not take repeat the first one.
    args: [Value; 3],
}

impl Instr {
    /// An instruction; `args` are as many as the operation takes.
    pub(super) fn new(op: ElemOp, args: &[Value]) -> Instr {
        let mut all = [args[0]; 3];
        all[..args.len()].copy_from_slice(args);
        Instr { op, args: all }
    }

    /// What is done.
    pub(crate) fn op(&self) -> ElemOp {
        self.op
    }

    /// With what.
    pub(crate) fn args(&self) -> &[Value] {
        &self.args[..self.op.arity()]
    }

    /// The same instruction on other values.
    pub(super) fn map_args(&self, f: impl Fn(Value) -> Value) -> Instr {
        Instr { op: self.op, args: self.args.map(f) }
    }

    /// Whether the arguments beyond those taken are as [`Instr::new`] leaves them.
    pub(super) fn is_canonical(&self) -> bool {
        self.args[self.op.arity()..].iter().all(|&arg| arg == self.args[0])
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Input(i) => write!(f, "x{i}"),
            Value::Constant(i) => write!(f, "c{i}"),
            Value::Temp(i) => write!(f, "t{i}"),
        }
    }
}
