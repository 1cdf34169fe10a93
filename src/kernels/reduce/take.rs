//! Passes over a piece of elements before the loops of a reduction read it: masks, NaN, conversions. Without branches.

use super::machine::{Body, Machine};
use crate::element::Element;
use crate::element::cast::CastTo;
use crate::kernels::simd::Isa;

/// Scratch memory for pieces in which some elements were replaced.
pub(super) struct Replaced<T> {
    machine: Machine,
    buffer: Vec<T>,
}

impl<T: Element> Replaced<T> {
    pub(super) fn new(machine: Machine) -> Self {
        Replaced { machine, buffer: Vec::new() }
    }

    /// The piece with `neutral` in the place of every element that does not take part.
    #[inline]
    pub(super) fn unless_taken<'a>(&'a mut self, xs: &'a [T], take: Option<&[bool]>, neutral: T) -> &'a [T] {
        let Some(take) = take else { return xs };
        if self.buffer.len() < xs.len() {
            self.buffer.resize(xs.len(), T::zero());
        }
        let out = &mut self.buffer[..xs.len()];
        self.machine.run(Replace { out, xs, take, neutral });
        out
    }
}

struct Replace<'a, T> {
    out: &'a mut [T],
    xs: &'a [T],
    take: &'a [bool],
    neutral: T,
}

impl<T: Element> Body for Replace<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        replace(self.out, self.xs, self.take, self.neutral);
    }
}

#[inline(always)]
fn replace<T: Copy>(out: &mut [T], xs: &[T], take: &[bool], neutral: T) {
    for ((out, &x), &takes) in out.iter_mut().zip(xs).zip(take) {
        *out = if takes { x } else { neutral };
    }
}

/// Converts elements as `astype` does.
pub(super) fn cast<T: CastTo<U>, U>(machine: Machine, out: &mut [U], xs: &[T]) {
    machine.run(Convert { out, xs });
}

struct Convert<'a, T, U> {
    out: &'a mut [U],
    xs: &'a [T],
}

impl<T: CastTo<U>, U> Body for Convert<'_, T, U> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        convert(self.out, self.xs);
    }
}

#[inline(always)]
fn convert<T: CastTo<U>, U>(out: &mut [U], xs: &[T]) {
    for (out, &x) in out.iter_mut().zip(xs) {
        *out = x.cast_to();
    }
}

/// Tells which elements take part and are not NaN.
pub(super) fn not_nan<T: Element>(machine: Machine, out: &mut [bool], xs: &[T], take: Option<&[bool]>) {
    machine.run(NotNan { out, xs, take });
}

struct NotNan<'a, T> {
    out: &'a mut [bool],
    xs: &'a [T],
    take: Option<&'a [bool]>,
}

impl<T: Element> Body for NotNan<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        mark_not_nan(self.out, self.xs);
        if let Some(take) = self.take {
            for (out, &takes) in self.out.iter_mut().zip(take) {
                *out &= takes;
            }
        }
    }
}

#[inline(always)]
fn mark_not_nan<T: Element>(out: &mut [bool], xs: &[T]) {
    for (out, x) in out.iter_mut().zip(xs) {
        *out = !x.is_nan();
    }
}
