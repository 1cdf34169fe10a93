//! A sparse array under construction: written and read by coordinates, in any order.

use hashbrown::HashMap;

use super::coo::Coo;
use super::coords::encode_one;
use super::keys::{Key, Width, n_elems, with_width};
use crate::element::Element;
use crate::error::Result;

/// A dictionary of keys: takes single writes in constant time, and becomes a [`Coo`] in the end.
///
/// Writing the fill value removes the entry.
///
/// ```
/// use hyperslab::sparse::CooBuilder;
/// let mut b = CooBuilder::new([3, 4], 0)?;
/// b.set(&[0, 1], 5)?;
/// b.set(&[2, 2], 7)?;
/// b.set(&[2, 2], 0)?;
/// b.add(&[0, 1], 1)?;
/// assert_eq!((b.get(&[0, 1])?, b.nnz()), (6, 1));
/// assert_eq!(b.build().values(), [6]);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "DOK")]
pub struct CooBuilder<T: Element> {
    shape: Vec<u64>,
    n_elems: u128,
    entries: HashMap<u128, T>,
    fill: T,
}

impl<T: Element> CooBuilder<T> {
    /// A builder whose elements all are the fill.
    ///
    /// # Errors
    /// The shape has 2^128 elements or more.
    pub fn new(shape: impl AsRef<[u64]>, fill: T) -> Result<Self> {
        let shape = shape.as_ref().to_vec();
        let n_elems = n_elems("builder", &shape)?;
        Ok(Self { shape, n_elems, entries: HashMap::new(), fill })
    }

    /// The length of each axis.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// The number of entries.
    pub fn nnz(&self) -> usize {
        self.entries.len()
    }

    /// The value of every element that has no entry.
    pub fn fill(&self) -> T {
        self.fill
    }

    /// The value of one element.
    ///
    /// # Errors
    /// Not one coordinate per axis, or one outside of its axis.
    pub fn get(&self, coords: &[u64]) -> Result<T> {
        let key = encode_one("get", coords, &self.shape)?;
        Ok(self.entries.get(&key).copied().unwrap_or(self.fill))
    }

    /// Replaces one element.
    ///
    /// # Errors
    /// Not one coordinate per axis, or one outside of its axis.
    pub fn set(&mut self, coords: &[u64], value: T) -> Result<()> {
        let key = encode_one("set", coords, &self.shape)?;
        self.put(key, value);
        Ok(())
    }

    /// Adds to one element: integers wrap, `bool` means *or*.
    ///
    /// # Errors
    /// Not one coordinate per axis, or one outside of its axis.
    pub fn add(&mut self, coords: &[u64], value: T) -> Result<()> {
        let key = encode_one("add", coords, &self.shape)?;
        let old = self.entries.get(&key).copied().unwrap_or(self.fill);
        self.put(key, old.plus(value));
        Ok(())
    }

    /// Replaces the element at a C-order position, which lies inside.
    pub(crate) fn put(&mut self, key: u128, value: T) {
        if value.is_same(self.fill) {
            self.entries.remove(&key);
        } else {
            self.entries.insert(key, value);
        }
    }

    /// The array.
    ///
    /// # Complexity
    /// One sort of the entries.
    pub fn build(self) -> Coo<T> {
        with_width!(Width::of(self.n_elems), K => {
            let (keys, values) = self.entries.into_iter().map(|(key, value)| (K::truncate(key), value)).unzip();
            Coo::from_unsorted(self.shape.into(), keys, values, self.fill, self.n_elems)
        })
    }
}

impl<T: Element> From<&Coo<T>> for CooBuilder<T> {
    /// A builder that holds the entries of an array.
    fn from(coo: &Coo<T>) -> Self {
        let entries = (0..coo.nnz()).map(|at| (coo.keys().at(at), coo.values()[at]));
        let entries = entries.filter(|(_, value)| !value.is_same(coo.fill())).collect();
        Self { shape: coo.shape().to_vec(), n_elems: coo.size(), entries, fill: coo.fill() }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, IxDyn};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn writes_are_those_of_a_dense_array(
            writes in prop::collection::vec((0u64..3, 0u64..4, -2i64..3, any::<bool>()), 0..40),
            fill in 0i64..2,
        ) {
            let mut builder = CooBuilder::new([3, 4], fill).unwrap();
            let mut dense = ArrayD::from_elem(IxDyn(&[3, 4]), fill);
            for (row, column, value, is_set) in writes {
                let element = &mut dense[[row as usize, column as usize]];
                if is_set {
                    builder.set(&[row, column], value).unwrap();
                    *element = value;
                } else {
                    builder.add(&[row, column], value).unwrap();
                    *element += value;
                }
                prop_assert_eq!(builder.get(&[row, column]).unwrap(), *element);
            }
            let built = builder.build();
            prop_assert_eq!(&built, &Coo::from_dense_with_fill(&dense.view(), fill).unwrap());
            prop_assert_eq!(CooBuilder::from(&built).build(), built);
        }
    }

    #[test]
    fn coordinates_are_checked() {
        let mut builder = CooBuilder::new([3], 0.0).unwrap();
        assert!(builder.set(&[3], 1.0).unwrap_err().is_index());
        assert!(builder.add(&[0, 0], 1.0).unwrap_err().is_index());
        assert!(builder.get(&[u64::MAX]).unwrap_err().is_index());
        assert!(CooBuilder::new([u64::MAX; 3], 0).unwrap_err().is_shape());
        assert_eq!((builder.shape(), builder.fill(), builder.nnz()), (&[3][..], 0.0, 0));
    }
}
