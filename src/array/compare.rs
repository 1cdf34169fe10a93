//! Whole arrays compared: `isclose`, `allclose`, `array_equal`.

use super::elementwise::{Operand, apply, binary, select};
use super::reduce::Reduce;
use super::{Array, DynArray};
use crate::element::{DType, Element, Scalar, promote};
use crate::error::Result;
use crate::kernels::{ElemOp, Reduction};

/// How far apart two numbers may be and still count as close: `|a - b| <= atol + rtol * |b|`.
///
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::from_vec(vec![1.0, 2.0], Chunks::auto())?;
/// assert!(x.allclose(&(&x + 0.01), Tolerance::new().atol(0.1))?.scalar()?);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    rtol: f64,
    atol: f64,
    equal_nan: bool,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { rtol: 1e-5, atol: 1e-8, equal_nan: false }
    }
}

impl Tolerance {
    /// NumPy's: a hundred-thousandth of the number, or a hundred-millionth; NaN is close to nothing.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Tolerance::new(), Tolerance::new().rtol(1e-5).atol(1e-8));
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// The part of the second number that the difference may be.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![100.0], Chunks::auto())?;
    /// assert!(x.allclose(101.0, Tolerance::new().rtol(0.02))?.scalar()?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn rtol(mut self, rtol: f64) -> Self {
        self.rtol = rtol;
        self
    }

    /// What the difference may be in any case.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![100.0], Chunks::auto())?;
    /// assert!(x.allclose(101.0, Tolerance::new().atol(2.0))?.scalar()?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn atol(mut self, atol: f64) -> Self {
        self.atol = atol;
        self
    }

    /// NaN is close to NaN.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![f64::NAN], Chunks::auto())?;
    /// assert!(x.allclose(&x, Tolerance::new().equal_nan())?.scalar()?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn equal_nan(mut self) -> Self {
        self.equal_nan = true;
        self
    }
}

impl DynArray {
    /// See [`Array::isclose`].
    pub fn isclose(&self, other: &DynArray, tolerance: Tolerance) -> Result<Array<bool>> {
        let dtype = promote(promote(self.dtype(), other.dtype()), DType::F32).mean();
        let (a, b) = (self.astype(dtype), other.astype(dtype));
        let number = |x: f64| DynArray::scalar_of(Scalar::F64(x).cast(dtype.real()));
        let distance =
            apply(ElemOp::Absolute, &[&binary(ElemOp::Subtract, &a, &b).map_err(|error| error.of_op("isclose"))?])?;
        let part = binary(ElemOp::Multiply, &apply(ElemOp::Absolute, &[&b])?, &number(tolerance.rtol))?;
        let allowed = binary(ElemOp::Add, &part, &number(tolerance.atol))?;
        let near = binary(ElemOp::LessEqual, &distance, &allowed)?;
        // An infinite number is close to itself alone, whatever is allowed.
        let near = binary(ElemOp::LogicalAnd, &near, &apply(ElemOp::Isfinite, &[&b])?)?;
        let mut close = binary(ElemOp::LogicalOr, &near, &binary(ElemOp::Equal, &a, &b)?)?;
        if tolerance.equal_nan {
            let both = binary(ElemOp::LogicalAnd, &apply(ElemOp::Isnan, &[&a])?, &apply(ElemOp::Isnan, &[&b])?)?;
            close = binary(ElemOp::LogicalOr, &close, &both)?;
        }
        Ok(Array::wrap(close))
    }

    /// See [`Array::allclose`].
    pub fn allclose(&self, other: &DynArray, tolerance: Tolerance) -> Result<Array<bool>> {
        Ok(self.isclose(other, tolerance).map_err(|error| error.of_op("allclose"))?.all())
    }

    /// See [`Array::array_equal`].
    pub fn array_equal(&self, other: &DynArray) -> Result<Array<bool>> {
        let differ = |(a, b): (&crate::chunks::Extent, &crate::chunks::Extent)| a.is_known() && b.is_known() && a != b;
        let (shape, other_shape) = (self.shape(), other.shape());
        if shape.len() != other_shape.len() || shape.iter().zip(&other_shape).any(differ) {
            return Ok(Array::from_scalar(false));
        }
        let equal = binary(ElemOp::Equal, self, other)?;
        Ok(Array::wrap(equal.reduce(Reduction::All, &Reduce::all())?))
    }

    /// See [`Array::array_equiv`].
    pub fn array_equiv(&self, other: &DynArray) -> Result<Array<bool>> {
        match binary(ElemOp::Equal, self, other) {
            Ok(equal) => Ok(Array::wrap(equal.reduce(Reduction::All, &Reduce::all())?)),
            Err(error) if error.is_shape() => Ok(Array::from_scalar(false)),
            Err(error) => Err(error),
        }
    }

    /// See [`Array::nan_to_num_with`].
    pub fn nan_to_num_with(&self, nan: f64, posinf: f64, neginf: f64) -> Result<Self> {
        if self.dtype().is_integral() {
            return Ok(self.clone());
        }
        let number = |x: f64| DynArray::scalar_of(Scalar::F64(x).cast(self.dtype()));
        let is = |x: f64| binary(ElemOp::Equal, self, &number(x));
        let finite = select(&is(f64::NEG_INFINITY)?, &number(neginf), self)?;
        let finite = select(&is(f64::INFINITY)?, &number(posinf), &finite)?;
        select(&apply(ElemOp::Isnan, &[self])?, &number(nan), &finite)
    }
}

impl<T: Element> Array<T> {
    /// Whether each element is close to that of another array, which broadcasts.
    ///
    /// # Errors
    /// The shapes do not broadcast.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.0, f64::INFINITY, f64::NAN], Chunks::size(2))?;
    /// let y = Array::from_vec(vec![1.0 + 1e-9, f64::INFINITY, f64::NAN], Chunks::auto())?;
    /// let close = x.isclose(&y, Tolerance::new())?;
    /// assert_eq!(close.compute()?, ndarray::arr1(&[true, true, false]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn isclose(&self, other: impl Operand<T>, tolerance: Tolerance) -> Result<Array<bool>> {
        self.as_dyn().isclose(&other.into_operand(), tolerance)
    }

    /// Whether all elements are close to those of another array; see [`isclose`](Self::isclose).
    ///
    /// # Errors
    /// The shapes do not broadcast.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![0.1 + 0.2, 1.0], Chunks::auto())?;
    /// let y = Array::from_vec(vec![0.3, 1.0], Chunks::auto())?;
    /// assert!(x.allclose(&y, Tolerance::new())?.scalar()? && !x.array_equal(&y)?.scalar()?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn allclose(&self, other: impl Operand<T>, tolerance: Tolerance) -> Result<Array<bool>> {
        self.as_dyn().allclose(&other.into_operand(), tolerance)
    }

    /// Whether two arrays have one shape and equal elements. NaN equals nothing.
    ///
    /// # Errors
    /// Lengths are unknown, and not known to be equal.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 2], Chunks::auto())?;
    /// assert!(x.array_equal(&x)?.scalar()?);
    /// assert!(!x.array_equal(&x.append(&x, 0)?)?.scalar()?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn array_equal(&self, other: &Array<T>) -> Result<Array<bool>> {
        self.as_dyn().array_equal(other.as_dyn())
    }

    /// Whether two arrays broadcast to equal elements.
    ///
    /// # Errors
    /// Lengths are unknown, and not known to be equal.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let (x, y) = (Array::<i64>::ones([2, 3], Chunks::auto())?, Array::<i64>::ones([3], Chunks::auto())?);
    /// assert!(x.array_equiv(&y)?.scalar()? && !x.array_equal(&y)?.scalar()?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn array_equiv(&self, other: &Array<T>) -> Result<Array<bool>> {
        self.as_dyn().array_equiv(other.as_dyn())
    }

    /// The elements with other numbers for NaN and the infinities; see [`nan_to_num`](Self::nan_to_num).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.0, f64::NAN, f64::NEG_INFINITY], Chunks::auto())?;
    /// assert_eq!(x.nan_to_num_with(0.0, 9.0, -9.0)?.compute()?, ndarray::arr1(&[1.0, 0.0, -9.0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    ///
    /// # Errors
    /// None for real numbers.
    pub fn nan_to_num_with(&self, nan: f64, posinf: f64, neginf: f64) -> Result<Self> {
        Self::try_wrap(self.as_dyn().nan_to_num_with(nan, posinf, neginf))
    }
}
