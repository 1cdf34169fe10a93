//! Triangles and diagonals of the last axes.

use std::sync::Arc;

use super::coo::Coo;
use super::keys::{Divisor, Key, Width, n_elems, with_width};
use super::manipulate::permuted;
use crate::chunks::select::normalize_axis;
use crate::element::Element;
use crate::error::{Error, Result, Shown};

impl<T: Element> Coo<T> {
    /// The elements on and below diagonal `k` of the last two axes; those above become 0.
    ///
    /// # Errors
    /// Fewer than two axes, or a fill that is not 0.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1, 1], [1, 0, 1]], vec![5, 6, 7], [2, 2])?;
    /// assert_eq!(a.tril(0)?, Coo::new(&[[1, 1], [0, 1]], vec![6, 7], [2, 2])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn tril(&self, k: i64) -> Result<Coo<T>> {
        self.triangle("tril", |row, column| column as i128 - row as i128 <= k as i128)
    }

    /// The elements on and above diagonal `k` of the last two axes; those below become 0.
    ///
    /// # Errors
    /// Fewer than two axes, or a fill that is not 0.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1, 1], [1, 0, 1]], vec![5, 6, 7], [2, 2])?;
    /// assert_eq!(a.triu(1)?, Coo::new(&[[0], [1]], vec![5], [2, 2])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn triu(&self, k: i64) -> Result<Coo<T>> {
        self.triangle("triu", |row, column| column as i128 - row as i128 >= k as i128)
    }

    fn triangle(&self, op: &'static str, is_kept: impl Fn(u64, u64) -> bool) -> Result<Coo<T>> {
        let [.., n_rows, n_columns] = *self.shape() else {
            return Err(Error::shape(op, format!("an array of shape {} is no matrix", Shown(self.shape()))));
        };
        if !self.fill().is_same(T::zero()) {
            return Err(Error::layout(op, format!("the fill is {} and must be 0", self.fill()))
                .with_remedy("bring the array to fill 0 with `refill`"));
        }
        with_width!(self.keys().width(), K => {
            let (by_columns, by_rows) = (Divisor::<K>::new(n_columns as u128), Divisor::<K>::new(n_rows as u128));
            let kept = K::view(self.keys()).iter().zip(self.values()).filter(|(key, _)| {
                let (head, column) = by_columns.div_rem(**key);
                is_kept(by_rows.div_rem(head).1.widen() as u64, column.widen() as u64)
            }).map(|(&key, &value)| (key, value)).unzip();
            let (keys, values): (Vec<K>, Vec<T>) = kept;
            Ok(Coo::from_sorted(self.shared_shape(), keys, values, self.fill(), self.size()))
        })
    }

    /// The elements whose coordinates on two axes differ by `offset`, along a new last axis.
    ///
    /// # Errors
    /// An axis is out of range, or both are the same.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 0, 1], [0, 1, 1]], vec![5, 6, 7], [2, 3])?;
    /// assert_eq!(a.diagonal(0, 0, 1)?, Coo::new(&[[0, 1]], vec![5, 7], [2])?);
    /// assert_eq!(a.diagonal(1, 0, 1)?, Coo::new(&[[0]], vec![6], [2])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn diagonal(&self, offset: i64, first: isize, second: isize) -> Result<Coo<T>> {
        const OP: &str = "diagonal";
        let (first, second) = (normalize_axis(OP, first, self.ndim())?, normalize_axis(OP, second, self.ndim())?);
        if first == second {
            return Err(Error::repeated_axis(OP, first));
        }
        let others = (0..self.ndim()).filter(|&axis| axis != first && axis != second);
        let order: Vec<usize> = others.chain([first, second]).collect();
        let (n_rows, n_columns) = (self.shape()[first], self.shape()[second]);
        let (row, column) = if offset < 0 { (offset.unsigned_abs(), 0) } else { (0, offset.unsigned_abs()) };
        let len = n_rows.saturating_sub(row).min(n_columns.saturating_sub(column));
        let mut shape: Vec<u64> = order[..order.len() - 2].iter().map(|&axis| self.shape()[axis]).collect();
        shape.push(len);
        let n_elems = n_elems(OP, &shape)?;
        with_width!(self.keys().width().max(Width::of(n_elems)), K => {
            let (old_keys, old_values) = permuted::<K, T>(self, &order);
            let (by_columns, by_rows) = (Divisor::<K>::new(n_columns as u128), Divisor::<K>::new(n_rows as u128));
            let (mut keys, mut values) = (Vec::<K>::new(), Vec::new());
            for (&key, &value) in old_keys.iter().zip(old_values.iter()) {
                let (head, at_column) = by_columns.div_rem(key);
                let (outer, at_row) = by_rows.div_rem(head);
                let place = at_row.widen() as i128 - row as i128;
                if place >= 0 && (place as u64) < len && at_column.widen() as u64 == place as u64 + column {
                    keys.push(outer * K::truncate(len as u128) + K::truncate(place as u128));
                    values.push(value);
                }
            }
            Ok(Coo::from_sorted(shape.into(), keys, values, self.fill(), n_elems))
        })
    }

    /// The sum of the main diagonal of two axes.
    ///
    /// # Errors
    /// As [`diagonal`](Coo::diagonal).
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::<i64>::eye(3, 3, 0)?.trace(0, 1)?.get(&[])?, 3);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn trace(&self, first: isize, second: isize) -> Result<Coo<T::Sum>> {
        self.diagonal(0, first, second)?.sum_axes(&[-1])
    }

    /// A square matrix with this array, which has one axis, on its main diagonal; the rest is 0.
    ///
    /// # Errors
    /// The array has not one axis, its fill is not 0, or the matrix has 2^128 elements or more.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[1]], vec![5], [2])?;
    /// assert_eq!(a.diagonalize()?, Coo::new(&[[1], [1]], vec![5], [2, 2])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "diag")]
    pub fn diagonalize(&self) -> Result<Coo<T>> {
        const OP: &str = "diagonalize";
        let [len] = *self.shape() else {
            return Err(Error::shape(OP, format!("an array of shape {} is no diagonal", Shown(self.shape()))));
        };
        if !self.fill().is_same(T::zero()) {
            return Err(Error::layout(OP, format!("the fill is {} and must be 0", self.fill()))
                .with_remedy("bring the array to fill 0 with `refill`"));
        }
        let n_elems = n_elems(OP, &[len, len])?;
        with_width!(Width::of(n_elems), K => {
            let step = K::truncate(len as u128 + 1);
            let keys: Vec<K> = K::view(self.keys()).iter().map(|&key| key * step).collect();
            Ok(Coo::from_sorted(Arc::new([len, len]), keys, self.values().to_vec(), self.fill(), n_elems))
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, Axis};
    use proptest::prelude::*;

    use super::*;
    use crate::sparse::testing::dense_with_fill;

    fn stacks() -> impl Strategy<Value = ArrayD<i64>> {
        prop::collection::vec(0usize..5, 2..5).prop_flat_map(|shape| dense_with_fill(shape, 0i64))
    }

    proptest! {
        #[test]
        fn triangles_are_those_of_dense_arrays(a in stacks(), k in -5i64..6) {
            let coo = Coo::from_dense(&a.view()).unwrap();
            let expected = |lower: bool| {
                let mut cut = a.clone();
                for (at, x) in cut.indexed_iter_mut() {
                    let n = ndarray::Dimension::ndim(&at);
                    let diagonal = at[n - 1] as i64 - at[n - 2] as i64;
                    if (lower && diagonal > k) || (!lower && diagonal < k) { *x = 0; }
                }
                cut
            };
            prop_assert_eq!(coo.tril(k).unwrap().to_dense().unwrap(), expected(true));
            prop_assert_eq!(coo.triu(k).unwrap().to_dense().unwrap(), expected(false));
        }

        #[test]
        fn diagonals_are_those_of_dense_arrays(a in stacks(), offset in -5i64..6, picks in any::<[prop::sample::Index; 2]>()) {
            let (first, second) = (picks[0].index(a.ndim()), picks[1].index(a.ndim()));
            prop_assume!(first != second);
            let coo = Coo::from_dense_with_fill(&a.view(), 3).unwrap();
            let found = coo.diagonal(offset, first as isize, second as isize).unwrap();
            let (row, column) = ((-offset).max(0) as usize, offset.max(0) as usize);
            let len = a.shape()[first].saturating_sub(row).min(a.shape()[second].saturating_sub(column));
            let lines: Vec<ArrayD<i64>> = (0..len).map(|i| {
                let (low, high) = if first < second { (first, second) } else { (second, first) };
                let (at_low, at_high) = if first < second { (row + i, column + i) } else { (column + i, row + i) };
                a.index_axis(Axis(high), at_high).index_axis(Axis(low), at_low).to_owned()
            }).collect();
            prop_assert_eq!(found.shape().last().copied(), Some(len as u64));
            let found = found.to_dense().unwrap();
            for (i, line) in lines.iter().enumerate() {
                prop_assert_eq!(&found.index_axis(Axis(found.ndim() - 1), i), line);
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let a = Coo::empty([3], 1).unwrap();
        assert!(a.tril(0).unwrap_err().is_shape());
        assert!(a.diagonalize().unwrap_err().is_usage());
        assert!(Coo::empty([3, 3], 1).unwrap().triu(0).unwrap_err().to_string().contains("refill"));
        assert!(Coo::empty([3, 3], 1).unwrap().diagonal(0, 1, -1).unwrap_err().is_shape());
        assert!(Coo::empty([u64::MAX], 0).unwrap().diagonalize().is_ok());
    }
}
