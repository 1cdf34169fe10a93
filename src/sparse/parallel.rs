//! The one door to threads: work on ranges of entries, joined in their order.
//!
//! Results do not depend on the number of threads: a range computes what it would compute as part of the whole.

use std::ops::Range;

use rayon::prelude::*;

use super::keys::Key;

/// Fewer units of work than this are not worth a second thread.
const MIN_PART: usize = 1 << 15;

/// Cuts `n` items into ranges of about equal work, one per thread at most; `work_before(i)` is the work of the items before
/// `i` and ascends.
pub(super) fn parts(n: usize, work_before: impl Fn(usize) -> usize) -> Vec<Range<usize>> {
    let total = work_before(n);
    let n_parts = rayon::current_num_threads().min(total / MIN_PART).max(1);
    let mut borders: Vec<usize> =
        (0..=n_parts).map(|part| lower_bound(n, &work_before, total / n_parts * part)).collect();
    borders[n_parts] = n;
    borders.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

/// The first item with at least this much work before it.
fn lower_bound(n: usize, work_before: &impl Fn(usize) -> usize, work: usize) -> usize {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = low.midpoint(high);
        if work_before(middle) < work { low = middle + 1 } else { high = middle }
    }
    low
}

/// Calls a function for every range, on several threads if there are several ranges.
pub(super) fn map_parts<R: Send>(parts: Vec<Range<usize>>, f: impl Fn(Range<usize>) -> R + Sync) -> Vec<R> {
    match <[Range<usize>; 1]>::try_from(parts) {
        Ok([only]) => vec![f(only)],
        Err(parts) => parts.into_par_iter().map(&f).collect(),
    }
}

/// Calls a function for every range with the part of `out` that is its own, which ends at `ends[i]`, and where that starts.
pub(super) fn map_slices<T: Send>(
    out: &mut [T],
    ends: &[usize],
    ranges: &[Range<usize>],
    f: impl Fn(usize, &mut [T], Range<usize>) + Sync,
) {
    let mut own = Vec::with_capacity(ranges.len());
    let (mut rest, mut first) = (out, 0);
    for (range, &end) in ranges.iter().zip(ends) {
        let (part, behind) = rest.split_at_mut(end - first);
        own.push((first, part, range.clone()));
        (rest, first) = (behind, end);
    }
    if own.len() == 1 {
        own.into_iter().for_each(|(first, part, range)| f(first, part, range));
    } else {
        own.into_par_iter().for_each(|(first, part, range)| f(first, part, range));
    }
}

/// Entries that come in pieces, one after the other.
pub(super) fn join_pieces<K: Key, T: Copy>(mut pieces: Vec<(Vec<K>, Vec<T>)>) -> (Vec<K>, Vec<T>) {
    if pieces.len() == 1 {
        return pieces.pop().unwrap_or_default();
    }
    let n = pieces.iter().map(|(keys, _)| keys.len()).sum();
    let (mut keys, mut values) = (Vec::with_capacity(n), Vec::with_capacity(n));
    for (piece_keys, piece_values) in pieces {
        keys.extend(piece_keys);
        values.extend(piece_values);
    }
    (keys, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_all_items_and_share_the_work() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        pool.install(|| {
            let even = parts(3 * MIN_PART, |i| i);
            assert_eq!(even, [0..MIN_PART, MIN_PART..2 * MIN_PART, 2 * MIN_PART..3 * MIN_PART]);
            // All work lies in the last of four items.
            let uneven = parts(4, |i| if i == 4 { 9 * MIN_PART } else { 0 });
            assert_eq!((uneven[0].start, uneven[2].end), (0, 4));
            assert!(uneven.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert_eq!(parts(5, |i| i), vec![0..5]);
            assert_eq!(parts(0, |_| 0), vec![0..0]);
            let sums = map_parts(even, Iterator::sum::<usize>);
            assert_eq!(sums.iter().sum::<usize>(), (0..3 * MIN_PART).sum::<usize>());
            assert!(sums.is_sorted());
        });
    }

    #[test]
    fn slices_are_cut_where_ranges_end() {
        let mut out = [0; 10];
        map_slices(&mut out, &[4, 10], &[0..2, 2..3], |first, part, range| part.fill(10 * first + range.end));
        assert_eq!(out, [2, 2, 2, 2, 43, 43, 43, 43, 43, 43]);
    }

    #[test]
    fn pieces_join_in_order() {
        let pieces = vec![(vec![1u32, 2], vec!['a', 'b']), (vec![], vec![]), (vec![7], vec!['c'])];
        assert_eq!(join_pieces(pieces), (vec![1, 2, 7], vec!['a', 'b', 'c']));
        assert_eq!(join_pieces(vec![(vec![1u32], vec![2])]), (vec![1], vec![2]));
    }
}
