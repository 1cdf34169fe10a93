//! Writing at a list of positions along one axis.

use hashbrown::HashMap;
use ndarray::{ArrayViewD, ArrayViewMutD, Axis};
use serde::{Deserialize, Serialize};

use super::value::{Assignment, SparseValue, broadcast, len_along, without_leading, write_sparse};
use crate::block::{Block, Value, with_block};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::kernels::context::KernelContext;
use crate::kernels::copy::{copy_into, writable};
use crate::kernels::index::take_sparse;
use crate::kernels::operands::{exactly, lengths};
use crate::sparse::Coo;

const OP: &str = "assign";

/// Rows of at least so many elements are written whole, one position after the other.
const MIN_ROW_ELEMS: usize = 16;

/// Writes element `picks[k].1` of a value along `axis` to position `picks[k].0` of a block; the last write wins.
///
/// Inputs: the block and the value, which is broadcast: an axis of length 1 has every index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AssignPicks {
    /// The axis that positions are picked along.
    pub(crate) axis: usize,
    /// A position in the block and the index in the value that goes there.
    pub(crate) picks: Vec<(u64, u64)>,
}

impl AssignPicks {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Block> {
        let [block, value] = exactly(OP, inputs)?;
        let shape: Vec<u64> = block.shape().iter().map(|&len| len as u64).collect();
        self.check(&shape)?;
        with_block!(block, T, data => match Assignment::<T>::new(OP, data, value)? {
            Assignment::Dense(target, value) => {
                let mut target = writable(target, ctx)?;
                let value = without_leading(value, shape.len());
                let value_len = len_along(value.shape(), self.axis, shape.len()) as u64;
                let shape = self.value_shape(&shape, value_len)?;
                self.write(target.view_mut(), &broadcast(OP, &value, &lengths(&shape))?);
                Ok(Block::from_dense(target))
            }
            Assignment::Sparse(target, value) => self.sparse::<T>(&target, &value).map(Block::new::<T>),
        })
    }

    fn check(&self, shape: &[u64]) -> Result<()> {
        let Some(&len) = shape.get(self.axis) else {
            return Err(Error::block(OP, "a number of axes", format_args!("more than {}", self.axis), shape.len()));
        };
        match self.picks.iter().map(|pick| pick.0).max() {
            Some(high) if high >= len => {
                let what = format!("along axis {} a length of", self.axis);
                Err(Error::block(OP, &what, format_args!("at least {}", high + 1), len))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The shape that the value is broadcast to.
    fn value_shape(&self, target: &[u64], value_len: u64) -> Result<Vec<u64>> {
        let needed = self.picks.iter().map(|pick| pick.1 + 1).max().unwrap_or(0);
        if needed > value_len && value_len != 1 {
            let what = format!("along axis {} of the value a length of", self.axis);
            return Err(Error::block(OP, &what, format_args!("at least {needed}"), value_len));
        }
        let mut shape = target.to_vec();
        shape[self.axis] = if value_len == 1 { needed } else { value_len };
        Ok(shape)
    }

    fn write<T: Element>(&self, mut target: ArrayViewMutD<'_, T>, value: &ArrayViewD<'_, T>) {
        let axis = Axis(self.axis);
        let row_elems = target.len().checked_div(target.len_of(axis)).unwrap_or(0);
        if row_elems >= MIN_ROW_ELEMS {
            for &(to, from) in &self.picks {
                copy_into(target.index_axis_mut(axis, to as usize), value.index_axis(axis, from as usize));
            }
            return;
        }
        for (mut target, value) in target.lanes_mut(axis).into_iter().zip(value.lanes(axis)) {
            for &(to, from) in &self.picks {
                target[to as usize] = value[from as usize];
            }
        }
    }

    fn sparse<T: Element>(&self, target: &Coo<T>, value: &SparseValue<T>) -> Result<Coo<T>> {
        let value_len = value.len_along(self.axis, target.ndim());
        let value = value.expand(OP, &self.value_shape(target.shape(), value_len)?, target.fill())?;
        let last: HashMap<u64, u64> = self.picks.iter().copied().collect();
        // One copy of the value's elements for each position that they go to.
        let (places, picks): (Vec<u64>, Vec<(u32, u64)>) = last.iter().map(|(&to, &from)| (to, (0, from))).unzip();
        let value = take_sparse(self.axis, &picks, &[value])?;
        let place = |at: &[u64]| {
            let mut to = at.to_vec();
            to[self.axis] = places[at[self.axis] as usize];
            to
        };
        write_sparse(target, &value, |at| last.contains_key(&at[self.axis]), place)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, IxDyn};
    use proptest::prelude::*;

    use super::*;
    use crate::block::BufferPool;
    use crate::kernels::testing::{Kind, assert_same, check_all_types, drawn, drawn_dense, shapes, stored};

    fn run(assign: &AssignPicks, block: Block, value: Block) -> Result<Block> {
        let pool = BufferPool::new(1 << 20);
        assign.run(vec![block.into(), value.into()], &KernelContext::new(&pool))
    }

    proptest! {
        #[test]
        fn the_last_write_wins(
            shape in shapes().prop_filter("an axis", |shape| !shape.is_empty()),
            axis in any::<prop::sample::Index>(),
            raw in prop::collection::vec((any::<u64>(), any::<u64>()), 0..6),
            value_len in 1u64..4,
            cut in prop::collection::vec(any::<bool>(), 4),
            seed in any::<u64>(),
        ) {
            let axis = axis.index(shape.len());
            let len = shape[axis] as u64;
            let picks = raw.iter().filter(|_| len > 0).map(|(to, from)| (to % len, from % value_len)).collect();
            let assign = AssignPicks { axis, picks };
            let mut full = shape.clone();
            full[axis] = value_len as usize;
            let value_shape: Vec<usize> = full.iter().zip(&cut).map(|(&n, &cut)| if cut { 1 } else { n }).collect();
            check_all_types!(T => {
                let value: ArrayD<T> = drawn_dense(&value_shape, seed.rotate_left(7));
                let stretched = value.broadcast(IxDyn(&full)).unwrap();
                for (kind, value_kind) in Kind::ALL.into_iter().flat_map(|kind| Kind::ALL.map(|other| (kind, other))) {
                    let (block, mut expected) = drawn::<T>(&shape, seed, kind);
                    for &(to, from) in &assign.picks {
                        expected.index_axis_mut(Axis(axis), to as usize).assign(&stretched.index_axis(Axis(axis), from as usize));
                    }
                    let found = run(&assign, block, stored(&value, value_kind)).unwrap();
                                        prop_assert_eq!(found.is_sparse(), kind.is_sparse());
                    assert_same(&found, &expected);
                }
            });
        }

        #[test]
        fn long_rows_too(picks in prop::collection::vec((0u64..5, 0u64..3), 0..6), axis in 0usize..2) {
            let assign = AssignPicks { axis, picks };
            let mut shape = vec![40, 40];
            shape[axis] = 5;
            let (block, mut expected) = drawn::<f64>(&shape, 3, Kind::Plain);
            shape[axis] = 3;
            let (value_block, value) = drawn::<f64>(&shape, 4, Kind::Plain);
            for &(to, from) in &assign.picks {
                expected.index_axis_mut(Axis(axis), to as usize).assign(&value.index_axis(Axis(axis), from as usize));
            }
            assert_same(&run(&assign, block, value_block).unwrap(), &expected);
        }
    }

    #[test]
    fn positions_outside_are_errors() {
        for kind in [Kind::Plain, Kind::Sparse] {
            let block = |shape: &[usize]| drawn::<f64>(shape, 1, kind).0;
            let assign = AssignPicks { axis: 1, picks: vec![(3, 1)] };
            assert!(run(&assign, block(&[2, 3]), block(&[2, 2])).unwrap_err().to_string().contains("at least 4"));
            assert!(run(&assign, block(&[2, 4]), block(&[1])).is_ok());
            assert!(run(&assign, block(&[2, 4]), block(&[2, 0])).is_err());
            assert!(run(&assign, block(&[2]), block(&[2])).is_err());
            assert!(run(&assign, block(&[2, 4]), block(&[3, 2])).is_err());
        }
    }
}
