//! The sparse array type: its parts, how it is built from coordinates, and what can be asked of it.

use std::fmt;
use std::sync::Arc;

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::align::Pruned;
use super::coords;
use super::keys::{Key, Keys, Width, n_elems, pack, with_keys, with_width};
use super::sort::{join_duplicates, sort_entries};
use crate::element::{DType, Element};
use crate::error::{Error, Result, Shown};

/// An n-dimensional sparse array: the entries that differ from a *fill* value, sorted by position.
///
/// Every element that has no entry equals the fill. Entries are kept in C order without duplicates; an entry may equal
/// the fill (an *explicit* fill) until [`prune`](Coo::prune) drops it. Cloning copies pointers.
///
/// ```
/// use hyperslab::sparse::Coo;
/// // [[0, 5, 3, 0],
/// //  [0, 0, 0, 7]]
/// let a = Coo::new(&[[1, 0, 0], [3, 2, 1]], vec![7, 3, 5], [2, 4])?;
/// assert_eq!(a.values(), [5, 3, 7]);
/// assert_eq!(a.coords(), ndarray::arr2(&[[0, 0, 1], [1, 2, 3]]));
/// assert_eq!(a.get(&[0, 2])?, 3);
/// assert_eq!(a.get(&[1, 0])?, 0);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "RawCoo<T>", into = "RawCoo<T>", bound = "")]
#[doc(alias = "COO")]
pub struct Coo<T: Element> {
    shape: Arc<[u64]>,
    keys: Keys,
    values: Arc<Vec<T>>,
    fill: T,
}

impl<T: Element> Coo<T> {
    /// An array with fill zero from coordinates, one row per axis, in any order; duplicates are summed.
    ///
    /// Sums of integers wrap, of `bool` mean *or*.
    ///
    /// # Errors
    /// The number of rows is not the number of axes, a row is not as long as `values`, a coordinate lies outside of the
    /// shape, or the shape has 2^128 elements or more.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[2, 0, 2]], vec![1.0, 2.0, 4.0], [3])?;
    /// assert_eq!(a.to_dense()?.into_raw_vec_and_offset().0, [2.0, 0.0, 5.0]);
    /// assert!(Coo::new(&[[3]], vec![1.0], [3]).unwrap_err().is_index());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn new(coords: &[impl AsRef<[u64]>], values: Vec<T>, shape: impl AsRef<[u64]>) -> Result<Self> {
        Self::from_coords_with_fill(coords, values, shape, T::zero())
    }

    /// Like [`Coo::new`], with a fill value of choice.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::from_coords_with_fill(&[[1]], vec![0], [3], 9)?;
    /// assert_eq!(a.to_dense()?.into_raw_vec_and_offset().0, [9, 0, 9]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn from_coords_with_fill(
        coords: &[impl AsRef<[u64]>],
        values: Vec<T>,
        shape: impl AsRef<[u64]>,
        fill: T,
    ) -> Result<Self> {
        let rows: Vec<&[u64]> = coords.iter().map(AsRef::as_ref).collect();
        Self::from_rows(&rows, values, shape.as_ref(), fill)
    }

    /// Like [`Coo::from_coords_with_fill`], from a matrix of coordinates: one row per axis, one column per entry.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let coords = ndarray::arr2(&[[0, 1], [2, 0]]);
    /// let a = Coo::from_coord_matrix(coords.view(), vec![5, 6], [2, 3], 0)?;
    /// assert_eq!(a.get(&[1, 0])?, 6);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn from_coord_matrix(
        coords: ArrayView2<'_, u64>,
        values: Vec<T>,
        shape: impl AsRef<[u64]>,
        fill: T,
    ) -> Result<Self> {
        let coords = coords.as_standard_layout();
        let rows: Vec<&[u64]> = coords.rows().into_iter().filter_map(|row| row.to_slice()).collect();
        Self::from_rows(&rows, values, shape.as_ref(), fill)
    }

    /// An array without entries: every element is the fill.
    ///
    /// # Errors
    /// The shape has 2^128 elements or more.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::empty([2, 1 << 40], 1.5)?;
    /// assert_eq!((a.nnz(), a.get(&[1, 77])?), (0, 1.5));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "full")]
    pub fn empty(shape: impl AsRef<[u64]>, fill: T) -> Result<Self> {
        let shape = shape.as_ref();
        let keys = Keys::empty(Width::of_shape("coo", shape)?);
        Ok(Self { shape: shape.into(), keys, values: Arc::default(), fill })
    }

    /// An array without axes, which is one value.
    pub(crate) fn of_scalar(value: T) -> Self {
        Self { shape: Arc::new([]), keys: Keys::empty(Width::U32), values: Arc::default(), fill: value }
    }

    fn from_rows(rows: &[&[u64]], values: Vec<T>, shape: &[u64], fill: T) -> Result<Self> {
        check_rows(rows, values.len(), shape)?;
        let n_elems = n_elems("coo", shape)?;
        with_width!(Width::of(n_elems), K => {
            let keys = coords::encode::<K>("coo", rows, shape, values.len())?;
            Ok(Self::from_unsorted(shape.into(), keys, values, fill, n_elems))
        })
    }

    /// Sorts entries and sums duplicates.
    pub(crate) fn from_unsorted<K: Key>(
        shape: Arc<[u64]>,
        mut keys: Vec<K>,
        mut values: Vec<T>,
        fill: T,
        n_elems: u128,
    ) -> Self {
        sort_entries(&mut keys, &mut values, n_elems.saturating_sub(1));
        join_duplicates(&mut keys, &mut values, T::plus);
        Self::from_sorted(shape, keys, values, fill, n_elems)
    }

    /// Takes entries that are in canonical order already.
    pub(crate) fn from_sorted<K: Key>(shape: Arc<[u64]>, keys: Vec<K>, values: Vec<T>, fill: T, n_elems: u128) -> Self {
        Self::from_parts(shape, pack(keys, Width::of(n_elems)), Arc::new(values), fill)
    }

    /// Puts parts together that are canonical already, without copying.
    pub(crate) fn from_parts(shape: Arc<[u64]>, keys: Keys, values: Arc<Vec<T>>, fill: T) -> Self {
        debug_assert_eq!(keys.len(), values.len());
        debug_assert!(n_elems("coo", &shape).is_ok_and(|n| Width::of(n) == keys.width() && keys.is_canonical(n)));
        Self { shape, keys, values, fill }
    }

    /// Puts parts together that nobody vouches for, without copying.
    ///
    /// # Errors
    /// They are not canonical.
    pub(crate) fn from_foreign_parts(shape: Vec<u64>, keys: Keys, values: Arc<Vec<T>>, fill: T) -> Result<Self> {
        let n_elems = n_elems("coo", &shape).map_err(|error| Error::format("coo", error.to_string()))?;
        let (n_keys, n_values) = (keys.len(), values.len());
        if n_keys != n_values {
            return Err(Error::format("coo", format!("{n_keys} positions come with {n_values} values")));
        }
        if keys.width() != Width::of(n_elems) {
            let detail = format!("shape {} does not have {:?} positions", Shown(&shape), keys.width());
            return Err(Error::format("coo", detail));
        }
        if !keys.is_canonical(n_elems) {
            let detail = format!("positions of shape {} are unsorted, repeated or out of range", Shown(&shape));
            return Err(Error::format("coo", detail));
        }
        Ok(Self { shape: shape.into(), keys, values, fill })
    }

    /// The same shape and positions with other values.
    pub(crate) fn with_values<U: Element>(&self, values: Vec<U>, fill: U) -> Coo<U> {
        Coo::from_parts(self.shape.clone(), self.keys.clone(), Arc::new(values), fill)
    }

    /// The length of each axis.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// The shape, shared.
    pub(crate) fn shared_shape(&self) -> Arc<[u64]> {
        self.shape.clone()
    }

    /// The shape as lengths in memory, or an error if the array could not be held densely.
    pub(crate) fn dense_shape(&self, op: &'static str) -> Result<Vec<usize>> {
        let need_bytes = self.size().saturating_mul(size_of::<T>() as u128);
        if need_bytes > isize::MAX as u128 {
            return Err(Error::memory(op, need_bytes.min(u64::MAX as u128) as u64, isize::MAX as u64)
                .with_remedy("reduce or slice the sparse array first"));
        }
        Ok(self.shape.iter().map(|&len| len as usize).collect())
    }

    /// The number of axes.
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// The number of elements, stored or not.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::empty([1 << 41, 1 << 41], 0.0)?.size(), 1 << 82);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn size(&self) -> u128 {
        // The shape was checked when the array was built.
        if self.shape.contains(&0) { 0 } else { self.shape.iter().map(|&len| len as u128).product() }
    }

    /// The number of stored entries, explicit fills included.
    pub fn nnz(&self) -> usize {
        self.values.len()
    }

    /// The value of every element that has no entry.
    #[doc(alias = "fill_value")]
    pub fn fill(&self) -> T {
        self.fill
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        T::DTYPE
    }

    /// The share of elements that have an entry; 0 for an array without elements.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::new(&[[1]], vec![3], [4])?.density(), 0.25);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn density(&self) -> f64 {
        if self.nnz() == 0 { 0.0 } else { self.nnz() as f64 / self.size() as f64 }
    }

    /// Bytes of the entries: 4, 8 or 16 for a position and the size of a value.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::new(&[[1, 2]], vec![3.0f64, 4.0], [4])?.n_bytes(), 24);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "nbytes")]
    pub fn n_bytes(&self) -> usize {
        self.keys.n_bytes() + size_of_val(self.values.as_slice())
    }

    /// The coordinates of all entries in C order: one row per axis, one column per entry.
    pub fn coords(&self) -> Array2<u64> {
        coords::decode(&self.keys, &self.shape)
    }

    /// The values of all entries in C order.
    #[doc(alias = "data")]
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// The values, shared.
    pub(crate) fn shared_values(&self) -> &Arc<Vec<T>> {
        &self.values
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The value of one element.
    ///
    /// # Errors
    /// Not one coordinate per axis, or one outside of its axis.
    ///
    /// # Complexity
    /// A binary search.
    pub fn get(&self, coords: &[u64]) -> Result<T> {
        let key = coords::encode_one("get", coords, &self.shape)?;
        Ok(self.keys.search(key).map_or(self.fill, |at| self.values[at]))
    }

    /// All entries in C order, as coordinates and value.
    ///
    /// Makes one `Vec` per entry: for inspection; bulk work reads [`coords`](Coo::coords) and [`values`](Coo::values).
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[1, 0], [0, 2]], vec![5, 6], [2, 3])?;
    /// assert_eq!(a.iter().collect::<Vec<_>>(), [(vec![0, 2], 6), (vec![1, 0], 5)]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Vec<u64>, T)> + '_ {
        (0..self.nnz()).map(|at| (coords::decode_one(self.keys.at(at), &self.shape), self.values[at]))
    }

    /// Drops the entries that equal the fill.
    ///
    /// NaN equals a NaN fill; `-0.0` does not equal the fill `0.0`.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1, 2]], vec![0.0, -0.0, 1.0], [4])?;
    /// assert_eq!((a.nnz(), a.prune().nnz()), (3, 2));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn prune(&self) -> Coo<T> {
        if !self.values.iter().any(|value| value.is_same(self.fill)) {
            return self.clone();
        }
        with_keys!(&self.keys, keys => {
            let mut kept = Pruned::new(self.fill);
            kept.put_run(keys, |at| self.values[at]);
            let (keys, values) = kept.finish();
            Self::from_parts(self.shape.clone(), Key::wrap(keys), Arc::new(values), self.fill)
        })
    }

    /// The same entries over another fill: every element without an entry takes the new value.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[1]], vec![5], [3])?.with_fill(9);
    /// assert_eq!(a.to_dense()?.into_raw_vec_and_offset().0, [9, 5, 9]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn with_fill(self, fill: T) -> Coo<T> {
        Self { fill, ..self }
    }
}

/// Checks that there is one row per axis and one coordinate per value in each.
fn check_rows(rows: &[&[u64]], n_values: usize, shape: &[u64]) -> Result<()> {
    if rows.len() != shape.len() {
        let detail = format!("{} rows of coordinates were given for shape {}", rows.len(), Shown(shape));
        return Err(Error::shape("coo", detail).with_remedy("give one row of coordinates per axis"));
    }
    match rows.iter().position(|row| row.len() != n_values) {
        None => Ok(()),
        Some(axis) => {
            let found = rows[axis].len();
            Err(Error::shape("coo", format!("axis {axis} has {found} coordinates for {n_values} values")))
        }
    }
}

/// Structural equality: same shape, fill, positions and values, bit for bit but for NaN, which equals NaN.
///
/// An explicit fill makes a difference: compare [`prune`](Coo::prune)d arrays to compare meanings.
impl<T: Element> PartialEq for Coo<T> {
    fn eq(&self, other: &Self) -> bool {
        self.shape == other.shape
            && self.fill.is_same(other.fill)
            && (self.keys.is_shared_with(&other.keys) || self.keys == other.keys)
            && self.values.iter().zip(other.values.iter()).all(|(a, b)| a.is_same(*b))
    }
}

impl<T: Element> fmt::Debug for Coo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dtype = format!("{:?}", T::DTYPE).to_lowercase();
        write!(f, "Coo<{dtype}> {} nnz {} fill {}, density ", Shown(&self.shape), self.nnz(), self.fill)?;
        match self.density() {
            density if density == 0.0 || density >= 0.01 => write!(f, "{density:.2}"),
            density => write!(f, "{density:.1e}"),
        }
    }
}

/// What leaves the process; checked when it comes back.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Coo", bound = "")]
struct RawCoo<T: Element> {
    shape: Vec<u64>,
    fill: T,
    keys: Keys,
    values: Arc<Vec<T>>,
}

impl<T: Element> From<Coo<T>> for RawCoo<T> {
    fn from(coo: Coo<T>) -> Self {
        Self { shape: coo.shape.to_vec(), fill: coo.fill, keys: coo.keys, values: coo.values }
    }
}

impl<T: Element> TryFrom<RawCoo<T>> for Coo<T> {
    type Error = Error;

    fn try_from(raw: RawCoo<T>) -> Result<Self> {
        Coo::from_foreign_parts(raw.shape, raw.keys, raw.values, raw.fill)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_sorted_and_duplicates_summed() {
        let a = Coo::new(&[[1, 0, 1, 1], [0, 1, 0, 0], [2, 2, 2, 0]], vec![1.0, 2.0, 3.0, 4.0], [2, 2, 3]).unwrap();
        assert_eq!(a.values(), [2.0, 4.0, 4.0]);
        assert_eq!(a.coords(), ndarray::arr2(&[[0, 1, 1], [1, 0, 0], [2, 0, 2]]));
        let b = Coo::new(&[[1, 1]], vec![true, true], [2]).unwrap();
        assert_eq!(b.values(), [true]);
        let zero_d = Coo::new(&[] as &[[u64; 0]], vec![3, 4], []).unwrap();
        assert_eq!((zero_d.size(), zero_d.values()), (1, &[7][..]));
    }

    #[test]
    fn arguments_that_do_not_fit_are_errors() {
        assert!(Coo::new(&[[0, 1]], vec![1, 2], [3, 3]).unwrap_err().is_shape());
        assert!(Coo::new(&[[0, 1], [0, 1]], vec![1], [3, 3]).unwrap_err().is_shape());
        assert!(Coo::new(&[[0, 3], [0, 0]], vec![1, 2], [3, 1]).unwrap_err().is_index());
        assert!(Coo::new(&[[u64::MAX]], vec![1], [3]).unwrap_err().is_index());
        assert!(Coo::new(&[[0]], vec![1], [0]).unwrap_err().is_index());
        assert!(Coo::empty([u64::MAX; 3], 0).unwrap_err().is_shape());
    }

    #[test]
    fn shapes_beyond_64_bits_keep_every_entry_apart() {
        let n = 1u64 << 41;
        let a = Coo::new(&[[n - 1, 0, n - 1], [n - 1, 5, n - 1]], vec![1, 2, 3], [n, n]).unwrap();
        assert_eq!(a.values(), [2, 4]);
        assert_eq!(a.get(&[n - 1, n - 1]).unwrap(), 4);
        assert_eq!(a.coords(), ndarray::arr2(&[[0, n - 1], [5, n - 1]]));
        assert!(a.to_dense().unwrap_err().is_memory());
    }

    #[test]
    fn equality_is_structural_and_about_storage() {
        let a = Coo::from_coords_with_fill(&[[0, 1]], vec![f64::NAN, 0.0], [3], f64::NAN).unwrap();
        assert_eq!(a, a.clone());
        assert_ne!(a, a.prune());
        assert_eq!(a.prune().values(), [0.0]);
        assert_ne!(a.prune(), Coo::from_coords_with_fill(&[[1]], vec![-0.0], [3], f64::NAN).unwrap());
        assert_ne!(a, a.clone().with_fill(0.0));
    }

    #[test]
    fn debug_is_one_line() {
        let a = Coo::new(&[[0, 0, 0, 1, 2], [0, 1, 2, 0, 3]], vec![1.0; 5], [3, 4]).unwrap();
        assert_eq!(format!("{a:?}"), "Coo<f64> (3, 4) nnz 5 fill 0, density 0.42");
        let b = Coo::new(&[[7]], vec![true], [3000]).unwrap();
        assert_eq!(format!("{b:?}"), "Coo<bool> (3000) nnz 1 fill false, density 3.3e-4");
    }

    #[test]
    fn what_comes_back_from_the_wire_is_checked() {
        for n in [4u64, 1 << 33, 1 << 63] {
            let a = Coo::new(&[[1, 3], [0, 2]], vec![1.5, -0.0], [4, n]).unwrap();
            let text = serde_json::to_string(&a).unwrap();
            assert_eq!(serde_json::from_str::<Coo<f64>>(&text).unwrap(), a);
        }
        let good = r#"{"shape":[4],"fill":0,"keys":{"U32":[1,3]},"values":[5,6]}"#;
        assert_eq!(serde_json::from_str::<Coo<i64>>(good).unwrap().get(&[3]).unwrap(), 6);
        for (from, to) in [
            ("[1,3]", "[3,1]"),
            ("[1,3]", "[1,1]"),
            ("[1,3]", "[1,4]"),
            ("[1,3]", "[1]"),
            ("U32", "U64"),
            ("[4]", "[18446744073709551615,18446744073709551615,2]"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert!(serde_json::from_str::<Coo<i64>>(&bad).is_err(), "{bad}");
        }
    }
}
