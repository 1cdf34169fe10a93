//! Powers: `pow`.
//!
//! `x^y = 2^(y log2 x)`. An error of the exponent counts a thousandfold in the result, so the logarithm is taken to
//! 2^-65, relative: with `x = 2^k (1 + f)` and `s = f / (2 + f)`,
//!
//! ```text
//! log2 x = k + s (C0 + s² (C1 + s² W(s²)))
//! ```
//!
//! where everything but `W` is in pairs (as in SLEEF's `pow`, Shibata and Petrogalli, *SLEEF: a portable vectorized
//! library of C standard mathematical functions*, 2020). The exceptions of IEEE 754 (C99, annex F) are chosen in the
//! end.

use std::f64::consts::FRAC_1_SQRT_2;

use super::arith::{Decomposed, Pair, SIGN_BIT, clamp, decompose, decompose_normal, mul_add, polynomial};
use super::exp;
use crate::kernels::simd::Isa;

/// `2 / ln 2`.
const C0: Pair = Pair { high: 2.8853900817779268, low: 4.0710547481862066e-17 };

/// `2 / (3 ln 2)`.
const C1: Pair = Pair { high: 0.9617966939259756, low: 5.0577616648125907e-17 };

/// `W`, relative error of the logarithm below 2^-66.
const W: [f64; 7] = [
    0.5770780163556178,
    0.412198583091986,
    0.32059890226626464,
    0.2623077017023985,
    0.2219839735060519,
    0.19125567985779368,
    0.19038098109745644,
];

/// `C1 + s² W(s²)` in one, relative error of the logarithm below 2^-44.
const W_F32: [f64; 5] =
    [0.9617966940576518, 0.5770779532340304, 0.4122083969278721, 0.3199350008378721, 0.2825361159653873];

/// The base 2 logarithm of a positive number.
#[inline(always)]
fn log2<I: Isa>(x: f64) -> Pair {
    let Decomposed { fraction, exponent } = decompose(x, FRAC_1_SQRT_2);
    let f = fraction - 1.0;
    let s = Pair { high: f, low: 0.0 }.divided_by::<I>(Pair::ordered_sum(2.0, f));
    let square = Pair::product::<I>(s.high, s.high);
    let square = Pair { high: square.high, low: mul_add::<I>(2.0 * s.high, s.low, square.low) };
    let inner = plus_product::<I>(C1, square, polynomial::<I, 7>(square.high, &W));
    let outer = times::<I>(square, inner);
    let outer_sum = Pair::ordered_sum(C0.high, outer.high);
    let factor = Pair { high: outer_sum.high, low: outer_sum.low + (C0.low + outer.low) };
    let log2 = times::<I>(s, factor);
    let sum = Pair::ordered_sum(exponent, log2.high);
    Pair::ordered_sum(sum.high, sum.low + log2.low)
}

/// `a * b`.
#[inline(always)]
fn times<I: Isa>(a: Pair, b: Pair) -> Pair {
    let product = Pair::product::<I>(a.high, b.high);
    Pair { high: product.high, low: mul_add::<I>(a.high, b.low, mul_add::<I>(a.low, b.high, product.low)) }
}

/// `constant + a * b`, where the product is smaller than the constant.
#[inline(always)]
fn plus_product<I: Isa>(constant: Pair, a: Pair, b: f64) -> Pair {
    let product = Pair::product::<I>(a.high, b);
    let sum = Pair::ordered_sum(constant.high, product.high);
    Pair { high: sum.high, low: sum.low + (constant.low + mul_add::<I>(a.low, b, product.low)) }
}

/// What `y` is as an exponent of negative numbers.
struct Parity {
    integral: bool,
    /// The sign bit if `y` is an odd integer, else zero.
    odd: u64,
}

#[inline(always)]
fn parity(y: f64) -> Parity {
    const TWO_52: f64 = (1_u64 << 52) as f64;
    let a = y.abs();
    // From 2^52 on all are integers, with the lowest bit for the ones; from 2^53 on all are even.
    let shifted = if a < TWO_52 { a + TWO_52 } else { a };
    let integral = (a >= TWO_52) | (shifted - TWO_52 == a);
    let odd = if integral & (a < 2.0 * TWO_52) { shifted.to_bits() << 63 } else { 0 };
    Parity { integral, odd }
}

/// `magnitude`, which is `|x|^y` for positive finite `|x|` and finite `y`, made right for all.
#[inline(always)]
fn with_special_values(x: f64, y: f64, magnitude: f64) -> f64 {
    let a = x.abs();
    let Parity { integral, odd } = parity(y);
    // Zero and infinity to a positive power are themselves, to a negative power each other.
    let pole = if (a == 0.0) ^ (y < 0.0) { 0.0 } else { f64::INFINITY };
    let magnitude = if (a == 0.0) | (a == f64::INFINITY) { pole } else { magnitude };
    let signed = f64::from_bits(magnitude.to_bits() | (x.to_bits() & odd & SIGN_BIT));
    let imaginary = (x < 0.0) & (a < f64::INFINITY) & !integral;
    let no_number = imaginary | x.is_nan() | y.is_nan();
    let result = if no_number { f64::NAN } else { signed };
    if (x == 1.0) | (y == 0.0) { 1.0 } else { result }
}

/// To the power of this every number but 1 overflows or vanishes: 2^70.
const LARGE: f64 = (1_u64 << 35) as f64 * (1_u64 << 35) as f64;

/// `x^y`.
#[inline(always)]
pub(crate) fn pow<I: Isa>(x: f64, y: f64) -> f64 {
    let log2 = log2::<I>(x.abs());
    let limited = clamp(y, -LARGE, LARGE);
    let exponent = Pair::product::<I>(log2.high, limited);
    let low = mul_add::<I>(log2.low, limited, exponent.low);
    let high = clamp(exponent.high, -1100.0, 1100.0);
    let low = if high == exponent.high { low } else { 0.0 };
    with_special_values(x, y, exp::exp2_of_pair::<I>(Pair::ordered_sum(high, low)))
}

/// `x^y` in single precision.
#[inline(always)]
pub(crate) fn pow_f32<I: Isa>(x: f32, y: f32) -> f32 {
    let (x, y) = (x as f64, y as f64);
    let Decomposed { fraction, exponent } = decompose_normal(x.abs(), FRAC_1_SQRT_2);
    let f = fraction - 1.0;
    let s = f / (2.0 + f);
    let square = s * s;
    let factor = mul_add::<I>(square, polynomial::<I, 5>(square, &W_F32), C0.high);
    let log2 = mul_add::<I>(s, factor, exponent);
    with_special_values(x, y, exp::exp2_to_f32::<I>(clamp(y, -LARGE, LARGE) * log2) as f64) as f32
}

#[cfg(test)]
mod tests {
    use super::super::accuracy::{assert_binary, binary};
    use super::*;

    #[test]
    fn pow_is_accurate() {
        let typical = [[(0.0, 100.0), (-10.0, 10.0)], [(0.99, 1.01), (-1e4, 1e4)], [(-10.0, 10.0), (-3.0, 3.0)]];
        // The oracle has NaN for 1 to the power NaN and for some huge numbers, and ignores the sign of zero. The
        // standard library is not correctly rounded, but right there.
        let oracle = |x: f64, y: f64| {
            let result = pxfm::f_pow(x, y);
            if result.is_nan() || x == 0.0 { x.powf(y) } else { result }
        };
        assert_binary("pow", binary!(f64, pow), oracle, &typical, 1);
        let oracle = |x: f32, y: f32| {
            let result = pxfm::f_powf(x, y);
            if result.is_nan() || x == 0.0 { x.powf(y) } else { result }
        };
        assert_binary("pow_f32", binary!(f32, pow_f32), oracle, &typical, 1);
    }
}
