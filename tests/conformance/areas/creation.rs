//! Making arrays, and cutting them.

use hyperslab::prelude::*;

use super::Entry;
use crate::conformance::inputs::Inputs;
use crate::conformance::outcome::{Answer, count, ok};

pub(super) const CREATION: &[Entry] = &[
    ("create-arange-step", |_| ok(Array::<i64>::arange(1, 12, 3, Chunks::size(2))?)),
    ("create-linspace", |_| ok(Array::<f64>::linspace(0.0, 1.0, 5, Chunks::size(2))?)),
    ("create-eye-k", |_| ok(Array::<i64>::eye(5, 4, -1, Chunks::size(2))?)),
    ("create-fromfunction", |_| ok(Array::from_fn([3, 4], Chunks::size(2), |at| (at[0] * 10 + at[1]) as i64)?)),
    ("create-tri", |c| ok(c.ints("x").tril(1)?)),
    ("create-full-like", |c| ok(c.ints("x").full_like(7f32))),
    ("create-repeat-axis", |c| ok(c.ints("x").repeat(2, 1)?)),
    ("create-pad-wrap", |c| ok(c.floats("v").pad((2, 3), PadMode::Wrap)?)),
    ("create-pad-maximum", |c| ok(c.floats("v").pad((2, 3), PadMode::Maximum)?)),
];

pub(super) const CHUNKING: &[Entry] = &[
    ("chunk-normalize-5", |_| sizes_of(&Chunks::every(AxisSpec::from(-1)), &[7, 4])),
    ("chunk-normalize-zero", |_| sizes_of(&Chunks::from((3, 3)), &[0, 4])),
    ("rechunk-minus1", |c| ok(c.ints("x").rechunk(Chunks::keep().with_axis(1, AxisSpec::Whole))?)),
    ("rechunk-4d-balanced", |c| ok(c.ints("v").rechunk(Chunks::size(4).balanced())?)),
    ("rechunk-bad-sum", |c| {
        ok(c.ints("x").rechunk(Chunks::per_axis(vec![AxisSpec::Sizes(vec![1, 1]), AxisSpec::Sizes(vec![4])]))?)
    }),
    ("rechunk-zero-chunks", rechunk_after_an_empty_part),
    ("chunk-unify", |c| ok(c.ints("a").try_add(c.ints("b"))?)),
    ("chunk-blocks-index", |c| ok(c.ints("x").blocks(&idx![1, 0])?)),
    ("chunk-blocks-slice", |c| ok(c.ints("x").blocks(&idx![.., [1]])?)),
];

/// The sizes that chunks have along each axis of a shape.
fn sizes_of(chunks: &Chunks, shape: &[u64]) -> Answer {
    let grid = chunks.grid_for(shape, 8)?;
    let sizes = |axis: usize| grid.axis(axis).sizes().map(|size| count(size as usize)).collect::<Vec<_>>();
    ok((0..shape.len()).map(sizes).collect::<Vec<_>>())
}

fn rechunk_after_an_empty_part(c: &Inputs) -> Answer {
    let v = c.ints("v");
    let nothing = v.slice(s![..0])?;
    ok(concatenate(&[&nothing, &v], 0)?.rechunk(Chunks::size(4))?)
}
