//! Sums of products over axes: `tensordot`, `matmul`, `dot`.

use super::{Array, DynArray};
use crate::block::{ArrayMeta, Layout};
use crate::chunks::select::normalize_axes;
use crate::chunks::{AxisChunks, Grid};
use crate::element::{C64, Element, Scalar, promote};
use crate::error::{Error, Result, Shown};
use crate::graph::ops::ContractOp;

/// Which axes `tensordot` contracts: a number of trailing and leading ones, or pairs.
///
/// ```text
/// 2, ([1, 0], [0, 1]), (vec![-1], vec![0])      what converts to it
/// ```
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// use hyperslab::array::ContractAxes;
/// assert_eq!(ContractAxes::from(([1], [0])), ContractAxes::Pairs(vec![1], vec![0]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContractAxes {
    /// The last `n` axes of the first array with the first `n` of the second, in order.
    Last(usize),
    /// Axis `.0[i]` of the first with axis `.1[i]` of the second; negative numbers count from the end.
    Pairs(Vec<isize>, Vec<isize>),
}

impl From<usize> for ContractAxes {
    fn from(n: usize) -> Self {
        ContractAxes::Last(n)
    }
}

impl<const N: usize> From<([isize; N], [isize; N])> for ContractAxes {
    fn from((lhs, rhs): ([isize; N], [isize; N])) -> Self {
        ContractAxes::Pairs(lhs.to_vec(), rhs.to_vec())
    }
}

impl From<(Vec<isize>, Vec<isize>)> for ContractAxes {
    fn from((lhs, rhs): (Vec<isize>, Vec<isize>)) -> Self {
        ContractAxes::Pairs(lhs, rhs)
    }
}

impl ContractAxes {
    fn normalize(&self, lhs: &DynArray, rhs: &DynArray) -> Result<(Vec<usize>, Vec<usize>)> {
        const OP: &str = "tensordot";
        match self {
            ContractAxes::Last(n) if *n > lhs.ndim().min(rhs.ndim()) => {
                let operands = format!("{} and {}", lhs.grid().shape_text(), rhs.grid().shape_text());
                let detail = format!("{n} axes are contracted of arrays with {} and {}", lhs.ndim(), rhs.ndim());
                Err(Error::shape(OP, format!("{detail}; operands {operands}")))
            }
            ContractAxes::Last(n) => Ok(((lhs.ndim() - n..lhs.ndim()).collect(), (0..*n).collect())),
            ContractAxes::Pairs(a, b) if a.len() != b.len() => {
                Err(Error::shape(OP, format!("axes {a:?} and {b:?} do not pair"))
                    .with_remedy("name as many of each array"))
            }
            ContractAxes::Pairs(a, b) => Ok((normalize_axes(OP, a, lhs.ndim())?, normalize_axes(OP, b, rhs.ndim())?)),
        }
    }
}

/// The arrays of a contraction, in one element type and with equal chunks along contracted and batch axes.
struct Aligned {
    lhs: DynArray,
    rhs: DynArray,
}

fn align(op: &'static str, lhs: &DynArray, rhs: &DynArray, pairs: &[(usize, usize)]) -> Result<Aligned> {
    let dtype = promote(lhs.dtype(), rhs.dtype());
    let (mut lhs_grid, mut rhs_grid) = (lhs.grid().clone(), rhs.grid().clone());
    for &(a, b) in pairs {
        let (x, y) = (lhs_grid.axis(a).clone(), rhs_grid.axis(b).clone());
        if let (Some(m), Some(n)) = (x.len(), y.len())
            && m != n
        {
            return Err(pair_error(op, lhs, rhs, pairs, m, n));
        }
        let common = common_cut(op, &x, &y)?;
        lhs_grid = lhs_grid.with_axis(a, common.clone());
        rhs_grid = rhs_grid.with_axis(b, common);
    }
    Ok(Aligned { lhs: lhs.astype(dtype).to_grid(&lhs_grid)?, rhs: rhs.astype(dtype).to_grid(&rhs_grid)? })
}

fn pair_error(op: &'static str, lhs: &DynArray, rhs: &DynArray, pairs: &[(usize, usize)], m: u64, n: u64) -> Error {
    let (a, b): (Vec<usize>, Vec<usize>) = pairs.iter().copied().unzip();
    let operands = format!("{} and {}", lhs.grid().shape_text(), rhs.grid().shape_text());
    Error::shape(op, format!("axes {a:?}, {b:?} pair lengths {m} and {n}; operands {operands}"))
}

/// Chunks that serve both cuts of an axis: the coarser of two where one refines the other, else their refinement.
fn common_cut(op: &'static str, x: &AxisChunks, y: &AxisChunks) -> Result<AxisChunks> {
    let grids = [Grid::new(vec![x.clone()]), Grid::new(vec![y.clone()])];
    Ok(crate::chunks::unify::broadcast_grids(op, &[&grids[0], &grids[1]])?.axis(0).clone())
}

/// Sums of products of sparse arrays need fill zero: everything not stored adds nothing.
fn check_fills(op: &'static str, lhs: &DynArray, rhs: &DynArray) -> Result<()> {
    for array in [lhs, rhs] {
        // Of either sign: the conjugate of 0 is 0-0i.
        if let Some(fill) = array.layout().fill().filter(|fill| fill.to_c64() != C64::default()) {
            return Err(Error::layout(op, format!("a sparse operand has fill {fill}"))
                .with_remedy("sums of products of sparse arrays need fill 0: use `to_dense()`"));
        }
    }
    Ok(())
}

impl DynArray {
    /// See [`tensordot`].
    pub fn tensordot(&self, other: &DynArray, axes: impl Into<ContractAxes>) -> Result<Self> {
        let (lhs_axes, rhs_axes) = axes.into().normalize(self, other)?;
        self.contract("tensordot", other, lhs_axes, rhs_axes, 0)
    }

    pub(crate) fn contract(
        &self,
        label: &'static str,
        other: &DynArray,
        lhs_axes: Vec<usize>,
        rhs_axes: Vec<usize>,
        batch: usize,
    ) -> Result<Self> {
        let batch_pairs = (0..batch).map(|axis| (axis, axis));
        let pairs: Vec<(usize, usize)> =
            lhs_axes.iter().copied().zip(rhs_axes.iter().copied()).chain(batch_pairs).collect();
        let Aligned { lhs, rhs } = align(label, self, other, &pairs)?;
        let free = |array: &DynArray, contracted: &[usize]| ContractOp::free_axes(array.ndim(), contracted, batch);
        let lhs_free = free(&lhs, &lhs_axes).into_iter().map(|axis| lhs.grid().axis(axis).clone());
        let rhs_free = free(&rhs, &rhs_axes).into_iter().map(|axis| rhs.grid().axis(axis).clone());
        let grid: Grid = lhs.grid().axes()[..batch].iter().cloned().chain(lhs_free).chain(rhs_free).collect();
        check_fills(label, &lhs, &rhs)?;
        let layout = match (lhs.layout(), rhs.layout()) {
            (Layout::Sparse(_), Layout::Sparse(_)) => Layout::Sparse(Scalar::zero(lhs.dtype())),
            (Layout::Mixed, Layout::Mixed | Layout::Sparse(_)) | (Layout::Sparse(_), Layout::Mixed) => Layout::Mixed,
            (_, _) => Layout::Dense,
        };
        let meta = ArrayMeta { layout, ..ArrayMeta::dense(lhs.dtype(), grid) };
        Ok(DynArray::build(ContractOp { label, lhs_axes, rhs_axes, batch }, &[&lhs, &rhs], meta))
    }

    /// See [`matmul`].
    pub fn matmul(&self, other: &DynArray) -> Result<Self> {
        const OP: &str = "matmul";
        let shapes = || format!("operands {} and {}", self.grid().shape_text(), other.grid().shape_text());
        match (self.ndim(), other.ndim()) {
            (0, _) | (_, 0) => Err(Error::shape(OP, shapes()).with_remedy("multiply 0-d arrays with `*`")),
            (1, 1) => self.contract(OP, other, vec![0], vec![0], 0),
            (_, 1) => self.contract(OP, other, vec![self.ndim() - 1], vec![0], 0),
            (1, n) => {
                let product = self.contract(OP, other, vec![0], vec![n - 2], 0)?;
                Ok(product)
            }
            (2, 2) => self.contract(OP, other, vec![1], vec![0], 0),
            (m, n) => self.batch_matmul(other, m.max(n) - 2),
        }
    }

    /// Matrix products over leading axes, which broadcast.
    fn batch_matmul(&self, other: &DynArray, n_batch: usize) -> Result<Self> {
        const OP: &str = "matmul";
        let batch_shape =
            |array: &DynArray| -> Result<Vec<u64>> { Ok(array.grid().require_shape(OP)?[..array.ndim() - 2].to_vec()) };
        let (own, others) = (batch_shape(self)?, batch_shape(other)?);
        let common = crate::chunks::unify::broadcast_shape(OP, &own, &others).map_err(|_| {
            let operands = format!("{} and {}", self.grid().shape_text(), other.grid().shape_text());
            let batches = format!("leading axes {} and {}", Shown(&own), Shown(&others));
            Error::shape(OP, format!("{batches} do not broadcast; operands {operands}"))
        })?;
        let stretched = |array: &DynArray| -> Result<DynArray> {
            let own = array.grid().require_shape(OP)?;
            array.broadcast_to([&common[..], &own[array.ndim() - 2..]].concat())
        };
        let (lhs, rhs) = (stretched(self)?, stretched(other)?);
        lhs.contract(OP, &rhs, vec![n_batch + 1], vec![n_batch], n_batch)
    }

    /// See [`dot`].
    pub fn dot(&self, other: &DynArray) -> Result<Self> {
        match (self.ndim(), other.ndim()) {
            (0, _) | (_, 0) => super::elementwise::binary(crate::kernels::ElemOp::Multiply, self, other),
            (m, 1) => self.contract("dot", other, vec![m - 1], vec![0], 0),
            (m, n) => self.contract("dot", other, vec![m - 1], vec![n - 2], 0),
        }
    }
}

/// The sum of products over pairs of axes, as NumPy's `tensordot`.
///
/// # Chunks
/// Free axes keep their chunks; contracted ones are cut to the common refinement. A block of the result is accumulated
/// in place over the contracted blocks.
///
/// # Errors
/// Paired lengths differ; an axis is named twice or out of range; a sparse operand has a fill that is not zero.
///
/// # Complexity
/// One task per block of the result and contracted block; a task holds one result block and the two operands.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let a = Array::<i64>::arange(0, 6, 1, Chunks::size(2))?.reshape([2, 3])?;
/// let b = Array::<i64>::ones([3, 2], Chunks::size(2))?;
/// assert_eq!(tensordot(&a, &b, 1)?.compute()?, ndarray::arr2(&[[3, 3], [12, 12]]).into_dyn());
/// assert_eq!(tensordot(&a, &b, ([0, 1], [1, 0]))?.scalar()?, 15);
/// let error = tensordot(&a, &a, ([1], [0])).unwrap_err();
/// assert_eq!(error.to_string(), "tensordot: axes [1], [0] pair lengths 3 and 2; operands (2, 3) and (2, 3)");
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn tensordot<T: Element>(lhs: &Array<T>, rhs: &Array<T>, axes: impl Into<ContractAxes>) -> Result<Array<T>> {
    Array::try_wrap(lhs.as_dyn().tensordot(rhs.as_dyn(), axes))
}

/// The matrix product, as NumPy's `matmul`: leading axes beyond two broadcast.
///
/// # Errors
/// An operand is 0-d, or lengths do not fit.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let a = Array::<f64>::eye(3, 3, 0, Chunks::size(2))?;
/// let b = Array::<f64>::arange(0.0, 3.0, 1.0, Chunks::size(2))?;
/// assert_eq!(matmul(&a, &b)?.compute()?, ndarray::arr1(&[0.0, 1.0, 2.0]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn matmul<T: Element>(lhs: &Array<T>, rhs: &Array<T>) -> Result<Array<T>> {
    Array::try_wrap(lhs.as_dyn().matmul(rhs.as_dyn()))
}

/// The sum of products over the last axis of the first and the second to last of the second, as NumPy's `dot`.
///
/// # Errors
/// Lengths do not fit, or a sparse operand has a fill that is not zero.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let a = Array::from_vec(vec![1, 2, 3], Chunks::size(2))?;
/// assert_eq!(dot(&a, &a)?.scalar()?, 14);
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn dot<T: Element>(lhs: &Array<T>, rhs: &Array<T>) -> Result<Array<T>> {
    Array::try_wrap(lhs.as_dyn().dot(rhs.as_dyn()))
}

impl<T: Element> Array<T> {
    /// [`matmul`] as a method.
    ///
    /// # Errors
    /// As [`matmul`].
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let a = Array::<i64>::arange(1, 5, 1, Chunks::size(2))?.reshape([2, 2])?;
    /// assert_eq!(a.matmul(&a)?.compute()?, ndarray::arr2(&[[7, 10], [15, 22]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn matmul(&self, other: &Array<T>) -> Result<Self> {
        matmul(self, other)
    }

    /// [`dot`] as a method.
    ///
    /// # Errors
    /// As [`dot`].
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let a = Array::<i64>::arange(1, 5, 1, Chunks::size(2))?;
    /// assert_eq!(a.dot(&a)?.scalar()?, 30);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn dot(&self, other: &Array<T>) -> Result<Self> {
        dot(self, other)
    }

    /// [`tensordot`] as a method.
    ///
    /// # Errors
    /// As [`tensordot`].
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let a = Array::<i64>::arange(1, 5, 1, Chunks::size(2))?.reshape([2, 2])?;
    /// assert_eq!(a.tensordot(&a, 2)?.scalar()?, 30);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn tensordot(&self, other: &Array<T>, axes: impl Into<ContractAxes>) -> Result<Self> {
        tensordot(self, other, axes)
    }
}
