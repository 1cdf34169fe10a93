//! Numbers about samples: weighted means, ranges, covariances.

use super::elementwise::{apply, binary};
use super::reduce::Reduce;
use super::{Array, DynArray};
use crate::element::{DType, Element, Number, Scalar, promote};
use crate::error::{Error, Result};
use crate::kernels::{ElemOp, Reduction};

impl DynArray {
    /// See [`Array::ptp_with`].
    pub fn ptp_with(&self, options: &Reduce) -> Result<Self> {
        let high = self.reduce(Reduction::Max, options).map_err(|error| error.of_op("ptp"))?;
        binary(ElemOp::Subtract, &high, &self.reduce(Reduction::Min, options)?)
    }

    /// See [`Array::average`].
    pub fn average(&self, weights: &DynArray, options: &Reduce) -> Result<Self> {
        let axes = options.sorted_axes("average", self.ndim())?;
        let spread = self.weights_along("average", weights, &axes)?;
        let dtype = promote(self.dtype(), weights.dtype()).mean();
        let spread = spread.astype(dtype);
        let total = binary(ElemOp::Multiply, &self.astype(dtype), &spread)?.reduce(Reduction::Sum, options)?;
        let weight = spread.broadcast_like(self)?.reduce(Reduction::Sum, options)?;
        binary(ElemOp::Divide, &total, &weight)
    }

    /// Weights with the axes of this array: they have its shape, or are a list along the one reduced axis.
    fn weights_along(&self, op: &'static str, weights: &DynArray, axes: &[usize]) -> Result<Self> {
        if weights.shape() == self.shape() {
            return Ok(weights.clone());
        }
        match axes {
            [axis] if weights.ndim() == 1 && weights.shape()[0] == self.shape()[*axis] => {
                Ok(weights.view((0..self.ndim()).map(|a| (a == *axis).then_some(0)).collect()))
            }
            _ => {
                let shapes = [self.grid().shape_text(), weights.grid().shape_text()];
                let detail =
                    format!("elements of shape {} have weights of shape {} for axes {axes:?}", shapes[0], shapes[1]);
                Err(Error::shape(op, detail).with_remedy("give weights of the same shape, or a list along one axis"))
            }
        }
    }

    /// See [`Array::moment_with`].
    pub fn moment_with(&self, order: u32, options: &Reduce) -> Result<Self> {
        const OP: &str = "moment";
        let axes = options.sorted_axes(OP, self.ndim())?;
        let x = self.astype(self.dtype().mean());
        let kept = options.clone().ddof(0.0).keepdims();
        let mean = x.reduce(Reduction::Mean, &kept).map_err(|error| error.of_op(OP))?;
        let powers = match order {
            // The first two are what they are by definition, without rounding.
            0 => x.ones_like(),
            1 => binary(ElemOp::Multiply, &x, &DynArray::scalar_of(Scalar::zero(x.dtype())))?,
            _ => {
                let order = DynArray::scalar_of(Scalar::F64(f64::from(order)).cast(x.dtype()));
                binary(ElemOp::Power, &binary(ElemOp::Subtract, &x, &mean)?, &order)?
            }
        };
        if options.ddof == 0.0 || order < 2 {
            return powers.reduce(Reduction::Mean, options);
        }
        let n = axes.iter().try_fold(1.0, |n, &axis| Ok::<f64, Error>(n * self.known_len(OP, axis)? as f64))?;
        let divisor = DynArray::scalar_of(Scalar::F64((n - options.ddof).max(0.0)).cast(x.dtype()));
        binary(ElemOp::Divide, &powers.reduce(Reduction::Sum, options)?, &divisor)
    }

    /// See [`Array::cov`].
    pub fn cov(&self, ddof: f64) -> Result<Self> {
        Ok(self.covariances(ddof)?.number_of_one_variable())
    }

    /// A table of one row and column as a number.
    fn number_of_one_variable(&self) -> Self {
        if self.grid().known_shape().is_some_and(|shape| shape == [1, 1]) { self.squeeze() } else { self.clone() }
    }

    fn covariances(&self, ddof: f64) -> Result<Self> {
        let rows = self.atleast_2d();
        if rows.ndim() > 2 {
            let detail = format!("an array of {} axes is no table", self.ndim());
            return Err(Error::shape("cov", detail).with_remedy("give variables as rows, observations as columns"));
        }
        let n = rows.known_len("cov", 1)? as f64;
        let rows = rows.astype(self.dtype().mean());
        let mean = rows.reduce(Reduction::Mean, &Reduce::one(1).keepdims())?;
        let centred = binary(ElemOp::Subtract, &rows, &mean)?;
        let mut other = centred.transpose();
        if self.dtype().is_complex() {
            other = apply(ElemOp::Conj, &[&other])?;
        }
        let divisor = DynArray::scalar_of(Scalar::F64((n - ddof).max(0.0)).cast(rows.dtype().real()));
        binary(ElemOp::Divide, &centred.dot(&other)?, &divisor)
    }

    /// See [`Array::corrcoef`].
    pub fn corrcoef(&self) -> Result<Self> {
        let cov = self.covariances(0.0)?;
        let spread = apply(ElemOp::Sqrt, &[&cov.diagonal(0, [0, 1])?.real()?])?;
        let by_row = binary(ElemOp::Divide, &cov, &spread.expand_dims(1)?)?;
        Ok(binary(ElemOp::Divide, &by_row, &spread)?.number_of_one_variable())
    }

    /// See [`Array::round`].
    pub fn round(&self, decimals: i32) -> Result<Self> {
        let dtype = self.dtype();
        if dtype.is_integral() && decimals >= 0 {
            // NumPy rounds `bool` to a float; here it stays what it is.
            return Ok(self.clone());
        }
        // Beyond these, nothing is left to round, or nothing but zero is left.
        let limit = if dtype.spread() == DType::F32 { 38 } else { 308 };
        if decimals > limit {
            return Ok(self.clone());
        }
        if decimals < -limit {
            return binary(ElemOp::Multiply, self, &self.zeros_like());
        }
        let scale = DynArray::scalar_of(Scalar::F64(10f64.powi(decimals.abs())).cast(dtype.spread()));
        let (to, back) =
            if decimals >= 0 { (ElemOp::Multiply, ElemOp::Divide) } else { (ElemOp::Divide, ElemOp::Multiply) };
        let whole = if decimals == 0 {
            apply(ElemOp::Rint, &[self])?
        } else {
            binary(back, &apply(ElemOp::Rint, &[&binary(to, self, &scale)?])?, &scale)?
        };
        Ok(whole.astype(dtype))
    }
}

impl<T: Number> Array<T> {
    /// The difference of the largest and the smallest element ("peak to peak").
    ///
    /// # Errors
    /// There are no elements, or they are complex.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[1, 9], [3, 2]]), Chunks::size(1))?;
    /// assert_eq!(x.ptp()?.scalar()?, 8);
    /// assert_eq!(x.ptp_axis(1)?.compute()?, ndarray::arr1(&[8, 1]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn ptp(&self) -> Result<Self> {
        self.ptp_with(Reduce::all())
    }

    /// [`ptp`](Self::ptp) along one axis.
    ///
    /// # Errors
    /// The axis is out of range, or as for [`ptp`](Self::ptp).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[1, 9], [3, 2]]), Chunks::size(1))?;
    /// assert_eq!(x.ptp_axis(0)?.compute()?, ndarray::arr1(&[2, 7]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn ptp_axis(&self, axis: isize) -> Result<Self> {
        self.ptp_with(Reduce::one(axis))
    }

    /// [`ptp`](Self::ptp) with [`Reduce`] options.
    ///
    /// # Errors
    /// An axis is out of range or named twice, or as for [`ptp`](Self::ptp).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[1, 9], [3, 2]]), Chunks::size(1))?;
    /// assert_eq!(x.ptp_with(Reduce::axes([1]).keepdims())?.compute()?, ndarray::arr2(&[[8], [1]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn ptp_with(&self, options: Reduce) -> Result<Self> {
        Self::try_wrap(self.as_dyn().ptp_with(&options))
    }

    /// The elements rounded to a number of decimals, halves to the even digit; negative numbers round to tens, hundreds
    /// and so on.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.25, 2.5, -0.76], Chunks::auto())?;
    /// assert_eq!(x.round(1).compute()?, ndarray::arr1(&[1.2, 2.5, -0.8]).into_dyn());
    /// assert_eq!(x.round(0).compute()?, ndarray::arr1(&[1.0, 2.0, -1.0]).into_dyn());
    /// let n = Array::from_vec(vec![14, 15, 25], Chunks::auto())?;
    /// assert_eq!(n.round(-1).compute()?, ndarray::arr1(&[10, 20, 20]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "around")]
    pub fn round(&self, decimals: i32) -> Self {
        // Every number can be scaled and rounded.
        Self::wrap(self.as_dyn().round(decimals).unwrap_or_else(|error| unreachable!("{error}")))
    }
}

impl<T: Element> Array<T> {
    /// The mean of weighted elements: the sum of products over the sum of weights.
    ///
    /// Weights have the shape of the array, or are a list along the one axis that is reduced.
    ///
    /// # Errors
    /// The weights do not fit, or an axis is out of range or named twice.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0]]), Chunks::size(1))?;
    /// let weights = Array::from_vec(vec![3.0, 1.0], Chunks::auto())?;
    /// assert_eq!(x.average(&weights, Reduce::axes([0]))?.compute()?, ndarray::arr1(&[1.5, 2.5]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn average(&self, weights: &Array<T>, options: Reduce) -> Result<Array<T::Mean>> {
        Array::try_wrap(self.as_dyn().average(weights.as_dyn(), &options))
    }

    /// The central moment of some order: the mean of `(x - mean)^order`, over all elements. The second one is the variance.
    ///
    /// # Errors
    /// A length is unknown and `ddof` is not 0; an axis is out of range.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::from_vec(vec![1.0, 2.0, 6.0], Chunks::size(2))?;
    /// let third: f64 = x.moment_with(3, Reduce::all())?.scalar()?;
    /// assert_eq!(third, (-8.0 - 1.0 + 27.0) / 3.0);
    /// let second: f64 = x.moment_with(2, Reduce::all().ddof(1.0))?.scalar()?;
    /// assert_eq!(second, x.var_with(Reduce::all().ddof(1.0))?.scalar()?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn moment_with(&self, order: u32, options: Reduce) -> Result<Array<T::Mean>> {
        Array::try_wrap(self.as_dyn().moment_with(order, &options))
    }

    /// The covariances of variables, which are rows; a 1-d array is one variable and gives its variance.
    ///
    /// Sums are divided by `n - ddof`: NumPy's default is 1.
    ///
    /// # Errors
    /// There are more than two axes, or the number of observations is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]), Chunks::size(2))?;
    /// assert_eq!(x.cov(1.0)?.compute()?, ndarray::arr2(&[[1.0, -1.0], [-1.0, 1.0]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn cov(&self, ddof: f64) -> Result<Array<T::Mean>> {
        Array::try_wrap(self.as_dyn().cov(ddof))
    }

    /// The correlations of variables, which are rows.
    ///
    /// # Errors
    /// As [`cov`](Self::cov).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[0.0, 2.0], [3.0, 1.0]]), Chunks::size(2))?;
    /// assert_eq!(x.corrcoef()?.compute()?, ndarray::arr2(&[[1.0, -1.0], [-1.0, 1.0]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn corrcoef(&self) -> Result<Array<T::Mean>> {
        Array::try_wrap(self.as_dyn().corrcoef())
    }
}
