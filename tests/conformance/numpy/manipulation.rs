//! Shapes and axes.

use hyperslab::array::{DynArray, PadWidths};
use hyperslab::prelude::*;

use super::{Call, Work};
use crate::conformance::outcome::{Answer, ok};

pub(super) const SHAPES: &[(&str, Work)] = &[
    ("reshape", |c| ok(c.a().reshape(c.ints("shape"))?)),
    ("transpose", |c| ok(c.a().permute_axes(&c.axes("axes"))?)),
    ("swapaxes", |c| {
        let [a, b] = c.pair("axes");
        ok(c.a().swap_axes(a, b)?)
    }),
    ("moveaxis", |c| ok(c.a().move_axes(&c.axes("from"), &c.axes("to"))?)),
    ("expand_dims", |c| ok(c.a().expand_dims(c.axis())?)),
    ("squeeze", |c| ok(c.a().squeeze())),
    ("squeeze_axes", |c| ok(c.a().squeeze_axes(&c.axes("axes"))?)),
    ("broadcast_to", |c| ok(c.a().broadcast_to(c.ints("shape"))?)),
    ("ravel", |c| ok(c.a().ravel()?)),
    ("flip", |c| ok(c.a().flip(&c.axes("axes"))?)),
    ("roll", |c| ok(c.a().roll_axes(&c.ints("shift"), &c.axes("axes"))?)),
    ("roll_flat", |c| ok(c.a().roll_flat(c.int("shift"))?)),
    ("rot90", |c| ok(c.a().rot90(c.int("k"), c.pair("axes"))?)),
    ("concatenate", |c| joined(c, DynArray::concatenate)),
    ("stack", |c| joined(c, DynArray::stack)),
    ("hstack", |c| joined(c, |arrays, _| DynArray::hstack(arrays))),
    ("vstack", |c| joined(c, |arrays, _| DynArray::vstack(arrays))),
    ("dstack", |c| joined(c, |arrays, _| DynArray::dstack(arrays))),
    ("column_stack", |c| joined(c, |arrays, _| DynArray::column_stack(arrays))),
    ("append", |c| ok(c.a().append(&c.b(), c.axis())?)),
    ("append_flat", |c| ok(c.a().append_flat(&c.b())?)),
    ("tril", |c| ok(c.a().tril(c.int("k"))?)),
    ("triu", |c| ok(c.a().triu(c.int("k"))?)),
    ("diagonal", |c| ok(c.a().diagonal(c.int("k"), c.pair("axes"))?)),
    ("diag", |c| ok(c.a().diag(c.int("k"))?)),
    ("trace", |c| ok(c.a().trace(c.int("k"), c.pair("axes"))?)),
    ("repeat", |c| ok(c.a().repeat(c.int("n") as u64, c.axis())?)),
    ("repeat_each", |c| ok(c.a().repeat_each(&c.sizes("n"), c.axis())?)),
    ("tile", |c| ok(c.a().tile(&c.sizes("reps"))?)),
    ("pad", padded),
    ("insert", |c| ok(c.a().insert(&c.ints("positions"), &c.b(), c.axis())?)),
    ("delete", |c| ok(c.a().delete(&c.ints("positions"), c.axis())?)),
    ("array_split", |c| ok(c.a().array_split(c.int("n") as u64, c.axis())?)),
    ("split_at", |c| ok(c.a().split_at(&c.sizes("positions"), c.axis())?)),
    ("unstack", |c| ok(c.a().unstack(c.axis())?)),
    ("resize", |c| ok(c.a().resize(c.ints("shape"))?)),
    ("atleast", |c| {
        let a = c.a();
        ok((a.atleast_1d(), a.atleast_2d(), a.atleast_3d()))
    }),
];

fn joined(c: &Call<'_>, join: fn(&[&DynArray], isize) -> Result<DynArray>) -> Answer {
    let arrays = c.arrays();
    let axis = c.arg("axis").as_i64().unwrap_or(0) as isize;
    ok(join(&arrays.iter().collect::<Vec<_>>(), axis)?)
}

fn padded(c: &Call<'_>) -> Answer {
    let widths: Vec<(u64, u64)> = c.sizes("widths").chunks(2).map(|pair| (pair[0], pair[1])).collect();
    let mode = match c.arg("mode").as_str().unwrap() {
        "constant" => PadMode::Constant(c.scalar("value"), c.scalar("value")),
        "linear_ramp" => PadMode::LinearRamp(c.scalar("value"), c.scalar("value")),
        "edge" => PadMode::Edge,
        "maximum" => PadMode::Maximum,
        "mean" => PadMode::Mean,
        "minimum" => PadMode::Minimum,
        "reflect" => PadMode::Reflect,
        "symmetric" => PadMode::Symmetric,
        "wrap" => PadMode::Wrap,
        other => panic!("there is no padding of the name {other}"),
    };
    ok(c.a().pad(PadWidths::from(widths), mode)?)
}
