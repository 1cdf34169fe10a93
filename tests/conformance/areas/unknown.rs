//! Axes whose lengths only a run tells.

use hyperslab::prelude::*;

use super::Entry;
use crate::conformance::inputs::Inputs;
use crate::conformance::outcome::{Answer, count, ok};

pub(super) const UNKNOWN: &[Entry] = &[
    ("unk-bool-1d", |c| ok(above_four(c)?)),
    ("unk-axis-reduce", |c| ok(late_rows(c)?.sum_axis(1)?)),
    ("unk-fancy-err", |c| ok(above_four(c)?.index(&idx![[0, 1]])?)),
    ("unk-fullslice", |c| ok(above_four(c)?.slice(s![..])?)),
    ("unk-len-err", |c| Ok(count(above_four(c)?.len()? as usize))),
    ("unk-concat-other-axis-err", joined_rows),
    ("unk-concat-other-axis-allow", joined_rows),
    ("unk-mask-by-same", |c| {
        let large = above_four(c)?;
        ok(large.mask((&large % 2).eq(0)?)?)
    }),
    ("unk-broadcast-scalar", |c| ok(above_four(c)?.broadcast_to([2, 5])?)),
    ("unk-where", |c| ok(c.ints("x").gt(6)?.nonzero()?)),
    ("unk-argwhere", |c| ok(c.ints("x").gt(9)?.argwhere()?)),
    ("unk-flatnonzero", |c| ok(c.ints("x").gt(9)?.flatnonzero()?)),
    ("unk-unique", |c| ok(c.ints("v").unique()?)),
    ("unk-histogram", |c| ok(above_four(c)?.histogram(&Bins::edges_at([0.0, 6.0, 8.0, 10.0])?)?)),
    ("unk-matvec", |c| {
        let x = c.floats("x");
        let rows = x.mask(x.index(&idx![.., 0])?.gt(3.0)?)?;
        ok(dot(&rows.transpose(), &rows)?)
    }),
    ("unk-topk", |c| ok(above_four(c)?.topk(2, -1)?)),
    ("unk-cumsum", |c| ok(above_four(c)?.cumsum(0)?)),
];

fn above_four(c: &Inputs) -> Result<Array<i64>> {
    let v = c.ints("v");
    v.mask(v.gt(4)?)
}

/// The rows of `x` that begin with more than 3.
fn late_rows(c: &Inputs) -> Result<Array<i64>> {
    let x = c.ints("x");
    x.mask(x.index(&idx![.., 0])?.gt(3)?)
}

/// Equal masks make axes that are known to be equal, so that no permission is needed.
fn joined_rows(c: &Inputs) -> Answer {
    ok(concatenate(&[&late_rows(c)?, &late_rows(c)?], 1)?)
}
