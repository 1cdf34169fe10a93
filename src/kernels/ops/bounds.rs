//! From the domain of a row to the bound of its typed method.

/// Calls `$method` for a row of the op table, with the trait of the element types in its domain and, as a type in terms of
/// `T`, the elements of its result. A choice by a condition has a method of its own and is left out.
///
/// ```text
/// with_bounds! { method Floating Same ROW }      gives  method! { Element (T::Mean) ROW }
/// ```
macro_rules! with_bounds {
    ($method:ident Choice $result:ident $($row:tt)*) => {};
    ($method:ident $domain:ident Truth $($row:tt)*) => {
        $crate::kernels::with_trait! { $method $domain (bool) $($row)* }
    };
    ($method:ident $domain:ident Part $($row:tt)*) => {
        $crate::kernels::with_trait! { $method $domain (T::Real) $($row)* }
    };
    ($method:ident Floating Same $($row:tt)*) => { $method! { Element (T::Mean) $($row)* } };
    ($method:ident RealFloating Same $($row:tt)*) => { $method! { Real (T::Mean) $($row)* } };
    ($method:ident Widened Same $($row:tt)*) => { $method! { Element (T::Widened) $($row)* } };
    ($method:ident WidenedReal Same $($row:tt)*) => { $method! { Real (T::Widened) $($row)* } };
    ($method:ident WidenedInt Same $($row:tt)*) => { $method! { Bits (T::Widened) $($row)* } };
    ($method:ident $domain:ident Same $($row:tt)*) => {
        $crate::kernels::with_trait! { $method $domain (T) $($row)* }
    };
}

/// Calls `$method` with the trait of the element types in a domain.
macro_rules! with_trait {
    ($method:ident Number $($row:tt)*) => { $method! { Number $($row)* } };
    ($method:ident Real $($row:tt)*) => { $method! { Real $($row)* } };
    ($method:ident WidenedReal $($row:tt)*) => { $method! { Real $($row)* } };
    ($method:ident RealFloating $($row:tt)*) => { $method! { Real $($row)* } };
    ($method:ident Int $($row:tt)*) => { $method! { Int $($row)* } };
    ($method:ident Bits $($row:tt)*) => { $method! { Bits $($row)* } };
    ($method:ident WidenedInt $($row:tt)*) => { $method! { Bits $($row)* } };
    ($method:ident $any:ident $($row:tt)*) => { $method! { Element $($row)* } };
}

pub(crate) use {with_bounds, with_trait};
