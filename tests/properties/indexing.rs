//! Parts of arrays: slices, integers, lists, masks, positions known only when run.

use hyperslab::prelude::*;
use ndarray::{Axis, SliceInfoElem};
use proptest::prelude::*;

use crate::support::eager::taken;
use crate::support::index::{Selection, advanced_items, any_list, any_mask, basic_items};
use crate::support::numbers::Bits;
use crate::support::runs::{any_run, check, config};
use crate::support::shapes::{Cut, any_cut, any_store};

#[test]
fn slices_integers_and_new_axes() {
    proptest!(config(80), |(
        cut in any_cut(4, 7), store in any_store(), seed in 0u64..1 << 20, run in any_run()
    )| {
        let (a, x) = cut.arrays::<i64>(store, seed);
        let items = basic_items(&cut.shape, &mut Bits::new(seed));
        let expected = Selection::new(&items, &cut.shape).of(&a);
        check(run, &x.index(&items).unwrap(), &expected)?;
        // A slice of a slice, and of an expression.
        let items = basic_items(expected.shape(), &mut Bits::new(seed + 1));
        let again = Selection::new(&items, expected.shape()).of(&expected);
        let first = basic_items(&cut.shape, &mut Bits::new(seed));
        let lazy = (&x * 2 + 1).index(&first).unwrap().index(&items).unwrap();
        check(run, &lazy, &again.mapv(|a| a * 2 + 1))?;
    });
}

#[test]
fn lists_and_masks() {
    proptest!(config(80), |(
        cut in any_cut(4, 6), store in any_store(), seed in 0u64..1 << 20, run in any_run()
    )| {
        let (a, x) = cut.arrays::<i64>(store, seed);
        let items = advanced_items(&cut.shape, 3, &mut Bits::new(seed));
        let expected = Selection::new(&items, &cut.shape).of(&a);
        let found = x.index(&items);
        prop_assert!(found.is_ok(), "{:?} of {}: {}", items, x, found.unwrap_err());
        check(run, &found.unwrap(), &expected)?;
    });
}

#[test]
fn one_list_along_an_axis() {
    proptest!(config(40), |(
        cut in any_cut(3, 8), store in any_store(), seed in 0u64..1 << 20, run in any_run()
    )| {
        let mut bits = Bits::new(seed);
        let Some(axis) = (0..cut.ndim()).find(|&axis| cut.shape[axis] > 0) else { return Ok(()) };
        let (a, x) = cut.arrays::<i64>(store, seed);
        let n = bits.below(12);
        let list = any_list(cut.shape[axis], n, &mut bits);
        let positions: Vec<usize> = list.iter().map(|at| at.rem_euclid(cut.shape[axis] as i64) as usize).collect();
        let expected = taken(&a, axis, &positions);
        check(run, &x.take(&list, axis as isize).unwrap(), &expected)?;
        check(run, &x.index_axis(axis as isize, -1).unwrap(), &a.index_axis(Axis(axis), cut.shape[axis] - 1).to_owned())?;
        // The same positions as a lazy array.
        let lazy = Array::from_vec(list.clone(), Chunks::size(1 + bits.next() % 4)).unwrap();
        let mut items = vec![Index::from(..); axis];
        items.push(Index::from(&lazy));
        check(run, &x.index(&items).unwrap(), &expected)?;
    });
}

#[test]
fn lazy_masks_of_any_rank() {
    proptest!(config(60), |(
        cut in any_cut(4, 5), stores in (any_store(), any_store()), seed in 0u64..1 << 20, run in any_run()
    )| {
        if cut.ndim() == 0 {
            return Ok(());
        }
        let mut bits = Bits::new(seed);
        let (a, x) = cut.arrays::<i64>(stores.0, seed);
        let axis = bits.below(cut.ndim());
        let ndim = 1 + bits.below(cut.ndim() - axis);
        let mask_cut = Cut::new(&cut.shape[axis..axis + ndim], seed);
        let mask = any_mask(&mask_cut.shape, &mut bits);
        let lazy_mask = mask_cut.lazy(&mask, stores.1);
        let mut items = vec![Index::from(..); axis];
        items.push(Index::Mask(mask.clone()));
        let expected = Selection::new(&items, &cut.shape).of(&a);
        let found = x.mask_axis(&lazy_mask, axis as isize).unwrap();
        check(run, &found, &expected)?;
        check(run, &found.compute_chunk_sizes().unwrap(), &expected)?;
        check(run, &found.sum(), &ndarray::arr0(expected.sum()).into_dyn())?;
        check(run, &(&found * &found).sum_axis(0).unwrap(), &(&expected * &expected).sum_axis(Axis(0)))?;
        // Beside slices and integers.
        if axis > 0 {
            let len = cut.shape[0];
            items[0] = if len > 0 && bits.one_in(2) { Index::At(len as i64 - 1) } else { Index::from(1..) };
            let expected = Selection::new(&items, &cut.shape).of(&a);
            items.pop();
            items.push(Index::from(&lazy_mask));
            check(run, &x.index(&items).unwrap(), &expected)?;
        }
    });
}

#[test]
fn slices_with_the_meaning_of_ndarray() {
    proptest!(config(40), |(
        cut in any_cut(3, 7), store in any_store(), seed in 0u64..1 << 20, run in any_run()
    )| {
        let mut bits = Bits::new(seed);
        let (a, x) = cut.arrays::<i64>(store, seed);
        let elems: Vec<SliceInfoElem> = cut
            .shape
            .iter()
            .map(|&len| {
                let start = bits.below(len + 1) as isize;
                let end = start + bits.below(len + 1 - start as usize) as isize;
                let step = [1, 1, 2, -1, -2, 3][bits.below(6)];
                match bits.below(4) {
                    0 if len > 0 => SliceInfoElem::Index(bits.below(len) as isize),
                    1 => SliceInfoElem::Slice { start: start - len as isize, end: None, step }.when(start < len as isize),
                    _ => SliceInfoElem::Slice { start, end: Some(end), step },
                }
            })
            .collect();
        check(run, &x.slice(&elems).unwrap(), &a.slice(elems.as_slice()).to_owned())?;
    });
}

trait When {
    fn when(self, holds: bool) -> Self;
}

impl When for SliceInfoElem {
    /// The item, or the whole axis.
    fn when(self, holds: bool) -> Self {
        if holds { self } else { SliceInfoElem::Slice { start: 0, end: None, step: 1 } }
    }
}

#[test]
fn a_lazy_mask_beside_an_integer_and_a_slice_comes_first() -> Result<()> {
    let x = Array::<i64>::arange(0, 24, 1, Chunks::size(5))?.reshape([2, 3, 4])?;
    let mask = [true, false, true, true];
    let lazy = Array::from_vec(mask.to_vec(), Chunks::size(2))?;
    let expected = x.index(&idx![1, .., mask])?.compute()?;
    assert_eq!(expected.shape(), [3, 3]);
    assert_eq!(x.index(&idx![1, .., &lazy])?.compute()?, expected);
    let positions = Array::from_vec(vec![0i64, 2, 3], Chunks::size(2))?;
    assert_eq!(x.index(&idx![1, .., &positions])?.compute()?, expected);
    Ok(())
}
