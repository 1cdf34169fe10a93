//! The contraction of blocks.

use ndarray::{ArcArray, ArrayD, ArrayView2, ArrayViewD, ArrayViewMutD, Axis, IxDyn};
use serde::{Deserialize, Serialize};

use super::matrix::Groups;
use super::multiply::multiply;
use crate::block::{Block, BlockData, Value};
use crate::element::dispatch::dispatch;
use crate::element::{DTypeKind, Element};
use crate::error::{Error, Result, Shown};
use crate::kernels::context::KernelContext;
use crate::kernels::copy::{contiguous, writable};
use crate::kernels::entries::Combinations;
use crate::kernels::operands::{blocks, dense, scratch, typed};
use crate::sparse::contract::Pairing;

const OP: &str = "tensordot";

/// Slices with a shorter contracted axis, or with fewer products of elements, are not multiplied one by one.
const MIN_SLICE_DEPTH: usize = 16;
const MIN_SLICE_PRODUCTS: usize = 16 << 10;

/// Multiplies pairs of blocks and sums over contracted axes and over all pairs.
///
/// Inputs: an accumulator if their number is odd, which is added to and is written in place if nobody else holds it; then
/// left and right blocks in turn. The result has the batch axes, the free axes of the left blocks, then those of the
/// right ones, and the element type of the inputs; integers wrap. Products of sparse blocks with fill zero are sparse.
///
/// ```text
/// lhs (3, 4, 5)   rhs (5, 4, 6)   lhs_axes [1, 2]   rhs_axes [1, 0]   gives (3, 6)
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contract {
    /// The number of leading axes that both sides have and the result keeps; one side may have length 1 there.
    pub(crate) n_batch: usize,
    /// The contracted axes of the left blocks.
    pub(crate) lhs_axes: Vec<usize>,
    /// The contracted axes of the right blocks, in the same order.
    pub(crate) rhs_axes: Vec<usize>,
}

impl Contract {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Block> {
        let mut blocks = blocks(inputs)?.into_iter();
        let accumulator = if blocks.len() % 2 == 1 { blocks.next() } else { None };
        let Some(dtype) = accumulator.as_ref().or(blocks.as_slice().first()).map(Block::dtype) else {
            return Err(Error::bug(OP, "neither a pair of blocks nor an accumulator"));
        };
        dispatch!(dtype, T => {
            let mut out = accumulator.map(typed::<T>).transpose()?;
            while let (Some(lhs), Some(rhs)) = (blocks.next(), blocks.next()) {
                out = Some(self.add_pair::<T>(out, typed(lhs)?, typed(rhs)?, ctx)?);
            }
            out.map(Block::new::<T>).ok_or_else(|| Error::bug(OP, "no pair of blocks"))
        })
    }

    /// The accumulator plus the product of two blocks, in the layout that suits them.
    fn add_pair<T: Element>(
        &self,
        out: Option<BlockData<T>>,
        lhs: BlockData<T>,
        rhs: BlockData<T>,
        ctx: &KernelContext<'_>,
    ) -> Result<BlockData<T>> {
        let shape = self.shape(&lhs.shape(), &rhs.shape())?;
        if let Some(found) = out.as_ref().map(BlockData::shape).filter(|found| *found != shape) {
            return Err(Error::block(OP, "shape", Shown(&shape), Shown(&found)));
        }
        if let Some(product) = self.sparse_product(&lhs, &rhs)? {
            return add_blocks(out, product, ctx);
        }
        let (lhs, rhs) = (in_rows(dense(lhs)?, ctx)?, in_rows(dense(rhs)?, ctx)?);
        let sum = self.add_dense(out.map(dense).transpose()?, &shape, &lhs, &rhs, ctx)?;
        ctx.recycle([Block::new(lhs), Block::new(rhs)]);
        Ok(sum.into())
    }

    /// The product where a block is sparse and sparse products apply: its fill is zero. Elsewhere sparse blocks are
    /// multiplied densely.
    fn sparse_product<T: Element>(&self, lhs: &BlockData<T>, rhs: &BlockData<T>) -> Result<Option<BlockData<T>>> {
        let applies = |data: &BlockData<T>| data.sparse().is_ok_and(|coo| coo.fill() == T::zero());
        let (lhs_shape, rhs_shape) = self.stretched(&lhs.shape(), &rhs.shape());
        let batch: Vec<usize> = (0..self.n_batch).collect();
        let (a, b) = ((&*lhs_shape, &*batch, &*self.lhs_axes), (&*rhs_shape, &*batch, &*self.rhs_axes));
        Ok(match (lhs, rhs) {
            (BlockData::Sparse(x), BlockData::Sparse(y)) if applies(lhs) && applies(rhs) => {
                let (x, y) = (x.broadcast_to(&lhs_shape)?, y.broadcast_to(&rhs_shape)?);
                Some(x.contract(&y, &Pairing::batched(OP, a, b)?)?.into())
            }
            (BlockData::Sparse(x), BlockData::Dense(y)) if applies(lhs) => {
                let y = stretched(y, &rhs_shape)?;
                Some(x.broadcast_to(&lhs_shape)?.contract_dense(&y, &Pairing::batched(OP, a, b)?)?.into())
            }
            (BlockData::Dense(x), BlockData::Sparse(y)) if applies(rhs) => {
                let x = stretched(x, &lhs_shape)?;
                let product = y.broadcast_to(&rhs_shape)?.contract_dense(&x, &Pairing::batched(OP, b, a)?)?;
                // The free axes of the sparse block came first.
                let n_own = rhs_shape.len() - self.n_batch - self.rhs_axes.len();
                let (first, last) = (self.n_batch, product.ndim());
                let order: Vec<usize> = (0..first).chain(first + n_own..last).chain(first..first + n_own).collect();
                Some(product.permuted_axes(order).as_standard_layout().into_owned().into())
            }
            (_, _) => None,
        })
    }

    /// The shapes of two blocks with batch axes of length 1 stretched.
    fn stretched(&self, lhs: &[usize], rhs: &[usize]) -> (Vec<u64>, Vec<u64>) {
        let stretch = |own: &[usize], other: &[usize]| {
            let len = |axis: usize| if axis < self.n_batch && own[axis] == 1 { other[axis] } else { own[axis] };
            (0..own.len()).map(|axis| len(axis) as u64).collect()
        };
        (stretch(lhs, rhs), stretch(rhs, lhs))
    }

    fn add_dense<T: Element>(
        &self,
        out: Option<ArcArray<T, IxDyn>>,
        shape: &[usize],
        lhs: &ArcArray<T, IxDyn>,
        rhs: &ArcArray<T, IxDyn>,
        ctx: &KernelContext<'_>,
    ) -> Result<ArcArray<T, IxDyn>> {
        let adds = out.is_some();
        let mut out: ArrayD<T> = match out {
            Some(out) => writable(contiguous(out, ctx)?, ctx)?,
            None => scratch(shape, ctx)?,
        };
        if !out.is_empty() {
            self.add_matrices(out.view_mut(), lhs.view(), rhs.view(), adds, ctx)?;
        }
        Ok(out.into_shared())
    }

    /// The shape of the result; an error if the blocks do not fit together.
    fn shape(&self, lhs: &[usize], rhs: &[usize]) -> Result<Vec<usize>> {
        let is_axis =
            |axes: &[usize], shape: &[usize]| axes.iter().all(|&axis| axis >= self.n_batch && axis < shape.len());
        let fits = self.lhs_axes.len() == self.rhs_axes.len()
            && lhs.len() >= self.n_batch
            && rhs.len() >= self.n_batch
            && is_axis(&self.lhs_axes, lhs)
            && is_axis(&self.rhs_axes, rhs)
            && self.lhs_axes.iter().zip(&self.rhs_axes).all(|(&a, &b)| lhs[a] == rhs[b])
            && (0..self.n_batch).all(|axis| lhs[axis] == rhs[axis] || lhs[axis] == 1 || rhs[axis] == 1);
        if !fits {
            let detail = format!(
                "blocks of shapes {} and {} are contracted over axes {:?} and {:?}",
                Shown(lhs),
                Shown(rhs),
                self.lhs_axes,
                self.rhs_axes
            );
            return Err(Error::shape(OP, detail).with_remedy("contracted axes must have equal lengths"));
        }
        let batch = (0..self.n_batch).map(|axis| if lhs[axis] == 1 { rhs[axis] } else { lhs[axis] });
        let free_lhs = self.free(lhs.len(), &self.lhs_axes).into_iter().map(|axis| lhs[axis]);
        let free_rhs = self.free(rhs.len(), &self.rhs_axes).into_iter().map(|axis| rhs[axis]);
        Ok(batch.chain(free_lhs).chain(free_rhs).collect())
    }

    /// The axes that are neither batch axes nor contracted.
    fn free(&self, ndim: usize, contracted: &[usize]) -> Vec<usize> {
        (self.n_batch..ndim).filter(|axis| !contracted.contains(axis)).collect()
    }

    fn add_matrices<T: Element>(
        &self,
        out: ArrayViewMutD<'_, T>,
        lhs: ArrayViewD<'_, T>,
        rhs: ArrayViewD<'_, T>,
        adds: bool,
        ctx: &KernelContext<'_>,
    ) -> Result<()> {
        let (lhs_groups, rhs_groups) = self.groups(&lhs, &rhs);
        let is_copied = !lhs_groups.is_matrix(lhs.view()) || !rhs_groups.is_matrix(rhs.view());
        if let Some((lhs, rhs)) = self.slices(lhs.view(), rhs.view()).filter(|_| is_copied) {
            return self.add_products(out, &lhs, &rhs, adds);
        }
        let lhs = lhs_groups.matrices(lhs, ctx)?;
        let rhs = rhs_groups.matrices(rhs, ctx)?;
        self.add_products(out, &lhs.view(), &rhs.view(), adds)
    }

    /// Adds the products of matrices, `[batch.., summed.., row, column]` on both sides.
    fn add_products<T: Element>(
        &self,
        out: ArrayViewMutD<'_, T>,
        lhs: &ArrayViewD<'_, T>,
        rhs: &ArrayViewD<'_, T>,
        adds: bool,
    ) -> Result<()> {
        let n_outer = lhs.ndim() - 2;
        let counts = out.shape()[..self.n_batch].to_vec();
        let summed = lhs.shape()[self.n_batch..n_outer].to_vec();
        let n_batches: usize = counts.iter().product();
        let (m, n) = (lhs.shape()[n_outer], rhs.shape()[n_outer + 1]);
        // The result is row-major, so that its axes merge into three.
        let merged = out.into_shape_with_order((n_batches, m, n));
        let mut out = merged.map_err(|error| Error::bug(OP, error.to_string()))?;
        for (mut at, mut out) in Combinations::new(counts).zip(out.outer_iter_mut()) {
            for (i, place) in Combinations::new(summed.clone()).enumerate() {
                at.truncate(self.n_batch);
                at.extend(place);
                let (lhs, rhs) = (matrix_at(lhs.view(), &at)?, matrix_at(rhs.view(), &at)?);
                multiply(out.view_mut(), lhs, rhs, adds || i > 0);
            }
        }
        Ok(())
    }

    /// Both operands as matrices for each place along all contracted axes but one, where these need no copy and are large
    /// enough to be multiplied at full speed: copies of thick blocks take longer than their product.
    ///
    /// ```text
    /// lhs (m, a, k)    rhs (k, a, n)    sum over a of  lhs[:, a, :] @ rhs[:, a, :]
    /// ```
    fn slices<'a, T: Element>(
        &self,
        lhs: ArrayViewD<'a, T>,
        rhs: ArrayViewD<'a, T>,
    ) -> Option<(ArrayViewD<'a, T>, ArrayViewD<'a, T>)> {
        if lhs.is_empty() || rhs.is_empty() {
            return None;
        }
        let inner = (0..self.lhs_axes.len()).max_by_key(|&pair| lhs.shape()[self.lhs_axes[pair]])?;
        let sliced = |view: ArrayViewD<'a, T>, axes: &[usize], columns_are_inner: bool| {
            let summed = axes.iter().enumerate().filter(|&(pair, _)| pair != inner).map(|(_, &axis)| axis);
            let batch: Vec<usize> = (0..self.n_batch).chain(summed).collect();
            let (free, inner) = (self.free(view.ndim(), axes), vec![axes[inner]]);
            let (rows, columns) = if columns_are_inner { (free, inner) } else { (inner, free) };
            Groups { batch, rows, columns }.view(view).filter(|matrices| {
                let n = matrices.ndim();
                matrices.strides()[n - 2..].contains(&1)
            })
        };
        let (lhs, rhs) = (sliced(lhs, &self.lhs_axes, true)?, sliced(rhs, &self.rhs_axes, false)?);
        let n = lhs.ndim();
        let (m, k, n) = (lhs.shape()[n - 2], lhs.shape()[n - 1], rhs.shape()[n - 1]);
        (k >= MIN_SLICE_DEPTH && m * k * n >= MIN_SLICE_PRODUCTS).then_some((lhs, rhs))
    }

    /// How both operands are seen as matrices. The order of the contracted axes is free as long as it is the same on both
    /// sides: the one is taken that copies the fewest elements.
    fn groups<T: Element>(&self, lhs: &ArrayViewD<'_, T>, rhs: &ArrayViewD<'_, T>) -> (Groups, Groups) {
        let given: Vec<(usize, usize)> = self.lhs_axes.iter().copied().zip(self.rhs_axes.iter().copied()).collect();
        let (mut by_lhs, mut by_rhs) = (given.clone(), given.clone());
        by_lhs.sort_by_key(|&(axis, _)| std::cmp::Reverse(lhs.strides()[axis].unsigned_abs()));
        by_rhs.sort_by_key(|&(_, axis)| std::cmp::Reverse(rhs.strides()[axis].unsigned_abs()));
        let candidates = [given, by_lhs, by_rhs].map(|pairs| self.groups_in_order(&pairs, lhs.ndim(), rhs.ndim()));
        let n_copied = |(a, b): &(Groups, Groups)| {
            let of_lhs = if a.is_matrix(lhs.view()) { 0 } else { lhs.len() };
            of_lhs + if b.is_matrix(rhs.view()) { 0 } else { rhs.len() }
        };
        let [first, second, third] = candidates;
        let better = |a, b| if n_copied(&b) < n_copied(&a) { b } else { a };
        better(better(first, second), third)
    }

    fn groups_in_order(&self, pairs: &[(usize, usize)], lhs_ndim: usize, rhs_ndim: usize) -> (Groups, Groups) {
        let (lhs_axes, rhs_axes): (Vec<usize>, Vec<usize>) = pairs.iter().copied().unzip();
        let rows = self.free(lhs_ndim, &lhs_axes);
        let columns = self.free(rhs_ndim, &rhs_axes);
        let batch: Vec<usize> = (0..self.n_batch).collect();
        (Groups { batch: batch.clone(), rows, columns: lhs_axes }, Groups { batch, rows: rhs_axes, columns })
    }
}

/// An operand as it is multiplied. The order in which products of floats are added up follows the strides of operands, in
/// `gemm` and here, and strides are not part of a block's value: one that was on disk or in another process is row-major.
/// So all are.
fn in_rows<T: Element>(operand: ArcArray<T, IxDyn>, ctx: &KernelContext<'_>) -> Result<ArcArray<T, IxDyn>> {
    match T::DTYPE.kind() {
        DTypeKind::Float | DTypeKind::Complex => contiguous(operand, ctx),
        DTypeKind::Bool | DTypeKind::Signed | DTypeKind::Unsigned => Ok(operand),
    }
}

/// A dense block stretched to a shape.
fn stretched<'a, T: Element>(array: &'a ArcArray<T, IxDyn>, shape: &[u64]) -> Result<ArrayViewD<'a, T>> {
    let lens: Vec<usize> = shape.iter().map(|&len| len as usize).collect();
    array.broadcast(lens).ok_or_else(|| Error::block(OP, "shape", Shown(shape), Shown(array.shape())))
}

/// The matrix at a batch index; axes of length 1 have every index.
fn matrix_at<'a, T>(mut matrices: ArrayViewD<'a, T>, at: &[usize]) -> Result<ArrayView2<'a, T>> {
    for &index in at {
        let index = if matrices.len_of(Axis(0)) == 1 { 0 } else { index };
        matrices = matrices.index_axis_move(Axis(0), index);
    }
    matrices.into_dimensionality().map_err(|error| Error::bug(OP, error.to_string()))
}

/// The sum of an accumulator, if there is one, and a product of the same shape.
fn add_blocks<T: Element>(
    out: Option<BlockData<T>>,
    product: BlockData<T>,
    ctx: &KernelContext<'_>,
) -> Result<BlockData<T>> {
    match (out, product) {
        (None, product) => Ok(product),
        (Some(BlockData::Sparse(out)), BlockData::Sparse(product)) => Ok(out.zip_with(&product, T::plus)?.into()),
        (Some(out), product) => {
            let mut out = writable(dense(out)?, ctx)?;
            let product = dense(product)?;
            out.zip_mut_with(&product, |sum, &x| *sum = sum.plus(x));
            ctx.recycle([Block::new(product)]);
            Ok(out.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::s;
    use proptest::prelude::*;

    use super::*;
    use crate::block::BufferPool;
    use crate::kernels::entries::position;
    use crate::kernels::testing::{Kind, assert_same, drawn, drawn_dense, stored};
    use crate::sparse::Coo;

    fn run(contract: &Contract, inputs: Vec<Block>) -> Result<Block> {
        let pool = BufferPool::new(1 << 20);
        // Unspecified contents of recycled memory must not show through.
        pool.give(vec![f64::NAN; 1 << 14]);
        contract.run(inputs.into_iter().map(Value::from).collect(), &KernelContext::new(&pool))
    }

    /// What `Contract` means, term by term.
    fn slow<T: Element>(contract: &Contract, lhs: &ArrayD<T>, rhs: &ArrayD<T>) -> ArrayD<T> {
        let shape = contract.shape(lhs.shape(), rhs.shape()).unwrap();
        let sums: Vec<usize> = contract.lhs_axes.iter().map(|&axis| lhs.shape()[axis]).collect();
        let free_lhs = contract.free(lhs.ndim(), &contract.lhs_axes);
        let free_rhs = contract.free(rhs.ndim(), &contract.rhs_axes);
        ArrayD::from_shape_fn(IxDyn(&shape), |out| {
            let terms = (0..sums.iter().product()).map(|number| {
                let summed = position(number, &sums);
                let index = |array: &ArrayD<T>, free: &[usize], first: usize, contracted: &[usize]| {
                    let mut at = vec![0; array.ndim()];
                    (0..contract.n_batch).for_each(|k| at[k] = if array.shape()[k] == 1 { 0 } else { out[k] });
                    free.iter().enumerate().for_each(|(k, &axis)| at[axis] = out[first + k]);
                    contracted.iter().zip(&summed).for_each(|(&axis, &k)| at[axis] = k);
                    array[at.as_slice()]
                };
                let a = index(lhs, &free_lhs, contract.n_batch, &contract.lhs_axes);
                let b = index(rhs, &free_rhs, contract.n_batch + free_lhs.len(), &contract.rhs_axes);
                a.times(b)
            });
            terms.fold(T::zero(), T::plus)
        })
    }

    /// A drawn block of small whole numbers, whose products are exact in every element type.
    fn whole<T: Element>(shape: &[usize], seed: u64) -> ArrayD<T> {
        drawn_dense::<i32>(shape, seed).mapv(|x| T::from_scalar(x.to_scalar()))
    }

    /// Equal numbers; the sign of a zero depends on the order of additions.
    #[track_caller]
    fn assert_equal<T: Element>(found: &Block, expected: &ArrayD<T>) {
        assert_eq!(found.to_array::<T>().unwrap(), *expected);
    }

    fn check<T: Element>(contract: &Contract, lhs: &[usize], rhs: &[usize], seed: u64) {
        let [a, b, c, d] = [(lhs, 1), (rhs, 2), (lhs, 3), (rhs, 4)].map(|(shape, k)| whole::<T>(shape, seed ^ k));
        let mut expected = slow(contract, &a, &b);
        for kind in Kind::ALL {
            let found = run(contract, vec![stored(&a, kind), stored(&b, Kind::Stepped)]).unwrap();
            assert_equal(&found, &expected);
        }
        let sparse = |array: &ArrayD<T>| Block::new(Coo::from_dense(&array.view()).unwrap());
        for (lhs, rhs, is_sparse) in [
            (sparse(&a), sparse(&b), true),
            (sparse(&a), stored(&b, Kind::Transposed), false),
            (stored(&a, Kind::Stepped), sparse(&b), false),
        ] {
            let found = run(contract, vec![lhs, rhs]).unwrap();
            assert_eq!(found.is_sparse(), is_sparse);
            assert_equal(&found, &expected);
        }
        expected.zip_mut_with(&slow(contract, &c, &d), |x, &y| *x = x.plus(y));
        let pairs = || {
            vec![
                stored(&a, Kind::Plain),
                stored(&b, Kind::Reversed),
                stored(&c, Kind::Transposed),
                stored(&d, Kind::Plain),
            ]
        };
        assert_equal(&run(contract, pairs()).unwrap(), &expected);
        let accumulator = whole::<T>(expected.shape(), seed ^ 5);
        for kind in Kind::ALL {
            let mut with_accumulator = vec![stored(&accumulator, kind)];
            with_accumulator.extend(pairs());
            let mut expected = expected.clone();
            expected.zip_mut_with(&accumulator, |x, &y| *x = x.plus(y));
            assert_equal(&run(contract, with_accumulator).unwrap(), &expected);
        }
    }

    proptest! {
        #[test]
        fn products_are_summed_over_axes_and_pairs(
            batch in prop::collection::vec((1usize..3, 0u8..3), 0..2),
            summed in prop::collection::vec((0usize..4, any::<u32>(), any::<u32>()), 0..3),
            free in prop::collection::vec((0usize..4, any::<u32>(), any::<bool>()), 0..3),
            seed in any::<u64>(),
        ) {
            // Each side's axes after the batch: (key to shuffle by, length, number of the contracted axis).
            let mut sides: [Vec<(u32, usize, Option<usize>)>; 2] = [Vec::new(), Vec::new()];
            for (number, &(len, key_lhs, key_rhs)) in summed.iter().enumerate() {
                sides[0].push((key_lhs, len, Some(number)));
                sides[1].push((key_rhs, len, Some(number)));
            }
            for (len, key, is_lhs) in free {
                sides[usize::from(is_lhs)].push((key, len, None));
            }
            let mut contract = Contract { n_batch: batch.len(), lhs_axes: vec![], rhs_axes: vec![] };
            let mut shapes = [Vec::new(), Vec::new()];
            for (which, side) in sides.iter_mut().enumerate() {
                side.sort_by_key(|axis| axis.0);
                shapes[which].extend(batch.iter().map(|&(len, one)| if usize::from(one) == which { 1 } else { len }));
                shapes[which].extend(side.iter().map(|axis| axis.1));
                let place = |number| side.iter().position(|axis| axis.2 == Some(number)).unwrap() + batch.len();
                let axes = (0..summed.len()).map(place).collect();
                if which == 0 { contract.lhs_axes = axes } else { contract.rhs_axes = axes }
            }
            check::<bool>(&contract, &shapes[0], &shapes[1], seed);
            check::<i32>(&contract, &shapes[0], &shapes[1], seed);
            check::<f64>(&contract, &shapes[0], &shapes[1], seed);
            check::<crate::element::C64>(&contract, &shapes[0], &shapes[1], seed);
        }
    }

    /// The same array with its axes in another order in memory, every other element of a larger one, backwards.
    fn stored_otherwise(array: &ArrayD<f64>, order: &[usize], backwards: bool) -> ArrayD<f64> {
        let mut own: Vec<usize> = (0..array.ndim()).collect();
        own.sort_by_key(|&axis| order[axis]);
        let mut back = vec![0; own.len()];
        own.iter().enumerate().for_each(|(place, &axis)| back[axis] = place);
        let mut stored = array.view().permuted_axes(own).as_standard_layout().into_owned();
        if backwards && stored.ndim() > 0 {
            stored.invert_axis(Axis(0));
            stored = stored.as_standard_layout().into_owned();
            stored.invert_axis(Axis(0));
        }
        stored.permuted_axes(back)
    }

    proptest! {
        #[test]
        fn the_order_in_memory_does_not_change_a_bit(
            (m, n) in (prop_oneof![Just(1usize), 1..70usize], prop_oneof![Just(1usize), 1..40usize]),
            depths in (1..40usize, 1..5usize), orders in prop::array::uniform2(prop::array::uniform3(0..9usize)),
            backwards in prop::array::uniform2(any::<bool>()), order in any::<bool>(), seed in any::<u64>(),
        ) {
            let (lhs_axes, rhs_axes) = if order { (vec![2, 1], vec![0, 1]) } else { (vec![1, 2], vec![1, 0]) };
            let contract = Contract { n_batch: 0, lhs_axes, rhs_axes };
            let drawn = |shape: &[usize], seed| drawn_dense::<f64>(shape, seed).mapv(|x| if x.is_finite() { x * 0.37 + 0.11 } else { 0.7 });
            let (a, b) = (drawn(&[m, depths.1, depths.0], seed), drawn(&[depths.0, depths.1, n], !seed));
            let product = |a: &ArrayD<f64>, b: &ArrayD<f64>| {
                let blocks = vec![Block::from_dense(a.clone()), Block::from_dense(b.clone())];
                run(&contract, blocks).unwrap().to_array::<f64>().unwrap().mapv(f64::to_bits)
            };
            let moved = (stored_otherwise(&a, &orders[0], backwards[0]), stored_otherwise(&b, &orders[1], backwards[1]));
            prop_assert_eq!(&moved.0, &a);
            prop_assert_eq!(product(&moved.0, &moved.1), product(&a, &b));
        }
    }

    #[test]
    fn thick_blocks_are_multiplied_slice_by_slice() {
        for (lhs_axes, rhs_axes) in [(vec![2, 1], vec![0, 1]), (vec![1, 2], vec![1, 0])] {
            let contract = Contract { n_batch: 0, lhs_axes, rhs_axes };
            let (a, b) = (whole::<f64>(&[20, 3, 40], 1), whole::<f64>(&[40, 3, 24], 2));
            assert!(contract.slices(a.view(), b.view()).is_some());
            check::<f64>(&contract, a.shape(), b.shape(), 3);
            check::<i32>(&contract, a.shape(), b.shape(), 4);
            // Strides that no matrix has, and nothing to add up.
            assert!(
                contract.slices(a.slice(s![.., .., ..;2]).into_dyn(), b.slice(s![..;2, .., ..]).into_dyn()).is_none()
            );
            check::<f64>(&contract, &[20, 0, 40], &[40, 0, 24], 5);
        }
        let batched = Contract { n_batch: 1, lhs_axes: vec![3, 2], rhs_axes: vec![1, 2] };
        check::<f64>(&batched, &[2, 20, 3, 40], &[2, 40, 3, 24], 6);
        check::<f64>(&batched, &[2, 20, 3, 40], &[1, 40, 3, 24], 7);
    }

    #[test]
    fn products_of_sparse_blocks_with_fill_zero_are_sparse() {
        let contract = Contract { n_batch: 0, lhs_axes: vec![2, 0], rhs_axes: vec![0, 1] };
        let (a, b) = (whole::<f64>(&[3, 4, 5], 1), whole::<f64>(&[5, 3, 2], 2));
        let expected = slow(&contract, &a, &b);
        let sparse = |array: &ArrayD<f64>| Block::new(Coo::from_dense(&array.view()).unwrap());
        let dense = |array: &ArrayD<f64>| stored(array, Kind::Transposed);
        let accumulators = [whole::<f64>(&[4, 2], 3), whole::<f64>(&[4, 2], 4)];
        for (lhs, rhs, is_sparse) in [
            (sparse(&a), sparse(&b), true),
            (sparse(&a), dense(&b), false),
            (dense(&a), sparse(&b), false),
            (stored(&a, Kind::Sparse), sparse(&b), false),
        ] {
            let found = run(&contract, vec![lhs.clone(), rhs.clone()]).unwrap();
            assert_eq!(found.is_sparse(), is_sparse);
            assert_equal(&found, &expected);
            let found = run(&contract, vec![sparse(&accumulators[0]), lhs.clone(), rhs.clone()]).unwrap();
            assert_eq!(found.is_sparse(), is_sparse);
            assert_equal(&found, &(&expected + &accumulators[0]));
            let found = run(&contract, vec![dense(&accumulators[1]), lhs, rhs]).unwrap();
            assert_equal(&found, &(&expected + &accumulators[1]));
        }
    }

    fn matrix_product() -> Contract {
        Contract { n_batch: 0, lhs_axes: vec![1], rhs_axes: vec![0] }
    }

    #[test]
    fn an_accumulator_that_nobody_else_holds_is_written_in_place() {
        let block = |shape: &[usize], k| stored(&whole::<f64>(shape, k), Kind::Plain);
        let accumulator = block(&[3, 5], 1);
        let address = accumulator.dense::<f64>().unwrap().as_ptr();
        let shared = accumulator.clone();
        let inputs = |accumulator| vec![accumulator, block(&[3, 4], 2), block(&[4, 5], 3)];
        let found = run(&matrix_product(), inputs(accumulator)).unwrap();
        assert_ne!(found.dense::<f64>().unwrap().as_ptr(), address);
        assert_same(&shared, &whole::<f64>(&[3, 5], 1));
        let found = run(&matrix_product(), inputs(shared)).unwrap();
        assert_eq!(found.dense::<f64>().unwrap().as_ptr(), address);
    }

    #[test]
    fn blocks_that_do_not_fit_are_errors() {
        let block = |shape: &[usize]| drawn::<f64>(shape, 1, Kind::Plain).0;
        let error = run(&matrix_product(), vec![block(&[3, 4]), block(&[5, 2])]).unwrap_err();
        assert!(error.is_shape() && error.to_string().contains("(3, 4) and (5, 2)"), "{error}");
        assert!(run(&matrix_product(), vec![block(&[2, 2]), block(&[3, 4]), block(&[4, 5])]).is_err());
        assert!(run(&matrix_product(), vec![block(&[3, 4]), drawn::<i32>(&[4, 5], 1, Kind::Plain).0]).is_err());
        assert!(run(&matrix_product(), vec![]).is_err());
        assert!(run(&matrix_product(), vec![block(&[3]), block(&[3])]).is_err());
    }
}
