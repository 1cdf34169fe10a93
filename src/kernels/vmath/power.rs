//! Roots and powers.

use super::arith::{Pair, mul_add};
use crate::kernels::simd::Isa;

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
    let result = if x + y == 0.0 { 0.0 } else { result };
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

#[cfg(test)]
mod tests {
    use super::super::accuracy::{assert_binary, binary};
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
}
