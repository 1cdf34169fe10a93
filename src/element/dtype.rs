//! Element types at run time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::dispatch::dispatch;
use crate::error::{Error, Result};

/// The name of an element type at run time. Prints as NumPy's name: `float64`.
///
/// # Examples
/// ```
/// use hyperslab::element::DType;
/// assert_eq!((DType::F64.to_string(), DType::F64.size_bytes()), ("float64".into(), 8));
/// assert_eq!("u2".parse::<DType>()?, DType::U16);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DType {
    /// `bool`, one byte.
    Bool,
    /// `int8`.
    I8,
    /// `int16`.
    I16,
    /// `int32`.
    I32,
    /// `int64`.
    I64,
    /// `uint8`.
    U8,
    /// `uint16`.
    U16,
    /// `uint32`.
    U32,
    /// `uint64`.
    U64,
    /// `float32`.
    F32,
    /// `float64`.
    F64,
    /// `complex64`, two `f32`.
    C32,
    /// `complex128`, two `f64`.
    C64,
}

/// The kind of number behind a [`DType`]; ordered as promotion goes.
///
/// # Examples
/// ```
/// use hyperslab::element::{DType, DTypeKind};
/// assert_eq!(DType::U8.kind(), DTypeKind::Unsigned);
/// assert!(DTypeKind::Unsigned < DTypeKind::Float);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DTypeKind {
    /// `bool`.
    Bool,
    /// `uint8` to `uint64`.
    Unsigned,
    /// `int8` to `int64`.
    Signed,
    /// `float32` and `float64`.
    Float,
    /// `complex64` and `complex128`.
    Complex,
}

const NAMES: [(DType, &str, &str); 13] = [
    (DType::Bool, "bool", "?"),
    (DType::I8, "int8", "i1"),
    (DType::I16, "int16", "i2"),
    (DType::I32, "int32", "i4"),
    (DType::I64, "int64", "i8"),
    (DType::U8, "uint8", "u1"),
    (DType::U16, "uint16", "u2"),
    (DType::U32, "uint32", "u4"),
    (DType::U64, "uint64", "u8"),
    (DType::F32, "float32", "f4"),
    (DType::F64, "float64", "f8"),
    (DType::C32, "complex64", "c8"),
    (DType::C64, "complex128", "c16"),
];

impl DType {
    /// All element types, in the order of this enum.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::DType;
    /// assert_eq!(DType::all().count(), 13);
    /// ```
    pub fn all() -> impl Iterator<Item = DType> {
        NAMES.iter().map(|row| row.0)
    }

    /// NumPy's name, such as `"float64"`.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::DType;
    /// assert_eq!(DType::C64.name(), "complex128");
    /// ```
    pub fn name(self) -> &'static str {
        NAMES[self as usize].1
    }

    /// NumPy's short name, such as `"f8"`.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::DType;
    /// assert_eq!(DType::C64.short_name(), "c16");
    /// ```
    pub fn short_name(self) -> &'static str {
        NAMES[self as usize].2
    }

    /// Bytes of one element.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::DType;
    /// assert_eq!(DType::C64.size_bytes(), 16);
    /// ```
    pub fn size_bytes(self) -> usize {
        dispatch!(self, T => size_of::<T>())
    }

    /// What kind of number it is.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::{DType, DTypeKind};
    /// assert_eq!(DType::I16.kind(), DTypeKind::Signed);
    /// ```
    pub fn kind(self) -> DTypeKind {
        match self {
            DType::Bool => DTypeKind::Bool,
            DType::U8 | DType::U16 | DType::U32 | DType::U64 => DTypeKind::Unsigned,
            DType::I8 | DType::I16 | DType::I32 | DType::I64 => DTypeKind::Signed,
            DType::F32 | DType::F64 => DTypeKind::Float,
            DType::C32 | DType::C64 => DTypeKind::Complex,
        }
    }

    /// Whether it is an integer or `bool`.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::DType;
    /// assert!(DType::Bool.is_integral() && DType::U8.is_integral() && !DType::F32.is_integral());
    /// ```
    pub fn is_integral(self) -> bool {
        self.kind() <= DTypeKind::Signed
    }

    /// Whether it is `float32` or `float64`.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::DType;
    /// assert!(DType::F32.is_float() && !DType::C32.is_float());
    /// ```
    pub fn is_float(self) -> bool {
        self.kind() == DTypeKind::Float
    }

    /// Whether it is `complex64` or `complex128`.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::DType;
    /// assert!(DType::C32.is_complex() && !DType::F32.is_complex());
    /// ```
    pub const fn is_complex(self) -> bool {
        matches!(self, DType::C32 | DType::C64)
    }

    /// The type of the magnitude: itself, or the part type of a complex type.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::DType;
    /// assert_eq!((DType::C32.real(), DType::I8.real()), (DType::F32, DType::I8));
    /// ```
    pub fn real(self) -> DType {
        dispatch!(self, T => <<T as super::Element>::Real as super::Element>::DTYPE)
    }

    /// What `sum` and `prod` give.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::DType;
    /// assert_eq!((DType::U8.sum(), DType::Bool.sum(), DType::F32.sum()), (DType::U64, DType::I64, DType::F32));
    /// ```
    pub fn sum(self) -> DType {
        dispatch!(self, T => <<T as super::Element>::Sum as super::Element>::DTYPE)
    }

    /// What `mean` and true division give.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::DType;
    /// assert_eq!((DType::U8.mean(), DType::F32.mean()), (DType::F64, DType::F32));
    /// ```
    pub fn mean(self) -> DType {
        dispatch!(self, T => <<T as super::Element>::Mean as super::Element>::DTYPE)
    }

    /// What `var` and `std` give.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::DType;
    /// assert_eq!((DType::U8.spread(), DType::C32.spread()), (DType::F64, DType::F32));
    /// ```
    pub fn spread(self) -> DType {
        dispatch!(self, T => <<T as super::Element>::Spread as super::Element>::DTYPE)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for DType {
    type Err = Error;

    /// Reads NumPy's long or short name.
    fn from_str(text: &str) -> Result<DType> {
        NAMES.iter().find(|row| row.1 == text || row.2 == text).map(|row| row.0).ok_or_else(|| {
            Error::dtype("dtype", format!("{text:?} is not a supported element type"))
                .with_remedy("use bool, int8 to int64, uint8 to uint64, float32, float64, complex64 or complex128")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_order_of_the_enum_and_parse_back() {
        for dtype in DType::all() {
            assert_eq!(NAMES[dtype as usize].0, dtype);
            assert_eq!(dtype.name().parse::<DType>().unwrap(), dtype);
            assert_eq!(dtype.short_name().parse::<DType>().unwrap(), dtype);
        }
        assert!("float16".parse::<DType>().unwrap_err().is_dtype());
    }

    #[test]
    fn accumulators_widen_integers_and_keep_floats() {
        assert_eq!(DType::Bool.sum(), DType::I64);
        assert_eq!(DType::U8.sum(), DType::U64);
        assert_eq!(DType::F32.sum(), DType::F32);
        assert_eq!(DType::I8.mean(), DType::F64);
        assert_eq!(DType::C64.spread(), DType::F64);
    }
}
