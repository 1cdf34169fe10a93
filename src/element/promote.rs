//! NumPy 2's promotion table, from rules instead of a 13 x 13 list.

use super::{DType, DTypeKind};

/// The type that two operands meet in.
///
/// The rules are NumPy's: the larger of one kind; signed and unsigned meet in the next larger signed type and 64-bit
/// ones in `float64`; integers of 32 bits and more meet `float32` in `float64`; complex takes the wider part.
///
/// ```
/// use hyperslab::element::{promote, DType};
/// assert_eq!(promote(DType::I8, DType::U8), DType::I16);
/// assert_eq!(promote(DType::I64, DType::U64), DType::F64);
/// assert_eq!(promote(DType::I32, DType::F32), DType::F64);
/// assert_eq!(promote(DType::C32, DType::F64), DType::C64);
/// ```
pub fn promote(a: DType, b: DType) -> DType {
    let (low, high) = if a.kind() <= b.kind() { (a, b) } else { (b, a) };
    match (low.kind(), high.kind()) {
        (DTypeKind::Bool, _) => high,
        (x, y) if x == y => wider(low, high),
        (DTypeKind::Unsigned, DTypeKind::Signed) => meet_signed(low, high),
        (DTypeKind::Unsigned | DTypeKind::Signed, DTypeKind::Float) => float_holding(low, high),
        (DTypeKind::Unsigned | DTypeKind::Signed, _) => complex_of(float_holding(low, high.real())),
        (_, _) => complex_of(wider(low.real(), high.real())),
    }
}

/// The type that all operands meet in; `None` for no operands.
///
/// # Examples
/// ```
/// use hyperslab::element::{DType, promote_all};
/// assert_eq!(promote_all([DType::I8, DType::U8, DType::F32]), Some(DType::F32));
/// assert_eq!(promote_all([]), None);
/// ```
pub fn promote_all(dtypes: impl IntoIterator<Item = DType>) -> Option<DType> {
    dtypes.into_iter().reduce(promote)
}

/// Whether every value of `from` has a place in `to` without changing kind downwards (NumPy's casting rule `safe`).
///
/// # Examples
/// ```
/// use hyperslab::element::{DType, can_cast_safely};
/// assert!(can_cast_safely(DType::U8, DType::I16) && !can_cast_safely(DType::U8, DType::I8));
/// ```
pub fn can_cast_safely(from: DType, to: DType) -> bool {
    promote(from, to) == to
}

fn wider(a: DType, b: DType) -> DType {
    if a.size_bytes() >= b.size_bytes() { a } else { b }
}

fn meet_signed(unsigned: DType, signed: DType) -> DType {
    if signed.size_bytes() > unsigned.size_bytes() {
        return signed;
    }
    match unsigned.size_bytes() {
        1 => DType::I16,
        2 => DType::I32,
        4 => DType::I64,
        _ => DType::F64,
    }
}

fn float_holding(int: DType, float: DType) -> DType {
    if int.size_bytes() <= 2 { float } else { DType::F64 }
}

fn complex_of(float: DType) -> DType {
    if float == DType::F32 { DType::C32 } else { DType::C64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows and columns in the order of the enum, as `numpy.promote_types` answers.
    const NUMPY: [&str; 13] = [
        "? i1 i2 i4 i8 u1 u2 u4 u8 f4 f8 c8 c16",
        "i1 i1 i2 i4 i8 i2 i4 i8 f8 f4 f8 c8 c16",
        "i2 i2 i2 i4 i8 i2 i4 i8 f8 f4 f8 c8 c16",
        "i4 i4 i4 i4 i8 i4 i4 i8 f8 f8 f8 c16 c16",
        "i8 i8 i8 i8 i8 i8 i8 i8 f8 f8 f8 c16 c16",
        "u1 i2 i2 i4 i8 u1 u2 u4 u8 f4 f8 c8 c16",
        "u2 i4 i4 i4 i8 u2 u2 u4 u8 f4 f8 c8 c16",
        "u4 i8 i8 i8 i8 u4 u4 u4 u8 f8 f8 c16 c16",
        "u8 f8 f8 f8 f8 u8 u8 u8 u8 f8 f8 c16 c16",
        "f4 f4 f4 f8 f8 f4 f4 f8 f8 f4 f8 c8 c16",
        "f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 c16 c16",
        "c8 c8 c8 c16 c16 c8 c8 c16 c16 c8 c16 c8 c16",
        "c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16",
    ];

    #[test]
    fn table_equals_numpy() {
        for a in DType::all() {
            for (b, expected) in DType::all().zip(NUMPY[a as usize].split(' ')) {
                assert_eq!(promote(a, b).short_name(), expected, "{a} with {b}");
            }
        }
    }
}
