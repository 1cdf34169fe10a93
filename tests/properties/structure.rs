//! The same elements in another arrangement: axes, shapes, chunks, arrays beside arrays.

use hyperslab::prelude::*;
use ndarray::{ArrayD, Axis, IxDyn};
use proptest::prelude::*;

use crate::support::eager::{reshaped, stretched};
use crate::support::numbers::Bits;
use crate::support::runs::{any_run, check, config};
use crate::support::shapes::{Cut, any_cut, any_store, chunks_of};

#[test]
fn axes_in_any_order() {
    proptest!(config(30), |(cut in any_cut(4, 5), store in any_store(), seed in 0u64..1 << 20, run in any_run())| {
        let mut bits = Bits::new(seed);
        let (a, x) = cut.arrays::<i16>(store, seed);
        let mut order: Vec<usize> = (0..cut.ndim()).collect();
        for i in (1..order.len()).rev() {
            order.swap(i, bits.below(i + 1));
        }
        let named: Vec<isize> =
            order.iter().map(|&axis| axis as isize - if bits.one_in(2) { cut.ndim() as isize } else { 0 }).collect();
        check(run, &x.permute_axes(&named).unwrap(), &a.view().permuted_axes(IxDyn(&order)).to_owned())?;
        check(run, &x.transpose(), &a.t().to_owned())?;
        let at = bits.below(cut.ndim() + 1);
        let raised = a.clone().insert_axis(Axis(at));
        let lazy = x.expand_dims(at as isize).unwrap();
        check(run, &lazy, &raised)?;
        check(run, &lazy.squeeze_axes(&[at as isize]).unwrap(), &a)?;
        if cut.ndim() > 1 {
            let (i, j) = (bits.below(cut.ndim()), bits.below(cut.ndim()));
            let mut swapped = a.clone();
            swapped.swap_axes(i, j);
            check(run, &x.swap_axes(i as isize, j as isize).unwrap(), &swapped)?;
        }
    });
}

/// A shape of as many elements, made by joining and splitting axes, with lengths of 1 among them.
fn another_shape(n_elems: usize, bits: &mut Bits) -> Vec<usize> {
    let mut left = n_elems;
    let mut shape = Vec::new();
    while left > 1 && shape.len() < 4 {
        let divisors: Vec<usize> = (1..=left).filter(|d| left.is_multiple_of(*d)).collect();
        let len = divisors[bits.below(divisors.len())];
        shape.push(len);
        left /= len;
    }
    if left != 1 || shape.is_empty() && bits.one_in(2) {
        shape.push(left);
    }
    shape
}

#[test]
fn reshapes_keep_row_major_order() {
    proptest!(config(80), |(cut in any_cut(4, 6), store in any_store(), seed in 0u64..1 << 20, run in any_run())| {
        let mut bits = Bits::new(seed);
        let (a, x) = cut.arrays::<i64>(store, seed);
        let shape = another_shape(cut.n_elems(), &mut bits);
        let expected = reshaped(&a, &shape);
        let lazy = x.reshape(shape.clone()).unwrap();
        check(run, &lazy, &expected)?;
        check(run, &x.ravel().unwrap(), &reshaped(&a, &[cut.n_elems()]))?;
        check(run, &lazy.reshape(cut.shape.clone()).unwrap(), &a)?;
        if cut.n_elems() > 0 && !shape.is_empty() {
            let mut inferred: Vec<i64> = shape.iter().map(|&len| len as i64).collect();
            inferred[bits.below(shape.len())] = -1;
            check(run, &x.reshape(inferred).unwrap(), &expected)?;
        }
    });
}

#[test]
fn other_chunks_hold_the_same_elements() {
    proptest!(config(60), |(cut in any_cut(4, 7), store in any_store(), seed in 0u64..1 << 20, run in any_run())| {
        let (a, x) = cut.arrays::<i64>(store, seed);
        let first = chunks_of(&cut.shape, seed + 1);
        let second = chunks_of(&cut.shape, seed + 2);
        let lazy = x.rechunk(first.clone()).unwrap();
        let sizes: Vec<Vec<u64>> = lazy.grid().axes().iter().map(|axis| axis.sizes().collect()).collect();
        prop_assert_eq!(&sizes, &first);
        check(run, &lazy, &a)?;
        check(run, &(lazy.rechunk(second).unwrap() + 1), &a.mapv(|a| a + 1))?;
        check(run, &(&x + 1).rechunk(first).unwrap(), &a.mapv(|a| a + 1))?;
    });
}

#[test]
fn arrays_one_behind_the_other_and_side_by_side() {
    proptest!(config(50), |(
        cut in any_cut(3, 5), store in any_store(), seed in 0u64..1 << 20, run in any_run(), n in 1usize..5
    )| {
        let mut bits = Bits::new(seed);
        let axis = bits.below(cut.ndim().max(1));
        let parts: Vec<(ArrayD<i64>, Array<i64>)> = (0..n)
            .map(|i| {
                let mut shape = cut.shape.clone();
                if !shape.is_empty() {
                    shape[axis] = bits.below(5);
                }
                Cut::new(&shape, seed + i as u64).arrays(store, seed + i as u64)
            })
            .collect();
        if cut.ndim() > 0 {
            let eager: Vec<_> = parts.iter().map(|(a, _)| a.view()).collect();
            let lazy: Vec<&Array<i64>> = parts.iter().map(|(_, x)| x).collect();
            let expected = ndarray::concatenate(Axis(axis), &eager).unwrap();
            let joined = concatenate(&lazy, axis as isize).unwrap();
            check(run, &joined, &expected)?;
            check(run, &joined.sum_axis(axis as isize).unwrap(), &expected.sum_axis(Axis(axis)))?;
        }
        let at = bits.below(cut.ndim() + 1);
        let others: Vec<(ArrayD<i64>, Array<i64>)> =
            (0..n).map(|i| Cut::new(&cut.shape, seed + i as u64).arrays(store, seed + i as u64)).collect();
        let eager: Vec<_> = others.iter().map(|(a, _)| a.view()).collect();
        let lazy: Vec<&Array<i64>> = others.iter().map(|(_, x)| x).collect();
        let expected = ndarray::stack(Axis(at), &eager).unwrap();
        check(run, &stack(&lazy, at as isize - cut.ndim() as isize - 1).unwrap(), &expected)?;
    });
}

#[test]
fn stretching_to_larger_shapes() {
    proptest!(config(40), |(cut in any_cut(3, 4), store in any_store(), seed in 0u64..1 << 20, run in any_run())| {
        let mut bits = Bits::new(seed);
        let narrow: Vec<usize> = cut.shape.iter().map(|&len| if bits.one_in(2) { 1 } else { len }).collect();
        let (a, x) = Cut::new(&narrow, seed).arrays::<i64>(store, seed);
        let mut shape = cut.shape.clone();
        (0..bits.below(3)).for_each(|_| shape.insert(0, bits.below(4)));
        let expected = stretched(&a, &shape);
        let lazy = x.broadcast_to(shape.clone()).unwrap();
        check(run, &lazy, &expected)?;
        check(run, &(&lazy * 2).sum(), &ndarray::arr0(expected.sum() * 2).into_dyn())?;
        let like = Array::<i64>::zeros(shape.clone(), chunks_of(&shape, seed)).unwrap();
        let lazy = x.broadcast_like(&like).unwrap();
        prop_assert_eq!(lazy.grid(), like.grid());
        check(run, &lazy, &expected)?;
    });
}

#[test]
fn an_axis_of_length_1_may_have_empty_blocks() -> Result<()> {
    let x = Array::from_ndarray(ndarray::arr2(&[[1], [2]]), vec![vec![2u64], vec![0, 1, 0]])?;
    assert_eq!(x.broadcast_to([2, 3])?.compute()?, ndarray::arr2(&[[1, 1, 1], [2, 2, 2]]).into_dyn());
    assert_eq!(x.squeeze().compute()?, ndarray::arr1(&[1, 2]).into_dyn());
    assert_eq!((&x + x.squeeze()).compute()?, ndarray::arr2(&[[2, 3], [3, 4]]).into_dyn());
    assert_eq!(x.slice(s![1, ..])?.broadcast_to([2])?.compute()?, ndarray::arr1(&[2, 2]).into_dyn());
    assert_eq!(x.expand_dims(0)?.permute_axes(&[2, 0, 1])?.reshape([2])?.compute()?, ndarray::arr1(&[1, 2]).into_dyn());
    Ok(())
}

#[test]
fn a_slice_of_joined_arrays_with_empty_blocks() -> Result<()> {
    let x = Array::from_ndarray(ndarray::arr1(&[1, 2]), vec![vec![1u64, 0, 1, 0]])?;
    let x: Array<i32> = x.map_blocks(|block| Ok(block.dense()?.to_owned().into()))?;
    let joined = concatenate(&[&x, &x, &x], 0)?;
    assert_eq!(joined.slice(s![1..])?.compute()?, ndarray::arr1(&[2, 1, 2, 1, 2]).into_dyn());
    assert_eq!(joined.roll(2, 0)?.compute()?, ndarray::arr1(&[1, 2, 1, 2, 1, 2]).into_dyn());
    Ok(())
}
