//! Which element types an operation computes in: NumPy 2's rules as a short list of words.

use crate::element::{DType, DTypeKind, promote};
use crate::error::{Error, Result, Shown};

/// Which element types an operation takes and what it makes of the others.
///
/// Operands first meet in their common type ([`promote`]); the domain then says whether the operation has a loop for that
/// type, or which one it uses instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Domain {
    /// All element types.
    Any,
    /// All element types; 64-bit signed and unsigned integers are compared as they are, not as `float64`.
    Comparable,
    /// A condition, which is taken as `bool`, then two operands of any element type.
    Choice,
    /// All but `bool`.
    Number,
    /// All; `bool` counts as `int8`.
    Widened,
    /// All but the complex types.
    Real,
    /// All but the complex types; `bool` counts as `int8`.
    WidenedReal,
    /// `bool` and the integers.
    Bits,
    /// The integers; `bool` counts as `int8`.
    WidenedInt,
    /// The integers.
    Int,
    /// Floats and complex numbers; `bool` and integers count as `float64`.
    Floating,
    /// Floats; `bool` and integers count as `float64`.
    RealFloating,
}

impl Domain {
    /// The element type of the loop for operands that meet in `common`; `None` where there is none.
    pub(crate) fn loop_dtype(self, common: DType) -> Option<DType> {
        let kind = common.kind();
        let (is_bool, is_complex) = (kind == DTypeKind::Bool, kind == DTypeKind::Complex);
        let integral = common.is_integral();
        match self {
            Domain::Any | Domain::Comparable | Domain::Choice => Some(common),
            Domain::Number => (!is_bool).then_some(common),
            Domain::Widened => Some(widened(common)),
            Domain::Real => (!is_complex).then_some(common),
            Domain::WidenedReal => (!is_complex).then_some(widened(common)),
            Domain::Bits => integral.then_some(common),
            Domain::WidenedInt => integral.then_some(widened(common)),
            Domain::Int => (integral && !is_bool).then_some(common),
            Domain::Floating => Some(if integral { DType::F64 } else { common }),
            Domain::RealFloating => (!is_complex).then_some(if integral { DType::F64 } else { common }),
        }
    }
}

fn widened(dtype: DType) -> DType {
    if dtype == DType::Bool { DType::I8 } else { dtype }
}

/// The element types an operation computes in and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    arity: usize,
    inputs: [DType; 3],
    /// The element type of the result.
    pub(crate) output: DType,
}

impl Signature {
    pub(super) fn cast(from: DType, to: DType) -> Signature {
        Signature { arity: 1, inputs: [from; 3], output: to }
    }

    /// The types that the operands are cast to.
    pub(crate) fn inputs(&self) -> &[DType] {
        &self.inputs[..self.arity]
    }
}

/// The signature of an operation of this domain whose result follows from the loop's type by `output`.
pub(super) fn signature(
    name: &'static str,
    domain: Domain,
    output: fn(DType) -> DType,
    inputs: &[DType],
) -> Result<Signature> {
    let refused = || no_loop(name, domain, inputs);
    let mut loops = [DType::Bool; 3];
    let meet = match domain {
        Domain::Choice => &inputs[1..],
        _ => inputs,
    };
    let common = meet.iter().copied().reduce(promote).ok_or_else(refused)?;
    let common = domain.loop_dtype(common).ok_or_else(refused)?;
    loops[inputs.len() - meet.len()..inputs.len()].fill(common);
    if domain == Domain::Comparable && matches!(inputs, [a, b] if compare_exactly(*a, *b)) {
        loops[..2].copy_from_slice(&inputs.iter().map(|&dtype| widest_int(dtype)).collect::<Vec<_>>());
    }
    Ok(Signature { arity: inputs.len(), inputs: loops, output: output(common) })
}

/// Whether two integer types have no common integer type.
fn compare_exactly(a: DType, b: DType) -> bool {
    a.is_integral() && b.is_integral() && !promote(a, b).is_integral()
}

fn widest_int(dtype: DType) -> DType {
    if dtype.kind() == DTypeKind::Signed { DType::I64 } else { DType::U64 }
}

fn no_loop(name: &'static str, domain: Domain, inputs: &[DType]) -> Error {
    let wants = match domain {
        Domain::Number => {
            "give numbers; `logical_xor` and `logical_not` are what subtraction and negation mean for bool"
        }
        Domain::Real | Domain::WidenedReal | Domain::RealFloating => {
            "give real numbers: take `real()`, `imag()` or `absolute()`"
        }
        Domain::Int => "give integers that meet in an integer type",
        Domain::Bits | Domain::WidenedInt => "give bool or integers that meet in an integer type",
        _ => "give as many operands as the operation takes",
    };
    Error::dtype(name, format!("there is no loop for {}", Shown(inputs))).with_remedy(wants)
}
