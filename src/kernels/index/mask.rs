//! The elements of a block where a mask is true.

use ndarray::{ArcArray, IxDyn};
use serde::{Deserialize, Serialize};

use crate::block::{Block, BlockData, Value, with_block};
use crate::element::Element;
use crate::error::{Error, Result, Shown};
use crate::kernels::context::KernelContext;
use crate::kernels::copy::contiguous;
use crate::kernels::operands::{dense, exactly, scratch, typed};
use crate::sparse::Coo;

const OP: &str = "mask";

/// Elements that are compacted together.
const TILE: usize = 64;

/// Keeps what a mask marks; the masked axes become one, in row-major order.
///
/// Inputs: a block and a mask whose axes are those of the block from `axis` on. The result is stored as the block is,
/// whatever the mask.
///
/// ```text
/// x (2, 3): 1 2 3   mask (2, 3): T . T   axis 0   gives (4): 1 3 5 6
///           4 5 6                . T T
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mask {
    /// The first masked axis of the block.
    pub(crate) axis: usize,
}

impl Mask {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Block> {
        let [block, mask] = exactly(OP, inputs)?;
        check_mask(OP, self.axis, &block.shape(), &mask.shape())?;
        let mask = typed::<bool>(mask)?;
        with_block!(block, T, data => match data {
            BlockData::Dense(array) => self.dense::<T>(array, mask, ctx).map(Block::new::<T>),
            BlockData::Sparse(coo) => self.sparse::<T>(&coo, &mask).map(Block::new::<T>),
        })
    }

    fn dense<T: Element>(
        &self,
        array: ArcArray<T, IxDyn>,
        mask: BlockData<bool>,
        ctx: &KernelContext<'_>,
    ) -> Result<ArcArray<T, IxDyn>> {
        let mask = contiguous(dense(mask)?, ctx)?;
        let array = contiguous(array, ctx)?;
        let mut shape = array.shape().to_vec();
        let flags = mask.as_slice().unwrap_or(&[]);
        shape.splice(self.axis..self.axis + mask.ndim(), [count(flags)]);
        let n_inner: usize = shape[self.axis + 1..].iter().product();
        let mut out = scratch::<T>(&shape, ctx)?;
        if let (Some(to), Some(from)) = (out.as_slice_mut(), array.as_slice())
            && !to.is_empty()
        {
            let n_out = shape[self.axis] * n_inner;
            for (to, from) in to.chunks_exact_mut(n_out).zip(from.chunks_exact(flags.len() * n_inner)) {
                if n_inner == 1 { compact(to, from, flags) } else { compact_rows(to, from, flags, n_inner) }
            }
        }
        ctx.recycle([Block::new(array), Block::new(mask)]);
        Ok(out.into_shared())
    }

    fn sparse<T: Element>(&self, coo: &Coo<T>, mask: &BlockData<bool>) -> Result<Coo<T>> {
        if mask.shape().len() == coo.ndim() {
            return match mask {
                BlockData::Dense(mask) => coo.mask_dense(&mask.view()),
                BlockData::Sparse(mask) => coo.mask(mask),
            };
        }
        // The masked axes as one, of which the true elements are taken.
        let ranks = Ranks::new(mask);
        let masked = self.axis..self.axis + ranks.shape.len();
        let mut shape = coo.shape().to_vec();
        shape.splice(masked, [ranks.shape.iter().product()]);
        let places: Vec<i64> = (0..ranks.count()).map(|rank| ranks.place(rank) as i64).collect();
        coo.reshape(shape)?.take(&places, self.axis as isize)
    }
}

/// Whether a mask covers axes of a block from `axis` on.
pub(crate) fn check_mask(op: &'static str, axis: usize, block: &[usize], mask: &[usize]) -> Result<()> {
    match block.get(axis..axis + mask.len()) {
        Some(covered) if covered == mask => Ok(()),
        _ => {
            let expected = format!("that of axes {axis} to {} of {}", axis + mask.len(), Shown(block));
            Err(Error::block(op, "a mask with shape", expected, Shown(mask)))
        }
    }
}

/// The number of true elements.
pub(crate) fn count(flags: &[bool]) -> usize {
    // Bytes add up in vectors of bytes; 255 of them fit one.
    flags.chunks(255).map(|tile| tile.iter().fold(0u8, |n, &flag| n + u8::from(flag)) as usize).sum()
}

/// Copies the marked elements of `from`, of which there are as many as `to` has room for.
fn compact<T: Element>(to: &mut [T], from: &[T], flags: &[bool]) {
    let mut done = 0;
    let tiles = from.chunks(TILE).zip(flags.chunks(TILE));
    for (from, flags) in tiles {
        let n = count(flags);
        let to = &mut to[done..done + n];
        if n == from.len() {
            to.copy_from_slice(from);
        } else if n > 0 {
            // Every element is written and the mask moves the place of the next: no branch to mispredict.
            let mut kept = [T::default(); TILE];
            let mut next = 0;
            for (&element, &flag) in from.iter().zip(flags) {
                kept[next % TILE] = element;
                next += usize::from(flag);
            }
            to.copy_from_slice(&kept[..n]);
        }
        done += n;
    }
}

/// Copies the marked rows of `n_inner` elements, neighbours together.
fn compact_rows<T: Element>(to: &mut [T], from: &[T], flags: &[bool], n_inner: usize) {
    let (mut done, mut start) = (0, 0);
    for run in flags.chunk_by(|a, b| a == b) {
        let len = run.len() * n_inner;
        if run[0] {
            to[done..done + len].copy_from_slice(&from[start..start + len]);
            done += len;
        }
        start += len;
    }
}

/// The numbering of the true elements of a mask in row-major order.
pub(crate) struct Ranks {
    shape: Vec<u64>,
    /// Whether `listed` are the false positions instead of the true ones.
    is_inverted: bool,
    listed: Vec<u64>,
}

impl Ranks {
    pub(crate) fn new(mask: &BlockData<bool>) -> Self {
        let shape: Vec<u64> = mask.shape().iter().map(|&len| len as u64).collect();
        let flagged = |flags: &mut dyn Iterator<Item = (u64, bool)>, wanted: bool| -> Vec<u64> {
            flags.filter(|&(_, flag)| flag == wanted).map(|(at, _)| at).collect()
        };
        let (is_inverted, listed) = match mask {
            BlockData::Dense(array) => (false, flagged(&mut (0..).zip(array.iter().copied()), true)),
            BlockData::Sparse(coo) => {
                let at = |entry: usize| coo.keys().at(entry) as u64;
                let mut flags = (0..coo.nnz()).map(|entry| (at(entry), coo.values()[entry]));
                (coo.fill(), flagged(&mut flags, !coo.fill()))
            }
        };
        Self { shape, is_inverted, listed }
    }

    /// The number of true elements.
    pub(crate) fn count(&self) -> u64 {
        let n = self.listed.len() as u64;
        if self.is_inverted { self.shape.iter().product::<u64>() - n } else { n }
    }

    /// The rank of the element at some coordinates, of which the first ones are used; `None` if it is false.
    pub(crate) fn of(&self, coords: impl Iterator<Item = u64>) -> Option<u64> {
        let at = coords.zip(&self.shape).fold(0, |at, (coord, len)| at * len + coord);
        match (self.listed.binary_search(&at), self.is_inverted) {
            (Ok(rank), false) => Some(rank as u64),
            (Err(n_false), true) => Some(at - n_false as u64),
            (Ok(_), true) | (Err(_), false) => None,
        }
    }

    /// The place of true element number `rank`, which exists, in row-major order.
    fn place(&self, rank: u64) -> u64 {
        if self.is_inverted {
            // Listed position `i` has `listed[i] - i` true elements before it, which ascends with `i`.
            let (mut low, mut high) = (0, self.listed.len());
            while low < high {
                let middle = usize::midpoint(low, high);
                if self.listed[middle] - middle as u64 <= rank { low = middle + 1 } else { high = middle }
            }
            rank + low as u64
        } else {
            self.listed[rank as usize]
        }
    }

    /// The coordinates of true element number `rank`, which exists.
    pub(crate) fn coords(&self, rank: u64) -> Vec<u64> {
        let mut rest = self.place(rank);
        let mut coords: Vec<u64> = Vec::with_capacity(self.shape.len());
        for &len in self.shape.iter().rev() {
            coords.push(rest % len);
            rest /= len;
        }
        coords.reverse();
        coords
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, Axis, Dimension};
    use proptest::prelude::*;

    use super::*;
    use crate::block::BufferPool;
    use crate::kernels::testing::{Kind, assert_same, check_all_types, drawn, drawn_dense, shapes, stored};

    fn run(axis: usize, block: Block, mask: Block) -> Result<Block> {
        let pool = BufferPool::new(1 << 20);
        Mask { axis }.run(vec![block.into(), mask.into()], &KernelContext::new(&pool))
    }

    /// What `Mask` means: one selection along the masked axes flattened to one.
    fn slow<T: Element>(dense: &ArrayD<T>, mask: &ArrayD<bool>, axis: usize) -> ArrayD<T> {
        let mut shape = dense.shape().to_vec();
        shape.splice(axis..axis + mask.ndim(), [mask.len()]);
        let flat = ArrayD::from_shape_vec(IxDyn(&shape), dense.iter().copied().collect()).unwrap();
        let kept: Vec<usize> = mask.iter().enumerate().filter(|(_, flag)| **flag).map(|(i, _)| i).collect();
        flat.select(Axis(axis), &kept)
    }

    proptest! {
        #[test]
        fn marked_elements_stay_in_row_major_order(
            shape in shapes(),
            cut in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
            seed in any::<u64>(),
        ) {
            let axis = cut.0.index(shape.len() + 1);
            let end = axis + cut.1.index(shape.len() - axis + 1);
            let mask: ArrayD<bool> = drawn_dense(&shape[axis..end], seed ^ 5);
            check_all_types!(T => {
                for kind in Kind::ALL {
                    for mask_kind in [Kind::Plain, Kind::Transposed, Kind::Sparse] {
                        let (block, dense) = drawn::<T>(&shape, seed, kind);
                        let found = run(axis, block, stored(&mask, mask_kind)).unwrap();
                        prop_assert_eq!(found.is_sparse(), kind.is_sparse());
                        assert_same(&found, &slow(&dense, &mask, axis));
                    }
                }
            });
        }

        #[test]
        fn long_rows_are_compacted_in_tiles(n in 0usize..700, density in 1u64..20, seed in any::<u64>()) {
            let dense: ArrayD<f64> = drawn_dense(&[n], seed);
            let mask = drawn_dense::<u8>(&[n], seed ^ 9).mapv(|raw| (raw as u64) < density * 10);
            let found = run(0, stored(&dense, Kind::Plain), stored(&mask, Kind::Plain)).unwrap();
            assert_same(&found, &slow(&dense, &mask, 0));
            prop_assert_eq!(count(mask.as_slice().unwrap()), mask.iter().filter(|&&flag| flag).count());
        }
    }

    #[test]
    fn masks_over_false_fill_are_sparse_too() {
        let mask = ArrayD::from_shape_fn(IxDyn(&[3, 4]), |at| at.slice() == [1, 2] || at.slice() == [2, 0]);
        let (block, dense) = drawn::<i32>(&[3, 4], 3, Kind::Sparse);
        let sparse_mask = Block::new(Coo::from_dense(&mask.view()).unwrap());
        assert_same(&run(0, block, sparse_mask).unwrap(), &slow(&dense, &mask, 0));
    }

    #[test]
    fn masks_that_do_not_cover_axes_are_errors() {
        let block = || drawn::<f64>(&[2, 3], 1, Kind::Plain).0;
        let mask = |shape: &[usize]| drawn::<bool>(shape, 1, Kind::Plain).0;
        assert!(run(0, block(), mask(&[3])).unwrap_err().to_string().contains("mask with shape (3)"));
        assert!(run(1, block(), mask(&[3, 1])).is_err());
        assert!(run(0, block(), block()).is_err());
        assert!(run(1, block(), mask(&[3])).is_ok());
    }
}
