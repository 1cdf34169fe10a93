//! Products of matrices and stacks of matrices, outer products.

use ndarray::{ArrayD, ArrayViewD};

use super::broadcast::broadcast_shapes;
use super::contract::Pairing;
use super::coo::Coo;
use crate::element::Element;
use crate::error::{Error, Result, Shown};

impl<T: Element> Coo<T> {
    /// The matrix product, NumPy's `@`: the last two axes are matrices, those before go together and broadcast.
    ///
    /// An array with one axis is a row on the left and a column on the right, and that axis is gone from the result.
    ///
    /// # Errors
    /// An operand has no axes, lengths do not fit, or a fill is not zero.
    ///
    /// # Complexity
    /// As [`tensordot`](Coo::tensordot); stretched stacks of matrices are copied unless a single matrix stands beside them.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1, 1], [1, 0, 1], [2, 0, 2]], vec![1, 2, 3], [2, 2, 3])?;
    /// let b = Coo::new(&[[0, 1, 2, 2], [0, 1, 0, 1]], vec![1, 1, 1, 1], [3, 2])?;
    /// let c = a.matmul(&b)?;
    /// assert_eq!(c.to_dense()?, ndarray::arr3(&[[[0, 0], [1, 1]], [[2, 0], [3, 3]]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn matmul(&self, other: &Coo<T>) -> Result<Coo<T>> {
        const OP: &str = "matmul";
        let plan = Plan::new(OP, self.shape(), other.shape())?;
        if plan.is_simple() {
            let product = self.contract(other, &plan.pairing(OP)?)?;
            return Ok(product.permute(&plan.order(product.ndim())));
        }
        let (a, b) = (self.broadcast_to(&plan.a)?, other.broadcast_to(&plan.b)?);
        a.contract(&b, &plan.pairing(OP)?)
    }

    /// The matrix product with a dense array on the right, as a dense array; see [`matmul`](Coo::matmul).
    ///
    /// # Errors
    /// As [`matmul`](Coo::matmul), or the result does not fit in memory.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 0], [0, 2]], vec![1.0, 2.0], [2, 3])?;
    /// let b = ndarray::arr1(&[1.0, 3.0, 5.0]).into_dyn();
    /// assert_eq!(a.matmul_dense(&b.view())?, ndarray::arr1(&[11.0, 0.0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn matmul_dense(&self, dense: &ArrayViewD<'_, T>) -> Result<ArrayD<T>> {
        const OP: &str = "matmul_dense";
        let shape: Vec<u64> = dense.shape().iter().map(|&len| len as u64).collect();
        let plan = Plan::new(OP, self.shape(), &shape)?;
        let own = self.broadcast_to(&plan.a)?;
        let product = own.contract_dense(&stretched(OP, dense, &plan.b)?, &plan.pairing(OP)?)?;
        let order = plan.order(product.ndim());
        Ok(product.permuted_axes(order).as_standard_layout().into_owned())
    }

    /// The matrix product of a dense array on the left with this one, as a dense array; see [`matmul`](Coo::matmul).
    ///
    /// # Errors
    /// As [`matmul_dense`](Coo::matmul_dense).
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 2], [1, 0]], vec![1.0, 2.0], [3, 2])?;
    /// let b = ndarray::arr2(&[[1.0, 2.0, 3.0]]).into_dyn();
    /// assert_eq!(a.dense_matmul(&b.view())?, ndarray::arr2(&[[6.0, 1.0]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn dense_matmul(&self, dense: &ArrayViewD<'_, T>) -> Result<ArrayD<T>> {
        // The transposed product of transposed operands.
        let flip = |ndim: usize| -> Vec<usize> {
            let mut order: Vec<usize> = (0..ndim).collect();
            if ndim > 1 {
                order.swap(ndim - 2, ndim - 1);
            }
            order
        };
        let own = if self.ndim() > 1 { self.swap_axes(-2, -1)? } else { self.clone() };
        let product = own.matmul_dense(&dense.view().permuted_axes(flip(dense.ndim())))?;
        let swaps = self.ndim() > 1 && dense.ndim() > 1;
        let order = if swaps { flip(product.ndim()) } else { (0..product.ndim()).collect() };
        Ok(product.permuted_axes(order).as_standard_layout().into_owned())
    }

    /// The products of all elements of this array with all of the other: axes of this array, then those of the other.
    ///
    /// # Errors
    /// A fill is not zero, or the result has 2^128 elements or more.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[1]], vec![2], [2])?;
    /// let b = Coo::new(&[[0, 2]], vec![3, 4], [3])?;
    /// assert_eq!(a.outer(&b)?.to_dense()?, ndarray::arr2(&[[0, 0, 0], [6, 0, 8]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn outer(&self, other: &Coo<T>) -> Result<Coo<T>> {
        self.tensordot(other, &[], &[])
    }

    /// The Kronecker product: every element replaced by its product with the other array.
    ///
    /// Axes are aligned from the right.
    ///
    /// # Errors
    /// A fill is not zero, or the result has 2^128 elements or more.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1], [0, 1]], vec![1, 2], [2, 2])?;
    /// let b = Coo::new(&[[0], [1]], vec![3], [1, 2])?;
    /// assert_eq!(a.kron(&b)?.to_dense()?, ndarray::arr2(&[[0, 3, 0, 0], [0, 0, 0, 6]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn kron(&self, other: &Coo<T>) -> Result<Coo<T>> {
        const OP: &str = "kron";
        let ndim = self.ndim().max(other.ndim());
        let padded = |shape: &[u64]| [vec![1; ndim - shape.len()], shape.to_vec()].concat();
        let (a, b) = (padded(self.shape()), padded(other.shape()));
        let lens: Option<Vec<u64>> = a.iter().zip(&b).map(|(&x, &y)| x.checked_mul(y)).collect();
        let shape = lens.ok_or_else(|| Error::shape(OP, "an axis gets 2^64 elements or more"))?;
        let pairs: Vec<isize> = (0..ndim).flat_map(|axis| [axis as isize, (ndim + axis) as isize]).collect();
        self.reshape(&a)?.outer(&other.reshape(&b)?)?.transpose(&pairs)?.reshape(shape)
    }
}

/// A dense array stretched to a shape.
fn stretched<'a, T>(op: &'static str, dense: &'a ArrayViewD<'_, T>, shape: &[u64]) -> Result<ArrayViewD<'a, T>> {
    let lens: Vec<usize> = shape.iter().map(|&len| len as usize).collect();
    let from: Vec<u64> = dense.shape().iter().map(|&len| len as u64).collect();
    dense.broadcast(lens).ok_or_else(|| Error::broadcast(op, &Shown(&from), &Shown(shape)))
}

/// How two stacks of matrices meet.
struct Plan {
    /// The shapes of the operands with their batch axes stretched.
    a: Vec<u64>,
    b: Vec<u64>,
    /// The number of batch axes of each operand.
    a_batches: usize,
    b_batches: usize,
}

impl Plan {
    fn new(op: &'static str, a: &[u64], b: &[u64]) -> Result<Plan> {
        if a.is_empty() || b.is_empty() {
            return Err(Error::shape(op, "an operand has no axes").with_remedy("multiply with single values by `*`"));
        }
        let split = |shape: &[u64]| -> (Vec<u64>, Vec<u64>) {
            let (batch, matrix) = shape.split_at(shape.len().saturating_sub(2));
            (batch.to_vec(), matrix.to_vec())
        };
        let ((batch_a, matrix_a), (batch_b, matrix_b)) = (split(a), split(b));
        let k_b = matrix_b[matrix_b.len().saturating_sub(2)];
        if matrix_a.last() != Some(&k_b) {
            let detail = format!("{} columns meet {k_b} rows", matrix_a[matrix_a.len() - 1]);
            return Err(Error::shape(op, format!("{detail}; operands {} and {}", Shown(a), Shown(b))));
        }
        let batch = broadcast_shapes(op, &batch_a, &batch_b)?;
        // A single vector goes with every matrix of a stack, and so does a single matrix.
        let with = |own: &[u64], matrix: &[u64]| {
            let batch = if own.is_empty() { Vec::new() } else { batch.clone() };
            [batch, matrix.to_vec()].concat()
        };
        Ok(Plan {
            a: with(&batch_a, &matrix_a),
            b: with(&batch_b, &matrix_b),
            a_batches: if batch_a.is_empty() { 0 } else { batch.len() },
            b_batches: if batch_b.is_empty() { 0 } else { batch.len() },
        })
    }

    /// Whether one operand is no stack, so that nothing goes together.
    fn is_simple(&self) -> bool {
        self.a_batches == 0 || self.b_batches == 0
    }

    /// The axes of the result in the order in which a product has them: that of a matrix with a stack has the rows of the
    /// matrix first.
    fn order(&self, ndim: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..ndim).collect();
        if self.a_batches == 0 && self.a.len() > 1 {
            order[..=self.b_batches].rotate_left(1);
        }
        order
    }

    fn pairing(&self, op: &'static str) -> Result<Pairing> {
        // Where one side is no stack, there is nothing to pair.
        let n = self.a_batches.min(self.b_batches);
        let batch: Vec<usize> = (0..n).collect();
        let (last_a, row_b) = (self.a.len() - 1, self.b.len().saturating_sub(2));
        Pairing::batched(op, (&self.a, &batch, &[last_a]), (&self.b, &batch, &[row_b]))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Axis, Ix2};
    use proptest::prelude::*;

    use super::*;
    use crate::sparse::testing::dense_with_fill;

    /// NumPy's definition, matrix by matrix.
    fn dense_matmul(a: &ArrayD<i64>, b: &ArrayD<i64>) -> ArrayD<i64> {
        let (mut x, mut y) = (a.view(), b.view());
        if a.ndim() == 1 {
            x = x.insert_axis(Axis(0));
        }
        if b.ndim() == 1 {
            y = y.insert_axis(Axis(1));
        }
        let lens =
            |v: &ArrayViewD<'_, i64>| v.shape()[..v.ndim() - 2].iter().map(|&len| len as u64).collect::<Vec<u64>>();
        let batch: Vec<usize> =
            broadcast_shapes("matmul", &lens(&x), &lens(&y)).unwrap().iter().map(|&len| len as usize).collect();
        let (m, k, n) = (x.shape()[x.ndim() - 2], x.shape()[x.ndim() - 1], y.shape()[y.ndim() - 1]);
        let x = x.broadcast([batch.clone(), vec![m, k]].concat()).unwrap();
        let y = y.broadcast([batch.clone(), vec![k, n]].concat()).unwrap();
        let mut out = ArrayD::zeros([batch.clone(), vec![m, n]].concat());
        for at in ndarray::indices(batch) {
            let at = ndarray::Dimension::slice(&at).to_vec();
            let at_batch = |v: ArrayViewD<'_, i64>| -> Array2<i64> {
                at.iter()
                    .fold(v, |v, &i| v.index_axis_move(Axis(0), i))
                    .into_dimensionality::<Ix2>()
                    .unwrap()
                    .to_owned()
            };
            let product = at_batch(x.view()).dot(&at_batch(y.view()));
            at.iter().fold(out.view_mut(), |v, &i| v.index_axis_move(Axis(0), i)).assign(&product.into_dyn());
        }
        if b.ndim() == 1 {
            let last = Axis(out.ndim() - 1);
            out = out.index_axis_move(last, 0);
        }
        if a.ndim() == 1 {
            let rows = Axis(out.ndim() - usize::from(b.ndim() > 1) - 1);
            out = out.index_axis_move(rows, 0);
        }
        out
    }

    fn cases() -> impl Strategy<Value = (ArrayD<i64>, ArrayD<i64>)> {
        let batch = prop::collection::vec((1usize..4, any::<[bool; 2]>()), 0..3);
        (batch, 0usize..4, 0usize..4, 0usize..4, 0usize..3, any::<[bool; 2]>()).prop_flat_map(
            |(batch, m, k, n, cut, vector)| {
                let lens = |side: usize| {
                    batch.iter().map(|(len, ones)| if ones[side] { 1 } else { *len }).collect::<Vec<usize>>()
                };
                let a = if vector[0] { vec![k] } else { [&lens(0)[cut.min(batch.len())..], &[m, k]].concat() };
                let b = if vector[1] { vec![k] } else { [lens(1), vec![k, n]].concat() };
                (dense_with_fill(a, 0i64), dense_with_fill(b, 0i64))
            },
        )
    }

    proptest! {
        #[test]
        fn products_are_those_of_dense_arrays((a, b) in cases()) {
            let expected = dense_matmul(&a, &b);
            let (x, y) = (Coo::from_dense(&a.view()).unwrap(), Coo::from_dense(&b.view()).unwrap());
            let found = x.matmul(&y).unwrap();
            prop_assert!(found.keys().is_canonical(found.size()));
            prop_assert_eq!(&found.to_dense().unwrap(), &expected);
            prop_assert_eq!(&x.matmul_dense(&b.view()).unwrap(), &expected);
            prop_assert_eq!(&y.dense_matmul(&a.view()).unwrap(), &expected);
        }

        #[test]
        fn kronecker_products_multiply_every_element(
            a in prop::collection::vec(1usize..4, 0..3).prop_flat_map(|shape| dense_with_fill(shape, 0i64)),
            b in prop::collection::vec(1usize..4, 0..3).prop_flat_map(|shape| dense_with_fill(shape, 0i64)),
        ) {
            let (x, y) = (Coo::from_dense(&a.view()).unwrap(), Coo::from_dense(&b.view()).unwrap());
            let found = x.kron(&y).unwrap();
            let ndim = a.ndim().max(b.ndim());
            let pad = |v: &ArrayD<i64>| (v.ndim()..ndim).fold(v.clone(), |v, _| v.insert_axis(Axis(0)));
            let (a, b) = (pad(&a), pad(&b));
            for (at, &value) in found.to_dense().unwrap().indexed_iter() {
                let at = ndarray::Dimension::slice(&at).to_vec();
                let outer: Vec<usize> = at.iter().zip(b.shape()).map(|(i, n)| i / n).collect();
                let inner: Vec<usize> = at.iter().zip(b.shape()).map(|(i, n)| i % n).collect();
                prop_assert_eq!(value, a[outer.as_slice()] * b[inner.as_slice()]);
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let (a, b) = (Coo::<i32>::zeros([2, 3]).unwrap(), Coo::<i32>::zeros([4, 2]).unwrap());
        assert_eq!(a.matmul(&b).unwrap_err().to_string(), "matmul: 3 columns meet 4 rows; operands (2, 3) and (4, 2)");
        assert!(a.matmul(&Coo::zeros([]).unwrap()).unwrap_err().is_shape());
        assert!(a.matmul(&Coo::ones([3, 2]).unwrap()).unwrap_err().to_string().contains("fill"));
        let stack = Coo::zeros([2, 5, 3]).unwrap();
        assert!(stack.matmul(&Coo::<i32>::zeros([3, 3, 1]).unwrap()).unwrap_err().is_shape());
    }
}
