//! The loops of a scan along an axis that is not the last one: every lane has its place in a row of accumulators.
//!
//! Several rows are taken together, a strip of 32 lanes at a time, so that the accumulators of a strip stay in registers:
//!
//! ```text
//!   row 0   x x x x|x x x x|..          accumulators   a a a a|a a a a|..
//!   row 1   x x x x|x x x x|..
//!   ..      -------> strip after strip, rows 0 to 7 of a strip before the next one
//! ```

use ndarray::{ArrayBase, ArrayViewD, ArrayViewMutD, Axis, Zip};

use super::reduce::{Body, Machine};
use super::scan::Join;
use super::simd::Isa;
use crate::element::Element;

/// Rows that are taken together.
const N_ROWS: usize = 8;
/// Lanes of a strip.
const STRIP: usize = 32;

/// Scans `x` along an axis into `out`. `acc` has length 1 along the axis, and holds what comes before.
pub(super) fn scan_slabs<T: Element, J: Join<T>>(
    join: &J,
    axis: usize,
    x: &ArrayViewD<'_, T>,
    out: &mut ArrayViewMutD<'_, J::Out>,
    acc: &mut ArrayViewMutD<'_, J::Acc>,
) {
    if axis > 0 {
        let parts = x.outer_iter().zip(out.outer_iter_mut()).zip(acc.outer_iter_mut());
        return parts.for_each(|((x, mut out), mut acc)| scan_slabs(join, axis - 1, &x, &mut out, &mut acc));
    }
    let mut acc = acc.index_axis_mut(Axis(0), 0);
    let out_strides = &out.strides().to_vec();
    let (mut slabs, mut out_slabs) = (x.outer_iter(), out.outer_iter_mut());
    if rows_are_slices(x.shape(), x.strides())
        && rows_are_slices(x.shape(), out_strides)
        && let Some(acc) = acc.as_slice_mut()
    {
        let machine = Machine::detect();
        while slabs.len() >= N_ROWS {
            let x = std::array::from_fn(|_| slabs.next().and_then(|row| row.to_slice()).unwrap_or_default());
            let out = std::array::from_fn(|_| out_slabs.next().and_then(ArrayBase::into_slice).unwrap_or_default());
            machine.run(ScanRows::<T, J, N_ROWS> { join, x, out, acc });
        }
    }
    slabs.zip(out_slabs).for_each(|(x, mut out)| scan_slab(join, &x, &mut out, &mut acc));
}

/// Whether a part of a block is rows of elements that lie side by side.
fn rows_are_slices(shape: &[usize], strides: &[isize]) -> bool {
    shape.len() == 2 && (shape[1] == 1 || strides[1] == 1)
}

/// Lets one slab of lanes enter.
fn scan_slab<T: Element, J: Join<T>>(
    join: &J,
    x: &ArrayViewD<'_, T>,
    out: &mut ArrayViewMutD<'_, J::Out>,
    acc: &mut ArrayViewMutD<'_, J::Acc>,
) {
    if let (Some(x), Some(out), Some(acc)) = (x.to_slice(), out.as_slice_mut(), acc.as_slice_mut()) {
        return Machine::detect().run(ScanRows { join, x: [x], out: [out], acc });
    }
    if x.ndim() > 1 {
        let parts = x.outer_iter().zip(out.outer_iter_mut()).zip(acc.outer_iter_mut());
        return parts.for_each(|((x, mut out), mut acc)| scan_slab(join, &x, &mut out, &mut acc));
    }
    Zip::from(out).and(acc).and(x).for_each(|out, acc, &x| {
        *acc = join.join(*acc, join.widen(x));
        *out = join.narrow(*acc);
    });
}

/// Adds up `x` along an axis in `acc`, which has length 1 along it.
pub(super) fn total_slabs<T: Element, J: Join<T>>(
    join: &J,
    axis: usize,
    x: &ArrayViewD<'_, T>,
    acc: &mut ArrayViewMutD<'_, J::Acc>,
) {
    if axis > 0 {
        let parts = x.outer_iter().zip(acc.outer_iter_mut());
        return parts.for_each(|(x, mut acc)| total_slabs(join, axis - 1, &x, &mut acc));
    }
    let mut acc = acc.index_axis_mut(Axis(0), 0);
    let mut slabs = x.outer_iter();
    if rows_are_slices(x.shape(), x.strides())
        && let Some(acc) = acc.as_slice_mut()
    {
        let machine = Machine::detect();
        while slabs.len() >= N_ROWS {
            let x = std::array::from_fn(|_| slabs.next().and_then(|row| row.to_slice()).unwrap_or_default());
            machine.run(TotalRows::<T, J, N_ROWS> { join, x, acc });
        }
    }
    slabs.for_each(|x| total_slab(join, &x, &mut acc));
}

fn total_slab<T: Element, J: Join<T>>(join: &J, x: &ArrayViewD<'_, T>, acc: &mut ArrayViewMutD<'_, J::Acc>) {
    if let (Some(x), Some(acc)) = (x.to_slice(), acc.as_slice_mut()) {
        return Machine::detect().run(TotalRows { join, x: [x], acc });
    }
    if x.ndim() > 1 {
        let parts = x.outer_iter().zip(acc.outer_iter_mut());
        return parts.for_each(|(x, mut acc)| total_slab(join, &x, &mut acc));
    }
    Zip::from(acc).and(x).for_each(|acc, &x| *acc = join.join(*acc, join.widen(x)));
}

/// Scans rows, the first of which follows what the accumulators hold.
struct ScanRows<'a, T: Element, J: Join<T>, const N: usize> {
    join: &'a J,
    x: [&'a [T]; N],
    out: [&'a mut [J::Out]; N],
    acc: &'a mut [J::Acc],
}

impl<T: Element, J: Join<T>, const N: usize> Body for ScanRows<'_, T, J, N> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let ScanRows { join, x, mut out, acc } = self;
        let (strips, rest) = acc.as_chunks_mut::<STRIP>();
        let n_whole = strips.len() * STRIP;
        for (strip, acc) in strips.iter_mut().enumerate() {
            let mut so_far = *acc;
            for (x, out) in x.iter().zip(&mut out) {
                // Arrays of known length, which nothing else reaches, stay in registers.
                let x: &[T; STRIP] = &x.as_chunks().0[strip];
                for lane in 0..STRIP {
                    so_far[lane] = join.join(so_far[lane], join.widen(x[lane]));
                }
                out.as_chunks_mut::<STRIP>().0[strip] = so_far.map(|acc| join.narrow(acc));
            }
            *acc = so_far;
        }
        for (x, out) in x.iter().zip(&mut out) {
            let (x, out) = (&x[n_whole..], &mut out[n_whole..]);
            for ((acc, &x), out) in rest.iter_mut().zip(x).zip(out) {
                *acc = join.join(*acc, join.widen(x));
                *out = join.narrow(*acc);
            }
        }
    }
}

/// Adds rows up.
struct TotalRows<'a, T: Element, J: Join<T>, const N: usize> {
    join: &'a J,
    x: [&'a [T]; N],
    acc: &'a mut [J::Acc],
}

impl<T: Element, J: Join<T>, const N: usize> Body for TotalRows<'_, T, J, N> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let TotalRows { join, x, acc } = self;
        let (strips, rest) = acc.as_chunks_mut::<STRIP>();
        let n_whole = strips.len() * STRIP;
        for (strip, acc) in strips.iter_mut().enumerate() {
            let mut so_far = *acc;
            for x in &x {
                let x: &[T; STRIP] = &x.as_chunks().0[strip];
                for lane in 0..STRIP {
                    so_far[lane] = join.join(so_far[lane], join.widen(x[lane]));
                }
            }
            *acc = so_far;
        }
        for x in x {
            rest.iter_mut().zip(&x[n_whole..]).for_each(|(acc, &x)| *acc = join.join(*acc, join.widen(x)));
        }
    }
}
