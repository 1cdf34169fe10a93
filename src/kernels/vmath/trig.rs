//! Sine, cosine and tangent.
//!
//! Cody and Waite's reduction `x = n π/2 + r`, `|r| <= π/4`, with π/2 in three words of 53 bits. The product of `n` and
//! the first word is subtracted without error (the difference is a multiple of 2^-53 below one), the rest gives `r` in
//! two words: good to the last place, also where `x` is next to a multiple of π/2, for `|x|` up to [`REDUCTION_LIMIT`].
//! Then the polynomials for both the sine and the cosine of `r`, of which the quadrant `n mod 4` selects (FreeBSD msun
//! `k_sin`, `k_cos`); the tangent is their quotient, all three in two words.
//!
//! # Huge arguments
//!
//! Beyond [`REDUCTION_LIMIT`] the reduction would need hundreds of bits of π (Payne and Hanek, 1983). Such lanes are
//! rare, so the functions of one element below do not care: their results there are meaningless. Loops over [`Sin`], [`Cos`] or
//! [`Tan`] ask [`Repaired::is_rare`] of every input of a tile, and overwrite those lanes with [`Repaired::slow`], which the
//! standard library computes. Infinities are rare, NaN is not; both give NaN.

use super::arith::{Pair, SIGN_BIT, mul_add, polynomial, product_rest, round};
use crate::kernels::simd::Isa;

/// The functions of this module are right for arguments up to here: 2^40, about 10^12.
pub(crate) const REDUCTION_LIMIT: f64 = (1_u64 << 40) as f64;

/// π/2 as the sum of three `f64`.
const HALF_PI: [f64; 3] = [std::f64::consts::FRAC_PI_2, 6.123233995736766e-17, -1.4973849048591698e-33];

/// `(sin r - r) / r^3` in `r²` for `|r| <= π/4`, relative error of the sine below 2^-58.
const SIN: [f64; 6] = [
    -0.16666666666666632,
    0.008333333333322458,
    -0.00019841269829816706,
    2.7557313688690296e-06,
    -2.5050756876840916e-08,
    1.5896690450838801e-10,
];

/// `(cos r - 1 + r²/2) / r^4` in `r²` for `|r| <= π/4`, error of the cosine below 2^-64.
const COS: [f64; 6] = [
    0.0416666666666666,
    -0.0013888888888874441,
    2.480158728963633e-05,
    -2.755731438747121e-07,
    2.0875727057448836e-09,
    -1.1359802258843418e-11,
];

/// The same as [`SIN`] to 2^-37.
const SIN_F32: [f64; 4] = [-0.1666666664143853, 0.008333329363668015, -0.00019839327359825025, 2.718237185566491e-06];

/// The same as [`COS`] to 2^-33.
const COS_F32: [f64; 3] = [0.04166664675393677, -0.0013887361753356594, 2.4437765354893018e-05];

/// `r` and `n` (in the low bits of a word) of `x = n π/2 + r`.
#[inline(always)]
fn reduce<I: Isa>(x: f64) -> (Pair, u64) {
    let (n, quadrant) = round(x * std::f64::consts::FRAC_2_PI);
    // Both are exact: the first for the reason above, and its result is zero or a multiple of the product's last place.
    let first = -product_rest::<I>(n, HALF_PI[0], x);
    let second = Pair::product::<I>(n, HALF_PI[1]);
    let r = Pair::ordered_sum(first, -second.high);
    let low = r.low - mul_add::<I>(n, HALF_PI[2], second.low);
    (Pair::ordered_sum(r.high, low), quadrant)
}

/// `sin r` as `r.high` and the rest.
#[inline(always)]
fn rest_of_sin<I: Isa>(r: Pair, square: f64) -> f64 {
    let cube = square * r.high;
    // The low word counts by cos r, of which two terms are enough.
    let low = r.low * mul_add::<I>(square, -0.5, 1.0);
    mul_add::<I>(cube, polynomial::<I, 6>(square, &SIN), low)
}

/// `cos r` as the pair of `1 - r²/2` and the rest.
#[inline(always)]
fn cos_of_reduced<I: Isa>(r: Pair, square: f64) -> Pair {
    let high = mul_add::<I>(square, -0.5, 1.0);
    // What the rounding of r² and of the difference have lost.
    let lost = mul_add::<I>(square, -0.5, 1.0 - high) - 0.5 * product_rest::<I>(r.high, r.high, square);
    let low = mul_add::<I>(-r.high, r.low, lost);
    Pair { high, low: mul_add::<I>(square * square, polynomial::<I, 6>(square, &COS), low) }
}

/// `sin(r + quadrant π/2)`.
#[inline(always)]
fn sin_of_reduced<I: Isa>(r: Pair, quadrant: u64) -> f64 {
    let square = r.high * r.high;
    let sin = r.high + rest_of_sin::<I>(r, square);
    let cos = cos_of_reduced::<I>(r, square).value();
    let result = if quadrant & 1 == 0 { sin } else { cos };
    f64::from_bits(result.to_bits() ^ ((quadrant << 62) & SIGN_BIT))
}

/// The sine of `|x| <=` [`REDUCTION_LIMIT`].
#[inline(always)]
pub(crate) fn sin<I: Isa>(x: f64) -> f64 {
    let (r, quadrant) = reduce::<I>(x);
    let result = sin_of_reduced::<I>(r, quadrant);
    // For the sign of zero.
    if x == 0.0 { x } else { result }
}

/// The cosine of `|x| <=` [`REDUCTION_LIMIT`].
#[inline(always)]
pub(crate) fn cos<I: Isa>(x: f64) -> f64 {
    let (r, quadrant) = reduce::<I>(x);
    sin_of_reduced::<I>(r, quadrant.wrapping_add(1))
}

/// The tangent of `|x| <=` [`REDUCTION_LIMIT`].
#[inline(always)]
pub(crate) fn tan<I: Isa>(x: f64) -> f64 {
    let (r, quadrant) = reduce::<I>(x);
    let square = r.high * r.high;
    let sin = Pair::ordered_sum(r.high, rest_of_sin::<I>(r, square));
    let cos = cos_of_reduced::<I>(r, square);
    let cos = Pair::ordered_sum(cos.high, cos.low);
    // tan(r + π/2) = -1 / tan r
    let even = quadrant & 1 == 0;
    let numerator = Pair { high: if even { sin.high } else { cos.high }, low: if even { sin.low } else { cos.low } };
    let denominator = Pair { high: if even { cos.high } else { sin.high }, low: if even { cos.low } else { sin.low } };
    let quotient = numerator.divided_by::<I>(denominator).value();
    let result = f64::from_bits(quotient.to_bits() ^ (quadrant << 63));
    if x == 0.0 { x } else { result }
}

/// `r` and `n` as [`reduce`] gives them, for results in single precision.
#[inline(always)]
fn reduce_f32<I: Isa>(x: f32) -> (f64, u64) {
    let x = x as f64;
    let (n, quadrant) = round(x * std::f64::consts::FRAC_2_PI);
    let first = -product_rest::<I>(n, HALF_PI[0], x);
    (mul_add::<I>(-n, HALF_PI[1], first), quadrant)
}

#[inline(always)]
fn sin_of_reduced_f32<I: Isa>(r: f64, square: f64) -> f64 {
    mul_add::<I>(square * r, polynomial::<I, 4>(square, &SIN_F32), r)
}

#[inline(always)]
fn cos_of_reduced_f32<I: Isa>(square: f64) -> f64 {
    mul_add::<I>(square * square, polynomial::<I, 3>(square, &COS_F32), mul_add::<I>(square, -0.5, 1.0))
}

/// `sin(r + quadrant π/2)`.
#[inline(always)]
fn sin_in_quadrant_f32<I: Isa>(r: f64, quadrant: u64) -> f32 {
    let square = r * r;
    let sin = sin_of_reduced_f32::<I>(r, square);
    let cos = cos_of_reduced_f32::<I>(square);
    let result = if quadrant & 1 == 0 { sin } else { cos };
    f64::from_bits(result.to_bits() ^ ((quadrant << 62) & SIGN_BIT)) as f32
}

/// The sine of `|x| <=` [`REDUCTION_LIMIT`] in single precision.
#[inline(always)]
pub(crate) fn sin_f32<I: Isa>(x: f32) -> f32 {
    let (r, quadrant) = reduce_f32::<I>(x);
    let result = sin_in_quadrant_f32::<I>(r, quadrant);
    if x == 0.0 { x } else { result }
}

/// The cosine of `|x| <=` [`REDUCTION_LIMIT`] in single precision.
#[inline(always)]
pub(crate) fn cos_f32<I: Isa>(x: f32) -> f32 {
    let (r, quadrant) = reduce_f32::<I>(x);
    sin_in_quadrant_f32::<I>(r, quadrant.wrapping_add(1))
}

/// The tangent of `|x| <=` [`REDUCTION_LIMIT`] in single precision.
#[inline(always)]
pub(crate) fn tan_f32<I: Isa>(x: f32) -> f32 {
    let (r, quadrant) = reduce_f32::<I>(x);
    let square = r * r;
    let sin = sin_of_reduced_f32::<I>(r, square);
    let cos = cos_of_reduced_f32::<I>(square);
    let even = quadrant & 1 == 0;
    let quotient = if even { sin } else { cos } / if even { cos } else { sin };
    let result = f64::from_bits(quotient.to_bits() ^ (quadrant << 63)) as f32;
    if x == 0.0 { x } else { result }
}

/// A function whose fast form is wrong for a few, recognisable arguments.
pub(crate) trait Repaired<T: Copy> {
    /// The value for arguments that are not rare.
    fn fast<I: Isa>(x: T) -> T;

    /// Whether [`Repaired::fast`] does not hold for `x`; cheap, and vectorises.
    fn is_rare(x: T) -> bool;

    /// The value for any argument, in scalar code.
    fn slow(x: T) -> T;
}

macro_rules! repaired {
    ($($(#[$doc:meta])* $name:ident: $function:ident, $fast:ident, $fast_f32:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name;

        impl Repaired<f64> for $name {
            #[inline(always)]
            fn fast<I: Isa>(x: f64) -> f64 {
                $fast::<I>(x)
            }

            #[inline(always)]
            fn is_rare(x: f64) -> bool {
                x.abs() > REDUCTION_LIMIT
            }

            fn slow(x: f64) -> f64 {
                x.$function()
            }
        }

        impl Repaired<f32> for $name {
            #[inline(always)]
            fn fast<I: Isa>(x: f32) -> f32 {
                $fast_f32::<I>(x)
            }

            #[inline(always)]
            fn is_rare(x: f32) -> bool {
                x.abs() > REDUCTION_LIMIT as f32
            }

            fn slow(x: f32) -> f32 {
                x.$function()
            }
        }
    )*};
}

repaired! {
    /// [`sin`] and [`sin_f32`] for all arguments.
    Sin: sin, sin, sin_f32;
    /// [`cos`] and [`cos_f32`] for all arguments.
    Cos: cos, cos, cos_f32;
    /// [`tan`] and [`tan_f32`] for all arguments.
    Tan: tan, tan, tan_f32;
}

#[cfg(test)]
#[allow(unsafe_code)]
mod tests {
    use super::super::accuracy::{Sample, Unary, assert_unary};
    use super::*;
    use crate::kernels::simd::{Level, at_levels};

    /// A fast loop, and a second one over the rare lanes.
    #[inline(always)]
    fn whole<T: Copy, F: Repaired<T>, I: Isa>(dst: &mut [T], src: &[T]) {
        for (d, &x) in dst.iter_mut().zip(src) {
            *d = F::fast::<I>(x);
        }
        for (d, &x) in dst.iter_mut().zip(src).filter(|(_, x)| F::is_rare(**x)) {
            *d = F::slow(x);
        }
    }

    at_levels! { fn pick<T, F>(dst: &mut [T], src: &[T]) where [T: Copy, F: Repaired<T>] = whole }

    const TYPICAL: [(f64, f64); 4] = [(-1.0, 1.0), (-1e3, 1e3), (-1e9, 1e9), (-2e12, 2e12)];

    fn assert_accurate<T: Sample, F: Repaired<T>>(name: &str, oracle: impl Fn(T) -> T) {
        assert_unary(name, |level| -> Unary<T> { pick::<T, F>(level) }, oracle, &TYPICAL, 1);
    }

    #[test]
    fn sin_is_accurate() {
        assert_accurate::<f64, Sin>("sin", pxfm::f_sin);
        assert_accurate::<f32, Sin>("sin_f32", pxfm::f_sinf);
    }

    #[test]
    fn cos_is_accurate() {
        assert_accurate::<f64, Cos>("cos", pxfm::f_cos);
        assert_accurate::<f32, Cos>("cos_f32", pxfm::f_cosf);
    }

    #[test]
    fn tan_is_accurate() {
        assert_accurate::<f64, Tan>("tan", pxfm::f_tan);
        assert_accurate::<f32, Tan>("tan_f32", pxfm::f_tanf);
    }

    #[test]
    fn sin_is_accurate_next_to_multiples_of_half_pi() {
        let near: Vec<f64> =
            (1..5000).map(|n| f64::from(n) * f64::from(n) * 1e3 * std::f64::consts::FRAC_PI_2).collect();
        for level in Level::available() {
            let (mut sin, mut cos) = (near.clone(), near.clone());
            // SAFETY: picked for a level of this machine.
            unsafe {
                pick::<f64, Sin>(level)(&mut sin, &near);
                pick::<f64, Cos>(level)(&mut cos, &near);
            }
            for ((&x, s), c) in near.iter().zip(sin).zip(cos) {
                assert!(s.distance(pxfm::f_sin(x)) <= 1, "sin({x:e}) at {level:?}");
                assert!(c.distance(pxfm::f_cos(x)) <= 1, "cos({x:e}) at {level:?}");
            }
        }
    }
}
