//! The axes of a block in another order, with new ones, without those of length one, or broadcast.

use ndarray::{ArcArray, ArrayViewD, Axis, IxDyn};
use serde::{Deserialize, Serialize};

use crate::block::{Block, BlockData, Value, with_block};
use crate::element::Element;
use crate::error::{Error, Result, Shown};
use crate::kernels::context::KernelContext;
use crate::kernels::copy::copied;
use crate::kernels::operands::{exactly, lengths};
use crate::sparse::Coo;

const OP: &str = "view";

/// Shows a block under other axes.
///
/// Axis `k` of the result is axis `axes[k]` of the input, or a new one of length 1. Input axes that are not shown have
/// length 1. Where `shape[k]` is given and the axis has length 1, it is broadcast to that length.
///
/// A dense block keeps its memory unless it is broadcast: shared arrays have no stride of zero, so a broadcast is copied.
///
/// ```text
/// x: (3, 1, 5)   axes [2, None, 0], shape [None, Some(4), None]   gives (5, 4, 3)
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct View {
    /// The input axis behind each axis of the result.
    pub(crate) axes: Vec<Option<usize>>,
    /// The length of each axis of the result where it is not the input's.
    pub(crate) shape: Vec<Option<u64>>,
}

impl View {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Block> {
        let [block] = exactly(OP, inputs)?;
        let (flat, wanted) = self.shapes(&block.shape())?;
        with_block!(block, T, data => match data {
            BlockData::Dense(array) => self.dense::<T>(array, &flat, &wanted, ctx).map(Block::new::<T>),
            BlockData::Sparse(coo) => self.sparse::<T>(&coo, &flat, &wanted).map(Block::new::<T>),
        })
    }

    /// An eager sparse array under other axes.
    pub(crate) fn of<T: Element>(&self, coo: &Coo<T>) -> Result<Coo<T>> {
        let shape: Vec<usize> = coo.shape().iter().map(|&len| len as usize).collect();
        let (flat, wanted) = self.shapes(&shape)?;
        self.sparse(coo, &flat, &wanted)
    }

    /// The shape of the result before and after broadcasting.
    fn shapes(&self, input: &[usize]) -> Result<(Vec<u64>, Vec<u64>)> {
        let shown: Vec<usize> = self.axes.iter().flatten().copied().collect();
        let is_hidden = |&axis: &usize| !shown.contains(&axis);
        let is_wrong = shown.iter().any(|&axis| axis >= input.len())
            || (0..input.len()).filter(is_hidden).any(|axis| input[axis] != 1)
            || self.shape.len() != self.axes.len();
        let flat: Vec<u64> =
            self.axes.iter().map(|axis| axis.map_or(1, |axis| input.get(axis).map_or(0, |&n| n as u64))).collect();
        let wanted: Vec<u64> = flat.iter().zip(&self.shape).map(|(&len, wanted)| wanted.unwrap_or(len)).collect();
        if is_wrong || flat.iter().zip(&wanted).any(|(&len, &wanted)| len != wanted && len != 1) {
            let expected = format!("one that shows as {} through axes {:?}", Shown(&wanted), self.axes);
            return Err(Error::block(OP, "shape", expected, Shown(input)));
        }
        Ok((flat, wanted))
    }

    fn dense<T: Element>(
        &self,
        array: ArcArray<T, IxDyn>,
        flat: &[u64],
        wanted: &[u64],
        ctx: &KernelContext<'_>,
    ) -> Result<ArcArray<T, IxDyn>> {
        let array = self.permute(array);
        if flat == wanted {
            return Ok(array);
        }
        let view: Option<ArrayViewD<'_, T>> = array.broadcast(IxDyn(&lengths(wanted)));
        let view = view.ok_or_else(|| Error::broadcast(OP, &Shown(flat), &Shown(wanted)))?;
        let copy = copied(&view, ctx)?;
        ctx.recycle([Block::new(array)]);
        Ok(copy)
    }

    /// The array with all axes but the broadcast ones as wanted; shares its memory.
    fn permute<T: Element>(&self, mut array: ArcArray<T, IxDyn>) -> ArcArray<T, IxDyn> {
        for axis in (0..array.ndim()).rev().filter(|&axis| !self.axes.contains(&Some(axis))) {
            array = array.index_axis_move(Axis(axis), 0);
        }
        array = array.permuted_axes(IxDyn(&self.ranks()));
        for (k, _) in self.axes.iter().enumerate().filter(|(_, axis)| axis.is_none()) {
            array = array.insert_axis(Axis(k));
        }
        array
    }

    fn sparse<T: Element>(&self, coo: &Coo<T>, flat: &[u64], wanted: &[u64]) -> Result<Coo<T>> {
        // Hidden axes have length 1: without them, the shown ones are numbered by their rank.
        let shown: Vec<u64> =
            (0..coo.ndim()).filter(|k| self.axes.contains(&Some(*k))).map(|k| coo.shape()[k]).collect();
        let order: Vec<isize> = self.ranks().iter().map(|&rank| rank as isize).collect();
        coo.reshape(shown)?.transpose(&order)?.reshape(flat)?.broadcast_to(wanted)
    }

    /// For each shown axis, the number of shown input axes before it.
    fn ranks(&self) -> Vec<usize> {
        let shown: Vec<usize> = self.axes.iter().flatten().copied().collect();
        shown.iter().map(|axis| shown.iter().filter(|other| other < &axis).count()).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::block::BufferPool;
    use crate::kernels::testing::{Kind, assert_same, check_all_types, drawn, shapes};

    fn run(view: &View, block: Block) -> Result<Block> {
        let pool = BufferPool::new(0);
        view.run(vec![block.into()], &KernelContext::new(&pool))
    }

    proptest! {
        #[test]
        fn axes_are_permuted_inserted_dropped_and_broadcast(
            shape in shapes(),
            keys in prop::collection::vec(any::<u32>(), 4),
            new in prop::collection::vec((0usize..5, prop_oneof![Just(None), (0u64..4).prop_map(Some)]), 0..3),
            stretch in prop::collection::vec(prop_oneof![Just(None), (0u64..4).prop_map(Some)], 4),
            drop in any::<bool>(),
            seed in any::<u64>(),
        ) {
            let mut order: Vec<usize> = (0..shape.len()).collect();
            order.sort_by_key(|&axis| keys[axis]);
            order.retain(|&axis| !(drop && shape[axis] == 1));
            let mut axes: Vec<Option<usize>> = order.into_iter().map(Some).collect();
            let mut wanted: Vec<Option<u64>> =
                axes.iter().map(|axis| axis.filter(|&axis| shape[axis] == 1).and_then(|axis| stretch[axis])).collect();
            for (at, len) in new {
                let at = at.min(axes.len());
                axes.insert(at, None);
                wanted.insert(at, len);
            }
            let view = View { axes, shape: wanted };
            let (_, result) = view.shapes(&shape).unwrap();
            check_all_types!(T => {
                for kind in Kind::ALL {
                    let (block, dense) = drawn::<T>(&shape, seed, kind);
                    let expected = ndarray::ArrayD::from_shape_fn(IxDyn(&lengths(&result)), |at| {
                        let mut from = vec![0; shape.len()];
                        for (k, axis) in view.axes.iter().enumerate() {
                            if let Some(axis) = axis { from[*axis] = if shape[*axis] == 1 { 0 } else { at[k] }; }
                        }
                        dense[from.as_slice()]
                    });
                    let found = run(&view, block).unwrap();
                    prop_assert_eq!(found.is_sparse(), kind.is_sparse());
                    assert_same(&found, &expected);
                }
            });
        }
    }

    #[test]
    fn a_transpose_shares_memory() {
        let (block, _) = drawn::<f64>(&[4, 6, 1], 1, Kind::Plain);
        let address = block.dense::<f64>().unwrap().as_ptr();
        let view = View { axes: vec![Some(1), None, Some(0)], shape: vec![None; 3] };
        let found = run(&view, block).unwrap();
        assert_eq!((found.dense::<f64>().unwrap().as_ptr(), found.shape()), (address, vec![6, 1, 4]));
    }

    #[test]
    fn lengths_that_do_not_fit_are_errors() {
        for view in [
            View { axes: vec![Some(0)], shape: vec![None] },
            View { axes: vec![Some(0), Some(1)], shape: vec![Some(5), None] },
            View { axes: vec![Some(0), Some(2)], shape: vec![None, None] },
        ] {
            assert!(run(&view, drawn::<f64>(&[4, 6], 1, Kind::Plain).0).is_err());
        }
    }
}
