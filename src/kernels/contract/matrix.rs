//! Operands of a contraction seen as matrices.

use ndarray::{ArrayViewD, Axis, CowArray, IxDyn};

use crate::element::Element;
use crate::error::Result;
use crate::kernels::context::KernelContext;
use crate::kernels::copy::copied;

/// How the axes of an operand are grouped: batch axes first, then those of the rows, then those of the columns.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    pub(super) batch: Vec<usize>,
    pub(super) rows: Vec<usize>,
    pub(super) columns: Vec<usize>,
}

impl Groups {
    /// The operand as an array of matrices, `[batch.., row, column]`. Copied if two strides do not express them.
    pub(super) fn matrices<'a, T: Element>(
        &self,
        operand: ArrayViewD<'a, T>,
        ctx: &KernelContext<'_>,
    ) -> Result<CowArray<'a, T, IxDyn>> {
        let (view, n_batch) = (self.permuted(operand), self.batch.len());
        match self.merged(view.clone()) {
            Some(matrices) => Ok(matrices.into()),
            None => {
                let copy = copied(&view, ctx)?.into_owned();
                let n_rows: usize = view.shape()[n_batch..][..self.rows.len()].iter().product();
                let n_columns: usize = view.shape()[n_batch + self.rows.len()..].iter().product();
                let mut shape = view.shape()[..n_batch].to_vec();
                shape.extend([n_rows, n_columns]);
                // A row-major array takes any shape with as many elements.
                let matrices = copy.into_shape_with_order(IxDyn(&shape)).expect("rows and columns keep the elements");
                Ok(matrices.into())
            }
        }
    }

    /// The operand as an array of matrices, if no copy is needed.
    pub(super) fn view<'a, T>(&self, operand: ArrayViewD<'a, T>) -> Option<ArrayViewD<'a, T>> {
        self.merged(self.permuted(operand))
    }

    /// Whether no copy is needed.
    pub(super) fn is_matrix<T>(&self, operand: ArrayViewD<'_, T>) -> bool {
        self.view(operand).is_some()
    }

    fn permuted<'a, T>(&self, operand: ArrayViewD<'a, T>) -> ArrayViewD<'a, T> {
        let order: Vec<usize> = self.batch.iter().chain(&self.rows).chain(&self.columns).copied().collect();
        operand.permuted_axes(IxDyn(&order))
    }

    fn merged<'a, T>(&self, view: ArrayViewD<'a, T>) -> Option<ArrayViewD<'a, T>> {
        let columns = merge_axes(view, self.batch.len() + self.rows.len(), self.columns.len())?;
        merge_axes(columns, self.batch.len(), self.rows.len())
    }
}

/// Makes one axis of `n` neighbours, if one stride can do so; of none, a new axis of length 1.
fn merge_axes<T>(mut view: ArrayViewD<'_, T>, first: usize, n: usize) -> Option<ArrayViewD<'_, T>> {
    if n == 0 {
        return Some(view.insert_axis(Axis(first)));
    }
    for axis in (first..first + n - 1).rev() {
        // An empty axis cannot be dropped, but then nothing is multiplied either.
        if view.is_empty() || !view.merge_axes(Axis(axis), Axis(axis + 1)) {
            return None;
        }
        view = view.index_axis_move(Axis(axis), 0);
    }
    Some(view)
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;

    use super::*;
    use crate::block::BufferPool;

    #[test]
    fn groups_that_are_one_run_are_not_copied() {
        let a = ArrayD::from_shape_vec(IxDyn(&[2, 3, 4, 5]), (0..120).collect::<Vec<i32>>()).unwrap();
        let pool = BufferPool::new(0);
        let ctx = KernelContext::new(&pool);
        for (rows, columns, n_rows, is_view) in [
            (vec![0, 1], vec![2, 3], 6, true),
            (vec![2, 3], vec![0, 1], 20, true),
            (vec![3], vec![0, 1, 2], 5, true),
            (vec![], vec![0, 1, 2, 3], 1, true),
            (vec![0, 1, 2, 3], vec![], 120, true),
            (vec![1, 0], vec![2, 3], 6, false),
            (vec![0, 2], vec![1, 3], 8, false),
        ] {
            let groups = Groups { batch: vec![], rows, columns };
            assert_eq!(groups.is_matrix(a.view()), is_view, "{groups:?}");
            let matrix = groups.matrices(a.view(), &ctx).unwrap();
            assert_eq!((matrix.shape(), matrix.is_view()), (&[n_rows, 120 / n_rows][..], is_view));
            let order: Vec<usize> = groups.rows.iter().chain(&groups.columns).copied().collect();
            assert!(matrix.iter().eq(a.view().permuted_axes(IxDyn(&order)).iter()));
        }
    }
}
