//! Dense arrays to sparse ones and back.

use ndarray::{ArrayD, ArrayViewD, IxDyn};

use super::align::Fill;
use super::coo::Coo;
use super::keys::{Key, Width, n_elems, with_keys, with_width};
use crate::element::Element;
use crate::element::alloc::filled;
use crate::error::{Error, Result};

/// Elements that are compared with the fill together; those that differ become the bits of one number.
const TILE: usize = 64;

impl<T: Element> Coo<T> {
    /// The elements of a dense array that differ from zero.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = ndarray::arr2(&[[0, 5, 0], [0, 0, 7]]).into_dyn();
    /// let s = Coo::from_dense(&a.view())?;
    /// assert_eq!((s.nnz(), s.values()), (2, &[5, 7][..]));
    /// assert_eq!(s.to_dense()?, a);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    ///
    /// # Errors
    /// Never for an array that fits in memory.
    #[doc(alias = "from_numpy")]
    pub fn from_dense(dense: &ArrayViewD<'_, T>) -> Result<Coo<T>> {
        Self::from_dense_with_fill(dense, T::zero())
    }

    /// The elements of a dense array that differ from `fill`.
    ///
    /// NaN equals a NaN fill; `-0.0` does not equal the fill `0.0` and is stored.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = ndarray::arr1(&[f64::NAN, 1.0, f64::NAN]).into_dyn();
    /// assert_eq!(Coo::from_dense_with_fill(&a.view(), f64::NAN)?.values(), [1.0]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    ///
    /// # Complexity
    /// One pass; runs of 64 fills are skipped at the speed of memory.
    pub fn from_dense_with_fill(dense: &ArrayViewD<'_, T>, fill: T) -> Result<Coo<T>> {
        let shape: Vec<u64> = dense.shape().iter().map(|&len| len as u64).collect();
        let n_elems = n_elems("from_dense", &shape)?;
        with_width!(Width::of(n_elems), K => {
            let mut found = Found::<K, T> { keys: Vec::new(), values: Vec::new(), fill: Fill::new(fill), n_elems: dense.len() };
            found.scan(dense);
            let (keys, values) = found.finish();
            Ok(Coo::from_sorted(shape.into(), keys, values, fill, n_elems))
        })
    }

    /// The dense array.
    ///
    /// # Errors
    /// The dense array does not fit in memory.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::from_coords_with_fill(&[[0], [1]], vec![5], [2, 2], 1)?;
    /// assert_eq!(a.to_dense()?, ndarray::arr2(&[[1, 5], [1, 1]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "todense")]
    pub fn to_dense(&self) -> Result<ArrayD<T>> {
        let shape = self.dense_shape("to_dense")?;
        let mut flat = filled("to_dense", self.size(), self.fill())?;
        with_keys!(self.keys(), keys => {
            for (key, &value) in keys.iter().zip(self.values()) {
                flat[key.to_usize_lossy()] = value;
            }
        });
        ArrayD::from_shape_vec(IxDyn(&shape), flat).map_err(|error| Error::bug("to_dense", error.to_string()))
    }
}

impl<T: Element> Coo<T> {
    /// The dense array, if it is small or well filled: at most `max_size` elements, or a density of at least `min_density`.
    ///
    /// # Errors
    /// Neither holds, or the dense array does not fit in memory.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[1]], vec![5], [4])?;
    /// assert_eq!(a.maybe_densify(100, 0.5)?.sum(), 5);
    /// assert_eq!(a.maybe_densify(3, 0.25)?.sum(), 5);
    /// assert!(a.maybe_densify(3, 0.5).is_err());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn maybe_densify(&self, max_size: u128, min_density: f64) -> Result<ArrayD<T>> {
        if self.size() <= max_size || self.density() >= min_density {
            return self.to_dense();
        }
        let detail = format!(
            "{} elements are more than {max_size}, and a density of {} is less than {min_density}",
            self.size(),
            self.density()
        );
        Err(Error::layout("maybe_densify", detail).with_remedy("use `to_dense` to densify in any case"))
    }
}

/// The entries found so far.
struct Found<K, T> {
    keys: Vec<K>,
    values: Vec<T>,
    fill: Fill<T>,
    /// Elements of the whole array.
    n_elems: usize,
}

impl<K: Key, T: Element> Found<K, T> {
    fn scan(&mut self, dense: &ArrayViewD<'_, T>) {
        if let Some(flat) = dense.as_slice() {
            return self.scan_run(flat, 0);
        }
        let row_len = dense.shape().last().copied().unwrap_or(1);
        for (row, lane) in dense.rows().into_iter().enumerate() {
            match lane.as_slice() {
                Some(run) => self.scan_run(run, row * row_len),
                None => self.scan_run(&lane.to_vec(), row * row_len),
            }
        }
    }

    /// Scans consecutive elements, the first of which has position `first`.
    fn scan_run(&mut self, run: &[T], first: usize) {
        let (tiles, rest) = run.as_chunks::<TILE>();
        for (n, tile) in tiles.iter().enumerate() {
            let differs = tile.map(|element| u8::from(!self.fill.is(element)));
            if differs.iter().fold(0, |any, one| any | one) != 0 {
                self.take(bits(&differs), tile, first + n * TILE);
            }
        }
        let mut differs = [0; TILE];
        differs.iter_mut().zip(rest).for_each(|(differs, &element)| *differs = u8::from(!self.fill.is(element)));
        self.take(bits(&differs), rest, first + run.len() - rest.len());
    }

    /// Takes the elements of a tile whose bits are set.
    fn take(&mut self, mut set: u64, elements: &[T], first: usize) {
        if self.keys.capacity() - self.keys.len() < TILE {
            self.make_room(first);
        }
        while set != 0 {
            let i = set.trailing_zeros() as usize;
            set &= set - 1;
            self.keys.push(K::from_usize_lossy(first + i));
            self.values.push(elements[i]);
        }
    }

    /// Makes room for as many entries as are to be expected after those among the first `n_seen` elements, so that
    /// entries are rarely copied to a larger place.
    #[cold]
    fn make_room(&mut self, n_seen: usize) {
        let rate = self.keys.len() as f64 / n_seen.max(1) as f64;
        let expected = 1.1 * rate * (self.n_elems - n_seen) as f64;
        let room = (expected as usize).max(TILE);
        self.keys.reserve(room);
        self.values.reserve(room);
    }

    /// Gives back the room that was expected to be used and was not.
    fn finish(mut self) -> (Vec<K>, Vec<T>) {
        if self.keys.len() < self.keys.capacity() / 2 {
            self.keys.shrink_to_fit();
            self.values.shrink_to_fit();
        }
        (self.keys, self.values)
    }
}

/// The zeros and ones of a tile as the bits of a number, the first one lowest.
fn bits(ones: &[u8; TILE]) -> u64 {
    // The product moves bit 0 of byte `i` to bit `56 + i`; the other bits it makes fall below or off.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (bytes, _) = ones.as_chunks::<8>();
    bytes.iter().rev().fold(0, |bits, &byte| bits << 8 | u64::from_le_bytes(byte).wrapping_mul(GATHER) >> 56)
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, Axis, IxDyn};
    use proptest::prelude::*;

    use super::*;
    use crate::sparse::testing::{dense_with_fill, shapes};

    proptest! {
        #[test]
        fn dense_goes_there_and_back(a in shapes().prop_flat_map(|s| dense_with_fill(s, 2i64))) {
            let s = Coo::from_dense_with_fill(&a.view(), 2).unwrap();
            prop_assert_eq!(s.nnz(), a.iter().filter(|&&x| x != 2).count());
            prop_assert!(s.keys().is_canonical(s.size()));
            prop_assert_eq!(s.to_dense().unwrap(), a.clone());
            for axis in 0..a.ndim() {
                let mut flipped = a.clone();
                flipped.invert_axis(Axis(axis));
                let s = Coo::from_dense(&flipped.view()).unwrap();
                prop_assert_eq!(s.to_dense().unwrap(), flipped);
            }
            let transposed = a.t();
            prop_assert_eq!(Coo::from_dense(&transposed).unwrap().to_dense().unwrap(), transposed);
        }
    }

    #[test]
    fn bits_stand_in_order() {
        for at in 0..TILE {
            let mut ones = [0; TILE];
            ones[at] = 1;
            assert_eq!(bits(&ones), 1 << at);
        }
        assert_eq!(bits(&[1; TILE]), u64::MAX);
    }

    #[test]
    fn a_long_run_is_found_across_tiles() {
        let mut a = ArrayD::from_elem(IxDyn(&[1000]), false);
        for at in [0, 63, 64, 640, 999] {
            a[at] = true;
        }
        let s = Coo::from_dense(&a.view()).unwrap();
        assert_eq!(s.coords().into_raw_vec_and_offset().0, [0, 63, 64, 640, 999]);
    }

    #[test]
    fn minus_zero_is_not_the_fill_and_nan_is() {
        let a = ArrayD::from_shape_vec(IxDyn(&[3]), vec![-0.0, 0.0, f64::NAN]).unwrap();
        assert_eq!(Coo::from_dense(&a.view()).unwrap().nnz(), 2);
        assert_eq!(Coo::from_dense_with_fill(&a.view(), f64::NAN).unwrap().values(), [0.0, 0.0]);
    }
}
