//! Medians, quantiles and percentiles, exact.
//!
//! A quantile needs its elements side by side: reduced axes are merged to one and brought together in one chunk, so that a
//! block holds whole lanes. The other axes keep their chunks, and lanes are sorted in parallel.

use super::reduce::Reduce;
use super::{Array, DynArray};
use crate::block::ArrayMeta;
use crate::chunks::AxisChunks;
use crate::element::Real;
use crate::error::{Error, Result};
use crate::kernels::named::Quantile;
pub use crate::kernels::named::QuantileMethod;

/// Which quantile to take, and how.
struct Asked<'a> {
    op: &'static str,
    q: &'a [f64],
    method: QuantileMethod,
    skips_nan: bool,
}

impl DynArray {
    /// The array with the reduced axes merged to one whole chunk at the end.
    fn lanes(&self, axes: &[usize]) -> Result<Self> {
        let array = self.to_dense();
        let kept = (0..self.ndim()).filter(|axis| !axes.contains(axis));
        let moved = array.view(kept.clone().chain(axes.iter().copied()).map(Some).collect());
        match axes {
            [] => Ok(array.view((0..self.ndim()).map(Some).chain([None]).collect())),
            [_] => moved.joined_along(self.ndim() - 1),
            _ => {
                let shape = self.known_shape()?;
                let merged = axes.iter().map(|&axis| shape[axis]).product::<u64>();
                let lens: Vec<u64> = kept.map(|axis| shape[axis]).chain([merged]).collect();
                let last = lens.len() - 1;
                moved.reshape(lens)?.joined_along(last)
            }
        }
    }

    /// The quantiles along a first axis.
    fn quantiles(&self, asked: &Asked<'_>, options: &Reduce) -> Result<Self> {
        let Asked { op, q, method, skips_nan } = *asked;
        if self.dtype().is_complex() {
            return Err(Error::dtype(op, format!("elements of {} have no order", self.dtype())));
        }
        if let Some(bad) = q.iter().find(|q| !(0.0..=1.0).contains(*q)) {
            return Err(Error::value(op, format!("the quantile {bad} does not lie between 0 and 1")));
        }
        let axes = options.sorted_axes(op, self.ndim())?;
        let lanes = self.lanes(&axes)?;
        let n_kept = lanes.ndim() - 1;
        let first = AxisChunks::whole(q.len() as u64);
        let grid = std::iter::once(first).chain(lanes.grid().axes()[..n_kept].iter().cloned()).collect();
        let dtype = self.dtype().mean();
        let kernel = Quantile { q: q.to_vec(), method, skips_nan, dtype };
        let follows = std::iter::once(None).chain((0..n_kept).map(Some)).collect();
        let found = Self::map_kernel(op, &kernel, &[(&lanes, follows)], ArrayMeta::dense(dtype, grid))?;
        if !options.keeps_axes() {
            return Ok(found);
        }
        let mut kept = 1..;
        let shown = (0..self.ndim()).map(|axis| if axes.contains(&axis) { None } else { kept.next() });
        Ok(found.view(std::iter::once(Some(0)).chain(shown).collect()))
    }

    /// One quantile, without an axis for it.
    fn one_quantile(&self, asked: &Asked<'_>, options: &Reduce) -> Result<Self> {
        self.quantiles(asked, options)?.index_axis(0, 0)
    }

    /// See [`Array::median_with`].
    pub fn median_with(&self, options: &Reduce) -> Result<Self> {
        let asked = Asked { op: "median", q: &[0.5], method: QuantileMethod::Midpoint, skips_nan: false };
        self.one_quantile(&asked, options)
    }

    /// See [`Array::nanmedian_with`].
    pub fn nanmedian_with(&self, options: &Reduce) -> Result<Self> {
        let asked = Asked { op: "nanmedian", q: &[0.5], method: QuantileMethod::Midpoint, skips_nan: true };
        self.one_quantile(&asked, options)
    }

    /// See [`Array::quantile_with`].
    pub fn quantile_with(&self, q: &[f64], method: QuantileMethod, options: &Reduce) -> Result<Self> {
        self.quantiles(&Asked { op: "quantile", q, method, skips_nan: false }, options)
    }

    /// See [`Array::nanquantile_with`].
    pub fn nanquantile_with(&self, q: &[f64], method: QuantileMethod, options: &Reduce) -> Result<Self> {
        self.quantiles(&Asked { op: "nanquantile", q, method, skips_nan: true }, options)
    }

    /// See [`Array::percentile_with`].
    pub fn percentile_with(&self, percents: &[f64], method: QuantileMethod, options: &Reduce) -> Result<Self> {
        let q = shares("percentile", percents)?;
        self.quantiles(&Asked { op: "percentile", q: &q, method, skips_nan: false }, options)
    }

    /// See [`Array::nanpercentile_with`].
    pub fn nanpercentile_with(&self, percents: &[f64], method: QuantileMethod, options: &Reduce) -> Result<Self> {
        let q = shares("nanpercentile", percents)?;
        self.quantiles(&Asked { op: "nanpercentile", q: &q, method, skips_nan: true }, options)
    }
}

/// Percents as shares.
fn shares(op: &'static str, percents: &[f64]) -> Result<Vec<f64>> {
    match percents.iter().find(|percent| !(0.0..=100.0).contains(*percent)) {
        Some(bad) => Err(Error::value(op, format!("the percentile {bad} does not lie between 0 and 100"))),
        None => Ok(percents.iter().map(|percent| percent / 100.0).collect()),
    }
}

/// Makes the methods of a median: over all elements, one axis, several axes, with options.
macro_rules! medians {
    ($($(#[doc = $doc:literal])+ $all:ident, $one:ident, $several:ident, $with:ident;)*) => {
        impl<T: Real> Array<T> {$(
            $(#[doc = $doc])+
            ///
            /// # Errors
            /// There are several axes, and one has an unknown length.
            pub fn $all(&self) -> Result<Array<T::Mean>> {
                self.$with(Reduce::all())
            }

            #[doc = concat!("[`", stringify!($all), "`](Self::", stringify!($all), ") along one axis.")]
            ///
            /// # Errors
            /// The axis is out of range.
            pub fn $one(&self, axis: isize) -> Result<Array<T::Mean>> {
                self.$with(Reduce::one(axis))
            }

            #[doc = concat!("[`", stringify!($all), "`](Self::", stringify!($all), ") along several axes.")]
            ///
            /// # Errors
            /// An axis is out of range or named twice.
            pub fn $several(&self, axes: impl IntoIterator<Item = isize>) -> Result<Array<T::Mean>> {
                self.$with(Reduce::axes(axes))
            }

            #[doc = concat!("[`", stringify!($all), "`](Self::", stringify!($all), ") with [`Reduce`] options.")]
            ///
            /// # Errors
            /// An axis is out of range or named twice.
            pub fn $with(&self, options: Reduce) -> Result<Array<T::Mean>> {
                Array::try_wrap(self.as_dyn().$with(&options))
            }
        )*}
    };
}

medians! {
    /// The middle of the elements in their order; of an even number the mean of the two in the middle. NaN if there is a
    /// NaN, or nothing.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[1i64, 9], [3, 2]]), Chunks::size(1))?;
    /// assert_eq!(x.median()?.scalar()?, 2.5);
    /// assert_eq!(x.median_axis(0)?.compute()?, ndarray::arr1(&[2.0, 5.5]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    median, median_axis, median_axes, median_with;
    /// The [`median`](Self::median) of the elements that are not NaN.
    nanmedian, nanmedian_axis, nanmedian_axes, nanmedian_with;
}

/// Makes the methods of quantiles or percentiles: of all elements, along an axis, with options.
macro_rules! quantiles {
    ($($(#[doc = $doc:literal])+ $all:ident, $one:ident, $with:ident, $nan:ident;)*) => {
        impl<T: Real> Array<T> {$(
            $(#[doc = $doc])+
            ///
            /// # Errors
            /// The number is out of range; there are several axes, and one has an unknown length.
            pub fn $all(&self, q: f64) -> Result<Array<T::Mean>> {
                self.$with(&[q], QuantileMethod::Linear, Reduce::all())?.index_axis(0, 0)
            }

            #[doc = concat!("[`", stringify!($all), "`](Self::", stringify!($all), ") along one axis.")]
            ///
            /// # Errors
            /// The number or the axis is out of range.
            pub fn $one(&self, q: f64, axis: isize) -> Result<Array<T::Mean>> {
                self.$with(&[q], QuantileMethod::Linear, Reduce::one(axis))?.index_axis(0, 0)
            }

            #[doc = concat!("Several times [`", stringify!($all), "`](Self::", stringify!($all), "), stacked along a first axis,")]
            /// by a method of choice and with [`Reduce`] options.
            ///
            /// # Errors
            /// A number or an axis is out of range, or an axis is named twice.
            pub fn $with(&self, q: &[f64], method: QuantileMethod, options: Reduce) -> Result<Array<T::Mean>> {
                Array::try_wrap(self.as_dyn().$with(q, method, &options))
            }

            #[doc = concat!("[`", stringify!($with), "`](Self::", stringify!($with), ") of the elements that are not NaN.")]
            ///
            /// # Errors
            /// A number or an axis is out of range, or an axis is named twice.
            pub fn $nan(&self, q: &[f64], method: QuantileMethod, options: Reduce) -> Result<Array<T::Mean>> {
                Array::try_wrap(self.as_dyn().$nan(q, method, &options))
            }
        )*}
    };
}

quantiles! {
    /// The number below which a share `q` of the elements lies, on the line between the two elements around it.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![8.0f64, 2.0, 4.0], Chunks::size(2))?;
    /// assert_eq!(x.quantile(0.25)?.scalar()?, 3.0);
    /// let both = x.quantile_with(&[0.25, 1.0], QuantileMethod::Lower, Reduce::all())?;
    /// assert_eq!(both.compute()?, ndarray::arr1(&[2.0, 8.0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    quantile, quantile_axis, quantile_with, nanquantile_with;
    /// The number below which `q` percent of the elements lie; see [`quantile`](Self::quantile).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![8.0f64, 2.0, 4.0], Chunks::size(2))?;
    /// assert_eq!(x.percentile(50.0)?.scalar()?, 4.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    percentile, percentile_axis, percentile_with, nanpercentile_with;
}
