//! Sums of products, running totals and the largest elements.

use hyperslab::prelude::*;
use ndarray::{ArrayD, Axis, IxDyn};
use proptest::prelude::*;

use crate::support::eager::{broadcast_shape, scanned, stretched};
use crate::support::numbers::{Bits, random_with_nan};
use crate::support::runs::{any_run, check, check_close, config};
use crate::support::shapes::{Cut, any_cut, any_len, any_shape, any_store};

/// `tensordot` in a plain loop.
fn contracted(a: &ArrayD<i64>, b: &ArrayD<i64>, pairs: &[(usize, usize)]) -> ArrayD<i64> {
    let free_a: Vec<usize> = (0..a.ndim()).filter(|axis| pairs.iter().all(|pair| pair.0 != *axis)).collect();
    let free_b: Vec<usize> = (0..b.ndim()).filter(|axis| pairs.iter().all(|pair| pair.1 != *axis)).collect();
    let shape: Vec<usize> =
        free_a.iter().map(|&axis| a.shape()[axis]).chain(free_b.iter().map(|&axis| b.shape()[axis])).collect();
    let inner: Vec<usize> = pairs.iter().map(|pair| a.shape()[pair.0]).collect();
    ArrayD::from_shape_fn(IxDyn(&shape), |at| {
        let mut sum = 0;
        for k in ndarray::indices(IxDyn(&inner)) {
            let (mut i, mut j) = (vec![0; a.ndim()], vec![0; b.ndim()]);
            free_a.iter().enumerate().for_each(|(n, &axis)| i[axis] = at[n]);
            free_b.iter().enumerate().for_each(|(n, &axis)| j[axis] = at[free_a.len() + n]);
            pairs.iter().enumerate().for_each(|(n, &(p, q))| (i[p], j[q]) = (k[n], k[n]));
            sum += a[IxDyn(&i)] * b[IxDyn(&j)];
        }
        sum
    })
}

#[test]
fn tensordot_over_any_axes() {
    proptest!(config(60), |(
        shapes in (any_shape(3, 4), any_shape(3, 4)), stores in (any_store(), any_store()),
        seed in 0u64..1 << 20, run in any_run()
    )| {
        let mut bits = Bits::new(seed);
        let (first, mut second) = shapes;
        let n_pairs = bits.below(first.len().min(second.len()) + 1);
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        while pairs.len() < n_pairs {
            let pair = (bits.below(first.len()), bits.below(second.len()));
            if pairs.iter().all(|other| other.0 != pair.0 && other.1 != pair.1) {
                second[pair.1] = first[pair.0];
                pairs.push(pair);
            }
        }
        let (a, x) = Cut::new(&first, seed).arrays::<i64>(stores.0, seed);
        let (b, y) = Cut::new(&second, seed + 1).arrays::<i64>(stores.1, seed + 1);
        let (lhs, rhs): (Vec<isize>, Vec<isize>) =
            pairs.iter().map(|&(p, q)| (p as isize, q as isize - second.len() as isize)).unzip();
        let expected = contracted(&a, &b, &pairs);
        check(run, &tensordot(&x, &y, (lhs.clone(), rhs.clone())).unwrap(), &expected)?;
        let floats = tensordot(&x.astype::<f64>(), &y.astype::<f64>(), (lhs, rhs)).unwrap();
        check(run, &floats, &expected.mapv(|a| a as f64))?;
    });
}

/// NumPy's `matmul` in plain loops.
fn multiplied(a: &ArrayD<i64>, b: &ArrayD<i64>) -> ArrayD<i64> {
    let (row, column) = (a.ndim() == 1, b.ndim() == 1);
    let a = if row { a.clone().insert_axis(Axis(0)) } else { a.clone() };
    let b = if column { b.clone().insert_axis(Axis(1)) } else { b.clone() };
    let batch = broadcast_shape(&[&a.shape()[..a.ndim() - 2], &b.shape()[..b.ndim() - 2]]);
    let wide = |m: &ArrayD<i64>| stretched(m, &[&batch[..], &m.shape()[m.ndim() - 2..]].concat());
    let (a, b) = (wide(&a), wide(&b));
    let n = batch.len();
    let mut shape = batch.clone();
    shape.extend([a.shape()[n], b.shape()[n + 1]]);
    let mut product = ArrayD::from_shape_fn(IxDyn(&shape), |at| {
        let (mut i, mut j) = (at.clone(), at.clone());
        (0..a.shape()[n + 1])
            .map(|k| {
                (i[n + 1], j[n]) = (k, k);
                a[&i] * b[&j]
            })
            .sum::<i64>()
    });
    if column {
        product = product.index_axis_move(Axis(n + 1), 0);
    }
    if row {
        product = product.index_axis_move(Axis(n), 0);
    }
    product
}

#[test]
fn matmul_of_any_ranks() {
    proptest!(config(60), |(
        batch in any_shape(2, 3), inner in any_len(6), outer in (any_len(5), any_len(5)), ranks in (1usize..4, 1usize..4),
        stores in (any_store(), any_store()), seed in 0u64..1 << 20, run in any_run()
    )| {
        let mut bits = Bits::new(seed);
        let mut operand = |rank: usize, last: [usize; 2]| {
            let n_batch = (rank.saturating_sub(1)).min(batch.len());
            let own = batch[batch.len() - n_batch..].iter().map(|&len| if bits.one_in(4) { 1 } else { len });
            let shape: Vec<usize> = own.chain(last).collect();
            shape
        };
        let first = if ranks.0 == 1 { vec![inner] } else { operand(ranks.0, [outer.0, inner]) };
        let second = if ranks.1 == 1 { vec![inner] } else { operand(ranks.1, [inner, outer.1]) };
        let (a, x) = Cut::new(&first, seed).arrays::<i64>(stores.0, seed);
        let (b, y) = Cut::new(&second, seed + 1).arrays::<i64>(stores.1, seed + 1);
        let expected = multiplied(&a, &b);
        check(run, &matmul(&x, &y).unwrap(), &expected)?;
        if first.len() <= 2 && second.len() <= 2 {
            check(run, &dot(&x, &y).unwrap(), &expected)?;
        }
    });
}

#[test]
fn running_totals() {
    proptest!(config(40), |(cut in any_cut(3, 7), store in any_store(), seed in 0u64..1 << 20, run in any_run())| {
        if cut.ndim() == 0 {
            return Ok(());
        }
        let axis = Bits::new(seed).below(cut.ndim());
        let (a, x) = cut.arrays::<i16>(store, seed);
        let at = axis as isize - cut.ndim() as isize;
        check(run, &x.cumsum(at).unwrap(), &scanned(&a, axis, 0i64, |sum, a| sum + i64::from(a)))?;
        check(run, &x.cumprod(at).unwrap(), &scanned(&a, axis, 1i64, |p, a| p.wrapping_mul(i64::from(a))))?;
        check(run, &x.cummax(at).unwrap(), &scanned(&a, axis, i16::MIN, i16::max))?;
        let floats = random_with_nan(&cut.shape, seed);
        let lazy = cut.lazy(&floats, store);
        check_close(run, &lazy.cumsum(at).unwrap(), &scanned(&floats, axis, 0.0, |sum, a| sum + a), 1e-13)?;
        let smallest = |low: f64, a: f64| if low.is_nan() || low < a { low } else { a };
        check(run, &lazy.cummin(at).unwrap(), &scanned(&floats, axis, f64::INFINITY, smallest))?;
    });
}

#[test]
fn the_largest_and_the_smallest_elements() {
    proptest!(config(40), |(
        cut in any_cut(3, 8), store in any_store(), seed in 0u64..1 << 20, run in any_run(), k in 1usize..6
    )| {
        if cut.ndim() == 0 {
            return Ok(());
        }
        let axis = Bits::new(seed).below(cut.ndim());
        let (a, x) = cut.arrays::<f32>(store, seed);
        let mut sorted = a.clone();
        for mut lane in sorted.lanes_mut(Axis(axis)) {
            let mut elems = lane.to_vec();
            elems.sort_unstable_by(f32::total_cmp);
            lane.assign(&ndarray::Array1::from_vec(elems));
        }
        let n = k.min(cut.shape[axis]);
        let lowest = sorted.select(Axis(axis), &(0..n).collect::<Vec<_>>());
        let highest: Vec<usize> = (0..n).map(|i| cut.shape[axis] - 1 - i).collect();
        check(run, &x.topk(k as i64, axis as isize).unwrap(), &sorted.select(Axis(axis), &highest))?;
        check(run, &x.topk(-(k as i64), axis as isize).unwrap(), &lowest)?;
    });
}
