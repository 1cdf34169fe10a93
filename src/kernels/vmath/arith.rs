//! The arithmetic all functions share: polynomials, rounding, exponents, and exact sums and products.
//!
//! Everything here is straight-line code: no branch, no table, no call that the vectoriser could not follow. `if`
//! chooses between two values that are both there already, which becomes a blend.
//!
//! A [`Pair`] is an unevaluated sum of two `f64` that carries about 106 bits. `two_sum` (Knuth, *The Art of Computer
//! Programming* 2, 4.2.2), `fast_two_sum` and `two_product` without fused multiply-add (Dekker, *A floating-point
//! technique for extending the available precision*, 1971) are exact: the pair is the sum or product.

use crate::kernels::simd::Isa;

/// The sign bit of an `f64`.
pub(super) const SIGN_BIT: u64 = 1 << 63;

/// ln 2 to 32 bits: its products with exponents are exact.
pub(super) const LN_2_HIGH: f64 = 0.6931471803691238;

/// The rest of ln 2.
pub(super) const LN_2_LOW: f64 = 1.9082149292705877e-10;

/// The fraction bits of an `f64`.
const FRACTION: u64 = (1 << 52) - 1;

/// 1.5 · 2^52: adding it rounds to an integer, which then sits in the low bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// 2^52, whose low bits take an unsigned integer.
const TWO_52: f64 = 4_503_599_627_370_496.0;

/// `a * b + c` in one rounding where the processor has the instruction, in two elsewhere.
#[inline(always)]
pub(super) fn mul_add<I: Isa>(a: f64, b: f64, c: f64) -> f64 {
    if I::FMA { a.mul_add(b, c) } else { a * b + c }
}

/// `c[0] + c[1] x + c[2] x^2 + ..` for two coefficients and more.
///
/// Short ones by Horner's rule; long ones in even and odd powers side by side, for half the latency.
#[inline(always)]
pub(super) fn polynomial<I: Isa, const N: usize>(x: f64, coefficients: &[f64; N]) -> f64 {
    if N < 7 {
        return coefficients.iter().rev().skip(1).fold(coefficients[N - 1], |sum, &c| mul_add::<I>(sum, x, c));
    }
    let square = x * x;
    let (mut earlier, mut later) = (coefficients[N - 1], coefficients[N - 2]);
    for i in (0..N - 2).rev() {
        (earlier, later) = (later, mul_add::<I>(earlier, square, coefficients[i]));
    }
    mul_add::<I>(earlier, x, later)
}

/// `x` limited to `low..=high`; NaN stays NaN.
#[inline(always)]
pub(super) fn clamp(x: f64, low: f64, high: f64) -> f64 {
    let x = if high < x { high } else { x };
    if low > x { low } else { x }
}

/// The integer nearest to `x`, as a number and in the low bits of a word (two's complement); needs `|x| < 2^51`.
#[inline(always)]
pub(super) fn round(x: f64) -> (f64, u64) {
    let shifted = x + ROUNDER;
    (shifted - ROUNDER, shifted.to_bits())
}

/// `2^n` for an integral `n` in `-1022..=1023`.
#[inline(always)]
pub(super) fn power_of_two(n: f64) -> f64 {
    f64::from_bits((n + (ROUNDER + 1023.0)).to_bits() << 52)
}

/// `x * 2^n` for an integral `n` in `-2044..=2046`, in two factors: overflow and subnormal results come out right.
#[inline(always)]
pub(super) fn scale(x: f64, n: f64) -> f64 {
    // The low twelve bits of `exponents` hold n + 2046; its halves are two biased exponents. What the shifts to the
    // right drag in from above is pushed out again by the shifts to the left.
    let exponents = (n + (ROUNDER + 2046.0)).to_bits();
    let low_half = exponents >> 1;
    let high_half = exponents.wrapping_sub(low_half);
    x * f64::from_bits(low_half << 52) * f64::from_bits(high_half << 52)
}

/// `magnitude` with the sign of `sign`.
#[inline(always)]
pub(super) fn with_sign_of(magnitude: f64, sign: f64) -> f64 {
    f64::from_bits((magnitude.to_bits() & !SIGN_BIT) | (sign.to_bits() & SIGN_BIT))
}

/// A positive finite number, zero excluded, as `fraction * 2^exponent`.
#[derive(Clone, Copy)]
pub(super) struct Decomposed {
    /// In `low..2 * low` for the `low` that [`decompose`] was given.
    pub(super) fraction: f64,
    /// The power of two, an integer.
    pub(super) exponent: f64,
}

/// Splits a positive, finite, possibly subnormal number; any other gives something finite and meaningless.
///
/// `low` is in `0.5..=1.0`: with √½ the fraction is as near to one as can be.
#[inline(always)]
pub(super) fn decompose(x: f64, low: f64) -> Decomposed {
    const TWO_54: f64 = (1_u64 << 54) as f64;
    let subnormal = x < f64::MIN_POSITIVE;
    // Choosing the factor, not the product, keeps LLVM from computing both ways through to the end.
    let factor = if subnormal { TWO_54 } else { 1.0 };
    let offset = if subnormal { TWO_52 + 1023.0 + 54.0 } else { TWO_52 + 1023.0 };
    decompose_with_offset(x * factor, low, offset)
}

/// [`decompose`] for numbers known not to be subnormal.
#[inline(always)]
pub(super) fn decompose_normal(x: f64, low: f64) -> Decomposed {
    decompose_with_offset(x, low, TWO_52 + 1023.0)
}

#[inline(always)]
fn decompose_with_offset(x: f64, low: f64, offset: f64) -> Decomposed {
    // FreeBSD msun `e_log`: after this shift the exponent field counts the multiples of `low`.
    let shifted = x.to_bits().wrapping_add(1.0_f64.to_bits() - low.to_bits());
    let exponent = f64::from_bits((shifted >> 52) | TWO_52.to_bits()) - offset;
    let fraction = f64::from_bits((shifted & FRACTION) + low.to_bits());
    Decomposed { fraction, exponent }
}

/// The unevaluated sum `high + low`, where `low` is at most half a unit in the last place of `high`.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    pub(super) high: f64,
    pub(super) low: f64,
}

impl Pair {
    /// `a + b` exactly.
    #[inline(always)]
    pub(super) fn sum(a: f64, b: f64) -> Pair {
        let high = a + b;
        let b_part = high - a;
        let a_part = high - b_part;
        Pair { high, low: (a - a_part) + (b - b_part) }
    }

    /// `a + b` exactly, if `a` is zero, or `|a| >= |b|`, or `a` is a multiple of the last place of `b`.
    #[inline(always)]
    pub(super) fn ordered_sum(a: f64, b: f64) -> Pair {
        let high = a + b;
        Pair { high, low: (a - high) + b }
    }

    /// `a * b` exactly, if neither it nor (without fused multiply-add) `2^27 a` overflows and no part underflows.
    #[inline(always)]
    pub(super) fn product<I: Isa>(a: f64, b: f64) -> Pair {
        let high = a * b;
        Pair { high, low: product_rest::<I>(a, b, high) }
    }

    /// `self + x`, where `x` may be anything: the low words are added in working precision.
    #[inline(always)]
    pub(super) fn plus(self, x: f64) -> Pair {
        let sum = Pair::sum(self.high, x);
        Pair::ordered_sum(sum.high, sum.low + self.low)
    }

    /// `self / divisor` in one division.
    #[inline(always)]
    pub(super) fn divided_by<I: Isa>(self, divisor: Pair) -> Pair {
        let reciprocal = 1.0 / divisor.high;
        let quotient = self.high * reciprocal;
        // What is left of the numerator is small: working precision will do.
        let rest = -product_rest::<I>(quotient, divisor.high, self.high) + self.low - quotient * divisor.low;
        Pair::ordered_sum(quotient, rest * reciprocal)
    }

    /// The square root; zero for zero, otherwise needs `high` so large that its last place does not underflow.
    #[inline(always)]
    pub(super) fn sqrt<I: Isa>(self) -> Pair {
        let root = self.high.sqrt();
        let rest = -product_rest::<I>(root, root, self.high) + self.low;
        // The addend only keeps zero from being divided by zero.
        Pair::ordered_sum(root, rest * 0.5 / (root + f64::MIN_POSITIVE))
    }

    /// `high + low` rounded.
    #[inline(always)]
    pub(super) fn value(self) -> f64 {
        self.high + self.low
    }
}

/// `a * b - c` for a `c` near `a * b`, rounded once.
#[inline(always)]
pub(super) fn product_rest<I: Isa>(a: f64, b: f64, c: f64) -> f64 {
    if I::FMA {
        return a.mul_add(b, -c);
    }
    let product = a * b;
    let (a_high, a_low) = split(a);
    let (b_high, b_low) = split(b);
    let low = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low);
    (product - c) + low
}

/// Two halves of at most 26 bits (Veltkamp).
#[inline(always)]
fn split(x: f64) -> (f64, f64) {
    const SPLITTER: f64 = (1_u64 << 27) as f64 + 1.0;
    let scaled = SPLITTER * x;
    let high = scaled - (scaled - x);
    (high, x - high)
}
