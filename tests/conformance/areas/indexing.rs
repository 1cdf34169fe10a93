//! Parts of arrays, and replacing them.

use hyperslab::array::Index;
use hyperslab::ndarray::arr2;
use hyperslab::prelude::*;

use super::Entry;
use crate::conformance::inputs::Inputs;
use crate::conformance::outcome::{Answer, ok};

pub(super) const INDEXING: &[Entry] = &[
    ("idx-slice-0", |c| ok(c.ints("v").slice(s![..;-1])?)),
    ("idx-slice-4", |c| ok(c.ints("v").slice(s![2..2])?)),
    ("idx-slice-5", |c| ok(c.ints("v").slice(s![1..9;4])?)),
    ("idx-newaxis-ellipsis", |c| ok(c.ints("x").index(&[Ellipsis.into(), NewAxis.into(), stepped(None, None, -1)])?)),
    ("idx-neg-int", |c| ok(c.ints("x").index(&idx![-1])?)),
    ("idx-oob", |c| ok(c.ints("x").index(&idx![3])?)),
    ("idx-list-empty", |c| ok(c.ints("v").index(&[Index::List(Vec::new())])?)),
    ("idx-two-lists-err", |c| ok(c.ints("x").index(&idx![[0, 1], [1, 2]])?)),
    ("idx-vindex-oob", |c| ok(c.ints("x").index(&idx![[0], [4]])?)),
    ("idx-bool-numpy-1d", |c| ok(c.ints("x").index(&idx![[true, false, true]])?)),
    ("idx-dask-int-array", |c| ok(c.ints("v").index(&idx![&c.ints("i")])?)),
    ("idx-dask-int-array-2d", |c| ok(c.ints("x").index(&idx![.., &c.ints("i")])?)),
    ("idx-dask-bool-rows", |c| ok(c.ints("x").mask(c.typed::<bool>("m"))?)),
    ("idx-diagonal", |c| ok(c.ints("x").diagonal(1, [0, 2])?)),
    ("idx-insert", |c| ok(c.ints("v").insert(&[1, 5], Array::from_vec(vec![100, 200], Chunks::auto())?, 0)?)),
    ("idx-take", |c| ok(c.ints("x").take(&[3, -4, 1], 1)?)),
];

pub(super) const ASSIGNMENT: &[Entry] = &[
    ("set-scalar-slice", |c| {
        let mut x = c.ints("x");
        x.assign(s![0, ..;2], -1)?;
        ok(x)
    }),
    ("set-neg-step", |c| {
        let values = Array::from_vec(vec![100, 200, 300], Chunks::auto())?;
        replaced(c, &[Index::At(1), stepped(Some(3), Some(0), -1)], &values)
    }),
    ("set-mask-full", |c| {
        let mut x = c.ints("x");
        x.assign_mask(&x.gt(6)?, 0)?;
        ok(x)
    }),
    ("set-mask-lower-dim-bcast", |c| {
        replaced(c, &idx![[true, false, true]], &Array::from_vec(vec![7, 8, 9, 10], Chunks::auto())?)
    }),
    ("set-col-mask", |c| replaced(c, &idx![.., [false, true, true, false]], &Array::from_scalar(-5))),
    ("set-intlist", |c| {
        let values = Array::from_ndarray(arr2(&[[1, 1, 1, 1], [2, 2, 2, 2]]), Chunks::auto())?;
        replaced(c, &idx![[2, 0]], &values)
    }),
    ("set-value-lazy", |c| replaced(c, &idx![1..9], &c.ints("y"))),
    ("set-value-bcast-len1", |c| {
        let values = Array::from_ndarray(arr2(&[[10], [20], [30]]), Chunks::auto())?;
        replaced(c, &idx![.., 1..3], &values)
    }),
    ("set-two-lists", |c| replaced(c, &idx![[0, 1], [0, 1]], &Array::from_scalar(0))),
    ("set-empty-selection", |c| replaced(c, &idx![3..3], &Array::from_scalar(7))),
    ("set-alias", |c| {
        let x = c.ints("x");
        let mut y = &x + 0;
        let z = &y * 10;
        y.assign(s![0], -1)?;
        ok((x, y, z))
    }),
    ("set-slice-not-view", |c| {
        let x = c.ints("x");
        let mut y = x.slice(s![2..5])?;
        y.assign(s![0], -1)?;
        ok((x, y))
    }),
    ("set-where-equiv", |c| {
        let x = c.ints("x");
        ok(where_(&x.gt(6)?, -&x, &x)?)
    }),
];

/// NumPy's `start:stop:step`.
fn stepped(start: Option<i64>, stop: Option<i64>, step: i64) -> Index {
    Index::Slice { start, stop, step }
}

/// `x` with a part replaced.
fn replaced(c: &Inputs, items: &[Index], value: &Array<i64>) -> Answer {
    let mut x = c.ints("x");
    x.assign_index(items, value)?;
    ok(x)
}
