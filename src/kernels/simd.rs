//! Instruction-set levels: one loop in the source, three machine-code versions of it, chosen once at run time.
//!
//! The crate is compiled for the oldest processor of its target (SSE2 on x86-64), but most machines can do twice or
//! four times the work per instruction. Instead of intrinsics, kernels are ordinary loops over slices that LLVM
//! vectorises; [`at_levels!`] compiles the same loop again with more instructions allowed. Three words:
//!
//! * a [`Level`] names an instruction set at run time: what the machine has, which table of functions to use;
//! * an [`Isa`] names it at compile time: a type parameter of the loop, so that `I::FMA` is a constant in its body;
//! * a *body* is the `#[inline(always)]` generic function with the loop, whose last type parameter is the [`Isa`].
//!
//! ```text
//!                         at_levels!
//!   fn unary<.., I> ───┬── Base    no feature                             ─┐
//!   (one body)         ├── Avx2    avx2, fma, bmi2                         ├─ pick_unary::<..>(level)
//!                      └── Avx512  avx512f, avx512vl, avx512dq, avx512bw   ─┘   -> unsafe fn(..)
//! ```
//!
//! # Example
//!
//! ```ignore
//! use crate::kernels::simd::{Isa, Level, at_levels};
//!
//! /// A function of one element.
//! trait Map1<T, U> {
//!     fn call<I: Isa>(x: T) -> U;
//! }
//!
//! #[inline(always)]
//! fn unary<T: Copy, U, F: Map1<T, U>, I: Isa>(dst: &mut [U], a: &[T]) {
//!     for (d, &x) in dst.iter_mut().zip(a) {
//!         *d = F::call::<I>(x);
//!     }
//! }
//!
//! at_levels! {
//!     /// The version of [`unary`] for a level.
//!     fn pick_unary<T, U, F>(dst: &mut [U], a: &[T]) where [T: Copy, F: Map1<T, U>] = unary
//! }
//!
//! // Once, when the table of kernels is made:
//! let kernel: unsafe fn(&mut [f64], &[f64]) = pick_unary::<f64, f64, Exp>(Level::detect());
//! // Per tile:
//! // SAFETY: `kernel` was picked for a level that `Level::detect` returned.
//! unsafe { kernel(dst, a) };
//! ```
//!
//! `pick_unary` is a `const fn`, so that a `static` table may hold its pointers for all three levels.
//!
//! # Safety
//!
//! A function compiled for a level may only be called on a machine that has the level. Therefore the pickers return
//! `unsafe fn` pointers, and there is one rule for the callers: *call only what was picked for a level that came from
//! [`Level::detect`] or [`Level::available`], never for a level written down in the source.*
//!
//! What makes a loop vectorise: equal lengths known before the loop (re-slice, or `zip`), no branch and no call that is
//! not inlined in its body, `if` only to choose between two computed values. What this module does not do: other
//! architectures have the one level [`Level::Base`].

use std::sync::OnceLock;

/// An instruction set, from the oldest to the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Level {
    /// What the compilation target guarantees (SSE2 on x86-64).
    Base,
    /// 256-bit vectors with fused multiply-add: `avx2`, `fma`, `bmi2`.
    Avx2,
    /// 512-bit vectors: `avx512f`, `avx512vl`, `avx512dq`, `avx512bw`, `fma`.
    Avx512,
}

impl Level {
    /// All levels, in the order of their discriminants (`level as usize` indexes a table made in this order).
    #[cfg(test)]
    pub(crate) const ALL: [Level; 3] = [Level::Base, Level::Avx2, Level::Avx512];

    /// The highest level of this machine, asked for once per process.
    pub(crate) fn detect() -> Level {
        static DETECTED: OnceLock<Level> = OnceLock::new();
        *DETECTED.get_or_init(detect_now)
    }

    /// The levels this machine can run, lowest first; the last is [`Level::detect`].
    #[cfg(test)]
    pub(crate) fn available() -> impl Iterator<Item = Level> {
        Level::ALL.into_iter().filter(|&level| level <= Level::detect())
    }
}

#[cfg(target_arch = "x86_64")]
fn detect_now() -> Level {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("bmi2");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512bw");
    // A level includes those below it: a machine (or an emulator) that reports AVX-512 without AVX2 stays at the base.
    match (avx2, avx512) {
        (true, true) => Level::Avx512,
        (true, false) => Level::Avx2,
        (false, _) => Level::Base,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect_now() -> Level {
    Level::Base
}

/// An instruction set as a type: the last type parameter of a body.
pub(crate) trait Isa: Copy + Send + Sync + 'static {
    /// The same as a value.
    #[cfg(test)]
    const LEVEL: Level;

    /// Whether `mul_add` is one instruction here; otherwise it would be a library call.
    const FMA: bool;
}

/// The [`Isa`] of [`Level::Base`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Base;

/// The [`Isa`] of [`Level::Avx2`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2;

/// The [`Isa`] of [`Level::Avx512`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512;

impl Isa for Base {
    #[cfg(test)]
    const LEVEL: Level = Level::Base;
    const FMA: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));
}

impl Isa for Avx2 {
    #[cfg(test)]
    const LEVEL: Level = Level::Avx2;
    const FMA: bool = true;
}

impl Isa for Avx512 {
    #[cfg(test)]
    const LEVEL: Level = Level::Avx512;
    const FMA: bool = true;
}

/// Compiles a body for every level and defines a `const fn` that returns the version for a given [`Level`].
///
/// ```text
/// at_levels! {
///     /// Docs of the picker.
///     VISIBILITY fn PICKER<GENERICS>(NAME: TYPE, ..) -> RESULT where [BOUNDS] = BODY
/// }
/// ```
///
/// `BODY` is the path of an `#[inline(always)]` function with the same generics, in the same order, and an [`Isa`]
/// after them. The result and `where [BOUNDS]` may be left out; a lifetime in the result must be `'static`. Bodies
/// that take their arguments by reference keep their `noalias` guarantees, which the vectoriser needs.
macro_rules! at_levels {
    (
        $(#[$attribute:meta])*
        $visibility:vis fn $picker:ident $(<$($generic:ident),* $(,)?>)? ($($arg:ident: $type:ty),* $(,)?)
        $(-> $result:ty)? $(where [$($bounds:tt)*])? = $body:ident
    ) => {
        // SAFETY: what the returned function asks of its caller stands in the module docs.
        $(#[$attribute])*
        $visibility const fn $picker$(<$($generic),*>)?(
            level: $crate::kernels::simd::Level,
        ) -> unsafe fn($($type),*) $(-> $result)?
        $(where $($bounds)*)?
        {
            fn base$(<$($generic),*>)?($($arg: $type),*) $(-> $result)? $(where $($bounds)*)? {
                $body::<$($($generic,)*)? $crate::kernels::simd::Base>($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi2")]
            fn avx2$(<$($generic),*>)?($($arg: $type),*) $(-> $result)? $(where $($bounds)*)? {
                $body::<$($($generic,)*)? $crate::kernels::simd::Avx2>($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,fma")]
            fn avx512$(<$($generic),*>)?($($arg: $type),*) $(-> $result)? $(where $($bounds)*)? {
                $body::<$($($generic,)*)? $crate::kernels::simd::Avx512>($($arg),*)
            }

            match level {
                $crate::kernels::simd::Level::Base => base$(::<$($generic),*>)?,
                #[cfg(target_arch = "x86_64")]
                $crate::kernels::simd::Level::Avx2 => avx2$(::<$($generic),*>)?,
                #[cfg(target_arch = "x86_64")]
                $crate::kernels::simd::Level::Avx512 => avx512$(::<$($generic),*>)?,
                #[cfg(not(target_arch = "x86_64"))]
                $crate::kernels::simd::Level::Avx2 | $crate::kernels::simd::Level::Avx512 => base$(::<$($generic),*>)?,
            }
        }
    };
}
pub(crate) use at_levels;

#[cfg(test)]
mod tests {
    #![allow(unsafe_code)]

    use super::*;

    trait Map1<T, U> {
        fn call<I: Isa>(x: T) -> U;
    }

    struct HalfPlusOne;

    impl Map1<f64, f32> for HalfPlusOne {
        #[inline(always)]
        fn call<I: Isa>(x: f64) -> f32 {
            (if I::FMA { x.mul_add(0.5, 1.0) } else { x * 0.5 + 1.0 }) as f32
        }
    }

    #[inline(always)]
    fn unary<T: Copy, U, F: Map1<T, U>, I: Isa>(dst: &mut [U], a: &[T]) {
        for (d, &x) in dst.iter_mut().zip(a) {
            *d = F::call::<I>(x);
        }
    }

    at_levels! {
        /// The version of [`unary`] for a level.
        fn pick_unary<T, U, F>(dst: &mut [U], a: &[T]) where [T: Copy, F: Map1<T, U>] = unary
    }

    #[inline(always)]
    fn level_of<I: Isa>() -> Level {
        I::LEVEL
    }

    at_levels! {
        fn pick_level_of() -> Level = level_of
    }

    type Unary = unsafe fn(&mut [f32], &[f64]);

    static TABLE: [Unary; 3] = [
        pick_unary::<f64, f32, HalfPlusOne>(Level::ALL[0]),
        pick_unary::<f64, f32, HalfPlusOne>(Level::ALL[1]),
        pick_unary::<f64, f32, HalfPlusOne>(Level::ALL[2]),
    ];

    #[test]
    fn a_kernel_gives_the_same_at_every_level() {
        for len in [0, 1, 7, 64, 129] {
            let a: Vec<f64> = (0..len).map(f64::from).collect();
            let expected: Vec<f32> = (0..len).map(|i| i as f32 / 2.0 + 1.0).collect();
            for level in Level::available() {
                let mut dst = vec![f32::NAN; a.len()];
                // SAFETY: the table is indexed with a level of this machine.
                unsafe { TABLE[level as usize](&mut dst, &a) };
                assert_eq!(dst, expected, "{level:?}, {len} elements");
            }
        }
    }

    #[test]
    fn the_picked_function_runs_the_body_of_its_level() {
        for level in Level::available() {
            // SAFETY: picked for a level of this machine.
            let ran = unsafe { pick_level_of(level)() };
            assert_eq!(ran, if cfg!(target_arch = "x86_64") { level } else { Level::Base });
        }
    }

    #[test]
    fn levels_are_ordered_and_the_last_available_one_is_detected() {
        assert!(Level::ALL.is_sorted());
        assert!(Level::ALL.iter().enumerate().all(|(i, &level)| level as usize == i));
        assert_eq!(Level::available().next(), Some(Level::Base));
        assert_eq!(Level::available().last(), Some(Level::detect()));
    }
}
