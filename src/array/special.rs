//! Elementwise functions that are made of a few others: `sinc`, `spacing`, `ldexp`, `float_power`, kinds of infinities.

use super::elementwise::{Operand, apply, binary, select};
use super::{Array, DynArray};
use crate::block::ArrayMeta;
use crate::element::{DType, Element, Float, Real, Scalar, promote};
use crate::error::{Error, Result};
use crate::kernels::ElemOp;
use crate::kernels::named::Scale;

impl DynArray {
    /// See [`Array::sinc`].
    pub fn sinc(&self) -> Result<Self> {
        let x = self.astype(self.dtype().mean());
        let number = |value: f64| DynArray::scalar_of(Scalar::F64(value).cast(x.dtype()));
        // At zero the limit is 1: so near to it the quotient is exactly that.
        let is_zero = binary(ElemOp::Equal, &x, &number(0.0))?;
        let angle = binary(ElemOp::Multiply, &select(&is_zero, &number(1e-20), &x)?, &number(std::f64::consts::PI))?;
        binary(ElemOp::Divide, &apply(ElemOp::Sin, &[&angle])?, &angle)
    }

    /// See [`Array::spacing`].
    pub fn spacing(&self) -> Result<Self> {
        if self.dtype().is_complex() {
            return Err(Error::dtype("spacing", "complex numbers have no next number").with_remedy("use their parts"));
        }
        let x = self.astype(self.dtype().mean());
        let size = apply(ElemOp::Absolute, &[&x])?;
        let infinity = DynArray::scalar_of(Scalar::F64(f64::INFINITY).cast(x.dtype()));
        let gap = binary(ElemOp::Subtract, &binary(ElemOp::Nextafter, &size, &infinity)?, &size)?;
        // Towards the greater magnitude; both zeros have the smallest positive number beside them.
        let zero = DynArray::scalar_of(Scalar::zero(x.dtype()));
        select(&binary(ElemOp::Less, &x, &zero)?, &apply(ElemOp::Negative, &[&gap])?, &gap)
    }

    /// See [`Array::ldexp`].
    pub fn ldexp(&self, exponents: &DynArray) -> Result<Self> {
        const OP: &str = "ldexp";
        if self.dtype().is_complex() || !exponents.dtype().is_integral() {
            let detail = format!("{} is scaled by powers of {}", self.dtype(), exponents.dtype());
            return Err(Error::dtype(OP, detail).with_remedy("give real numbers and integers"));
        }
        let (x, n) = (self.astype(self.dtype().mean()).to_dense(), exponents.astype(DType::I64).to_dense());
        let inputs = DynArray::broadcast_arrays(&[&x, &n]).map_err(|error| error.of_op(OP))?;
        let meta = ArrayMeta::dense(inputs[0].dtype(), inputs[0].grid().clone());
        let same: Vec<Option<usize>> = (0..meta.grid.ndim()).map(Some).collect();
        Self::map_kernel(OP, &Scale, &[(&inputs[0], same.clone()), (&inputs[1], same)], meta)
    }

    /// See [`Array::float_power`].
    pub fn float_power(&self, other: &DynArray) -> Result<Self> {
        let is_complex = promote(self.dtype(), other.dtype()).is_complex();
        let dtype = if is_complex { DType::C64 } else { DType::F64 };
        binary(ElemOp::Power, &self.astype(dtype), &other.astype(dtype)).map_err(|error| error.of_op("float_power"))
    }

    /// See [`Array::isposinf`].
    pub fn isposinf(&self) -> Result<Array<bool>> {
        self.is_infinity("isposinf", f64::INFINITY)
    }

    /// See [`Array::isneginf`].
    pub fn isneginf(&self) -> Result<Array<bool>> {
        self.is_infinity("isneginf", f64::NEG_INFINITY)
    }

    fn is_infinity(&self, op: &'static str, which: f64) -> Result<Array<bool>> {
        if self.dtype().is_complex() {
            return Err(Error::dtype(op, "infinite complex numbers have no sign").with_remedy("use their parts"));
        }
        let x = self.astype(self.dtype().mean());
        let infinity = DynArray::scalar_of(Scalar::F64(which).cast(x.dtype()));
        binary(ElemOp::Equal, &x, &infinity).map(Array::wrap)
    }

    /// See [`Array::isreal`].
    pub fn isreal(&self) -> Result<Array<bool>> {
        let imag = apply(ElemOp::Imag, &[self])?;
        binary(ElemOp::Equal, &imag, &DynArray::scalar_of(Scalar::zero(imag.dtype()))).map(Array::wrap)
    }

    /// See [`Array::iscomplex`].
    pub fn iscomplex(&self) -> Result<Array<bool>> {
        let imag = apply(ElemOp::Imag, &[self])?;
        binary(ElemOp::NotEqual, &imag, &DynArray::scalar_of(Scalar::zero(imag.dtype()))).map(Array::wrap)
    }
}

/// What always succeeds for a type that is known when compiling.
const TAKES_THE_TYPE: &str = "the operation takes all types that the bound lets in";

impl<T: Element> Array<T> {
    /// `sin(πx) / πx`, and 1 at 0: the normalized sinc function.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![0.0, 0.5], Chunks::auto())?;
    /// assert_eq!(x.sinc().compute()?, ndarray::arr1(&[1.0, 2.0 / std::f64::consts::PI]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn sinc(&self) -> Array<T::Mean> {
        Array::wrap(self.as_dyn().sinc().expect(TAKES_THE_TYPE))
    }

    /// Whether each number has no imaginary part; true of all real numbers.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f32>::ones([2], Chunks::auto())?;
    /// assert!(x.isreal().all().scalar()? && !x.iscomplex().any().scalar()?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn isreal(&self) -> Array<bool> {
        self.as_dyn().isreal().expect(TAKES_THE_TYPE)
    }

    /// Whether each number has an imaginary part that is not 0.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// use num_complex::Complex;
    /// let x = Array::from_vec(vec![Complex::new(1.0, 0.0), Complex::new(0.0, 1.0)], Chunks::auto())?;
    /// assert_eq!(x.iscomplex().compute()?, ndarray::arr1(&[false, true]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn iscomplex(&self) -> Array<bool> {
        self.as_dyn().iscomplex().expect(TAKES_THE_TYPE)
    }
}

impl<T: Real> Array<T> {
    /// The distance of each number to the next one of greater magnitude, with the number's sign; of zeros the smallest positive
    /// number.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.0, -1.0], Chunks::auto())?;
    /// assert_eq!(x.spacing().compute()?, ndarray::arr1(&[f64::EPSILON, -f64::EPSILON]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn spacing(&self) -> Array<T::Mean> {
        Array::wrap(self.as_dyn().spacing().expect(TAKES_THE_TYPE))
    }

    /// The power `x ^ y`, of whatever numbers as `float64`: integers to negative powers are fractions.
    ///
    /// # Errors
    /// The shapes do not broadcast.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![2i64, 4], Chunks::auto())?;
    /// assert_eq!(x.float_power(-1)?.compute()?, ndarray::arr1(&[0.5, 0.25]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn float_power(&self, other: impl Operand<T>) -> Result<Array<f64>> {
        Array::try_wrap(self.as_dyn().float_power(&other.into_operand()))
    }

    /// Whether each number is positive infinity.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![f64::INFINITY, f64::NEG_INFINITY, 1.0], Chunks::auto())?;
    /// assert_eq!(x.isposinf().compute()?, ndarray::arr1(&[true, false, false]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn isposinf(&self) -> Array<bool> {
        self.as_dyn().isposinf().expect(TAKES_THE_TYPE)
    }

    /// Whether each number is negative infinity.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![f64::INFINITY, f64::NEG_INFINITY, 1.0], Chunks::auto())?;
    /// assert_eq!(x.isneginf().compute()?, ndarray::arr1(&[false, true, false]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn isneginf(&self) -> Array<bool> {
        self.as_dyn().isneginf().expect(TAKES_THE_TYPE)
    }
}

impl<T: Float> Array<T> {
    /// `x * 2^n`, rounded once; [`frexp`](Self::frexp) is the way back.
    ///
    /// # Errors
    /// The shapes do not broadcast.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![0.75, 0.5], Chunks::auto())?;
    /// let n = Array::from_vec(vec![2, -1], Chunks::auto())?;
    /// assert_eq!(x.ldexp(&n)?.compute()?, ndarray::arr1(&[3.0, 0.25]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn ldexp(&self, exponents: impl Operand<i32>) -> Result<Self> {
        Self::try_wrap(self.as_dyn().ldexp(&exponents.into_operand()))
    }
}
