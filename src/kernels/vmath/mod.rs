//! Vector math: elementary functions that LLVM turns into vector code.
//!
//! The standard library's `exp`, `sin`, .. are calls of scalar routines, 3-12 ns each; on arrays they cost more than
//! the memory. The functions here are scalar Rust as well, but without branch, table or call, so that a loop over them
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
//! | [`inverse_trig`] | `asin`, `acos`, `atan`, `atan2` | FreeBSD msun; Cephes |
//! | [`inverse_hyperbolic`] | `asinh`, `acosh`, `atanh` | logarithms in pairs |
//! | [`roots`] | `cbrt`, `hypot` | FreeBSD msun; Borges |
//! | [`power`] | `pow` | SLEEF |
//!
//! `name` works in double precision, `name_f32` in single precision: there the work is done in `f64` lanes with shorter
//! polynomials, which needs no care for rounding or subnormal numbers. The polynomials are minimax fits (Remez) of this
//! project's own. Generic code writes `x.exp::<I>()` by [`VectorMath`].
//!
//! # Accuracy
//!
//! All results tested are within one unit in the last place of the correctly rounded ones, at every level, for all
//! arguments (subnormal, huge, infinite, NaN, ±0 included); for typical arguments 97 % and more are the correctly
//! rounded ones. Where the processor has no fused multiply-add, the last bit may differ from the other levels.
//!
//! # Speed
//!
//! Nanoseconds per element on one core of an AVX-512 x86-64 machine, tiles of 128 in cache, against the standard
//! library of the same machine (scalar):
//!
//! | function | base | AVX2 | AVX-512 | std | f32: base | AVX2 | AVX-512 | std |
//! |---|---|---|---|---|---|---|---|---|
//! | `exp` | 2.58 | 0.89 | 0.47 | 3.40 | 1.39 | 0.51 | 0.26 | 1.36 |
//! | `exp2` | 2.87 | 0.77 | 0.40 | 1.85 | 1.26 | 0.45 | 0.25 | 1.36 |
//! | `expm1` | 3.25 | 1.20 | 0.63 | 4.40 | 1.58 | 0.58 | 0.30 | 5.52 |
//! | `ln` | 3.27 | 1.11 | 0.54 | 2.59 | 2.22 | 0.69 | 0.33 | 1.50 |
//! | `log2` | 5.69 | 1.46 | 0.73 | 2.84 | 2.27 | 0.69 | 0.33 | 1.58 |
//! | `log10` | 5.78 | 1.52 | 0.77 | 5.33 | 2.29 | 0.70 | 0.33 | 3.52 |
//! | `log1p` | 4.24 | 1.56 | 0.76 | 3.83 | 2.58 | 0.88 | 0.45 | 4.77 |
//! | `sin` | 5.89 | 1.40 | 0.63 | 11.5 | 2.58 | 0.68 | 0.32 | 2.21 |
//! | `cos` | 5.57 | 1.36 | 0.60 | 11.6 | 2.50 | 0.63 | 0.30 | 2.24 |
//! | `tan` | 9.09 | 2.27 | 0.91 | 13.5 | 2.93 | 0.78 | 0.34 | 8.15 |
//! | `asin` | 4.73 | 1.32 | 0.64 | 2.91 | 1.67 | 0.77 | 0.35 | 2.18 |
//! | `acos` | 4.74 | 1.26 | 0.65 | 3.00 | 2.15 | 0.80 | 0.34 | 3.32 |
//! | `atan` | 5.32 | 1.44 | 0.72 | 6.82 | 2.19 | 0.86 | 0.41 | 4.14 |
//! | `atan2` | 8.00 | 2.14 | 1.08 | 9.45 | 3.17 | 1.12 | 0.55 | 6.80 |
//! | `sinh` | 3.81 | 1.43 | 0.71 | 7.00 | 1.84 | 0.85 | 0.41 | 7.74 |
//! | `cosh` | 3.61 | 1.36 | 0.70 | 4.35 | 1.61 | 0.72 | 0.38 | 4.59 |
//! | `tanh` | 6.61 | 2.13 | 1.07 | 6.98 | 1.91 | 0.86 | 0.41 | 7.99 |
//! | `asinh` | 11.7 | 4.08 | 2.05 | 14.6 | 3.98 | 1.81 | 0.85 | 12.2 |
//! | `acosh` | 11.6 | 3.89 | 2.00 | 4.11 | 3.27 | 1.36 | 0.70 | 8.58 |
//! | `atanh` | 8.06 | 2.65 | 1.32 | 4.79 | 3.16 | 1.30 | 0.62 | 5.62 |
//! | `cbrt` | 7.10 | 1.66 | 0.86 | 9.65 | 2.80 | 1.30 | 0.61 | 3.32 |
//! | `hypot` | 4.26 | 0.78 | 0.43 | 3.47 | 0.91 | 0.43 | 0.21 | 1.68 |
//! | `pow` | 23.6 | 6.26 | 3.11 | 8.25 | 5.87 | 2.62 | 1.38 | 3.92 |
//!
//! All loops are vector code at every level (seen in the disassembly: packed instructions, no call, no branch but the
//! loop's). Without fused multiply-add the exact products cost seventeen operations each, so at the base level some are
//! slower than the scalar functions (`pow`, `acosh`, `asin`, logarithms). The remainder of a tile that does not fill a
//! vector is scalar code of the same function: keep tiles a multiple of 8. Two things undo a loop: an `if` that chooses
//! between two long computations (LLVM computes both), and several float comparisons of one value (LLVM merges them
//! into a slow test of classes); the functions avoid both.
//!
//! What this module does not do: functions the standard library has as one instruction (`sqrt`, `abs`, rounding).

// The coefficients are printed as the shortest decimals that give these bits.
#![allow(clippy::unreadable_literal)]
// `&&` and `||` are branches until LLVM proves that they need not be.
#![allow(clippy::needless_bitwise_bool)]

mod arith;
pub(crate) mod exp;
pub(crate) mod hyperbolic;
pub(crate) mod inverse_hyperbolic;
pub(crate) mod inverse_trig;
pub(crate) mod log;
pub(crate) mod power;
pub(crate) mod roots;
pub(crate) mod trig;

#[cfg(test)]
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
            $(
                #[inline(always)]
                fn $name<I: Isa>(self $(, $arg: Self)?) -> Self {
                    $module::$double::<I>(self $(, $arg)?)
                }
            )*
        }

        impl VectorMath for f32 {
            $(
                #[inline(always)]
                fn $name<I: Isa>(self $(, $arg: Self)?) -> Self {
                    $module::$single::<I>(self $(, $arg)?)
                }
            )*
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
    /// The arc sine.
    asin(): inverse_trig::asin, asin_f32;
    /// The arc cosine.
    acos(): inverse_trig::acos, acos_f32;
    /// The arc tangent.
    atan(): inverse_trig::atan, atan_f32;
    /// The angle of the point `(x, self)`.
    atan2(x): inverse_trig::atan2, atan2_f32;
    /// The inverse hyperbolic sine.
    asinh(): inverse_hyperbolic::asinh, asinh_f32;
    /// The inverse hyperbolic cosine.
    acosh(): inverse_hyperbolic::acosh, acosh_f32;
    /// The inverse hyperbolic tangent.
    atanh(): inverse_hyperbolic::atanh, atanh_f32;
    /// The cube root.
    cbrt(): roots::cbrt, cbrt_f32;
    /// `sqrt(x² + y²)`.
    hypot(y): roots::hypot, hypot_f32;
    /// `x^y`.
    pow(y): power::pow, pow_f32;
}

#[cfg(test)]
mod tests {
    use super::super::simd::Base;
    use super::VectorMath;

    macro_rules! assert_rows {
        ($type:ty, $at:expr => $($name:ident = $std:ident($($arg:expr)?);)*) => {$(
            let found = VectorMath::$name::<Base>($at as $type $(, $arg)?);
            let expected = ($at as $type).$std($($arg)?);
            assert!((found - expected).abs() <= 1e-6 * expected.abs(), "{}: {found}, not {expected}", stringify!($name));
        )*};
    }

    macro_rules! assert_all_rows {
        ($type:ty) => {
            assert_rows! { $type, 0.3 =>
                exp = exp(); exp2 = exp2(); expm1 = exp_m1(); ln = ln(); log2 = log2(); log10 = log10(); log1p = ln_1p();
                sinh = sinh(); cosh = cosh(); tanh = tanh(); asinh = asinh(); atanh = atanh();
                asin = asin(); acos = acos(); atan = atan(); atan2 = atan2(0.7);
                cbrt = cbrt(); hypot = hypot(0.7); pow = powf(0.7);
            }
            assert_rows! { $type, 1.5 => acosh = acosh(); }
        };
    }

    #[test]
    fn every_row_is_the_function_of_its_name() {
        assert_all_rows!(f64);
        assert_all_rows!(f32);
    }
}
