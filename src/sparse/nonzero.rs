//! Where the elements are that are not zero.

use ndarray::Array2;

use super::coo::Coo;
use crate::element::Element;
use crate::error::Result;

impl<T: Element> Coo<T> {
    /// The coordinates of all elements that are not zero, in C order: one row per axis, one column per element. NaN is not
    /// zero.
    ///
    /// # Errors
    /// The fill is not zero and the positions of all fills do not fit in memory.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1, 1], [2, 0, 1]], vec![5, 6, 0], [2, 3])?;
    /// assert_eq!(a.nonzero()?, ndarray::arr2(&[[0, 1], [2, 0]]));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn nonzero(&self) -> Result<Array2<u64>> {
        let is_nonzero = self.map(|value| value != T::zero());
        Ok(is_nonzero.refill(false)?.coords())
    }

    /// The coordinates of all elements that are not zero, in C order: one row per element, one column per axis.
    ///
    /// # Errors
    /// As [`nonzero`](Coo::nonzero).
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1], [2, 0]], vec![5, 6], [2, 3])?;
    /// assert_eq!(a.argwhere()?, ndarray::arr2(&[[0, 2], [1, 0]]));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn argwhere(&self) -> Result<Array2<u64>> {
        Ok(self.nonzero()?.reversed_axes().as_standard_layout().into_owned())
    }

    /// The C-order positions of all elements that are not zero.
    ///
    /// # Errors
    /// As [`nonzero`](Coo::nonzero), or a position does not fit 64 bits.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1], [2, 0]], vec![5, 6], [2, 3])?;
    /// assert_eq!(a.flatnonzero()?, [2, 3]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn flatnonzero(&self) -> Result<Vec<u64>> {
        Ok(self.ravel()?.nonzero()?.into_raw_vec_and_offset().0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sparse::testing::{dense_with_fill, shapes};

    proptest! {
        #[test]
        fn positions_are_those_of_a_dense_array(
            a in shapes().prop_flat_map(|shape| dense_with_fill(shape, 0.0)),
            b in shapes().prop_flat_map(|shape| dense_with_fill(shape, f64::NAN)),
        ) {
            for (dense, fill) in [(a, 0.0), (b, f64::NAN)] {
                let coo = Coo::from_dense_with_fill(&dense.view(), fill).unwrap();
                let expected: Vec<Vec<u64>> = dense.indexed_iter().filter(|(_, x)| **x != 0.0)
                    .map(|(at, _)| ndarray::Dimension::slice(&at).iter().map(|&i| i as u64).collect()).collect();
                let found = coo.argwhere().unwrap();
                prop_assert_eq!(found.dim(), (expected.len(), dense.ndim()));
                prop_assert!(found.rows().into_iter().zip(&expected).all(|(row, at)| row.to_vec() == *at));
                let flat: Vec<u64> = (0u64..).zip(dense.iter()).filter(|(_, x)| **x != 0.0).map(|(i, _)| i).collect();
                prop_assert_eq!(coo.flatnonzero().unwrap(), flat);
            }
        }
    }

    #[test]
    fn a_fill_that_counts_must_fit() {
        assert!(Coo::empty([1 << 60], 1).unwrap().nonzero().unwrap_err().is_memory());
        assert!(Coo::empty([1 << 60], 0).unwrap().nonzero().unwrap().is_empty());
    }
}
