//! Sorting of entries by key, and the joining of entries with equal keys.

use super::keys::{Divisor, Key};

/// Below this many entries a comparison sort is faster than counting digits.
const RADIX_MIN_ENTRIES: usize = 512;
/// Bits of one digit: 4096 counters stay in the first-level cache.
const DIGIT_BITS: u32 = 12;

/// Sorts entries by key; entries with equal keys keep their order.
///
/// A radix sort from the lowest digit, with only as many passes as `max_key` has digits. Sorted input costs one scan.
///
/// # Complexity
/// Linear in the number of entries times the digits of the largest key.
pub(crate) fn sort_entries<K: Key, T: Copy + Default>(keys: &mut Vec<K>, values: &mut Vec<T>, max_key: u128) {
    sort_above(keys, values, max_key, 1);
}

/// Sorts entries of which those that agree in `key / tail` stand in the right order already.
///
/// A transposed array keeps the order of its last axes where they are not swapped among themselves: only the digits
/// above them are looked at.
pub(crate) fn sort_above<K: Key, T: Copy + Default>(keys: &mut Vec<K>, values: &mut Vec<T>, max_key: u128, tail: u128) {
    debug_assert_eq!(keys.len(), values.len());
    if keys.is_sorted() {
        return;
    }
    let bits = 128 - (max_key / tail).leading_zeros();
    if keys.len() < RADIX_MIN_ENTRIES || keys.len() as u64 > u32::MAX as u64 || bits > 64 {
        return sort_by_comparison(keys, values);
    }
    let tail = (tail > 1).then(|| Divisor::new(tail));
    let n_passes = bits.div_ceil(DIGIT_BITS).max(1);
    let digit_bits = bits.div_ceil(n_passes);
    let mut other_keys = vec![K::default(); keys.len()];
    let mut other_values = vec![T::default(); values.len()];
    for pass in 0..n_passes {
        let digit = Digit { tail, shift: (pass * digit_bits) as usize, bits: digit_bits };
        if scatter_by_digit(digit, (keys, values), (&mut other_keys, &mut other_values)) {
            std::mem::swap(keys, &mut other_keys);
            std::mem::swap(values, &mut other_values);
        }
    }
}

/// Some consecutive bits of a key, or of a key divided by a tail.
#[derive(Clone, Copy)]
struct Digit<K> {
    tail: Option<Divisor<K>>,
    shift: usize,
    bits: u32,
}

impl<K: Key> Digit<K> {
    #[inline(always)]
    fn of(self, key: K) -> usize {
        let head = self.tail.map_or(key, |tail| tail.div_rem(key).0);
        (head >> self.shift).to_usize_lossy() & ((1 << self.bits) - 1)
    }
}

/// One stable counting pass; false, with nothing written, if all keys share the digit.
fn scatter_by_digit<K: Key, T: Copy>(digit: Digit<K>, from: (&[K], &[T]), to: (&mut [K], &mut [T])) -> bool {
    let mut starts = vec![0u32; 1 << digit.bits];
    for &key in from.0 {
        starts[digit.of(key)] += 1;
    }
    if starts[digit.of(from.0[0])] as usize == from.0.len() {
        return false;
    }
    let mut total = 0;
    for start in &mut starts {
        total += std::mem::replace(start, total);
    }
    for (&key, &value) in from.0.iter().zip(from.1) {
        let start = &mut starts[digit.of(key)];
        to.0[*start as usize] = key;
        to.1[*start as usize] = value;
        *start += 1;
    }
    true
}

fn sort_by_comparison<K: Key, T: Copy>(keys: &mut Vec<K>, values: &mut Vec<T>) {
    let mut pairs: Vec<(K, usize)> = keys.iter().copied().zip(0..).collect();
    pairs.sort_unstable();
    *values = pairs.iter().map(|&(_, from)| values[from]).collect();
    *keys = pairs.into_iter().map(|(key, _)| key).collect();
}

/// Joins neighbours with equal keys into one entry.
pub(crate) fn join_duplicates<K: Key, T: Copy>(keys: &mut Vec<K>, values: &mut Vec<T>, join: impl Fn(T, T) -> T) {
    let Some(first) = keys.windows(2).position(|pair| pair[0] == pair[1]) else { return };
    let mut last = first;
    for i in first + 1..keys.len() {
        if keys[i] == keys[last] {
            values[last] = join(values[last], values[i]);
        } else {
            last += 1;
            keys[last] = keys[i];
            values[last] = values[i];
        }
    }
    keys.truncate(last + 1);
    values.truncate(last + 1);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check<K: Key>(raw: &[u64], max_key: u64) {
        let mut keys: Vec<K> = raw.iter().map(|&key| K::truncate((key % (max_key + 1)) as u128)).collect();
        let mut values: Vec<usize> = (0..keys.len()).collect();
        let mut expected: Vec<(K, usize)> = keys.iter().copied().zip(0..).collect();
        expected.sort_unstable();
        sort_entries(&mut keys, &mut values, max_key as u128);
        assert_eq!(keys.into_iter().zip(values).collect::<Vec<_>>(), expected);
    }

    proptest! {
        #[test]
        fn sorting_is_stable_in_every_width(raw in prop::collection::vec(any::<u64>(), 0..1200), log in 0u32..63) {
            let max_key = (1u64 << log) - u64::from(log > 3);
            check::<u32>(&raw, max_key.min(u32::MAX as u64));
            check::<u64>(&raw, max_key);
            check::<u128>(&raw, max_key);
        }

        #[test]
        fn order_below_a_tail_is_kept(raw in prop::collection::vec(any::<u32>(), 0..1500), tail in 1u32..3000) {
            let mut keys: Vec<u32> = raw.iter().map(|key| key % 1_000_003).collect();
            keys.sort_by_key(|key| key % tail);
            let mut values = keys.clone();
            let mut expected = keys.clone();
            expected.sort_unstable();
            sort_above(&mut keys, &mut values, 1_000_002, tail as u128);
            prop_assert_eq!(&keys, &expected);
            prop_assert_eq!(&values, &expected);
        }

        #[test]
        fn joining_sums_runs(mut raw in prop::collection::vec(0u32..20, 0..60)) {
            raw.sort_unstable();
            let mut keys = raw.clone();
            let mut counts = vec![1u32; raw.len()];
            join_duplicates(&mut keys, &mut counts, |a, b| a + b);
            let mut distinct = raw.clone();
            distinct.dedup();
            prop_assert_eq!(&keys, &distinct);
            for (key, count) in keys.iter().zip(counts) {
                prop_assert_eq!(raw.iter().filter(|&k| k == key).count() as u32, count);
            }
        }
    }
}
