//! Logarithms: `ln`, `log2`, `log10`, `log1p`.
//!
//! After FreeBSD msun `e_log`, `s_log1p` and `k_log.h`: `x = 2^k (1 + f)` with `√½ <= 1 + f < √2`, and with
//! `s = f / (2 + f)` the logarithm of `1 + f` is `f - f²/2 + s (f²/2 + s² P(s²))`. The leading terms are summed exactly,
//! so that only the small rest is rounded. [`ln_of_pair`] takes its argument in two words: `log1p` and the inverse
//! hyperbolic functions have arguments that no single `f64` holds.
//!
//! Single precision needs no division: there the polynomial is in `f`.

use std::f64::consts::{FRAC_1_SQRT_2, LN_2, LOG2_E, LOG10_2, LOG10_E};

use super::arith::{
    Decomposed, LN_2_HIGH, LN_2_LOW, Pair, decompose, decompose_normal, mul_add, polynomial, power_of_two,
};
use crate::kernels::simd::Isa;

/// `1 / ln 2` less the `f64` nearest to it.
const LOG2_E_LOW: f64 = 2.0355273740931033e-17;

/// log10(2) to 40 bits, and the rest.
const LOG10_2_HIGH: f64 = 0.30102999566361177;
const LOG10_2_LOW: f64 = 3.694239077158931e-13;

/// `1 / ln 10` less the `f64` nearest to it.
const LOG10_E_LOW: f64 = 1.098319650216765e-17;

/// `(ln((1 + s) / (1 - s)) - 2 s) / s^3` in `s²`, for `|s| <= 0.1716`, relative error of the logarithm below 2^-59.
const LN: [f64; 7] = [
    0.6666666666666734,
    0.3999999999941621,
    0.2857142874218408,
    0.22222198584454964,
    0.18183564118435971,
    0.15314048084486542,
    0.14796039760456797,
];

/// `(ln(1 + f) - f) / f²` for `√½ <= 1 + f < √2`, relative error of the logarithm below 2^-30.
const LN_F32: [f64; 10] = [
    -0.49999999828728825,
    0.33333312318343133,
    -0.25000017876879665,
    0.20002132398521127,
    -0.16667889972488437,
    0.14219353245529143,
    -0.12405702953182812,
    0.11888557605976102,
    -0.11678787092605401,
    0.06752691668786481,
];

/// `ln(1 + f) - f` for `√½ <= 1 + f < √2`.
#[inline(always)]
fn rest_of_ln<I: Isa>(f: f64) -> f64 {
    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let series = z * polynomial::<I, 7>(z, &LN);
    mul_add::<I>(s, half_square + series, -half_square)
}

/// `k ln 2 + f + rest`, where `k` is zero or `k ln 2` the largest of them.
#[inline(always)]
fn assemble<I: Isa>(k: f64, f: f64, rest: f64) -> f64 {
    let sum = Pair::ordered_sum(k * LN_2_HIGH, f);
    sum.high + (sum.low + mul_add::<I>(k, LN_2_LOW, rest))
}

/// `ln(2^k (high + low))` for an integer `k` and a finite `high + low` above 2^-1000.
#[inline(always)]
pub(super) fn ln_of_pair<I: Isa>(k: f64, x: Pair) -> f64 {
    let Decomposed { fraction, exponent } = decompose_normal(x.high, FRAC_1_SQRT_2);
    // The low word of a number near the largest one counts for nothing, and its factor would not be a normal number.
    let limited = if exponent > 1000.0 { 1000.0 } else { exponent };
    let factor = power_of_two(-limited);
    let f = Pair::ordered_sum(fraction - 1.0, x.low * factor);
    // The low word counts by 1 / (1 + f), of which three terms are enough.
    let weight = mul_add::<I>(f.high, f.high, 1.0 - f.high);
    assemble::<I>(k + exponent, f.high, mul_add::<I>(f.low, weight, rest_of_ln::<I>(f.high)))
}

/// `result`, except where the logarithm of `x` is infinite or no number.
#[inline(always)]
fn with_special_values(x: f64, result: f64) -> f64 {
    let special = if x == 0.0 { f64::NEG_INFINITY } else { x };
    let special = if x < 0.0 { f64::NAN } else { special };
    // Positive and finite. As a float comparison it would be merged with those above into a test of six cases.
    let ordinary = x.to_bits().wrapping_sub(1) < f64::INFINITY.to_bits() - 1;
    if ordinary { result } else { special }
}

/// `ln(1 + f)` in two words, and `k`, for the `x = 2^k (1 + f)`.
#[inline(always)]
fn ln_parts<I: Isa>(x: f64) -> (f64, Pair) {
    let Decomposed { fraction, exponent } = decompose(x, FRAC_1_SQRT_2);
    let f = fraction - 1.0;
    (exponent, Pair::ordered_sum(f, rest_of_ln::<I>(f)))
}

/// The natural logarithm.
#[inline(always)]
pub(crate) fn ln<I: Isa>(x: f64) -> f64 {
    let Decomposed { fraction, exponent } = decompose(x, FRAC_1_SQRT_2);
    let f = fraction - 1.0;
    with_special_values(x, assemble::<I>(exponent, f, rest_of_ln::<I>(f)))
}

/// The logarithm to base 2, exact for powers of two.
#[inline(always)]
pub(crate) fn log2<I: Isa>(x: f64) -> f64 {
    let (k, ln) = ln_parts::<I>(x);
    let scaled = Pair::product::<I>(ln.high, LOG2_E);
    let low = mul_add::<I>(ln.low, LOG2_E, mul_add::<I>(ln.high, LOG2_E_LOW, scaled.low));
    let sum = Pair::ordered_sum(k, scaled.high);
    with_special_values(x, sum.high + (sum.low + low))
}

/// The logarithm to base 10, exact for powers of ten.
#[inline(always)]
pub(crate) fn log10<I: Isa>(x: f64) -> f64 {
    let (k, ln) = ln_parts::<I>(x);
    let scaled = Pair::product::<I>(ln.high, LOG10_E);
    let low = mul_add::<I>(ln.low, LOG10_E, mul_add::<I>(ln.high, LOG10_E_LOW, scaled.low));
    let sum = Pair::ordered_sum(k * LOG10_2_HIGH, scaled.high);
    with_special_values(x, sum.high + (sum.low + mul_add::<I>(k, LOG10_2_LOW, low)))
}

/// `ln(1 + x)`, accurate near zero.
#[inline(always)]
pub(crate) fn log1p<I: Isa>(x: f64) -> f64 {
    let result = ln_of_pair::<I>(0.0, Pair::sum(1.0, x));
    let result = with_special_values(1.0 + x, result);
    // Also keeps the sign of zero.
    if x.abs() < f64::EPSILON / 4.0 { x } else { result }
}

/// `ln(1 + f)` to single precision for `√½ <= 1 + f < √2`.
#[inline(always)]
fn ln_of_reduced_f32<I: Isa>(f: f64) -> f64 {
    mul_add::<I>(f * f, polynomial::<I, 10>(f, &LN_F32), f)
}

/// `ln(1 + f)` to single precision, and `k`, for the `x = 2^k (1 + f)`; `x` is positive and normal as an `f64`.
#[inline(always)]
fn ln_parts_f32<I: Isa>(x: f64) -> (f64, f64) {
    let Decomposed { fraction, exponent } = decompose_normal(x, FRAC_1_SQRT_2);
    (exponent, ln_of_reduced_f32::<I>(fraction - 1.0))
}

/// `ln(1 + x)` for `x > -1` to single precision, relative to the result.
#[inline(always)]
pub(super) fn log1p_to_f32<I: Isa>(x: f64) -> f64 {
    let Decomposed { fraction, exponent } = decompose_normal(1.0 + x, FRAC_1_SQRT_2);
    let near_zero = x.abs() < 0.25;
    let f = if near_zero { x } else { fraction - 1.0 };
    let k = if near_zero { 0.0 } else { exponent };
    mul_add::<I>(k, LN_2, ln_of_reduced_f32::<I>(f))
}

/// The natural logarithm in single precision.
#[inline(always)]
pub(crate) fn ln_f32<I: Isa>(x: f32) -> f32 {
    // The subnormal numbers of single precision are normal here.
    let (k, ln) = ln_parts_f32::<I>(x as f64);
    with_special_values(x as f64, mul_add::<I>(k, LN_2, ln)) as f32
}

/// The logarithm to base 2 in single precision.
#[inline(always)]
pub(crate) fn log2_f32<I: Isa>(x: f32) -> f32 {
    let (k, ln) = ln_parts_f32::<I>(x as f64);
    with_special_values(x as f64, mul_add::<I>(ln, LOG2_E, k)) as f32
}

/// The logarithm to base 10 in single precision.
#[inline(always)]
pub(crate) fn log10_f32<I: Isa>(x: f32) -> f32 {
    let (k, ln) = ln_parts_f32::<I>(x as f64);
    with_special_values(x as f64, mul_add::<I>(ln, LOG10_E, k * LOG10_2)) as f32
}

/// `ln(1 + x)` in single precision.
#[inline(always)]
pub(crate) fn log1p_f32<I: Isa>(x: f32) -> f32 {
    let wide = x as f64;
    let result = with_special_values(1.0 + wide, log1p_to_f32::<I>(wide)) as f32;
    if x == 0.0 { x } else { result }
}

#[cfg(test)]
mod tests {
    use super::super::accuracy::{assert_unary, unary};
    use super::*;
    use crate::kernels::simd::Base;

    #[test]
    fn ln_is_accurate() {
        assert_unary("ln", unary!(f64, ln), pxfm::f_log, &[(0.0, 1e5), (0.5, 2.0)], 1);
        assert_unary("ln_f32", unary!(f32, ln_f32), pxfm::f_logf, &[(0.0, 1e5), (0.5, 2.0)], 1);
    }

    #[test]
    fn log2_is_accurate() {
        assert_unary("log2", unary!(f64, log2), pxfm::f_log2, &[(0.0, 1e5), (0.5, 2.0)], 1);
        assert_unary("log2_f32", unary!(f32, log2_f32), pxfm::f_log2f, &[(0.0, 1e5), (0.5, 2.0)], 1);
    }

    #[test]
    fn log10_is_accurate() {
        assert_unary("log10", unary!(f64, log10), pxfm::f_log10, &[(0.0, 1e5), (0.5, 2.0)], 1);
        assert_unary("log10_f32", unary!(f32, log10_f32), pxfm::f_log10f, &[(0.0, 1e5), (0.5, 2.0)], 1);
    }

    #[test]
    fn log1p_is_accurate() {
        assert_unary("log1p", unary!(f64, log1p), pxfm::f_log1p, &[(-1.0, 1e3), (-0.5, 0.5)], 1);
        assert_unary("log1p_f32", unary!(f32, log1p_f32), pxfm::f_log1pf, &[(-1.0, 1e3), (-0.5, 0.5)], 1);
    }

    #[test]
    fn powers_of_the_base_have_integral_logarithms() {
        for n in -1074..=1023 {
            assert_eq!(log2::<Base>(f64::from(n).exp2()), f64::from(n));
        }
        for n in 0..=22 {
            assert_eq!(log10::<Base>(f64::powi(10.0, n)), f64::from(n));
        }
    }
}
