//! Points counted in boxes: histograms of several coordinates.
//!
//! The bins of the coordinates are numbered together in row-major order, so that one list of bins does for all.

use super::elementwise::{binary, select};
use super::sets::Side;
use super::{Array, Bins, DynArray};
use crate::chunks::Chunks;
use crate::element::{DType, Real, Scalar};
use crate::error::{Error, Result, Shown};
use crate::kernels::ElemOp;

const OP: &str = "histogramdd";

fn number(value: i64) -> DynArray {
    DynArray::scalar_of(Scalar::I64(value))
}

/// The number of the bin of each element; -1 outside all bins.
fn bin_of(coordinates: &DynArray, bins: &Bins) -> Result<DynArray> {
    let n = bins.edges().len() as i64 - 1;
    let x = coordinates.astype(DType::F64).to_dense();
    let edges = Array::from_vec(bins.edges().to_vec(), Chunks::whole())?;
    let behind = edges.as_dyn().searchsorted(&x, Side::Right)?;
    let bin = binary(ElemOp::Subtract, behind.as_dyn(), &number(1))?;
    // The last bin has both its edges; what is not a number sorts behind all edges.
    let last = DynArray::scalar_of(Scalar::F64(bins.edges()[n as usize]));
    let bin = select(&binary(ElemOp::Equal, &x, &last)?, &number(n - 1), &bin)?;
    select(&binary(ElemOp::Less, &bin, &number(n))?, &bin, &number(-1))
}

/// The number of the box of each point, -1 outside, and the numbers of bins.
fn boxes(coordinates: &[&DynArray], bins: &[Bins]) -> Result<(DynArray, Vec<u64>)> {
    if coordinates.len() != bins.len() || bins.is_empty() {
        let detail = format!("{} coordinates and {} lists of bins", coordinates.len(), bins.len());
        return Err(Error::shape(OP, detail).with_remedy("give bins for each coordinate"));
    }
    for pair in coordinates.windows(2) {
        if pair[0].shape() != pair[1].shape() {
            let shapes = [pair[0].grid().shape_text(), pair[1].grid().shape_text()];
            let detail = format!("coordinates of shapes {} and {}", shapes[0], shapes[1]);
            return Err(Error::shape(OP, detail).with_remedy("give each point all coordinates"));
        }
    }
    if let Some(array) = coordinates.iter().find(|array| array.dtype().is_complex()) {
        return Err(Error::dtype(OP, format!("{} lies in no bins", array.dtype())).with_remedy("use the real part"));
    }
    let counts: Vec<u64> = bins.iter().map(|bins| bins.edges().len() as u64 - 1).collect();
    let n = counts.iter().try_fold(1u64, |n, &count| n.checked_mul(count));
    if n.is_none_or(|n| n > 1 << 52) {
        let detail = format!("{} bins are too many to be numbered", Shown(&counts));
        return Err(Error::shape(OP, detail).with_remedy("give fewer bins"));
    }
    let mut all = number(0);
    for ((coordinates, bins), &count) in coordinates.iter().zip(bins).zip(&counts) {
        let bin = bin_of(coordinates, bins)?;
        let further = binary(ElemOp::Add, &binary(ElemOp::Multiply, &all, &number(count as i64))?, &bin)?;
        let is_outside = binary(ElemOp::Less, &binary(ElemOp::Minimum, &all, &bin)?, &number(0))?;
        all = select(&is_outside, &number(-1), &further)?;
    }
    Ok((all, counts))
}

/// One bin for each number from 0 on.
fn unit_bins(counts: &[u64]) -> Result<Bins> {
    let n: u64 = counts.iter().product();
    Bins::even(n, -0.5, n as f64 - 0.5).map_err(|error| error.of_op(OP))
}

impl DynArray {
    /// See [`histogramdd`].
    pub fn histogramdd(coordinates: &[&DynArray], bins: &[Bins]) -> Result<Array<i64>> {
        let (boxes, counts) = boxes(coordinates, bins)?;
        boxes.histogram(&unit_bins(&counts)?)?.reshape(counts)
    }

    /// See [`histogramdd_weighted`].
    pub fn histogramdd_weighted(coordinates: &[&DynArray], bins: &[Bins], weights: &DynArray) -> Result<Array<f64>> {
        let (boxes, counts) = boxes(coordinates, bins)?;
        let sums = boxes.histogram_weighted(&unit_bins(&counts)?, weights).map_err(|error| error.of_op(OP))?;
        sums.reshape(counts)
    }
}

fn dyn_of<'a, T: Real>(arrays: &[&'a Array<T>]) -> Vec<&'a DynArray> {
    arrays.iter().map(|array| array.as_dyn()).collect()
}

/// The number of points in each box: one array for each coordinate of the points, one list of bins for each, and a result
/// with one axis for each. What lies outside in some coordinate, or is NaN there, is left out.
///
/// # Chunks
/// One chunk of all boxes. Works on arrays of unknown lengths.
///
/// # Errors
/// There are not as many coordinates as lists of bins, the coordinates differ in shape or are complex, or there are more
/// boxes than memory.
///
/// # Complexity
/// O(points · coordinates · log bins), and O(boxes) for each block.
///
/// # Examples
/// ```
/// use hyperslab::array::histogramdd;
/// use hyperslab::prelude::*;
/// let x = Array::from_vec(vec![0.5, 1.5, 1.5, 9.0], Chunks::size(3))?;
/// let y = Array::from_vec(vec![0.5, 0.5, 1.5, 0.5], Chunks::size(3))?;
/// let counts = histogramdd(&[&x, &y], &[Bins::even(2, 0.0, 2.0)?, Bins::even(2, 0.0, 2.0)?])?;
/// assert_eq!(counts.compute()?, ndarray::arr2(&[[1, 0], [1, 1]]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[doc(alias = "histogram2d")]
pub fn histogramdd<T: Real>(coordinates: &[&Array<T>], bins: &[Bins]) -> Result<Array<i64>> {
    DynArray::histogramdd(&dyn_of(coordinates), bins)
}

/// The sum of the weights of the points in each box; see [`histogramdd`].
///
/// # Errors
/// As for [`histogramdd`], or the weights have another shape.
///
/// # Examples
/// ```
/// use hyperslab::array::histogramdd_weighted;
/// use hyperslab::prelude::*;
/// let x = Array::from_vec(vec![0.5, 1.5, 1.5], Chunks::size(2))?;
/// let weights = Array::from_vec(vec![1.0, 2.0, 4.0], Chunks::size(2))?;
/// let sums = histogramdd_weighted(&[&x], &[Bins::even(2, 0.0, 2.0)?], &weights)?;
/// assert_eq!(sums.compute()?, ndarray::arr1(&[1.0, 6.0]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn histogramdd_weighted<T: Real, W: Real>(
    coordinates: &[&Array<T>],
    bins: &[Bins],
    weights: &Array<W>,
) -> Result<Array<f64>> {
    DynArray::histogramdd_weighted(&dyn_of(coordinates), bins, weights.as_dyn())
}
