//! Copies between views of any strides, fast where the order of elements in memory differs.
//!
//! A copy is cut into *planes*: the axis along which the target is contiguous and the one along which the source is.
//! Where both are the same axis, rows are copied whole. Where they differ the plane is transposed in *tiles*, which read a
//! cache line of each of a few source rows and write a part of each row of a *band* of the target:
//!
//! ```text
//!   source (rows contiguous)        target (rows contiguous)
//!   ┌──┬──┬──┐                      ┌──┬──┐
//!   │a │b │c │  a tile: 8 elements  │a'│d'│  a band: 8 rows, one tile after the other
//!   ├──┼──┼──┤  of 8 bytes of each  ├──┼──┤
//!   │d │e │f │  of 4 source rows    │b'│e'│
//!   └──┴──┴──┘                      ├──┼──┤
//!                                   │c'│f'│
//!                                   └──┴──┘
//! ```
//!
//! A transposing copy of blocks takes about twice as long as a plain one, whatever the instruction set: it waits for
//! memory. Wider tiles are slower without vector shuffles, and as fast with them.

use ndarray::{ArcArray, ArrayD, ArrayView2, ArrayViewD, ArrayViewMut2, ArrayViewMutD, Axis, Dimension, IxDyn};

use super::context::KernelContext;
use super::operands::scratch;
use crate::block::Block;
use crate::element::Element;
use crate::error::Result;

/// Planes below this size are left to ndarray's loops over all axes.
const MIN_PLANE_ELEMS: usize = 64;

/// The same array in row-major order without gaps; copied only if it is not so already.
pub(crate) fn contiguous<T: Element>(array: ArcArray<T, IxDyn>, ctx: &KernelContext<'_>) -> Result<ArcArray<T, IxDyn>> {
    if array.is_standard_layout() {
        return Ok(array);
    }
    let copy = copied(&array.view(), ctx)?;
    ctx.recycle([Block::new(array)]);
    Ok(copy)
}

/// The same array to be written: itself if nobody else holds it, else a row-major copy.
pub(crate) fn writable<T: Element>(array: ArcArray<T, IxDyn>, ctx: &KernelContext<'_>) -> Result<ArrayD<T>> {
    match array.try_into_owned_nocopy() {
        Ok(owned) => Ok(owned),
        Err(shared) => Ok(copied(&shared.view(), ctx)?.into_owned()),
    }
}

/// A row-major copy.
pub(crate) fn copied<T: Element>(src: &ArrayViewD<'_, T>, ctx: &KernelContext<'_>) -> Result<ArcArray<T, IxDyn>> {
    let mut out = scratch(src.shape(), ctx)?;
    copy_into(out.view_mut(), src.view());
    Ok(out.into_shared())
}

/// Copies every element of `src` to its place in `dst`, which has the same shape.
pub(crate) fn copy_into<T: Element>(mut dst: ArrayViewMutD<'_, T>, src: ArrayViewD<'_, T>) {
    debug_assert_eq!(dst.shape(), src.shape());
    if dst.is_empty() {
        return;
    }
    if let (Some(to), Some(from)) = (dst.as_slice_mut(), src.as_slice()) {
        return to.copy_from_slice(from);
    }
    let (dst, src) = simplify(dst, src);
    copy_planes(dst, src);
}

/// Sorts axes by the strides of the target, drops those of length one and merges neighbours that are one run in both.
fn simplify<'d, 's, T>(
    mut dst: ArrayViewMutD<'d, T>,
    mut src: ArrayViewD<'s, T>,
) -> (ArrayViewMutD<'d, T>, ArrayViewD<'s, T>) {
    let mut order: Vec<usize> = (0..dst.ndim()).collect();
    order.sort_by_key(|&axis| std::cmp::Reverse((dst.shape()[axis] == 1, dst.strides()[axis].unsigned_abs())));
    dst = dst.permuted_axes(IxDyn(&order));
    src = src.permuted_axes(IxDyn(&order));
    for axis in (0..dst.ndim()).rev() {
        let is_run = axis + 1 < dst.ndim() && is_one_run(&dst.raw_dim(), dst.strides(), src.strides(), axis);
        if is_run && dst.merge_axes(Axis(axis), Axis(axis + 1)) && src.merge_axes(Axis(axis), Axis(axis + 1))
            || dst.shape()[axis] == 1
        {
            dst = dst.index_axis_move(Axis(axis), 0);
            src = src.index_axis_move(Axis(axis), 0);
        }
    }
    (dst, src)
}

/// Whether axes `axis` and `axis + 1` are one run of elements in both views.
fn is_one_run(shape: &IxDyn, dst: &[isize], src: &[isize], axis: usize) -> bool {
    let len = shape.slice()[axis + 1] as isize;
    dst[axis] == dst[axis + 1] * len && src[axis] == src[axis + 1] * len
}

/// Copies plane by plane; the last axis is the one along which the target is contiguous.
fn copy_planes<T: Element>(mut dst: ArrayViewMutD<'_, T>, src: ArrayViewD<'_, T>) {
    let ndim = dst.ndim();
    if ndim < 2 {
        return dst.assign(&src);
    }
    let fastest = (0..ndim).min_by_key(|&axis| src.strides()[axis].unsigned_abs()).unwrap_or(ndim - 1);
    let other = if fastest == ndim - 1 { ndim - 2 } else { fastest };
    if dst.shape()[other] * dst.shape()[ndim - 1] < MIN_PLANE_ELEMS {
        return dst.assign(&src);
    }
    let mut order: Vec<usize> = (0..ndim).filter(|&axis| axis != other && axis != ndim - 1).collect();
    order.extend([other, ndim - 1]);
    for_each_plane(dst.permuted_axes(IxDyn(&order)), src.permuted_axes(IxDyn(&order)));
}

fn for_each_plane<T: Element>(mut dst: ArrayViewMutD<'_, T>, src: ArrayViewD<'_, T>) {
    if dst.ndim() > 2 {
        for (dst, src) in dst.axis_iter_mut(Axis(0)).zip(src.axis_iter(Axis(0))) {
            for_each_plane(dst, src);
        }
    } else if let (Ok(dst), Ok(src)) = (dst.into_dimensionality(), src.into_dimensionality()) {
        copy_plane(dst, src);
    }
}

fn copy_plane<T: Element>(mut dst: ArrayViewMut2<'_, T>, src: ArrayView2<'_, T>) {
    let rows: Option<Vec<&[T]>> = src.rows().into_iter().map(|row| row.to_slice()).collect();
    let columns: Option<Vec<&[T]>> = match rows {
        Some(_) => None,
        None => src.columns().into_iter().map(|column| column.to_slice()).collect(),
    };
    if rows.is_none() && columns.is_none() {
        return dst.assign(&src);
    }
    let targets: Option<Vec<&mut [T]>> = dst.rows_mut().into_iter().map(ndarray::ArrayBase::into_slice).collect();
    match (targets, rows, columns) {
        (Some(mut to), Some(from), _) => to.iter_mut().zip(from).for_each(|(to, from)| to.copy_from_slice(from)),
        (Some(mut to), None, Some(from)) => transpose(&mut to, &from),
        (None, _, _) | (_, None, None) => dst.assign(&src),
    }
}

/// `dst[i][j] = src[j][i]`, tile by tile; a tile reads one cache line of each source row, or half of one for the smallest
/// elements.
fn transpose<T: Element>(dst: &mut [&mut [T]], src: &[&[T]]) {
    match size_of::<T>() {
        16 => transpose_tiles::<T, 4, 4>(dst, src),
        8 => transpose_tiles::<T, 8, 4>(dst, src),
        4 => transpose_tiles::<T, 16, 4>(dst, src),
        _ => transpose_tiles::<T, 32, 8>(dst, src),
    }
}

/// Tiles of `R` target rows and `C` elements of each.
fn transpose_tiles<T: Element, const R: usize, const C: usize>(dst: &mut [&mut [T]], src: &[&[T]]) {
    let n_full = src.len() / C * C;
    for (band, dst) in dst.chunks_mut(R).enumerate() {
        let first = band * R;
        if let Ok(dst) = <&mut [&mut [T]; R]>::try_from(&mut *dst) {
            for (tile, src) in src.chunks_exact(C).enumerate() {
                transpose_tile::<T, R, C>(dst, tile * C, src, first);
            }
        } else {
            transpose_edge(dst, 0..n_full, src, first);
        }
        transpose_edge(dst, n_full..src.len(), src, first);
    }
}

/// One full tile: through a small array that lives in registers or the first-level cache.
#[inline(always)]
fn transpose_tile<T: Element, const R: usize, const C: usize>(
    dst: &mut [&mut [T]; R],
    to: usize,
    src: &[&[T]],
    from: usize,
) {
    let mut tile = [[T::default(); R]; C];
    for (row, src) in tile.iter_mut().zip(src) {
        row.copy_from_slice(&src[from..from + R]);
    }
    for (i, dst) in dst.iter_mut().enumerate() {
        let row: [T; C] = std::array::from_fn(|j| tile[j][i]);
        dst[to..to + C].copy_from_slice(&row);
    }
}

fn transpose_edge<T: Copy>(dst: &mut [&mut [T]], columns: std::ops::Range<usize>, src: &[&[T]], first: usize) {
    for (i, dst) in dst.iter_mut().enumerate() {
        for j in columns.clone() {
            dst[j] = src[j][first + i];
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Slice;
    use proptest::prelude::*;

    use super::*;
    use crate::block::BufferPool;
    use crate::element::C64;

    fn numbered(shape: &[usize]) -> ArrayD<f64> {
        let n = shape.iter().product::<usize>();
        ArrayD::from_shape_vec(IxDyn(shape), (0..n).map(|i| i as f64).collect()).unwrap()
    }

    fn lengths() -> impl Strategy<Value = usize> {
        prop_oneof![1 => Just(0usize), 2 => Just(1usize), 6 => 2usize..7, 2 => 15usize..40]
    }

    proptest! {
        #[test]
        fn any_strides_are_copied(
            shape in prop::collection::vec(lengths(), 0..4),
            seed in any::<u64>(),
            steps in prop::collection::vec(prop_oneof![Just(1isize), Just(-1), Just(2), Just(-2)], 8),
        ) {
            let pool = BufferPool::new(1 << 20);
            let ndim = shape.len();
            let mut order: Vec<usize> = (0..ndim).collect();
            order.sort_by_key(|&axis| seed.rotate_left(7 * axis as u32) % 11);
            let whole = numbered(&shape);
            let mut src = whole.view().permuted_axes(IxDyn(&order));
            for (axis, &step) in steps.iter().enumerate().take(ndim) {
                src.slice_axis_inplace(Axis(axis), Slice::new(0, None, step));
            }
            prop_assert!(copied(&src, &KernelContext::new(&pool)).unwrap() == src);
            let bytes = src.mapv(|x| x as u8);
            prop_assert!(copied(&bytes.view(), &KernelContext::new(&pool)).unwrap() == bytes);
            let wide = whole.mapv(|x| C64::new(x, 1.0));
            let wide = wide.view().permuted_axes(IxDyn(&order));
            prop_assert!(copied(&wide, &KernelContext::new(&pool)).unwrap() == wide);

            // Into a target whose axes are stepped and permuted otherwise.
            let mut frame_shape = src.shape().to_vec();
            frame_shape.iter_mut().for_each(|len| *len *= 2);
            let mut frame = ArrayD::from_elem(IxDyn(&frame_shape), -1.0).reversed_axes();
            let mut dst = frame.view_mut().reversed_axes();
            for axis in 0..ndim {
                dst.slice_axis_inplace(Axis(axis), Slice::new(0, None, 2 * steps[axis + 4].signum()));
            }
            copy_into(dst.view_mut(), src.view());
            prop_assert_eq!(&dst.view(), &src);
            prop_assert_eq!(frame.iter().filter(|&&x| x >= 0.0).count(), src.len());
        }
    }

    #[test]
    fn a_row_major_array_is_not_copied() {
        let pool = BufferPool::new(0);
        let array = numbered(&[3, 4]).into_shared();
        let address = array.as_ptr();
        assert_eq!(contiguous(array, &KernelContext::new(&pool)).unwrap().as_ptr(), address);
    }

    #[test]
    fn a_broadcast_source_is_repeated() {
        let pool = BufferPool::new(0);
        let row = numbered(&[1, 50]);
        let src = row.broadcast(IxDyn(&[20, 50])).unwrap();
        assert!(copied(&src, &KernelContext::new(&pool)).unwrap() == src);
        let src = src.reversed_axes();
        assert!(copied(&src, &KernelContext::new(&pool)).unwrap() == src);
    }
}
