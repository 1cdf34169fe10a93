//! Elements of several blocks picked point by point along some axes.

use hashbrown::HashMap;
use ndarray::{ArcArray, ArrayViewD, Axis, IxDyn};
use serde::{Deserialize, Serialize};

use crate::block::{Block, Value};
use crate::element::Element;
use crate::element::dispatch::dispatch;
use crate::error::{Error, Result, Shown};
use crate::kernels::context::KernelContext;
use crate::kernels::entries::Entries;
use crate::kernels::operands::{Operands, blocks, scratch};
use crate::sparse::Coo;

const OP: &str = "take_points";

/// Picks points: several index lists go together, point by point; the other axes are kept whole.
///
/// The points become axis `at` of the result, among the kept axes:
///
/// ```text
/// x: (4, 5, 6)   axes [0, 2]   indices [3, 5,  0, 1]   at 0   gives (2, 5): x[3, :, 5] and x[0, :, 1]
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PointTake {
    /// The axes that are indexed, ascending.
    pub(crate) axes: Vec<usize>,
    /// The place of the points among the kept axes.
    pub(crate) at: usize,
    /// The number of the input that holds each point.
    pub(crate) inputs: Vec<u32>,
    /// The position in that input along each of `axes`, point after point.
    pub(crate) indices: Vec<u64>,
}

impl PointTake {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Block> {
        let blocks = blocks(inputs)?;
        let shape = self.check(&blocks)?;
        dispatch!(blocks[0].dtype(), T => match Operands::<T>::of(blocks)? {
            Operands::Dense(arrays) => self.dense(arrays, &shape, ctx).map(Block::new::<T>),
            Operands::Sparse(inputs) => self.sparse(&inputs, &shape).map(Block::new::<T>),
        })
    }

    /// The shape of the result; an error if a point lies outside or inputs do not fit together.
    fn check(&self, blocks: &[Block]) -> Result<Vec<usize>> {
        let shapes: Vec<Vec<usize>> = blocks.iter().map(Block::shape).collect();
        let Some(first) = shapes.first() else {
            return Err(Error::bug(OP, "no input tells the element type"));
        };
        let is_wrong = self.indices.len() != self.inputs.len() * self.axes.len()
            || !self.axes.is_sorted_by(|a, b| a < b)
            || self.axes.last().is_some_and(|&axis| axis >= first.len())
            || self.at + self.axes.len() > first.len();
        if is_wrong {
            return Err(Error::bug(OP, format!("axes {:?} of blocks with {} axes", self.axes, first.len())));
        }
        let kept = self.kept(first);
        for shape in &shapes {
            if shape.len() != first.len() || self.kept(shape) != kept {
                return Err(Error::block(OP, "shape", Shown(first), Shown(shape)));
            }
        }
        for (point, &input) in self.inputs.iter().enumerate() {
            let shape = shapes.get(input as usize).ok_or_else(|| Error::bug(OP, format!("no input {input}")))?;
            for (&axis, &index) in self.axes.iter().zip(self.index(point)) {
                if index >= shape[axis] as u64 {
                    let what = format!("along axis {axis} a length of");
                    return Err(Error::block(OP, &what, format_args!("at least {}", index + 1), shape[axis]));
                }
            }
        }
        let mut out = kept;
        out.insert(self.at, self.inputs.len());
        Ok(out)
    }

    /// What belongs to the axes that are not indexed.
    fn kept<N: Copy>(&self, all: &[N]) -> Vec<N> {
        all.iter().enumerate().filter(|(axis, _)| !self.axes.contains(axis)).map(|(_, &len)| len).collect()
    }

    fn index(&self, point: usize) -> &[u64] {
        &self.indices[point * self.axes.len()..][..self.axes.len()]
    }

    fn dense<T: Element>(
        &self,
        inputs: Vec<ArcArray<T, IxDyn>>,
        shape: &[usize],
        ctx: &KernelContext<'_>,
    ) -> Result<ArcArray<T, IxDyn>> {
        let mut out = scratch::<T>(shape, ctx)?;
        if shape.len() == 1 {
            let mut index = vec![0; self.axes.len()];
            for (point, slot) in out.iter_mut().enumerate() {
                index.iter_mut().zip(self.index(point)).for_each(|(to, &from)| *to = from as usize);
                *slot = inputs[self.inputs[point] as usize][index.as_slice()];
            }
        } else {
            for (point, mut slab) in out.axis_iter_mut(Axis(self.at)).enumerate() {
                slab.assign(&self.part(inputs[self.inputs[point] as usize].view(), point));
            }
        }
        ctx.recycle(inputs.into_iter().map(Block::new));
        Ok(out.into_shared())
    }

    /// The kept axes of a block at a point.
    fn part<'a, T>(&self, block: ArrayViewD<'a, T>, point: usize) -> ArrayViewD<'a, T> {
        let axes_indices = self.axes.iter().zip(self.index(point)).rev();
        axes_indices.fold(block, |part, (&axis, &index)| part.index_axis_move(Axis(axis), index as usize))
    }

    fn sparse<T: Element>(&self, inputs: &[Coo<T>], shape: &[usize]) -> Result<Coo<T>> {
        let mut points: HashMap<(u32, &[u64]), Vec<u64>> = HashMap::new();
        for (point, &input) in self.inputs.iter().enumerate() {
            points.entry((input, self.index(point))).or_default().push(point as u64);
        }
        let mut entries = Entries::new(shape.len());
        for (input, coo) in inputs.iter().enumerate() {
            let coords = coo.coords();
            for (column, &value) in coords.columns().into_iter().zip(coo.values()) {
                let index: Vec<u64> = self.axes.iter().map(|&axis| column[axis]).collect();
                let Some(places) = points.get(&(input as u32, index.as_slice())) else { continue };
                let mut to = self.kept(&column.to_vec());
                to.insert(self.at, 0);
                for &place in places {
                    to[self.at] = place;
                    entries.push(to.iter().copied(), value);
                }
            }
        }
        let shape: Vec<u64> = shape.iter().map(|&len| len as u64).collect();
        entries.into_coo(&shape, inputs[0].fill())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, Dimension};
    use proptest::prelude::*;

    use super::*;
    use crate::block::BufferPool;
    use crate::kernels::testing::{Kind, assert_same, check_all_types, drawn};

    fn run(take: &PointTake, inputs: Vec<Block>) -> Result<Block> {
        let pool = BufferPool::new(1 << 20);
        take.run(inputs.into_iter().map(Value::from).collect(), &KernelContext::new(&pool))
    }

    proptest! {
        #[test]
        fn points_are_picked_one_by_one(
            shape in prop::collection::vec(1usize..5, 1..4),
            indexed in prop::collection::vec(any::<bool>(), 3),
            at in 0usize..3,
            raw in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u64>(), 3)), 0..6),
            n_inputs in 1u32..3,
            seed in any::<u64>(),
        ) {
            let axes: Vec<usize> = (0..shape.len()).filter(|&axis| indexed[axis]).collect();
            let take = PointTake {
                at: at.min(shape.len() - axes.len()),
                inputs: raw.iter().map(|(input, _)| input % n_inputs).collect(),
                indices: raw.iter().flat_map(|(_, index)| axes.iter().map(|&k| index[k] % shape[k] as u64)).collect(),
                axes,
            };
            check_all_types!(T => {
                for kind in Kind::ALL {
                    let (blocks, dense): (Vec<Block>, Vec<ArrayD<T>>) =
                        (0..n_inputs).map(|i| drawn::<T>(&shape, seed.wrapping_add(i as u64), kind)).unzip();
                    let mut out_shape = take.kept(&shape);
                    out_shape.insert(take.at, raw.len());
                    let expected = ArrayD::from_shape_fn(IxDyn(&out_shape), |to| {
                        let point = to[take.at];
                        let mut kept = to.slice().to_vec();
                        kept.remove(take.at);
                        let mut kept = kept.into_iter();
                        let mut index = take.index(point).iter();
                        let from: Vec<usize> = (0..shape.len())
                            .map(|k| if take.axes.contains(&k) { *index.next().unwrap() as usize } else { kept.next().unwrap() })
                            .collect();
                        dense[take.inputs[point] as usize][from.as_slice()]
                    });
                    let found = run(&take, blocks).unwrap();
                    prop_assert_eq!(found.is_sparse(), kind.is_sparse());
                    assert_same(&found, &expected);
                }
            });
        }
    }

    #[test]
    fn points_outside_are_errors() {
        let block = |shape: &[usize]| drawn::<f64>(shape, 1, Kind::Plain).0;
        let take = PointTake { axes: vec![0, 1], at: 0, inputs: vec![0], indices: vec![1, 3] };
        assert!(run(&take, vec![block(&[2, 3])]).unwrap_err().to_string().contains("at least 4"));
        assert!(run(&take, vec![block(&[2])]).is_err());
        assert!(run(&take, vec![]).is_err());
        let kept = PointTake { axes: vec![0], indices: vec![1], ..take };
        assert!(run(&kept, vec![block(&[2, 3]), block(&[2, 4])]).is_err());
    }
}
