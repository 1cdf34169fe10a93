//! One number for many elements: sums, means, extremes and their like, over all or some axes.

use super::{Array, DynArray};
use crate::block::Layout;
use crate::chunks::select::normalize_axes;
use crate::element::{Element, Real};
use crate::error::{Error, Result};
use crate::graph::ops::{Op, ReduceOp};
use crate::kernels::{Ddof, Reducer, Reduction, reduce_fill};

/// Which axes a reduction takes, and how.
///
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<f64>::arange(0.0, 6.0, 1.0, Chunks::size(4))?.reshape([2, 3])?;
/// let v = x.var_with(Reduce::axes([-1]).keepdims().ddof(1.0))?;
/// assert_eq!(v.compute()?, ndarray::arr2(&[[1.0], [1.0]]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Reduce {
    pub(super) axes: Option<Vec<isize>>,
    pub(super) keepdims: bool,
    pub(super) ddof: f64,
    split_every: Option<u64>,
}

impl Reduce {
    /// All axes.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::ones([2, 3], Chunks::auto())?;
    /// assert_eq!(x.sum_with(Reduce::all().keepdims())?.known_shape()?, [1, 1]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn all() -> Self {
        Self::default()
    }

    /// Some axes; negative ones count from the end.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::ones([2, 3, 4], Chunks::auto())?;
    /// assert_eq!(x.sum_with(Reduce::axes([0, -1]))?.compute()?, ndarray::arr1(&[8.0; 3]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn axes(axes: impl IntoIterator<Item = isize>) -> Self {
        Self { axes: Some(axes.into_iter().collect()), ..Self::default() }
    }

    /// Reduced axes stay with length 1, so that the result broadcasts with the array.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::ones([2, 3], Chunks::auto())?;
    /// assert_eq!(x.sum_with(Reduce::axes([1]).keepdims())?.known_shape()?, [2, 1]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn keepdims(mut self) -> Self {
        self.keepdims = true;
        self
    }

    /// Variances divide by `n - ddof` (delta degrees of freedom); 0 unless set.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.0, 3.0], Chunks::auto())?;
    /// assert_eq!((x.var().scalar()?, x.var_with(Reduce::all().ddof(1.0))?.scalar()?), (1.0, 2.0));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn ddof(mut self, ddof: f64) -> Self {
        self.ddof = ddof;
        self
    }

    /// How many partial results are combined at a time, about; 16 unless set. It changes the graph, not the value.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_fn([64], Chunks::size(1), |at: &[u64]| at[0])?;
    /// let (wide, deep) = (x.sum_with(Reduce::all().split_every(64))?, x.sum_with(Reduce::all().split_every(2))?);
    /// assert!(wide.plan()?.n_layers() < deep.plan()?.n_layers());
    /// assert_eq!(wide.scalar()?, deep.scalar()?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn split_every(mut self, n: u64) -> Self {
        self.split_every = Some(n);
        self
    }

    pub(crate) fn one(axis: isize) -> Self {
        Self::axes([axis])
    }

    /// The axes to reduce, ascending, in an array of `ndim` axes.
    pub(crate) fn sorted_axes(&self, op: &'static str, ndim: usize) -> Result<Vec<usize>> {
        let mut axes = match &self.axes {
            Some(axes) => normalize_axes(op, axes, ndim)?,
            None => (0..ndim).collect(),
        };
        axes.sort_unstable();
        Ok(axes)
    }

    /// Whether reduced axes stay with length 1.
    pub(crate) fn keeps_axes(&self) -> bool {
        self.keepdims
    }
}

/// Partial results that are combined at a time.
const SPLIT_EVERY: u64 = 16;

impl DynArray {
    pub(crate) fn reduce(&self, reduction: Reduction, options: &Reduce) -> Result<Self> {
        self.check_not_empty(reduction, &options.sorted_axes(reduction.name(), self.ndim())?)?;
        self.reduce_unchecked(reduction, options)
    }

    /// The same, where it is left to the run to find no elements.
    fn reduce_unchecked(&self, reduction: Reduction, options: &Reduce) -> Result<Self> {
        let axes = options.sorted_axes(reduction.name(), self.ndim())?;
        let reducer = Reducer::new(reduction, self.dtype())?;
        if reduction.is_arg() {
            self.check_positions(reduction, &axes)?;
        }
        let op = ReduceOp {
            reduction,
            axes,
            keepdims: options.keepdims,
            split_every: options.split_every.unwrap_or(SPLIT_EVERY),
        };
        let layout = if self.layout().is_sparse() && op.axes.len() < self.ndim() {
            self.reduced_layout(&op, reducer)?
        } else {
            Layout::Dense
        };
        let meta = op.meta(self.meta(), reducer.output_dtype()?, layout);
        Ok(DynArray::build(Op::from(op), &[self], meta))
    }

    /// An extreme of nothing does not exist: an error where some kept position has no elements.
    fn check_not_empty(&self, reduction: Reduction, axes: &[usize]) -> Result<()> {
        let Some(shape) = self.grid().known_shape() else { return Ok(()) };
        let reduces_nothing = axes.iter().any(|&axis| shape[axis] == 0);
        let keeps_something = shape.iter().enumerate().all(|(axis, &len)| axes.contains(&axis) || len > 0);
        if needs_elements(reduction) && reduces_nothing && keeps_something {
            let detail = format!("axes {axes:?} of shape {} have no elements", self.grid().shape_text());
            return Err(Error::shape(reduction.name(), detail).with_remedy("select non-empty slices first"));
        }
        Ok(())
    }

    /// Positions along axes need the sizes of all chunks before.
    fn check_positions(&self, reduction: Reduction, axes: &[usize]) -> Result<()> {
        match axes.iter().find(|&&axis| !self.grid().axis(axis).is_known()) {
            Some(axis) => Err(Error::unknown_chunks(
                reduction.name(),
                format_args!("positions along axis {axis} of shape {}", self.grid().shape_text()),
            )),
            None => Ok(()),
        }
    }

    /// Whether a reduction of sparse blocks stays sparse, and with which fill: the reduction of a slice of fill values.
    fn reduced_layout(&self, op: &ReduceOp, reducer: Reducer) -> Result<Layout> {
        let (Some(fill), Some(shape)) = (self.layout().fill(), self.grid().known_shape()) else {
            return Ok(Layout::Dense);
        };
        let n: u64 = op.axes.iter().map(|&axis| shape[axis]).product();
        match reduce_fill(reducer, fill, n) {
            Ok(fill) if !reducer.reduction().is_arg() => Ok(Layout::Sparse(fill)),
            Ok(_) | Err(_) => Ok(Layout::Dense),
        }
    }
}

impl<T: Element> Array<T> {
    fn reduced<U: Element>(&self, reduction: Reduction, options: &Reduce) -> Result<Array<U>> {
        Array::try_wrap(self.as_dyn().reduce(reduction, options))
    }

    /// A reduction of all elements, which no argument can make fail.
    fn reduced_all<U: Element>(&self, reduction: Reduction) -> Array<U> {
        // Over all axes, with a reduction that has a meaning for `T`, there is nothing to refuse.
        Array::try_wrap(self.as_dyn().reduce_unchecked(reduction, &Reduce::all()))
            .unwrap_or_else(|error| unreachable!("{error}"))
    }
}

/// Whether a reduction of nothing has no answer.
fn needs_elements(reduction: Reduction) -> bool {
    let extreme = matches!(reduction, Reduction::Min | Reduction::Max | Reduction::NanMin | Reduction::NanMax);
    extreme || reduction.is_arg()
}

/// Makes the methods of a reduction, four a row: over all elements, one axis, several axes, with options.
macro_rules! reductions {
    ($(
        $(#[doc = $doc:literal])+
        $bound:ident: $all:ident, $one:ident, $several:ident, $with:ident -> $out:ty,
        |$options:ident| $reduction:expr;
    )*) => {$(
        impl<T: $bound> Array<T> {
            $(#[doc = $doc])+
            pub fn $all(&self) -> Array<$out> {
                let $options = &Reduce::all();
                self.reduced_all($reduction)
            }

            #[doc = concat!("[`", stringify!($all), "`](Self::", stringify!($all), ") along one axis.")]
            ///
            /// # Errors
            /// The axis is out of range.
            pub fn $one(&self, axis: isize) -> Result<Array<$out>> {
                self.$with(Reduce::one(axis))
            }

            #[doc = concat!("[`", stringify!($all), "`](Self::", stringify!($all), ") along several axes.")]
            ///
            /// # Errors
            /// An axis is out of range or named twice.
            pub fn $several(&self, axes: impl IntoIterator<Item = isize>) -> Result<Array<$out>> {
                self.$with(Reduce::axes(axes))
            }

            #[doc = concat!("[`", stringify!($all), "`](Self::", stringify!($all), ") with [`Reduce`] options.")]
            ///
            /// # Errors
            /// An axis is out of range or named twice.
            pub fn $with(&self, options: Reduce) -> Result<Array<$out>> {
                let $options = &options;
                self.reduced($reduction, $options)
            }
        }

        impl DynArray {
            $(#[doc = $doc])+
            ///
            /// # Errors
            /// An axis is out of range or named twice, or the element type has no such reduction.
            pub fn $with(&self, options: &Reduce) -> Result<DynArray> {
                let $options = options;
                self.reduce($reduction, $options)
            }
        }
    )*};
}

reductions! {
    /// The sum. Integers and `bool` add up in 64 bits and wrap; `f32` accumulates in double precision.
    ///
    /// # Chunks
    /// Reduced axes disappear. Blocks are reduced one by one and combined in a tree fixed by their numbers, so results are
    /// the same bits for any number of threads. Elementwise work and masks before a reduction become part of it: nothing
    /// in between is stored.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i32>::arange(0, 6, 1, Chunks::size(4))?.reshape([2, 3])?;
    /// assert_eq!(x.sum().scalar()?, 15i64);
    /// assert_eq!(x.sum_axis(0)?.compute()?, ndarray::arr1(&[3, 5, 7]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: sum, sum_axis, sum_axes, sum_with -> T::Sum, |_options| Reduction::Sum;
    /// The product; types as for [`sum`](Self::sum_with).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![2i32, 3, 4], Chunks::size(2))?;
    /// assert_eq!(x.prod().scalar()?, 24i64);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: prod, prod_axis, prod_axes, prod_with -> T::Sum, |_options| Reduction::Prod;
    /// The smallest element; NaN if there is one. Of no elements an error.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![3.0, -1.0, 2.0], Chunks::size(2))?;
    /// assert_eq!(x.min().scalar()?, -1.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Real: min, min_axis, min_axes, min_with -> T, |_options| Reduction::Min;
    /// The largest element; NaN if there is one. Of no elements an error.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![3.0, f64::NAN, 2.0], Chunks::size(2))?;
    /// assert!(x.max().scalar()?.is_nan());
    /// assert_eq!(x.nanmax().scalar()?, 3.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Real: max, max_axis, max_axes, max_with -> T, |_options| Reduction::Max;
    /// Whether any element is not zero; NaN counts as true.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![0, 0, 7], Chunks::size(2))?;
    /// assert!(x.any().scalar()?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: any, any_axis, any_axes, any_with -> bool, |_options| Reduction::Any;
    /// Whether all elements are not zero; NaN counts as true.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![0, 0, 7], Chunks::size(2))?;
    /// assert!(!x.all().scalar()?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: all, all_axis, all_axes, all_with -> bool, |_options| Reduction::All;
    /// The number of elements that are not zero.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![0, 5, 7], Chunks::size(2))?;
    /// assert_eq!(x.count_nonzero().scalar()?, 2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: count_nonzero, count_nonzero_axis, count_nonzero_axes, count_nonzero_with -> i64,
        |_options| Reduction::CountNonzero;
    /// The arithmetic mean; of integers exact and in `f64`. Of no elements NaN.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1u8, 2, 255], Chunks::size(2))?;
    /// assert_eq!(x.mean().scalar()?, 86.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: mean, mean_axis, mean_axes, mean_with -> T::Mean, |_options| Reduction::Mean;
    /// The variance, by a method that does not cancel; see [`Reduce::ddof`]. Of complex numbers real.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.0f64, 3.0], Chunks::size(1))?;
    /// assert_eq!(x.var().scalar()?, 1.0);
    /// assert_eq!(x.var_with(Reduce::all().ddof(1.0))?.scalar()?, 2.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: var, var_axis, var_axes, var_with -> T::Spread, |options| Reduction::Var { ddof: Ddof::new(options.ddof) };
    /// The standard deviation, the root of the variance.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.0f64, 5.0], Chunks::size(1))?;
    /// assert_eq!(x.std().scalar()?, 2.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: std, std_axis, std_axes, std_with -> T::Spread, |options| Reduction::Std { ddof: Ddof::new(options.ddof) };
    /// The position of the first smallest element, in row-major order over all reduced axes; of the first NaN if there is
    /// one.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![3, 1, 1], Chunks::size(2))?;
    /// assert_eq!(x.argmin().scalar()?, 1);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Real: argmin, argmin_axis, argmin_axes, argmin_with -> i64, |_options| Reduction::ArgMin;
    /// The position of the first largest element, in row-major order over all reduced axes; of the first NaN if there is
    /// one.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[0, 0, 7], [7, 0, 0]]), Chunks::from([2, 2]))?;
    /// assert_eq!(x.argmax().scalar()?, 2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Real: argmax, argmax_axis, argmax_axes, argmax_with -> i64, |_options| Reduction::ArgMax;
    /// The sum of the elements that are not NaN; of none 0.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.0, f64::NAN, 2.0], Chunks::size(2))?;
    /// assert_eq!(x.nansum().scalar()?, 3.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: nansum, nansum_axis, nansum_axes, nansum_with -> T::Sum, |_options| Reduction::NanSum;
    /// The product of the elements that are not NaN; of none 1.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![3.0, f64::NAN, 2.0], Chunks::size(2))?;
    /// assert_eq!(x.nanprod().scalar()?, 6.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: nanprod, nanprod_axis, nanprod_axes, nanprod_with -> T::Sum, |_options| Reduction::NanProd;
    /// The smallest element that is not NaN; NaN where there is none.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![3.0, f64::NAN, 2.0], Chunks::size(2))?;
    /// assert_eq!(x.nanmin().scalar()?, 2.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Real: nanmin, nanmin_axis, nanmin_axes, nanmin_with -> T, |_options| Reduction::NanMin;
    /// The largest element that is not NaN; NaN where there is none.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![3.0, f64::NAN, 2.0], Chunks::size(2))?;
    /// assert_eq!(x.nanmax().scalar()?, 3.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Real: nanmax, nanmax_axis, nanmax_axes, nanmax_with -> T, |_options| Reduction::NanMax;
    /// The mean of the elements that are not NaN; NaN where there is none.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![3.0, f64::NAN, 2.0], Chunks::size(2))?;
    /// assert_eq!(x.nanmean().scalar()?, 2.5);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: nanmean, nanmean_axis, nanmean_axes, nanmean_with -> T::Mean, |_options| Reduction::NanMean;
    /// The variance of the elements that are not NaN.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.0, f64::NAN, 3.0], Chunks::size(2))?;
    /// assert_eq!(x.nanvar().scalar()?, 1.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: nanvar, nanvar_axis, nanvar_axes, nanvar_with -> T::Spread,
        |options| Reduction::NanVar { ddof: Ddof::new(options.ddof) };
    /// The standard deviation of the elements that are not NaN.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.0, f64::NAN, 5.0], Chunks::size(2))?;
    /// assert_eq!(x.nanstd().scalar()?, 2.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: nanstd, nanstd_axis, nanstd_axes, nanstd_with -> T::Spread,
        |options| Reduction::NanStd { ddof: Ddof::new(options.ddof) };
    /// The position of the first smallest element that is not NaN; an error where there is none.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![f64::NAN, 3.0, 2.0], Chunks::size(2))?;
    /// assert_eq!(x.nanargmin().scalar()?, 2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Real: nanargmin, nanargmin_axis, nanargmin_axes, nanargmin_with -> i64, |_options| Reduction::NanArgMin;
    /// The position of the first largest element that is not NaN; an error where there is none.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![f64::NAN, 3.0, 2.0], Chunks::size(2))?;
    /// assert_eq!(x.nanargmax().scalar()?, 1);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Real: nanargmax, nanargmax_axis, nanargmax_axes, nanargmax_with -> i64, |_options| Reduction::NanArgMax;
}
