//! Blocks that are computed from where they lie.

use std::ops::Range;

use ndarray::ArrayD;
use serde::{Deserialize, Serialize};

use super::context::KernelContext;
use super::operands::{from_flat, lengths, n_elems, scratch};
use crate::block::Block;
use crate::element::dispatch::dispatch;
use crate::element::{C64, DType, Element, Scalar};
use crate::error::{Error, Result};
use crate::sparse::Coo;

/// An array whose elements follow from their position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Generate {
    /// The same value everywhere.
    Full(Scalar),
    /// The same value everywhere, as a sparse block without entries.
    Empty(Scalar),
    /// `start + i * step`, in the type of `start`; exact for integers, which wrap.
    Arange { start: Scalar, step: Scalar },
    /// `n` evenly spaced numbers from `start` to `stop`, computed in double precision; integers are rounded down.
    Linspace { start: Scalar, stop: Scalar, n: u64, endpoint: bool, dtype: DType },
    /// One on the diagonal `column - row == k`, zero elsewhere.
    Eye { k: i64, dtype: DType },
    /// The position along one axis.
    Indices { axis: usize, dtype: DType },
}

impl Generate {
    /// The element type.
    pub(crate) fn dtype(&self) -> DType {
        match self {
            Generate::Full(value) | Generate::Empty(value) => value.dtype(),
            Generate::Arange { start, .. } => start.dtype(),
            Generate::Linspace { dtype, .. } | Generate::Eye { dtype, .. } | Generate::Indices { dtype, .. } => *dtype,
        }
    }

    /// The elements inside `ranges`, one range per axis.
    pub(crate) fn run(&self, ranges: &[Range<u64>], ctx: &KernelContext<'_>) -> Result<Block> {
        let shape: Vec<u64> = ranges.iter().map(|range| range.end.saturating_sub(range.start)).collect();
        dispatch!(self.dtype(), T => match self {
            Generate::Full(value) => full(&lengths(&shape), T::from_scalar(*value), ctx).map(Block::from_dense),
            Generate::Empty(value) => Coo::empty(&shape, T::from_scalar(*value)).map(Block::new),
            Generate::Arange { start, step } => line(ranges, ctx, arange::<T>(*start, *step)),
            Generate::Linspace { start, stop, n, endpoint, .. } => {
                let spaced = Spaced::new(start.to_c64(), stop.to_c64(), *n, *endpoint);
                line(ranges, ctx, |i| rounded_down::<T>(spaced.at(i)))
            }
            Generate::Eye { k, .. } => eye::<T>(ranges, *k, ctx).map(Block::from_dense),
            Generate::Indices { axis, .. } => indices::<T>(ranges, *axis, ctx).map(Block::from_dense),
        })
    }
}

fn full<T: Element>(shape: &[usize], value: T, ctx: &KernelContext<'_>) -> Result<ArrayD<T>> {
    let mut flat = ctx.pool.take(n_elems(shape)?)?;
    flat.fill(value);
    from_flat(shape, flat)
}

/// A 1-d block from the value at each position.
fn line<T: Element>(ranges: &[Range<u64>], ctx: &KernelContext<'_>, at: impl Fn(u64) -> T) -> Result<Block> {
    let [range] = ranges else {
        return Err(Error::bug("generate", format!("{} axes where one was due", ranges.len())));
    };
    let mut flat = ctx.pool.take(range.end.saturating_sub(range.start) as usize)?;
    flat.iter_mut().zip(range.clone()).for_each(|(slot, i)| *slot = at(i));
    from_flat(&[flat.len()], flat).map(Block::from_dense)
}

/// Element `i` of an arange. Integers are computed modulo 2^64, of which every narrower type is a part.
fn arange<T: Element>(start: Scalar, step: Scalar) -> impl Fn(u64) -> T {
    let is_integral = T::DTYPE.is_integral();
    let (first, int_step) = (wrapped(start), wrapped(step));
    let (start, step) = (start.to_c64(), step.to_c64());
    move |i| {
        if is_integral {
            T::from_scalar(Scalar::U64(first.wrapping_add(int_step.wrapping_mul(i))))
        } else {
            T::from_scalar(Scalar::C64(start + step * i as f64))
        }
    }
}

/// An integer modulo 2^64.
fn wrapped(value: Scalar) -> u64 {
    match value {
        Scalar::U64(x) => x,
        other => i64::from_scalar(other) as u64,
    }
}

/// Evenly spaced numbers, by NumPy's rules.
struct Spaced {
    start: C64,
    stop: C64,
    delta: C64,
    step: C64,
    n_steps: f64,
    /// The position that is `stop` exactly.
    last: Option<u64>,
}

impl Spaced {
    fn new(start: C64, stop: C64, n: u64, endpoint: bool) -> Self {
        let n_steps = if endpoint { n.saturating_sub(1) } else { n } as f64;
        let delta = stop - start;
        let last = (endpoint && n > 1).then(|| n - 1);
        Self { start, stop, delta, step: delta / n_steps, n_steps, last }
    }

    fn at(&self, i: u64) -> C64 {
        if self.last == Some(i) {
            return self.stop;
        }
        let i = i as f64;
        let distance = if self.n_steps == 0.0 {
            self.delta * i
        } else if self.step == C64::ZERO {
            // The step is too small for a double, the distance may not be.
            self.delta * (i / self.n_steps)
        } else {
            self.step * i
        };
        self.start + distance
    }
}

fn rounded_down<T: Element>(value: C64) -> T {
    let value = if T::DTYPE.is_integral() { C64::new(value.re.floor(), value.im) } else { value };
    T::from_scalar(Scalar::C64(value))
}

fn eye<T: Element>(ranges: &[Range<u64>], k: i64, ctx: &KernelContext<'_>) -> Result<ArrayD<T>> {
    let [rows, columns] = ranges else {
        return Err(Error::bug("eye", format!("{} axes where two were due", ranges.len())));
    };
    let shape = [rows.end.saturating_sub(rows.start) as usize, columns.end.saturating_sub(columns.start) as usize];
    let mut out = full(&shape, T::zero(), ctx)?;
    for (i, row) in rows.clone().enumerate() {
        let column = row as i128 + k as i128;
        if column >= columns.start as i128 && column < columns.end as i128 {
            out[[i, (column - columns.start as i128) as usize]] = T::one();
        }
    }
    Ok(out)
}

fn indices<T: Element>(ranges: &[Range<u64>], axis: usize, ctx: &KernelContext<'_>) -> Result<ArrayD<T>> {
    let shape: Vec<u64> = ranges.iter().map(|range| range.end.saturating_sub(range.start)).collect();
    let mut out = scratch::<T>(&lengths(&shape), ctx)?;
    if axis >= ranges.len() {
        return Err(Error::bug("indices", format!("axis {axis} of {} axes", ranges.len())));
    }
    for (slab, at) in out.axis_iter_mut(ndarray::Axis(axis)).zip(ranges[axis].clone()) {
        let value = T::from_scalar(Scalar::U64(at));
        let mut slab = slab;
        slab.fill(value);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::BufferPool;

    fn run<T: Element>(what: &Generate, ranges: &[Range<u64>]) -> ArrayD<T> {
        let pool = BufferPool::new(1 << 20);
        // Unspecified contents of recycled memory must not show through.
        pool.give(vec![T::one(); 1 << 14]);
        what.run(ranges, &KernelContext::new(&pool)).unwrap().dense::<T>().unwrap().to_owned()
    }

    #[test]
    fn arange_is_exact_for_integers_and_wraps() {
        let big = Generate::Arange { start: Scalar::I64(i64::MAX - 2), step: Scalar::I64(1) };
        assert_eq!(run::<i64>(&big, &[0..4]).as_slice().unwrap(), [i64::MAX - 2, i64::MAX - 1, i64::MAX, i64::MIN]);
        let down = Generate::Arange { start: Scalar::U64(u64::MAX), step: Scalar::I64(-3) };
        assert_eq!(run::<u64>(&down, &[1..3]).as_slice().unwrap(), [u64::MAX - 3, u64::MAX - 6]);
        let half = Generate::Arange { start: Scalar::F64(1.0), step: Scalar::F64(0.5) };
        assert_eq!(run::<f64>(&half, &[4..6]).as_slice().unwrap(), [3.0, 3.5]);
        let bytes = Generate::Arange { start: Scalar::U8(250), step: Scalar::U8(3) };
        assert_eq!(run::<u8>(&bytes, &[0..4]).as_slice().unwrap(), [250, 253, 0, 3]);
    }

    fn spaced(start: f64, stop: f64, n: u64, endpoint: bool) -> Generate {
        Generate::Linspace { start: Scalar::F64(start), stop: Scalar::F64(stop), n, endpoint, dtype: DType::F64 }
    }

    #[test]
    fn linspace_follows_numpy() {
        assert_eq!(run::<f64>(&spaced(0.0, 1.0, 5, true), &[0..5]).as_slice().unwrap(), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(run::<f64>(&spaced(0.0, 1.0, 4, false), &[2..4]).as_slice().unwrap(), [0.5, 0.75]);
        assert_eq!(run::<f64>(&spaced(3.0, 9.0, 1, true), &[0..1]).as_slice().unwrap(), [3.0]);
        // The last element is the end itself, whatever start + i * step rounds to.
        assert_eq!(run::<f64>(&spaced(0.1, 0.7, 8, true), &[7..8]).as_slice().unwrap(), [0.7]);
        // A step that underflows.
        let tiny = f64::from_bits(1);
        assert_eq!(run::<f64>(&spaced(0.0, tiny, 5, true), &[3..5]).as_slice().unwrap(), [tiny, tiny]);
        let ints = Generate::Linspace {
            start: Scalar::I64(-1),
            stop: Scalar::I64(2),
            n: 5,
            endpoint: true,
            dtype: DType::I64,
        };
        assert_eq!(run::<i64>(&ints, &[0..5]).as_slice().unwrap(), [-1, -1, 0, 1, 2]);
    }

    #[test]
    fn blocks_of_an_eye_see_their_part_of_the_diagonal() {
        let eye = Generate::Eye { k: 1, dtype: DType::I32 };
        let whole = run::<i32>(&eye, &[0..5, 0..6]);
        assert_eq!(whole.sum(), 5);
        assert!((0..5).all(|i| whole[[i, i + 1]] == 1));
        let part = run::<i32>(&eye, &[2..4, 3..6]);
        assert_eq!(part, whole.slice(ndarray::s![2..4, 3..6]).to_owned().into_dyn());
        let low = run::<bool>(&Generate::Eye { k: -2, dtype: DType::Bool }, &[0..3, 0..3]);
        assert_eq!(low.iter().filter(|&&x| x).count(), 1);
        assert!(low[[2, 0]]);
    }

    #[test]
    fn indices_count_from_the_start_of_the_array() {
        let rows = run::<i64>(&Generate::Indices { axis: 0, dtype: DType::I64 }, &[3..5, 7..9]);
        assert_eq!(rows, ndarray::arr2(&[[3, 3], [4, 4]]).into_dyn());
        let columns = run::<f32>(&Generate::Indices { axis: 1, dtype: DType::F32 }, &[3..5, 7..9]);
        assert_eq!(columns, ndarray::arr2(&[[7.0, 8.0], [7.0, 8.0]]).into_dyn());
    }

    #[test]
    fn constant_blocks_are_dense_or_sparse() {
        assert_eq!(run::<f64>(&Generate::Full(Scalar::F64(2.5)), &[3..5, 0..100]).sum(), 500.0);
        let pool = BufferPool::new(0);
        let ctx = KernelContext::new(&pool);
        let empty = Generate::Empty(Scalar::I8(7)).run(&[0..1 << 40, 0..1 << 40], &ctx).unwrap();
        assert!(empty.is_sparse() && empty.fill() == Some(Scalar::I8(7)));
        assert!(Generate::Full(Scalar::I8(7)).run(&[0..1 << 40, 0..1 << 40], &ctx).unwrap_err().is_memory());
        assert!(Generate::Full(Scalar::I8(7)).run(&[], &ctx).unwrap().scalar().unwrap() == Scalar::I8(7));
    }
}
