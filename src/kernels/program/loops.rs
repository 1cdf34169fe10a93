//! Loops over tiles, made of the functions of one element.

use std::mem::MaybeUninit;

use super::raw::Kernel;
use crate::element::{DType, Element};
use crate::kernels::ops::{ElemOp, Map, MapVisitor};
use crate::kernels::simd::{Isa, Level, at_levels};

/// The loop of an operation for the types of its arguments at each level; `None` where it has no such loop.
pub(super) fn kernels(op: ElemOp, dtypes: &[DType]) -> Option<&'static Kernels> {
    op.visit(dtypes, MakeKernels)
}

/// One kernel for each [`Level`], in the order of [`Level::ALL`].
pub(super) type Kernels = [Kernel; 3];

/// Makes the kernels of a function.
pub(super) struct MakeKernels;

impl MapVisitor for MakeKernels {
    type Made = &'static Kernels;

    fn map1<A: Element, F: Map<(A,)>>(self) -> &'static Kernels {
        const {
            &[
                Kernel::one(pick1::<A, F>(Level::Base)),
                Kernel::one(pick1::<A, F>(at_most(Level::Avx2, F::HIGHEST))),
                Kernel::one(pick1::<A, F>(at_most(Level::Avx512, F::HIGHEST))),
            ]
        }
    }

    fn map2<A: Element, B: Element, F: Map<(A, B)>>(self) -> &'static Kernels {
        const {
            &[
                Kernel::two(pick2::<A, B, F>(Level::Base)),
                Kernel::two(pick2::<A, B, F>(at_most(Level::Avx2, F::HIGHEST))),
                Kernel::two(pick2::<A, B, F>(at_most(Level::Avx512, F::HIGHEST))),
            ]
        }
    }

    fn map3<A: Element, B: Element, C: Element, F: Map<(A, B, C)>>(self) -> &'static Kernels {
        const {
            &[
                Kernel::three(pick3::<A, B, C, F>(Level::Base)),
                Kernel::three(pick3::<A, B, C, F>(at_most(Level::Avx2, F::HIGHEST))),
                Kernel::three(pick3::<A, B, C, F>(at_most(Level::Avx512, F::HIGHEST))),
            ]
        }
    }
}

/// The kernels of a function of four arguments, of which the table has none.
pub(super) fn kernels4<T: Element, F: Map<(T, T, T, T)>>() -> &'static Kernels {
    const {
        &[
            Kernel::four(pick4::<T, F>(Level::Base)),
            Kernel::four(pick4::<T, F>(at_most(Level::Avx2, F::HIGHEST))),
            Kernel::four(pick4::<T, F>(at_most(Level::Avx512, F::HIGHEST))),
        ]
    }
}

/// The lower of two levels. Only the levels that come out of this are compiled.
const fn at_most(level: Level, highest: Level) -> Level {
    if (level as u8) < (highest as u8) { level } else { highest }
}

at_levels! {
    fn pick1<A, F>(dst: &mut [MaybeUninit<F::Out>], a: &[A]) where [A: Element, F: Map<(A,)>] = loop1
}
at_levels! {
    fn pick2<A, B, F>(dst: &mut [MaybeUninit<F::Out>], a: &[A], b: &[B])
    where [A: Element, B: Element, F: Map<(A, B)>] = loop2
}
at_levels! {
    fn pick3<A, B, C, F>(dst: &mut [MaybeUninit<F::Out>], a: &[A], b: &[B], c: &[C])
    where [A: Element, B: Element, C: Element, F: Map<(A, B, C)>] = loop3
}

at_levels! {
    fn pick4<T, F>(dst: &mut [MaybeUninit<F::Out>], a: &[T], b: &[T], c: &[T], d: &[T])
    where [T: Element, F: Map<(T, T, T, T)>] = loop4
}

// The loops count by hand: an iterator is a dozen functions to compile for each of the many loops.

#[inline(always)]
fn loop1<A: Element, F: Map<(A,)>, I: Isa>(dst: &mut [MaybeUninit<F::Out>], a: &[A]) {
    let len = dst.len();
    let a = &a[..len];
    let mut any_rare = false;
    let mut i = 0;
    while i < len {
        if F::HAS_RARE {
            any_rare |= F::is_rare((a[i],));
        }
        dst[i] = MaybeUninit::new(F::call::<I>((a[i],)));
        i += 1;
    }
    if F::HAS_RARE && any_rare {
        repair::<A, F>(dst, a);
    }
}

/// Computes the rare elements again, one by one.
#[cold]
#[inline(never)]
fn repair<A: Element, F: Map<(A,)>>(dst: &mut [MaybeUninit<F::Out>], a: &[A]) {
    for (d, &x) in dst.iter_mut().zip(a).filter(|(_, x)| F::is_rare((**x,))) {
        d.write(F::slow((x,)));
    }
}

#[inline(always)]
fn loop2<A: Element, B: Element, F: Map<(A, B)>, I: Isa>(dst: &mut [MaybeUninit<F::Out>], a: &[A], b: &[B]) {
    let len = dst.len();
    let (a, b) = (&a[..len], &b[..len]);
    let mut i = 0;
    while i < len {
        dst[i] = MaybeUninit::new(F::call::<I>((a[i], b[i])));
        i += 1;
    }
}

#[inline(always)]
fn loop3<A: Element, B: Element, C: Element, F: Map<(A, B, C)>, I: Isa>(
    dst: &mut [MaybeUninit<F::Out>],
    a: &[A],
    b: &[B],
    c: &[C],
) {
    let len = dst.len();
    let (a, b, c) = (&a[..len], &b[..len], &c[..len]);
    let mut i = 0;
    while i < len {
        dst[i] = MaybeUninit::new(F::call::<I>((a[i], b[i], c[i])));
        i += 1;
    }
}

#[inline(always)]
fn loop4<T: Element, F: Map<(T, T, T, T)>, I: Isa>(
    dst: &mut [MaybeUninit<F::Out>],
    a: &[T],
    b: &[T],
    c: &[T],
    d: &[T],
) {
    let len = dst.len();
    let (a, b, c, d) = (&a[..len], &b[..len], &c[..len], &d[..len]);
    let mut i = 0;
    while i < len {
        dst[i] = MaybeUninit::new(F::call::<I>((a[i], b[i], c[i], d[i])));
        i += 1;
    }
}
