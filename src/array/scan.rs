//! Running sums, products, maxima and minima.

use super::{Array, DynArray};
use crate::chunks::select::normalize_axis;
use crate::element::{Element, Real};
use crate::error::Result;
use crate::graph::ops::{ScanOp, kind_name};
use crate::kernels::ScanKind;

impl DynArray {
    fn scan(&self, kind: ScanKind, axis: isize) -> Result<Self> {
        self.scan_by(kind, axis, false)
    }

    fn scan_by(&self, kind: ScanKind, axis: isize, skips_nan: bool) -> Result<Self> {
        let axis = normalize_axis(kind_name(kind), axis, self.ndim())?;
        let dtype = kind.dtype(self.dtype());
        let array = self.to_dense();
        let meta = array.meta().clone().with_dtype(dtype);
        Ok(DynArray::build(ScanOp { kind, axis, skips_nan }, &[&array], meta))
    }

    /// See [`Array::cumsum`].
    pub fn cumsum(&self, axis: isize) -> Result<Self> {
        self.scan(ScanKind::Sum, axis)
    }

    /// See [`Array::cumprod`].
    pub fn cumprod(&self, axis: isize) -> Result<Self> {
        self.scan(ScanKind::Prod, axis)
    }

    /// See [`Array::nancumsum`].
    pub fn nancumsum(&self, axis: isize) -> Result<Self> {
        self.scan_by(ScanKind::Sum, axis, true)
    }

    /// See [`Array::nancumprod`].
    pub fn nancumprod(&self, axis: isize) -> Result<Self> {
        self.scan_by(ScanKind::Prod, axis, true)
    }
}

impl<T: Element> Array<T> {
    /// The running sum along an axis.
    ///
    /// # Chunks
    /// Unchanged. Blocks along the axis run in parallel: their totals are added up first.
    ///
    /// # Errors
    /// The axis is out of range.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 2, 3, 4], Chunks::size(3))?;
    /// assert_eq!(x.cumsum(0)?.compute()?, ndarray::arr1(&[1i64, 3, 6, 10]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn cumsum(&self, axis: isize) -> Result<Array<T::Sum>> {
        Array::try_wrap(self.as_dyn().cumsum(axis))
    }

    /// The running product along an axis; see [`cumsum`](Self::cumsum).
    ///
    /// # Errors
    /// The axis is out of range.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 2, 3, 4], Chunks::size(3))?;
    /// assert_eq!(x.cumprod(0)?.compute()?, ndarray::arr1(&[1i64, 2, 6, 24]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn cumprod(&self, axis: isize) -> Result<Array<T::Sum>> {
        Array::try_wrap(self.as_dyn().cumprod(axis))
    }

    /// The running sum along an axis, in which NaN counts as 0.
    ///
    /// # Errors
    /// The axis is out of range.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.0f64, f64::NAN, 3.0], Chunks::size(2))?;
    /// assert_eq!(x.nancumsum(0)?.compute()?, ndarray::arr1(&[1.0, 1.0, 4.0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn nancumsum(&self, axis: isize) -> Result<Array<T::Sum>> {
        Array::try_wrap(self.as_dyn().nancumsum(axis))
    }

    /// The running product along an axis, in which NaN counts as 1.
    ///
    /// # Errors
    /// The axis is out of range.
    pub fn nancumprod(&self, axis: isize) -> Result<Array<T::Sum>> {
        Array::try_wrap(self.as_dyn().nancumprod(axis))
    }
}

impl<T: Real> Array<T> {
    /// The running maximum along an axis; NaN from its first occurrence on.
    ///
    /// # Errors
    /// The axis is out of range.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 3, 2, 4], Chunks::size(3))?;
    /// assert_eq!(x.cummax(0)?.compute()?, ndarray::arr1(&[1, 3, 3, 4]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn cummax(&self, axis: isize) -> Result<Array<T>> {
        Array::try_wrap(self.as_dyn().scan(ScanKind::Max, axis))
    }

    /// The running minimum along an axis; NaN from its first occurrence on.
    ///
    /// # Errors
    /// The axis is out of range.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![3, 4, 2, 5], Chunks::size(3))?;
    /// assert_eq!(x.cummin(0)?.compute()?, ndarray::arr1(&[3, 3, 2, 2]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn cummin(&self, axis: isize) -> Result<Array<T>> {
        Array::try_wrap(self.as_dyn().scan(ScanKind::Min, axis))
    }
}
