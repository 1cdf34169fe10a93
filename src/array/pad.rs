//! Arrays with more elements around them: `pad`.

use super::diagonal::positions;
use super::elementwise::{apply, binary};
use super::manipulate::concatenate_dyn;
use super::reduce::Reduce;
use super::{Array, DynArray};
use crate::block::{ArrayMeta, Layout};
use crate::chunks::AxisChunks;
use crate::element::{DType, Element, Scalar};
use crate::error::{Error, Result};
use crate::graph::ops::FullOp;
use crate::kernels::{ElemOp, Reduction};

/// How many elements [`Array::pad`] adds before and after each axis.
///
/// Made from one number for all sides, a pair for all axes, or a pair for each axis.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<i64>::zeros([2, 3], Chunks::auto())?;
/// assert_eq!(x.pad(1, PadMode::Edge)?.known_shape()?, [4, 5]);
/// assert_eq!(x.pad((1, 0), PadMode::Edge)?.known_shape()?, [3, 4]);
/// assert_eq!(x.pad([(0, 0), (1, 2)], PadMode::Edge)?.known_shape()?, [2, 6]);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PadWidths(Vec<(u64, u64)>);

impl From<u64> for PadWidths {
    fn from(n: u64) -> Self {
        Self(vec![(n, n)])
    }
}

impl From<(u64, u64)> for PadWidths {
    fn from(pair: (u64, u64)) -> Self {
        Self(vec![pair])
    }
}

impl<const N: usize> From<[(u64, u64); N]> for PadWidths {
    fn from(pairs: [(u64, u64); N]) -> Self {
        Self(pairs.to_vec())
    }
}

impl From<Vec<(u64, u64)>> for PadWidths {
    fn from(pairs: Vec<(u64, u64)>) -> Self {
        Self(pairs)
    }
}

impl PadWidths {
    fn for_axes(&self, ndim: usize) -> Result<Vec<(u64, u64)>> {
        match self.0.as_slice() {
            [pair] => Ok(vec![*pair; ndim]),
            pairs if pairs.len() == ndim => Ok(pairs.to_vec()),
            pairs => {
                let detail = format!("{} pairs of widths are given for {ndim} axes", pairs.len());
                Err(Error::shape("pad", detail).with_remedy("give one pair, or one for each axis"))
            }
        }
    }
}

/// What [`Array::pad`] puts around an array. Axes are padded one after the other, so that corners follow from the axis
/// that comes last.
///
/// ```text
/// 1 2 3 4 padded by 3 before it
///
/// edge        1 1 1 | 1 2 3 4        maximum     4 4 4 | 1 2 3 4
/// reflect     4 3 2 | 1 2 3 4        minimum     1 1 1 | 1 2 3 4
/// symmetric   3 2 1 | 1 2 3 4        mean        2 2 2 | 1 2 3 4   (of integers rounded, halves to even)
/// wrap        2 3 4 | 1 2 3 4        ramp to -2 -2 -1 0 | 1 2 3 4
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum PadMode {
    /// One value before and one after every axis, cast to the array's type.
    Constant(Scalar, Scalar),
    /// The first and the last element.
    Edge,
    /// A line from the edge to one value before and one after every axis.
    LinearRamp(Scalar, Scalar),
    /// The largest element along the axis.
    Maximum,
    /// The mean along the axis; of integers rounded.
    Mean,
    /// The median along the axis; of integers rounded.
    Median,
    /// The smallest element along the axis.
    Minimum,
    /// The mirror image without the edge itself.
    Reflect,
    /// The mirror image with the edge.
    Symmetric,
    /// The other end.
    Wrap,
    /// Any values; zeros.
    Empty,
}

impl PadMode {
    /// One value on all sides.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 2], Chunks::auto())?;
    /// assert_eq!(x.pad(1, PadMode::constant(9))?.compute()?, ndarray::arr1(&[9, 1, 2, 9]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn constant<T: Element>(value: T) -> Self {
        PadMode::Constant(value.to_scalar(), value.to_scalar())
    }

    /// A line from each edge to one value.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![4, 4], Chunks::auto())?;
    /// assert_eq!(x.pad(2, PadMode::linear_ramp(0))?.compute()?, ndarray::arr1(&[0, 2, 4, 4, 2, 0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn linear_ramp<T: Element>(end: T) -> Self {
        PadMode::LinearRamp(end.to_scalar(), end.to_scalar())
    }
}

/// The side of an axis that is padded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

impl DynArray {
    /// See [`Array::pad`].
    pub fn pad(&self, widths: impl Into<PadWidths>, mode: PadMode) -> Result<Self> {
        let widths = widths.into().for_axes(self.ndim())?;
        widths.iter().enumerate().try_fold(self.clone(), |array, (axis, &width)| array.padded(axis, width, mode))
    }

    fn padded(&self, axis: usize, (before, after): (u64, u64), mode: PadMode) -> Result<Self> {
        let sides = [(Side::Before, before), (Side::After, after)].map(|(side, n)| self.beyond(axis, side, n, mode));
        let [before, after] = sides;
        let parts: Vec<DynArray> = [before?, Some(self.clone()), after?].into_iter().flatten().collect();
        concatenate_dyn(&parts.iter().collect::<Vec<_>>(), axis as isize)
    }

    /// The `n` elements before or after an axis; none if `n` is 0.
    fn beyond(&self, axis: usize, side: Side, n: u64, mode: PadMode) -> Result<Option<Self>> {
        if n == 0 {
            return Ok(None);
        }
        let pick = |before, after| if side == Side::Before { before } else { after };
        let made = match mode {
            PadMode::Constant(before, after) => return self.slab(axis, n, pick(before, after)).map(Some),
            PadMode::Empty => return self.slab(axis, n, Scalar::zero(self.dtype())).map(Some),
            _ if self.known_len("pad", axis)? == 0 => {
                let detail = format!("axis {axis} has no elements to pad it with");
                return Err(Error::shape("pad", detail).with_remedy("pad with `PadMode::constant`"));
            }
            PadMode::Edge => self.edge(axis, side)?.stretched_along(axis, n),
            PadMode::LinearRamp(before, after) => self.ramp(axis, side, n, pick(before, after))?,
            PadMode::Maximum => self.statistic(axis, Reduction::Max)?.stretched_along(axis, n),
            PadMode::Minimum => self.statistic(axis, Reduction::Min)?.stretched_along(axis, n),
            PadMode::Mean => self.statistic(axis, Reduction::Mean)?.stretched_along(axis, n),
            PadMode::Median => self.median_along(axis)?.stretched_along(axis, n),
            PadMode::Reflect => self.images(axis, side, n, Image::Reflected)?,
            PadMode::Symmetric => self.images(axis, side, n, Image::Mirrored)?,
            PadMode::Wrap => self.images(axis, side, n, Image::Wrapped)?,
        };
        Ok(Some(made))
    }

    /// An array of one value that is `n` elements long along an axis and else like this one.
    fn slab(&self, axis: usize, n: u64, value: Scalar) -> Result<Self> {
        let others = self.grid().axes().iter().enumerate().filter(|(a, _)| *a != axis);
        let value = value.cast(self.dtype());
        if others.into_iter().all(|(_, chunks)| chunks.is_known()) {
            let grid = self.grid().with_axis(axis, AxisChunks::whole(n));
            // Beside a sparse array the new elements are sparse, too, if they are its fill.
            let is_fill = self.layout().fill().is_some_and(|fill| fill.is_same(value));
            let layout = if is_fill { self.layout() } else { Layout::Dense };
            return Ok(DynArray::build(FullOp { value }, &[], ArrayMeta { dtype: self.dtype(), grid, layout }));
        }
        // Lengths that a run decides come from the blocks of this array.
        let one = match self.known_len("pad", axis)? {
            0 => self.reduce(Reduction::CountNonzero, &Reduce::axes([axis as isize]).keepdims())?,
            _ => self.edge(axis, Side::Before)?,
        };
        Ok(one.full_like(value).stretched_along(axis, n))
    }

    /// The first or last element along an axis.
    fn edge(&self, axis: usize, side: Side) -> Result<Self> {
        let len = self.known_len("pad", axis)?;
        let at = if side == Side::Before { 0 } else { len - 1 };
        self.part(axis, at..at + 1)
    }

    /// An array of length 1 along an axis, `n` times.
    fn stretched_along(&self, axis: usize, n: u64) -> Self {
        self.stretched(&self.grid().with_axis(axis, AxisChunks::whole(n)))
    }

    /// A reduction along an axis that stays, in the type of this array.
    fn statistic(&self, axis: usize, reduction: Reduction) -> Result<Self> {
        let reduced = self.reduce(reduction, &Reduce::axes([axis as isize]).keepdims())?;
        self.rounded_as(&reduced)
    }

    /// The median along an axis that stays, in the type of this array.
    fn median_along(&self, axis: usize) -> Result<Self> {
        self.rounded_as(&self.median_with(&Reduce::one(axis as isize).keepdims())?)
    }

    /// Numbers in the type of this array, rounded if that is integers.
    fn rounded_as(&self, numbers: &DynArray) -> Result<Self> {
        let rounds = self.dtype().is_integral() && !numbers.dtype().is_integral();
        Ok(if rounds { apply(ElemOp::Rint, &[numbers])?.astype(self.dtype()) } else { numbers.astype(self.dtype()) })
    }

    /// `n` numbers on the line from the edge to `end`, which lies outermost; integers are rounded down.
    fn ramp(&self, axis: usize, side: Side, n: u64, end: Scalar) -> Result<Self> {
        let wide = if self.dtype().is_complex() { DType::C64 } else { DType::F64 };
        let (edge, end) = (self.edge(axis, side)?.astype(wide), DynArray::scalar_of(end.cast(wide)));
        let steps = positions(&AxisChunks::whole(n)).astype(wide);
        let steps = if side == Side::Before { steps } else { steps.flip(&[0])? };
        let steps = steps.view((0..self.ndim()).map(|a| (a == axis).then_some(0)).collect());
        let n_steps = DynArray::scalar_of(Scalar::F64(n as f64));
        let slope = binary(ElemOp::Divide, &binary(ElemOp::Subtract, &edge, &end)?, &n_steps)?;
        let line = binary(ElemOp::Add, &binary(ElemOp::Multiply, &steps, &slope)?, &end)?;
        let line = if self.dtype().is_integral() { apply(ElemOp::Floor, &[&line])? } else { line };
        Ok(line.astype(self.dtype()))
    }

    /// The `n` elements that images of the axis put beside it.
    fn images(&self, axis: usize, side: Side, n: u64, image: Image) -> Result<Self> {
        let len = self.known_len("pad", axis)?;
        let outside = match side {
            Side::Before => -(n as i128)..0,
            Side::After => i128::from(len)..i128::from(len) + i128::from(n),
        };
        self.take_positions(axis, &outside.map(|at| image.source(at, len)).collect::<Vec<u64>>())
    }
}

/// How an axis goes on beyond its ends.
#[derive(Clone, Copy)]
enum Image {
    Reflected,
    Mirrored,
    Wrapped,
}

impl Image {
    /// The position, inside an axis of `len` elements, whose element stands at a position outside.
    fn source(self, at: i128, len: u64) -> u64 {
        let len = i128::from(len);
        let inside = match self {
            Image::Wrapped => at.rem_euclid(len),
            Image::Reflected if len == 1 => 0,
            Image::Reflected => {
                let in_period = at.rem_euclid(2 * (len - 1));
                in_period.min(2 * (len - 1) - in_period)
            }
            Image::Mirrored => {
                let in_period = at.rem_euclid(2 * len);
                in_period.min(2 * len - 1 - in_period)
            }
        };
        inside as u64
    }
}

impl<T: Element> Array<T> {
    /// The array with more elements before and after each axis.
    ///
    /// # Chunks
    /// The new elements are chunks of their own.
    ///
    /// # Errors
    /// The numbers of widths and axes differ; an axis without elements is padded with anything but constants; a padded
    /// axis has an unknown length, unless with constants; an order or a mean is asked of types that have none.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 2, 3], Chunks::size(2))?;
    /// assert_eq!(x.pad((1, 2), PadMode::constant(0))?.compute()?, ndarray::arr1(&[0, 1, 2, 3, 0, 0]).into_dyn());
    /// assert_eq!(x.pad(2, PadMode::Reflect)?.compute()?, ndarray::arr1(&[3, 2, 1, 2, 3, 2, 1]).into_dyn());
    /// assert_eq!(x.pad((2, 0), PadMode::linear_ramp(-1))?.compute()?, ndarray::arr1(&[-1, 0, 1, 2, 3]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn pad(&self, widths: impl Into<PadWidths>, mode: PadMode) -> Result<Self> {
        Self::try_wrap(self.as_dyn().pad(widths, mode))
    }
}
