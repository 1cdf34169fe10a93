//! Products: sums over shared axes of two arrays.
//!
//! Both operands are brought to matrices, free axes times contracted ones, by a linear map of their keys; the product
//! goes row by row (Gustavson, "Two fast algorithms for sparse matrices", 1978): the entries of a row of `a` pick rows of
//! `b`, which are added up in a dense row of sums. A bit per element tells which sums are in use, and comes out in order.
//!
//! ```text
//! a row  . 2 . 3      b row 1  5 . . 1      sums   10 . 21 2      bits 1 0 1 1
//!                     b row 3  . . 7 .
//! ```
//!
//! Elements without an entry do not take part: the fill must be zero, and zero times a stored NaN or infinity elsewhere
//! is zero. Sums are taken in the element type; those that come to zero leave no entry.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{ArrayD, ArrayViewD, IxDyn};

use super::align::Pruned;
use super::coo::Coo;
use super::keys::{Divisor, Key, Width, n_elems, with_width};
use super::manipulate::permuted;
use super::parallel::{join_pieces, map_parts, map_slices, parts};
use super::sort::{join_duplicates, sort_entries};
use crate::chunks::select::normalize_axes;
use crate::element::Element;
use crate::element::alloc::filled;
use crate::error::{Error, Result, Shown};

/// Rows of sums up to this length are dense; beyond, products are sorted.
const DENSE_ROW_MAX_ELEMS: u128 = 1 << 22;

impl<T: Element> Coo<T> {
    /// The sum of products over pairs of axes: `axes[i]` of this array with `other_axes[i]` of the other.
    ///
    /// The result has the other axes of this array, then those of `other`. No axes at all give the outer product.
    /// Negative axes count from the end.
    ///
    /// # Errors
    /// An axis is out of range or named twice, paired axes have different lengths, or a fill is not zero.
    ///
    /// # Complexity
    /// One sort of each operand, unless its axes are in place; then one addition per pair of entries that meet.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 0, 1], [0, 2, 2]], vec![1, 2, 3], [2, 3])?;
    /// let b = Coo::new(&[[0, 1, 2], [1, 0, 1]], vec![1, 2, 4], [3, 2])?;
    /// let c = a.tensordot(&b, &[1], &[0])?;
    /// assert_eq!(c.to_dense()?, ndarray::arr2(&[[0, 9], [0, 12]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn tensordot(&self, other: &Coo<T>, axes: &[isize], other_axes: &[isize]) -> Result<Coo<T>> {
        self.contract(other, &Pairing::new("tensordot", self.shape(), axes, other.shape(), other_axes)?)
    }

    /// The sums of products over the contracted axes of a pairing.
    ///
    /// # Errors
    /// A fill is not zero, or the result has 2^128 elements or more.
    pub(crate) fn contract(&self, other: &Coo<T>, pairing: &Pairing) -> Result<Coo<T>> {
        let (a, b) = (zero_filled(pairing.op, self)?, zero_filled(pairing.op, other)?);
        let shape = pairing.out_shape();
        let n_elems = n_elems(pairing.op, &shape)?;
        let (width_a, width_b) = (self.keys().width(), other.keys().width());
        with_width!(Width::of(n_elems).max(width_a).max(width_b), K => {
            let (a, b) = (pairing.a.matrix::<K, T>(&a), pairing.b.matrix::<K, T>(&b));
            let (keys, values) = multiply(&a, &b, pairing.b.n_free());
            Ok(Coo::from_sorted(shape.into(), keys, values, T::zero(), n_elems))
        })
    }

    /// The product of the last axis of this array with the second to last of the other, or its only one.
    ///
    /// # Errors
    /// The axes have different lengths, an operand has no axes, or a fill is not zero.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1], [1, 0]], vec![5, 6], [2, 2])?;
    /// assert_eq!(a.dot(&a)?, Coo::new(&[[0, 1], [0, 1]], vec![30, 30], [2, 2])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn dot(&self, other: &Coo<T>) -> Result<Coo<T>> {
        self.tensordot(other, &[-1], &[if other.ndim() > 1 { -2 } else { -1 }])
    }

    /// The sum of products over pairs of axes with a dense array, as a dense array; see [`tensordot`](Coo::tensordot).
    ///
    /// # Errors
    /// As [`tensordot`](Coo::tensordot), or the result does not fit in memory.
    ///
    /// # Complexity
    /// One addition of a row of `dense` per entry.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 0], [0, 2]], vec![1.0, 2.0], [2, 3])?;
    /// let b = ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).into_dyn();
    /// assert_eq!(a.tensordot_dense(&b.view(), &[1], &[0])?, ndarray::arr2(&[[11.0, 14.0], [0.0, 0.0]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn tensordot_dense(
        &self,
        dense: &ArrayViewD<'_, T>,
        axes: &[isize],
        dense_axes: &[isize],
    ) -> Result<ArrayD<T>> {
        let dense_shape: Vec<u64> = dense.shape().iter().map(|&len| len as u64).collect();
        self.contract_dense(dense, &Pairing::new("tensordot_dense", self.shape(), axes, &dense_shape, dense_axes)?)
    }

    /// The sums of products with a dense array over the contracted axes of a pairing.
    ///
    /// # Errors
    /// The fill is not zero, or the result does not fit in memory.
    pub(crate) fn contract_dense(&self, dense: &ArrayViewD<'_, T>, pairing: &Pairing) -> Result<ArrayD<T>> {
        let op = pairing.op;
        let own = zero_filled(op, self)?;
        let out_shape = pairing.out_shape();
        let mut out = filled(op, n_elems(op, &out_shape)?, T::zero())?;
        let order = pairing.b.order();
        let turned = dense.view().permuted_axes(order);
        let turned = turned.as_standard_layout();
        let rows = turned.as_slice().unwrap_or_default();
        let n_columns = pairing.b.n_free() as usize;
        with_width!(self.keys().width(), K => {
            let a = pairing.a.matrix::<K, T>(&own);
            let a_rows = Rows::new(&a);
            let add_row = |i: usize, to: &mut [T]| {
                let entries = a_rows.entries(i);
                add_rows(to, rows, &a_rows.columns[entries.clone()], &a.values[entries]);
            };
            let ranges = parts(a_rows.rows.len(), |i| a_rows.starts[i] * n_columns.max(1));
            let ends: Vec<usize> = ranges[1..]
                .iter()
                .map(|range| a_rows.rows.get(range.start).map_or(out.len(), |row| row.to_usize_lossy() * n_columns))
                .chain([out.len()])
                .collect();
            map_slices(&mut out, &ends, &ranges, |first, to, range| {
                for i in range {
                    let at = a_rows.rows[i].to_usize_lossy() * n_columns - first;
                    add_row(i, &mut to[at..at + n_columns]);
                }
            });
        });
        let lens: Vec<usize> = out_shape.iter().map(|&len| len as usize).collect();
        ArrayD::from_shape_vec(IxDyn(&lens), out).map_err(|error| Error::bug(op, error.to_string()))
    }

    /// The sum of products of a dense array with this one, as a dense array: the axes of `dense` come first.
    ///
    /// # Errors
    /// As [`tensordot_dense`](Coo::tensordot_dense).
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 2], [1, 0]], vec![1.0, 2.0], [3, 2])?;
    /// let b = ndarray::arr2(&[[1.0, 2.0, 3.0]]).into_dyn();
    /// assert_eq!(a.dense_tensordot(&b.view(), &[1], &[0])?, ndarray::arr2(&[[6.0, 1.0]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn dense_tensordot(
        &self,
        dense: &ArrayViewD<'_, T>,
        dense_axes: &[isize],
        axes: &[isize],
    ) -> Result<ArrayD<T>> {
        let product = self.tensordot_dense(dense, axes, dense_axes)?;
        let n_own = self.ndim() - axes.len();
        let order: Vec<usize> = (n_own..product.ndim()).chain(0..n_own).collect();
        Ok(product.permuted_axes(order).as_standard_layout().into_owned())
    }
}

/// Refuses arrays whose elements without an entry would take part in a product. A single value is no such array, though it
/// may be stored as the fill.
fn zero_filled<'a, T: Element>(op: &'static str, coo: &'a Coo<T>) -> Result<Cow<'a, Coo<T>>> {
    if coo.fill() == T::zero() {
        return Ok(Cow::Borrowed(coo));
    }
    if coo.size() == 1 {
        return coo.refill(T::zero()).map(Cow::Owned);
    }
    Err(Error::layout(op, format!("the fill of a sparse operand is {} and must be 0", coo.fill()))
        .with_remedy("subtract the fill first, or bring the operand to fill 0 with `refill`"))
}

/// Which axes of two operands are summed over, and which go together and stay.
pub(crate) struct Pairing {
    op: &'static str,
    a: Operand,
    b: Operand,
}

impl Pairing {
    pub(crate) fn new(op: &'static str, a: &[u64], axes_a: &[isize], b: &[u64], axes_b: &[isize]) -> Result<Pairing> {
        let (normal_a, normal_b) = (normalize_axes(op, axes_a, a.len())?, normalize_axes(op, axes_b, b.len())?);
        if normal_a.len() != normal_b.len() {
            let detail = format!("{} axes are paired with {}", normal_a.len(), normal_b.len());
            return Err(Error::shape(op, format!("{detail}; operands {} and {}", Shown(a), Shown(b))));
        }
        Self::batched(op, (a, &[], &normal_a), (b, &[], &normal_b))
    }

    /// For each operand its shape, its batch axes and its contracted axes. The result has the batch axes in the order given,
    /// the free axes of the first operand, then those of the second.
    pub(crate) fn batched(
        op: &'static str,
        (a, batch_a, axes_a): (&[u64], &[usize], &[usize]),
        (b, batch_b, axes_b): (&[u64], &[usize], &[usize]),
    ) -> Result<Pairing> {
        let pairs = || batch_a.iter().zip(batch_b).chain(axes_a.iter().zip(axes_b));
        if let Some((&x, &y)) = pairs().find(|&(&x, &y)| a[x] != b[y]) {
            let (axes_a, axes_b): (Vec<usize>, Vec<usize>) = pairs().map(|(&x, &y)| (x, y)).unzip();
            let (axes_a, axes_b) = (Shown(&axes_a), Shown(&axes_b));
            let detail = format!("axes {axes_a} and {axes_b} pair lengths {} and {}", a[x], b[y]);
            return Err(Error::shape(op, format!("{detail}; operands {} and {}", Shown(a), Shown(b))));
        }
        let (a, b) = (Operand::new(a, batch_a, axes_a, Side::Left), Operand::new(b, batch_b, axes_b, Side::Right));
        Ok(Pairing { op, a, b })
    }

    fn out_shape(&self) -> Vec<u64> {
        let lens =
            |operand: &Operand, axes: &[usize]| -> Vec<u64> { axes.iter().map(|&axis| operand.shape[axis]).collect() };
        [lens(&self.a, &self.a.batch), lens(&self.a, &self.a.free), lens(&self.b, &self.b.free)].concat()
    }
}

/// Which axes of the matrix are the rows: the free ones on the left, the contracted ones on the right.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Left,
    Right,
}

/// One operand as a matrix. Batches are rows of their own:
///
/// ```text
/// left    row (batch, free)          column (batch, contracted)     a matrix per batch along a diagonal, zero elsewhere
/// right   row (batch, contracted)    column free                    one matrix below the other
/// ```
struct Operand {
    shape: Vec<u64>,
    batch: Vec<usize>,
    free: Vec<usize>,
    contracted: Vec<usize>,
    side: Side,
}

impl Operand {
    fn new(shape: &[u64], batch: &[usize], contracted: &[usize], side: Side) -> Self {
        let free = (0..shape.len()).filter(|axis| !contracted.contains(axis) && !batch.contains(axis)).collect();
        Self { shape: shape.to_vec(), batch: batch.to_vec(), free, contracted: contracted.to_vec(), side }
    }

    /// The number of elements of the free axes; 1 where a length of zero leaves nothing to count.
    fn n_free(&self) -> u128 {
        self.count(&self.free)
    }

    fn count(&self, axes: &[usize]) -> u128 {
        if self.shape.contains(&0) && !axes.is_empty() {
            return axes.iter().map(|&axis| self.shape[axis] as u128).try_fold(1u128, u128::checked_mul).unwrap_or(1);
        }
        axes.iter().map(|&axis| self.shape[axis] as u128).product()
    }

    /// The axes in the order of the matrix: batches, rows, columns.
    fn order(&self) -> Vec<usize> {
        let (rows, columns) = match self.side {
            Side::Left => (&self.free, &self.contracted),
            Side::Right => (&self.contracted, &self.free),
        };
        self.batch.iter().chain(rows).chain(columns).copied().collect()
    }

    /// The entries sorted by row, then column.
    fn matrix<'a, K: Key, T: Element>(&self, coo: &'a Coo<T>) -> Matrix<'a, K, T> {
        let (keys, values) = permuted(coo, &self.order());
        let (n_free, n_contracted) = (self.n_free(), self.count(&self.contracted));
        let n_columns = if self.side == Side::Left { n_contracted } else { n_free };
        Matrix {
            keys,
            values,
            n_rows: self.count(&self.batch) * if self.side == Side::Left { n_free } else { n_contracted },
            n_columns: Divisor::new(n_columns),
            batches: (self.side == Side::Left && !self.batch.is_empty())
                .then(|| (Divisor::new(n_free), K::truncate(n_contracted))),
        }
    }
}

/// A sparse matrix whose keys are `row * n_columns + column`, sorted.
struct Matrix<'a, K: Clone, T: Clone> {
    keys: Cow<'a, [K]>,
    values: Cow<'a, [T]>,
    n_rows: u128,
    n_columns: Divisor<K>,
    /// The rows of a batch and the distance between its columns and those of the next, where there are batches.
    batches: Option<(Divisor<K>, K)>,
}

/// The rows of a matrix that have entries.
struct Rows<K> {
    /// The column of each entry.
    columns: Vec<K>,
    /// The rows that have entries, ascending.
    rows: Vec<K>,
    /// Row `rows[i]` has the entries `starts[i]..starts[i + 1]`.
    starts: Vec<usize>,
}

impl<K: Key> Rows<K> {
    fn new<T: Element>(matrix: &Matrix<'_, K, T>) -> Self {
        let mut rows = Self { columns: Vec::with_capacity(matrix.keys.len()), rows: Vec::new(), starts: Vec::new() };
        for (i, &key) in matrix.keys.iter().enumerate() {
            let (row, column) = matrix.n_columns.div_rem(key);
            let first_column = matrix.batches.map_or(K::zero(), |(by_rows, step)| by_rows.div_rem(row).0 * step);
            rows.columns.push(first_column + column);
            if rows.rows.last() != Some(&row) {
                rows.rows.push(row);
                rows.starts.push(i);
            }
        }
        rows.starts.push(matrix.keys.len());
        rows
    }

    fn entries(&self, i: usize) -> Range<usize> {
        self.starts[i]..self.starts[i + 1]
    }
}

/// For every column of `a`'s entries, the entries of that row of `b`.
fn partners<K: Key>(columns: &[K], b: &Rows<K>, n_rows: u128) -> Vec<Range<usize>> {
    if n_rows <= 4 * (columns.len() as u128 + b.columns.len() as u128) + 1024 {
        let mut table = vec![0..0; n_rows as usize];
        b.rows.iter().enumerate().for_each(|(i, row)| table[row.to_usize_lossy()] = b.entries(i));
        return columns.iter().map(|column| table[column.to_usize_lossy()].clone()).collect();
    }
    columns.iter().map(|column| b.rows.binary_search(column).map_or(0..0, |i| b.entries(i))).collect()
}

/// Elements of a row that are summed in registers.
const STRIP: usize = 8;

/// Adds to a row the rows of a dense matrix that the entries of a sparse row pick, strip by strip.
fn add_rows<K: Key, T: Element>(to: &mut [T], matrix: &[T], picks: &[K], factors: &[T]) {
    let n_columns = to.len();
    let (strips, rest) = to.as_chunks_mut::<STRIP>();
    let n_strips = strips.len();
    for (n, strip) in strips.iter_mut().enumerate() {
        let mut sums = *strip;
        for (pick, factor) in picks.iter().zip(factors) {
            let from = &matrix[pick.to_usize_lossy() * n_columns + n * STRIP..][..STRIP];
            sums.iter_mut().zip(from).for_each(|(sum, &x)| *sum = sum.plus(factor.times(x)));
        }
        *strip = sums;
    }
    for (pick, factor) in picks.iter().zip(factors) {
        let from = &matrix[pick.to_usize_lossy() * n_columns + n_strips * STRIP..][..rest.len()];
        rest.iter_mut().zip(from).for_each(|(sum, &x)| *sum = sum.plus(factor.times(x)));
    }
}

/// The product, sorted by row and column, without zeros.
fn multiply<K: Key, T: Element>(a: &Matrix<'_, K, T>, b: &Matrix<'_, K, T>, n_columns: u128) -> (Vec<K>, Vec<T>) {
    let (a_rows, b_rows) = (Rows::new(a), Rows::new(b));
    let partners = partners(&a_rows.columns, &b_rows, b.n_rows);
    // What an entry costs is the number of its partners, and one.
    let mut work = Vec::with_capacity(partners.len() + 1);
    work.push(0usize);
    partners.iter().for_each(|run| work.push(work[work.len() - 1].saturating_add(run.len() + 1)));
    let rows = parts(a_rows.rows.len(), |i| work[a_rows.starts[i]]);
    let product = Product { a, b, a_rows: &a_rows, b_rows: &b_rows, partners: &partners, n_columns };
    join_pieces(map_parts(rows, |range| product.of_rows(range)))
}

/// A product of matrices under way.
struct Product<'a, K: Key, T: Element> {
    a: &'a Matrix<'a, K, T>,
    b: &'a Matrix<'a, K, T>,
    a_rows: &'a Rows<K>,
    b_rows: &'a Rows<K>,
    /// For every entry of `a` the entries of `b` that it meets.
    partners: &'a [Range<usize>],
    n_columns: u128,
}

impl<K: Key, T: Element> Product<'_, K, T> {
    /// The entries of some rows of the product, numbered among those of `a` that have entries.
    fn of_rows(&self, rows: Range<usize>) -> (Vec<K>, Vec<T>) {
        let entries = self.a_rows.starts[rows.start]..self.a_rows.starts[rows.end];
        let n_products: u128 = self.partners[entries].iter().map(|run| run.len() as u128).sum();
        let most = (rows.len() as u128).saturating_mul(self.n_columns);
        let mut out = Pruned::with_room_for(T::zero(), n_products.min(most));
        let mut sums = (self.n_columns <= DENSE_ROW_MAX_ELEMS).then(|| RowSums::new(self.n_columns as usize));
        rows.for_each(|i| self.put_row(i, &mut sums, &mut out));
        out.finish()
    }

    fn put_row(&self, i: usize, sums: &mut Option<RowSums<T>>, out: &mut Pruned<K, T>) {
        let first_key = self.a_rows.rows[i] * K::truncate(self.n_columns);
        let entries = self.a_rows.entries(i);
        let n_products: usize = self.partners[entries.clone()].iter().map(ExactSizeIterator::len).sum();
        let runs = entries.map(|at| {
            let run = self.partners[at].clone();
            (self.a.values[at], &self.b_rows.columns[run.clone()], &self.b.values[run])
        });
        match sums {
            Some(sums) if n_products >= sums.sums.len() => {
                runs.for_each(|(factor, columns, values)| sums.add_unmarked(factor, columns, values));
                sums.drain_all(|column, value| out.put(first_key + K::from_usize_lossy(column), value));
            }
            // Looking through the bits of a long row costs more than sorting a few products.
            Some(sums) if n_products * 64 >= sums.summary.len() => {
                runs.for_each(|(factor, columns, values)| sums.add(factor, columns, values));
                sums.drain(|column, value| out.put(first_key + K::from_usize_lossy(column), value));
            }
            _ => {
                let (columns, products) = sorted_products(runs, n_products, self.n_columns);
                columns.iter().zip(products).for_each(|(&column, value)| out.put(first_key + column, value));
            }
        }
    }
}

/// The sums of one row by sorting its products, of which there are `n_products`.
fn sorted_products<'a, K: Key, T: Element>(
    runs: impl Iterator<Item = (T, &'a [K], &'a [T])>,
    n_products: usize,
    n_columns: u128,
) -> (Vec<K>, Vec<T>) {
    let (mut columns, mut products) = (Vec::with_capacity(n_products), Vec::with_capacity(n_products));
    for (factor, run_columns, values) in runs {
        columns.extend_from_slice(run_columns);
        // A sum starts from zero, which makes 0 of a product that is -0.
        products.extend(values.iter().map(|&value| T::zero().plus(factor.times(value))));
    }
    sort_entries(&mut columns, &mut products, n_columns.saturating_sub(1));
    join_duplicates(&mut columns, &mut products, T::plus);
    (columns, products)
}

/// One row of sums, with a bit per element that is in use and a bit per 64 of those.
struct RowSums<T> {
    sums: Vec<T>,
    used: Vec<u64>,
    summary: Vec<u64>,
}

impl<T: Element> RowSums<T> {
    fn new(n_columns: usize) -> Self {
        let n_words = n_columns.div_ceil(64);
        Self { sums: vec![T::zero(); n_columns], used: vec![0; n_words], summary: vec![0; n_words.div_ceil(64)] }
    }

    /// Adds products of a row that has about as many as elements: which are in use need not be known.
    fn add_unmarked<K: Key>(&mut self, factor: T, columns: &[K], values: &[T]) {
        for (column, &value) in columns.iter().zip(values) {
            let sum = &mut self.sums[column.to_usize_lossy()];
            *sum = sum.plus(factor.times(value));
        }
    }

    /// Hands out all sums, and starts anew.
    fn drain_all(&mut self, mut put: impl FnMut(usize, T)) {
        self.sums.iter_mut().enumerate().for_each(|(column, sum)| put(column, std::mem::replace(sum, T::zero())));
    }

    fn add<K: Key>(&mut self, factor: T, columns: &[K], values: &[T]) {
        for (column, &value) in columns.iter().zip(values) {
            let column = column.to_usize_lossy();
            self.sums[column] = self.sums[column].plus(factor.times(value));
            self.used[column / 64] |= 1 << (column % 64);
            self.summary[column / 4096] |= 1 << (column / 64 % 64);
        }
    }

    /// Hands out the sums in use in the order of columns, and starts anew.
    fn drain(&mut self, mut put: impl FnMut(usize, T)) {
        for (block, summary) in self.summary.iter_mut().enumerate() {
            let mut words = std::mem::take(summary);
            while words != 0 {
                let word = block * 64 + words.trailing_zeros() as usize;
                words &= words - 1;
                let mut bits = std::mem::take(&mut self.used[word]);
                while bits != 0 {
                    let column = word * 64 + bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    put(column, std::mem::replace(&mut self.sums[column], T::zero()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, ArrayD};
    use proptest::prelude::*;

    use super::*;
    use crate::element::C64;
    use crate::sparse::testing::{Drawn, dense_with_fill};

    type Case<T> = (ArrayD<T>, Vec<isize>, ArrayD<T>, Vec<isize>);

    /// Two arrays that share up to two axes, in any order and at any place.
    fn cases<T: Drawn>(zero: T) -> impl Strategy<Value = Case<T>> {
        let lens = || prop::collection::vec(prop_oneof![1 => Just(0usize), 2 => Just(1), 9 => 2usize..5], 0..3);
        (lens(), lens(), lens()).prop_flat_map(move |(free_a, free_b, shared)| {
            let order = |n: usize| Just((0..n).collect::<Vec<usize>>()).prop_shuffle();
            let (n_a, n_b) = (free_a.len() + shared.len(), free_b.len() + shared.len());
            (order(n_a), order(n_b)).prop_flat_map(move |(order_a, order_b)| {
                let place = |free: &[usize], order: &[usize]| {
                    let all: Vec<usize> = free.iter().chain(&shared).copied().collect();
                    let shape: Vec<usize> = order.iter().map(|&from| all[from]).collect();
                    let at = |from: usize| order.iter().position(|&x| x == from).unwrap() as isize;
                    (shape, (free.len()..all.len()).map(at).collect::<Vec<isize>>())
                };
                let ((shape_a, axes_a), (shape_b, axes_b)) = (place(&free_a, &order_a), place(&free_b, &order_b));
                (dense_with_fill(shape_a, zero), Just(axes_a), dense_with_fill(shape_b, zero), Just(axes_b))
            })
        })
    }

    /// The operand as a matrix, and the lengths of its free axes.
    fn matrix<T: Element>(a: &ArrayD<T>, axes: &[isize], contracted_first: bool) -> (Array2<T>, Vec<usize>) {
        let contracted: Vec<usize> = axes.iter().map(|&axis| axis as usize).collect();
        let free: Vec<usize> = (0..a.ndim()).filter(|axis| !contracted.contains(axis)).collect();
        let lens: Vec<usize> = free.iter().map(|&axis| a.shape()[axis]).collect();
        let (first, second) = if contracted_first { (&contracted, &free) } else { (&free, &contracted) };
        let n_rows: usize = first.iter().map(|&axis| a.shape()[axis]).product();
        let n_columns: usize = second.iter().map(|&axis| a.shape()[axis]).product();
        let order: Vec<usize> = first.iter().chain(second).copied().collect();
        let flat: Vec<T> = a.view().permuted_axes(order).iter().copied().collect();
        (Array2::from_shape_vec((n_rows, n_columns), flat).unwrap(), lens)
    }

    fn check<T: Drawn>((a, axes_a, b, axes_b): &Case<T>) {
        let ((left, free_a), (right, free_b)) = (matrix(a, axes_a, false), matrix(b, axes_b, true));
        let product = ArrayD::from_shape_fn([free_a.clone(), free_b.clone()].concat(), |index| {
            let flat = |lens: &[usize], from: usize| {
                lens.iter().enumerate().fold(0, |at, (axis, len)| at * len + index[from + axis])
            };
            let (row, column) = (left.row(flat(&free_a, 0)), right.column(flat(&free_b, free_a.len())));
            row.iter().zip(column).fold(T::zero(), |sum, (&x, &y)| sum.plus(x.times(y)))
        });
        let (sparse_a, sparse_b) = (Coo::from_dense(&a.view()).unwrap(), Coo::from_dense(&b.view()).unwrap());
        let found = sparse_a.tensordot(&sparse_b, axes_a, axes_b).unwrap();
        assert_eq!(found.to_dense().unwrap(), product);
        assert_eq!(found, found.prune());
        assert!(found.keys().is_canonical(found.size()));
        assert_eq!(sparse_a.tensordot_dense(&b.view(), axes_a, axes_b).unwrap(), product);
        assert_eq!(sparse_b.dense_tensordot(&a.view(), axes_a, axes_b).unwrap(), product);
    }

    proptest! {
        #[test]
        fn contractions_are_those_of_dense_arrays(case in cases(0i64), complex in cases(C64::new(0.0, 0.0)), truth in cases(false)) {
            check(&case);
            check(&complex);
            check(&truth);
        }
    }

    #[test]
    fn cancelled_sums_leave_no_entry_and_integers_wrap() {
        let a = Coo::new(&[[0, 0], [0, 1]], vec![1, -1], [1, 2]).unwrap();
        let b = Coo::new(&[[0, 1], [0, 0]], vec![7, 7], [2, 1]).unwrap();
        assert_eq!(a.dot(&b).unwrap().nnz(), 0);
        let c = Coo::new(&[[0]], vec![100u8], [1]).unwrap();
        assert_eq!(c.tensordot(&c, &[0], &[0]).unwrap().get(&[]).unwrap(), 16);
        assert_eq!(c.tensordot(&c, &[], &[]).unwrap().shape(), [1, 1]);
        let d = Coo::new(&[[0, 0], [1, 2]], vec![-1.0, 1.0], [1, 1 << 40]).unwrap();
        let e = Coo::new(&[[1], [7]], vec![0.0], [1 << 40, 1 << 40]).unwrap();
        assert_eq!(d.dot(&e).unwrap().nnz(), 0);
    }

    #[test]
    fn long_rows_are_sorted_instead_of_summed_in_place() {
        let n = 1u64 << 40;
        let a = Coo::new(&[[3, n - 1], [1, 0]], vec![2, 3], [n, 2]).unwrap();
        let b = Coo::new(&[[0, 1, 1], [n - 1, 0, 5]], vec![5, 7, 11], [2, n]).unwrap();
        let c = a.dot(&b).unwrap();
        assert_eq!(c.coords(), ndarray::arr2(&[[3, 3, n - 1], [0, 5, n - 1]]));
        assert_eq!(c.values(), [14, 22, 15]);
        let d = b.dot(&a).unwrap();
        assert_eq!((d.shape(), d.values()), (&[2, 2][..], &[15][..]));
        let wide = Coo::new(&[[1], [3_000_000]], vec![4], [2, 1 << 22]).unwrap();
        assert_eq!(Coo::new(&[[0], [1]], vec![2], [1, 2]).unwrap().dot(&wide).unwrap().values(), [8]);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let (a, b) = (Coo::empty([20, 40], 0).unwrap(), Coo::empty([50, 10], 0).unwrap());
        let text = a.tensordot(&b, &[1], &[0]).unwrap_err().to_string();
        assert_eq!(text, "tensordot: axes (1) and (0) pair lengths 40 and 50; operands (20, 40) and (50, 10)");
        assert!(a.tensordot(&b, &[1], &[]).unwrap_err().is_shape());
        assert!(a.tensordot(&b, &[2], &[0]).unwrap_err().is_shape());
        let filled = Coo::empty([40], 1).unwrap();
        assert!(a.tensordot(&filled, &[1], &[0]).unwrap_err().to_string().contains("fill"));
        assert!(filled.dot(&a.t()).unwrap_err().is_usage());
    }
}
