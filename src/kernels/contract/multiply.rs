//! Products of two matrices, added to a third.
//!
//! # Safety
//!
//! The `gemm` crate takes pointers and strides. Invariants of this file:
//!
//! * they come from ndarray views that are alive during the call, with the lengths of the views, so that every element
//!   that is read or written is one of a view;
//! * the target is a mutable view, whose elements no other view shares, so that nothing is written that is read
//!   elsewhere, and no element of it is written twice;
//! * `gemm` is called for the four element types that it knows and no other;
//! * functions of an instruction set come from [`Level::detect`].
#![allow(unsafe_code)]

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, CowArray, Ix2, Slice, s};

use crate::element::{DTypeKind, Element};
use crate::kernels::simd::{Isa, Level, at_levels};

/// Rows of the right matrix, and elements of each, that are worked on together: 256 KiB of 8-byte elements.
const DEPTH: usize = 64;
const WIDTH: usize = 512;
/// Results with fewer columns are made of inner products.
const MIN_ROW_ELEMS: usize = 8;

/// Adds the product of two matrices to `out`, or replaces `out` by it.
///
/// Integers wrap; for `bool` the product is *and* and the sum *or*.
pub(super) fn multiply<T: Element>(
    mut out: ArrayViewMut2<'_, T>,
    lhs: ArrayView2<'_, T>,
    rhs: ArrayView2<'_, T>,
    adds: bool,
) {
    debug_assert_eq!((lhs.ncols(), out.dim()), (rhs.nrows(), (lhs.nrows(), rhs.ncols())));
    if lhs.ncols() == 0 {
        if !adds {
            out.fill(T::zero());
        }
        return;
    }
    match T::DTYPE.kind() {
        DTypeKind::Float | DTypeKind::Complex => multiply_floats(out, lhs, rhs, adds),
        DTypeKind::Bool | DTypeKind::Signed | DTypeKind::Unsigned => {
            if !adds {
                out.fill(T::zero());
            }
            add_product(out, lhs, rhs);
        }
    }
}

fn multiply_floats<T: Element>(
    mut out: ArrayViewMut2<'_, T>,
    lhs: ArrayView2<'_, T>,
    rhs: ArrayView2<'_, T>,
    adds: bool,
) {
    let (m, n, k) = (out.nrows(), out.ncols(), lhs.ncols());
    // `gemm` chooses its way by strides, also by those of axes of length 1, which mean nothing and so may be any.
    let strides = |strides: &[isize], (n_rows, n_columns): (usize, usize)| {
        let column_stride = if n_columns == 1 { 1 } else { strides[1] };
        (column_stride, if n_rows == 1 { n_columns as isize } else { strides[0] })
    };
    let (out_cs, out_rs) = strides(out.strides(), (m, n));
    let (lhs_cs, lhs_rs) = strides(lhs.strides(), (m, k));
    let (rhs_cs, rhs_rs) = strides(rhs.strides(), (k, n));
    let (a, b) = (lhs.as_ptr(), rhs.as_ptr());
    let parallelism = gemm::Parallelism::None;
    // SAFETY: pointers, lengths and strides are those of live views, the target's are of a mutable one, and the only
    // callers of this function have checked that T is a float or a complex number.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            out_cs,
            out_rs,
            adds,
            a,
            lhs_cs,
            lhs_rs,
            b,
            rhs_cs,
            rhs_rs,
            T::one(),
            T::one(),
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// `out += lhs * rhs` by loops over rows of `out` and `rhs`, in panels that fit the second-level cache.
fn add_product<T: Element>(mut out: ArrayViewMut2<'_, T>, lhs: ArrayView2<'_, T>, rhs: ArrayView2<'_, T>) {
    if out.ncols() == 1 && out.nrows() > 1 && lhs.strides()[0] == 1 {
        // A vector times the transpose, whose rows are contiguous: (lhs rhs)^T = rhs^T lhs^T.
        return add_product(out.reversed_axes(), rhs.reversed_axes(), lhs.reversed_axes());
    }
    if out.ncols() < MIN_ROW_ELEMS {
        return add_dots(out, lhs, rhs);
    }
    let rhs = row_major(rhs);
    let add_rows = pick_add_rows::<T>(Level::detect());
    for columns in (0..rhs.ncols()).step_by(WIDTH).map(|at| at..rhs.ncols().min(at + WIDTH)) {
        let mut out = out.slice_axis_mut(Axis(1), Slice::from(columns.clone()));
        for depth in (0..rhs.nrows()).step_by(DEPTH).map(|at| at..rhs.nrows().min(at + DEPTH)) {
            let panel = rhs.slice(s![depth.clone(), columns.clone()]);
            let panel: Vec<&[T]> = panel.outer_iter().filter_map(|row| row.to_slice()).collect();
            for (mut out, lhs) in out.rows_mut().into_iter().zip(lhs.rows()) {
                let factors: Vec<T> = lhs.slice(s![depth.clone()]).to_vec();
                if let Some(out) = out.as_slice_mut() {
                    // SAFETY: picked for the detected level.
                    unsafe { add_rows(out, &factors, &panel) };
                    continue;
                }
                for (column, out) in out.iter_mut().enumerate() {
                    *out = factors.iter().zip(&panel).fold(*out, |sum, (f, row)| sum.plus(f.times(row[column])));
                }
            }
        }
    }
}

/// `out += lhs * rhs` for few columns: one inner product for each element.
fn add_dots<T: Element>(mut out: ArrayViewMut2<'_, T>, lhs: ArrayView2<'_, T>, rhs: ArrayView2<'_, T>) {
    let lhs = row_major(lhs);
    let columns = row_major(rhs.reversed_axes());
    let dot = pick_dot::<T>(Level::detect());
    for (mut out, row) in out.rows_mut().into_iter().zip(lhs.outer_iter()) {
        for (out, column) in out.iter_mut().zip(columns.outer_iter()) {
            if let (Some(row), Some(column)) = (row.to_slice(), column.to_slice()) {
                // SAFETY: picked for the detected level.
                *out = out.plus(unsafe { dot(row, column) });
            }
        }
    }
}

/// The matrix with contiguous rows.
fn row_major<T: Element>(matrix: ArrayView2<'_, T>) -> CowArray<'_, T, Ix2> {
    if matrix.strides()[1] == 1 { matrix.into() } else { Array2::from_shape_fn(matrix.dim(), |at| matrix[at]).into() }
}

/// The inner product of two slices of one length.
#[inline(always)]
fn dot<T: Element, I: Isa>(a: &[T], b: &[T]) -> T {
    const LANES: usize = 32;
    let mut lanes = [T::zero(); LANES];
    let (a_tiles, b_tiles) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a_tiles.remainder().iter().zip(b_tiles.remainder());
    let tail = rest.fold(T::zero(), |sum, (x, y)| sum.plus(x.times(*y)));
    for (a, b) in a_tiles.zip(b_tiles) {
        for i in 0..LANES {
            lanes[i] = lanes[i].plus(a[i].times(b[i]));
        }
    }
    lanes.into_iter().fold(tail, T::plus)
}

at_levels! {
    /// The version of [`dot`] for a level.
    fn pick_dot<T>(a: &[T], b: &[T]) -> T where [T: Element] = dot
}

/// `out += factors[0] * rows[0] + factors[1] * rows[1] + …`, four rows at a time.
#[inline(always)]
fn add_rows<T: Element, I: Isa>(out: &mut [T], factors: &[T], rows: &[&[T]]) {
    let n = out.len();
    let quads = factors.chunks_exact(4).zip(rows.chunks_exact(4));
    let rest = factors.len() / 4 * 4;
    for (f, r) in quads {
        let (r0, r1, r2, r3) = (&r[0][..n], &r[1][..n], &r[2][..n], &r[3][..n]);
        for i in 0..n {
            let sum = f[0].times(r0[i]).plus(f[1].times(r1[i])).plus(f[2].times(r2[i])).plus(f[3].times(r3[i]));
            out[i] = out[i].plus(sum);
        }
    }
    for (&f, r) in factors[rest..].iter().zip(&rows[rest..]) {
        for (out, &x) in out.iter_mut().zip(*r) {
            *out = out.plus(f.times(x));
        }
    }
}

at_levels! {
    /// The version of [`add_rows`] for a level.
    fn pick_add_rows<T>(out: &mut [T], factors: &[T], rows: &[&[T]]) where [T: Element] = add_rows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernels::testing::{Drawn, drawn_dense};

    fn matrix<T: Drawn>(rows: usize, columns: usize, seed: u64, steps: (isize, isize)) -> Array2<T> {
        let frame: Array2<T> = drawn_dense(&[2 * rows, 2 * columns], seed).into_dimensionality().unwrap();
        frame.slice_move(s![..;2 * steps.0, ..;2 * steps.1])
    }

    /// Small whole numbers, whose products are exact in every element type.
    fn whole<T: Element>(matrix: &Array2<i32>) -> Array2<T> {
        matrix.mapv(|x| T::from_scalar(x.to_scalar()))
    }

    fn check<T: Element>(lhs: &Array2<i32>, rhs: &Array2<i32>, out: &Array2<i32>) {
        let (lhs, rhs, old): (Array2<T>, Array2<T>, Array2<T>) = (whole(lhs), whole(rhs), whole(out));
        for adds in [false, true] {
            let expected = Array2::from_shape_fn(old.dim(), |(i, j)| {
                let start = if adds { old[[i, j]] } else { T::zero() };
                (0..lhs.ncols()).fold(start, |sum, k| sum.plus(lhs[[i, k]].times(rhs[[k, j]])))
            });
            for transposed in [false, true] {
                let mut found =
                    if transposed { old.t().as_standard_layout().into_owned().reversed_axes() } else { old.clone() };
                let (a, b) = (lhs.t().as_standard_layout().into_owned(), rhs.t().as_standard_layout().into_owned());
                let (a, b) = if transposed { (a.t(), b.t()) } else { (lhs.view(), rhs.view()) };
                multiply(found.view_mut(), a, b, adds);
                assert_eq!(found, expected);
            }
        }
    }

    proptest! {
        #[test]
        fn products_are_sums_of_products(
            (m, k, n) in (0usize..9, 0usize..70, 0usize..12),
            steps in prop::collection::vec(prop_oneof![Just(1isize), Just(-1)], 4),
            seed in any::<u64>(),
        ) {
            let lhs = matrix::<i32>(m, k, seed, (steps[0], steps[1]));
            let rhs = matrix::<i32>(k, n, seed ^ 1, (steps[2], steps[3]));
            let out = matrix::<i32>(m, n, seed ^ 2, (1, 1));
            check::<bool>(&lhs, &rhs, &out);
            check::<i32>(&lhs, &rhs, &out);
            check::<u8>(&lhs, &rhs, &out);
            check::<f64>(&lhs, &rhs, &out);
            check::<crate::element::C64>(&lhs, &rhs, &out);
        }
    }

    #[test]
    fn large_integer_products_go_panel_by_panel() {
        let lhs = matrix::<i64>(3, 2 * DEPTH + 5, 1, (1, 1));
        let rhs = matrix::<i64>(2 * DEPTH + 5, WIDTH + 9, 2, (1, 1));
        let mut out = Array2::zeros((3, WIDTH + 9));
        multiply(out.view_mut(), lhs.view(), rhs.view(), false);
        assert_eq!(out, lhs.dot(&rhs));
        let (lhs, rhs) = (lhs.mapv(|x| x * (1 << 40)), rhs.mapv(|x| x * (1 << 40)));
        multiply(out.view_mut(), lhs.view(), rhs.view(), false);
        let wrapped = (0..lhs.ncols()).fold(0i64, |sum, k| sum.wrapping_add(lhs[[2, k]].wrapping_mul(rhs[[k, 7]])));
        assert_eq!(out[[2, 7]], wrapped);
    }
}
