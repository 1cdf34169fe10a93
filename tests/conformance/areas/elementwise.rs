//! Functions of single elements, promotion, broadcasting.

use hyperslab::prelude::*;

use super::Entry;
use crate::conformance::inputs::Inputs;
use crate::conformance::outcome::{Answer, ok};

pub(super) const ELEMENTWISE: &[Entry] = &[
    ("elw-bcast-mutual", sum),
    ("elw-bcast-rank", |c| ok(c.ints("x").try_mul(c.ints("b"))?)),
    ("elw-promote-i4-f4", sum),
    ("elw-promote-bool-i1", sum),
    ("elw-weak-scalar-oob", |c| {
        let b = c.lazy("b");
        ok(b.try_add(&b.literal("add", 300)?)?)
    }),
    ("elw-int-truediv", |c| ok(c.ints("a").try_div(c.ints("b"))?)),
    ("elw-floordiv-mod", quotient_and_remainder),
    ("elw-int-div-zero", |c| ok(c.ints("a").floor_divide(c.ints("b"))?)),
    ("elw-minimum-nan", |c| {
        let (a, b) = (c.floats("a"), c.floats("b"));
        ok((a.minimum(&b)?, a.fmin(&b)?))
    }),
    ("elw-clip", |c| {
        let v = c.ints("v");
        ok((v.clip(3, 6)?, v.minimum(4)?, v.clip(7, 2)?))
    }),
    ("elw-sign-special", |c| {
        let a = c.floats("a");
        ok((a.sign(), a.signbit(), Array::from_scalar(3.0).copysign(&a)?))
    }),
    ("elw-divmod", |c| ok(c.ints("a").divmod(c.ints("b"))?)),
    ("elw-outer", |c| ok(c.ints("a").expand_dims(1)?.try_add(c.ints("b"))?)),
    ("elw-astype-casting", |c| ok(c.floats("a").try_astype::<i64>()?)),
    ("elw-complex", |c| {
        let a = c.typed::<C64>("a");
        ok((a.real(), a.imag(), a.conj(), a.angle()))
    }),
    ("elw-shift", |c| {
        let a = c.ints("a");
        ok((a.left_shift(2)?, a.right_shift(1)?, !a))
    }),
];

fn sum(c: &Inputs) -> Answer {
    ok(c.lazy("a").try_add(&c.lazy("b"))?)
}

fn quotient_and_remainder(c: &Inputs) -> Answer {
    let (a, b) = (c.ints("a"), c.ints("b"));
    ok((a.floor_divide(&b)?, a.remainder(&b)?))
}
