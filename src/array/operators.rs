//! `+`, `-`, `*`, `/`, `%`, `&`, `|`, `^`, unary `-` and `!` on arrays and values.
//!
//! Operators panic where shapes do not broadcast; their twins `try_add` and so on return the error.

use std::ops;

use super::elementwise::{Operand, apply, binary};
use super::{Array, DynArray};
use crate::element::{Bits, Element, Number};
use crate::error::{Error, Result};
use crate::kernels::ElemOp;

/// Stops with the message of a failed operator, at the line that used it.
#[track_caller]
fn checked(result: Result<DynArray>) -> DynArray {
    match result {
        Ok(array) => array,
        Err(error) => fail(&error),
    }
}

#[track_caller]
fn fail(error: &Error) -> ! {
    panic!("{error}")
}

macro_rules! binary_operator {
    ($($(#[$doc:meta])* $trait:ident $method:ident $try:ident $op:ident $bound:ident;)*) => {$(
        impl<T: $bound> Array<T> {
            $(#[$doc])*
            ///
            /// For examples see [operators](crate::array#operators).
            ///
            /// # Errors
            /// The shapes do not broadcast.
            pub fn $try(&self, other: impl Operand<T>) -> Result<Array<T>> {
                Array::try_wrap(binary(ElemOp::$op, self.as_dyn(), &other.into_operand()))
            }
        }

        impl DynArray {
            $(#[$doc])*
            ///
            /// For examples see [operators](crate::array#operators).
            ///
            /// # Errors
            /// The shapes do not broadcast, or there is no such operation for the element types.
            pub fn $try(&self, other: &DynArray) -> Result<DynArray> {
                binary(ElemOp::$op, self, other)
            }
        }

        impl<T: $bound, R: Operand<T>> ops::$trait<R> for &Array<T> {
            type Output = Array<T>;
            #[track_caller]
            fn $method(self, other: R) -> Array<T> {
                Array::wrap(checked(binary(ElemOp::$op, self.as_dyn(), &other.into_operand())))
            }
        }

        impl<T: $bound, R: Operand<T>> ops::$trait<R> for Array<T> {
            type Output = Array<T>;
            #[track_caller]
            fn $method(self, other: R) -> Array<T> {
                Array::wrap(checked(binary(ElemOp::$op, self.as_dyn(), &other.into_operand())))
            }
        }

        impl ops::$trait<&DynArray> for &DynArray {
            type Output = DynArray;
            #[track_caller]
            fn $method(self, other: &DynArray) -> DynArray {
                checked(binary(ElemOp::$op, self, other))
            }
        }
    )*};
}

binary_operator! {
    /// The sum; the `Result` twin of `+`. Integers wrap; of `bool` the logical or.
    Add add try_add Add Element;
    /// The difference; the `Result` twin of `-`. Integers wrap.
    Sub sub try_sub Subtract Number;
    /// The product; the `Result` twin of `*`. Integers wrap; of `bool` the logical and.
    Mul mul try_mul Multiply Element;
    /// The remainder with the sign of the divisor, as NumPy's `%`; the `Result` twin of `%`. Integers modulo 0 give 0.
    Rem rem try_rem Remainder Number;
    /// Bitwise and; the `Result` twin of `&`.
    BitAnd bitand try_bitand BitwiseAnd Bits;
    /// Bitwise or; the `Result` twin of `|`.
    BitOr bitor try_bitor BitwiseOr Bits;
    /// Bitwise exclusive or; the `Result` twin of `^`.
    BitXor bitxor try_bitxor BitwiseXor Bits;
}

impl<T: Element> Array<T> {
    /// The quotient; the `Result` twin of `/`. Integers give `f64`, as NumPy's true division.
    ///
    /// # Errors
    /// The shapes do not broadcast.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 3], Chunks::auto())?;
    /// assert_eq!(x.try_div(2)?.compute()?, ndarray::arr1(&[0.5, 1.5]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn try_div(&self, other: impl Operand<T>) -> Result<Array<T::Mean>> {
        Array::try_wrap(binary(ElemOp::Divide, self.as_dyn(), &other.into_operand()))
    }
}

impl DynArray {
    /// The quotient; integers give `float64`.
    ///
    /// # Errors
    /// The shapes do not broadcast.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 3], Chunks::auto())?.into_dyn();
    /// assert_eq!(x.try_div(&x)?.dtype(), DType::F64);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn try_div(&self, other: &DynArray) -> Result<DynArray> {
        binary(ElemOp::Divide, self, other)
    }
}

impl<T: Element, R: Operand<T>> ops::Div<R> for &Array<T> {
    type Output = Array<T::Mean>;
    #[track_caller]
    fn div(self, other: R) -> Array<T::Mean> {
        Array::wrap(checked(binary(ElemOp::Divide, self.as_dyn(), &other.into_operand())))
    }
}

impl<T: Element, R: Operand<T>> ops::Div<R> for Array<T> {
    type Output = Array<T::Mean>;
    #[track_caller]
    fn div(self, other: R) -> Array<T::Mean> {
        Array::wrap(checked(binary(ElemOp::Divide, self.as_dyn(), &other.into_operand())))
    }
}

impl<T: Number> ops::Neg for &Array<T> {
    type Output = Array<T>;
    fn neg(self) -> Array<T> {
        Array::wrap(checked(apply(ElemOp::Negative, &[self.as_dyn()])))
    }
}

impl<T: Number> ops::Neg for Array<T> {
    type Output = Array<T>;
    fn neg(self) -> Array<T> {
        -&self
    }
}

impl<T: Bits> ops::Not for &Array<T> {
    type Output = Array<T>;
    fn not(self) -> Array<T> {
        Array::wrap(checked(apply(ElemOp::Invert, &[self.as_dyn()])))
    }
}

impl<T: Bits> ops::Not for Array<T> {
    type Output = Array<T>;
    fn not(self) -> Array<T> {
        !&self
    }
}

/// A value on the left of an operator: `1.0 - &x`.
macro_rules! value_on_the_left {
    ($($t:ty),*) => {$(
        value_on_the_left!(@ops $t, Add add Add, Sub sub Subtract, Mul mul Multiply);

        impl ops::Div<&Array<$t>> for $t {
            type Output = Array<<$t as Element>::Mean>;
            fn div(self, other: &Array<$t>) -> Self::Output {
                Array::wrap(checked(binary(ElemOp::Divide, &self.into_operand(), other.as_dyn())))
            }
        }

        impl ops::Div<Array<$t>> for $t {
            type Output = Array<<$t as Element>::Mean>;
            fn div(self, other: Array<$t>) -> Self::Output {
                self / &other
            }
        }
    )*};
    (@ops $t:ty, $($trait:ident $method:ident $op:ident),*) => {$(
        impl ops::$trait<&Array<$t>> for $t {
            type Output = Array<$t>;
            fn $method(self, other: &Array<$t>) -> Array<$t> {
                Array::wrap(checked(binary(ElemOp::$op, &self.into_operand(), other.as_dyn())))
            }
        }

        impl ops::$trait<Array<$t>> for $t {
            type Output = Array<$t>;
            fn $method(self, other: Array<$t>) -> Array<$t> {
                ops::$trait::$method(self, &other)
            }
        }
    )*};
}
value_on_the_left!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, crate::element::C32, crate::element::C64);
