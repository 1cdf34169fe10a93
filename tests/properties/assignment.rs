//! Replacing elements: what is selected changes, every other array keeps what it had.

use hyperslab::prelude::*;
use ndarray::{ArrayD, Axis};
use proptest::prelude::*;

use crate::support::index::{Selection, advanced_items, any_mask, basic_items};
use crate::support::numbers::{Bits, random};
use crate::support::runs::{any_run, check, config};
use crate::support::shapes::{Cut, any_cut, any_store};

/// A shape that broadcasts to another one.
fn smaller(shape: &[usize], bits: &mut Bits) -> Vec<usize> {
    let dropped = if bits.one_in(2) { bits.below(shape.len() + 1) } else { 0 };
    shape[dropped..].iter().map(|&len| if bits.one_in(4) { 1 } else { len }).collect()
}

#[test]
fn slices_take_values_and_arrays() {
    proptest!(config(80), |(
        cut in any_cut(4, 6), stores in (any_store(), any_store()), seed in 0u64..1 << 20, run in any_run()
    )| {
        let mut bits = Bits::new(seed);
        let (a, x) = cut.arrays::<i64>(stores.0, seed);
        let items = basic_items(&cut.shape, &mut bits);
        let selection = Selection::new(&items, &cut.shape);
        let value_cut = Cut::new(&smaller(&selection.shape(), &mut bits), seed);
        let (b, y) = value_cut.arrays::<i64>(stores.1, seed + 1);
        let (mut by_array, mut by_value) = (x.clone(), x.clone());
        let derived = &x + 1;
        by_array.assign_index(&items, &y).unwrap();
        by_value.assign_index(&items, 77).unwrap();
        check(run, &by_array, &selection.assigned(&a, &b))?;
        check(run, &by_value, &selection.assigned(&a, &ndarray::arr0(77).into_dyn()))?;
        check(run, &x, &a)?;
        check(run, &derived, &a.mapv(|a| a + 1))?;
        // Both the old and the new array in one run.
        check(run, &(&by_array - &x), &(selection.assigned(&a, &b) - &a))?;
    });
}

#[test]
fn lists_and_masks_take_values_and_arrays() {
    proptest!(config(80), |(
        cut in any_cut(3, 6), stores in (any_store(), any_store()), seed in 0u64..1 << 20, run in any_run()
    )| {
        let mut bits = Bits::new(seed);
        let (a, x) = cut.arrays::<i64>(stores.0, seed);
        let items = advanced_items(&cut.shape, 1, &mut bits);
        let masked = items.iter().any(|item| matches!(item, Index::Mask(mask) if mask.ndim() > 1));
        let alone = items.iter().all(|item| matches!(item, Index::Mask(_) | Index::Ellipsis)) && items.len() == 1;
        // A mask of several axes stands for several lists, which are assigned to on the leading axes only, and alone.
        if masked && !alone {
            return Ok(());
        }
        let selection = Selection::new(&items, &cut.shape);
        let value_cut = Cut::new(&smaller(&selection.shape(), &mut bits), seed);
        let (b, y) = value_cut.arrays::<i64>(stores.1, seed + 1);
        let mut assigned = x.clone();
        let result = assigned.assign_index(&items, &y);
        prop_assert!(result.is_ok(), "{:?} of {}: {}", items, x, result.unwrap_err());
        check(run, &assigned, &selection.assigned(&a, &b))?;
        check(run, &x, &a)?;
    });
}

#[test]
fn lazy_masks_take_values_rows_and_their_own_selection() {
    proptest!(config(60), |(
        cut in any_cut(3, 6), stores in (any_store(), any_store()), seed in 0u64..1 << 20, run in any_run()
    )| {
        if cut.ndim() == 0 {
            return Ok(());
        }
        let mut bits = Bits::new(seed);
        let (a, x) = cut.arrays::<i64>(stores.0, seed);
        let ndim = 1 + bits.below(cut.ndim());
        let mask_cut = Cut::new(&cut.shape[..ndim], seed);
        let mask = any_mask(&mask_cut.shape, &mut bits);
        let lazy_mask = mask_cut.lazy(&mask, stores.1);
        let selection = Selection::new(&[Index::Mask(mask)], &cut.shape);
        let mut y = x.clone();
        y.assign_mask(&lazy_mask, -5).unwrap();
        check(run, &y, &selection.assigned(&a, &ndarray::arr0(-5).into_dyn()))?;
        let row = Cut::new(&smaller(&cut.shape[ndim..], &mut bits), seed + 1);
        let (b, row) = row.arrays::<i64>(stores.1, seed + 2);
        let mut y = x.clone();
        y.assign_mask(&lazy_mask, &row).unwrap();
        check(run, &y, &selection.assigned(&a, &b))?;
        let own = x.mask(&lazy_mask).unwrap() * 10;
        let mut y = x.clone();
        y.assign_mask(&lazy_mask, &own).unwrap();
        check(run, &y, &selection.assigned(&a, &selection.of(&a).mapv(|a| a * 10)))?;
        check(run, &x, &a)?;
    });
}

#[test]
fn assignments_one_after_the_other() {
    proptest!(config(40), |(
        cut in any_cut(3, 6), store in any_store(), seed in 0u64..1 << 20, run in any_run(), n in 2usize..6
    )| {
        let mut bits = Bits::new(seed);
        let (mut a, mut x) = cut.arrays::<f64>(store, seed);
        let mut versions: Vec<(ArrayD<f64>, Array<f64>)> = Vec::new();
        for step in 0..n {
            versions.push((a.clone(), x.clone()));
            let items = basic_items(&cut.shape, &mut bits);
            let selection = Selection::new(&items, &cut.shape);
            if bits.one_in(2) {
                x.assign_index(&items, step as f64).unwrap();
                a = selection.assigned(&a, &ndarray::arr0(step as f64).into_dyn());
            } else {
                // From an older version of itself.
                let (old, lazy) = &versions[bits.below(versions.len())];
                let part = lazy.index(&items).unwrap() * 2.0;
                x.assign_index(&items, &part).unwrap();
                a = selection.assigned(&a, &selection.of(old).mapv(|a| a * 2.0));
            }
        }
        check(run, &x, &a)?;
        for (a, x) in &versions {
            check(run, x, a)?;
        }
    });
}

#[test]
fn several_lists_on_the_leading_axes() {
    proptest!(config(30), |(cut in any_cut(3, 6), store in any_store(), seed in 0u64..1 << 20, run in any_run())| {
        if cut.ndim() < 2 || cut.n_elems() == 0 {
            return Ok(());
        }
        let mut bits = Bits::new(seed);
        let (a, x) = cut.arrays::<i64>(store, seed);
        let n = bits.below(6);
        let lists = cut.shape[..2].iter().map(|&len| Index::List(crate::support::index::any_list(len, n, &mut bits)));
        let items: Vec<Index> = lists.collect();
        let selection = Selection::new(&items, &cut.shape);
        let b = random::<i64>(&selection.shape(), seed + 3);
        let y = Array::from_view(&b, Chunks::size(2)).unwrap();
        let mut assigned = x.clone();
        assigned.assign_index(&items, &y).unwrap();
        check(run, &assigned, &selection.assigned(&a, &b))?;
    });
}

#[test]
fn a_list_beside_an_integer_and_a_slice_takes_its_values_along_the_first_axis() {
    let mut x = Array::<i64>::zeros([2, 2, 3], Chunks::size(2)).unwrap();
    let values = Array::from_ndarray(ndarray::arr2(&[[1, 2], [3, 4], [5, 6]]), Chunks::auto()).unwrap();
    x.assign_index(&idx![1, .., [2, 0, 1]], &values).unwrap();
    let second = x.index_axis(0, 1).unwrap().compute().unwrap();
    assert_eq!(second, ndarray::arr2(&[[3, 5, 1], [4, 6, 2]]).into_dyn());
}

#[test]
fn values_are_cast_to_the_type_of_the_array() {
    let mut x = Array::<i32>::zeros([3], Chunks::size(2)).unwrap().into_dyn();
    let halves = Array::from_vec(vec![1.9, -1.9], Chunks::size(1)).unwrap().into_dyn();
    x = x.assigned(&idx![1..], &halves).unwrap();
    assert_eq!(x.try_typed::<i32>().unwrap().compute().unwrap(), ndarray::arr1(&[0, 1, -1]).into_dyn());
    let nan = Array::from_scalar(f64::NAN).into_dyn();
    let error = x.assigned(&idx![0], &nan).unwrap_err();
    assert!(error.is_dtype(), "{error}");
}

#[test]
fn a_failed_assignment_changes_nothing() {
    let mut x = Array::<i64>::arange(0, 6, 1, Chunks::size(4)).unwrap().reshape([2, 3]).unwrap();
    let before = x.compute().unwrap();
    let wrong = Array::from_vec(vec![1, 2], Chunks::auto()).unwrap();
    let error = x.assign(s![.., ..], &wrong).unwrap_err();
    assert!(error.is_shape() && error.to_string().contains("(2)") && error.to_string().contains("(2, 3)"), "{error}");
    assert!(x.assign(s![5, ..], 1).unwrap_err().is_index());
    assert_eq!(x.compute().unwrap(), before);
    x.assign_index(&idx![[true, false], 1..1], 9).unwrap();
    assert_eq!(x.compute().unwrap(), before);
    assert_eq!(before.sum_axis(Axis(0)).sum(), 15);
}
