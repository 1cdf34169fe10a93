//! The one list of element types, and the macros that turn a run-time [`DType`](super::DType) into a static type.
//!
//! `for_each_dtype!(mac)` calls `mac! { (Bool, bool), (I8, i8), … }`; `dispatch!(dtype, T => body)` evaluates `body` with
//! the type alias `T`; the narrower forms cover a part of the list and evaluate their `else` branch for the rest.

/// Calls a macro with the list of all element types as `(Variant, type)` pairs.
macro_rules! for_each_dtype {
    ($mac:ident) => {
        $mac! {
            (Bool, bool), (I8, i8), (I16, i16), (I32, i32), (I64, i64), (U8, u8), (U16, u16), (U32, u32), (U64, u64),
            (F32, f32), (F64, f64), (C32, $crate::element::C32), (C64, $crate::element::C64)
        }
    };
}
pub(crate) use for_each_dtype;

/// Evaluates `body` with `T` set to the element type that a `DType` names.
macro_rules! dispatch {
    ($dtype:expr, $T:ident => $body:expr) => {
        $crate::element::dispatch::dispatch_over!($dtype, $T => $body, [
            (Bool, bool), (I8, i8), (I16, i16), (I32, i32), (I64, i64), (U8, u8), (U16, u16), (U32, u32), (U64, u64),
            (F32, f32), (F64, f64), (C32, $crate::element::C32), (C64, $crate::element::C64)
        ])
    };
}
pub(crate) use dispatch;

/// Like `dispatch!` for the ordered types; `otherwise` for complex ones.
macro_rules! dispatch_real {
    ($dtype:expr, $T:ident => $body:expr, else $otherwise:expr) => {
        $crate::element::dispatch::dispatch_over!($dtype, $T => $body, [
            (Bool, bool), (I8, i8), (I16, i16), (I32, i32), (I64, i64), (U8, u8), (U16, u16), (U32, u32), (U64, u64),
            (F32, f32), (F64, f64)
        ], else $otherwise)
    };
}
pub(crate) use dispatch_real;

/// Like `dispatch!` for the integers without `bool`; `otherwise` for the rest.
macro_rules! dispatch_int {
    ($dtype:expr, $T:ident => $body:expr, else $otherwise:expr) => {
        $crate::element::dispatch::dispatch_over!($dtype, $T => $body, [
            (I8, i8), (I16, i16), (I32, i32), (I64, i64), (U8, u8), (U16, u16), (U32, u32), (U64, u64)
        ], else $otherwise)
    };
}
pub(crate) use dispatch_int;

/// Like `dispatch!` for `f32` and `f64`; `otherwise` for the rest.
macro_rules! dispatch_float {
    ($dtype:expr, $T:ident => $body:expr, else $otherwise:expr) => {
        $crate::element::dispatch::dispatch_over!($dtype, $T => $body, [(F32, f32), (F64, f64)], else $otherwise)
    };
}
pub(crate) use dispatch_float;

/// Like `dispatch!` for the types that have NaN; `otherwise` for integers and `bool`.
macro_rules! dispatch_inexact {
    ($dtype:expr, $T:ident => $body:expr, else $otherwise:expr) => {
        $crate::element::dispatch::dispatch_over!($dtype, $T => $body, [
            (F32, f32), (F64, f64), (C32, $crate::element::C32), (C64, $crate::element::C64)
        ], else $otherwise)
    };
}
pub(crate) use dispatch_inexact;

/// The match behind the other macros of this file.
macro_rules! dispatch_over {
    ($dtype:expr, $T:ident => $body:expr, [$(($variant:ident, $t:ty)),*] $(, else $otherwise:expr)?) => {
        match $dtype {
            $($crate::element::DType::$variant => {
                #[allow(dead_code)]
                type $T = $t;
                $body
            })*
            $(#[allow(unreachable_patterns)]
            _ => $otherwise,)?
        }
    };
}
pub(crate) use dispatch_over;

/// Calls `$mac` with the part of the list that a word names, before the rest of the arguments.
///
/// `with_class!(float, mac, a, b)` calls `mac! { [(F32, f32), (F64, f64)], a, b }`.
macro_rules! with_class {
    (bool, $mac:ident, $($rest:tt)*) => { $mac! { [(Bool, bool)], $($rest)* } };
    (signed, $mac:ident, $($rest:tt)*) => { $mac! { [(I8, i8), (I16, i16), (I32, i32), (I64, i64)], $($rest)* } };
    (unsigned, $mac:ident, $($rest:tt)*) => { $mac! { [(U8, u8), (U16, u16), (U32, u32), (U64, u64)], $($rest)* } };
    (int, $mac:ident, $($rest:tt)*) => {
        $mac! {
            [(I8, i8), (I16, i16), (I32, i32), (I64, i64), (U8, u8), (U16, u16), (U32, u32), (U64, u64)], $($rest)*
        }
    };
    (float, $mac:ident, $($rest:tt)*) => { $mac! { [(F32, f32), (F64, f64)], $($rest)* } };
    (complex, $mac:ident, $($rest:tt)*) => {
        $mac! { [(C32, $crate::element::C32), (C64, $crate::element::C64)], $($rest)* }
    };
}
pub(crate) use with_class;
