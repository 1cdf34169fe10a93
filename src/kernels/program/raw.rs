//! What the interpreter is made of, without element types: tiles, scratch memory, copies, loops.
//!
//! # Safety
//!
//! Invariants of this file:
//!
//! * a [`Kernel`] holds a pointer to a loop over slices of certain types, as a pointer to a function of `[u8]` slices. The
//!   two have the same ABI: references and raw pointers to slices do, whatever the element type, and their length counts
//!   elements in both. Whoever calls it knows the types;
//! * a [`TileRef`] points to `len` initialised elements of its dtype, aligned for it, that nobody writes while the
//!   reference lives; it is made from a slice of that type or by the interpreter for the time of one sink call;
//! * [`copy`] is told by its caller that both planes lie in live memory and do not overlap.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;

use crate::element::{DType, Element};

/// A read-only slice whose element type is known at run time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TileRef<'a> {
    dtype: DType,
    data: *const u8,
    len: usize,
    elements: PhantomData<&'a [u8]>,
}

impl<'a> TileRef<'a> {
    /// A tile over a slice.
    pub(crate) fn new<T: Element>(values: &'a [T]) -> TileRef<'a> {
        TileRef { dtype: T::DTYPE, data: values.as_ptr().cast(), len: values.len(), elements: PhantomData }
    }

    /// A tile at a place in memory.
    ///
    /// # Safety
    ///
    /// `data` points to `len` initialised, aligned elements of type `dtype` that nobody writes during `'a`.
    pub(super) unsafe fn from_raw(dtype: DType, data: *const u8, len: usize) -> TileRef<'a> {
        TileRef { dtype, data, len, elements: PhantomData }
    }

    /// The element type.
    pub(crate) fn dtype(&self) -> DType {
        self.dtype
    }

    /// The number of elements.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The elements.
    ///
    /// # Panics
    ///
    /// If `T` is not the element type of the tile: whoever made the sink chose it by the dtype of the program.
    pub(crate) fn as_slice<T: Element>(&self) -> &'a [T] {
        assert_eq!(T::DTYPE, self.dtype, "a tile is read as the type it holds");
        // SAFETY: the invariant of this file; the type was just compared.
        unsafe { std::slice::from_raw_parts(self.data.cast(), self.len) }
    }

    /// The `len` elements from element `start` on.
    pub(crate) fn slice(&self, start: usize, len: usize) -> TileRef<'a> {
        assert!(start + len <= self.len, "a part of a tile lies inside it");
        // SAFETY: `start` is at most the number of elements, so the pointer stays inside the slice or at its end.
        let data = unsafe { self.data.add(start * self.dtype.size_bytes()) };
        TileRef { data, len, ..*self }
    }
}

/// A loop `dst[i] = f(args[i])` of one to four arguments, without its types.
///
/// # Safety
///
/// The slices of a call have `[u8]` as their type and the loop's own in truth: see [`Kernel::call`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Kernel {
    /// Of one argument.
    One(unsafe fn(*mut [u8], *const [u8])),
    /// Of two arguments.
    Two(unsafe fn(*mut [u8], *const [u8], *const [u8])),
    /// Of three arguments.
    Three(unsafe fn(*mut [u8], *const [u8], *const [u8], *const [u8])),
    /// Of four arguments.
    Four(unsafe fn(*mut [u8], *const [u8], *const [u8], *const [u8], *const [u8])),
}

/// The most arguments of a kernel.
pub(super) const MAX_ARGS: usize = 4;

impl Kernel {
    /// A loop of one argument.
    pub(super) const fn one<U, A>(run: unsafe fn(&mut [MaybeUninit<U>], &[A])) -> Kernel {
        // SAFETY: see the invariants; the pointer is not called here.
        Kernel::One(unsafe { std::mem::transmute::<unsafe fn(&mut [MaybeUninit<U>], &[A]), _>(run) })
    }

    /// A loop of two arguments.
    pub(super) const fn two<U, A, B>(run: unsafe fn(&mut [MaybeUninit<U>], &[A], &[B])) -> Kernel {
        // SAFETY: see the invariants; the pointer is not called here.
        Kernel::Two(unsafe { std::mem::transmute::<unsafe fn(&mut [MaybeUninit<U>], &[A], &[B]), _>(run) })
    }

    /// A loop of three arguments.
    pub(super) const fn three<U, A, B, C>(run: unsafe fn(&mut [MaybeUninit<U>], &[A], &[B], &[C])) -> Kernel {
        // SAFETY: see the invariants; the pointer is not called here.
        Kernel::Three(unsafe { std::mem::transmute::<unsafe fn(&mut [MaybeUninit<U>], &[A], &[B], &[C]), _>(run) })
    }

    /// A loop of four arguments of one type.
    pub(super) const fn four<U, A>(run: unsafe fn(&mut [MaybeUninit<U>], &[A], &[A], &[A], &[A])) -> Kernel {
        type Typed<U, A> = unsafe fn(&mut [MaybeUninit<U>], &[A], &[A], &[A], &[A]);
        // SAFETY: see the invariants; the pointer is not called here.
        Kernel::Four(unsafe { std::mem::transmute::<Typed<U, A>, _>(run) })
    }

    /// Runs the loop over `len` elements; arguments that it does not have are ignored.
    ///
    /// # Safety
    ///
    /// The pointers point to `len` elements of the loop's types, aligned, those of the arguments initialised; `dst`
    /// overlaps no argument. The loop was compiled for a level that this machine has.
    #[inline(always)]
    pub(super) unsafe fn call(self, dst: *mut u8, args: [*const u8; MAX_ARGS], len: usize) {
        let dst = std::ptr::slice_from_raw_parts_mut(dst, len);
        let [a, b, c, d] = args.map(|arg| std::ptr::slice_from_raw_parts(arg, len));
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Kernel::One(run) => run(dst, a),
                Kernel::Two(run) => run(dst, a, b),
                Kernel::Three(run) => run(dst, a, b, c),
                Kernel::Four(run) => run(dst, a, b, c, d),
            }
        }
    }
}

/// A cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[allow(dead_code)] [u8; Scratch::LINE_BYTES]);

/// Memory for tiles: uninitialised, every tile starting at a cache line.
pub(super) struct Scratch {
    lines: Vec<MaybeUninit<Line>>,
    lines_per_tile: usize,
}

impl Scratch {
    /// What tiles are rounded up to.
    pub(super) const LINE_BYTES: usize = 64;

    /// Room for `n_tiles` tiles of `tile_bytes` each.
    pub(super) fn new(n_tiles: usize, tile_bytes: usize) -> Scratch {
        let lines_per_tile = tile_bytes.div_ceil(Self::LINE_BYTES);
        Scratch { lines: vec![MaybeUninit::uninit(); n_tiles * lines_per_tile], lines_per_tile }
    }

    /// The start of a tile. Pointers stay good while the scratch lives, wherever it is moved.
    pub(super) fn tile(&mut self, i: usize) -> *mut u8 {
        assert!(i * self.lines_per_tile <= self.lines.len(), "a tile lies inside the scratch memory");
        // SAFETY: just checked. No reference to the lines is made: pointers handed out before stay good.
        unsafe { self.lines.as_mut_ptr().add(i * self.lines_per_tile).cast() }
    }

    /// The start of a tile, to read from.
    pub(super) fn tile_to_read(&self, i: usize) -> *const u8 {
        self.lines[i * self.lines_per_tile..].as_ptr().cast()
    }

    /// Sets the first `len` elements of a tile to a value.
    ///
    /// # Panics
    ///
    /// If the tile is too small for them.
    pub(super) fn fill<T: Element>(&mut self, i: usize, value: T, len: usize) {
        assert!(len * size_of::<T>() <= self.lines_per_tile * Self::LINE_BYTES, "a tile holds what it is filled with");
        let tile = Plane { base: self.tile(i), row_stride: 0, stride: 1 };
        let source = Plane { base: (&raw const value).cast_mut().cast(), row_stride: 0, stride: 0 };
        // SAFETY: `value` lives until the end of the call, is only read, and the tile was just seen to be large enough.
        unsafe { copy(T::DTYPE, tile, source, 1, len) };
    }
}

/// Rows of elements in memory; strides count elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plane {
    pub(super) base: *mut u8,
    pub(super) row_stride: isize,
    pub(super) stride: isize,
}

impl Plane {
    /// The rows of an array with these strides, outermost first, from `base` on.
    pub(super) fn of_rows(base: *mut u8, strides: &[isize]) -> Plane {
        let (row_stride, stride) = match *strides {
            [.., row_stride, stride] => (row_stride, stride),
            [stride] => (0, stride),
            [] => (0, 1),
        };
        Plane { base, row_stride, stride }
    }
}

/// Copies `rows` rows of `len` elements of type `dtype` from one plane to another.
///
/// # Safety
///
/// Every element of both planes lies in live memory, those of `src` are initialised, those of `dst` are writable, and no
/// element of `dst` overlaps one of `src`.
pub(super) unsafe fn copy(dtype: DType, dst: Plane, src: Plane, rows: usize, len: usize) {
    // SAFETY: the caller's promise; elements of one size are moved alike, and arrays of bytes need no alignment.
    unsafe {
        match dtype.size_bytes() {
            1 => copy_plane::<[u8; 1]>(dst, src, rows, len),
            2 => copy_plane::<[u8; 2]>(dst, src, rows, len),
            4 => copy_plane::<[u8; 4]>(dst, src, rows, len),
            8 => copy_plane::<[u8; 8]>(dst, src, rows, len),
            _ => copy_plane::<[u8; 16]>(dst, src, rows, len),
        }
    }
}

/// Rows shorter than this are moved element by element: a call of `memcpy` costs more.
const SHORT_ROW: usize = 16;

/// The side of the squares in which planes are transposed.
const SQUARE: usize = 4;

/// [`copy`] for elements of one size.
///
/// # Safety
///
/// As [`copy`].
unsafe fn copy_plane<B: Copy>(dst: Plane, src: Plane, rows: usize, len: usize) {
    // SAFETY: the caller's promise; the parts do not reach further than the whole.
    unsafe {
        if dst.stride == 1 && src.row_stride == 1 && rows >= SQUARE && src.stride != 1 {
            let (full_rows, full_len) = (rows / SQUARE * SQUARE, len / SQUARE * SQUARE);
            transpose_squares::<B>(dst, src, full_rows, full_len);
            copy_rows::<B>(dst, src, 0..full_rows, full_len..len);
            copy_rows::<B>(dst, src, full_rows..rows, 0..len);
        } else {
            copy_rows::<B>(dst, src, 0..rows, 0..len);
        }
    }
}

/// Copies a part of a plane row by row.
///
/// # Safety
///
/// As [`copy`], for the part.
unsafe fn copy_rows<B: Copy>(dst: Plane, src: Plane, rows: Range<usize>, columns: Range<usize>) {
    let (start, len) = (columns.start as isize, columns.len());
    for row in rows {
        // SAFETY: the caller's promise covers every offset taken here.
        unsafe {
            let to = dst.base.cast::<B>().offset(row as isize * dst.row_stride + start * dst.stride);
            let from = src.base.cast::<B>().offset(row as isize * src.row_stride + start * src.stride);
            if dst.stride == 1 && src.stride == 1 && len >= SHORT_ROW {
                std::ptr::copy_nonoverlapping(from, to, len);
            } else if dst.stride == 1 {
                (0..len as isize).for_each(|i| *to.offset(i) = *from.offset(i * src.stride));
            } else {
                (0..len as isize).for_each(|i| *to.offset(i * dst.stride) = *from.offset(i * src.stride));
            }
        }
    }
}

/// How many columns before its use a cache line is asked for: the processor does not guess such long strides itself.
const PREFETCH: isize = 16;

/// Asks for a cache line; the address need not be valid.
#[inline(always)]
fn prefetch(line: *const i8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which never fails; the instruction belongs to the compilation target.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(line);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

/// Copies from contiguous columns to contiguous rows, square by square, so that every cache line is touched once.
/// `rows` and `len` are multiples of [`SQUARE`].
///
/// # Safety
///
/// As [`copy`].
unsafe fn transpose_squares<B: Copy>(dst: Plane, src: Plane, rows: usize, len: usize) {
    for column in (0..len as isize).step_by(SQUARE) {
        for ahead in PREFETCH..PREFETCH + SQUARE as isize {
            prefetch(src.base.cast::<B>().wrapping_offset((column + ahead) * src.stride).cast());
        }
        for row in (0..rows as isize).step_by(SQUARE) {
            let from = src.base.cast::<B>().wrapping_offset(row + column * src.stride);
            let to = dst.base.cast::<B>().wrapping_offset(row * dst.row_stride + column);
            // SAFETY: the caller's promise covers the square at `row`, `column`.
            unsafe { transpose_square(to, dst.row_stride, from, src.stride) };
        }
    }
}

/// One square: `to[i * to_stride + j] = from[j * from_stride + i]`.
///
/// # Safety
///
/// As [`copy`], for the square.
#[inline(always)]
unsafe fn transpose_square<B: Copy>(to: *mut B, to_stride: isize, from: *const B, from_stride: isize) {
    #[cfg(target_arch = "x86_64")]
    if size_of::<B>() == 8 {
        use std::arch::x86_64::{_mm_loadu_pd, _mm_storeu_pd, _mm_unpackhi_pd, _mm_unpacklo_pd};
        // LLVM does not find these pairs of moves by itself.
        for (i, j) in [(0, 0), (0, 2), (2, 0), (2, 2)] {
            // SAFETY: the caller's promise; the instructions belong to the compilation target and need no alignment.
            unsafe {
                let a = _mm_loadu_pd(from.offset(j * from_stride + i).cast());
                let b = _mm_loadu_pd(from.offset((j + 1) * from_stride + i).cast());
                _mm_storeu_pd(to.offset(i * to_stride + j).cast(), _mm_unpacklo_pd(a, b));
                _mm_storeu_pd(to.offset((i + 1) * to_stride + j).cast(), _mm_unpackhi_pd(a, b));
            }
        }
        return;
    }
    for (i, j) in (0..SQUARE as isize).flat_map(|i| (0..SQUARE as isize).map(move |j| (i, j))) {
        // SAFETY: the caller's promise.
        unsafe { *to.offset(i * to_stride + j) = *from.offset(j * from_stride + i) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_gives_its_elements_back() {
        let values = [1.5, 2.5, 3.5];
        let tile = TileRef::new(&values);
        assert_eq!((tile.dtype(), tile.len()), (DType::F64, 3));
        assert_eq!(tile.slice(1, 2).as_slice::<f64>(), [2.5, 3.5]);
    }

    #[test]
    #[should_panic(expected = "read as the type it holds")]
    fn a_tile_is_not_read_as_another_type() {
        TileRef::new(&[1i64]).as_slice::<f64>();
    }

    #[test]
    fn scratch_tiles_start_at_cache_lines() {
        let mut scratch = Scratch::new(3, 100);
        let starts: Vec<usize> = (0..3).map(|i| scratch.tile(i) as usize).collect();
        assert!(starts.iter().all(|start| start % 64 == 0));
        assert_eq!(starts[2] - starts[0], 256);
    }

    #[test]
    fn planes_are_copied_with_any_strides() {
        let src: Vec<i16> = (0..40).collect();
        let mut dst = vec![-1i16; 40];
        let from = Plane { base: src.as_ptr().cast_mut().cast(), row_stride: 1, stride: 4 };
        let to = Plane { base: dst.as_mut_ptr().cast(), row_stride: 10, stride: 2 };
        // SAFETY: 3 rows of 5: the last element read is 2 + 16, the last written 20 + 8.
        unsafe { copy(DType::I16, to, from, 3, 5) };
        for (row, i) in (0..3).flat_map(|row| (0..5).map(move |i| (row, i))) {
            assert_eq!(dst[row * 10 + i * 2], src[row + i * 4]);
        }
        assert_eq!(dst.iter().filter(|&&x| x == -1).count(), 25);
    }

    #[test]
    fn planes_are_transposed() {
        let src: Vec<f32> = (0..200).map(|i| i as f32).collect();
        for (rows, len) in [(4, 4), (5, 6), (9, 13), (3, 8), (10, 1)] {
            let mut dst = vec![-1f32; 150];
            let from = Plane { base: src.as_ptr().cast_mut().cast(), row_stride: 1, stride: 12 };
            let to = Plane { base: dst.as_mut_ptr().cast(), row_stride: 14, stride: 1 };
            // SAFETY: at most 10 rows of 13: the last element read is 9 + 12 * 12, the last written 9 * 14 + 12.
            unsafe { copy(DType::F32, to, from, rows, len) };
            for (row, i) in (0..rows).flat_map(|row| (0..len).map(move |i| (row, i))) {
                assert_eq!(dst[row * 14 + i], src[row + i * 12]);
            }
            assert_eq!(dst.iter().filter(|&&x| x == -1.0).count(), 150 - rows * len);
        }
    }
}
