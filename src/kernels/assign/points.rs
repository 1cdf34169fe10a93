//! Writing at several lists of positions, point by point.

use hashbrown::HashMap;
use ndarray::{ArrayViewD, ArrayViewMutD, Axis};
use serde::{Deserialize, Serialize};

use super::value::{Assignment, SparseValue, broadcast, len_along, without_leading, write_sparse};
use crate::block::{Block, Value, with_block};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::kernels::context::KernelContext;
use crate::kernels::copy::writable;
use crate::kernels::index::take_sparse;
use crate::kernels::operands::{exactly, lengths};
use crate::sparse::Coo;

const OP: &str = "assign_points";

/// Writes at points: several index lists go together; the other axes are written whole. The last write wins.
///
/// Inputs: the block and the value. The value has one axis for the points, at place `at` among the axes that are not
/// indexed, and is broadcast. Point `k` takes element `picks[k]` along it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AssignPoints {
    /// The axes that are indexed, ascending.
    pub(crate) axes: Vec<usize>,
    /// The place of the points among the other axes.
    pub(crate) at: usize,
    /// The position along each of `axes`, point after point.
    pub(crate) indices: Vec<u64>,
    /// For each point, the index in the value.
    pub(crate) picks: Vec<u64>,
}

impl AssignPoints {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Block> {
        let [block, value] = exactly(OP, inputs)?;
        let shape: Vec<u64> = block.shape().iter().map(|&len| len as u64).collect();
        self.check(&shape)?;
        with_block!(block, T, data => match Assignment::<T>::new(OP, data, value)? {
            Assignment::Dense(target, value) => {
                let mut target = writable(target, ctx)?;
                let ndim = self.kept(&shape).len() + 1;
                let value = without_leading(value, ndim);
                let value_len = len_along(value.shape(), self.at, ndim) as u64;
                let shape = self.value_shape(&shape, value_len)?;
                self.write(target.view_mut(), &broadcast(OP, &value, &lengths(&shape))?);
                Ok(Block::from_dense(target))
            }
            Assignment::Sparse(target, value) => self.sparse::<T>(&target, &value).map(Block::new::<T>),
        })
    }

    fn check(&self, shape: &[u64]) -> Result<()> {
        let is_wrong = self.indices.len() != self.picks.len() * self.axes.len()
            || !self.axes.is_sorted_by(|a, b| a < b)
            || self.axes.last().is_some_and(|&axis| axis >= shape.len())
            || self.at + self.axes.len() > shape.len();
        if is_wrong {
            return Err(Error::bug(OP, format!("axes {:?} of a block with {} axes", self.axes, shape.len())));
        }
        for point in 0..self.picks.len() {
            for (&axis, &index) in self.axes.iter().zip(self.index(point)) {
                if index >= shape[axis] {
                    let what = format!("along axis {axis} a length of");
                    return Err(Error::block(OP, &what, format_args!("at least {}", index + 1), shape[axis]));
                }
            }
        }
        Ok(())
    }

    fn index(&self, point: usize) -> &[u64] {
        &self.indices[point * self.axes.len()..][..self.axes.len()]
    }

    /// What belongs to the axes that are not indexed.
    fn kept(&self, all: &[u64]) -> Vec<u64> {
        all.iter().enumerate().filter(|(axis, _)| !self.axes.contains(axis)).map(|(_, &len)| len).collect()
    }

    /// The shape that the value is broadcast to.
    fn value_shape(&self, target: &[u64], value_len: u64) -> Result<Vec<u64>> {
        let needed = self.picks.iter().max().map_or(0, |high| high + 1);
        if needed > value_len && value_len != 1 {
            let what = format!("along axis {} of the value a length of", self.at);
            return Err(Error::block(OP, &what, format_args!("at least {needed}"), value_len));
        }
        let mut shape = self.kept(target);
        shape.insert(self.at, if value_len == 1 { needed } else { value_len });
        Ok(shape)
    }

    fn write<T: Element>(&self, mut target: ArrayViewMutD<'_, T>, value: &ArrayViewD<'_, T>) {
        if value.ndim() == 1 {
            let mut index = vec![0; self.axes.len()];
            for (point, &from) in self.picks.iter().enumerate() {
                index.iter_mut().zip(self.index(point)).for_each(|(to, &from)| *to = from as usize);
                target[index.as_slice()] = value[from as usize];
            }
            return;
        }
        for (point, &from) in self.picks.iter().enumerate() {
            let axes_indices = self.axes.iter().zip(self.index(point)).rev();
            let part = axes_indices
                .fold(target.view_mut(), |part, (&axis, &at)| part.index_axis_move(Axis(axis), at as usize));
            let mut part = part;
            part.assign(&value.index_axis(Axis(self.at), from as usize));
        }
    }

    fn sparse<T: Element>(&self, target: &Coo<T>, value: &SparseValue<T>) -> Result<Coo<T>> {
        let ndim = self.kept(target.shape()).len() + 1;
        let shape = self.value_shape(target.shape(), value.len_along(self.at, ndim))?;
        let value = value.expand(OP, &shape, target.fill())?;
        let last: HashMap<&[u64], u64> =
            (0..self.picks.len()).map(|point| (self.index(point), self.picks[point])).collect();
        let (places, picks): (Vec<&[u64]>, Vec<(u32, u64)>) = last.iter().map(|(&to, &from)| (to, (0, from))).unzip();
        let value = take_sparse(self.at, &picks, &[value])?;
        let index_of = |at: &[u64]| -> Vec<u64> { self.axes.iter().map(|&axis| at[axis]).collect() };
        let place = |at: &[u64]| {
            let mut kept = at.iter().enumerate().filter(|(k, _)| *k != self.at).map(|(_, &at)| at);
            let mut index = places[at[self.at] as usize].iter().copied();
            let own = |axis| if self.axes.contains(&axis) { index.next() } else { kept.next() };
            (0..target.ndim()).filter_map(own).collect()
        };
        write_sparse(target, &value, |at| last.contains_key(index_of(at).as_slice()), place)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, IxDyn};
    use proptest::prelude::*;

    use super::*;
    use crate::block::BufferPool;
    use crate::kernels::testing::{Kind, assert_same, check_all_types, drawn, drawn_dense, stored};

    fn run(assign: &AssignPoints, block: Block, value: Block) -> Result<Block> {
        let pool = BufferPool::new(1 << 20);
        assign.run(vec![block.into(), value.into()], &KernelContext::new(&pool))
    }

    proptest! {
        #[test]
        fn points_are_written_in_order(
            shape in prop::collection::vec(1usize..5, 1..4),
            indexed in prop::collection::vec(any::<bool>(), 3),
            at in 0usize..3,
            raw in prop::collection::vec((prop::collection::vec(any::<u64>(), 3), any::<u64>()), 0..6),
            value_len in 1u64..4,
            cut in prop::collection::vec(any::<bool>(), 4),
            seed in any::<u64>(),
        ) {
            let axes: Vec<usize> = (0..shape.len()).filter(|&axis| indexed[axis]).collect();
            let assign = AssignPoints {
                at: at.min(shape.len() - axes.len()),
                indices: raw.iter().flat_map(|(index, _)| axes.iter().map(|&k| index[k] % shape[k] as u64)).collect(),
                picks: raw.iter().map(|(_, from)| from % value_len).collect(),
                axes,
            };
            let wide: Vec<u64> = shape.iter().map(|&len| len as u64).collect();
            let mut full = lengths(&assign.kept(&wide));
            full.insert(assign.at, value_len as usize);
            let value_shape: Vec<usize> = full.iter().zip(&cut).map(|(&n, &cut)| if cut { 1 } else { n }).collect();
            check_all_types!(T => {
                let value: ArrayD<T> = drawn_dense(&value_shape, seed.rotate_left(7));
                let stretched = value.broadcast(IxDyn(&full)).unwrap();
                for (kind, value_kind) in Kind::ALL.into_iter().flat_map(|kind| Kind::ALL.map(|other| (kind, other))) {
                    let (block, mut expected) = drawn::<T>(&shape, seed, kind);
                    for (point, &from) in assign.picks.iter().enumerate() {
                        let mut part = expected.view_mut();
                        for (&axis, &index) in assign.axes.iter().zip(assign.index(point)).rev() {
                            part = part.index_axis_move(Axis(axis), index as usize);
                        }
                        part.assign(&stretched.index_axis(Axis(assign.at), from as usize));
                    }
                    let found = run(&assign, block, stored(&value, value_kind)).unwrap();
                                        prop_assert_eq!(found.is_sparse(), kind.is_sparse());
                    assert_same(&found, &expected);
                }
            });
        }
    }

    #[test]
    fn points_outside_are_errors() {
        let block = |shape: &[usize]| drawn::<f64>(shape, 1, Kind::Plain).0;
        let assign = AssignPoints { axes: vec![0, 1], at: 0, indices: vec![1, 3], picks: vec![0] };
        assert!(run(&assign, block(&[2, 3]), block(&[1])).unwrap_err().to_string().contains("at least 4"));
        assert!(run(&assign, block(&[2]), block(&[1])).is_err());
        assert!(run(&assign, block(&[2, 4]), block(&[2, 2])).is_err());
        assert!(run(&assign, block(&[2, 4]), block(&[0])).is_err());
    }
}
