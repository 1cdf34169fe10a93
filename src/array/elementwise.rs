//! Functions of single elements: every row of the op table is a method here.

use super::{Array, DynArray};
use crate::block::{ArrayMeta, Layout};
use crate::chunks::Grid;
use crate::chunks::unify::{broadcast_grids, operand_grid};
use crate::element::{Bits, DType, Element, Int, Literal, Number, Real, Scalar};
use crate::error::{Error, Result};
use crate::graph::ops::{ElementwiseOp, Op};
use crate::kernels::{ElemOp, ProgramBuilder, for_each_elementwise, with_bounds};

/// What stands beside an array in an operation: a value, or an array that broadcasts with it.
///
/// # Examples
/// Functions that take both:
/// ```
/// use hyperslab::array::Operand;
/// use hyperslab::prelude::*;
/// fn above(x: &Array<f64>, limit: impl Operand<f64>) -> Result<Array<i64>> { Ok(x.gt(limit)?.sum()) }
/// let x = Array::<f64>::arange(0.0, 4.0, 1.0, Chunks::size(3))?;
/// assert_eq!(above(&x, 1.5)?.scalar()?, 2);
/// assert_eq!(above(&x, &x.full_like(0.5))?.scalar()?, 3);
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub trait Operand<T: Element> {
    /// The operand as an array; a 0-d one for a single value.
    fn into_operand(self) -> DynArray;
}

impl<T: Element> Operand<T> for T {
    fn into_operand(self) -> DynArray {
        DynArray::scalar_of(self.to_scalar())
    }
}

impl<T: Element> Operand<T> for &Array<T> {
    fn into_operand(self) -> DynArray {
        self.as_dyn().clone()
    }
}

impl<T: Element> Operand<T> for Array<T> {
    fn into_operand(self) -> DynArray {
        self.into_dyn()
    }
}

/// The array that an operation makes of its operands, which broadcast.
pub(crate) fn apply(op: ElemOp, operands: &[&DynArray]) -> Result<DynArray> {
    let dtypes: Vec<DType> = operands.iter().map(|operand| operand.dtype()).collect();
    let mut builder = ProgramBuilder::new();
    let inputs: Vec<_> = dtypes.iter().map(|&dtype| builder.input(dtype)).collect();
    let value = builder.push(op, &inputs)?;
    let program = builder.finish(&[value]);
    let grids: Vec<&Grid> = operands.iter().map(|operand| operand.grid()).collect();
    let grid = broadcast_grids(op.name(), &grids)?;
    let aligned = operands
        .iter()
        .map(|operand| operand.to_grid(&operand_grid(operand.grid(), &grid)))
        .collect::<Result<Vec<_>>>()?;
    let layout = match fills_of(operands) {
        Some(fills) => Layout::Sparse(program.on_scalars(&fills)?[0]),
        None if operands.iter().all(|operand| operand.layout().is_dense()) => Layout::Dense,
        None => Layout::Mixed,
    };
    let meta = ArrayMeta { dtype: program.output_dtypes()[0], grid, layout };
    let axes = operands.iter().map(|operand| ElementwiseOp::aligned_right(operand.ndim(), meta.grid.ndim())).collect();
    let op = ElementwiseOp { program, operands: axes };
    Ok(DynArray::build(op, &aligned.iter().collect::<Vec<_>>(), meta))
}

/// The value of every operand where none of them stores one: fills of sparse arrays and constants. `None` if an operand is
/// neither, or all are constants.
fn fills_of(operands: &[&DynArray]) -> Option<Vec<Scalar>> {
    let fill = |operand: &&DynArray| match operand.expr().op() {
        Op::Full(full) => Some(full.value),
        _ => operand.layout().fill(),
    };
    let fills = operands.iter().map(fill).collect::<Option<Vec<Scalar>>>()?;
    operands.iter().any(|operand| operand.layout().is_sparse()).then_some(fills)
}

/// The operation of two operands.
pub(crate) fn binary(op: ElemOp, lhs: &DynArray, rhs: &DynArray) -> Result<DynArray> {
    apply(op, &[lhs, rhs])
}

/// The elements of `yes` where `condition` is true, those of `no` elsewhere.
pub(crate) fn select(condition: &DynArray, yes: &DynArray, no: &DynArray) -> Result<DynArray> {
    // What does not broadcast is reported in the user's word.
    broadcast_grids("where", &[condition.grid(), yes.grid(), no.grid()])?;
    apply(ElemOp::Select, &[condition, yes, no])
}

impl DynArray {
    /// The elements converted to another type, as NumPy's `astype`: integers wrap, floats truncate and saturate.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.9, -1.9], Chunks::auto())?.into_dyn();
    /// assert_eq!(x.astype(DType::I8).try_typed::<i8>()?.compute()?, ndarray::arr1(&[1, -1]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn astype(&self, dtype: DType) -> Self {
        if dtype == self.dtype() {
            return self.clone();
        }
        // A conversion exists between any two types and takes one operand, so nothing can be refused.
        apply(ElemOp::Cast(dtype), &[self]).unwrap_or_else(|error| unreachable!("{error}"))
    }

    /// Like [`astype`](Self::astype), but refuses conversions that may lose values.
    ///
    /// # Errors
    /// Some value of this type has no equal in `dtype`.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1i32], Chunks::auto())?.into_dyn();
    /// assert_eq!(x.try_astype(DType::F64)?.dtype(), DType::F64);
    /// assert!(x.try_astype(DType::F32).unwrap_err().is_dtype());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn try_astype(&self, dtype: DType) -> Result<Self> {
        if crate::element::can_cast_safely(self.dtype(), dtype) {
            return Ok(self.astype(dtype));
        }
        Err(Error::dtype("try_astype", format!("{} does not always fit {dtype}", self.dtype()))
            .with_remedy("use `astype`, which converts as NumPy does"))
    }

    /// A literal in the type that it takes beside this array: `x + 1.5` keeps `float32`.
    ///
    /// # Errors
    /// An integer does not fit the array's type.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.0f32], Chunks::auto())?.into_dyn();
    /// assert_eq!((&x + &x.literal("add", 1.5)?).dtype(), DType::F32);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn literal(&self, op: &'static str, literal: impl Into<Literal>) -> Result<Self> {
        let literal = literal.into();
        let scalar = literal.to_scalar(op, literal.common_dtype(self.dtype()))?;
        Ok(DynArray::scalar_of(scalar))
    }
}

/// The elements of `yes` where `condition` is true, those of `no` elsewhere (NumPy's `where`).
///
/// # Errors
/// The shapes do not broadcast.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::from_vec(vec![1.0, -2.0, 3.0], Chunks::size(2))?;
/// let y = where_(&x.gt(0.0)?, &x, 0.0)?;
/// assert_eq!(y.compute()?, ndarray::arr1(&[1.0, 0.0, 3.0]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn where_<T: Element>(condition: &Array<bool>, yes: impl Operand<T>, no: impl Operand<T>) -> Result<Array<T>> {
    Array::try_wrap(select(condition.as_dyn(), &yes.into_operand(), &no.into_operand()))
}

impl<T: Element> Array<T> {
    /// The elements converted to another type, as NumPy's `astype`: integers wrap, floats truncate towards zero and
    /// saturate, complex numbers lose their imaginary part.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.9, -1.9], Chunks::auto())?;
    /// assert_eq!(x.astype::<i32>().compute()?, ndarray::arr1(&[1, -1]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn astype<U: Element>(&self) -> Array<U> {
        Array::wrap(self.as_dyn().astype(U::DTYPE))
    }

    /// Like [`astype`](Self::astype), but an error where values may be lost.
    ///
    /// # Errors
    /// Some value of this type has no equal in `U`.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![200u8], Chunks::auto())?;
    /// assert_eq!(x.try_astype::<i16>()?.scalar()?, 200);
    /// assert!(x.try_astype::<i8>().unwrap_err().is_dtype());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn try_astype<U: Element>(&self) -> Result<Array<U>> {
        Array::try_wrap(self.as_dyn().try_astype(U::DTYPE))
    }

    /// Whether elements are equal; short for [`equal`](Self::equal).
    ///
    /// # Errors
    /// The shapes do not broadcast.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 2], Chunks::auto())?;
    /// assert_eq!(x.eq(2)?.compute()?, ndarray::arr1(&[false, true]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn eq(&self, other: impl Operand<T>) -> Result<Array<bool>> {
        self.equal(other)
    }

    /// Whether elements differ; short for [`not_equal`](Self::not_equal).
    ///
    /// # Errors
    /// The shapes do not broadcast.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 2], Chunks::auto())?;
    /// assert_eq!(x.ne(2)?.compute()?, ndarray::arr1(&[true, false]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn ne(&self, other: impl Operand<T>) -> Result<Array<bool>> {
        self.not_equal(other)
    }
}

impl<T: Real> Array<T> {
    /// Whether elements are less; short for [`less`](Self::less).
    ///
    /// # Errors
    /// The shapes do not broadcast.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 2, 3], Chunks::auto())?;
    /// assert_eq!(x.lt(2)?.compute()?, ndarray::arr1(&[true, false, false]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn lt(&self, other: impl Operand<T>) -> Result<Array<bool>> {
        self.less(other)
    }

    /// Whether elements are less or equal; short for [`less_equal`](Self::less_equal).
    ///
    /// # Errors
    /// The shapes do not broadcast.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 2, 3], Chunks::auto())?;
    /// assert_eq!(x.le(2)?.compute()?, ndarray::arr1(&[true, true, false]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn le(&self, other: impl Operand<T>) -> Result<Array<bool>> {
        self.less_equal(other)
    }

    /// Whether elements are greater; short for [`greater`](Self::greater).
    ///
    /// # Errors
    /// The shapes do not broadcast.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 2, 3], Chunks::auto())?;
    /// assert_eq!(x.gt(2)?.compute()?, ndarray::arr1(&[false, false, true]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn gt(&self, other: impl Operand<T>) -> Result<Array<bool>> {
        self.greater(other)
    }

    /// Whether elements are greater or equal; short for [`greater_equal`](Self::greater_equal).
    ///
    /// # Errors
    /// The shapes do not broadcast.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 2, 3], Chunks::auto())?;
    /// assert_eq!(x.ge(2)?.compute()?, ndarray::arr1(&[false, true, true]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn ge(&self, other: impl Operand<T>) -> Result<Array<bool>> {
        self.greater_equal(other)
    }
}

impl<T: Number> Array<T> {
    /// The elements to an integer power; exact powers of floats are products.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.0, 2.0, 3.0], Chunks::auto())?;
    /// assert_eq!(x.powi(2).compute()?, ndarray::arr1(&[1.0, 4.0, 9.0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn powi(&self, exponent: i32) -> Array<T> {
        let x = self.as_dyn();
        let power = match exponent {
            2 => apply(ElemOp::Square, &[x]),
            _ => {
                let exponent = DynArray::scalar_of(Scalar::I32(exponent).cast(x.dtype()));
                apply(ElemOp::Power, &[x, &exponent])
            }
        };
        // Numbers have powers, and a 0-d exponent broadcasts with any shape.
        Array::wrap(power.unwrap_or_else(|error| unreachable!("{error}")))
    }
}

/// Makes the methods of arrays from the rows of the op table: `DynArray` methods that return a `Result`, and typed ones
/// whose bound is the operation's domain, which therefore cannot fail for one operand.
macro_rules! define_methods {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:ident $args:tt [$($alias:literal),*]
        $domain:ident -> $result:ident { $($class:ident $level:ident: $value:expr;)+ })+) => {
        impl DynArray {
            $(dyn_method! { [$(#[doc = $doc])+ $(#[doc(alias = $alias)])*] $variant $name $args })+
        }
        $(with_bounds! { typed_method $domain $result [$(#[doc = $doc])+ $(#[doc(alias = $alias)])*] $variant $name $args })+
    };
}

/// The method of `DynArray` for a row. The choice by a condition is the function [`where_`].
macro_rules! dyn_method {
    ([$($doc:tt)*] Select $name:ident $args:tt) => {};
    ([$($doc:tt)*] $variant:ident $name:ident ($x:ident)) => {
        $($doc)*
        ///
        /// Examples of all of its kind: [functions of single elements](crate::array#functions-of-single-elements).
        ///
        /// # Errors
        /// There is no such operation for the element type.
        pub fn $name(&self) -> Result<Self> {
            apply(ElemOp::$variant, &[self])
        }
    };
    ([$($doc:tt)*] $variant:ident $name:ident ($x:ident, $y:ident)) => {
        $($doc)*
        ///
        /// Examples of all of its kind: [functions of single elements](crate::array#functions-of-single-elements).
        ///
        /// # Errors
        /// The shapes do not broadcast, or there is no such operation for the element types.
        pub fn $name(&self, other: &DynArray) -> Result<Self> {
            apply(ElemOp::$variant, &[self, other])
        }
    };
    ([$($doc:tt)*] $variant:ident $name:ident ($x:ident, $y:ident, $z:ident)) => {
        $($doc)*
        ///
        /// Examples of all of its kind: [functions of single elements](crate::array#functions-of-single-elements).
        ///
        /// # Errors
        /// The shapes do not broadcast, or there is no such operation for the element types.
        pub fn $name(&self, second: &DynArray, third: &DynArray) -> Result<Self> {
            apply(ElemOp::$variant, &[self, second, third])
        }
    };
}

/// The method of `Array` for a row.
macro_rules! typed_method {
    ($bound:ident ($out:ty) [$($doc:tt)*] $variant:ident $name:ident ($x:ident)) => {
        impl<T: $bound> Array<T> {
            $($doc)*
            ///
            /// Examples of all of its kind: [functions of single elements](crate::array#functions-of-single-elements).
            pub fn $name(&self) -> Array<$out> {
                // The bound on `T` admits exactly the types that the operation has loops for.
                Array::wrap(self.as_dyn().$name().unwrap_or_else(|error| unreachable!("{error}")))
            }
        }
    };
    ($bound:ident ($out:ty) [$($doc:tt)*] $variant:ident $name:ident ($x:ident, $y:ident)) => {
        impl<T: $bound> Array<T> {
            $($doc)*
            ///
            /// The other operand is a value or an array that broadcasts. Examples of all of its kind: [functions of single
            /// elements](crate::array#functions-of-single-elements).
            ///
            /// # Errors
            /// The shapes do not broadcast.
            pub fn $name(&self, other: impl Operand<T>) -> Result<Array<$out>> {
                Array::try_wrap(self.as_dyn().$name(&other.into_operand()))
            }
        }
    };
    ($bound:ident ($out:ty) [$($doc:tt)*] $variant:ident $name:ident ($x:ident, $y:ident, $z:ident)) => {
        impl<T: $bound> Array<T> {
            $($doc)*
            ///
            /// The other operands are values or arrays that broadcast. Examples of all of its kind: [functions of single
            /// elements](crate::array#functions-of-single-elements).
            ///
            /// # Errors
            /// The shapes do not broadcast.
            pub fn $name(&self, second: impl Operand<T>, third: impl Operand<T>) -> Result<Array<$out>> {
                Array::try_wrap(self.as_dyn().$name(&second.into_operand(), &third.into_operand()))
            }
        }
    };
}

for_each_elementwise!(define_methods);
