//! Functions of real floats that take more than a line.

use crate::element::Float;
use crate::kernels::simd::Isa;
use crate::kernels::vmath::VectorMath;

/// The sign as -1, 0 or 1; zeros keep their sign, NaN stays.
#[inline(always)]
pub(super) fn sign<T: Float>(x: T) -> T {
    if x > <T as num_traits::Zero>::zero() {
        <T as num_traits::One>::one()
    } else if x < <T as num_traits::Zero>::zero() {
        -<T as num_traits::One>::one()
    } else if num_traits::Float::is_nan(x) {
        x
    } else {
        <T as num_traits::Zero>::zero()
    }
}

/// The remainder with the divisor's sign.
#[inline(always)]
pub(super) fn remainder<T: Float>(x: T, y: T) -> T {
    let zero = <T as num_traits::Zero>::zero();
    let rest = x % y;
    if rest == zero {
        zero.copysign(y)
    } else if (y < zero) != (rest < zero) {
        rest + y
    } else {
        rest
    }
}

/// The quotient rounded down, made of the remainder as Python does: `floor(x / y)` may be one too large.
#[inline(always)]
pub(super) fn floor_divide<T: Float>(x: T, y: T) -> T {
    let (zero, one) = (<T as num_traits::Zero>::zero(), <T as num_traits::One>::one());
    if y == zero {
        return x / y;
    }
    let rest = x % y;
    let quotient = (x - rest) / y;
    let quotient = if rest != zero && (y < zero) != (rest < zero) { quotient - one } else { quotient };
    if quotient == zero {
        return zero.copysign(x / y);
    }
    let floor = quotient.floor();
    // The quotient is a whole number up to a rounding error.
    if quotient - floor > one / (one + one) { floor + one } else { floor }
}

/// The smaller one; NaN if either is.
#[inline(always)]
pub(super) fn minimum<T: Float>(x: T, y: T) -> T {
    if x < y || x != x { x } else { y }
}

/// The larger one; NaN if either is.
#[inline(always)]
pub(super) fn maximum<T: Float>(x: T, y: T) -> T {
    if x > y || x != x { x } else { y }
}

/// The smaller one; the other if one is NaN.
#[inline(always)]
pub(super) fn fmin<T: Float>(x: T, y: T) -> T {
    if x <= y || y != y { x } else { y }
}

/// The larger one; the other if one is NaN.
#[inline(always)]
pub(super) fn fmax<T: Float>(x: T, y: T) -> T {
    if x >= y || y != y { x } else { y }
}

/// `ln(e^x + e^y)` without overflow.
#[inline(always)]
pub(super) fn logaddexp<T: Float + VectorMath, I: Isa>(x: T, y: T) -> T {
    let far = -(x - y).abs();
    let larger = maximum(x, y);
    if x == y { x + T::LN_2() } else { larger + VectorMath::log1p::<I>(VectorMath::exp::<I>(far)) }
}

/// `log2(2^x + 2^y)` without overflow.
#[inline(always)]
pub(super) fn logaddexp2<T: Float + VectorMath, I: Isa>(x: T, y: T) -> T {
    let far = -(x - y).abs();
    let larger = maximum(x, y);
    let above = VectorMath::log1p::<I>(VectorMath::exp2::<I>(far)) * T::LOG2_E();
    if x == y { x + <T as num_traits::One>::one() } else { larger + above }
}

/// 0 below zero, 1 above, `at_zero` there.
#[inline(always)]
pub(super) fn heaviside<T: Float>(x: T, at_zero: T) -> T {
    let (zero, one) = (<T as num_traits::Zero>::zero(), <T as num_traits::One>::one());
    let step = if x < zero { zero } else { one };
    let step = if x == zero { at_zero } else { step };
    if x == x { step } else { x }
}

/// NaN as 0, infinities as the largest finite numbers.
#[inline(always)]
pub(super) fn finite<T: Float>(x: T) -> T {
    let below = if x < T::min_value() { T::min_value() } else { x };
    let inside = if below > T::max_value() { T::max_value() } else { below };
    if x == x { inside } else { <T as num_traits::Zero>::zero() }
}

/// The next number after `x` on the way to `y`.
pub(super) trait NextAfter {
    fn next_after(self, y: Self) -> Self;
}

macro_rules! next_after {
    ($($t:ty),*) => {$(
        impl NextAfter for $t {
            #[inline(always)]
            fn next_after(self, y: $t) -> $t {
                let up = self.next_up();
                let down = self.next_down();
                let step = if y > self { up } else { down };
                let step = if self == y { y } else { step };
                if self.is_nan() || y.is_nan() { self + y } else { step }
            }
        }
    )*};
}
next_after!(f32, f64);
