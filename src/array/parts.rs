//! Functions of single elements with two results: `divmod`, `modf`, `frexp`.

use super::elementwise::{Operand, apply, binary, select};
use super::{Array, DynArray};
use crate::element::{DType, Real, Scalar};
use crate::error::{Error, Result};
use crate::kernels::ElemOp;
use crate::kernels::named::{Exponent, Mantissa};

impl DynArray {
    /// See [`Array::divmod`].
    pub fn divmod(&self, other: &DynArray) -> Result<(Self, Self)> {
        Ok((binary(ElemOp::FloorDivide, self, other)?, binary(ElemOp::Remainder, self, other)?))
    }

    /// See [`Array::modf`].
    pub fn modf(&self) -> Result<(Self, Self)> {
        if self.dtype().is_complex() {
            return Err(Error::dtype("modf", "a complex number has no whole part"));
        }
        let x = self.astype(self.dtype().mean());
        let whole = apply(ElemOp::Trunc, &[&x])?;
        // An infinity has no fraction, and fractions keep their sign: -0.0 of -3.0.
        let zero = DynArray::scalar_of(Scalar::zero(x.dtype()));
        let rest = select(&apply(ElemOp::Isinf, &[&x])?, &zero, &binary(ElemOp::Subtract, &x, &whole)?)?;
        Ok((binary(ElemOp::Copysign, &rest, &x)?, whole))
    }

    /// See [`Array::frexp`].
    pub fn frexp(&self) -> Result<(Self, Array<i32>)> {
        if self.dtype().is_complex() {
            return Err(Error::dtype("frexp", "a complex number has no exponent"));
        }
        let x = self.astype(self.dtype().mean()).to_dense();
        let same: Vec<Option<usize>> = (0..x.ndim()).map(Some).collect();
        let mantissa = Self::map_kernel("frexp", &Mantissa, &[(&x, same.clone())], x.meta().clone())?;
        let meta = x.meta().clone().with_dtype(DType::I32);
        let exponent = Self::map_kernel("frexp", &Exponent, &[(&x, same)], meta)?;
        Ok((mantissa, Array::wrap(exponent)))
    }
}

impl<T: Real> Array<T> {
    /// The quotient rounded down, and the remainder with the sign of the divisor.
    ///
    /// # Errors
    /// The shapes do not broadcast.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![7i64, -7], Chunks::auto())?;
    /// let (quotient, rest) = x.divmod(2)?;
    /// assert_eq!(quotient.compute()?, ndarray::arr1(&[3, -4]).into_dyn());
    /// assert_eq!(rest.compute()?, ndarray::arr1(&[1, 1]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn divmod(&self, other: impl Operand<T>) -> Result<(Array<T::Widened>, Array<T::Widened>)> {
        let (quotient, rest) = self.as_dyn().divmod(&other.into_operand())?;
        Ok((Array::wrap(quotient), Array::wrap(rest)))
    }

    /// The fraction and the whole part, both with the sign of the number.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![2.5f64, -0.25], Chunks::auto())?;
    /// let (fraction, whole) = x.modf();
    /// assert_eq!(fraction.compute()?, ndarray::arr1(&[0.5, -0.25]).into_dyn());
    /// assert_eq!(whole.compute()?, ndarray::arr1(&[2.0, -0.0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn modf(&self) -> (Array<T::Mean>, Array<T::Mean>) {
        // Real numbers have a whole part.
        let (fraction, whole) = self.as_dyn().modf().unwrap_or_else(|error| unreachable!("{error}"));
        (Array::wrap(fraction), Array::wrap(whole))
    }

    /// The mantissa `m`, with `0.5 <= |m| < 1`, and the exponent `e` of `x = m * 2^e`; zeros, infinities and NaN have
    /// exponent 0.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![8.0f64, -0.75, 0.0], Chunks::auto())?;
    /// let (mantissa, exponent) = x.frexp()?;
    /// assert_eq!(mantissa.compute()?, ndarray::arr1(&[0.5, -0.75, 0.0]).into_dyn());
    /// assert_eq!(exponent.compute()?, ndarray::arr1(&[4, 0, 0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    ///
    /// # Errors
    /// None for real numbers.
    pub fn frexp(&self) -> Result<(Array<T::Mean>, Array<i32>)> {
        let (mantissa, exponent) = self.as_dyn().frexp()?;
        Ok((Array::wrap(mantissa), exponent))
    }
}
