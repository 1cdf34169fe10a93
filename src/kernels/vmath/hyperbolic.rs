//! Hyperbolic functions: `sinh`, `cosh`, `tanh`.
//!
//! With `|x| = n ln 2 + r` as for the exponential, `q = 2^-2n`, and polynomials for `C = cosh r` and `S = sinh r`,
//!
//! ```text
//! sinh |x| = 2^(n-1) ((1 - q) C + (1 + q) S)
//! cosh |x| = 2^(n-1) ((1 + q) C + (1 - q) S)
//! ```
//!
//! (the addition theorems, as in Tang's *Table-driven implementation of the expm1 function*, 1992). For `n = 0` the
//! first is `S` alone, so nothing cancels near zero. The leading terms `1 ± q`, `r` and `q r` are summed exactly; what
//! is rounded is a tenth of them. `tanh` is the quotient, in two words.

use super::arith::{Pair, clamp, mul_add, polynomial, power_of_two, round, with_sign_of};
use super::exp;
use crate::kernels::simd::Isa;

/// `(sinh r - r) / r^3` in `r²` for `|r| <= ln 2 / 2`, relative error of the hyperbolic sine below 2^-61.
const SINH: [f64; 5] =
    [0.16666666666666677, 0.008333333333321384, 0.0001984126988682537, 2.7557243437100025e-06, 2.5109327912452662e-08];

/// `(cosh r - 1 - r²/2) / r^4` in `r²` for `|r| <= ln 2 / 2`, error of the hyperbolic cosine below 2^-69.
const COSH: [f64; 5] =
    [0.041666666666666685, 0.0013888888888873283, 2.480158734920075e-05, 2.7557251825226e-07, 2.0921765895653323e-09];

/// The same as [`SINH`] to 2^-37.
const SINH_F32: [f64; 3] = [0.16666666754774628, 0.008333288879478453, 0.000199050142640387];

/// The same as [`COSH`] to 2^-33.
const COSH_F32: [f64; 2] = [0.0416664591428447, 0.0013935442630092724];

/// `n`, and `sinh` and `cosh` over `2^(n-1)`.
struct Parts<T> {
    n: f64,
    sinh: T,
    cosh: T,
}

/// The parts of a non-negative `x < 720`; of what the caller does not use nothing remains.
#[inline(always)]
fn parts<I: Isa>(x: f64) -> Parts<Pair> {
    let (n, r) = exp::reduce::<I>(x);
    let square = r.high * r.high;
    // sinh r = r.high + s, cosh r = 1 + c; the low word counts by the derivatives.
    let low = r.low * mul_add::<I>(square, 0.5, 1.0);
    let s = mul_add::<I>(square * r.high, polynomial::<I, 5>(square, &SINH), low);
    let series = mul_add::<I>(square, polynomial::<I, 5>(square, &COSH), 0.5);
    let c = mul_add::<I>(square, series, r.high * r.low);
    let q = power_of_two(-2.0 * if n > 100.0 { 100.0 } else { n });
    let (less, more) = (Pair::ordered_sum(1.0, -q), Pair::ordered_sum(1.0, q));
    Parts {
        n,
        sinh: combine(less, r.high, q * r.high, mul_add::<I>(less.high, c, more.high * s)),
        cosh: combine(more, r.high, -q * r.high, mul_add::<I>(more.high, c, less.high * s)),
    }
}

/// The sum of the arguments, of which `constant` is zero or larger than `r`, and `r` larger than `qr` and `rest`.
#[inline(always)]
fn combine(constant: Pair, r: f64, qr: f64, rest: f64) -> Pair {
    let first = Pair::ordered_sum(constant.high, r);
    let second = Pair::ordered_sum(first.high, qr);
    Pair::ordered_sum(second.high, second.low + first.low + (constant.low + rest))
}

/// `x * 2^(n-1)` for `n` in `0..=1025`: the largest results need a power that is no `f64`.
#[inline(always)]
fn scale_by_half_power(x: f64, n: f64) -> f64 {
    2.0 * x * power_of_two(n - 2.0)
}

/// The hyperbolic sine.
#[inline(always)]
pub(crate) fn sinh<I: Isa>(x: f64) -> f64 {
    let parts = parts::<I>(clamp(x.abs(), 0.0, 711.0));
    with_sign_of(scale_by_half_power(parts.sinh.high, parts.n), x)
}

/// The hyperbolic cosine.
#[inline(always)]
pub(crate) fn cosh<I: Isa>(x: f64) -> f64 {
    let parts = parts::<I>(clamp(x.abs(), 0.0, 711.0));
    scale_by_half_power(parts.cosh.high, parts.n)
}

/// The hyperbolic tangent.
#[inline(always)]
pub(crate) fn tanh<I: Isa>(x: f64) -> f64 {
    let parts = parts::<I>(clamp(x.abs(), 0.0, 22.0));
    let quotient = with_sign_of(parts.sinh.divided_by::<I>(parts.cosh).high, x);
    // Also keeps the sign of zero, and quotients of subnormal numbers.
    if x.abs() < TINY { x } else { quotient }
}

/// Below this `tanh x = x` in double precision: 2^-28.
const TINY: f64 = 1.0 / (1_u64 << 28) as f64;

/// [`parts`] to single precision.
#[inline(always)]
fn parts_f32<I: Isa>(x: f64) -> Parts<f64> {
    let (n, _) = round(x * std::f64::consts::LOG2_E);
    let r = mul_add::<I>(-n, std::f64::consts::LN_2, x);
    let square = r * r;
    let s = mul_add::<I>(square * r, polynomial::<I, 3>(square, &SINH_F32), r);
    let c = mul_add::<I>(square, mul_add::<I>(square, polynomial::<I, 2>(square, &COSH_F32), 0.5), 1.0);
    let q = power_of_two(-2.0 * n);
    let (less, more) = (1.0 - q, 1.0 + q);
    Parts { n, sinh: mul_add::<I>(less, c, more * s), cosh: mul_add::<I>(more, c, less * s) }
}

/// The hyperbolic sine in single precision.
#[inline(always)]
pub(crate) fn sinh_f32<I: Isa>(x: f32) -> f32 {
    let parts = parts_f32::<I>(clamp(x.abs() as f64, 0.0, 90.0));
    with_sign_of(parts.sinh * power_of_two(parts.n - 1.0), x as f64) as f32
}

/// The hyperbolic cosine in single precision.
#[inline(always)]
pub(crate) fn cosh_f32<I: Isa>(x: f32) -> f32 {
    let parts = parts_f32::<I>(clamp(x.abs() as f64, 0.0, 90.0));
    (parts.cosh * power_of_two(parts.n - 1.0)) as f32
}

/// The hyperbolic tangent in single precision.
#[inline(always)]
pub(crate) fn tanh_f32<I: Isa>(x: f32) -> f32 {
    let parts = parts_f32::<I>(clamp(x.abs() as f64, 0.0, 20.0));
    with_sign_of(parts.sinh / parts.cosh, x as f64) as f32
}

#[cfg(test)]
mod tests {
    use super::super::accuracy::{assert_unary, unary};
    use super::*;

    #[test]
    fn sinh_is_accurate() {
        assert_unary("sinh", unary!(f64, sinh), pxfm::f_sinh, &[(-711.0, 711.0), (-2.0, 2.0)], 1);
        assert_unary("sinh_f32", unary!(f32, sinh_f32), pxfm::f_sinhf, &[(-90.0, 90.0), (-2.0, 2.0)], 1);
    }

    #[test]
    fn cosh_is_accurate() {
        assert_unary("cosh", unary!(f64, cosh), pxfm::f_cosh, &[(-711.0, 711.0), (-2.0, 2.0)], 1);
        assert_unary("cosh_f32", unary!(f32, cosh_f32), pxfm::f_coshf, &[(-90.0, 90.0), (-2.0, 2.0)], 1);
    }

    #[test]
    fn tanh_is_accurate() {
        assert_unary("tanh", unary!(f64, tanh), pxfm::f_tanh, &[(-20.0, 20.0), (-2.0, 2.0)], 1);
        assert_unary("tanh_f32", unary!(f32, tanh_f32), pxfm::f_tanhf, &[(-10.0, 10.0), (-2.0, 2.0)], 1);
    }
}
