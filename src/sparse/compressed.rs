//! The compressed form: rows as runs of entries, for exchange with libraries of sparse matrices.
//!
//! Some axes are *compressed* to rows, the others to columns. Row `i` has the entries `offsets[i]..offsets[i + 1]`, each with
//! a column and a value. With two axes, compressing axis 0 is the CSR form and axis 1 the CSC form:
//!
//! ```text
//!  . 5 3 .      offsets 0 2 3 4      columns 1 2 0 3      values 5 3 -2 7
//! -2 . . .
//!  . . . 7
//! ```
//!
//! All work is done on [`Coo`]: this form is made from it and turned back into it.

use super::coo::Coo;
use super::keys::{Divisor, Key, Width, n_elems, with_width};
use super::manipulate::permuted;
use crate::chunks::select::normalize_axes;
use crate::element::Element;
use crate::error::{Error, Result, Shown};

/// A sparse array whose entries are grouped by row.
///
/// ```
/// use hyperslab::sparse::Coo;
/// let a = Coo::new(&[[0, 0, 1, 2], [1, 2, 0, 3]], vec![5, 3, -2, 7], [3, 4])?;
/// let csr = a.to_csr()?;
/// assert_eq!((csr.offsets(), csr.columns(), csr.values()), (&[0, 2, 3, 4][..], &[1, 2, 0, 3][..], &[5, 3, -2, 7][..]));
/// assert_eq!(csr.to_coo()?, a);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[doc(alias = "GCXS")]
#[doc(alias = "CSR")]
#[doc(alias = "CSC")]
pub struct Compressed<T: Element> {
    shape: Vec<u64>,
    /// The axes that make the rows, ascending.
    row_axes: Vec<usize>,
    offsets: Vec<usize>,
    columns: Vec<u64>,
    values: Vec<T>,
    fill: T,
}

impl<T: Element> Compressed<T> {
    /// A compressed array from its parts. Columns of a row may come in any order; duplicates are summed by
    /// [`to_coo`](Self::to_coo).
    ///
    /// # Errors
    /// An axis is out of range or named twice, offsets do not ascend from 0 to the number of entries, there are not as many
    /// columns as values, or a column lies outside.
    ///
    /// ```
    /// use hyperslab::sparse::Compressed;
    /// let csc = Compressed::from_parts([2, 3], &[1], vec![0, 1, 1, 2], vec![1, 0], vec![5, 6], 0)?;
    /// assert_eq!(csc.to_coo()?.to_dense()?, ndarray::arr2(&[[0, 0, 6], [5, 0, 0]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn from_parts(
        shape: impl AsRef<[u64]>,
        row_axes: &[isize],
        offsets: Vec<usize>,
        columns: Vec<u64>,
        values: Vec<T>,
        fill: T,
    ) -> Result<Self> {
        let shape = shape.as_ref().to_vec();
        let row_axes = sorted_axes(&shape, row_axes)?;
        let (n_rows, n_columns) = row_and_column_count(&shape, &row_axes)?;
        let fits = offsets.len() == n_rows + 1
            && offsets[0] == 0
            && offsets.is_sorted()
            && offsets.last() == Some(&values.len())
            && columns.len() == values.len();
        if !fits {
            let detail = format!(
                "{} offsets, {} columns and {} values are no {n_rows} rows of entries",
                offsets.len(),
                columns.len(),
                values.len()
            );
            return Err(
                Error::shape(OP, detail).with_remedy("give one offset more than rows, from 0 to the number of entries")
            );
        }
        if let Some(&column) = columns.iter().find(|&&column| column as u128 >= n_columns) {
            return Err(Error::bad_index(OP, format!("column {column} lies outside of {n_columns} columns")));
        }
        Ok(Self { shape, row_axes, offsets, columns, values, fill })
    }

    /// The length of each axis.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// The axes that make the rows, ascending.
    #[doc(alias = "compressed_axes")]
    pub fn row_axes(&self) -> &[usize] {
        &self.row_axes
    }

    /// Where the entries of each row start, and the end of the last.
    #[doc(alias = "indptr")]
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// The column of each entry: its C-order position on the axes that do not make the rows.
    #[doc(alias = "indices")]
    pub fn columns(&self) -> &[u64] {
        &self.columns
    }

    /// The value of each entry.
    #[doc(alias = "data")]
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// The value of every element that has no entry.
    pub fn fill(&self) -> T {
        self.fill
    }

    /// The number of entries.
    pub fn nnz(&self) -> usize {
        self.values.len()
    }

    /// The same array by coordinates.
    ///
    /// # Errors
    /// Never for an array that was made from a [`Coo`].
    pub fn to_coo(&self) -> Result<Coo<T>> {
        let order = axis_order(&self.shape, &self.row_axes);
        let turned: Vec<u64> = order.iter().map(|&axis| self.shape[axis]).collect();
        let (_, n_columns) = row_and_column_count(&self.shape, &self.row_axes)?;
        let n_elems = n_elems(OP, &turned)?;
        let mut back = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, &axis)| back[axis] = place as isize);
        with_width!(Width::of(n_elems), K => {
            let mut keys = Vec::<K>::with_capacity(self.nnz());
            for (row, run) in self.offsets.windows(2).enumerate() {
                let first = row as u128 * n_columns;
                keys.extend(self.columns[run[0]..run[1]].iter().map(|&column| K::truncate(first + column as u128)));
            }
            Coo::from_unsorted(turned.into(), keys, self.values.clone(), self.fill, n_elems).transpose(&back)
        })
    }
}

impl<T: Element> Coo<T> {
    /// The compressed form with the rows that some axes make.
    ///
    /// # Errors
    /// An axis is out of range or named twice, or there are more rows than memory holds.
    ///
    /// # Complexity
    /// One sort, unless the axes stand in front.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1], [1, 0], [2, 3]], vec![5, 6], [2, 2, 4])?;
    /// let g = a.to_compressed(&[0, 1])?;
    /// assert_eq!((g.offsets(), g.columns()), (&[0, 0, 1, 2, 2][..], &[2, 3][..]));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "asformat")]
    pub fn to_compressed(&self, row_axes: &[isize]) -> Result<Compressed<T>> {
        let row_axes = sorted_axes(self.shape(), row_axes)?;
        let (n_rows, n_columns) = row_and_column_count(self.shape(), &row_axes)?;
        let mut offsets = crate::element::alloc::filled::<u64>(OP, n_rows as u128 + 1, 0)?;
        with_width!(self.keys().width(), K => {
            let (keys, values) = permuted::<K, T>(self, &axis_order(self.shape(), &row_axes));
            let by_columns = Divisor::<K>::new(n_columns);
            let mut columns = Vec::with_capacity(keys.len());
            for &key in keys.iter() {
                let (row, column) = by_columns.div_rem(key);
                offsets[row.to_usize_lossy() + 1] += 1;
                columns.push(column.widen() as u64);
            }
            (1..offsets.len()).for_each(|row| offsets[row] += offsets[row - 1]);
            Ok(Compressed {
                shape: self.shape().to_vec(),
                row_axes,
                offsets: offsets.into_iter().map(|offset| offset as usize).collect(),
                columns,
                values: values.into_owned(),
                fill: self.fill(),
            })
        })
    }

    /// The compressed rows of a matrix.
    ///
    /// # Errors
    /// The array has not two axes, or there are more rows than memory holds.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::<f64>::eye(2, 3, 1)?.to_csr()?.columns(), [1, 2]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn to_csr(&self) -> Result<Compressed<T>> {
        self.check_matrix("to_csr")?;
        self.to_compressed(&[0])
    }

    /// The compressed columns of a matrix.
    ///
    /// # Errors
    /// The array has not two axes, or there are more columns than memory holds.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 0, 1, 2], [1, 2, 0, 3]], vec![5, 3, -2, 7], [3, 4])?;
    /// assert_eq!(a.to_csc()?.values(), [-2, 5, 3, 7]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn to_csc(&self) -> Result<Compressed<T>> {
        self.check_matrix("to_csc")?;
        self.to_compressed(&[1])
    }

    fn check_matrix(&self, op: &'static str) -> Result<()> {
        if self.ndim() == 2 {
            return Ok(());
        }
        Err(Error::shape(op, format!("an array of shape {} is no matrix", Shown(self.shape())))
            .with_remedy("name the axes that make the rows: `to_compressed`"))
    }
}

const OP: &str = "compressed";

fn sorted_axes(shape: &[u64], axes: &[isize]) -> Result<Vec<usize>> {
    let mut axes = normalize_axes(OP, axes, shape.len())?;
    axes.sort_unstable();
    Ok(axes)
}

/// The axes of the rows, then those of the columns.
fn axis_order(shape: &[u64], row_axes: &[usize]) -> Vec<usize> {
    row_axes.iter().copied().chain((0..shape.len()).filter(|axis| !row_axes.contains(axis))).collect()
}

fn row_and_column_count(shape: &[u64], row_axes: &[usize]) -> Result<(usize, u128)> {
    let lens = |is_row: bool| -> Vec<u64> {
        (0..shape.len()).filter(|axis| row_axes.contains(axis) == is_row).map(|axis| shape[axis]).collect()
    };
    let n_rows = n_elems(OP, &lens(true))?;
    let n_columns = n_elems(OP, &lens(false))?;
    let n_rows = usize::try_from(n_rows).ok().filter(|&n| n < usize::MAX && n_columns <= 1 << 64).ok_or_else(|| {
        Error::shape(OP, format!("{n_rows} rows of {n_columns} columns are too many for the compressed form"))
    })?;
    Ok((n_rows, n_columns))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sparse::testing::{dense_with_fill, shapes};

    proptest! {
        #[test]
        fn forms_go_back_and_forth(
            a in shapes().prop_flat_map(|shape| dense_with_fill(shape, 3i64)), picks in prop::collection::vec(any::<bool>(), 4),
        ) {
            let coo = Coo::from_dense_with_fill(&a.view(), 3).unwrap();
            let axes: Vec<isize> = (0..a.ndim()).filter(|&axis| picks[axis]).map(|axis| axis as isize).collect();
            let compressed = coo.to_compressed(&axes).unwrap();
            prop_assert_eq!(compressed.nnz(), coo.nnz());
            prop_assert!(compressed.offsets().windows(2).all(|run| compressed.columns()[run[0]..run[1]].is_sorted()));
            prop_assert_eq!(&compressed.to_coo().unwrap(), &coo);
            let again = Compressed::from_parts(
                coo.shape(), &axes, compressed.offsets().to_vec(), compressed.columns().to_vec(), compressed.values().to_vec(), 3,
            );
            prop_assert_eq!(again.unwrap(), compressed);
        }
    }

    #[test]
    fn parts_are_checked() {
        let make = |offsets: Vec<usize>, columns: Vec<u64>| {
            Compressed::from_parts([2, 3], &[0], offsets, columns, vec![5, 6], 0)
        };
        assert!(make(vec![0, 1, 2], vec![0, 2]).is_ok());
        assert!(make(vec![0, 2], vec![0, 2]).unwrap_err().is_shape());
        assert!(make(vec![0, 2, 1], vec![0, 2]).unwrap_err().is_shape());
        assert!(make(vec![1, 1, 2], vec![0, 2]).unwrap_err().is_shape());
        assert!(make(vec![0, 1, 2], vec![0]).unwrap_err().is_shape());
        assert!(make(vec![0, 1, 2], vec![0, 3]).unwrap_err().is_index());
        assert!(Compressed::from_parts([2, 3], &[2], vec![0], vec![], Vec::<i32>::new(), 0).unwrap_err().is_shape());
        assert_eq!(make(vec![0, 2, 2], vec![1, 1]).unwrap().to_coo().unwrap().values(), [11]);
        assert!(Coo::<i8>::zeros([3]).unwrap().to_csr().unwrap_err().is_shape());
        assert!(Coo::<i8>::zeros([1 << 63, 4]).unwrap().to_csr().unwrap_err().is_memory());
    }
}
