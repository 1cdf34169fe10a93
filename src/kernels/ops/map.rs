//! Functions of one element as types, so that loops over them are compiled once each and inline them.

use std::marker::PhantomData;

use crate::element::cast::CastTo;
use crate::element::{DType, Element};
use crate::kernels::simd::{Base, Isa, Level};

/// A function of the elements `A`, a tuple of one to four of them.
pub(crate) trait Map<A: Args>: 'static {
    /// The type of the result.
    type Out: Element;
    /// The highest level that a loop over this function is compiled for; higher ones bring nothing.
    const HIGHEST: Level;
    /// Whether [`call`](Self::call) does not hold for a few recognisable arguments.
    const HAS_RARE: bool = false;

    /// The value.
    fn call<I: Isa>(args: A) -> Self::Out;

    /// Whether the value is to be taken from [`slow`](Self::slow).
    #[inline(always)]
    fn is_rare(_args: A) -> bool {
        false
    }

    /// The value for any argument, in scalar code.
    fn slow(args: A) -> Self::Out {
        Self::call::<Base>(args)
    }
}

/// The argument types of a [`Map`].
pub(crate) trait Args: Copy + 'static {
    /// The type of the last argument: operations with different argument types compute in this one.
    type Last: Element;
    /// The types at run time.
    const DTYPES: &'static [DType];
}

/// The argument types of an operation, which are one to three.
pub(crate) trait OpArgs: Args {
    /// Calls the method of the visitor for this number of arguments.
    fn accept<V: MapVisitor, F: Map<Self>>(visitor: V) -> V::Made;
}

/// Someone who wants to know the function behind an operation: the interpreter, which makes loops of them.
pub(crate) trait MapVisitor {
    /// What is made of the function.
    type Made;

    /// Called for an operation of one argument.
    fn map1<A: Element, F: Map<(A,)>>(self) -> Self::Made;
    /// Called for an operation of two arguments.
    fn map2<A: Element, B: Element, F: Map<(A, B)>>(self) -> Self::Made;
    /// Called for an operation of three arguments.
    fn map3<A: Element, B: Element, C: Element, F: Map<(A, B, C)>>(self) -> Self::Made;
}

impl<A: Element> Args for (A,) {
    type Last = A;
    const DTYPES: &'static [DType] = &[A::DTYPE];
}

impl<A: Element> OpArgs for (A,) {
    fn accept<V: MapVisitor, F: Map<Self>>(visitor: V) -> V::Made {
        visitor.map1::<A, F>()
    }
}

impl<A: Element, B: Element> Args for (A, B) {
    type Last = B;
    const DTYPES: &'static [DType] = &[A::DTYPE, B::DTYPE];
}

impl<A: Element, B: Element> OpArgs for (A, B) {
    fn accept<V: MapVisitor, F: Map<Self>>(visitor: V) -> V::Made {
        visitor.map2::<A, B, F>()
    }
}

impl<A: Element, B: Element, C: Element> Args for (A, B, C) {
    type Last = C;
    const DTYPES: &'static [DType] = &[A::DTYPE, B::DTYPE, C::DTYPE];
}

impl<A: Element, B: Element, C: Element> OpArgs for (A, B, C) {
    fn accept<V: MapVisitor, F: Map<Self>>(visitor: V) -> V::Made {
        visitor.map3::<A, B, C, F>()
    }
}

impl<T: Element> Args for (T, T, T, T) {
    type Last = T;
    const DTYPES: &'static [DType] = &[T::DTYPE; 4];
}

/// The conversion to `U`.
#[derive(Debug)]
pub(super) struct CastInto<U>(PhantomData<U>);

impl<A: Element + CastTo<U>, U: Element> Map<(A,)> for CastInto<U> {
    type Out = U;
    const HIGHEST: Level = Level::Avx2;

    #[inline(always)]
    fn call<I: Isa>((x,): (A,)) -> U {
        x.cast_to()
    }
}

/// The element type of a result, given the one that the operation computes in.
pub(crate) trait ResultRule {
    /// As a static type.
    type Of<T: Element>: Element;

    /// As a run-time type.
    fn of(dtype: DType) -> DType;
}

/// The result has the type that the operation computes in.
#[derive(Debug)]
pub(crate) struct Same;

/// The result is `bool`.
#[derive(Debug)]
pub(crate) struct Truth;

/// The result is the type of the parts of a complex number; real numbers keep theirs.
#[derive(Debug)]
pub(crate) struct Part;

impl ResultRule for Same {
    type Of<T: Element> = T;
    fn of(dtype: DType) -> DType {
        dtype
    }
}

impl ResultRule for Truth {
    type Of<T: Element> = bool;
    fn of(_dtype: DType) -> DType {
        DType::Bool
    }
}

impl ResultRule for Part {
    type Of<T: Element> = T::Real;
    fn of(dtype: DType) -> DType {
        dtype.real()
    }
}
