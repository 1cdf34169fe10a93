//! Cumulative sums, products, maxima and minima along an axis.
//!
//! An axis that is cut into blocks is scanned in one of two ways:
//!
//! * one block after the other: [`Scan`] takes the last slice of the block before as its *carry*;
//! * in parallel: [`ScanTotal`] of every block, [`ScanApply`] from total to total, then [`Scan`] with the totals of all
//!   blocks before as carry (or a [`Scan`] without, and [`ScanApply`] of the carry to its result).
//!
//! ```text
//!   block      1 2 3  │  4 5  │  6          carry into block 1: 6, into block 2: 15
//!   scan       1 3 6  │ 10 15 │ 21
//! ```
//!
//! Sums and products have the element type that `sum` has, and are accumulated in the widest type of their kind inside a
//! block. Maxima and minima keep the element type. NaN propagates, or is passed over where `skips_nan` is set: it counts
//! as 0 in a sum and as 1 in a product; a maximum stays NaN until the first number.

use ndarray::{ArcArray, ArrayD, ArrayViewD, ArrayViewMut1, ArrayViewMutD, IxDyn};
use serde::{Deserialize, Serialize};

use super::context::KernelContext;
use super::copy::{contiguous, writable};
use super::operands::{blocks, dense, exactly, from_flat, typed};
use super::scan_rows::{scan_slabs, total_slabs};
use crate::block::{Block, Value};
use crate::element::dispatch::{dispatch, dispatch_real};
use crate::element::{DType, Element, Real, Scalar};
use crate::error::{Error, Result, Shown};

const OP: &str = "scan";

/// Lanes that are scanned together where elements of a lane are neighbours: their additions overlap in time.
const N_TOGETHER: usize = 8;

/// What is accumulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum ScanOp {
    /// `cumsum`.
    Sum,
    /// `cumprod`.
    Prod,
    /// The largest element so far.
    Max,
    /// The smallest element so far.
    Min,
}

/// What is accumulated, where and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct ScanSpec {
    pub(crate) op: ScanOp,
    pub(crate) axis: usize,
    /// Whether NaN is passed over instead of propagated.
    pub(crate) skips_nan: bool,
}

/// The cumulative block.
///
/// Inputs: the block, and optionally a carry of the result's element type, with length 1 along the axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scan(pub(crate) ScanSpec);

/// All elements along the axis in one: what the last element of a scan would be, of length 1 along the axis.
///
/// An empty axis gives what leaves every other total as it is: 0, 1, the smallest or the largest value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScanTotal(pub(crate) ScanSpec);

/// Puts a carry in front of what is scanned already.
///
/// Inputs: a scan or a total, and a carry of the same element type with length 1 along the axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScanApply(pub(crate) ScanSpec);

impl ScanOp {
    /// The element type of the result.
    pub(crate) fn dtype(self, dtype: DType) -> DType {
        match self {
            ScanOp::Sum | ScanOp::Prod => dtype.sum(),
            ScanOp::Max | ScanOp::Min => dtype,
        }
    }
}

impl Scan {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Value> {
        let mut blocks = blocks(inputs)?.into_iter();
        let (Some(block), carry, None) = (blocks.next(), blocks.next(), blocks.next()) else {
            return Err(Error::bug(OP, "a scan takes a block and at most one carry"));
        };
        self.0.run(Work::Running, block, carry, ctx)
    }
}

impl ScanTotal {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Value> {
        let [block] = exactly(OP, inputs)?;
        self.0.run(Work::Total, block, None, ctx)
    }
}

impl ScanApply {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Value> {
        let [block, carry] = exactly(OP, inputs)?;
        self.0.run(Work::Apply, block, Some(carry), ctx)
    }
}

/// What is done with a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Running,
    Total,
    Apply,
}

impl ScanSpec {
    fn run(self, work: Work, block: Block, carry: Option<Block>, ctx: &KernelContext<'_>) -> Result<Value> {
        let skips_nan = self.skips_nan;
        match self.op {
            ScanOp::Sum => {
                dispatch!(block.dtype(), T => self.typed::<T, _>(work, &Sums { skips_nan }, block, carry, ctx))
            }
            ScanOp::Prod => {
                dispatch!(block.dtype(), T => self.typed::<T, _>(work, &Products { skips_nan }, block, carry, ctx))
            }
            ScanOp::Max | ScanOp::Min => {
                let takes_max = self.op == ScanOp::Max;
                dispatch_real!(block.dtype(), T => {
                    self.typed::<T, _>(work, &Extremes { takes_max, skips_nan }, block, carry, ctx)
                }, else Err(Error::dtype(OP, format!("a cumulative maximum needs an order, which {} has not", block.dtype()))))
            }
        }
    }

    fn typed<T: Element, J: Join<T>>(
        self,
        work: Work,
        join: &J,
        block: Block,
        carry: Option<Block>,
        ctx: &KernelContext<'_>,
    ) -> Result<Value> {
        // A scan of most elements is itself not sparse: nothing is gained by keeping the layout.
        let array = dense(typed::<T>(block)?)?;
        let lanes = Lanes::new(array.shape(), self.axis)?;
        if work == Work::Apply {
            return lanes.apply(join, contiguous(array, ctx)?, carry, ctx).map(Value::from);
        }
        let carry = carry.map(|block| lanes.carry::<J::Out>(block, ctx)).transpose()?;
        let carry = carry.as_ref().and_then(|carry| carry.as_slice());
        if work == Work::Total {
            let array = if has_whole_rows(&array) { array } else { contiguous(array, ctx)? };
            let totals = match array.as_slice().filter(|_| lanes.n_inner == 1) {
                Some(flat) => lanes.totals(join, flat),
                None => lanes.totals_of_rows(join, &array.view())?,
            };
            ctx.recycle([Block::new(array)]);
            return Ok(Block::from_dense(from_flat(&lanes.shape_with(1), totals)?).into());
        }
        let array = if has_whole_rows(&array) { array } else { contiguous(array, ctx)? };
        let result = ctx.dense_result(&lanes.shape, |out| lanes.scan(join, array.view(), carry, out))?;
        ctx.recycle([Block::new(array)]);
        Ok(result)
    }
}

/// How elements are accumulated.
pub(super) trait Join<T: Element> {
    type Acc: Copy;
    type Out: Element;

    /// What changes nothing.
    fn neutral(&self) -> Self::Acc;
    fn widen(&self, x: T) -> Self::Acc;
    fn resume(&self, carry: Self::Out) -> Self::Acc;
    fn join(&self, a: Self::Acc, b: Self::Acc) -> Self::Acc;
    fn narrow(&self, acc: Self::Acc) -> Self::Out;
}

/// As `astype`.
#[inline(always)]
fn cast<T: Element, U: Element>(x: T) -> U {
    U::from_scalar(x.to_scalar())
}

#[inline(always)]
fn plus<W: Element>(a: W, b: W) -> W {
    a.plus(b)
}

#[inline(always)]
fn times<W: Element>(a: W, b: W) -> W {
    a.times(b)
}

struct Sums {
    skips_nan: bool,
}

impl<T: Element> Join<T> for Sums {
    type Acc = T::Accum;
    type Out = T::Sum;

    fn neutral(&self) -> T::Accum {
        // Not 0.0, which would make a leading -0.0 positive.
        T::Accum::from_scalar(Scalar::F64(-0.0))
    }

    #[inline(always)]
    fn widen(&self, x: T) -> T::Accum {
        if self.skips_nan && x.is_nan() { T::Accum::zero() } else { cast(x) }
    }

    #[inline(always)]
    fn resume(&self, carry: T::Sum) -> T::Accum {
        cast(carry)
    }

    #[inline(always)]
    fn join(&self, a: T::Accum, b: T::Accum) -> T::Accum {
        plus(a, b)
    }

    #[inline(always)]
    fn narrow(&self, acc: T::Accum) -> T::Sum {
        cast(acc)
    }
}

struct Products {
    skips_nan: bool,
}

impl<T: Element> Join<T> for Products {
    type Acc = T::Accum;
    type Out = T::Sum;

    fn neutral(&self) -> T::Accum {
        T::Accum::one()
    }

    #[inline(always)]
    fn widen(&self, x: T) -> T::Accum {
        if self.skips_nan && x.is_nan() { T::Accum::one() } else { cast(x) }
    }

    #[inline(always)]
    fn resume(&self, carry: T::Sum) -> T::Accum {
        cast(carry)
    }

    #[inline(always)]
    fn join(&self, a: T::Accum, b: T::Accum) -> T::Accum {
        times(a, b)
    }

    #[inline(always)]
    fn narrow(&self, acc: T::Accum) -> T::Sum {
        cast(acc)
    }
}

struct Extremes {
    takes_max: bool,
    skips_nan: bool,
}

impl<T: Real> Join<T> for Extremes {
    type Acc = T;
    type Out = T;

    fn neutral(&self) -> T {
        if self.skips_nan && T::DTYPE.is_float() {
            return T::from_scalar(Scalar::F64(f64::NAN));
        }
        if self.takes_max { T::lowest() } else { T::highest() }
    }

    #[inline(always)]
    fn widen(&self, x: T) -> T {
        x
    }

    #[inline(always)]
    fn resume(&self, carry: T) -> T {
        carry
    }

    #[inline(always)]
    fn join(&self, a: T, b: T) -> T {
        let prefers_b = if self.takes_max { b > a } else { b < a };
        match (a.is_nan(), b.is_nan()) {
            (false, false) => {
                if prefers_b {
                    b
                } else {
                    a
                }
            }
            (true, false) => {
                if self.skips_nan {
                    b
                } else {
                    a
                }
            }
            (false, true) => {
                if self.skips_nan {
                    a
                } else {
                    b
                }
            }
            (true, true) => a,
        }
    }

    #[inline(always)]
    fn narrow(&self, acc: T) -> T {
        acc
    }
}

/// A row-major array seen as lanes along one axis: `n_outer` times `len` times `n_inner`.
struct Lanes {
    shape: Vec<usize>,
    axis: usize,
    len: usize,
    n_inner: usize,
}

impl Lanes {
    fn new(shape: &[usize], axis: usize) -> Result<Self> {
        let Some(&len) = shape.get(axis) else {
            return Err(Error::block(OP, "a number of axes", format_args!("more than {axis}"), shape.len()));
        };
        Ok(Self { shape: shape.to_vec(), axis, len, n_inner: shape[axis + 1..].iter().product() })
    }

    fn shape_with(&self, len: usize) -> Vec<usize> {
        let mut shape = self.shape.clone();
        shape[self.axis] = len;
        shape
    }

    fn n_lanes(&self) -> usize {
        self.shape_with(1).iter().product()
    }

    /// A carry for each lane.
    fn carry<O: Element>(&self, block: Block, ctx: &KernelContext<'_>) -> Result<ArcArray<O, IxDyn>> {
        let carry = contiguous(dense(typed::<O>(block)?)?, ctx)?;
        let expected = self.shape_with(1);
        if carry.shape() == expected {
            Ok(carry)
        } else {
            Err(Error::block(OP, "a carry of shape", Shown(&expected), Shown(carry.shape())))
        }
    }

    /// The accumulators of all lanes before the first element.
    fn start<T: Element, J: Join<T>>(&self, join: &J, carry: Option<&[J::Out]>) -> Vec<J::Acc> {
        match carry {
            Some(carry) => carry.iter().map(|&carry| join.resume(carry)).collect(),
            None => vec![join.neutral(); self.n_lanes()],
        }
    }

    /// Scans the lanes of `x`, which may be a part of a larger array, into `out`, which may be one too.
    fn scan<T: Element, J: Join<T>>(
        &self,
        join: &J,
        x: ArrayViewD<'_, T>,
        carry: Option<&[J::Out]>,
        mut out: ArrayViewMutD<'_, J::Out>,
    ) -> Result<()> {
        if x.is_empty() {
            return Ok(());
        }
        let start = self.start(join, carry);
        if self.n_inner == 1 && self.axis + 1 == self.shape.len() {
            let mut rows: Vec<_> = x.rows().into_iter().filter_map(|row| row.to_slice()).collect();
            let mut out_rows: Vec<_> = out.rows_mut().into_iter().filter_map(ArrayViewMut1::into_slice).collect();
            if rows.len() != start.len() || out_rows.len() != start.len() {
                return Err(Error::bug(OP, "a row is not a slice"));
            }
            let groups = rows.chunks_mut(N_TOGETHER).zip(out_rows.chunks_mut(N_TOGETHER));
            groups.zip(start.chunks(N_TOGETHER)).for_each(|((x, out), start)| scan_together(join, x, out, start));
            return Ok(());
        }
        let mut acc = ArrayD::from_shape_vec(IxDyn(&self.shape_with(1)), start)
            .map_err(|error| Error::bug(OP, error.to_string()))?;
        scan_slabs(join, self.axis, &x, &mut out, &mut acc.view_mut());
        Ok(())
    }

    /// The totals of a part of a larger array whose rows are slices.
    fn totals_of_rows<T: Element, J: Join<T>>(&self, join: &J, x: &ArrayViewD<'_, T>) -> Result<Vec<J::Out>> {
        let mut acc = self.start(join, None);
        if self.axis + 1 == self.shape.len() {
            let rows = x.rows().into_iter().filter_map(|row| row.to_slice());
            acc.iter_mut().zip(rows).for_each(|(acc, row)| *acc = total(join, row));
        } else {
            let shaped = ArrayViewMutD::from_shape(self.shape_with(1), &mut acc);
            let mut shaped = shaped.map_err(|error| Error::bug(OP, error.to_string()))?;
            total_slabs(join, self.axis, x, &mut shaped);
        }
        Ok(acc.into_iter().map(|acc| join.narrow(acc)).collect())
    }

    /// The totals of lanes that lie one after the other.
    fn totals<T: Element, J: Join<T>>(&self, join: &J, x: &[T]) -> Vec<J::Out> {
        let mut acc = self.start(join, None);
        if self.len > 0 {
            acc.iter_mut().zip(x.chunks_exact(self.len)).for_each(|(acc, x)| *acc = total(join, x));
        }
        acc.into_iter().map(|acc| join.narrow(acc)).collect()
    }

    /// Joins a carry into each element.
    fn apply<T: Element, J: Join<T>>(
        &self,
        join: &J,
        array: ArcArray<T, IxDyn>,
        carry: Option<Block>,
        ctx: &KernelContext<'_>,
    ) -> Result<Block> {
        let carry = carry.ok_or_else(|| Error::bug(OP, "no carry to apply"))?;
        if T::DTYPE != J::Out::DTYPE {
            return Err(Error::block(OP, "dtype", J::Out::DTYPE, T::DTYPE));
        }
        let carry = self.carry::<T>(carry, ctx)?;
        let carry = carry.as_slice().unwrap_or(&[]);
        let mut out = writable(array, ctx)?;
        let n_block = self.len * self.n_inner;
        if let (Some(flat), true) = (out.as_slice_mut(), n_block > 0) {
            for (flat, carry) in flat.chunks_exact_mut(n_block).zip(carry.chunks_exact(self.n_inner)) {
                for row in flat.chunks_exact_mut(self.n_inner) {
                    for (x, &carry) in row.iter_mut().zip(carry) {
                        // Both types are the same, so this cast and the carry's are none.
                        *x = cast(join.narrow(join.join(join.resume(cast(carry)), join.widen(*x))));
                    }
                }
            }
        }
        Ok(Block::from_dense(out))
    }
}

/// All elements of a slice in one; several accumulators take turns, so that an addition does not wait for the last.
fn total<T: Element, J: Join<T>>(join: &J, x: &[T]) -> J::Acc {
    const N: usize = 4 * N_TOGETHER;
    let mut acc = [join.neutral(); N];
    let tiles = x.chunks_exact(N);
    let rest = tiles.remainder();
    for tile in tiles {
        for (acc, &x) in acc.iter_mut().zip(tile) {
            *acc = join.join(*acc, join.widen(x));
        }
    }
    let tail = rest.iter().fold(join.neutral(), |acc, &x| join.join(acc, join.widen(x)));
    acc.into_iter().fold(tail, |total, acc| join.join(total, acc))
}

/// Whether the elements along the last axis are neighbours.
fn has_whole_rows<T>(array: &ArcArray<T, IxDyn>) -> bool {
    array.shape().last().is_none_or(|&len| len <= 1) || array.strides().last() == Some(&1)
}

/// Scans up to [`N_TOGETHER`] lanes of neighbouring elements, one element of each in turn: an addition waits for the one
/// before it in its lane, not for those of other lanes.
fn scan_together<T: Element, J: Join<T>>(join: &J, x: &[&[T]], out: &mut [&mut [J::Out]], start: &[J::Acc]) {
    if let (Ok(x), Ok(out), Ok(acc)) = (
        <&[_; N_TOGETHER]>::try_from(x),
        <&mut [_; N_TOGETHER]>::try_from(&mut *out),
        <&[_; N_TOGETHER]>::try_from(start),
    ) {
        let mut acc = *acc;
        for i in 0..x[0].len() {
            for ((acc, x), out) in acc.iter_mut().zip(x).zip(out.iter_mut()) {
                *acc = join.join(*acc, join.widen(x[i]));
                out[i] = join.narrow(*acc);
            }
        }
        return;
    }
    for ((x, out), &start) in x.iter().zip(out).zip(start) {
        let mut acc = start;
        for (out, &x) in out.iter_mut().zip(*x) {
            acc = join.join(acc, join.widen(x));
            *out = join.narrow(acc);
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, Axis, Slice};
    use proptest::prelude::*;

    use super::*;
    use crate::block::BufferPool;
    use crate::element::C64;
    use crate::kernels::testing::{Drawn, Kind, assert_same, drawn_dense, shapes, stored};

    const OPS: [ScanOp; 4] = [ScanOp::Sum, ScanOp::Prod, ScanOp::Max, ScanOp::Min];

    fn blocks_of(inputs: Vec<Block>) -> Vec<Value> {
        inputs.into_iter().map(Value::from).collect()
    }

    /// What a scan means in double precision, one element after the other.
    fn slow(spec: ScanSpec, x: &ArrayD<f64>) -> ArrayD<f64> {
        let mut out = x.clone();
        for mut lane in out.lanes_mut(Axis(spec.axis)) {
            let mut so_far: Option<f64> = None;
            for x in &mut lane {
                let next = match (spec.op, so_far) {
                    (_, None) => *x,
                    (_, Some(old)) if spec.skips_nan && x.is_nan() => old,
                    (_, Some(old)) if spec.skips_nan && old.is_nan() => *x,
                    (ScanOp::Sum, Some(old)) => old + *x,
                    (ScanOp::Prod, Some(old)) => old * *x,
                    (_, Some(old)) if old.is_nan() || x.is_nan() => f64::NAN,
                    (ScanOp::Max, Some(old)) => old.max(*x),
                    (ScanOp::Min, Some(old)) => old.min(*x),
                };
                so_far = Some(next);
                *x = match spec.op {
                    ScanOp::Sum if spec.skips_nan && next.is_nan() => 0.0,
                    ScanOp::Prod if spec.skips_nan && next.is_nan() => 1.0,
                    _ => next,
                };
            }
        }
        out
    }

    /// Scans two halves of a block in all ways and compares with the whole.
    fn check<T: Drawn>(spec: ScanSpec, x: &ArrayD<T>, cut: usize, to_f64: impl Fn(T) -> f64, kind: Kind) {
        let pool = BufferPool::new(1 << 20);
        let ctx = KernelContext::new(&pool);
        let run = |inputs| Scan(spec).run(blocks_of(inputs), &ctx).and_then(Value::into_block).unwrap();
        let total = |block| ScanTotal(spec).run(blocks_of(vec![block]), &ctx).and_then(Value::into_block).unwrap();
        let apply = |block, carry| {
            ScanApply(spec).run(blocks_of(vec![block, carry]), &ctx).and_then(Value::into_block).unwrap()
        };
        let as_f64 = |block: &Block| -> ArrayD<f64> {
            crate::block::with_block!(block, U, data => data.to_dense().unwrap().mapv(|x: U| x.to_scalar().cast(DType::F64)).mapv(f64::from_scalar))
        };
        let close = |found: &Block, expected: &ArrayD<f64>| {
            let found = as_f64(found);
            assert_eq!(found.shape(), expected.shape());
            for (a, b) in found.iter().zip(expected) {
                assert!(a.is_same(*b) || a == b || (a - b).abs() <= 1e-6 * b.abs().max(1.0), "{found} {expected}");
            }
        };
        let expected = slow(spec, &x.mapv(to_f64));
        let whole = run(vec![stored(x, kind)]);
        assert_eq!(whole.dtype(), spec.op.dtype(T::DTYPE));
        close(&whole, &expected);
        let axis = Axis(spec.axis);
        let half = |range: Slice| stored(&x.slice_axis(axis, range).to_owned(), kind);
        let (first, second) = (half(Slice::from(..cut)), half(Slice::from(cut..)));
        let expected_second = expected.slice_axis(axis, Slice::from(cut..)).to_owned();
        let carry = total(first.clone());
        if cut > 0 {
            close(&carry, &expected.slice_axis(axis, Slice::from(cut - 1..cut)).to_owned());
        }
        close(&run(vec![second.clone(), carry.clone()]), &expected_second);
        close(&apply(run(vec![second.clone()]), carry.clone()), &expected_second);
        if cut < x.len_of(axis) {
            close(&apply(total(second), carry), &expected.slice_axis(axis, Slice::from(-1..)).to_owned());
        }
    }

    proptest! {
        #[test]
        fn scans_agree_however_they_are_cut(
            shape in shapes().prop_filter("an axis", |shape| !shape.is_empty()),
            axis in any::<prop::sample::Index>(),
            cut in any::<prop::sample::Index>(),
            skips_nan in any::<bool>(),
            seed in any::<u64>(),
        ) {
            let axis = axis.index(shape.len());
            let cut = cut.index(shape[axis] + 1);
            for op in OPS {
                let spec = ScanSpec { op, axis, skips_nan };
                for kind in Kind::ALL {
                    check::<f64>(spec, &drawn_dense(&shape, seed), cut, |x| x, kind);
                    check::<f32>(spec, &drawn_dense(&shape, seed), cut, f64::from, kind);
                    check::<i32>(spec, &drawn_dense(&shape, seed), cut, f64::from, kind);
                    check::<bool>(spec, &drawn_dense(&shape, seed), cut, |x| f64::from(u8::from(x)), kind);
                }
            }
        }
    }

    #[test]
    fn many_rows_are_scanned_together() {
        let x: ArrayD<i32> = drawn_dense(&[2 * N_TOGETHER + 3, 50], 7);
        check(ScanSpec { op: ScanOp::Sum, axis: 1, skips_nan: false }, &x, 20, f64::from, Kind::Plain);
    }

    fn scan(op: ScanOp, block: Block) -> Result<Block> {
        let pool = BufferPool::new(0);
        Scan(ScanSpec { op, axis: 0, skips_nan: false })
            .run(vec![block.into()], &KernelContext::new(&pool))
            .and_then(Value::into_block)
    }

    #[test]
    fn sums_wrap_and_are_accumulated_wide() {
        let big = ndarray::arr1(&[i64::MAX, 1]).into_dyn();
        assert_same(
            &scan(ScanOp::Sum, stored(&big, Kind::Plain)).unwrap(),
            &ndarray::arr1(&[i64::MAX, i64::MIN]).into_dyn(),
        );
        // In single precision 1e8 + 1 is 1e8.
        let mut x = vec![1e8f32];
        x.extend([1.0; 64]);
        let found = scan(ScanOp::Sum, stored(&ndarray::Array1::from(x).into_dyn(), Kind::Plain)).unwrap();
        assert_eq!(found.dense::<f32>().unwrap()[[64]], 100_000_064.0);
    }

    #[test]
    fn complex_numbers_have_sums_but_no_order() {
        let x = ndarray::arr1(&[C64::new(1.0, 2.0), C64::new(0.0, -1.0)]).into_dyn();
        let found = scan(ScanOp::Prod, stored(&x, Kind::Plain)).unwrap();
        assert_same(&found, &ndarray::arr1(&[C64::new(1.0, 2.0), C64::new(2.0, -1.0)]).into_dyn());
        assert!(scan(ScanOp::Max, stored(&x, Kind::Plain)).unwrap_err().is_dtype());
    }

    #[test]
    fn carries_that_do_not_fit_are_errors() {
        let pool = BufferPool::new(0);
        let ctx = KernelContext::new(&pool);
        let spec = ScanSpec { op: ScanOp::Sum, axis: 1, skips_nan: false };
        let block = |shape: &[usize]| Value::from(stored::<f64>(&drawn_dense(shape, 1), Kind::Plain));
        assert!(Scan(spec).run(vec![block(&[2, 3]), block(&[2, 2])], &ctx).is_err());
        assert!(Scan(spec).run(vec![block(&[2])], &ctx).is_err());
        assert!(Scan(spec).run(vec![], &ctx).is_err());
        let narrow = Value::from(stored::<i32>(&drawn_dense(&[2, 3], 1), Kind::Plain));
        assert!(ScanApply(spec).run(vec![narrow, block(&[2, 1])], &ctx).is_err());
    }
}
