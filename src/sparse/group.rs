//! Grouping entries by their position on some axes: what every reduction of a sparse array does first.
//!
//! Reducing axis 0 of a (3, 4) array leaves 4 *groups* of 3 elements, one per column. Entries of a group are stored or
//! *implicit*; the number of implicit ones is exact, so a reduction can count the fill in as often as it occurs:
//!
//! ```text
//!  . 5 3 .      group 0: stored -2       implicit 2
//! -2 . . .      group 1: stored 5        implicit 2
//!  . . . 7      group 2: stored 3   …
//! ```
//!
//! [`fold`] reduces every group to one value; [`Segments`] hands out the groups themselves, for reductions that a fold
//! does not express. The position of a group follows from an entry's key by a linear map; coordinates are never made.

use std::borrow::Cow;
use std::sync::Arc;

use super::align::Pruned;
use super::coo::Coo;
use super::keys::{Divisor, Key, Keys, Width, n_elems, pack, with_keys, with_width};
use super::manipulate::permuted;
use super::remap::{Remap, c_strides};
use super::sort::sort_entries;
use crate::chunks::select::normalize_axes;
use crate::element::Element;
use crate::error::Result;

/// Up to this many groups are folded in a table whatever the number of entries.
const TABLE_MIN_GROUPS: u128 = 1 << 14;

/// How a shape falls into groups.
#[derive(Clone, Debug)]
pub(crate) struct Groups {
    /// The axes that remain.
    pub(crate) kept_shape: Arc<[u64]>,
    /// The number of groups.
    pub(crate) n_groups: u128,
    /// The number of elements of every group.
    pub(crate) group_len: u128,
    shape: Vec<u64>,
    /// The stride of each axis in the result: 0 for reduced ones.
    kept_strides: Vec<u128>,
    /// The kept axes, then the reduced ones.
    order: Vec<usize>,
    /// Whether all kept axes stand before all reduced ones, so that groups are runs of entries.
    is_ordered: bool,
}

impl Groups {
    /// The groups that reducing `axes` leaves; negative axes count from the end.
    pub(crate) fn new(op: &'static str, shape: &[u64], axes: &[isize]) -> Result<Groups> {
        let reduced = normalize_axes(op, axes, shape.len())?;
        let is_reduced = |axis: &usize| reduced.contains(axis);
        let (kept_axes, reduced_axes): (Vec<usize>, Vec<usize>) = (0..shape.len()).partition(|axis| !is_reduced(axis));
        let lens = |axes: &[usize]| axes.iter().map(|&axis| shape[axis]).collect::<Vec<u64>>();
        let (kept, inner) = (lens(&kept_axes), lens(&reduced_axes));
        let mut kept_strides = vec![0; shape.len()];
        kept_axes.iter().zip(c_strides(&kept)).for_each(|(&axis, stride)| kept_strides[axis] = stride);
        let is_long = |axis: &&usize| shape[**axis] != 1;
        let (last_kept, first_reduced) = (kept_axes.iter().rfind(is_long), reduced_axes.iter().find(is_long));
        Ok(Groups {
            n_groups: n_elems(op, &kept)?,
            group_len: n_elems(op, &inner)?,
            kept_shape: kept.into(),
            shape: shape.to_vec(),
            kept_strides,
            is_ordered: last_kept.is_none() || first_reduced.is_none() || last_kept < first_reduced,
            order: kept_axes.into_iter().chain(reduced_axes).collect(),
        })
    }

    fn kept_map<K: Key>(&self) -> Remap<K> {
        Remap::new(&self.shape, &self.kept_strides)
    }

    /// An array over the kept axes. One without axes is its value: that becomes the fill, and there are no entries.
    fn finish<K: Key, R: Element>(&self, keys: Vec<K>, values: Vec<R>, fill: R) -> Coo<R> {
        if self.kept_shape.is_empty() {
            let fill = values.first().copied().unwrap_or(fill);
            return Coo::from_parts(self.kept_shape.clone(), Keys::empty(Width::U32), Arc::default(), fill);
        }
        Coo::from_sorted(self.kept_shape.clone(), keys, values, fill, self.n_groups)
    }
}

/// A reduction as three functions.
///
/// `step` takes a stored entry in; `finish` takes the number of implicit entries in, each of which is the fill, and
/// makes the result. A group without stored entries goes from `init` to `finish`; `merge` joins two parts of a group.
pub(crate) struct Fold<A, S, M, F> {
    pub(crate) init: A,
    pub(crate) step: S,
    pub(crate) merge: M,
    pub(crate) finish: F,
}

impl<A: Copy, S, M: Fn(A, A) -> A, F> Fold<A, S, M, F> {
    /// The state after many entries of one group, taken in halves of halves, which keeps rounding errors small.
    fn halves<T: Copy>(&self, values: &[T]) -> A
    where
        S: Fn(A, T) -> A,
    {
        const RUN: usize = 128;
        if values.len() <= RUN {
            return values.iter().fold(self.init, |state, &value| (self.step)(state, value));
        }
        let (left, right) = values.split_at((values.len() / 2).next_multiple_of(RUN));
        (self.merge)(self.halves(left), self.halves(right))
    }
}

/// Reduces all elements to one value.
pub(crate) fn fold_all<T, A, R, S, M, F>(coo: &Coo<T>, fold: &Fold<A, S, M, F>) -> R
where
    T: Element,
    A: Copy,
    S: Fn(A, T) -> A,
    M: Fn(A, A) -> A,
    F: Fn(A, u128) -> R,
{
    (fold.finish)(fold.halves(coo.values()), coo.size() - coo.nnz() as u128)
}

/// Reduces every group to one value.
///
/// Entries are taken in C order within each group, whatever way is taken through them.
pub(crate) fn fold<T, A, R, S, M, F>(coo: &Coo<T>, groups: &Groups, fold: &Fold<A, S, M, F>) -> Coo<R>
where
    T: Element,
    A: Copy,
    R: Element,
    S: Fn(A, T) -> A,
    M: Fn(A, A) -> A,
    F: Fn(A, u128) -> R,
{
    let fill = (fold.finish)(fold.init, groups.group_len);
    if groups.n_groups == 1 && coo.nnz() > 0 {
        return groups.finish(vec![0u32], vec![fold_all(coo, fold)], fill).prune();
    }
    with_width!(coo.keys().width(), K => {
        let keys = K::view(coo.keys());
        let out = Pruned::<K, R>::with_room_for(fill, groups.n_groups.min(coo.nnz() as u128));
        let mut runs = Runs { fold, group_len: groups.group_len, open: None, out };
        if groups.is_ordered {
            groups.kept_map::<K>().for_each_tile(&keys, |first, tile| runs.take(tile, &coo.values()[first..]));
        } else if groups.n_groups <= TABLE_MIN_GROUPS.max(coo.nnz() as u128) {
            for (group, state, n) in fold_in_table(coo.values(), &keys, groups, fold) {
                runs.put(group, state, n);
            }
        } else {
            let mut kept = groups.kept_map::<K>().apply(&keys);
            let mut values = coo.values().to_vec();
            sort_entries(&mut kept, &mut values, groups.n_groups - 1);
            runs.take(&kept, &values);
        }
        let (keys, values) = runs.close();
        groups.finish(keys, values, fill)
    })
}

/// Folds entries that come group by group, and collects the results.
struct Runs<'a, K, A, R, S, M, F> {
    fold: &'a Fold<A, S, M, F>,
    group_len: u128,
    /// The group that may go on: its position, state and number of entries.
    open: Option<(K, A, usize)>,
    out: Pruned<K, R>,
}

impl<K: Key, A: Copy, R: Element, S, M, F: Fn(A, u128) -> R> Runs<'_, K, A, R, S, M, F> {
    fn take<T: Copy>(&mut self, groups: &[K], values: &[T])
    where
        S: Fn(A, T) -> A,
    {
        for (&group, &value) in groups.iter().zip(values) {
            match &mut self.open {
                Some((open, state, n)) if *open == group => (*state, *n) = ((self.fold.step)(*state, value), *n + 1),
                _ => {
                    let begun = (group, (self.fold.step)(self.fold.init, value), 1);
                    if let Some((group, state, n)) = self.open.replace(begun) {
                        self.put(group, state, n);
                    }
                }
            }
        }
    }

    /// Finishes a group.
    fn put(&mut self, group: K, state: A, n_stored: usize) {
        self.out.put(group, (self.fold.finish)(state, self.group_len - n_stored as u128));
    }

    fn close(mut self) -> (Vec<K>, Vec<R>) {
        if let Some((group, state, n)) = self.open.take() {
            self.put(group, state, n);
        }
        self.out.finish()
    }
}

/// Folds entries that come in any order of groups, few of them.
fn fold_in_table<K: Key, T: Copy, A: Copy, S: Fn(A, T) -> A, M, F>(
    values: &[T],
    keys: &[K],
    groups: &Groups,
    fold: &Fold<A, S, M, F>,
) -> impl Iterator<Item = (K, A, usize)> {
    let mut table = vec![(fold.init, 0usize); groups.n_groups as usize];
    groups.kept_map::<K>().for_each_tile(keys, |first, tile| {
        for (group, &value) in tile.iter().zip(&values[first..]) {
            let (state, n) = &mut table[group.to_usize_lossy()];
            *state = (fold.step)(*state, value);
            *n += 1;
        }
    });
    let stored = table.into_iter().enumerate().filter(|(_, (_, n))| *n > 0);
    stored.map(|(group, (state, n))| (K::from_usize_lossy(group), state, n))
}

/// The entries of an array, group by group.
///
/// Group `i` has position `keys[i]` on the kept axes and the entries `borders[i]..borders[i + 1]`, in C order. Groups
/// without entries do not appear.
#[derive(Debug)]
pub(crate) struct Segments<T> {
    pub(crate) groups: Groups,
    /// Positions on the kept axes, ascending.
    pub(crate) keys: Keys,
    /// One more than there are keys.
    pub(crate) borders: Vec<usize>,
    pub(crate) values: Arc<Vec<T>>,
    /// The C-order position of each entry inside of its group, ascending in every group.
    pub(crate) inner: Keys,
}

impl<T: Element> Segments<T> {
    /// Orders entries by group.
    ///
    /// # Complexity
    /// Values are shared with `coo` where all kept axes stand before the reduced ones, else sorted by group.
    pub(crate) fn new(coo: &Coo<T>, groups: Groups) -> Segments<T> {
        with_width!(coo.keys().width(), K => {
            let (keys, values) = permuted::<K, T>(coo, &groups.order);
            let values = match values {
                Cow::Borrowed(_) => coo.shared_values().clone(),
                Cow::Owned(values) => Arc::new(values),
            };
            let by_group = Divisor::<K>::new(groups.group_len);
            let (kept, inner): (Vec<K>, Vec<K>) = keys.iter().map(|&key| by_group.div_rem(key)).unzip();
            let mut borders = Vec::new();
            borders.extend((0..kept.len()).filter(|&i| i == 0 || kept[i] != kept[i - 1]));
            let firsts: Vec<K> = borders.iter().map(|&first| kept[first]).collect();
            borders.push(kept.len());
            let (kept_width, inner_width) = (Width::of(groups.n_groups), Width::of(groups.group_len));
            Segments { groups, keys: pack(firsts, kept_width), borders, values, inner: pack(inner, inner_width) }
        })
    }

    /// The number of groups that have entries.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The values of the entries of group `i`.
    pub(crate) fn values_of(&self, i: usize) -> &[T] {
        &self.values[self.borders[i]..self.borders[i + 1]]
    }

    /// How many elements of group `i` are not stored.
    pub(crate) fn n_implicit(&self, i: usize) -> u128 {
        self.groups.group_len - (self.borders[i + 1] - self.borders[i]) as u128
    }

    /// The first position inside of group `i` that has no entry; its length if there is none.
    pub(crate) fn first_gap(&self, i: usize) -> u64 {
        let (first, end) = (self.borders[i], self.borders[i + 1]);
        with_keys!(&self.inner, inner => {
            let inner = &inner[first..end];
            // Entry `at` stands at or after position `at`; where it stands after, a gap lies before it.
            let (mut low, mut high) = (0, inner.len());
            while low < high {
                let middle = low.midpoint(high);
                if inner[middle].widen() == middle as u128 { low = middle + 1 } else { high = middle }
            }
            low as u64
        })
    }

    /// The array of one value per group with entries; every other group has `fill`.
    pub(crate) fn finish<R: Element>(&self, values: Vec<R>, fill: R) -> Coo<R> {
        with_width!(self.keys.width(), K => self.groups.finish(K::view(&self.keys).into_owned(), values, fill).prune())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Coo<i64> {
        Coo::new(&[[0, 0, 1, 2], [1, 2, 0, 3]], vec![5, 3, -2, 7], [3, 4]).unwrap()
    }

    #[test]
    fn segments_are_groups_in_c_order() {
        let a = Coo::new(&[[0, 0, 2, 2], [1, 2, 1, 0]], vec![5, 3, -2, 7], [3, 4]).unwrap();
        let columns = Segments::new(&a, Groups::new("sum", a.shape(), &[0]).unwrap());
        assert_eq!(columns.keys, u32::wrap(vec![0, 1, 2]));
        assert_eq!(columns.borders, [0, 1, 3, 4]);
        assert_eq!(*columns.values, [7, 5, -2, 3]);
        assert_eq!(columns.inner, u32::wrap(vec![2, 0, 2, 0]));
        assert_eq!((columns.len(), columns.values_of(1), columns.n_implicit(1)), (3, &[5, -2][..], 1));
        let rows = Segments::new(&a, Groups::new("sum", a.shape(), &[-1]).unwrap());
        assert!(Arc::ptr_eq(&rows.values, a.shared_values()));
        assert_eq!(rows.finish(vec![1, 0], 0).coords(), ndarray::arr2(&[[0]]));
    }

    #[test]
    fn all_ways_through_the_entries_agree() {
        let sum =
            Fold { init: 0, step: |s: i64, x: i64| 10 * s + x, merge: |_, _| 0, finish: |s, n: u128| s + n as i64 };
        let a = example();
        let columns = fold(&a, &Groups::new("sum", a.shape(), &[0]).unwrap(), &sum);
        assert_eq!(columns.to_dense().unwrap().into_raw_vec_and_offset().0, [0, 7, 5, 9]);
        // The same columns, too many for a table.
        let n = 1u64 << 40;
        let wide = Coo::new(&[[0, 0, 1, 2], [1, 2, 0, n - 1]], vec![5, 3, -2, 7], [3, n]).unwrap();
        let columns = fold(&wide, &Groups::new("sum", wide.shape(), &[0]).unwrap(), &sum);
        assert_eq!((columns.fill(), columns.values()), (3, &[0, 7, 5, 9][..]));
        // Groups that are runs, over more than one tile.
        let tall = Coo::new(&[(0..3000).collect(), vec![0; 3000]], (0..3000).collect(), [3000, 2]).unwrap();
        let rows = fold(&tall, &Groups::new("sum", tall.shape(), &[1]).unwrap(), &sum);
        assert_eq!(rows.to_dense().unwrap().into_raw_vec_and_offset().0, (1..3001).collect::<Vec<i64>>());
    }

    #[test]
    fn no_axes_left_means_a_value() {
        let sum = Fold {
            init: 0,
            step: |s: i64, x: i64| s + x,
            merge: |s, t| s + t,
            finish: |s, n: u128| s + 100 * n as i64,
        };
        let a = example();
        let all = fold(&a, &Groups::new("sum", a.shape(), &[0, 1]).unwrap(), &sum);
        assert_eq!((all.nnz(), all.fill(), all.ndim()), (0, 813, 0));
        assert!(Groups::new("sum", &[2, 3], &[2]).unwrap_err().is_shape());
        assert!(Groups::new("sum", &[2, 3], &[1, -1]).unwrap_err().is_shape());
    }
}
