//! Elements counted in bins and by value: `histogram`, `bincount`.

use super::elementwise::binary;
use super::reduce::Reduce;
use super::repeat::check_list;
use super::typed::forward;
use super::{Array, DynArray};
use crate::block::ArrayMeta;
use crate::chunks::unify::broadcast_grids;
use crate::chunks::{AxisChunks, Chunks, Grid};
use crate::element::{DType, Real, Scalar};
use crate::error::{Error, Result};
use crate::graph::Name;
use crate::kernels::named::{Bincount, Histogram, SumPadded};
use crate::kernels::{ElemOp, Reduction};

/// The bins of a histogram. All but the last are half open: `[e0, e1) [e1, e2) … [e(n-1), en]`.
///
/// ```
/// use hyperslab::prelude::*;
/// assert_eq!(Bins::even(2, 0.0, 8.0)?.edges(), [0.0, 4.0, 8.0]);
/// assert!(Bins::edges_at(vec![1.0, 0.0]).is_err());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    edges: Vec<f64>,
}

impl Bins {
    /// `n` bins of equal width from `low` to `high`. Where both are equal, the bins reach half a unit to both sides.
    ///
    /// # Errors
    /// `n` is 0, or the borders are not finite or descend.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Bins::even(4, 0.0, 1.0)?.edges(), [0.0, 0.25, 0.5, 0.75, 1.0]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn even(n: u64, low: f64, high: f64) -> Result<Self> {
        if n == 0 || !low.is_finite() || !high.is_finite() || low > high {
            let detail = format!("{n} bins from {low} to {high}");
            return Err(Error::value("histogram", detail).with_remedy("give a number of bins and finite borders"));
        }
        let (low, high) = if low == high { (low - 0.5, high + 0.5) } else { (low, high) };
        let step = (high - low) / n as f64;
        if !step.is_finite() {
            let detail = format!("bins from {low} to {high} are wider than the largest number");
            return Err(Error::value("histogram", detail).with_remedy("give borders that are closer together"));
        }
        check_list("histogram", std::iter::once(n))?;
        let edges = (0..=n).map(|i| if i == n { high } else { low + i as f64 * step });
        Ok(Self { edges: edges.collect() })
    }

    /// Bins between edges, which ascend.
    ///
    /// # Errors
    /// There are less than two edges, or they do not ascend.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Bins::edges_at([0.0, 1.0, 10.0])?.edges().len(), 3);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn edges_at(edges: impl Into<Vec<f64>>) -> Result<Self> {
        let edges = edges.into();
        if edges.len() < 2 || !edges.windows(2).all(|w| w[0] <= w[1]) {
            return Err(Error::value("histogram", format!("{} edges that do not all ascend", edges.len()))
                .with_remedy("give at least two edges in ascending order"));
        }
        Ok(Self { edges })
    }

    /// The edges, one more than there are bins.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Bins::even(2, 0.0, 1.0)?.edges(), [0.0, 0.5, 1.0]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    fn widths(&self) -> Vec<f64> {
        self.edges.windows(2).map(|w| w[1] - w[0]).collect()
    }
}

impl DynArray {
    /// See [`Array::histogram`].
    pub fn histogram(&self, bins: &Bins) -> Result<Array<i64>> {
        self.binned(bins, None).map(Array::wrap)
    }

    /// See [`Array::histogram_weighted`].
    pub fn histogram_weighted(&self, bins: &Bins, weights: &DynArray) -> Result<Array<f64>> {
        self.binned(bins, Some(weights)).map(Array::wrap)
    }

    fn binned(&self, bins: &Bins, weights: Option<&DynArray>) -> Result<Self> {
        const OP: &str = "histogram";
        if self.dtype().is_complex() || weights.is_some_and(|weights| weights.dtype().is_complex()) {
            return Err(Error::dtype(OP, "complex numbers lie in no bins").with_remedy("use their real part"));
        }
        let mut elements = self.astype(DType::F64).to_dense();
        let mut inputs = Vec::new();
        if let Some(weights) = weights {
            if weights.shape() != self.shape() {
                let shapes = [self.grid().shape_text(), weights.grid().shape_text()];
                let detail = format!("elements of shape {} have weights of shape {}", shapes[0], shapes[1]);
                return Err(Error::shape(OP, detail).with_remedy("give one weight for each element"));
            }
            let grid = broadcast_grids(OP, &[self.grid(), weights.grid()])?;
            elements = elements.to_grid(&grid)?;
            inputs.push(weights.astype(DType::F64).to_dense().to_grid(&grid)?);
        }
        inputs.insert(0, elements);
        let counts = inputs[0].grid().block_counts();
        let rows = counts.iter().map(|&n| AxisChunks::regular(n, 1));
        let grid: Grid = rows.chain([AxisChunks::whole(bins.widths().len() as u64)]).collect();
        let dtype = if weights.is_some() { DType::F64 } else { DType::I64 };
        let kernel = Histogram { edges: bins.edges.clone(), is_weighted: weights.is_some() };
        let follows: Vec<Option<usize>> = (0..counts.len()).map(Some).chain([None]).collect();
        let operands: Vec<_> = inputs.iter().map(|input| (input, follows.clone())).collect();
        let by_block = Self::map_kernel(OP, &kernel, &operands, ArrayMeta::dense(dtype, grid))?;
        by_block.reduce(Reduction::Sum, &Reduce::axes(0..counts.len() as isize))
    }

    /// See [`Array::histogram_density`].
    pub fn histogram_density(&self, bins: &Bins) -> Result<Array<f64>> {
        self.histogram(bins)?.astype::<f64>().over_widths(bins)
    }

    /// See [`Array::histogram_weighted_density`].
    pub fn histogram_weighted_density(&self, bins: &Bins, weights: &DynArray) -> Result<Array<f64>> {
        self.histogram_weighted(bins, weights)?.over_widths(bins)
    }

    /// See [`Array::bincount`].
    pub fn bincount(&self, min_len: u64) -> Result<Array<i64>> {
        self.counted(min_len, None).map(Array::wrap)
    }

    /// See [`Array::bincount_weighted`].
    pub fn bincount_weighted(&self, min_len: u64, weights: &DynArray) -> Result<Array<f64>> {
        self.counted(min_len, Some(weights)).map(Array::wrap)
    }

    fn counted(&self, min_len: u64, weights: Option<&DynArray>) -> Result<Self> {
        const OP: &str = "bincount";
        if !self.dtype().is_integral() || self.ndim() != 1 {
            let detail = format!("an array of {} with {} axes", self.dtype(), self.ndim());
            return Err(Error::dtype(OP, detail).with_remedy("count a list of integers"));
        }
        check_list(OP, std::iter::once(min_len))?;
        // Numbers beyond `int64` saturate, so that they do not pass for negative ones.
        let largest = DynArray::scalar_of(Scalar::U64(i64::MAX as u64));
        let whole = if self.dtype() == DType::U64 { binary(ElemOp::Minimum, self, &largest)? } else { self.clone() };
        let mut inputs = vec![whole.astype(DType::I64).to_dense()];
        if let Some(weights) = weights {
            let grid = broadcast_grids(OP, &[self.grid(), weights.grid()])?;
            if weights.shape() != self.shape() || weights.dtype().is_complex() {
                let shapes = [self.grid().shape_text(), weights.grid().shape_text()];
                let detail = format!("elements of shape {} have weights of shape {}", shapes[0], shapes[1]);
                return Err(Error::shape(OP, detail).with_remedy("give one real weight for each element"));
            }
            inputs = vec![inputs[0].to_grid(&grid)?, weights.astype(DType::F64).to_dense().to_grid(&grid)?];
        }
        let dtype = if weights.is_some() { DType::F64 } else { DType::I64 };
        let name = Name::of(&(OP, self.name(), min_len, weights.map(DynArray::name)));
        let meta = |n_blocks| {
            let var = Name::of(&(name, n_blocks)).size_var();
            ArrayMeta::dense(dtype, Grid::new(vec![AxisChunks::unknown(var, n_blocks)]))
        };
        let n_blocks = inputs[0].n_blocks();
        let operands: Vec<_> = inputs.iter().map(|input| (input, vec![Some(0)])).collect();
        let by_block = Self::map_kernel(OP, &Bincount { min_len }, &operands, meta(n_blocks))?;
        if n_blocks == 1 { Ok(by_block) } else { by_block.fold_kernel(OP, &SumPadded, 0, 8, meta(1)) }
    }
}

impl Array<f64> {
    /// Sums of bins as a density: divided by the width of each bin and by the sum of all.
    fn over_widths(&self, bins: &Bins) -> Result<Self> {
        let widths = Array::from_vec(bins.widths(), Chunks::auto())?;
        let heights = binary(ElemOp::Divide, self.as_dyn(), widths.as_dyn())?;
        Self::try_wrap(binary(ElemOp::Divide, &heights, self.sum().as_dyn()))
    }
}

impl<T: Real> Array<T> {
    /// Sums, for each bin, the weights of the elements in it.
    ///
    /// # Errors
    /// The shapes of elements and weights differ.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![0.5, 1.5, 1.7], Chunks::size(2))?;
    /// let weights = Array::from_vec(vec![10.0, 1.0, 2.0], Chunks::auto())?;
    /// let sums = x.histogram_weighted(&Bins::even(2, 0.0, 2.0)?, &weights)?;
    /// assert_eq!(sums.compute()?, ndarray::arr1(&[10.0, 3.0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn histogram_weighted<W: Real>(&self, bins: &Bins, weights: &Array<W>) -> Result<Array<f64>> {
        self.as_dyn().histogram_weighted(bins, weights.as_dyn())
    }

    /// [`histogram_density`](Self::histogram_density) of weighted elements.
    ///
    /// # Errors
    /// The shapes of elements and weights differ.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![0.5, 1.5, 1.5], Chunks::size(2))?;
    /// let weights = Array::from_vec(vec![2.0, 1.0, 1.0], Chunks::size(2))?;
    /// let density = x.histogram_weighted_density(&Bins::even(2, 0.0, 2.0)?, &weights)?;
    /// assert_eq!(density.compute()?, ndarray::arr1(&[0.5, 0.5]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn histogram_weighted_density<W: Real>(&self, bins: &Bins, weights: &Array<W>) -> Result<Array<f64>> {
        self.as_dyn().histogram_weighted_density(bins, weights.as_dyn())
    }

    /// The sum, for each whole number from 0 on, of the weights of the elements equal to it; see
    /// [`bincount`](Self::bincount).
    ///
    /// # Errors
    /// The array is no list of integers, or the shapes differ. When run: an element is negative.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![0, 2, 2], Chunks::size(2))?;
    /// let weights = Array::from_vec(vec![0.5, 1.0, 2.0], Chunks::size(2))?;
    /// assert_eq!(x.bincount_weighted(0, &weights)?.compute()?, ndarray::arr1(&[0.5, 0.0, 3.0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn bincount_weighted<W: Real>(&self, min_len: u64, weights: &Array<W>) -> Result<Array<f64>> {
        self.as_dyn().bincount_weighted(min_len, weights.as_dyn())
    }
}

forward! { plain:
    /// The number of elements in each bin. What lies outside all bins, and NaN, is left out.
    ///
    /// # Chunks
    /// One chunk of all bins. Works on arrays of unknown lengths: blocks are counted one by one.
    ///
    /// # Errors
    /// The elements are complex.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![0, 1, 2, 4, 8, 9], Chunks::size(4))?;
    /// assert_eq!(x.histogram(&Bins::even(4, 0.0, 8.0)?)?.compute()?, ndarray::arr1(&[2, 1, 1, 1]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn histogram(&self, bins: &Bins) -> Result<Array<i64>>;
    /// The share of elements in each bin by its width: the integral over all bins is 1.
    ///
    /// # Errors
    /// The elements are complex.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![0.5, 1.5, 1.7, 1.9], Chunks::size(2))?;
    /// let bins = Bins::edges_at([0.0, 1.0, 3.0])?;
    /// assert_eq!(x.histogram_density(&bins)?.compute()?, ndarray::arr1(&[0.25, 0.375]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn histogram_density(&self, bins: &Bins) -> Result<Array<f64>>;
    /// How often each whole number from 0 on occurs in a list: up to the largest element, at least `min_len` numbers.
    ///
    /// # Chunks
    /// One chunk of unknown length.
    ///
    /// # Errors
    /// The array is no list of integers. When run: an element is negative.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 3, 1], Chunks::size(2))?;
    /// assert_eq!(x.bincount(0)?.compute()?, ndarray::arr1(&[0, 2, 0, 1]).into_dyn());
    /// assert_eq!(x.bincount(6)?.compute()?, ndarray::arr1(&[0, 2, 0, 1, 0, 0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn bincount(&self, min_len: u64) -> Result<Array<i64>>;
}
