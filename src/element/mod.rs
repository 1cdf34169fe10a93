//! What an array may hold: thirteen element types, their promotion rules and conversions.
//!
//! * [`Element`] is the sealed trait of all of them; [`Real`] (ordered), [`Float`], [`Int`] and [`Complex`] narrow it.
//! * [`DType`] names an element type at run time, with NumPy's names; [`promote`] is NumPy 2's table.
//! * [`Scalar`] is one value of any element type, [`Literal`] a number of no type yet (`1.5` in `x + 1.5`).
//!
//! The thirteen types stand in one list, in `dispatch.rs`; no other file names them all. Half precision floats, strings,
//! dates and records are not supported.
//!
//! ```
//! use hyperslab::element::{promote, DType, Element};
//! assert_eq!(f64::DTYPE, DType::F64);
//! assert_eq!(promote(DType::I8, DType::U8), DType::I16);
//! assert_eq!(promote(DType::I64, DType::F32).to_string(), "float64");
//! ```

pub(crate) mod alloc;
pub(crate) mod any_view;
pub(crate) mod arith;
pub(crate) mod bytes;
pub(crate) mod cast;
pub(crate) mod dispatch;
mod dtype;
mod promote;
mod scalar;

use std::fmt::{Debug, Display};

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use dtype::{DType, DTypeKind};
pub use promote::{can_cast_safely, promote, promote_all};
pub use scalar::{Literal, Scalar};

/// Single precision complex numbers (`complex64`).
///
/// # Examples
/// ```
/// use hyperslab::element::{C32, DType, Element};
/// assert_eq!((C32::DTYPE, C32::new(3.0, 4.0).norm()), (DType::C32, 5.0));
/// ```
pub type C32 = num_complex::Complex<f32>;
/// Double precision complex numbers (`complex128`).
///
/// # Examples
/// ```
/// use hyperslab::element::{C64, DType, Element};
/// assert_eq!((C64::DTYPE, C64::new(3.0, 4.0).norm()), (DType::C64, 5.0));
/// ```
pub type C64 = num_complex::Complex<f64>;

mod sealed {
    pub trait Sealed {}
}
pub(crate) use sealed::Sealed;

/// A type that arrays may hold. Sealed: the list is closed, see the module docs.
///
/// # Examples
/// Functions over all element types:
/// ```
/// use hyperslab::prelude::*;
/// fn range_of<T: hyperslab::element::Real>(x: &Array<T>) -> Result<(T, T)> {
///     let (low, high) = compute!(x.min(), x.max())?;
///     Ok((low[[]], high[[]]))
/// }
/// let x = Array::from_vec(vec![3u8, 1, 2], Chunks::size(2))?;
/// assert_eq!(range_of(&x)?, (1, 3));
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub trait Element:
    Sealed
    + arith::Arith
    + Copy
    + Default
    + PartialEq
    + Debug
    + Display
    + Send
    + Sync
    + Serialize
    + DeserializeOwned
    + 'static
    + bytes::Bytes
    + any_view::Viewed
{
    /// The run-time name of this type.
    const DTYPE: DType;
    /// The type of magnitudes and parts: itself, but the part type for complex numbers.
    type Real: Real;
    /// What `sum` and `prod` give: 64-bit integers for bool and integers, itself for floats.
    type Sum: Element;
    /// What `mean` and true division give: `f64` for bool and integers, itself for floats.
    type Mean: Element;
    /// The type that arithmetic without a `bool` form computes in: `i8` for bool, itself for all others.
    type Widened: Element;
    /// What `var`, `std` and `norm` give: the real type of the mean.
    type Spread: Float;

    /// The additive identity: `false`, `0`.
    fn zero() -> Self;
    /// The multiplicative identity: `true`, `1`.
    fn one() -> Self;
    /// This value with its type attached.
    fn to_scalar(self) -> Scalar;
    /// The value converted to this type, as `astype` converts.
    fn from_scalar(scalar: Scalar) -> Self;
    /// Whether two values are the same in storage: NaN equals NaN, and `-0.0` differs from `0.0`.
    ///
    /// This is the equality that fill values of sparse arrays use.
    fn is_same(self, other: Self) -> bool;
    /// Whether the value is NaN (in either part). Always false for integers.
    fn is_nan(self) -> bool;
}

/// Element types with an order: all but the complex ones. `bool` orders `false < true`.
///
/// # Examples
/// ```
/// use hyperslab::element::Real;
/// assert_eq!((u8::lowest(), f64::highest()), (0, f64::INFINITY));
/// ```
pub trait Real: Element<Real = Self> + PartialOrd {
    /// The smallest value: minus infinity for floats.
    fn lowest() -> Self;
    /// The largest value: infinity for floats.
    fn highest() -> Self;
}

/// Floating point types, `f32` and `f64`.
///
/// # Examples
/// ```
/// use hyperslab::element::Float;
/// use hyperslab::prelude::*;
/// fn halves<T: Float>() -> Result<Array<T>> {
///     Array::linspace(Element::zero(), Element::one(), 3, Chunks::auto())
/// }
/// assert_eq!(halves::<f32>()?.compute()?, ndarray::arr1(&[0.0, 0.5, 1.0]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub trait Float: Real + num_traits::Float + num_traits::FloatConst {}

/// Integer types, without `bool`.
///
/// # Examples
/// ```
/// use hyperslab::element::Int;
/// use hyperslab::prelude::*;
/// fn common<T: Int>(x: &Array<T>, y: &Array<T>) -> Result<Array<T>> { x.gcd(y) }
/// let x = Array::from_vec(vec![12u32, 7], Chunks::auto())?;
/// assert_eq!(common(&x, &x.full_like(18))?.compute()?, ndarray::arr1(&[6, 1]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub trait Int: Real + num_traits::PrimInt + num_traits::WrappingAdd + num_traits::WrappingMul {}

/// Element types that arithmetic has a meaning for: all but `bool`.
///
/// # Examples
/// ```
/// use hyperslab::element::Number;
/// use hyperslab::prelude::*;
/// fn twice<T: Number>(x: &Array<T>) -> Array<T> { x + x }
/// assert_eq!(twice(&Array::from_scalar(C64::new(1.0, 2.0))).scalar()?, C64::new(2.0, 4.0));
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub trait Number: Element {}

/// Element types that have bits of their own to work on: `bool` and the integers.
///
/// # Examples
/// ```
/// use hyperslab::element::Bits;
/// use hyperslab::prelude::*;
/// fn not<T: Bits>(x: &Array<T>) -> Array<T> { !x }
/// assert_eq!((not(&Array::from_scalar(true)).scalar()?, not(&Array::from_scalar(1u8)).scalar()?), (false, 254));
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub trait Bits: Real {}

/// Complex types.
///
/// # Examples
/// ```
/// use hyperslab::element::Complex;
/// use hyperslab::prelude::*;
/// fn magnitude<T: Complex>(z: &Array<T>) -> Array<T::Real> { z.absolute() }
/// assert_eq!(magnitude(&Array::from_scalar(C64::new(3.0, 4.0))).scalar()?, 5.0);
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub trait Complex: Element {}

macro_rules! impl_element {
    ($t:ty, $dtype:ident, $real:ty, $sum:ty, $mean:ty, $spread:ty, $widened:ty, $zero:expr, $one:expr, $same:expr, $nan:expr) => {
        impl Sealed for $t {}
        impl Element for $t {
            const DTYPE: DType = DType::$dtype;
            type Real = $real;
            type Sum = $sum;
            type Mean = $mean;
            type Spread = $spread;
            type Widened = $widened;
            #[inline]
            fn zero() -> Self {
                $zero
            }
            #[inline]
            fn one() -> Self {
                $one
            }
            #[inline]
            fn to_scalar(self) -> Scalar {
                Scalar::$dtype(self)
            }
            #[inline]
            fn from_scalar(scalar: Scalar) -> Self {
                scalar.cast_into()
            }
            #[inline]
            fn is_same(self, other: Self) -> bool {
                let same: fn($t, $t) -> bool = $same;
                same(self, other)
            }
            #[inline]
            fn is_nan(self) -> bool {
                let nan: fn($t) -> bool = $nan;
                nan(self)
            }
        }
    };
}

macro_rules! impl_int {
    ($($t:ty, $dtype:ident, $sum:ty;)*) => {$(
        impl_element!($t, $dtype, $t, $sum, f64, f64, $t, 0, 1, |a, b| a == b, |_| false);
        impl Real for $t {
            #[inline]
            fn lowest() -> Self { <$t>::MIN }
            #[inline]
            fn highest() -> Self { <$t>::MAX }
        }
        impl Int for $t {}
    )*};
}

impl_element!(bool, Bool, bool, i64, f64, f64, i8, false, true, |a, b| a == b, |_| false);
impl_int! {
    i8, I8, i64; i16, I16, i64; i32, I32, i64; i64, I64, i64;
    u8, U8, u64; u16, U16, u64; u32, U32, u64; u64, U64, u64;
}
impl_element!(f32, F32, f32, f32, f32, f32, f32, 0.0, 1.0, same_f32, f32::is_nan);
impl_element!(f64, F64, f64, f64, f64, f64, f64, 0.0, 1.0, same_f64, f64::is_nan);
impl_element!(
    C32,
    C32,
    f32,
    C32,
    C32,
    f32,
    C32,
    C32::new(0.0, 0.0),
    C32::new(1.0, 0.0),
    |a, b| same_f32(a.re, b.re) && same_f32(a.im, b.im),
    |a| a.re.is_nan() || a.im.is_nan()
);
impl_element!(
    C64,
    C64,
    f64,
    C64,
    C64,
    f64,
    C64,
    C64::new(0.0, 0.0),
    C64::new(1.0, 0.0),
    |a, b| same_f64(a.re, b.re) && same_f64(a.im, b.im),
    |a| a.re.is_nan() || a.im.is_nan()
);

#[inline]
fn same_f32(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

#[inline]
fn same_f64(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

impl Real for bool {
    #[inline]
    fn lowest() -> Self {
        false
    }
    #[inline]
    fn highest() -> Self {
        true
    }
}
impl Real for f32 {
    #[inline]
    fn lowest() -> Self {
        f32::NEG_INFINITY
    }
    #[inline]
    fn highest() -> Self {
        f32::INFINITY
    }
}
impl Real for f64 {
    #[inline]
    fn lowest() -> Self {
        f64::NEG_INFINITY
    }
    #[inline]
    fn highest() -> Self {
        f64::INFINITY
    }
}
impl Float for f32 {}
impl Float for f64 {}
macro_rules! mark {
    ($trait:ident: $($t:ty),*) => { $(impl $trait for $t {})* };
}
mark!(Number: i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, C32, C64);
mark!(Bits: bool, i8, i16, i32, i64, u8, u16, u32, u64);
impl Complex for C32 {}
impl Complex for C64 {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sameness_is_about_storage() {
        assert!(f64::NAN.is_same(-f64::NAN));
        assert!(!(-0.0f64).is_same(0.0));
        assert!(C64::new(f64::NAN, 1.0).is_same(C64::new(f64::NAN, 1.0)));
        assert!(!C32::new(0.0, -0.0).is_same(C32::new(0.0, 0.0)));
    }
}
