//! Vector math: elementary functions that LLVM turns into vector code.
//!
//! The standard library's `exp`, `sin`, .. are calls of scalar routines, 3-12 ns each; on arrays they cost more than the
//! memory. The functions here are scalar Rust as well, but without branch, table or call, so that a loop over them
//! compiled by [`at_levels!`](super::simd) becomes vector instructions. Words:
//!
//! * *reduction*: bringing the argument into a small interval, where a polynomial does;
//! * *pair*: two `f64` whose sum carries about 106 bits, used where one rounding would be one too many;
//! * *rare lane*: an argument for which the fast form does not hold ([`trig`]: beyond 10^12); see [`trig::Repaired`].
//!
//! | file | functions | from |
//! |---|---|---|
//! | [`exp`] | `exp`, `exp2`, `expm1` | Cody and Waite; Tang |
//! | [`log`] | `ln`, `log2`, `log10`, `log1p` | FreeBSD msun |
//! | [`trig`] | `sin`, `cos`, `tan` | Cody and Waite; FreeBSD msun |
//! | [`hyperbolic`] | `sinh`, `cosh`, `tanh` | addition theorems; Tang |
//! | [`power`] | `hypot` | Borges |
//!
//! `name` works in double precision, `name_f32` in single precision: there the work is done in `f64` lanes with shorter
//! polynomials, which needs no care for rounding or subnormal numbers. The polynomials are minimax fits (Remez) of this
//! project's own. Generic code writes `x.exp::<I>()` by [`VectorMath`].
//!
//! # Accuracy
//!
//! All results are within one unit in the last place of the correctly rounded ones, at every level, for all arguments
//! (subnormal, huge, infinite, NaN, ±0 included); 97-99 % are the correctly rounded ones. Where the processor has no
//! fused multiply-add, the last bit may differ from the other levels.
//!
//! What this module does not do: functions the standard library has as one instruction (`sqrt`, `abs`, rounding).

// The coefficients are printed as the shortest decimals that give these bits.
#![allow(clippy::unreadable_literal)]

mod arith;
pub(crate) mod exp;
pub(crate) mod hyperbolic;
pub(crate) mod log;
pub(crate) mod power;
pub(crate) mod trig;

#[cfg(test)]
#[allow(unsafe_code)]
mod accuracy;

use super::simd::Isa;

macro_rules! vector_math {
    ($($(#[$doc:meta])* $name:ident($($arg:ident)?): $module:ident::$double:ident, $single:ident;)*) => {
        /// The functions of this module on `f64` and `f32`, for generic code.
        ///
        /// The trigonometric functions are not among them: they have rare lanes (see [`trig::Repaired`]).
        pub(crate) trait VectorMath: Copy {
            $($(#[$doc])* fn $name<I: Isa>(self $(, $arg: Self)?) -> Self;)*
        }

        impl VectorMath for f64 {
            $(#[inline(always)] fn $name<I: Isa>(self $(, $arg: Self)?) -> Self { $module::$double::<I>(self $(, $arg)?) })*
        }

        impl VectorMath for f32 {
            $(#[inline(always)] fn $name<I: Isa>(self $(, $arg: Self)?) -> Self { $module::$single::<I>(self $(, $arg)?) })*
        }
    };
}

vector_math! {
    /// `e^x`.
    exp(): exp::exp, exp_f32;
    /// `2^x`.
    exp2(): exp::exp2, exp2_f32;
    /// `e^x - 1`.
    expm1(): exp::expm1, expm1_f32;
    /// The natural logarithm.
    ln(): log::ln, ln_f32;
    /// The logarithm to base 2.
    log2(): log::log2, log2_f32;
    /// The logarithm to base 10.
    log10(): log::log10, log10_f32;
    /// `ln(1 + x)`.
    log1p(): log::log1p, log1p_f32;
    /// The hyperbolic sine.
    sinh(): hyperbolic::sinh, sinh_f32;
    /// The hyperbolic cosine.
    cosh(): hyperbolic::cosh, cosh_f32;
    /// The hyperbolic tangent.
    tanh(): hyperbolic::tanh, tanh_f32;
    /// `sqrt(x² + y²)`.
    hypot(y): power::hypot, hypot_f32;
}
