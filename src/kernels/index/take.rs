//! Elements of several blocks picked by a list of positions along one axis.

use ndarray::{ArcArray, Axis, IxDyn, Slice};
use serde::{Deserialize, Serialize};

use crate::block::{Block, Value};
use crate::element::Element;
use crate::element::dispatch::dispatch;
use crate::error::{Error, Result, Shown};
use crate::kernels::context::KernelContext;
use crate::kernels::copy::copy_into;
use crate::kernels::operands::{Operands, blocks, scratch};
use crate::sparse::Coo;

const OP: &str = "take";

/// Element `k` of the result along `axis` is element `picks[k].1` of input `picks[k].0`.
///
/// Inputs: at least one block; all have the same lengths along the other axes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Take {
    /// The axis that elements are picked along.
    pub(crate) axis: usize,
    /// The number of an input and a position in it, for each element of the result; repeats are allowed.
    pub(crate) picks: Vec<(u32, u64)>,
}

/// Picks of neighbours: elements `from..from + len` of one input become elements `to..to + len`.
struct Run {
    input: usize,
    from: usize,
    to: usize,
    len: usize,
}

impl Take {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Block> {
        let blocks = blocks(inputs)?;
        self.check(&blocks)?;
        dispatch!(blocks[0].dtype(), T => match Operands::<T>::of(blocks)? {
            Operands::Dense(arrays) => self.dense(arrays, ctx).map(Block::new::<T>),
            Operands::Sparse(inputs) => take_sparse(self.axis, &self.picks, &inputs).map(Block::new::<T>),
        })
    }

    fn check(&self, blocks: &[Block]) -> Result<()> {
        let shapes: Vec<Vec<usize>> = blocks.iter().map(Block::shape).collect();
        let Some(first) = shapes.first() else {
            return Err(Error::bug(OP, "no input tells the element type"));
        };
        if self.axis >= first.len() {
            return Err(Error::block(OP, "a number of axes", format_args!("more than {}", self.axis), first.len()));
        }
        for shape in &shapes {
            let mut expected = first.clone();
            expected[self.axis] = shape.get(self.axis).copied().unwrap_or(0);
            if *shape != expected {
                return Err(Error::block(OP, "shape", Shown(&expected), Shown(shape)));
            }
        }
        for &(input, at) in &self.picks {
            let len = shapes.get(input as usize).map_or(0, |shape| shape[self.axis] as u64);
            if at >= len {
                let what = format!("along axis {} a length of", self.axis);
                return Err(Error::block(OP, &what, format_args!("at least {}", at + 1), len));
            }
        }
        Ok(())
    }

    fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (to, &(input, from)) in self.picks.iter().enumerate() {
            let (input, from) = (input as usize, from as usize);
            match runs.last_mut() {
                Some(run) if run.input == input && run.from + run.len == from => run.len += 1,
                _ => runs.push(Run { input, from, to, len: 1 }),
            }
        }
        runs
    }

    fn dense<T: Element>(
        &self,
        inputs: Vec<ArcArray<T, IxDyn>>,
        ctx: &KernelContext<'_>,
    ) -> Result<ArcArray<T, IxDyn>> {
        let mut shape = inputs[0].shape().to_vec();
        shape[self.axis] = self.picks.len();
        let mut out = scratch::<T>(&shape, ctx)?;
        let n_inner: usize = shape[self.axis + 1..].iter().product();
        let flats: Option<Vec<&[T]>> = inputs.iter().map(|array| array.as_slice()).collect();
        match (flats, out.as_slice_mut()) {
            (Some(flats), Some(flat)) if n_inner == 1 => self.pick_elements(flat, &flats, &inputs),
            (Some(flats), Some(flat)) => self.pick_rows(flat, &flats, &inputs, n_inner),
            (_, _) => self.pick_slabs(&mut out.view_mut(), &inputs),
        }
        ctx.recycle(inputs.into_iter().map(Block::new));
        Ok(out.into_shared())
    }

    /// Along the last axis of row-major inputs.
    fn pick_elements<T: Element>(&self, out: &mut [T], flats: &[&[T]], inputs: &[ArcArray<T, IxDyn>]) {
        let lens: Vec<usize> = inputs.iter().map(|array| array.shape()[self.axis]).collect();
        for (row, out) in out.chunks_exact_mut(self.picks.len().max(1)).enumerate() {
            let rows: Vec<&[T]> = flats.iter().zip(&lens).map(|(flat, len)| &flat[row * len..][..*len]).collect();
            for (slot, &(input, at)) in out.iter_mut().zip(&self.picks) {
                *slot = rows[input as usize][at as usize];
            }
        }
    }

    /// Along another axis of row-major inputs: neighbours are copied together.
    fn pick_rows<T: Element>(&self, out: &mut [T], flats: &[&[T]], inputs: &[ArcArray<T, IxDyn>], n_inner: usize) {
        let runs = self.runs();
        let lens: Vec<usize> = inputs.iter().map(|array| array.shape()[self.axis] * n_inner).collect();
        for (outer, out) in out.chunks_exact_mut((self.picks.len() * n_inner).max(1)).enumerate() {
            for run in &runs {
                let src = &flats[run.input][outer * lens[run.input]..][run.from * n_inner..];
                out[run.to * n_inner..][..run.len * n_inner].copy_from_slice(&src[..run.len * n_inner]);
            }
        }
    }

    fn pick_slabs<T: Element>(&self, out: &mut ndarray::ArrayViewMutD<'_, T>, inputs: &[ArcArray<T, IxDyn>]) {
        let axis = Axis(self.axis);
        for run in self.runs() {
            let src = inputs[run.input].slice_axis(axis, Slice::from(run.from..run.from + run.len));
            copy_into(out.slice_axis_mut(axis, Slice::from(run.to..run.to + run.len)), src);
        }
    }
}

/// The elements at `picks` along `axis`, of sparse blocks with one fill.
pub(crate) fn take_sparse<T: Element>(axis: usize, picks: &[(u32, u64)], inputs: &[Coo<T>]) -> Result<Coo<T>> {
    let mut starts = vec![0u64];
    for input in inputs {
        starts.push(starts[starts.len() - 1] + input.shape()[axis]);
    }
    let indices: Vec<i64> = picks.iter().map(|&(input, at)| (starts[input as usize] + at) as i64).collect();
    match inputs {
        [one] => one.take(&indices, axis as isize),
        several => Coo::concatenate(several, axis as isize)?.take(&indices, axis as isize),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;
    use proptest::prelude::*;

    use super::*;
    use crate::block::BufferPool;
    use crate::kernels::testing::{Kind, assert_same, check_all_types, drawn, shapes};

    fn run(take: &Take, inputs: Vec<Block>) -> Result<Block> {
        let pool = BufferPool::new(1 << 20);
        take.run(inputs.into_iter().map(Value::from).collect(), &KernelContext::new(&pool))
    }

    proptest! {
        #[test]
        fn picks_come_in_their_order(
            mut shape in shapes().prop_filter("an axis", |shape| !shape.is_empty()),
            axis in any::<prop::sample::Index>(),
            lens in prop::collection::vec(1usize..5, 1..4),
            raw in prop::collection::vec((any::<u32>(), any::<u64>(), 1u64..4), 0..6),
            seed in any::<u64>(),
        ) {
            let axis = axis.index(shape.len());
            let mut picks = Vec::new();
            for (input, at, run) in raw {
                let input = input % lens.len() as u32;
                let len = lens[input as usize] as u64;
                picks.extend((at % len..len).take(run as usize).map(|at| (input, at)));
            }
            let take = Take { axis, picks };
            check_all_types!(T => {
                for kind in Kind::ALL {
                    let mut blocks = Vec::new();
                    let mut dense = Vec::new();
                    for (i, &len) in lens.iter().enumerate() {
                        shape[axis] = len;
                        let (block, array) = drawn::<T>(&shape, seed.wrapping_add(i as u64), kind);
                        blocks.push(block);
                        dense.push(array);
                    }
                    shape[axis] = take.picks.len();
                    let expected = ArrayD::from_shape_fn(IxDyn(&shape), |at| {
                        let (input, local) = take.picks[at[axis]];
                        let mut at = at.clone();
                        at[axis] = local as usize;
                        dense[input as usize][at]
                    });
                    let found = run(&take, blocks).unwrap();
                    prop_assert_eq!(found.is_sparse(), kind.is_sparse());
                    assert_same(&found, &expected);
                }
            });
        }
    }

    #[test]
    fn positions_outside_and_blocks_that_do_not_fit_are_errors() {
        let block = |shape: &[usize]| drawn::<f64>(shape, 1, Kind::Plain).0;
        let take = |picks| Take { axis: 1, picks };
        assert!(run(&take(vec![(0, 3)]), vec![block(&[2, 3])]).unwrap_err().to_string().contains("at least 4"));
        assert!(run(&take(vec![(1, 0)]), vec![block(&[2, 3])]).is_err());
        assert!(run(&take(vec![]), vec![block(&[2, 3]), block(&[3, 3])]).is_err());
        assert!(run(&take(vec![]), vec![block(&[2])]).is_err());
        assert!(run(&take(vec![]), vec![]).is_err());
    }
}
