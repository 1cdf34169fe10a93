//! [`ElemOp`], made from the rows of the op table.

use serde::{Deserialize, Serialize};

use super::complex::{self, ThroughC64};
use super::float::{self, NextAfter};
use super::integer;
use super::map::{Args, CastInto, Map, MapVisitor, OpArgs, Part, ResultRule, Same, Truth};
use super::rule::{Domain, Signature, signature};
use super::table::for_each_elementwise;
use crate::element::dispatch::{dispatch, with_class};
use crate::element::{C64, DType};
use crate::error::{Error, Result};
use crate::kernels::simd::{Isa, Level};
use crate::kernels::vmath::VectorMath;
use crate::kernels::vmath::trig::{self, Repaired};

macro_rules! define_ops {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:ident $args:tt [$($alias:literal),*]
        $domain:ident -> $result:ident { $($class:ident $level:ident: $value:expr;)+ })+) => {
        /// An elementwise operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub(crate) enum ElemOp {
            $($(#[doc = $doc])+ $variant,)+
            /// The conversion to another element type.
            Cast(DType),
        }

        /// The functions of one element behind the operations.
        pub(crate) mod maps {
            $(#[derive(Debug)] pub(crate) struct $variant;)+
        }

        impl ElemOp {
            /// All operations but the conversions, in the order of the table.
            #[cfg(test)]
            pub(crate) const ALL: &[ElemOp] = &[$(ElemOp::$variant),+];

            /// The operation's name.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(ElemOp::$variant => stringify!($name),)+
                    ElemOp::Cast(_) => "astype",
                }
            }

            /// What the operation does.
            #[cfg(test)]
            pub(crate) fn doc(self) -> &'static str {
                match self {
                    $(ElemOp::$variant => concat!($($doc),+).trim_ascii(),)+
                    ElemOp::Cast(_) => "The conversion to another element type.",
                }
            }

            /// The number of operands.
            pub(crate) fn arity(self) -> usize {
                match self {
                    $(ElemOp::$variant => arity!($args),)+
                    ElemOp::Cast(_) => 1,
                }
            }

            /// Which element types the operation takes.
            pub(crate) fn domain(self) -> Domain {
                match self {
                    $(ElemOp::$variant => Domain::$domain,)+
                    ElemOp::Cast(_) => Domain::Any,
                }
            }

            /// The element types that the operation computes in and gives for operands of the given ones.
            ///
            /// # Errors
            ///
            /// The operation has no loop for these types.
            pub(crate) fn signature(self, inputs: &[DType]) -> Result<Signature> {
                if inputs.len() != self.arity() {
                    let detail = format!("{} operands are given to an operation of {}", inputs.len(), self.arity());
                    return Err(Error::dtype(self.name(), detail));
                }
                match self {
                    $(ElemOp::$variant => signature(self.name(), self.domain(), <$result as ResultRule>::of, inputs),)+
                    ElemOp::Cast(to) => Ok(Signature::cast(inputs[0], to)),
                }
            }

            /// Shows a visitor the function of the operation for the types of a loop, as [`signature`](Self::signature)
            /// gives them; `None` where there is no such loop.
            pub(crate) fn visit<V: MapVisitor>(self, dtypes: &[DType], visitor: V) -> Option<V::Made> {
                match self {
                    $(ElemOp::$variant => {
                        $(with_args!($class, $domain, $args, visit_class, $variant, dtypes, visitor);)+
                        None
                    })+
                    ElemOp::Cast(to) => Some(visit_cast(dtypes[0], to, visitor)),
                }
            }
        }

        $($(with_args!($class, $domain, $args, impl_maps, $class, $variant, $result, $level, $args, $value);)+)+
    };
}

/// Calls a macro with the list of argument types that a class stands for in a row.
macro_rules! with_args {
    (repaired, $domain:ident, $args:tt, $mac:ident, $($rest:tt)*) => {
        with_class!(float, with_tuples, $domain, $args, $mac, $($rest)*);
    };
    (mixed, $domain:ident, $args:tt, $mac:ident, $($rest:tt)*) => { $mac! { [(i64, u64), (u64, i64)], $($rest)* } };
    ($class:ident, $domain:ident, $args:tt, $mac:ident, $($rest:tt)*) => {
        with_class!($class, with_tuples, $domain, $args, $mac, $($rest)*);
    };
}

macro_rules! with_tuples {
    ([$(($dtype:ident, $t:ty)),*], Choice, $args:tt, $mac:ident, $($rest:tt)*) => {
        $mac! { [$((bool, $t, $t)),*], $($rest)* }
    };
    ([$(($dtype:ident, $t:ty)),*], $domain:ident, ($x:ident), $mac:ident, $($rest:tt)*) => {
        $mac! { [$(($t,)),*], $($rest)* }
    };
    ([$(($dtype:ident, $t:ty)),*], $domain:ident, ($x:ident, $y:ident), $mac:ident, $($rest:tt)*) => {
        $mac! { [$(($t, $t)),*], $($rest)* }
    };
    ([$(($dtype:ident, $t:ty)),*], $domain:ident, ($x:ident, $y:ident, $z:ident), $mac:ident, $($rest:tt)*) => {
        $mac! { [$(($t, $t, $t)),*], $($rest)* }
    };
}

/// Returns what the visitor makes if the loop is over one of the argument types.
macro_rules! visit_class {
    ([$($args:ty),*], $map:ident, $dtypes:expr, $visitor:expr) => {$(
        if $dtypes == <$args as Args>::DTYPES {
            return Some(<$args as OpArgs>::accept::<V, maps::$map>($visitor));
        }
    )*};
}

/// The function of a row for the argument types of one class.
macro_rules! impl_maps {
    ([$($args:ty),*], repaired, $map:ident, $result:ident, $level:ident, $names:tt, $value:expr) => {
        $(impl_map!($args, repaired, $map, $result, $level, $names, $value);)*
    };
    ([$($args:ty),*], $class:ident, $map:ident, $result:ident, $level:ident, $names:tt, $value:expr) => {
        $(impl_map!($args, plain, $map, $result, $level, $names, $value);)*
    };
}

macro_rules! impl_map {
    ($args:ty, plain, $map:ident, $result:ident, $level:ident, ($($arg:ident),+), $value:expr) => {
        impl Map<$args> for maps::$map {
            type Out = <$result as ResultRule>::Of<<$args as Args>::Last>;
            const HIGHEST: Level = level!($level);

            #[inline(always)]
            fn call<I: Isa>(($($arg,)+): $args) -> Self::Out {
                $value
            }
        }
    };
    ($args:ty, repaired, $map:ident, $result:ident, $level:ident, ($x:ident), $value:expr) => {
        impl Map<$args> for maps::$map {
            type Out = <$args as Args>::Last;
            const HIGHEST: Level = level!($level);
            const HAS_RARE: bool = true;

            #[inline(always)]
            fn call<I: Isa>((x,): $args) -> Self::Out {
                fast::<_, _, I>(&$value, x)
            }
            #[inline(always)]
            fn is_rare((x,): $args) -> bool {
                is_rare(&$value, x)
            }
            fn slow((x,): $args) -> Self::Out {
                slow(&$value, x)
            }
        }
    };
}

macro_rules! arity {
    (($x:ident)) => {
        1
    };
    (($x:ident, $y:ident)) => {
        2
    };
    (($x:ident, $y:ident, $z:ident)) => {
        3
    };
}

macro_rules! level {
    (base) => {
        Level::Base
    };
    (avx2) => {
        Level::Avx2
    };
    (avx512) => {
        Level::Avx512
    };
}

#[inline(always)]
fn fast<T: Copy, F: Repaired<T>, I: Isa>(_function: &F, x: T) -> T {
    F::fast::<I>(x)
}

#[inline(always)]
fn is_rare<T: Copy, F: Repaired<T>>(_function: &F, x: T) -> bool {
    F::is_rare(x)
}

fn slow<T: Copy, F: Repaired<T>>(_function: &F, x: T) -> T {
    F::slow(x)
}

fn visit_cast<V: MapVisitor>(from: DType, to: DType, visitor: V) -> V::Made {
    dispatch!(from, A => dispatch!(to, B => visitor.map1::<A, CastInto<B>>()))
}

for_each_elementwise!(define_ops);
