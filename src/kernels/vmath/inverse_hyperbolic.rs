//! Inverse hyperbolic functions: `asinh`, `acosh`, `atanh`.
//!
//! ```text
//! asinh x = ln(x + sqrt(x² + 1))      acosh x = ln(x + sqrt(x² - 1))      atanh x = ½ ln((1 + x) / (1 - x))
//! ```
//!
//! Taken literally these lose everything near `ln 1`. In pairs they lose nothing: the argument of the logarithm is
//! known to 2^-105, and [`log::ln_of_pair`] takes both words.

use super::arith::{Pair, with_sign_of};
use super::log;
use crate::kernels::simd::Isa;

/// Below this the odd functions are their argument in double precision: 2^-28.
const TINY: f64 = 1.0 / (1_u64 << 28) as f64;

/// `ln(x + sqrt(x² + c))` for a finite `x >= 0` and a `c` of 1 or -1.
#[inline(always)]
fn ln_of_sum<I: Isa>(x: f64, c: f64) -> f64 {
    const LARGE: f64 = f64::from_bits((1023 + 500) << 52);
    const DOWN: f64 = f64::from_bits((1023 - 600) << 52);
    // Where the square would overflow, `c` counts for nothing, scaled by whatever.
    let factor = if x > LARGE { DOWN } else { 1.0 };
    let exponent = if x > LARGE { 600.0 } else { 0.0 };
    let x = x * factor;
    let root = Pair::product::<I>(x, x).plus(c * factor).sqrt::<I>();
    let sum = Pair::sum(x, root.high);
    log::ln_of_pair::<I>(exponent, Pair { high: sum.high, low: sum.low + root.low })
}

/// The inverse hyperbolic sine.
#[inline(always)]
pub(crate) fn asinh<I: Isa>(x: f64) -> f64 {
    let result = with_sign_of(ln_of_sum::<I>(x.abs(), 1.0), x);
    let ordinary = (x.abs() >= TINY) & (x.abs() < f64::INFINITY);
    if ordinary { result } else { x }
}

/// The inverse hyperbolic cosine; NaN below 1.
#[inline(always)]
pub(crate) fn acosh<I: Isa>(x: f64) -> f64 {
    let result = ln_of_sum::<I>(x, -1.0);
    let result = if x < f64::INFINITY { result } else { x };
    if x < 1.0 { f64::NAN } else { result }
}

/// The inverse hyperbolic tangent; NaN outside `-1..=1`.
#[inline(always)]
pub(crate) fn atanh<I: Isa>(x: f64) -> f64 {
    let a = x.abs();
    let quotient = Pair::ordered_sum(1.0, a).divided_by::<I>(Pair::ordered_sum(1.0, -a));
    let result = 0.5 * log::ln_of_pair::<I>(0.0, quotient);
    let result = if a < 1.0 { result } else { f64::INFINITY };
    let result = if a > 1.0 { f64::NAN } else { result };
    // Also NaN.
    if a >= TINY { with_sign_of(result, x) } else { x }
}

/// The inverse hyperbolic sine in single precision.
#[inline(always)]
pub(crate) fn asinh_f32<I: Isa>(x: f32) -> f32 {
    let a = x.abs() as f64;
    let square = a * a;
    let above_one = a + square / (1.0 + (1.0 + square).sqrt());
    let result = with_sign_of(log::log1p_to_f32::<I>(above_one), x as f64) as f32;
    if x.abs() < f32::INFINITY { result } else { x }
}

/// The inverse hyperbolic cosine in single precision; NaN below 1.
#[inline(always)]
pub(crate) fn acosh_f32<I: Isa>(x: f32) -> f32 {
    let t = x as f64 - 1.0;
    let result = log::log1p_to_f32::<I>(t + (t * (t + 2.0)).sqrt()) as f32;
    let result = if x < f32::INFINITY { result } else { x };
    if x < 1.0 { f32::NAN } else { result }
}

/// The inverse hyperbolic tangent in single precision; NaN outside `-1..=1`.
#[inline(always)]
pub(crate) fn atanh_f32<I: Isa>(x: f32) -> f32 {
    let a = x.abs() as f64;
    let result = 0.5 * log::log1p_to_f32::<I>(2.0 * a / (1.0 - a));
    let result = if a < 1.0 { result } else { f64::INFINITY };
    let result = if a <= 1.0 { result } else { f64::NAN };
    with_sign_of(result, x as f64) as f32
}

#[cfg(test)]
mod tests {
    use super::super::accuracy::{assert_unary, unary};
    use super::*;

    #[test]
    fn asinh_is_accurate() {
        assert_unary("asinh", unary!(f64, asinh), pxfm::f_asinh, &[(-1e3, 1e3), (-2.0, 2.0)], 1);
        assert_unary("asinh_f32", unary!(f32, asinh_f32), pxfm::f_asinhf, &[(-1e3, 1e3), (-2.0, 2.0)], 1);
    }

    #[test]
    fn acosh_is_accurate() {
        assert_unary("acosh", unary!(f64, acosh), pxfm::f_acosh, &[(1.0, 1e3), (1.0, 2.0)], 1);
        assert_unary("acosh_f32", unary!(f32, acosh_f32), pxfm::f_acoshf, &[(1.0, 1e3), (1.0, 2.0)], 1);
    }

    #[test]
    fn atanh_is_accurate() {
        assert_unary("atanh", unary!(f64, atanh), pxfm::f_atanh, &[(-1.0, 1.0), (-0.1, 0.1)], 1);
        assert_unary("atanh_f32", unary!(f32, atanh_f32), pxfm::f_atanhf, &[(-1.0, 1.0), (-0.1, 0.1)], 1);
    }
}
