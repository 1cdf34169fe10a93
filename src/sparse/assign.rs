//! Assignment by value: an array with some elements replaced. The array assigned to stays as it is.

use ndarray::ArrayViewD;

use super::coo::Coo;
use super::coords::encode_one;
use super::keys::{Key, with_width};
use super::region::Region;
use super::sort::sort_entries;
use crate::chunks::AxisRange;
use crate::element::Element;
use crate::element::alloc::reserved;
use crate::error::{Error, Result, Shown};

impl<T: Element> Coo<T> {
    /// The array with one element replaced.
    ///
    /// # Errors
    /// Not one coordinate per axis, or one outside of its axis.
    ///
    /// # Complexity
    /// Copies all entries: [`CooBuilder`](super::CooBuilder) takes many writes.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[1]], vec![5], [3])?;
    /// assert_eq!(a.set(&[0], 7)?, Coo::new(&[[0, 1]], vec![7, 5], [3])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn set(&self, coords: &[u64], value: T) -> Result<Coo<T>> {
        encode_one("set", coords, self.shape())?;
        let ranges: Vec<AxisRange> = coords.iter().map(|&at| AxisRange::contiguous(at..at + 1)).collect();
        self.assign(&ranges, value)
    }

    /// The array with all elements of a region, one range per axis, replaced by one value.
    ///
    /// # Errors
    /// Not one range per axis, one that leaves its axis, or entries that do not fit in memory.
    ///
    /// # Complexity
    /// Drops the entries of the region; a value that is not the fill makes an entry of every element of the region.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::{chunks::AxisRange, sparse::Coo};
    /// let a = Coo::new(&[[1, 3]], vec![5, 6], [4])?;
    /// assert_eq!(a.assign(&[AxisRange::contiguous(0..2)], 0)?, Coo::new(&[[3]], vec![6], [4])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn assign(&self, ranges: &[AxisRange], value: T) -> Result<Coo<T>> {
        let region = Region::new("assign", self.shape(), ranges)?;
        self.assign_entries(&region, &Coo::empty(&region.shape, value)?)
    }

    /// The array with the elements of a region replaced by those of another array, which is broadcast to the region.
    ///
    /// Ranges with a negative step pair their elements in their order.
    ///
    /// # Errors
    /// Not one range per axis, one that leaves its axis, an array that does not broadcast to the region, or entries that
    /// do not fit in memory.
    ///
    /// # Complexity
    /// One sort of the entries of the result; a fill that is not this array's makes an entry of every element without
    /// one.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::{chunks::AxisRange, sparse::Coo};
    /// let a = Coo::new(&[[1, 3]], vec![5, 6], [4])?;
    /// let reversed = AxisRange::from_slice(None, None, -2, 4)?;
    /// assert_eq!(a.assign_coo(&[reversed], &Coo::new(&[[0]], vec![9], [2])?)?, Coo::new(&[[3]], vec![9], [4])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn assign_coo(&self, ranges: &[AxisRange], value: &Coo<T>) -> Result<Coo<T>> {
        let region = Region::new("assign", self.shape(), ranges)?;
        self.assign_entries(&region, &value.broadcast_to(&region.shape)?)
    }

    /// The array with the elements of a region replaced by those of a dense array, which is broadcast to the region.
    ///
    /// # Errors
    /// As [`assign_coo`](Coo::assign_coo).
    ///
    /// ```
    /// use hyperslab::{chunks::AxisRange, sparse::Coo};
    /// let a = Coo::new(&[[1, 3]], vec![5, 6], [4])?;
    /// let value = ndarray::arr1(&[0, 8]).into_dyn();
    /// let b = a.assign_dense(&[AxisRange::contiguous(1..3)], &value.view())?;
    /// assert_eq!(b, Coo::new(&[[2, 3]], vec![8, 6], [4])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn assign_dense(&self, ranges: &[AxisRange], value: &ArrayViewD<'_, T>) -> Result<Coo<T>> {
        self.assign_coo(ranges, &Coo::from_dense_with_fill(value, self.fill())?)
    }

    /// The array with the elements where a mask of the same shape is true replaced by one value.
    ///
    /// # Errors
    /// The shapes differ.
    ///
    /// # Complexity
    /// One merge. Where the mask's fill is true, the value becomes the fill.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 2]], vec![5, -6], [4])?;
    /// assert_eq!(a.assign_mask(&a.map(|x| x < 0), 1)?, Coo::new(&[[0, 2]], vec![5, 1], [4])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn assign_mask(&self, mask: &Coo<bool>, value: T) -> Result<Coo<T>> {
        if self.shape() != mask.shape() {
            let (a, b) = (Shown(self.shape()), Shown(mask.shape()));
            return Err(Error::shape(
                "assign_mask",
                format!("an array of shape {a} does not take a mask of shape {b}"),
            ));
        }
        self.zip_with(mask, |old, is_replaced| if is_replaced { value } else { old })
    }

    /// The array with equal elements and another fill: former fills become entries, entries that equal it vanish.
    ///
    /// # Errors
    /// The dense array does not fit in memory, and the fills differ.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[1]], vec![5], [3])?.refill(5)?;
    /// assert_eq!((a.fill(), a.values()), (5, &[0, 0][..]));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn refill(&self, fill: T) -> Result<Coo<T>> {
        if self.fill().is_same(fill) {
            return Ok(self.prune());
        }
        if self.size() == 0 {
            return Ok(self.clone().with_fill(fill));
        }
        Coo::from_dense_with_fill(&self.to_dense()?.view(), fill)
    }

    /// Replaces the entries of a region by those of an array of its shape.
    fn assign_entries(&self, region: &Region, value: &Coo<T>) -> Result<Coo<T>> {
        if region.is_empty() {
            return Ok(self.clone());
        }
        // An explicit fill means the same as no entry, and the region loses its entries anyway.
        let value = value.refill(self.fill())?;
        let candidates = region.candidates(self.keys());
        with_width!(self.keys().width(), K => {
            let n_entries = (self.nnz() + value.nnz()) as u128;
            let (mut keys, mut values) = (reserved::<K>("assign", n_entries)?, reserved("assign", n_entries)?);
            let old_keys = K::view(self.keys());
            let mut keep = |kept: std::ops::Range<usize>| {
                keys.extend_from_slice(&old_keys[kept.clone()]);
                values.extend_from_slice(&self.values()[kept]);
            };
            keep(0..candidates.start);
            region.classify(&old_keys[candidates.clone()], |first, inside, _| {
                let at = candidates.start + first;
                (0..inside.len()).filter(|&i| !inside[i]).for_each(|i| keep(at + i..at + i + 1));
            });
            keep(candidates.end..self.nnz());
            keys.extend(region.placement::<K>().apply(&K::view(value.keys())));
            values.extend_from_slice(value.values());
            sort_entries(&mut keys, &mut values, self.size() - 1);
            Ok(Coo::from_sorted(self.shared_shape(), keys, values, self.fill(), self.size()))
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, Dimension};
    use proptest::prelude::*;

    use super::*;
    use crate::sparse::testing::{dense_with_fill, shapes};

    /// Assigns element by element.
    fn dense_assign(a: &ArrayD<i64>, ranges: &[AxisRange], value: &ArrayD<i64>) -> ArrayD<i64> {
        let mut out = a.clone();
        for (index, &x) in value.indexed_iter() {
            let at: Vec<usize> =
                ranges.iter().zip(index.as_array_view()).map(|(r, &i)| r.at(i as u64) as usize).collect();
            out[at.as_slice()] = x;
        }
        out
    }

    fn cases() -> impl Strategy<Value = (ArrayD<i64>, Vec<AxisRange>, ArrayD<i64>)> {
        let raw = prop::collection::vec(
            (
                prop::option::of(-5i64..6),
                prop::option::of(-5i64..6),
                prop_oneof![Just(1i64), Just(2), Just(-1), Just(-2)],
            ),
            4,
        );
        (shapes(), raw).prop_flat_map(|(shape, raw)| {
            let ranges: Vec<AxisRange> = shape
                .iter()
                .zip(raw)
                .map(|(&len, (a, b, step))| AxisRange::from_slice(a, b, step, len as u64).unwrap())
                .collect();
            let inner = ranges.iter().map(|range| range.len() as usize).collect();
            (dense_with_fill(shape, 7i64), Just(ranges), dense_with_fill(inner, 2i64))
        })
    }

    proptest! {
        #[test]
        fn regions_are_replaced((a, ranges, value) in cases()) {
            let s = Coo::from_dense_with_fill(&a.view(), 7).unwrap();
            let expected = dense_assign(&a, &ranges, &value);
            let sparse = Coo::from_dense_with_fill(&value.view(), 2).unwrap();
            let found = s.assign_coo(&ranges, &sparse).unwrap();
            prop_assert_eq!(found.to_dense().unwrap(), expected.clone());
            prop_assert!(found.keys().is_canonical(found.size()));
            prop_assert_eq!(s.assign_dense(&ranges, &value.view()).unwrap().to_dense().unwrap(), expected);
            for scalar in [7, 5] {
                let all = ArrayD::from_elem(value.raw_dim(), scalar);
                prop_assert_eq!(s.assign(&ranges, scalar).unwrap().to_dense().unwrap(), dense_assign(&a, &ranges, &all));
            }
        }

        #[test]
        fn masks_replace(
            (a, mask) in shapes().prop_flat_map(|s| (dense_with_fill(s.clone(), 7i64), dense_with_fill(s, true))),
        ) {
            let s = Coo::from_dense_with_fill(&a.view(), 7).unwrap();
            let expected = ndarray::Zip::from(&a).and(&mask).map_collect(|&x, &m| if m { 9 } else { x });
            for fill in [false, true] {
                let mask = Coo::from_dense_with_fill(&mask.view(), fill).unwrap();
                prop_assert_eq!(s.assign_mask(&mask, 9).unwrap().to_dense().unwrap(), expected.clone());
            }
        }
    }

    #[test]
    fn values_broadcast_and_must_fit() {
        let a = Coo::new(&[[0, 1], [0, 2]], vec![5, 6], [2, 3]).unwrap();
        let row = Coo::new(&[[2]], vec![9], [3]).unwrap();
        let whole = [AxisRange::full(2), AxisRange::full(3)];
        let b = a.assign_coo(&whole, &row).unwrap();
        assert_eq!(b.to_dense().unwrap(), ndarray::arr2(&[[0, 0, 9], [0, 0, 9]]).into_dyn());
        assert!(a.assign_coo(&whole, &Coo::empty([2], 0).unwrap()).unwrap_err().is_shape());
        assert!(a.set(&[0, 3], 1).unwrap_err().is_index());
        assert!(a.set(&[0], 1).unwrap_err().is_index());
        assert!(a.set(&[u64::MAX, 0], 1).unwrap_err().is_index());
        assert_eq!(a.set(&[0, 0], 0).unwrap().nnz(), 1);
        assert_eq!(a.nnz(), 2);
    }

    #[test]
    fn explicit_fills_outside_stay() {
        let a = Coo::new(&[[0, 2]], vec![0, 6], [4]).unwrap();
        assert_eq!(a.set(&[2], 0).unwrap(), Coo::new(&[[0]], vec![0], [4]).unwrap());
    }

    #[test]
    fn huge_regions_take_the_fill_only() {
        let n = 1u64 << 41;
        let a = Coo::new(&[[5, n - 1], [5, 7]], vec![1, 2], [n, n]).unwrap();
        let half = [AxisRange::contiguous(0..n / 2), AxisRange::full(n)];
        assert_eq!(a.assign(&half, 0).unwrap().nnz(), 1);
        assert!(a.assign(&half, 1).unwrap_err().is_memory());
        assert_eq!(a.refill(0).unwrap(), a);
    }
}
