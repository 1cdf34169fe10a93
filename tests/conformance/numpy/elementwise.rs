//! Functions of single elements.

use hyperslab::array::DynArray;
use hyperslab::element::{DType, Literal, Scalar};
use hyperslab::prelude::*;

use super::{Call, Work};
use crate::conformance::outcome::{Answer, ok};

macro_rules! one {
    ($($name:ident)*) => { &[$((stringify!($name), |c| ok(c.a().$name()?))),*] };
}

macro_rules! two {
    ($($name:ident)*) => { &[$((stringify!($name), |c| ok(c.a().$name(&c.b())?))),*] };
}

pub(super) const UNARY: &[(&str, Work)] = one! {
    negative positive absolute sign square sqrt cbrt reciprocal exp exp2 expm1 ln log2 log10 log1p sin cos tan asin acos
    atan sinh cosh tanh asinh acosh atanh deg2rad rad2deg floor ceil trunc rint isnan isfinite isinf signbit logical_not
    invert conj real imag angle nan_to_num
};

pub(super) const BINARY: &[(&str, Work)] = two! {
    add subtract multiply divide floor_divide remainder fmod power minimum maximum fmin fmax equal not_equal less
    less_equal greater greater_equal logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor left_shift
    right_shift atan2 hypot copysign logaddexp logaddexp2 heaviside nextafter gcd lcm
};

pub(super) const CHOICES: &[(&str, Work)] = &[
    ("clip", |c| ok(c.a().clip(&c.b(), &c.array("c"))?)),
    ("astype", |c| ok(c.a().astype(c.arg("dtype").as_str().unwrap().parse()?))),
    ("add_number", |c| ok(c.a().add(&number(c, "add")?)?)),
    ("multiply_number", |c| ok(c.a().multiply(&number(c, "multiply")?)?)),
    ("where", chosen),
];

/// The number of a call in the type that it takes beside the array.
fn number(c: &Call<'_>, op: &'static str) -> Result<DynArray> {
    let literal = match c.scalar("number") {
        Scalar::Bool(x) => Literal::Bool(x),
        Scalar::I64(x) => Literal::from(x),
        Scalar::U64(x) => Literal::from(x),
        Scalar::C64(x) => Literal::Complex(x),
        other => Literal::Float(other.to_c64().re),
    };
    c.a().literal(op, literal)
}

/// Both branches have one element type.
fn chosen(c: &Call<'_>) -> Answer {
    let (condition, yes, no) = (c.a().try_typed::<bool>()?, c.b(), c.array("c"));
    match yes.dtype() {
        DType::I64 => ok(where_(&condition, &yes.try_typed::<i64>()?, &no.try_typed()?)?),
        _ => ok(where_(&condition, &yes.try_typed::<f64>()?, &no.try_typed()?)?),
    }
}
