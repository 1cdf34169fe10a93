//! Inverse trigonometric functions: `asin`, `acos`, `atan`, `atan2`.
//!
//! `asin` and `acos` after FreeBSD msun `e_asin`, `e_acos`: a polynomial in `x²` up to ½, and above it
//! `asin x = π/2 - 2 asin sqrt((1 - x) / 2)`, with the root in two words. `atan` after Cephes: the tangent of an angle
//! in the first octant is a quotient, and where that is above `tan π/8` the quotient of difference and sum is that of
//! the angle less π/4, so that one division brings every argument below `tan π/8`. That quotient is taken in two words,
//! and the multiples of π/4 are put together with it exactly.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use super::arith::{Pair, clamp, mul_add, polynomial, product_rest, with_sign_of};
use crate::kernels::simd::Isa;

/// π/2 less the `f64` nearest to it.
const FRAC_PI_2_LOW: f64 = 6.123233995736766e-17;

/// π/4 less the `f64` nearest to it.
const FRAC_PI_4_LOW: f64 = FRAC_PI_2_LOW / 2.0;

/// 3π/4 less the `f64` nearest to it.
const THREE_FRAC_PI_4_LOW: f64 = 9.184850993605148e-17;

/// tan π/8.
const TAN_FRAC_PI_8: f64 = 0.41421356237309503;

/// `(asin x - x) / x^3` in `x²` for `|x| <= ½`, relative error of the arc sine below 2^-59.
const ASIN: [f64; 13] = [
    0.1666666666666676,
    0.07499999999970812,
    0.04464285717464569,
    0.03038194270467075,
    0.022372215106798862,
    0.017351609423570866,
    0.013980856083435063,
    0.011398589871793088,
    0.010782216037545728,
    0.0036984601767276774,
    0.021727974277485667,
    -0.021029670832134063,
    0.032648679302229255,
];

/// The same to 2^-31.
const ASIN_F32: [f64; 6] = [
    0.1666665997525963,
    0.07500505278275345,
    0.04451671909170141,
    0.031809890788794565,
    0.014429672787085669,
    0.037529953671174704,
];

/// `(atan t - t) / t^3` in `t²` for `|t| <= tan π/8`, relative error of the arc tangent below 2^-59.
const ATAN: [f64; 11] = [
    -0.3333333333333319,
    0.19999999999952198,
    -0.1428571428005632,
    0.11111110776437697,
    -0.090908975554464,
    0.07692056608736193,
    -0.0666306294235804,
    0.058475891909789995,
    -0.05037947325202388,
    0.03802993524865485,
    -0.01786913345268518,
];

/// The same to 2^-30.
const ATAN_F32: [f64; 5] =
    [-0.3333331516165256, 0.19998468961227417, -0.14243473462040634, 0.10593305791246348, -0.06076800391001481];

/// `asin |x| = v.high + v.low` up to ½, and above it `π/2 - 2 (v.high + v.low)`.
struct HalfAngle {
    above_half: bool,
    v: Pair,
}

#[inline(always)]
fn half_angle<I: Isa>(x: f64) -> HalfAngle {
    let a = x.abs();
    let above_half = a > 0.5;
    let complement = Pair { high: 0.5 * (1.0 - a), low: 0.0 };
    let root = complement.sqrt::<I>();
    let square = if above_half { complement.high } else { a * a };
    let high = if above_half { root.high } else { a };
    let low = if above_half { root.low } else { 0.0 };
    let low = mul_add::<I>(high * square, polynomial::<I, 13>(square, &ASIN), low);
    HalfAngle { above_half, v: Pair { high, low } }
}

/// `base + sign (v.high + v.low)`, where `base` is zero or larger than `v`.
#[inline(always)]
fn turned<I: Isa>(base: Pair, sign: f64, v: Pair) -> f64 {
    let sum = Pair::ordered_sum(base.high, sign * v.high);
    sum.high + (sum.low + mul_add::<I>(sign, v.low, base.low))
}

/// The arc sine; NaN outside `-1..=1`.
#[inline(always)]
pub(crate) fn asin<I: Isa>(x: f64) -> f64 {
    let HalfAngle { above_half, v } = half_angle::<I>(x);
    let base =
        Pair { high: if above_half { FRAC_PI_2 } else { 0.0 }, low: if above_half { FRAC_PI_2_LOW } else { 0.0 } };
    with_sign_of(turned::<I>(base, if above_half { -2.0 } else { 1.0 }, v), x)
}

/// The arc cosine; NaN outside `-1..=1`.
#[inline(always)]
pub(crate) fn acos<I: Isa>(x: f64) -> f64 {
    let HalfAngle { above_half, v } = half_angle::<I>(x);
    // π/2 - v towards the middle, 2 v and π - 2 v at the ends.
    let quarter_turns = if above_half { 0.0 } else { 1.0 };
    let quarter_turns = if above_half & (x < 0.0) { 2.0 } else { quarter_turns };
    let sign = if above_half { -2.0 } else { 1.0 };
    let sign = if x < 0.0 { sign } else { -sign };
    turned::<I>(Pair { high: quarter_turns * FRAC_PI_2, low: quarter_turns * FRAC_PI_2_LOW }, sign, v)
}

/// An angle of the first octant, `eighths π/4 + q` with `eighths` zero or one and `|q| <= π/8`.
struct Octant<T> {
    eighths: f64,
    q: T,
}

/// The angle with the tangent `smaller / larger`, both finite and not negative, `larger` not zero.
#[inline(always)]
fn octant<I: Isa>(smaller: f64, larger: f64) -> Octant<Pair> {
    let steep = smaller > TAN_FRAC_PI_8 * larger;
    let (difference, sum) = (Pair::ordered_sum(-larger, smaller), Pair::ordered_sum(larger, smaller));
    let numerator =
        Pair { high: if steep { difference.high } else { smaller }, low: if steep { difference.low } else { 0.0 } };
    let denominator = Pair { high: if steep { sum.high } else { larger }, low: if steep { sum.low } else { 0.0 } };
    let tangent = quotient::<I>(numerator, denominator);
    let square = tangent.high * tangent.high;
    let cube = square * tangent.high;
    // The low word counts by 1 / (1 + t²), of which two terms are enough.
    let low = tangent.low * (1.0 - square);
    let q = Pair { high: tangent.high, low: mul_add::<I>(cube, polynomial::<I, 11>(square, &ATAN), low) };
    Octant { eighths: if steep { 1.0 } else { 0.0 }, q }
}

/// `a / b` with a correctly rounded high word: where the angle is tiny, it is the result.
#[inline(always)]
fn quotient<I: Isa>(a: Pair, b: Pair) -> Pair {
    /// Below this the remainder would lose bits, and the low word is not needed.
    const REMAINDER_LIMIT: f64 = f64::from_bits((1023 - 900) << 52);
    let high = a.high / b.high;
    let remainder = -product_rest::<I>(high, b.high, a.high) + (a.low - high * b.low);
    let low = remainder / b.high;
    Pair { high, low: if a.high.abs() > REMAINDER_LIMIT { low } else { 0.0 } }
}

/// The arc tangent.
#[inline(always)]
pub(crate) fn atan<I: Isa>(x: f64) -> f64 {
    // Beyond 10^30 the result is π/2.
    let a = if x.abs() > 1e30 { 1e30 } else { x.abs() };
    let inverted = a > 1.0;
    let Octant { eighths, q } = octant::<I>(if inverted { 1.0 } else { a }, if inverted { a } else { 1.0 });
    let eighths = if inverted { 2.0 - eighths } else { eighths };
    let base = Pair { high: eighths * FRAC_PI_4, low: eighths * FRAC_PI_4_LOW };
    with_sign_of(turned::<I>(base, if inverted { -1.0 } else { 1.0 }, q), x)
}

/// The smaller and the larger of two legs, of which `larger` is not zero and not infinite, for the same angle.
#[inline(always)]
fn legs(y: f64, x: f64) -> (f64, f64) {
    // A NaN on either side ends up in one of them, and multiplied by zero remains.
    let smaller = if y > x { x } else { y };
    let larger = if y > x { y } else { x };
    let both = smaller == f64::INFINITY;
    let infinite = larger == f64::INFINITY;
    let vanishing = if both { 1.0 } else { smaller * 0.0 };
    let smaller = if infinite { vanishing } else { smaller };
    (smaller, if infinite | (larger == 0.0) { 1.0 } else { larger })
}

/// The angle of the point `(x, y)`, with IEEE 754's rules for zeros and infinities.
#[inline(always)]
pub(crate) fn atan2<I: Isa>(y: f64, x: f64) -> f64 {
    const LARGE: f64 = f64::from_bits((1023 + 700) << 52);
    const SMALL: f64 = f64::from_bits((1023 - 300) << 52);
    const UP: f64 = f64::from_bits((1023 + 600) << 52);
    let (smaller, larger) = legs(y.abs(), x.abs());
    // Where scaling takes bits from the smaller, the quotient is zero anyway.
    let factor = if larger > LARGE { 1.0 / UP } else { 1.0 };
    let factor = if larger < SMALL { UP } else { factor };
    let Octant { eighths, q } = octant::<I>(smaller * factor, larger * factor);
    let (inverted, left) = (y.abs() > x.abs(), x.is_sign_negative());
    let eighths = if inverted { 2.0 - eighths } else { eighths };
    let eighths = if left { 4.0 - eighths } else { eighths };
    let low = if eighths == 3.0 { THREE_FRAC_PI_4_LOW } else { eighths * FRAC_PI_4_LOW };
    let sign = if inverted ^ left { -1.0 } else { 1.0 };
    with_sign_of(turned::<I>(Pair { high: eighths * FRAC_PI_4, low }, sign, q), y)
}

/// [`half_angle`] to single precision: `asin |x| = v` up to ½, and above it `π/2 - 2 v`.
#[inline(always)]
fn half_angle_f32<I: Isa>(a: f64) -> (bool, f64) {
    let above_half = a > 0.5;
    let complement = 0.5 * (1.0 - a);
    let root = complement.sqrt();
    let square = if above_half { complement } else { a * a };
    let v = if above_half { root } else { a };
    (above_half, mul_add::<I>(v * square, polynomial::<I, 6>(square, &ASIN_F32), v))
}

/// The arc sine in single precision; NaN outside `-1..=1`.
#[inline(always)]
pub(crate) fn asin_f32<I: Isa>(x: f32) -> f32 {
    let (above_half, v) = half_angle_f32::<I>(x.abs() as f64);
    let base = if above_half { FRAC_PI_2 } else { 0.0 };
    let result = mul_add::<I>(if above_half { -2.0 } else { 1.0 }, v, base);
    with_sign_of(result, x as f64) as f32
}

/// The arc cosine in single precision; NaN outside `-1..=1`.
#[inline(always)]
pub(crate) fn acos_f32<I: Isa>(x: f32) -> f32 {
    let (above_half, v) = half_angle_f32::<I>(x.abs() as f64);
    let acute = if above_half { 2.0 * v } else { FRAC_PI_2 - v };
    (if x < 0.0 { PI - acute } else { acute }) as f32
}

/// [`octant`] to single precision.
#[inline(always)]
fn octant_f32<I: Isa>(smaller: f64, larger: f64) -> Octant<f64> {
    // Chosen as a factor: a choice between quotients would be two divisions.
    let steep = if smaller > TAN_FRAC_PI_8 * larger { 1.0 } else { 0.0 };
    let t = mul_add::<I>(-steep, larger, smaller) / mul_add::<I>(steep, smaller, larger);
    let square = t * t;
    let q = mul_add::<I>(t * square, polynomial::<I, 5>(square, &ATAN_F32), t);
    Octant { eighths: steep, q }
}

/// The arc tangent in single precision.
#[inline(always)]
pub(crate) fn atan_f32<I: Isa>(x: f32) -> f32 {
    let a = clamp(x.abs() as f64, 0.0, 1e30);
    let smaller = if a > 1.0 { 1.0 } else { a };
    let larger = if a > 1.0 { a } else { 1.0 };
    let Octant { eighths, q } = octant_f32::<I>(smaller, larger);
    let angle = mul_add::<I>(eighths, FRAC_PI_4, q);
    with_sign_of(if a > 1.0 { FRAC_PI_2 - angle } else { angle }, x as f64) as f32
}

/// The angle of the point `(x, y)` in single precision.
#[inline(always)]
pub(crate) fn atan2_f32<I: Isa>(y: f32, x: f32) -> f32 {
    let (y, x) = (y as f64, x as f64);
    let (smaller, larger) = legs(y.abs(), x.abs());
    let Octant { eighths, q } = octant_f32::<I>(smaller, larger);
    let angle = mul_add::<I>(eighths, FRAC_PI_4, q);
    let angle = if y.abs() > x.abs() { FRAC_PI_2 - angle } else { angle };
    let angle = if x.is_sign_negative() { PI - angle } else { angle };
    with_sign_of(angle, y) as f32
}

#[cfg(test)]
mod tests {
    use super::super::accuracy::{assert_binary, assert_unary, binary, unary};
    use super::*;

    #[test]
    fn asin_is_accurate() {
        assert_unary("asin", unary!(f64, asin), pxfm::f_asin, &[(-1.0, 1.0), (-0.1, 0.1)], 1);
        assert_unary("asin_f32", unary!(f32, asin_f32), pxfm::f_asinf, &[(-1.0, 1.0), (-0.1, 0.1)], 1);
    }

    #[test]
    fn acos_is_accurate() {
        assert_unary("acos", unary!(f64, acos), pxfm::f_acos, &[(-1.0, 1.0), (0.9, 1.0)], 1);
        assert_unary("acos_f32", unary!(f32, acos_f32), pxfm::f_acosf, &[(-1.0, 1.0), (0.9, 1.0)], 1);
    }

    #[test]
    fn atan_is_accurate() {
        assert_unary("atan", unary!(f64, atan), pxfm::f_atan, &[(-10.0, 10.0), (-1.0, 1.0)], 1);
        assert_unary("atan_f32", unary!(f32, atan_f32), pxfm::f_atanf, &[(-10.0, 10.0), (-1.0, 1.0)], 1);
    }

    #[test]
    fn atan2_is_accurate() {
        let typical = [[(-10.0, 10.0), (-10.0, 10.0)], [(-1e10, 1e10), (-1.0, 1.0)]];
        assert_binary("atan2", binary!(f64, atan2), pxfm::f_atan2, &typical, 1);
        assert_binary("atan2_f32", binary!(f32, atan2_f32), pxfm::f_atan2f, &typical, 1);
    }
}
