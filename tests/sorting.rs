//! Sorting and the largest elements against eager sorts, for random shapes, chunks and threads.

use hyperslab::exec::Runtime;
use hyperslab::prelude::*;
use ndarray::{ArrayD, Axis, IxDyn};
use proptest::prelude::*;

/// A shape with one chunk size per axis, and numbers with ties, signed zeros and NaN.
fn cases() -> impl Strategy<Value = (ArrayD<f64>, Vec<u64>, usize)> {
    let shape = prop::collection::vec(1usize..7, 1..=3);
    shape.prop_flat_map(|shape| {
        let n = shape.iter().product::<usize>();
        let number = prop_oneof![8 => (-3i8..4).prop_map(f64::from), 1 => Just(-0.0), 1 => Just(f64::NAN)];
        let chunks = prop::collection::vec(1u64..5, shape.len());
        (prop::collection::vec(number, n), chunks, 0..shape.len()).prop_map(move |(numbers, chunks, axis)| {
            (ArrayD::from_shape_vec(IxDyn(&shape), numbers).expect("n numbers"), chunks, axis)
        })
    })
}

/// NumPy's order: NaN after every number, ties in the order they come in.
fn sorting_positions(lane: &[f64]) -> Vec<i64> {
    let mut positions: Vec<i64> = (0..lane.len() as i64).collect();
    positions.sort_by(|&a, &b| {
        let (a, b) = (lane[a as usize], lane[b as usize]);
        a.is_nan().cmp(&b.is_nan()).then(a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal))
    });
    positions
}

/// Each lane replaced by the numbers at `positions`.
fn by_lane<U: Clone>(x: &ArrayD<f64>, axis: usize, len: usize, f: impl Fn(&[f64]) -> Vec<U>, zero: U) -> ArrayD<U> {
    let mut shape = x.shape().to_vec();
    shape[axis] = len;
    let mut out = ArrayD::from_elem(IxDyn(&shape), zero);
    for (from, mut to) in x.lanes(Axis(axis)).into_iter().zip(out.lanes_mut(Axis(axis))) {
        to.iter_mut().zip(f(&from.to_vec())).for_each(|(slot, value)| *slot = value);
    }
    out
}

fn same(found: &ArrayD<f64>, expected: &ArrayD<f64>) -> bool {
    found.shape() == expected.shape() && found.iter().zip(expected).all(|(a, b)| a.to_bits() == b.to_bits())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn lanes_are_sorted_as_numpy_does((x, chunks, axis) in cases(), threads in 1usize..4) {
        let lazy = Array::from_ndarray(x.clone(), chunks).expect("chunks fit");
        let (sorted, positions) = Runtime::local().threads(threads).enter(|| {
            let (sorted, positions) = (lazy.sort(axis as isize), lazy.argsort(axis as isize));
            compute!(sorted.expect("known"), positions.expect("known")).expect("runs")
        });
        let len = x.shape()[axis];
        prop_assert_eq!(&positions, &by_lane(&x, axis, len, sorting_positions, 0));
        let numbers = |lane: &[f64]| sorting_positions(lane).into_iter().map(|i| lane[i as usize]).collect();
        prop_assert!(same(&sorted, &by_lane(&x, axis, len, numbers, 0.0)), "{sorted}");
    }

    #[test]
    fn the_largest_are_found_with_their_positions((x, chunks, axis) in cases(), k in 1i64..5, smallest: bool) {
        let k = if smallest { -k } else { k };
        let lazy = Array::from_ndarray(x.clone(), chunks).expect("chunks fit");
        let (best, positions) = (lazy.topk(k, axis as isize).expect("known"), lazy.argtopk(k, axis as isize).expect("known"));
        let (best, positions) = compute!(best, positions).expect("runs");
        let len = x.shape()[axis].min(k.unsigned_abs() as usize);
        let at = |lane: &[f64]| {
            let sorted: Vec<f64> = sorting_positions(lane).into_iter().map(|i| lane[i as usize]).collect();
            let best: Vec<f64> = if k > 0 { sorted.iter().rev().take(len).copied().collect() } else { sorted[..len].to_vec() };
            best
        };
        let expected = by_lane(&x, axis, len, at, 0.0);
        prop_assert!(best.iter().zip(&expected).all(|(a, b)| a == b || a.is_nan() && b.is_nan()), "{best} {expected}");
        // Positions name the very elements, each once.
        for ((lane, best), at) in x.lanes(Axis(axis)).into_iter().zip(best.lanes(Axis(axis))).zip(positions.lanes(Axis(axis))) {
            prop_assert!(at.iter().zip(&best).all(|(&i, b)| lane[i as usize] == *b || lane[i as usize].is_nan() && b.is_nan()));
            prop_assert_eq!(at.iter().collect::<std::collections::HashSet<_>>().len(), at.len());
        }
    }
}

#[test]
fn what_has_no_order_or_no_length_is_refused() {
    let x = Array::<i64>::arange(0, 10, 1, Chunks::size(4)).expect("fits");
    let some = x.mask(x.gt(3).expect("a number")).expect("same shape");
    for (error, op) in [(some.sort(0).unwrap_err(), "sort"), (some.argtopk(2, 0).unwrap_err(), "argtopk")] {
        assert!(error.is_unknown_chunks() && error.op() == op, "{error}");
        assert!(error.to_string().contains("compute_chunk_sizes"), "{error}");
    }
    assert!(x.sort(1).unwrap_err().is_usage() && x.argtopk(0, 0).unwrap_err().is_usage());
    let complex = x.as_dyn().astype(hyperslab::element::DType::C64);
    assert!(complex.argsort(0).unwrap_err().to_string().contains("no order"));
}
