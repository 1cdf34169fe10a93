//! Numbers and arrays between JSON and this crate.

use hyperslab::element::{C64, DType, Element, Scalar};
use hyperslab::ndarray::{ArrayD, IxDyn};
use serde_json::Value;

/// Evaluates an expression with `T` set to the element type that a `DType` names.
macro_rules! with_dtype {
    ($dtype:expr, $T:ident => $body:expr) => {
        $crate::conformance::values::with_dtype!(@match $dtype, $T => $body, Bool bool, I8 i8, I16 i16, I32 i32, I64 i64,
            U8 u8, U16 u16, U32 u32, U64 u64, F32 f32, F64 f64, C32 hyperslab::element::C32, C64 hyperslab::element::C64)
    };
    (@match $dtype:expr, $T:ident => $body:expr, $($variant:ident $t:ty),*) => {
        match $dtype {
            $(hyperslab::element::DType::$variant => {
                type $T = $t;
                $body
            })*
        }
    };
}
pub(crate) use with_dtype;

/// The element type that a JSON object names, or the one that NumPy gives to its numbers.
pub(crate) fn dtype_of(object: &Value, values: &Value) -> DType {
    match object["dtype"].as_str() {
        Some(name) => name.parse().unwrap(),
        None => match leaves(values).first() {
            Some(Value::Bool(_)) => DType::Bool,
            Some(Value::Number(number)) if !number.is_f64() => DType::I64,
            Some(Value::Object(_)) => DType::C64,
            _ => DType::F64,
        },
    }
}

/// A number of any kind; NaN, infinities and `-0.0` are strings.
pub(crate) fn scalar_of(value: &Value) -> Scalar {
    match value {
        Value::Bool(x) => Scalar::Bool(*x),
        Value::Number(x) => match (x.as_i64(), x.as_u64()) {
            (Some(x), _) => Scalar::I64(x),
            (None, Some(x)) => Scalar::U64(x),
            (None, None) => Scalar::F64(x.as_f64().unwrap()),
        },
        Value::String(text) => Scalar::F64(special(text)),
        Value::Object(parts) => {
            let part = |key: &str| f64::from_scalar(scalar_of(&parts[key]));
            Scalar::C64(C64::new(part("re"), part("im")))
        }
        other => panic!("{other} is no number"),
    }
}

fn special(text: &str) -> f64 {
    match text {
        "NaN" => f64::NAN,
        "Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        "-0.0" => -0.0,
        other => panic!("{other} is no number"),
    }
}

/// The numbers in nested lists, in row-major order.
pub(crate) fn leaves(values: &Value) -> Vec<Value> {
    match values {
        Value::Array(items) => items.iter().flat_map(leaves).collect(),
        Value::Null => Vec::new(),
        other => vec![other.clone()],
    }
}

/// A list of lengths.
pub(crate) fn lengths(values: &Value) -> Vec<u64> {
    values.as_array().unwrap().iter().map(|len| len.as_u64().unwrap()).collect()
}

/// An array from nested lists.
pub(crate) fn array_of<T: Element>(shape: &[u64], values: &Value) -> ArrayD<T> {
    let shape: Vec<usize> = shape.iter().map(|&len| len as usize).collect();
    let elements = leaves(values).iter().map(|value| T::from_scalar(scalar_of(value))).collect();
    ArrayD::from_shape_vec(IxDyn(&shape), elements).unwrap()
}
