//! Bringing several arrays of one shape to the same positions, so that any elementwise program can run over them.
//!
//! ```text
//! a (fill 0)   positions 1 4   values 5 6        union 1 3 4
//! b (fill 9)   positions 3 4   values 7 8        a     5 0 6     program on (a[i], b[i]),
//!                                                b     9 7 8     and once on the fills (0, 9)
//! ```
//!
//! [`union`] merges the positions once, [`Stretch`](super::broadcast::Stretch) brings the values of one array, of any element
//! type, to them, and [`from_aligned`] makes the result. Arrays that share their positions are passed through without a copy.

use std::hint::select_unpredictable;
use std::ops::Range;
use std::sync::Arc;

use super::coo::Coo;
use super::keys::{Key, Keys, Width, with_width};
use super::parallel::{join_pieces, map_parts, parts};
use crate::element::Element;

/// Entries that are merged between two checks of what is left, and put out together.
const TILE: usize = 256;

/// The union of the positions of arrays of one shape; of no arrays: none.
pub(crate) fn union(operands: &[&Keys]) -> Keys {
    let Some((&first, others)) = operands.split_first() else { return Keys::empty(Width::U32) };
    let mut distinct: Vec<&Keys> = vec![first];
    for &other in others {
        if !distinct.iter().any(|seen| seen.is_shared_with(other)) {
            distinct.push(other);
        }
    }
    if distinct.len() == 1 {
        return first.clone();
    }
    // The smallest first: every merge costs as much as what was merged so far.
    distinct.sort_by_key(|keys| keys.len());
    with_width!(first.width(), K => {
        let mut merged = merge_keys(&K::view(distinct[0]), &K::view(distinct[1]));
        for keys in &distinct[2..] {
            merged = merge_keys(&merged, &K::view(keys));
        }
        // Handing back the allocation of an operand saves copying its values.
        match distinct.iter().find(|keys| keys.len() == merged.len()) {
            Some(&keys) => keys.clone(),
            None => K::wrap(merged),
        }
    })
}

/// The array with `values` at `positions`, without those that equal the fill.
pub(crate) fn from_aligned<T: Element>(shape: Arc<[u64]>, positions: Keys, values: Vec<T>, fill: T) -> Coo<T> {
    Coo::from_parts(shape, positions, Arc::new(values), fill).prune()
}

fn merge_keys<K: Key>(a: &[K], b: &[K]) -> Vec<K> {
    let mut merged = Vec::with_capacity(a.len().max(b.len()));
    let (mut a, mut b) = (a, b);
    while !a.is_empty() && !b.is_empty() {
        let mut tile = [K::zero(); TILE];
        let n_steps = TILE.min(a.len()).min(b.len());
        let (mut i, mut j) = (0, 0);
        for slot in &mut tile[..n_steps] {
            let (key_a, key_b) = (a[i], b[j]);
            *slot = key_a.min(key_b);
            i += usize::from(key_a <= key_b);
            j += usize::from(key_b <= key_a);
        }
        merged.extend_from_slice(&tile[..n_steps]);
        (a, b) = (&a[i..], &b[j..]);
    }
    merged.extend_from_slice(a);
    merged.extend_from_slice(b);
    merged
}

/// One side of a merge: entries in order, and the value of everything else.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a, K, T> {
    pub(crate) keys: &'a [K],
    pub(crate) values: &'a [T],
    pub(crate) fill: T,
}

impl<K: Key, T: Element> Side<'_, K, T> {
    fn part(self, range: Range<usize>) -> Self {
        Self { keys: &self.keys[range.clone()], values: &self.values[range], fill: self.fill }
    }

    fn skip(&mut self, n: usize) {
        self.keys = &self.keys[n..];
        self.values = &self.values[n..];
    }
}

/// `f` at the union of positions, without the results that equal `f` of the fills.
pub(crate) fn merge_with<K: Key, T: Element, U: Element, V: Element>(
    a: Side<'_, K, T>,
    b: Side<'_, K, U>,
    f: impl Fn(T, U) -> V + Sync,
) -> (Vec<K>, Vec<V>) {
    // The entries of `b` that belong to those of `a` from number `i` on.
    let from = |i: usize| a.keys.get(i).map_or(b.keys.len(), |key| b.keys.partition_point(|other| other < key));
    let ranges = parts(a.keys.len(), |i| if i == 0 { 0 } else { i + from(i) });
    join_pieces(map_parts(ranges, |range| {
        let first = if range.start == 0 { 0 } else { from(range.start) };
        merge_run(a.part(range.clone()), b.part(first..from(range.end)), &f)
    }))
}

fn merge_run<K: Key, T: Element, U: Element, V: Element>(
    mut a: Side<'_, K, T>,
    mut b: Side<'_, K, U>,
    f: impl Fn(T, U) -> V,
) -> (Vec<K>, Vec<V>) {
    let fill = f(a.fill, b.fill);
    let mut out = Pruned::new(fill);
    while !a.keys.is_empty() && !b.keys.is_empty() {
        let n_steps = TILE.min(a.keys.len()).min(b.keys.len());
        let (mut i, mut j) = (0, 0);
        let (a_keys, a_values) = (&a.keys[..n_steps], &a.values[..n_steps]);
        let (b_keys, b_values) = (&b.keys[..n_steps], &b.values[..n_steps]);
        out.put_tile(n_steps, |_| {
            let (key_a, key_b) = (a_keys[i], b_keys[j]);
            let (is_a, is_b) = (key_a <= key_b, key_b <= key_a);
            // Addresses are selected, not values: there is a conditional move for addresses only, and a branch would be
            // mispredicted every other time.
            let value_a = *select_unpredictable(is_a, &a_values[i], &a.fill);
            let value_b = *select_unpredictable(is_b, &b_values[j], &b.fill);
            i += usize::from(is_a);
            j += usize::from(is_b);
            (key_a.min(key_b), f(value_a, value_b))
        });
        a.skip(i);
        b.skip(j);
    }
    out.put_run(a.keys, |i| f(a.values[i], b.fill));
    out.put_run(b.keys, |j| f(a.fill, b.values[j]));
    out.finish()
}

/// A fill value to compare with: asks once whether it is NaN, so that all other comparisons are of bits.
#[derive(Clone, Copy)]
pub(crate) struct Fill<T> {
    value: T,
    is_nan: bool,
}

impl<T: Element> Fill<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value, is_nan: value.is_nan() }
    }

    /// Whether `value` is the fill, as [`Element::is_same`] tells.
    #[inline(always)]
    pub(crate) fn is(self, value: T) -> bool {
        if self.is_nan { value.is_same(self.value) } else { value.same_bits(self.value) }
    }
}

/// Collects entries and leaves out those that equal the fill, without branching on any of them.
pub(crate) struct Pruned<K, T> {
    keys: Vec<K>,
    values: Vec<T>,
    fill: Fill<T>,
}

impl<K: Key, T: Element> Pruned<K, T> {
    pub(crate) fn new(fill: T) -> Self {
        Self { keys: Vec::new(), values: Vec::new(), fill: Fill::new(fill) }
    }

    /// Makes room for the entries that may come, where memory suffices; what is not used is given back by `finish`.
    pub(crate) fn with_room_for(fill: T, n_entries: u128) -> Self {
        let mut pruned = Self::new(fill);
        let n = usize::try_from(n_entries).unwrap_or(usize::MAX);
        // Room is a matter of speed alone: without it, the vectors grow as they fill.
        let _ = pruned.keys.try_reserve_exact(n).and_then(|()| pruned.values.try_reserve_exact(n));
        pruned
    }

    /// The entries.
    pub(crate) fn finish(mut self) -> (Vec<K>, Vec<T>) {
        if self.keys.len() < self.keys.capacity() / 2 {
            self.keys.shrink_to_fit();
            self.values.shrink_to_fit();
        }
        (self.keys, self.values)
    }

    /// Puts one entry.
    #[inline(always)]
    pub(crate) fn put(&mut self, key: K, value: T) {
        if !self.fill.is(value) {
            self.keys.push(key);
            self.values.push(value);
        }
    }

    /// Puts `n`, at most one tile of entries.
    #[inline(always)]
    pub(crate) fn put_tile(&mut self, n: usize, mut entry: impl FnMut(usize) -> (K, T)) {
        let mut keys = [K::zero(); TILE];
        let mut values = [self.fill.value; TILE];
        let mut n_kept = 0;
        for i in 0..n.min(TILE) {
            let (key, value) = entry(i);
            keys[n_kept] = key;
            values[n_kept] = value;
            n_kept += usize::from(!self.fill.is(value));
        }
        self.keys.extend_from_slice(&keys[..n_kept]);
        self.values.extend_from_slice(&values[..n_kept]);
    }

    /// Puts an entry for every key, with the value that its index gives.
    pub(crate) fn put_run(&mut self, keys: &[K], value: impl Fn(usize) -> T) {
        for (tile, run) in keys.chunks(TILE).enumerate() {
            self.put_tile(run.len(), |i| (run[i], value(tile * TILE + i)));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn coo(entries: &[(u64, i64)], fill: i64) -> Coo<i64> {
        let (keys, values): (Vec<u64>, Vec<i64>) = entries.iter().copied().unzip();
        Coo::from_coords_with_fill(&[keys], values, [1000], fill).unwrap()
    }

    #[test]
    fn positions_come_together() {
        let (a, b) = (coo(&[(1, 5), (4, 6)], 0), coo(&[(3, 7), (4, 8)], 9));
        let positions = union(&[a.keys(), b.keys()]);
        assert_eq!(positions, u32::wrap(vec![1, 3, 4]));
        let sum = from_aligned(a.shared_shape(), positions, vec![14, 9, 14], 9);
        assert_eq!(sum, coo(&[(1, 14), (4, 14)], 9));
    }

    #[test]
    fn shared_positions_are_not_copied() {
        let a = coo(&[(1, 5), (4, 6)], 0);
        let b = coo(&[(4, 6)], 0);
        let positions = union(&[a.keys(), b.keys(), a.keys()]);
        assert!(positions.is_shared_with(a.keys()));
        assert_eq!(union(&[]).len(), 0);
    }

    proptest! {
        #[test]
        fn union_is_the_sorted_set(sets in prop::collection::vec(prop::collection::btree_set(0u64..1000, 0..700), 1..5)) {
            let operands: Vec<Coo<i64>> =
                sets.iter().map(|set| coo(&set.iter().map(|&k| (k, k as i64 + 1)).collect::<Vec<_>>(), 0)).collect();
            let positions = union(&operands.iter().map(Coo::keys).collect::<Vec<_>>());
            let expected: std::collections::BTreeSet<u64> = sets.iter().flatten().copied().collect();
            prop_assert_eq!(u64::view(&positions).to_vec(), expected.iter().copied().collect::<Vec<_>>());
        }
    }
}
