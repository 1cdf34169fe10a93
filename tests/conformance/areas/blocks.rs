//! Functions of blocks, and what runs when.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyperslab::ndarray::{Array1, Array2, ArrayViewD, Axis, Ix2, Slice};
use hyperslab::prelude::*;

use super::Entry;
use crate::conformance::inputs::Inputs;
use crate::conformance::outcome::{Answer, count, ok, truth};

pub(super) const BLOCKS: &[Entry] = &[
    ("mb-broadcast-blocks", |c| {
        let sum: Array<i64> =
            c.ints("x").map_blocks_zip(&c.ints("v"), |a, b| Ok((&a.dense()? + &b.dense()?).into()))?;
        ok(sum)
    }),
    ("bw-outer", |c| {
        let table: Array<i64> = Blockwise::new("ij").map2((&c.ints("a"), "i"), (&c.ints("b"), "j"), |a, b| {
            let (a, b) = (a.dense()?, b.dense()?);
            Ok(Array2::from_shape_fn((a.len(), b.len()), |(i, j)| a[[i]] * b[[j]]).into_dyn().into())
        })?;
        ok(table)
    }),
    ("bw-contract", |c| {
        let product: Array<i64> = Blockwise::new("ik").map2((&c.ints("x"), "ij"), (&c.ints("y"), "jk"), |a, b| {
            Ok(matrix(&a.dense()?).dot(&matrix(&b.dense()?)).into_dyn().into())
        })?;
        ok(product)
    }),
    ("bw-adjust", |c| {
        let firsts: Array<i64> = Blockwise::new("i")
            .adjust_chunks('i', |_| 1)
            .map1((&c.ints("v"), "i"), |b| Ok(b.dense()?.slice_axis(Axis(0), Slice::from(..1)).to_owned().into()))?;
        ok(firsts)
    }),
    ("gu-signature", |c| {
        let dots: Array<i64> = Gufunc::new("(i),(i)->()")?.map2(&c.ints("x"), &c.ints("y"), |a, b| {
            let products = &a.dense()? * &b.dense()?;
            Ok(BlockData::from(products.sum_axis(Axis(products.ndim() - 1))))
        })?;
        ok(dots)
    }),
    ("gu-two-out", |c| {
        let (mean, max): (Array<f64>, Array<i64>) =
            Gufunc::new("(i)->(),()")?.map1(&c.ints("x"), |a: BlockView<'_, i64>| {
                let (a, last) = (a.dense()?, Axis(a.shape().len() - 1));
                let mean = a.mapv(|x| x as f64).mean_axis(last).unwrap_or_default();
                let max = a.fold_axis(last, i64::MIN, |&x, &y| x.max(y));
                Ok((BlockData::from(mean), BlockData::from(max)))
            })?;
        ok((mean, max))
    }),
    ("gu-vectorize", |c| {
        let sums: Array<i64> = c.ints("x").apply_along_axis(1, 4, |row| {
            let mut sum = 0;
            row.iter()
                .rev()
                .map(|x| {
                    sum += x;
                    sum
                })
                .collect()
        })?;
        ok(sums)
    }),
    ("mo-reflect", |c| ok(smoothed(&c.ints("v"), Boundary::Reflect)?)),
    ("mo-periodic", |c| ok(smoothed(&c.ints("v"), Boundary::Periodic)?)),
    ("mo-const", |c| {
        let before = Overlap::depth(0).on_axis(0, 1, 0, Boundary::None).untrimmed();
        let options = MapBlocks::new().chunks([vec![4, 5, 3]]);
        ok(c.ints("v").map_overlap_with(before, options, |b| Ok(b.dense()?.to_owned().into()))?)
    }),
    ("mo-depth-too-large", |c| {
        ok(c.ints("v")
            .map_overlap(Overlap::depth(11).boundary(Boundary::None), |b| Ok(b.dense()?.to_owned().into()))?)
    }),
];

pub(super) const GRAPH: &[Entry] = &[
    ("gr-random-reproducible", |_| {
        let (a, b) = (Rng::seeded(42).random([6], 2)?, Rng::seeded(42).random([6], 2)?);
        let first = a.compute()?;
        let n_distinct = a.unique()?.compute()?.len();
        ok([first == b.compute()?, first == a.compute()?, n_distinct == 6].map(truth).to_vec())
    }),
    ("rng-chunk-invariant", |_| {
        let [a, b] = [2, 3].map(|chunks| Rng::seeded(1).random([6], chunks));
        ok(truth(a?.compute()? == b?.compute()?))
    }),
    ("gr-cull", calls_for_one_block),
    ("gr-from-delayed", |_| {
        let y: Array<i64> = Array::from_block_fn([9], Chunks::size(3), |at| {
            Ok(Array1::from_elem(3, at.index()[0] as i64).into_dyn().into())
        })?;
        ok((y.clone(), y.blocks(&idx![1])?.compute()?))
    }),
];

/// The convolution with 1, 10, 100 that keeps the length.
fn smoothed(v: &Array<i64>, boundary: Boundary) -> Result<Array<i64>> {
    v.map_overlap(Overlap::depth(2).boundary(boundary), |b| Ok(convolved(&b.dense()?).into_dyn().into()))
}

fn matrix(block: &ArrayViewD<'_, i64>) -> Array2<i64> {
    block.to_owned().into_dimensionality::<Ix2>().unwrap()
}

fn convolved(b: &ArrayViewD<'_, i64>) -> Array1<i64> {
    let at = |i: i64| if i >= 0 && (i as usize) < b.len() { b[[i as usize]] } else { 0 };
    (0..b.len() as i64).map(|i| at(i + 1) + 10 * at(i) + 100 * at(i - 1)).collect()
}

fn calls_for_one_block(c: &Inputs) -> Answer {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let raised: Array<i64> = c.ints("x").map_blocks(move |b| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok((&b.dense()? + 1).into())
    })?;
    let corner = raised.slice(s![..1, ..2])?.compute()?;
    ok((corner, count(calls.load(Ordering::Relaxed))))
}
