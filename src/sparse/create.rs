//! Arrays made from nothing: entries from an iterator, unit matrices, random entries.

use std::collections::HashSet;
use std::sync::Arc;

use super::coo::Coo;
use super::coords::encode_one;
use super::keys::{Key, Width, n_elems, with_width};
use crate::element::Element;
use crate::error::{Error, Result};

impl<T: Element> Coo<T> {
    /// An array from positions and values, in any order; duplicates are summed.
    ///
    /// # Errors
    /// A position does not have one coordinate per axis, or lies outside of the shape.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::from_entries([([0, 1], 5), ([2, 0], 3)], [3, 2], 0)?;
    /// assert_eq!(a.to_dense()?, ndarray::arr2(&[[0, 5], [0, 0], [3, 0]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "from_iter")]
    pub fn from_entries<C: AsRef<[u64]>>(
        entries: impl IntoIterator<Item = (C, T)>,
        shape: impl AsRef<[u64]>,
        fill: T,
    ) -> Result<Coo<T>> {
        let shape = shape.as_ref();
        let n_elems = n_elems("from_entries", shape)?;
        with_width!(Width::of(n_elems), K => {
            let (mut keys, mut values) = (Vec::<K>::new(), Vec::new());
            for (coords, value) in entries {
                keys.push(K::truncate(encode_one("from_entries", coords.as_ref(), shape)?));
                values.push(value);
            }
            Ok(Coo::from_unsorted(shape.into(), keys, values, fill, n_elems))
        })
    }

    /// An array of zeros: no entries, fill 0.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::<f64>::zeros([2, 3])?, Coo::empty([2, 3], 0.0)?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn zeros(shape: impl AsRef<[u64]>) -> Result<Coo<T>> {
        Coo::empty(shape, T::zero())
    }

    /// An array of ones: no entries, fill 1.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::<i64>::ones([2, 3])?.sum(), 6);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn ones(shape: impl AsRef<[u64]>) -> Result<Coo<T>> {
        Coo::empty(shape, T::one())
    }

    /// A matrix with ones on diagonal `k`: 0 is the main one, positive ones lie above it, negative ones below.
    ///
    /// # Errors
    /// Never for matrices that can be numbered: less than 2^128 elements.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::<i32>::eye(2, 3, 1)?.to_dense()?, ndarray::arr2(&[[0, 1, 0], [0, 0, 1]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn eye(n_rows: u64, n_columns: u64, k: i64) -> Result<Coo<T>> {
        let (first_row, first_column) = if k < 0 { (k.unsigned_abs(), 0) } else { (0, k.unsigned_abs()) };
        let len = n_rows.saturating_sub(first_row).min(n_columns.saturating_sub(first_column));
        let n_elems = n_elems("eye", &[n_rows, n_columns])?;
        let first = first_row as u128 * n_columns as u128 + first_column as u128;
        with_width!(Width::of(n_elems), K => {
            let mut keys = crate::element::alloc::reserved::<K>("eye", len as u128)?;
            keys.extend((0..len as u128).map(|i| K::truncate(first + i * (n_columns as u128 + 1))));
            let values = vec![T::one(); keys.len()];
            Ok(Coo::from_sorted(Arc::new([n_rows, n_columns]), keys, values, T::zero(), n_elems))
        })
    }

    /// A random array with fill 0: a share of its elements, at positions drawn without repetition, has values that
    /// `value` makes from uniform numbers in `0.0..1.0`.
    ///
    /// The number of entries is the share of the number of elements, rounded down. Equal seeds give equal arrays, on every
    /// machine.
    ///
    /// # Errors
    /// The density is not between 0 and 1, or the entries do not fit in memory.
    ///
    /// # Complexity
    /// One draw and one look-up per entry, then a sort; beyond half of the elements, one draw per element left out.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::random([10, 10], 0.25, 7, |x| x + 1.0)?;
    /// assert_eq!(a.nnz(), 25);
    /// assert!(a.values().iter().all(|&x| (1.0..2.0).contains(&x)));
    /// assert_eq!(a, Coo::random([10, 10], 0.25, 7, |x| x + 1.0)?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn random(shape: impl AsRef<[u64]>, density: f64, seed: u64, value: impl Fn(f64) -> T) -> Result<Coo<T>> {
        const OP: &str = "random";
        let shape = shape.as_ref();
        let n_elems = n_elems(OP, shape)?;
        if !(0.0..=1.0).contains(&density) {
            return Err(Error::value(OP, format!("a density of {density}")).with_remedy("give a share between 0 and 1"));
        }
        // A share of very many elements need not be exact, but may not be more than there are.
        let n_entries = ((density * n_elems as f64).floor() as u128).min(n_elems);
        drop(crate::element::alloc::reserved::<(u128, T)>(OP, n_entries)?);
        let mut numbers = SplitMix(seed);
        with_width!(Width::of(n_elems), K => {
            let keys: Vec<K> = draw_positions(&mut numbers, n_entries as usize, n_elems);
            let values = keys.iter().map(|_| value(numbers.unit())).collect();
            Ok(Coo::from_sorted(shape.into(), keys, values, T::zero(), n_elems))
        })
    }
}

/// `n` different positions below `n_elems`, ascending.
fn draw_positions<K: Key>(numbers: &mut SplitMix, n: usize, n_elems: u128) -> Vec<K> {
    // Where most positions are wanted, the others are drawn.
    let draws_out = n as u128 > n_elems / 2;
    let n_drawn = if draws_out { (n_elems - n as u128) as usize } else { n };
    let mut drawn = HashSet::with_capacity(n_drawn);
    while drawn.len() < n_drawn {
        drawn.insert(K::truncate(numbers.below(n_elems)));
    }
    if draws_out {
        return (0..n_elems).map(K::truncate).filter(|key| !drawn.contains(key)).collect();
    }
    let mut keys: Vec<K> = drawn.into_iter().collect();
    keys.sort_unstable();
    keys
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014): one addition and a mix per number.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`, each with the same chance: numbers from the incomplete last round are drawn again.
    fn below(&mut self, n: u128) -> u128 {
        let rest = (u128::MAX % n + 1) % n;
        loop {
            let wide = (self.next() as u128) << 64 | self.next() as u128;
            if rest == 0 || wide <= u128::MAX - rest {
                return wide % n;
            }
        }
    }

    /// A number in `0.0..1.0` with 53 random bits.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagonals_end_where_the_matrix_does() {
        for (rows, columns) in [(3u64, 5u64), (5, 3), (4, 4), (0, 3), (3, 0)] {
            for k in -6i64..=6 {
                let eye = Coo::<i64>::eye(rows, columns, k).unwrap();
                let expected = ndarray::Array2::from_shape_fn((rows as usize, columns as usize), |(i, j)| {
                    i64::from(j as i64 - i as i64 == k)
                });
                assert_eq!(eye.to_dense().unwrap(), expected.into_dyn(), "{rows} {columns} {k}");
            }
        }
        let n = 1 << 50;
        assert_eq!(Coo::<f64>::eye(n, n, n as i64 - 1).unwrap().coords(), ndarray::arr2(&[[0], [n - 1]]));
    }

    #[test]
    fn random_arrays_have_exactly_the_entries_asked_for() {
        for (density, n) in [(0.0, 0), (0.013, 1), (0.5, 50), (0.77, 77), (1.0, 100)] {
            let a = Coo::random([4, 25], density, 3, |x| x + 0.5).unwrap();
            assert_eq!(a.nnz(), n);
            assert!(a.keys().is_canonical(100));
        }
        assert_ne!(Coo::random([100], 0.3, 1, |x| x).unwrap(), Coo::random([100], 0.3, 2, |x| x).unwrap());
        let huge = Coo::random([1 << 41, 1 << 41], 1e-22, 5, |_| 1i8).unwrap();
        assert_eq!(huge.nnz(), 483);
        assert!(Coo::random([3], 1.5, 0, |x| x).unwrap_err().is_usage());
        assert!(Coo::random([3], f64::NAN, 0, |x| x).is_err());
        assert_eq!(Coo::random([0, 3], 1.0, 0, |x| x).unwrap().nnz(), 0);
        assert!(Coo::random([1 << 60], 1.0, 0, |x| x).unwrap_err().is_memory());
    }

    #[test]
    fn entries_are_checked_and_summed() {
        let a = Coo::from_entries([(vec![1], 2), (vec![1], 3)], [3], 9).unwrap();
        assert_eq!((a.values(), a.fill()), (&[5][..], 9));
        assert!(Coo::from_entries([([3], 1)], [3], 0).unwrap_err().is_index());
        assert!(Coo::from_entries([([0, 0], 1)], [3], 0).unwrap_err().is_index());
    }
}
