//! Runs a loop in the version that was compiled for this machine.
//!
//! A loop is a [`Body`]: a small struct of its arguments with a function that is generic over the
//! instruction set. [`Machine::run`] calls the version for the machine at hand (see [`simd`](crate::kernels::simd)).
//!
//! # Safety
//! The one unsafe call runs a function that was compiled for a [`Level`]. Invariant: a [`Machine`] is only made from
//! levels that [`Level::detect`] or [`Level::available`] returned.
#![allow(unsafe_code)]

use crate::kernels::simd::{Isa, Level, at_levels};

/// A loop with its arguments. `run` and what it calls must be `#[inline(always)]`, so that the loop is compiled into
/// the function that carries the instruction set.
pub(crate) trait Body {
    type Out;

    fn run<I: Isa>(self) -> Self::Out;
}

/// An instruction set that this machine has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine(Level);

impl Machine {
    /// The best instruction set.
    pub(crate) fn detect() -> Machine {
        Machine(Level::detect())
    }

    /// All of them; results must not depend on the choice.
    #[cfg(test)]
    pub(super) fn available() -> impl Iterator<Item = Machine> {
        Level::available().map(Machine)
    }

    /// Runs a loop.
    #[inline]
    pub(crate) fn run<B: Body>(self, body: B) -> B::Out {
        // SAFETY: the level is one of this machine, by the invariant of `Machine`.
        unsafe { pick::<B>(self.0)(body) }
    }
}

#[inline(always)]
fn run_body<B: Body, I: Isa>(body: B) -> B::Out {
    body.run::<I>()
}

at_levels! {
    /// The version of a body for a level.
    fn pick<B>(body: B) -> <B as Body>::Out where [B: Body] = run_body
}
