//! Exponentials: `exp`, `exp2`, `expm1`.
//!
//! Cody and Waite, *Software Manual for the Elementary Functions*, 1980: `x = n ln 2 + r` with an integer `n` and
//! `|r| <= ln 2 / 2`, then `e^x = 2^n e^r` and a polynomial for `e^r`. `r` is carried in two words and `1 + r` is summed
//! exactly (Tang, *Table-driven implementation of the exponential function*, 1989, without the table).

use super::arith::{LN_2_HIGH, LN_2_LOW, Pair, clamp, mul_add, polynomial, power_of_two, round, scale};
use crate::kernels::simd::Isa;

/// `(e^r - 1 - r) / r^2` for `|r| <= ln 2 / 2`, relative error of `e^r` below 2^-61.
const EXP: [f64; 11] = [
    0.5,
    0.16666666666666677,
    0.041666666666666304,
    0.008333333333320855,
    0.0013888888889062396,
    0.00019841269888235243,
    2.4801586981076783e-05,
    2.755724203473776e-06,
    2.7557560507785204e-07,
    2.5109797401932e-08,
    2.0828223686097762e-09,
];

/// The same to 2^-33, for single precision.
const EXP_F32: [f64; 6] = [
    0.5000000045527978,
    0.1666666584633432,
    0.04166635134820348,
    0.008333514396165897,
    0.0013941401492924977,
    0.0001977652289961829,
];

/// `x = n ln 2 + r.high + r.low`; needs `|x| < 2^20`.
#[inline(always)]
pub(super) fn reduce<I: Isa>(x: f64) -> (f64, Pair) {
    let (n, _) = round(x * std::f64::consts::LOG2_E);
    let high = mul_add::<I>(-n, LN_2_HIGH, x);
    (n, Pair::ordered_sum(high, -n * LN_2_LOW))
}

/// `e^r - 1 - r.high`, where `r` is a reduced argument.
#[inline(always)]
fn tail<I: Isa>(r: Pair) -> f64 {
    mul_add::<I>(r.high * r.high, polynomial::<I, 11>(r.high, &EXP), r.low)
}

/// `e^x`.
#[inline(always)]
pub(crate) fn exp<I: Isa>(x: f64) -> f64 {
    let (n, r) = reduce::<I>(clamp(x, -746.0, 710.0));
    exp_of_reduced::<I>(n, r)
}

/// `2^x`.
#[inline(always)]
pub(crate) fn exp2<I: Isa>(x: f64) -> f64 {
    let x = clamp(x, -1076.0, 1025.0);
    let (n, _) = round(x);
    let rest = x - n;
    let r = Pair::product::<I>(rest, std::f64::consts::LN_2);
    exp_of_reduced::<I>(n, Pair { high: r.high, low: mul_add::<I>(rest, LN_2_BELOW_F64, r.low) })
}

/// `2^(x.high + x.low)` for `x` in `-2000..=2000`.
#[inline(always)]
pub(super) fn exp2_of_pair<I: Isa>(x: Pair) -> f64 {
    let (n, _) = round(x.high);
    let rest = Pair::ordered_sum(x.high - n, x.low);
    let r = Pair::product::<I>(rest.high, std::f64::consts::LN_2);
    let low = mul_add::<I>(rest.low, std::f64::consts::LN_2, r.low);
    exp_of_reduced::<I>(n, Pair { high: r.high, low: mul_add::<I>(rest.high, LN_2_BELOW_F64, low) })
}

/// ln 2 less the `f64` nearest to it.
const LN_2_BELOW_F64: f64 = 2.319_046_813_846_299_6e-17;

#[inline(always)]
fn exp_of_reduced<I: Isa>(n: f64, r: Pair) -> f64 {
    let sum = Pair::ordered_sum(1.0, r.high);
    scale(sum.high + (sum.low + tail::<I>(r)), n)
}

/// `e^x - 1`, accurate near zero.
#[inline(always)]
pub(crate) fn expm1<I: Isa>(x: f64) -> f64 {
    let limited = clamp(x, -50.0, 710.0);
    let (n, r) = reduce::<I>(limited);
    // 2^n e^r - 1 = 2^n ((1 - 2^-n) + r + tail); the difference is 1 for any n beyond the precision.
    let one_less = 1.0 - power_of_two(clamp(-n, -64.0, 80.0));
    let sum = Pair::sum(one_less, r.high);
    let unscaled = sum.high + (sum.low + tail::<I>(r));
    let result = 2.0 * unscaled * power_of_two(n - 1.0);
    // Also keeps the sign of zero.
    if x.abs() < TINY { x } else { result }
}

/// Below this `e^x - 1 = x` in double precision: 2^-54.
const TINY: f64 = f64::EPSILON / 4.0;

/// `e^x` in single precision.
#[inline(always)]
pub(crate) fn exp_f32<I: Isa>(x: f32) -> f32 {
    let x = clamp(x as f64, -104.0, 89.0);
    let (n, _) = round(x * std::f64::consts::LOG2_E);
    exp_of_reduced_f32::<I>(n, mul_add::<I>(-n, std::f64::consts::LN_2, x))
}

/// `2^x` in single precision.
#[inline(always)]
pub(crate) fn exp2_f32<I: Isa>(x: f32) -> f32 {
    exp2_to_f32::<I>(x as f64)
}

/// `2^x` rounded to single precision.
#[inline(always)]
pub(super) fn exp2_to_f32<I: Isa>(x: f64) -> f32 {
    let x = clamp(x, -150.0, 129.0);
    let (n, _) = round(x);
    exp_of_reduced_f32::<I>(n, (x - n) * std::f64::consts::LN_2)
}

#[inline(always)]
fn exp_of_reduced_f32<I: Isa>(n: f64, r: f64) -> f32 {
    let above_one = mul_add::<I>(r * r, polynomial::<I, 6>(r, &EXP_F32), r);
    let power = power_of_two(n);
    mul_add::<I>(power, above_one, power) as f32
}

/// `e^x - 1` in single precision.
#[inline(always)]
pub(crate) fn expm1_f32<I: Isa>(x: f32) -> f32 {
    let limited = clamp(x as f64, -40.0, 89.0);
    let (n, _) = round(limited * std::f64::consts::LOG2_E);
    let r = mul_add::<I>(-n, std::f64::consts::LN_2, limited);
    let above_one = mul_add::<I>(r * r, polynomial::<I, 6>(r, &EXP_F32), r);
    let power = power_of_two(n);
    let result = mul_add::<I>(power, above_one, power - 1.0) as f32;
    if x == 0.0 { x } else { result }
}

#[cfg(test)]
mod tests {
    use super::super::accuracy::{assert_unary, unary};
    use super::*;

    #[test]
    fn exp_is_accurate() {
        assert_unary("exp", unary!(f64, exp), pxfm::f_exp, &[(-745.0, 710.0), (-1.0, 1.0)], 1);
        assert_unary("exp_f32", unary!(f32, exp_f32), pxfm::f_expf, &[(-104.0, 89.0), (-1.0, 1.0)], 1);
    }

    #[test]
    fn exp2_is_accurate() {
        assert_unary("exp2", unary!(f64, exp2), pxfm::f_exp2, &[(-1075.0, 1024.0), (-1.0, 1.0)], 1);
        assert_unary("exp2_f32", unary!(f32, exp2_f32), pxfm::f_exp2f, &[(-150.0, 128.0), (-1.0, 1.0)], 1);
    }

    #[test]
    fn expm1_is_accurate() {
        assert_unary("expm1", unary!(f64, expm1), pxfm::f_expm1, &[(-40.0, 710.0), (-1.0, 1.0)], 1);
        assert_unary("expm1_f32", unary!(f32, expm1_f32), pxfm::f_expm1f, &[(-20.0, 89.0), (-1.0, 1.0)], 1);
    }
}
