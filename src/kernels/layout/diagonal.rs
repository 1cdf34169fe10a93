//! The diagonal of two axes.

use ndarray::{ArcArray, ArrayViewD, Axis, IxDyn};
use serde::{Deserialize, Serialize};

use crate::block::{Block, BlockData, Value, with_block};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::kernels::context::KernelContext;
use crate::kernels::entries::Entries;
use crate::kernels::operands::{exactly, lengths, scratch};
use crate::sparse::Coo;

const OP: &str = "diagonal";

/// The elements whose positions along two axes differ by `offset`; they become the last axis of the result.
///
/// ```text
/// x (2, 3)   offset 1     x[0, 1] and x[1, 2]
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Diagonal {
    /// The axis of the rows and that of the columns.
    pub(crate) axes: [usize; 2],
    /// Column minus row.
    pub(crate) offset: i64,
}

impl Diagonal {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Block> {
        let [block] = exactly(OP, inputs)?;
        let [row, column] = self.axes;
        let shape = block.shape();
        if row == column || row.max(column) >= shape.len() {
            let expected = format!("more than {row} and {column}, which differ");
            return Err(Error::block(OP, "a number of axes", expected, shape.len()));
        }
        with_block!(block, T, data => match data {
            BlockData::Dense(array) => self.dense::<T>(&array, ctx).map(Block::new::<T>),
            BlockData::Sparse(coo) => self.sparse::<T>(&coo).map(Block::new::<T>),
        })
    }

    /// The first row and column of the diagonal.
    fn start(&self) -> (u64, u64) {
        (self.offset.min(0).unsigned_abs(), self.offset.max(0) as u64)
    }

    /// The shape of the result.
    fn shape(&self, input: &[u64]) -> Vec<u64> {
        let (row, column) = self.start();
        let len = input[self.axes[0]].saturating_sub(row).min(input[self.axes[1]].saturating_sub(column));
        (0..input.len()).filter(|axis| !self.axes.contains(axis)).map(|axis| input[axis]).chain([len]).collect()
    }

    fn dense<T: Element>(&self, array: &ArcArray<T, IxDyn>, ctx: &KernelContext<'_>) -> Result<ArcArray<T, IxDyn>> {
        let input: Vec<u64> = array.shape().iter().map(|&len| len as u64).collect();
        let mut out = scratch::<T>(&lengths(&self.shape(&input)), ctx)?;
        let (row, column) = self.start();
        let last = Axis(out.ndim() - 1);
        for (k, mut part) in out.axis_iter_mut(last).enumerate() {
            part.assign(&self.part(array.view(), row as usize + k, column as usize + k));
        }
        Ok(out.into_shared())
    }

    /// The other axes at a row and a column.
    fn part<'a, T>(&self, view: ArrayViewD<'a, T>, row: usize, column: usize) -> ArrayViewD<'a, T> {
        let [row_axis, column_axis] = self.axes;
        let after_row = if column_axis > row_axis { column_axis - 1 } else { column_axis };
        view.index_axis_move(Axis(row_axis), row).index_axis_move(Axis(after_row), column)
    }

    fn sparse<T: Element>(&self, coo: &Coo<T>) -> Result<Coo<T>> {
        let [row_axis, column_axis] = self.axes;
        let (row, column) = self.start();
        let mut entries = Entries::new(coo.ndim() - 1);
        for (at, &value) in coo.coords().columns().into_iter().zip(coo.values()) {
            if at[row_axis] >= row && at[row_axis] - row + column == at[column_axis] {
                let others = (0..at.len()).filter(|axis| !self.axes.contains(axis)).map(|axis| at[axis]);
                entries.push(others.chain([at[row_axis] - row]), value);
            }
        }
        entries.into_coo(&self.shape(coo.shape()), coo.fill())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;
    use proptest::prelude::*;

    use super::*;
    use crate::block::BufferPool;
    use crate::kernels::testing::{Kind, assert_same, check_all_types, drawn};

    fn run(diagonal: &Diagonal, block: Block) -> Result<Block> {
        let pool = BufferPool::new(1 << 20);
        diagonal.run(vec![block.into()], &KernelContext::new(&pool))
    }

    proptest! {
        #[test]
        fn diagonals_are_elements_at_equal_distance(
            shape in prop::collection::vec(0usize..5, 2..4),
            axes in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
            offset in -5i64..6,
            seed in any::<u64>(),
        ) {
            let row = axes.0.index(shape.len());
            let column = (row + 1 + axes.1.index(shape.len() - 1)) % shape.len();
            let diagonal = Diagonal { axes: [row, column], offset };
            let wide: Vec<u64> = shape.iter().map(|&len| len as u64).collect();
            let out = lengths(&diagonal.shape(&wide));
            let on_diagonal = |i: i64| (0..shape[column] as i64).contains(&(i + offset));
            prop_assert_eq!(out[out.len() - 1], (0..shape[row] as i64).filter(|&i| on_diagonal(i)).count());
            check_all_types!(T => {
                for kind in Kind::ALL {
                    let (block, dense) = drawn::<T>(&shape, seed, kind);
                    let expected = ArrayD::from_shape_fn(IxDyn(&out), |at| {
                        let mut others = (0..out.len() - 1).map(|k| at[k]);
                        let k = at[out.len() - 1] as i64;
                        let from: Vec<usize> = (0..shape.len())
                            .map(|axis| match axis {
                                axis if axis == row => (k + (-offset).max(0)) as usize,
                                axis if axis == column => (k + offset.max(0)) as usize,
                                _ => others.next().unwrap(),
                            })
                            .collect();
                        dense[from.as_slice()]
                    });
                    let found = run(&diagonal, block).unwrap();
                    prop_assert_eq!(found.is_sparse(), kind.is_sparse());
                    assert_same(&found, &expected);
                }
            });
        }
    }

    #[test]
    fn axes_must_exist_and_differ() {
        let block = || drawn::<f64>(&[3, 3], 1, Kind::Plain).0;
        assert!(run(&Diagonal { axes: [0, 0], offset: 0 }, block()).is_err());
        assert!(run(&Diagonal { axes: [0, 2], offset: 0 }, block()).is_err());
    }
}
