//! Functions of integers that take more than a line. Overflow wraps, division by zero gives zero.

use num_traits::{WrappingNeg, WrappingSub};

use crate::element::Int;

/// Whether an integer is below zero; never for unsigned ones.
#[inline(always)]
fn is_negative<T: Int>(x: T) -> bool {
    x < <T as num_traits::Zero>::zero()
}

#[inline(always)]
fn zero<T: Int>() -> T {
    <T as num_traits::Zero>::zero()
}

#[inline(always)]
fn one<T: Int>() -> T {
    <T as num_traits::One>::one()
}

/// The quotient rounded down.
#[inline(always)]
pub(super) fn floor_divide<T: Int + WrappingNeg + WrappingSub>(x: T, y: T) -> T {
    if y == zero() {
        return zero();
    }
    // The smallest number over -1 has no quotient: it wraps to itself, as its negative does.
    if is_negative(y) && y.wrapping_neg() == one() {
        return x.wrapping_neg();
    }
    let quotient = x / y;
    if is_negative(x) != is_negative(y) && quotient * y != x { quotient.wrapping_sub(&one()) } else { quotient }
}

/// The remainder with the divisor's sign.
#[inline(always)]
pub(super) fn remainder<T: Int + WrappingNeg>(x: T, y: T) -> T {
    let rest = fmod(x, y);
    if rest != zero() && is_negative(rest) != is_negative(y) { rest + y } else { rest }
}

/// The remainder with the dividend's sign.
#[inline(always)]
pub(super) fn fmod<T: Int + WrappingNeg>(x: T, y: T) -> T {
    if y == zero() || (is_negative(y) && y.wrapping_neg() == one()) { zero() } else { x % y }
}

/// `1 / x` rounded towards zero.
#[inline(always)]
pub(super) fn reciprocal<T: Int + WrappingNeg>(x: T) -> T {
    if x == one() || (is_negative(x) && x.wrapping_neg() == one()) { x } else { zero() }
}

/// `x` to the power of `y`, which is not negative.
#[inline(always)]
pub(super) fn power<T: Int>(x: T, y: T) -> T {
    let (mut result, mut square, mut left) = (one::<T>(), x, y);
    while left > zero() {
        if left & one() == one() {
            result = result.wrapping_mul(&square);
        }
        square = square.wrapping_mul(&square);
        left = left >> 1;
    }
    result
}

/// The greatest common divisor, not negative (unless it is the smallest number itself).
#[inline(always)]
pub(super) fn gcd<T: Int + WrappingNeg>(x: T, y: T) -> T {
    let (mut a, mut b) = (x, y);
    while b != zero() {
        (a, b) = (b, fmod(a, b));
    }
    magnitude(a)
}

/// The least common multiple.
#[inline(always)]
pub(super) fn lcm<T: Int + WrappingNeg>(x: T, y: T) -> T {
    let divisor = gcd(x, y);
    if divisor == zero() { zero() } else { (magnitude(x) / divisor).wrapping_mul(&magnitude(y)) }
}

#[inline(always)]
fn magnitude<T: Int + WrappingNeg>(x: T) -> T {
    if is_negative(x) { x.wrapping_neg() } else { x }
}

/// The width of the type in bits, as a number that every shift count is compared with.
#[inline(always)]
fn shift_count<T: Int>(y: T) -> Option<usize> {
    y.to_usize().filter(|&count| count < 8 * size_of::<T>())
}

/// `x << y`; 0 when `y` is negative or not below the width.
#[inline(always)]
pub(super) fn left_shift<T: Int>(x: T, y: T) -> T {
    shift_count(y).map_or(zero(), |count| x << count)
}

/// `x >> y`, keeping the sign; what is left of the sign when `y` is negative or not below the width.
#[inline(always)]
pub(super) fn right_shift<T: Int>(x: T, y: T) -> T {
    let sign = if is_negative(x) { !zero::<T>() } else { zero() };
    shift_count(y).map_or(sign, |count| x >> count)
}
