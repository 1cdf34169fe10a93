//! Differences of neighbours: `diff`, `ediff1d`, `gradient`.

use super::elementwise::binary;
use super::manipulate::concatenate_dyn;
use super::{Array, DynArray};
use crate::chunks::Chunks;
use crate::chunks::select::{normalize_axes, normalize_axis};
use crate::element::{DType, Element, Number, Scalar};
use crate::error::{Error, Result};
use crate::kernels::ElemOp;

/// How far apart elements stand along the axes of a [`gradient`](Array::gradient).
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::from_vec(vec![0.0, 1.0, 9.0], Chunks::auto())?;
/// let even = x.gradient(&[0], &[Spacing::from(1.0)], EdgeOrder::First)?;
/// assert_eq!(even[0].compute()?, ndarray::arr1(&[1.0, 4.5, 8.0]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug)]
pub enum Spacing {
    /// The same distance everywhere.
    Even(f64),
    /// The coordinates of the elements along the axis.
    At(Vec<f64>),
}

impl From<f64> for Spacing {
    fn from(distance: f64) -> Self {
        Spacing::Even(distance)
    }
}

impl From<Vec<f64>> for Spacing {
    fn from(coordinates: Vec<f64>) -> Self {
        Spacing::At(coordinates)
    }
}

/// How [`gradient`](Array::gradient) treats the first and last element.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::from_vec(vec![0.0, 1.0, 4.0, 9.0], Chunks::auto())?;                  // squares
/// let slope = x.gradient(&[0], &[1.0.into()], EdgeOrder::Second)?;
/// assert_eq!(slope[0].compute()?, ndarray::arr1(&[0.0, 2.0, 4.0, 6.0]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EdgeOrder {
    /// By the difference to the one neighbour.
    #[default]
    First,
    /// By a parabola through the two nearest neighbours.
    Second,
}

impl DynArray {
    /// See [`Array::diff`]. Of `bool`, whether neighbours differ.
    pub fn diff(&self, n: u32, axis: isize) -> Result<Self> {
        let axis = normalize_axis("diff", axis, self.ndim())?;
        let op = if self.dtype() == DType::Bool { ElemOp::NotEqual } else { ElemOp::Subtract };
        let mut array = self.clone();
        for _ in 0..n {
            let len = array.known_len("diff", axis)?;
            array = binary(op, &array.part(axis, 1.min(len)..len)?, &array.part(axis, 0..len.saturating_sub(1))?)?;
            if len <= 1 {
                break;
            }
        }
        Ok(array)
    }

    /// See [`Array::ediff1d`].
    pub fn ediff1d(&self, to_begin: &DynArray, to_end: &DynArray) -> Result<Self> {
        let inner = self.ravel()?.diff(1, 0)?;
        let ends = [to_begin, to_end].map(|end| end.astype(self.dtype()).ravel());
        let [begin, end] = ends;
        concatenate_dyn(&[&begin?.atleast_1d(), &inner, &end?.atleast_1d()], 0)
    }

    /// See [`Array::gradient`].
    pub fn gradient(&self, axes: &[isize], spacings: &[Spacing], edges: EdgeOrder) -> Result<Vec<Self>> {
        let axes =
            if axes.is_empty() { (0..self.ndim()).collect() } else { normalize_axes("gradient", axes, self.ndim())? };
        let spacing = |i: usize| match spacings {
            [] => Ok(Spacing::Even(1.0)),
            [one] => Ok(one.clone()),
            many if many.len() == axes.len() => Ok(many[i].clone()),
            many => {
                Err(Error::shape("gradient", format!("{} distances are given for {} axes", many.len(), axes.len()))
                    .with_remedy("give one distance, or one for each axis"))
            }
        };
        let array = self.astype(self.dtype().mean());
        axes.iter().enumerate().map(|(i, &axis)| Slope::new(&array, axis, &spacing(i)?, edges)?.gradient()).collect()
    }
}

/// The parts of a gradient along one axis.
struct Slope<'a> {
    array: &'a DynArray,
    axis: usize,
    len: u64,
    /// The distances between neighbours, one less than elements; or the one distance of all.
    steps: Steps,
    edges: EdgeOrder,
}

enum Steps {
    Even(f64),
    Each(Vec<f64>),
}

impl<'a> Slope<'a> {
    fn new(array: &'a DynArray, axis: usize, spacing: &Spacing, edges: EdgeOrder) -> Result<Self> {
        const OP: &str = "gradient";
        let len = array.known_len(OP, axis)?;
        let needed = if edges == EdgeOrder::First { 2 } else { 3 };
        if len < needed {
            let detail = format!("axis {axis} has {len} elements where {needed} are needed");
            return Err(Error::shape(OP, detail));
        }
        let steps = match spacing {
            Spacing::Even(step) => Steps::Even(*step),
            Spacing::At(places) if places.len() as u64 == len => {
                let each: Vec<f64> = places.windows(2).map(|w| w[1] - w[0]).collect();
                if each.windows(2).all(|w| w[0] == w[1]) { Steps::Even(each[0]) } else { Steps::Each(each) }
            }
            Spacing::At(places) => {
                let detail = format!("{} coordinates are given for the {len} elements of axis {axis}", places.len());
                return Err(Error::shape(OP, detail));
            }
        };
        Ok(Self { array, axis, len, steps, edges })
    }

    fn gradient(&self) -> Result<DynArray> {
        let parts = [self.edge(false)?, self.inner()?, self.edge(true)?];
        concatenate_dyn(&parts.iter().collect::<Vec<_>>(), self.axis as isize)
    }

    /// A number in the real type of the array.
    fn number(&self, x: f64) -> DynArray {
        DynArray::scalar_of(Scalar::F64(x).cast(self.array.dtype().real()))
    }

    /// The sum of parts of the array, each times a factor.
    fn weighted(&self, parts: &[(std::ops::Range<u64>, DynArray)]) -> Result<DynArray> {
        let products = parts
            .iter()
            .map(|(range, factor)| binary(ElemOp::Multiply, &self.array.part(self.axis, range.clone())?, factor));
        let products = products.collect::<Result<Vec<_>>>()?;
        products[1..].iter().try_fold(products[0].clone(), |sum, product| binary(ElemOp::Add, &sum, product))
    }

    fn inner(&self) -> Result<DynArray> {
        let n = self.len;
        match &self.steps {
            Steps::Even(step) => {
                let (after, before) = (self.array.part(self.axis, 2..n)?, self.array.part(self.axis, 0..n - 2)?);
                binary(ElemOp::Divide, &binary(ElemOp::Subtract, &after, &before)?, &self.number(2.0 * step))
            }
            Steps::Each(steps) => {
                let factors =
                    |f: &dyn Fn(f64, f64) -> f64| self.list(steps.windows(2).map(|w| f(w[0], w[1])).collect());
                let before = factors(&|a, b| -b / (a * (a + b)))?;
                let here = factors(&|a, b| (b - a) / (a * b))?;
                let after = factors(&|a, b| a / (b * (a + b)))?;
                self.weighted(&[(0..n - 2, before), (1..n - 1, here), (2..n, after)])
            }
        }
    }

    /// A list of factors along the axis.
    fn list(&self, factors: Vec<f64>) -> Result<DynArray> {
        let list = Array::from_vec(factors, Chunks::auto())?.into_dyn().astype(self.array.dtype().real());
        Ok(list.view((0..self.array.ndim()).map(|a| (a == self.axis).then_some(0)).collect()))
    }

    /// The first element of the gradient, or the last.
    fn edge(&self, is_last: bool) -> Result<DynArray> {
        let n = self.len;
        let at = |i: u64| if is_last { n - 1 - i..n - i } else { i..i + 1 };
        let sign = if is_last { -1.0 } else { 1.0 };
        let step = |i: usize| match &self.steps {
            Steps::Even(step) => *step,
            Steps::Each(steps) => steps[if is_last { steps.len() - 1 - i } else { i }],
        };
        if self.edges == EdgeOrder::First {
            let (near, far) = (self.array.part(self.axis, at(0))?, self.array.part(self.axis, at(1))?);
            let way =
                if is_last { binary(ElemOp::Subtract, &near, &far) } else { binary(ElemOp::Subtract, &far, &near) };
            return binary(ElemOp::Divide, &way?, &self.number(step(0)));
        }
        let (a, b) = (step(0), step(1));
        let factors = [-(2.0 * a + b) / (a * (a + b)), (a + b) / (a * b), -a / (b * (a + b))];
        let parts: Vec<_> = factors.iter().zip(0..).map(|(f, i)| (at(i), self.number(sign * f))).collect();
        self.weighted(&parts)
    }
}

impl<T: Number> Array<T> {
    /// The differences of neighbours along an axis, `n` times over; the axis gets shorter by one each time.
    ///
    /// # Errors
    /// The axis is out of range or has an unknown length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 4, 9, 16], Chunks::size(2))?;
    /// assert_eq!(x.diff(1, 0)?.compute()?, ndarray::arr1(&[3, 5, 7]).into_dyn());
    /// assert_eq!(x.diff(2, 0)?.compute()?, ndarray::arr1(&[2, 2]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn diff(&self, n: u32, axis: isize) -> Result<Self> {
        Self::try_wrap(self.as_dyn().diff(n, axis))
    }

    /// The differences of neighbours in row-major order, with other numbers before and behind them.
    ///
    /// # Errors
    /// A length is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1, 4, 9], Chunks::size(2))?;
    /// assert_eq!(x.ediff1d(&[], &[0, 7])?.compute()?, ndarray::arr1(&[3, 5, 0, 7]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn ediff1d(&self, to_begin: &[T], to_end: &[T]) -> Result<Self> {
        let list = |ends: &[T]| Array::from_vec(ends.to_vec(), Chunks::auto());
        Self::try_wrap(self.as_dyn().ediff1d(list(to_begin)?.as_dyn(), list(to_end)?.as_dyn()))
    }
}

impl<T: Element> Array<T> {
    /// The slope along some axes (all if none is named): central differences inside, one-sided ones at the ends.
    ///
    /// Distances are 1, or one for all axes, or one [`Spacing`] for each axis: a distance, or coordinates.
    ///
    /// # Errors
    /// An axis has fewer than two elements (three for [`EdgeOrder::Second`]) or an unknown length; coordinates do not fit.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.0, 4.0, 9.0, 16.0], Chunks::size(2))?;
    /// let slopes = x.gradient(&[], &[Spacing::Even(2.0)], EdgeOrder::First)?;
    /// assert_eq!(slopes[0].compute()?, ndarray::arr1(&[1.5, 2.0, 3.0, 3.5]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn gradient(&self, axes: &[isize], spacings: &[Spacing], edges: EdgeOrder) -> Result<Vec<Array<T::Mean>>> {
        Ok(self.as_dyn().gradient(axes, spacings, edges)?.into_iter().map(Array::wrap).collect())
    }
}
