//! Conversions between any two element types, as `astype` makes them.
//!
//! Integers wrap, floats truncate towards zero and saturate (NaN becomes 0), complex numbers lose their imaginary part,
//! and anything but zero is `true` (NaN too).

use super::{C32, C64};

/// A conversion from `Self` to `U` that never fails.
pub(crate) trait CastTo<U>: Copy {
    fn cast_to(self) -> U;
}

macro_rules! cast_numbers {
    ($($from:ty),*) => {$(
        cast_numbers!(@row $from => i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);
        impl CastTo<bool> for $from {
            #[inline(always)]
            fn cast_to(self) -> bool { self != (0 as $from) }
        }
        impl CastTo<$from> for bool {
            #[inline(always)]
            fn cast_to(self) -> $from { u8::from(self) as $from }
        }
        impl CastTo<C32> for $from {
            #[inline(always)]
            fn cast_to(self) -> C32 { C32::new(self as f32, 0.0) }
        }
        impl CastTo<C64> for $from {
            #[inline(always)]
            fn cast_to(self) -> C64 { C64::new(self as f64, 0.0) }
        }
        impl CastTo<$from> for C32 {
            #[inline(always)]
            fn cast_to(self) -> $from { self.re as $from }
        }
        impl CastTo<$from> for C64 {
            #[inline(always)]
            fn cast_to(self) -> $from { self.re as $from }
        }
    )*};
    (@row $from:ty => $($to:ty),*) => {$(
        impl CastTo<$to> for $from {
            #[inline(always)]
            fn cast_to(self) -> $to { self as $to }
        }
    )*};
}

cast_numbers!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);

macro_rules! cast_rest {
    ($($from:ty, $to:ty, $x:ident => $value:expr;)*) => {$(
        impl CastTo<$to> for $from {
            #[inline(always)]
            fn cast_to(self) -> $to {
                let $x = self;
                $value
            }
        }
    )*};
}

cast_rest! {
    bool, bool, x => x;
    bool, C32, x => C32::new(f32::from(u8::from(x)), 0.0);
    bool, C64, x => C64::new(f64::from(u8::from(x)), 0.0);
    C32, bool, x => x.re != 0.0 || x.im != 0.0;
    C64, bool, x => x.re != 0.0 || x.im != 0.0;
    C32, C32, x => x;
    C32, C64, x => C64::new(x.re as f64, x.im as f64);
    C64, C32, x => C32::new(x.re as f32, x.im as f32);
    C64, C64, x => x;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts_wrap_truncate_and_keep_truth() {
        assert_eq!(CastTo::<u8>::cast_to(-1i32), 255);
        assert_eq!(CastTo::<i32>::cast_to(-2.9f64), -2);
        assert_eq!(CastTo::<i64>::cast_to(f64::NAN), 0);
        assert!(CastTo::<bool>::cast_to(f64::NAN));
        assert_eq!(CastTo::<f32>::cast_to(C64::new(1.5, 9.0)), 1.5);
    }
}
