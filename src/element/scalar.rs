//! One value of any element type.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::cast::CastTo;
use super::dispatch::{dispatch, for_each_dtype};
use super::{C64, DType, DTypeKind, Element};
use crate::error::{Error, Result};

macro_rules! define_scalar {
    ($(($variant:ident, $t:ty)),*) => {
        /// One value with its element type.
        ///
        /// # Examples
        /// ```
        /// use hyperslab::element::{DType, Scalar};
        /// let x = Scalar::from(2.5f32);
        /// assert_eq!((x.dtype(), x.to_string(), x.cast(DType::I8)), (DType::F32, "2.5".into(), Scalar::I8(2)));
        /// ```
        #[derive(Clone, Copy, Debug, Serialize, Deserialize)]
        pub enum Scalar {
            $(
                #[doc = concat!("A `", stringify!($variant), "` value.")]
                $variant($t),
            )*
        }

        impl Scalar {
            /// The element type of the value.
            ///
            /// # Examples
            /// ```
            /// use hyperslab::element::{DType, Scalar};
            /// assert_eq!(Scalar::I8(1).dtype(), DType::I8);
            /// ```
            pub fn dtype(self) -> DType {
                match self { $(Scalar::$variant(_) => DType::$variant,)* }
            }

            /// The value converted to a static type, as `astype` converts.
            pub(crate) fn cast_into<U>(self) -> U
            where
                $($t: CastTo<U>,)*
            {
                match self { $(Scalar::$variant(x) => x.cast_to(),)* }
            }

            /// Whether two scalars have one type and are the same in storage (NaN equals NaN, `-0.0` differs from `0.0`).
            ///
            /// # Examples
            /// ```
            /// use hyperslab::element::Scalar;
            /// assert!(Scalar::F64(f64::NAN).is_same(Scalar::F64(f64::NAN)));
            /// assert!(!Scalar::F64(0.0).is_same(Scalar::F64(-0.0)));
            /// ```
            pub fn is_same(self, other: Scalar) -> bool {
                match (self, other) {
                    $((Scalar::$variant(a), Scalar::$variant(b)) => Element::is_same(a, b),)*
                    (_, _) => false,
                }
            }

            /// Whether the value is NaN.
            ///
            /// # Examples
            /// ```
            /// use hyperslab::element::Scalar;
            /// assert!(Scalar::F32(f32::NAN).is_nan() && !Scalar::I8(1).is_nan());
            /// ```
            pub fn is_nan(self) -> bool {
                match self { $(Scalar::$variant(x) => Element::is_nan(x),)* }
            }
        }

        impl fmt::Display for Scalar {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Scalar::$variant(x) => fmt::Display::fmt(x, f),)* }
            }
        }
    };
}
for_each_dtype!(define_scalar);

/// Sameness in storage, as [`Scalar::is_same`]: one type, NaN equals NaN, and `-0.0` differs from `0.0`.
impl PartialEq for Scalar {
    fn eq(&self, other: &Scalar) -> bool {
        self.is_same(*other)
    }
}

impl Eq for Scalar {}

impl<T: Element> From<T> for Scalar {
    fn from(value: T) -> Scalar {
        value.to_scalar()
    }
}

impl Scalar {
    /// Feeds type and bits to a hasher; all NaNs hash alike, as they are the same in storage.
    pub(crate) fn hash_bits<H: std::hash::Hasher>(self, state: &mut H) {
        use std::hash::Hash;
        let nan = self.is_nan();
        self.dtype().hash(state);
        nan.hash(state);
        match self {
            _ if nan => {}
            Scalar::I64(x) => x.hash(state),
            Scalar::U64(x) => x.hash(state),
            other => {
                let value = other.to_c64();
                (value.re.to_bits(), value.im.to_bits()).hash(state);
            }
        }
    }

    /// Zero of an element type.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::{DType, Scalar};
    /// assert_eq!(Scalar::zero(DType::Bool), Scalar::Bool(false));
    /// ```
    pub fn zero(dtype: DType) -> Scalar {
        dispatch!(dtype, T => T::zero().to_scalar())
    }

    /// One of an element type.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::{DType, Scalar};
    /// assert_eq!(Scalar::one(DType::F32), Scalar::F32(1.0));
    /// ```
    pub fn one(dtype: DType) -> Scalar {
        dispatch!(dtype, T => T::one().to_scalar())
    }

    /// The value converted to another element type, as `astype` converts.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::{DType, Scalar};
    /// assert_eq!(Scalar::I32(-1).cast(DType::U8), Scalar::U8(255));
    /// ```
    pub fn cast(self, dtype: DType) -> Scalar {
        dispatch!(dtype, T => T::from_scalar(self).to_scalar())
    }

    /// The value as a double precision complex number, which holds every element type but large integers exactly.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::{C64, Scalar};
    /// assert_eq!(Scalar::I32(-1).to_c64(), C64::new(-1.0, 0.0));
    /// ```
    pub fn to_c64(self) -> C64 {
        C64::from_scalar(self)
    }
}

/// A number without an element type: it takes the type of the array it meets (NumPy's weak Python scalars).
///
/// ```
/// use hyperslab::element::{DType, Literal};
/// assert_eq!(Literal::from(1.5).common_dtype(DType::F32), DType::F32);
/// assert_eq!(Literal::from(1.5).common_dtype(DType::I32), DType::F64);
/// assert!(Literal::from(300).to_scalar("add", DType::U8).unwrap_err().is_dtype());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Literal {
    /// `true` or `false`.
    Bool(bool),
    /// An integer of any width.
    Int(i128),
    /// A real number.
    Float(f64),
    /// A complex number.
    Complex(C64),
}

impl Literal {
    /// The element type of the result when this literal meets an array of type `dtype`.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::{DType, Literal};
    /// assert_eq!(Literal::from(2).common_dtype(DType::U8), DType::U8);
    /// assert_eq!(Literal::from(2.0).common_dtype(DType::U8), DType::F64);
    /// ```
    pub fn common_dtype(self, dtype: DType) -> DType {
        match (self, dtype.kind()) {
            (Literal::Int(_), DTypeKind::Bool) => DType::I64,
            (Literal::Bool(_) | Literal::Int(_), _)
            | (Literal::Float(_), DTypeKind::Float | DTypeKind::Complex)
            | (Literal::Complex(_), DTypeKind::Complex) => dtype,
            (Literal::Float(_), _) => DType::F64,
            (Literal::Complex(_), DTypeKind::Float) => super::promote(dtype, DType::C32),
            (Literal::Complex(_), _) => DType::C64,
        }
    }

    /// The literal as a value of `dtype`, or an error naming `op` where it does not fit an integer type.
    ///
    /// # Errors
    /// An integer does not fit the type.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::{DType, Literal, Scalar};
    /// assert_eq!(Literal::from(2).to_scalar("add", DType::F32)?, Scalar::F32(2.0));
    /// assert!(Literal::from(-2).to_scalar("add", DType::U8).is_err());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn to_scalar(self, op: &'static str, dtype: DType) -> Result<Scalar> {
        let scalar = match self {
            Literal::Bool(x) => Scalar::Bool(x).cast(dtype),
            Literal::Int(x) => return int_scalar(op, x, dtype),
            Literal::Float(x) => Scalar::F64(x).cast(dtype),
            Literal::Complex(x) => Scalar::C64(x).cast(dtype),
        };
        Ok(scalar)
    }
}

fn int_scalar(op: &'static str, value: i128, dtype: DType) -> Result<Scalar> {
    let fits = match dtype.kind() {
        DTypeKind::Unsigned => value >= 0 && value <= (u64::MAX >> (64 - 8 * dtype.size_bytes())) as i128,
        DTypeKind::Signed => {
            let half = 1i128 << (8 * dtype.size_bytes() - 1);
            (-half..half).contains(&value)
        }
        DTypeKind::Bool | DTypeKind::Float | DTypeKind::Complex => true,
    };
    if !fits {
        return Err(Error::dtype(op, format!("the integer {value} is out of bounds for {dtype}"))
            .with_remedy("cast the array to a wider type first"));
    }
    Ok(match dtype.kind() {
        DTypeKind::Bool => Scalar::Bool(value != 0),
        DTypeKind::Unsigned => Scalar::U64(value as u64).cast(dtype),
        DTypeKind::Signed => Scalar::I64(value as i64).cast(dtype),
        DTypeKind::Float | DTypeKind::Complex => Scalar::F64(value as f64).cast(dtype),
    })
}

macro_rules! literal_from {
    ($($t:ty => $variant:ident as $as:ty),*) => {$(
        impl From<$t> for Literal {
            fn from(value: $t) -> Literal { Literal::$variant(value as $as) }
        }
    )*};
}
literal_from!(bool => Bool as bool, i8 => Int as i128, i16 => Int as i128, i32 => Int as i128, i64 => Int as i128,
    u8 => Int as i128, u16 => Int as i128, u32 => Int as i128, u64 => Int as i128, f32 => Float as f64,
    f64 => Float as f64, C64 => Complex as C64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_weak_and_checked() {
        assert_eq!(Literal::from(3).common_dtype(DType::U8), DType::U8);
        assert_eq!(Literal::from(3).common_dtype(DType::Bool), DType::I64);
        assert_eq!(Literal::Complex(C64::new(0.0, 1.0)).common_dtype(DType::F32), DType::C32);
        assert!(Literal::from(-1).to_scalar("add", DType::U64).is_err());
        assert!(Literal::from(u64::MAX).to_scalar("add", DType::U64).unwrap().is_same(Scalar::U64(u64::MAX)));
        assert!(Literal::from(-128).to_scalar("add", DType::I8).unwrap().is_same(Scalar::I8(-128)));
    }

    #[test]
    fn scalars_cast_like_arrays() {
        assert!(Scalar::F64(2.9).cast(DType::I8).is_same(Scalar::I8(2)));
        assert!(!Scalar::F64(0.0).is_same(Scalar::F32(0.0)));
        assert_eq!(Scalar::one(DType::Bool).to_string(), "true");
    }
}
