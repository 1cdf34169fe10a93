//! Roots: `cbrt` and `hypot`.

use super::arith::{
    Decomposed, Pair, decompose, decompose_normal, mul_add, polynomial, power_of_two, product_rest, round, with_sign_of,
};
use crate::kernels::simd::Isa;

/// `x^(-1/3)` for `1 <= x <= 2`, relative error below 2^-14.
const INVERSE_CBRT: [f64; 5] =
    [1.6700046386760925, -1.172870806942836, 0.6954693774587375, -0.22123032404696985, 0.02858952612078657];

/// `sqrt(x² + y²)` without overflow or underflow on the way; infinite if either is, even beside NaN (IEEE 754).
///
/// After Borges, *Algorithm 1014: An improved algorithm for hypot(x,y)*, 2020: the squares, their sum and the square of
/// the root are all taken exactly, which corrects the root to half a unit in the last place and a little.
#[inline(always)]
pub(crate) fn hypot<I: Isa>(x: f64, y: f64) -> f64 {
    const LARGE: f64 = f64::from_bits((1023 + 500) << 52);
    const UP: f64 = f64::from_bits((1023 + 600) << 52);
    let (x, y) = (x.abs(), y.abs());
    // A NaN on either side ends up in one of them.
    let larger = if x > y { x } else { y };
    let smaller = if x > y { y } else { x };
    let factor = if larger > LARGE { 1.0 / UP } else { 1.0 };
    let factor = if larger < 1.0 / LARGE { UP } else { factor };
    let unfactor = if larger > LARGE { UP } else { 1.0 };
    let unfactor = if larger < 1.0 / LARGE { 1.0 / UP } else { unfactor };
    let (larger, smaller) = (larger * factor, smaller * factor);
    let (first, second) = (Pair::product::<I>(larger, larger), Pair::product::<I>(smaller, smaller));
    let sum = Pair::ordered_sum(first.high, second.high);
    let square = Pair { high: sum.high, low: sum.low + (first.low + second.low) };
    let result = square.sqrt::<I>().high * unfactor;
    let infinite = (x == f64::INFINITY) | (y == f64::INFINITY);
    if infinite { f64::INFINITY } else { result }
}

/// `sqrt(x² + y²)` in single precision.
#[inline(always)]
pub(crate) fn hypot_f32<I: Isa>(x: f32, y: f32) -> f32 {
    let (x, y) = (x as f64, y as f64);
    let result = mul_add::<I>(x, x, y * y).sqrt();
    let infinite = (x.abs() == f64::INFINITY) | (y.abs() == f64::INFINITY);
    (if infinite { f64::INFINITY } else { result }) as f32
}

/// A positive number as `2^3q a`, and the estimate `y` of `a^(-1/3)` to 2^-39.
struct Cubic {
    q: f64,
    a: f64,
    y: f64,
}

/// FreeBSD msun `s_cbrt` in this: a polynomial and an iteration of third order, both without division.
#[inline(always)]
fn cubic<I: Isa>(x: Decomposed) -> Cubic {
    /// `2^(-1/3)` and `2^(-2/3)`.
    const THIRDS: [f64; 2] = [0.7937005259840998, 0.6299605249474366];
    // Rounds down: the thirds next to an integer are nearer to it than those before the next.
    let (q, _) = round((x.exponent - 1.0) * (1.0 / 3.0));
    let rest = x.exponent - 3.0 * q;
    let (one, two) = (rest == 1.0, rest == 2.0);
    let power = if one { 2.0 } else { 1.0 };
    let power = if two { 4.0 } else { power };
    let factor = if one { THIRDS[0] } else { 1.0 };
    let factor = if two { THIRDS[1] } else { factor };
    let a = x.fraction * power;
    let y = polynomial::<I, 5>(x.fraction, &INVERSE_CBRT) * factor;
    let missing = mul_add::<I>(-a * y, y * y, 1.0);
    let y = mul_add::<I>(y * missing, mul_add::<I>(missing, 2.0 / 9.0, 1.0 / 3.0), y);
    Cubic { q, a, y }
}

/// The cube root.
///
/// The last step is Newton's with the residual `a - c³` in two words.
#[inline(always)]
pub(crate) fn cbrt<I: Isa>(x: f64) -> f64 {
    let Cubic { q, a, y } = cubic::<I>(decompose(x.abs(), 1.0));
    let slope = y * y;
    let c = a * slope;
    let square = Pair::product::<I>(c, c);
    let residual = -product_rest::<I>(square.high, c, a) - square.low * c;
    let root = mul_add::<I>(residual * slope, 1.0 / 3.0, c) * power_of_two(q);
    // Zero, infinity and NaN are their own roots.
    let ordinary = x.abs().to_bits().wrapping_sub(1) < f64::INFINITY.to_bits() - 1;
    if ordinary { with_sign_of(root, x) } else { x }
}

/// The cube root in single precision.
#[inline(always)]
pub(crate) fn cbrt_f32<I: Isa>(x: f32) -> f32 {
    let Cubic { q, a, y } = cubic::<I>(decompose_normal(x.abs() as f64, 1.0));
    let root = with_sign_of(a * y * y * power_of_two(q), x as f64) as f32;
    let ordinary = x.abs().to_bits().wrapping_sub(1) < f32::INFINITY.to_bits() - 1;
    if ordinary { root } else { x }
}

#[cfg(test)]
mod tests {
    use super::super::accuracy::{assert_binary, assert_unary, binary, unary};
    use super::*;

    #[test]
    fn hypot_is_accurate() {
        let typical = [[(-10.0, 10.0), (-10.0, 10.0)], [(-1e10, 1e10), (-1.0, 1.0)]];
        assert_binary("hypot", binary!(f64, hypot), pxfm::f_hypot, &typical, 1);
        // The oracle has NaN for an infinity beside NaN.
        let oracle =
            |x: f32, y: f32| if x.is_infinite() || y.is_infinite() { f32::INFINITY } else { pxfm::f_hypotf(x, y) };
        assert_binary("hypot_f32", binary!(f32, hypot_f32), oracle, &typical, 1);
    }

    #[test]
    fn cbrt_is_accurate() {
        assert_unary("cbrt", unary!(f64, cbrt), pxfm::f_cbrt, &[(-10.0, 10.0), (-1e9, 1e9)], 1);
        assert_unary("cbrt_f32", unary!(f32, cbrt_f32), pxfm::f_cbrtf, &[(-10.0, 10.0), (-1e9, 1e9)], 1);
    }
}
