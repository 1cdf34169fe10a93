//! Functions of every element, stored or not.
//!
//! The function meets the fills once and the entries one by one: the fill of `x + 1` is the fill of `x`, plus 1. Entries
//! that come out equal to the new fill are dropped.

use std::borrow::Cow;

use ndarray::{ArrayD, ArrayViewD, CowArray, IxDyn};

use super::align::{Side, merge_with};
use super::broadcast::broadcast_shapes;
use super::coo::Coo;
use super::keys::{Key, with_keys, with_width};
use crate::element::Element;
use crate::error::{Error, Result, Shown};

impl<T: Element> Coo<T> {
    /// `f` of every element, the fill included.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[1, 2]], vec![1.0, -2.0], [4])?;
    /// let b = a.map(|x: f64| x.max(0.0) + 1.0);
    /// assert_eq!((b.fill(), b.nnz()), (1.0, 1));
    /// assert_eq!(b.to_dense()?.into_raw_vec_and_offset().0, [1.0, 2.0, 1.0, 1.0]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn map<U: Element>(&self, f: impl Fn(T) -> U) -> Coo<U> {
        self.with_values(self.values().iter().map(|&value| f(value)).collect(), f(self.fill())).prune()
    }

    /// `f` of the elements of two arrays of one shape.
    ///
    /// # Errors
    /// The shapes differ; [`zip_broadcast`](Coo::zip_broadcast) stretches them.
    ///
    /// # Complexity
    /// One merge of the entries of both, on all threads if there are many.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1]], vec![5, 3], [4])?;
    /// let b = Coo::new(&[[0, 2]], vec![-5, 2], [4])?;
    /// let sum = a.zip_with(&b, |x, y| x + y)?;
    /// assert_eq!((sum.nnz(), sum.values()), (2, &[3, 2][..]));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn zip_with<U: Element, V: Element>(&self, other: &Coo<U>, f: impl Fn(T, U) -> V + Sync) -> Result<Coo<V>> {
        if self.shape() != other.shape() {
            let detail = format!("shapes {} and {} differ", Shown(self.shape()), Shown(other.shape()));
            return Err(Error::shape("zip_with", detail).with_remedy("use zip_broadcast to stretch axes of length 1"));
        }
        let fill = f(self.fill(), other.fill());
        if self.keys().is_shared_with(other.keys()) {
            let values = self.values().iter().zip(other.values()).map(|(&a, &b)| f(a, b)).collect();
            return Ok(self.with_values(values, fill).prune());
        }
        with_width!(self.keys().width(), K => {
            let (a_keys, b_keys): (Cow<'_, [K]>, Cow<'_, [K]>) = (Key::view(self.keys()), Key::view(other.keys()));
            let a = Side { keys: &a_keys, values: self.values(), fill: self.fill() };
            let b = Side { keys: &b_keys, values: other.values(), fill: other.fill() };
            let (keys, values) = merge_with(a, b, f);
            Ok(Coo::from_sorted(self.shared_shape(), keys, values, fill, self.size()))
        })
    }

    /// `f` of the elements of this array and a dense one, as a dense array; shapes broadcast both ways.
    ///
    /// # Errors
    /// The shapes do not broadcast, or the result does not fit in memory.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0], [1]], vec![5], [2, 2])?;
    /// let row = ndarray::arr1(&[1, 2]).into_dyn();
    /// let sum = a.zip_dense(&row.view(), |x, y| x + y)?;
    /// assert_eq!(sum, ndarray::arr2(&[[1, 7], [1, 2]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn zip_dense<U: Element, V: Element>(
        &self,
        dense: &ArrayViewD<'_, U>,
        f: impl Fn(T, U) -> V,
    ) -> Result<ArrayD<V>> {
        let (stretched, dense) = self.meet_dense("zip_dense", dense)?;
        let elements = dense.as_slice().unwrap_or_default();
        let mut out: Vec<V> = elements.iter().map(|&element| f(self.fill(), element)).collect();
        with_keys!(stretched.keys(), keys => {
            for (key, &value) in keys.iter().zip(stretched.values()) {
                let at = key.to_usize_lossy();
                out[at] = f(value, elements[at]);
            }
        });
        ArrayD::from_shape_vec(dense.raw_dim(), out).map_err(|error| Error::bug("zip_dense", error.to_string()))
    }

    /// `f` of the elements of this array and a dense one, as a sparse array; shapes broadcast both ways.
    ///
    /// Possible where `f` of this array's fill is the same for all dense elements, as in a product with fill 0: that
    /// value is the fill of the result.
    ///
    /// # Errors
    /// The shapes do not broadcast, or `f` of the fill differs between dense elements.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0], [1]], vec![5], [2, 2])?;
    /// let row = ndarray::arr1(&[3, 2]).into_dyn();
    /// assert_eq!(a.zip_dense_sparse(&row.view(), |x, y| x * y)?.values(), [10]);
    /// assert!(a.zip_dense_sparse(&row.view(), |x, y| x + y).is_err());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn zip_dense_sparse<U: Element, V: Element>(
        &self,
        dense: &ArrayViewD<'_, U>,
        f: impl Fn(T, U) -> V,
    ) -> Result<Coo<V>> {
        const OP: &str = "zip_dense_sparse";
        let fill = f(self.fill(), dense.first().copied().unwrap_or_default());
        if let Some(&other) = dense.iter().find(|&&element| !f(self.fill(), element).is_same(fill)) {
            let detail = format!(
                "fill {} gives {fill} with some elements and {} with {other}",
                self.fill(),
                f(self.fill(), other)
            );
            return Err(Error::layout(OP, detail).with_remedy("use zip_dense for a dense result"));
        }
        let (stretched, dense) = self.meet_dense(OP, dense)?;
        let elements = dense.as_slice().unwrap_or_default();
        let values = with_keys!(stretched.keys(), keys => {
            let pairs = keys.iter().zip(stretched.values());
            pairs.map(|(key, &value)| f(value, elements[key.to_usize_lossy()])).collect()
        });
        Ok(stretched.with_values(values, fill).prune())
    }

    /// This array and a dense one stretched to their common shape, the dense one in C order.
    fn meet_dense<'a, U: Element>(
        &self,
        op: &'static str,
        dense: &'a ArrayViewD<'_, U>,
    ) -> Result<(Coo<T>, CowArray<'a, U, IxDyn>)> {
        let dense_shape: Vec<u64> = dense.shape().iter().map(|&len| len as u64).collect();
        let to = broadcast_shapes(op, self.shape(), &dense_shape)?;
        let stretched = self.broadcast_to(&to)?;
        let lens = stretched.dense_shape(op)?;
        let wide =
            dense.broadcast(lens).ok_or_else(|| Error::broadcast(op, &Shown(self.shape()), &Shown(&dense_shape)))?;
        let dense = if wide.is_standard_layout() { wide.into() } else { wide.as_standard_layout().into_owned().into() };
        Ok((stretched, dense))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;
    use proptest::prelude::*;

    use super::*;
    use crate::element::C64;
    use crate::sparse::testing::{Drawn, dense_with_fill, same, shapes};

    fn pair<T: Drawn>(fills: [T; 2]) -> impl Strategy<Value = (ArrayD<T>, ArrayD<T>)> {
        shapes()
            .prop_flat_map(move |shape| (dense_with_fill(shape.clone(), fills[0]), dense_with_fill(shape, fills[1])))
    }

    fn check<T: Drawn, V: Element>((a, b): &(ArrayD<T>, ArrayD<T>), fills: [T; 2], f: fn(T, T) -> V) {
        let expected = ndarray::Zip::from(a).and(b).map_collect(|&x, &y| f(x, y));
        let sparse_a = Coo::from_dense_with_fill(&a.view(), fills[0]).unwrap();
        let sparse_b = Coo::from_dense_with_fill(&b.view(), fills[1]).unwrap();
        let found = sparse_a.zip_with(&sparse_b, f).unwrap();
        assert!(same(&found.to_dense().unwrap(), &expected));
        assert!(found.fill().is_same(f(fills[0], fills[1])));
        assert_eq!(found, found.prune());
        assert!(same(&sparse_a.zip_dense(&b.view(), f).unwrap(), &expected));
        let mapped = sparse_a.map(|x| f(x, fills[1]));
        assert!(same(&mapped.to_dense().unwrap(), &a.mapv(|x| f(x, fills[1]))));
        assert_eq!(mapped, mapped.prune());
    }

    proptest! {
        #[test]
        fn integers_zip_like_dense_ones(pair in pair([0i64, 3])) {
            check(&pair, [0, 3], |x, y| x - y);
            check(&pair, [0, 3], |x, y| x * y);
            check(&pair, [0, 3], |x, y| x < y);
        }

        #[test]
        fn floats_keep_nan_and_minus_zero(pair in pair([0.0, f64::NAN])) {
            check(&pair, [0.0, f64::NAN], |x, y| x * y);
            check(&pair, [0.0, f64::NAN], |x, y| if y.is_nan() { -0.0 * x } else { x });
        }

        #[test]
        fn complex_and_bool_zip(complex in pair([C64::new(0.0, 0.0), C64::new(1.0, 0.0)]), truth in pair([true, false])) {
            check(&complex, [C64::new(0.0, 0.0), C64::new(1.0, 0.0)], |x, y| x * y);
            check(&truth, [true, false], |x, y| x ^ y);
        }

        #[test]
        fn a_dense_factor_keeps_the_result_sparse((a, b) in pair([0i64, 1])) {
            let sparse = Coo::from_dense(&a.view()).unwrap();
            let found = sparse.zip_dense_sparse(&b.view(), |x, y| x * y).unwrap();
            prop_assert_eq!(found.to_dense().unwrap(), &a * &b);
            prop_assert_eq!(found.nnz(), (&a * &b).iter().filter(|&&x| x != 0).count());
        }
    }

    #[test]
    fn stored_values_meet_fills() {
        let a = Coo::new(&[[0, 1]], vec![f64::INFINITY, f64::NAN], [3]).unwrap();
        let zero = Coo::empty([3], 0.0).unwrap();
        let product = a.zip_with(&zero, |x, y| x * y).unwrap();
        assert!(product.nnz() == 2 && product.values().iter().all(|x| x.is_nan()));
        assert_eq!(a.zip_with(&a, |x, y| x - y).unwrap().nnz(), 2);
        assert!(a.zip_with(&Coo::empty([4], 0.0).unwrap(), |x, y| x + y).unwrap_err().is_shape());
    }

    #[test]
    fn dense_operands_may_enlarge_the_shape() {
        let a = Coo::new(&[[1]], vec![5], [2]).unwrap();
        let b = ndarray::arr2(&[[1, 2], [3, 4], [5, 6]]).into_dyn();
        let sum = a.zip_dense(&b.view(), |x, y| x + y).unwrap();
        assert_eq!(sum, ndarray::arr2(&[[1, 7], [3, 9], [5, 11]]).into_dyn());
        assert_eq!(a.zip_dense_sparse(&b.view(), |x, y| x * y).unwrap().values(), [10, 20, 30]);
        assert!(a.zip_dense(&ndarray::arr1(&[1, 2, 3]).into_dyn().view(), |x, y| x + y).unwrap_err().is_shape());
    }

    #[test]
    fn shapes_beyond_64_bits_add() {
        let n = 1u64 << 41;
        let a = Coo::new(&[[0, n - 1], [5, n - 1]], vec![1, 2], [n, n]).unwrap();
        let b = Coo::new(&[[n - 1, 7], [n - 1, 0]], vec![-2, 4], [n, n]).unwrap();
        let sum = a.zip_with(&b, |x, y| x + y).unwrap();
        assert_eq!(sum.coords(), ndarray::arr2(&[[0, 7], [5, 0]]));
    }
}
