//! Writing where a mask is true.

use ndarray::{ArcArray, ArrayD, ArrayViewD, CowArray, IxDyn};
use serde::{Deserialize, Serialize};

use super::value::{Assignment, SparseValue, broadcast, len_along, without_leading, write_sparse};
use crate::block::{Block, BlockData, Value, with_block};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::kernels::context::KernelContext;
use crate::kernels::copy::{contiguous, copied, writable};
use crate::kernels::index::{Ranks, check_mask, count};
use crate::kernels::operands::{dense, exactly, typed};
use crate::sparse::Coo;

const OP: &str = "assign_masked";

/// Writes a value where a mask is true.
///
/// Inputs: the block, a mask whose axes are those of the block from `axis` on, and the value. The value has one axis for
/// the masked ones, with as many elements as the mask has true ones, in row-major order, or one; it is broadcast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AssignMasked {
    /// The first masked axis of the block.
    pub(crate) axis: usize,
}

impl AssignMasked {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Block> {
        let [block, mask, value] = exactly(OP, inputs)?;
        check_mask(OP, self.axis, &block.shape(), &mask.shape())?;
        let mask = typed::<bool>(mask)?;
        with_block!(block, T, data => match Assignment::<T>::new(OP, data, value)? {
            Assignment::Dense(target, value) => self.dense::<T>(target, mask, value, ctx).map(Block::from_dense),
            Assignment::Sparse(target, value) => self.sparse::<T>(&target, &mask, &value).map(Block::new::<T>),
        })
    }

    fn dense<T: Element>(
        &self,
        target: ArcArray<T, IxDyn>,
        mask: BlockData<bool>,
        value: ArcArray<T, IxDyn>,
        ctx: &KernelContext<'_>,
    ) -> Result<ArrayD<T>> {
        let mask = contiguous(dense(mask)?, ctx)?;
        let flags = mask.as_slice().unwrap_or(&[]);
        let mut target = writable(contiguous(target, ctx)?, ctx)?;
        let ndim = target.ndim() + 1 - mask.ndim();
        let value = without_leading(value, ndim);
        let found = len_along(value.shape(), self.axis, ndim);
        let n_true = count(flags);
        let shape = self.value_shape(target.shape(), mask.ndim(), n_true, found)?;
        let one = value.first().copied().filter(|_| value.len() == 1);
        let value = broadcast(OP, &value, &shape)?;
        let n_inner: usize = shape[self.axis + 1..].iter().product();
        let n_block = flags.len() * n_inner;
        let Some(flat) = target.as_slice_mut().filter(|_| n_block > 0 && n_true > 0) else {
            return Ok(target);
        };
        if let Some(one) = one {
            flat.chunks_exact_mut(n_block).for_each(|to| write_one(to, one, flags, n_inner));
            return Ok(target);
        }
        let value = copied_unless_contiguous(value, ctx)?;
        let values = value.as_slice().unwrap_or(&[]);
        for (to, from) in flat.chunks_exact_mut(n_block).zip(values.chunks_exact(n_true * n_inner)) {
            if n_inner == 1 { write(to, from, flags) } else { write_rows(to, from, flags, n_inner) }
        }
        Ok(target)
    }

    /// The shape that the value is broadcast to; `found` is its length along the masked axis.
    fn value_shape<N>(&self, target: &[N], mask_ndim: usize, n_true: N, found: N) -> Result<Vec<N>>
    where
        N: Copy + PartialEq + std::fmt::Display + From<bool>,
    {
        if found != n_true && found != N::from(true) {
            return Err(Error::shape(OP, format!("{found} values were given for {n_true} true elements of the mask"))
                .with_remedy("give one value, or one for each true element"));
        }
        let mut shape = target.to_vec();
        shape.splice(self.axis..self.axis + mask_ndim, [n_true]);
        Ok(shape)
    }

    fn sparse<T: Element>(&self, target: &Coo<T>, mask: &BlockData<bool>, value: &SparseValue<T>) -> Result<Coo<T>> {
        let ranks = Ranks::new(mask);
        let mask_ndim = mask.shape().len();
        let found = value.len_along(self.axis, target.ndim() + 1 - mask_ndim);
        let shape = self.value_shape(target.shape(), mask_ndim, ranks.count(), found)?;
        let value = value.expand(OP, &shape, target.fill())?;
        let is_selected = |at: &[u64]| ranks.of(at[self.axis..].iter().copied()).is_some();
        let place = |at: &[u64]| {
            let mut to = at.to_vec();
            to.splice(self.axis..=self.axis, ranks.coords(at[self.axis]));
            to
        };
        write_sparse(target, &value, is_selected, place)
    }
}

fn copied_unless_contiguous<'a, T: Element>(
    value: ArrayViewD<'a, T>,
    ctx: &KernelContext<'_>,
) -> Result<CowArray<'a, T, IxDyn>> {
    if value.is_standard_layout() {
        return Ok(value.into());
    }
    Ok(copied(&value, ctx)?.into_owned().into())
}

/// Writes one value.
fn write_one<T: Element>(to: &mut [T], value: T, flags: &[bool], n_inner: usize) {
    if n_inner == 1 {
        to.iter_mut().zip(flags).for_each(|(slot, &flag)| *slot = if flag { value } else { *slot });
    } else {
        let marked = to.chunks_exact_mut(n_inner).zip(flags).filter(|(_, flag)| **flag);
        marked.for_each(|(row, _)| row.fill(value));
    }
}

/// Writes the values, of which there is one for each true flag.
fn write<T: Element>(to: &mut [T], values: &[T], flags: &[bool]) {
    let mut next = 0;
    for (slot, &flag) in to.iter_mut().zip(flags) {
        // A choice of values instead of a branch, which a random mask would mispredict half of the time.
        let value = values.get(next).copied().unwrap_or_default();
        *slot = if flag { value } else { *slot };
        next += usize::from(flag);
    }
}

/// Writes rows of `n_inner` values, neighbours together.
fn write_rows<T: Element>(to: &mut [T], values: &[T], flags: &[bool], n_inner: usize) {
    let (mut done, mut start) = (0, 0);
    for run in flags.chunk_by(|a, b| a == b) {
        let len = run.len() * n_inner;
        if run[0] {
            to[start..start + len].copy_from_slice(&values[done..done + len]);
            done += len;
        }
        start += len;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::block::BufferPool;
    use crate::kernels::entries::position;
    use crate::kernels::testing::{Kind, assert_same, check_all_types, drawn, drawn_dense, shapes, stored};

    fn run(axis: usize, block: Block, mask: Block, value: Block) -> Result<Block> {
        let pool = BufferPool::new(1 << 20);
        AssignMasked { axis }.run(vec![block.into(), mask.into(), value.into()], &KernelContext::new(&pool))
    }

    proptest! {
        #[test]
        fn values_go_to_true_elements_in_order(
            shape in shapes(),
            cut in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
            cut_value in prop::collection::vec(any::<bool>(), 4),
            seed in any::<u64>(),
        ) {
            let axis = cut.0.index(shape.len() + 1);
            let end = axis + cut.1.index(shape.len() - axis + 1);
            let mask: ArrayD<bool> = drawn_dense(&shape[axis..end], seed ^ 5);
            let places: Vec<Vec<usize>> = (0..mask.len()).map(|i| position(i, mask.shape())).filter(|at| mask[at.as_slice()]).collect();
            let mut full = shape.clone();
            full.splice(axis..end, [places.len()]);
            let value_shape: Vec<usize> = full.iter().zip(&cut_value).map(|(&n, &cut)| if cut { 1 } else { n }).collect();
            check_all_types!(T => {
                let value: ArrayD<T> = drawn_dense(&value_shape, seed.rotate_left(7));
                let stretched = value.broadcast(IxDyn(&full)).unwrap();
                for (kind, value_kind) in Kind::ALL.into_iter().flat_map(|kind| Kind::ALL.map(|other| (kind, other))) {
                    for mask_kind in [Kind::Transposed, Kind::Sparse] {
                        let (block, mut expected) = drawn::<T>(&shape, seed, kind);
                        for (at, element) in stretched.indexed_iter() {
                            let mut to: Vec<usize> = (0..full.len()).map(|k| at[k]).collect();
                            to.splice(axis..=axis, places[at[axis]].iter().copied());
                            expected[to.as_slice()] = *element;
                        }
                        let found = run(axis, block, stored(&mask, mask_kind), stored(&value, value_kind)).unwrap();
                                                prop_assert_eq!(found.is_sparse(), kind.is_sparse());
                        assert_same(&found, &expected);
                    }
                }
            });
        }
    }

    #[test]
    fn other_numbers_of_values_are_errors() {
        for kind in [Kind::Plain, Kind::Sparse] {
            let block = drawn::<f64>(&[4], 1, kind).0;
            let mask = stored(&ndarray::arr1(&[true, false, true, true]).into_dyn(), kind);
            let error = run(0, block.clone(), mask.clone(), drawn::<f64>(&[2], 1, kind).0).unwrap_err();
            assert!(error.to_string().starts_with("assign_masked: 2 values were given for 3 true elements"), "{error}");
            assert!(run(0, block.clone(), mask.clone(), drawn::<f64>(&[4], 1, kind).0).is_err());
            assert!(run(0, block.clone(), mask.clone(), drawn::<f64>(&[1, 3], 1, kind).0).is_ok());
            assert!(run(0, block, drawn::<bool>(&[3], 1, kind).0, mask).is_err());
        }
    }
}
