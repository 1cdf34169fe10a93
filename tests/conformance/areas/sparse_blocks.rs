//! Arrays of sparse blocks.

use hyperslab::element::Element;
use hyperslab::prelude::*;

use super::Entry;
use crate::conformance::inputs::Inputs;
use crate::conformance::outcome::ok;

pub(super) const SPARSE_BLOCKS: &[Entry] = &[
    ("sp-dk-seed-chain", |c| {
        let mut y = c.floats("x");
        y.assign_mask(&y.lt(0.9)?, 0.0)?;
        let s: Array<f64> = y.map_blocks_sparse(|b| Coo::from_dense(&b.dense()?))?;
        ok(tensordot(&s, &s, ([1, 0, 3], [2, 1, 0]))?.sum_axis(1)?)
    }),
    ("sp-dk-std-all", |c| ok(sparse::<f64>(c)?.std())),
    ("sp-dk-argmax", |c| ok(sparse::<i64>(c)?.argmax_axis(1)?)),
    ("sp-dk-fancy", |c| ok(sparse::<i64>(c)?.index(&idx![[2, 0]])?)),
    ("sp-dk-rechunk", |c| ok(sparse::<i64>(c)?.rechunk(Chunks::from((3, 1)))?)),
    ("sp-dk-setitem-mask", |c| {
        let mut x = sparse::<i64>(c)?;
        x.assign_mask(&x.lt(0)?, 0)?;
        ok(x)
    }),
    ("sp-dk-reshape", |c| ok(sparse::<i64>(c)?.reshape([12])?)),
];

/// `x` with every block made sparse.
fn sparse<T: Element>(c: &Inputs) -> Result<Array<T>> {
    c.typed::<T>("x").map_blocks_sparse(|b| Coo::from_dense(&b.dense()?))
}
