//! The arithmetic that every element type has, so that kernels over any [`Element`](super::Element) can add, multiply
//! and compare bits.
//!
//! Integers wrap, `bool` adds by *or* and multiplies by *and*. The trait is a supertrait of `Element` that users cannot
//! name: they write `+` on arrays.

use super::{C32, C64, Element};

/// Addition and multiplication without panics, and the type to accumulate in.
pub trait Arith: Copy {
    /// The type that sums of this one are accumulated in: 64-bit integers, `f64` or `C64`.
    type Accum: Element;

    /// The sum.
    fn plus(self, other: Self) -> Self;
    /// The product.
    fn times(self, other: Self) -> Self;
    /// The sum of `n` copies; of none: zero.
    fn scaled(self, n: u128) -> Self;
    /// Whether all bits are equal, which is what `is_same` means for all values but NaN.
    fn same_bits(self, other: Self) -> bool;
}

macro_rules! arith_ints {
    ($($t:ty => $accum:ty),*) => {$(
        impl Arith for $t {
            type Accum = $accum;
            #[inline(always)]
            fn plus(self, other: Self) -> Self { self.wrapping_add(other) }
            #[inline(always)]
            fn times(self, other: Self) -> Self { self.wrapping_mul(other) }
            #[inline]
            fn scaled(self, n: u128) -> Self { self.wrapping_mul(n as $t) }
            #[inline(always)]
            fn same_bits(self, other: Self) -> bool { self == other }
        }
    )*};
}
arith_ints!(i8 => i64, i16 => i64, i32 => i64, i64 => i64, u8 => u64, u16 => u64, u32 => u64, u64 => u64);

macro_rules! arith_floats {
    ($($t:ty, $part:ty => $accum:ty, |$x:ident, $y:ident| $same:expr;)*) => {$(
        impl Arith for $t {
            type Accum = $accum;
            #[inline(always)]
            fn plus(self, other: Self) -> Self { self + other }
            #[inline(always)]
            fn times(self, other: Self) -> Self { self * other }
            #[inline]
            fn scaled(self, n: u128) -> Self {
                // None of an infinity or a NaN is zero, not NaN; the narrow conversion is one instruction.
                match i64::try_from(n) {
                    Ok(0) => Self::zero(),
                    Ok(n) => self * n as $part,
                    Err(_) => self * n as $part,
                }
            }
            #[inline(always)]
            fn same_bits(self, other: Self) -> bool {
                let ($x, $y) = (self, other);
                $same
            }
        }
    )*};
}
arith_floats! {
    f32, f32 => f64, |x, y| x.to_bits() == y.to_bits();
    f64, f64 => f64, |x, y| x.to_bits() == y.to_bits();
    C32, f32 => C64, |x, y| (x.re.to_bits() == y.re.to_bits()) & (x.im.to_bits() == y.im.to_bits());
    C64, f64 => C64, |x, y| (x.re.to_bits() == y.re.to_bits()) & (x.im.to_bits() == y.im.to_bits());
}

impl Arith for bool {
    type Accum = i64;
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self | other
    }
    #[inline(always)]
    fn times(self, other: Self) -> Self {
        self & other
    }
    #[inline]
    fn scaled(self, n: u128) -> Self {
        self && n > 0
    }
    #[inline(always)]
    fn same_bits(self, other: Self) -> bool {
        self == other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_wrap_and_bools_are_logic() {
        assert_eq!(200u8.plus(100), 44);
        assert_eq!(i64::MIN.times(-1), i64::MIN);
        assert!(true.plus(true) && !true.times(false));
    }

    #[test]
    fn bits_tell_zeros_apart() {
        assert!(!0.0f64.same_bits(-0.0) && f64::NAN.same_bits(f64::NAN));
        assert!(!C32::new(0.0, 1.0).same_bits(C32::new(0.0, 2.0)) && 3u8.same_bits(3) && !true.same_bits(false));
    }

    #[test]
    fn no_copies_sum_to_zero_even_of_nan() {
        assert_eq!(f64::NAN.scaled(0), 0.0);
        assert_eq!(C64::new(f64::INFINITY, 0.0).scaled(3), C64::new(f64::INFINITY, 0.0));
        assert_eq!(3u8.scaled(100), 44);
        assert!(!true.scaled(0));
    }
}
