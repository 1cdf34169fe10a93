//! Diagonals and triangles of matrices: `diagonal`, `diag`, `trace`, `tril`, `triu`.
//!
//! An offset `k` names a diagonal: 0 is the main one, positive ones lie above it.
//!
//! ```text
//!        k = 0  1  2
//!            \  \  \
//! k = -1     a  b  c
//!       \    d  e  f
//! ```

use super::elementwise::{binary, select};
use super::manipulate::concatenate_dyn;
use super::typed::forward;
use super::{Array, DynArray};
use crate::block::ArrayMeta;
use crate::chunks::select::normalize_axes;
use crate::chunks::{AxisChunks, Grid};
use crate::element::{DType, Element, Scalar};
use crate::error::{Error, Result};
use crate::graph::ops::{FullOp, PointsOp};
use crate::kernels::{ElemOp, Generate, Reduction};

use super::reduce::Reduce;

/// The numbers 0, 1, 2, … in the chunks of an axis of known length.
pub(crate) fn positions(chunks: &AxisChunks) -> DynArray {
    let generator = Generate::Arange { start: Scalar::I64(0), step: Scalar::I64(1) };
    DynArray::generate(generator, Grid::new(vec![chunks.clone()]))
}

/// Compares column minus row with `k` for every place of two axes.
fn compare_distance(op: ElemOp, rows: &AxisChunks, columns: &AxisChunks, k: i64) -> Result<DynArray> {
    let rows = positions(rows).view(vec![Some(0), None]);
    let shifted = binary(ElemOp::Add, &rows, &DynArray::scalar_of(Scalar::I64(k)))?;
    binary(op, &positions(columns), &shifted)
}

impl DynArray {
    /// See [`Array::tril`].
    pub fn tril(&self, k: i64) -> Result<Self> {
        self.triangle("tril", ElemOp::LessEqual, k)
    }

    /// See [`Array::triu`].
    pub fn triu(&self, k: i64) -> Result<Self> {
        self.triangle("triu", ElemOp::GreaterEqual, k)
    }

    fn triangle(&self, op: &'static str, keeps: ElemOp, k: i64) -> Result<Self> {
        if self.ndim() == 0 {
            return Err(Error::shape(op, "a 0-d array has no rows and columns").with_remedy("give it axes first"));
        }
        let matrix = self.atleast_2d();
        let [rows, columns] = [matrix.ndim() - 2, matrix.ndim() - 1];
        matrix.known_len(op, rows)?;
        matrix.known_len(op, columns)?;
        // NumPy makes a square of a 1-d array: each row is the array.
        let row_chunks = if self.ndim() == 1 { self.grid().axis(0) } else { matrix.grid().axis(rows) };
        let kept = compare_distance(keeps, row_chunks, matrix.grid().axis(columns), k)?;
        select(&kept, &matrix, &DynArray::scalar_of(Scalar::zero(self.dtype())))
    }

    /// See [`Array::diagonal`].
    pub fn diagonal(&self, offset: i64, axes: [isize; 2]) -> Result<Self> {
        const OP: &str = "diagonal";
        let plane = normalize_axes(OP, &axes, self.ndim())?;
        let (rows, columns) = (self.known_len(OP, plane[0])?, self.known_len(OP, plane[1])?);
        let (row, column) = (offset.min(0).unsigned_abs(), offset.max(0).unsigned_abs());
        let len = rows.saturating_sub(row).min(columns.saturating_sub(column));
        let mut lists = vec![(plane[0], (row..row + len).collect()), (plane[1], (column..column + len).collect())];
        lists.sort_by_key(|list: &(usize, Vec<u64>)| list.0);
        let points = self.at_points(PointsOp::new(lists))?;
        Ok(points.view((1..points.ndim()).chain([0]).map(Some).collect()))
    }

    /// See [`Array::diag`].
    pub fn diag(&self, k: i64) -> Result<Self> {
        match self.ndim() {
            1 => self.on_diagonal(k),
            2 => self.diagonal(k, [0, 1]),
            n => Err(Error::shape("diag", format!("an array with {n} axes is neither a list nor a matrix"))
                .with_remedy("use `diagonal`, which names two axes")),
        }
    }

    /// A square matrix with this list on diagonal `k` and zeros elsewhere.
    fn on_diagonal(&self, k: i64) -> Result<Self> {
        self.known_len("diag", 0)?;
        let zero = Scalar::zero(self.dtype());
        // The value of each row: rows without a place on the diagonal come first or last.
        let mut by_row = self.clone();
        if k != 0 {
            let grid = Grid::new(vec![AxisChunks::whole(k.unsigned_abs())]);
            let none = DynArray::build(FullOp { value: zero }, &[], ArrayMeta::dense(self.dtype(), grid));
            by_row = concatenate_dyn(&if k > 0 { [self, &none] } else { [&none, self] }, 0)?;
        }
        let chunks = by_row.grid().axis(0);
        let on = compare_distance(ElemOp::Equal, chunks, chunks, k)?;
        select(&on, &by_row.view(vec![Some(0), None]), &DynArray::scalar_of(zero))
    }

    /// See [`Array::trace`].
    pub fn trace(&self, offset: i64, axes: [isize; 2]) -> Result<Self> {
        let diagonal = self.diagonal(offset, axes).map_err(|error| error.of_op("trace"))?;
        diagonal.reduce(Reduction::Sum, &Reduce::axes([-1]))
    }
}

impl<T: Element> Array<T> {
    /// The sum of a diagonal of two axes, in the type of [`sum`](Self::sum).
    ///
    /// # Errors
    /// As [`diagonal`](Self::diagonal).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[1i32, 2], [3, 4]]), Chunks::size(1))?;
    /// assert_eq!(x.trace(0, [0, 1])?.scalar()?, 5i64);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn trace(&self, offset: i64, axes: [isize; 2]) -> Result<Array<T::Sum>> {
        Array::try_wrap(self.as_dyn().trace(offset, axes))
    }

    /// A matrix with ones on and below diagonal `k`, zeros elsewhere (NumPy's `tri`).
    ///
    /// # Errors
    /// The chunks do not fit.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::tri(2, 3, 1, Chunks::auto())?;
    /// assert_eq!(x.compute()?, ndarray::arr2(&[[1, 1, 0], [1, 1, 1]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn tri(rows: u64, columns: u64, k: i64, chunks: impl Into<crate::Chunks>) -> Result<Self> {
        let grid = super::create::dense_grid("tri", &[rows, columns], &chunks.into(), T::DTYPE)?;
        let below = compare_distance(ElemOp::LessEqual, grid.axis(0), grid.axis(1), k)?;
        debug_assert_eq!(below.dtype(), DType::Bool);
        Ok(Self::wrap(below.astype(T::DTYPE)))
    }
}

forward! { try_same:
    /// The lower triangle: zeros above diagonal `k` of the last two axes. A 1-d array stands for all rows of a square.
    ///
    /// # Chunks
    /// Unchanged; nothing is stored in elementwise work.
    ///
    /// # Errors
    /// One of the last two axes has an unknown length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::ones([2, 3], Chunks::size(2))?;
    /// assert_eq!(x.tril(0)?.compute()?, ndarray::arr2(&[[1, 0, 0], [1, 1, 0]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn tril(&self, k: i64);
    /// The upper triangle: zeros below diagonal `k` of the last two axes; see [`tril`](Self::tril).
    ///
    /// # Errors
    /// As [`tril`](Self::tril).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::ones([2, 3], Chunks::size(2))?;
    /// assert_eq!(x.triu(1)?.compute()?, ndarray::arr2(&[[0, 1, 1], [0, 0, 1]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn triu(&self, k: i64);
    /// The elements of two axes whose positions differ by `offset` (second minus first). They become the last axis.
    ///
    /// # Errors
    /// The axes are equal or out of range, or have an unknown length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 6, 1, Chunks::size(2))?.reshape([2, 3])?;
    /// assert_eq!(x.diagonal(1, [0, 1])?.compute()?, ndarray::arr1(&[1, 5]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn diagonal(&self, offset: i64, axes: [isize; 2]);
    /// Of a list the square matrix with it on diagonal `k`; of a matrix its diagonal `k`.
    ///
    /// # Errors
    /// The array has neither one axis nor two, or an unknown length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![5, 7], Chunks::size(1))?;
    /// let m = x.diag(1)?;
    /// assert_eq!(m.compute()?, ndarray::arr2(&[[0, 5, 0], [0, 0, 7], [0, 0, 0]]).into_dyn());
    /// assert_eq!(m.diag(1)?.compute()?, x.compute()?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn diag(&self, k: i64);
}
