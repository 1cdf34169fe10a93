//! Elements put in and taken out: `insert`, `delete`.

use super::elementwise::Operand;
use super::manipulate::concatenate_dyn;
use super::typed::forward;
use super::{Array, DynArray};
use crate::chunks::select::{normalize_axis, normalize_index};
use crate::element::Element;
use crate::error::{Error, Result};

impl DynArray {
    /// See [`Array::insert`]. Values are cast to this array's type.
    pub fn insert(&self, positions: &[i64], values: &DynArray, axis: isize) -> Result<Self> {
        const OP: &str = "insert";
        let axis = normalize_axis(OP, axis, self.ndim())?;
        let len = self.known_len(OP, axis)?;
        // One place more than there are elements: behind the last.
        let place = |&at: &i64| match at {
            at if at >= 0 && at as u64 == len => Ok(len),
            at => normalize_index(OP, axis, at, len),
        };
        let mut places = positions.iter().map(place).collect::<Result<Vec<u64>>>()?;
        let n_given = (values.ndim() == self.ndim()).then(|| values.grid().axis(axis).len()).flatten();
        if let ([place], Some(n)) = (places.as_slice(), n_given) {
            places = vec![*place; n as usize];
        }
        let mut shape = self.known_shape()?;
        shape[axis] = places.len() as u64;
        let values = values.astype(self.dtype()).broadcast_for("insert", &shape)?;
        let joined = concatenate_dyn(&[self, &values], axis as isize)?;
        joined.take_positions(axis, &merged(len, &places))
    }

    /// See [`Array::delete`].
    pub fn delete(&self, positions: &[i64], axis: isize) -> Result<Self> {
        let axis = normalize_axis("delete", axis, self.ndim())?;
        let len = self.known_len("delete", axis)?;
        let mut gone =
            positions.iter().map(|&at| normalize_index("delete", axis, at, len)).collect::<Result<Vec<u64>>>()?;
        gone.sort_unstable();
        gone.dedup();
        let mut next_gone = gone.into_iter().peekable();
        let stays = |at: &u64| next_gone.next_if_eq(at).is_none();
        self.take_positions(axis, &(0..len).filter(stays).collect::<Vec<u64>>())
    }

    /// See [`Array::delete_slice`].
    pub fn delete_slice(&self, item: impl Into<super::Index>, axis: isize) -> Result<Self> {
        let axis = normalize_axis("delete", axis, self.ndim())?;
        let len = self.known_len("delete", axis)?;
        let super::Index::Slice { start, stop, step } = item.into() else {
            return Err(Error::bad_index("delete", "the item is no range").with_remedy("use `delete` for positions"));
        };
        let range = crate::chunks::AxisRange::from_slice(start, stop, step, len)?;
        self.delete(&range.positions().map(|at| at as i64).collect::<Vec<i64>>(), axis as isize)
    }
}

/// The order of `len` elements and of new ones, numbered from `len` on, each of which stands before the element at its
/// place.
fn merged(len: u64, places: &[u64]) -> Vec<u64> {
    let mut new: Vec<(u64, u64)> = places.iter().copied().zip(len..).collect();
    new.sort_by_key(|entry| entry.0);
    let mut new = new.into_iter().peekable();
    let mut order = Vec::with_capacity(len as usize + places.len());
    for at in 0..=len {
        while let Some((_, number)) = new.next_if(|entry| entry.0 == at) {
            order.push(number);
        }
        if at < len {
            order.push(at);
        }
    }
    order
}

impl<T: Element> Array<T> {
    /// The array with values put in before the elements at some positions of an axis.
    ///
    /// Positions are those of the array before; of equal ones, values keep their order. The length of the axis as a position
    /// means its end. One position takes as many values as there are, several take one each; values broadcast.
    ///
    /// # Errors
    /// A position lies outside the axis, values do not fit, or a length is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 4, 1, Chunks::size(3))?;
    /// let values = Array::from_vec(vec![100, 200], Chunks::auto())?;
    /// assert_eq!(x.insert(&[1, 4], &values, 0)?.compute()?, ndarray::arr1(&[0, 100, 1, 2, 3, 200]).into_dyn());
    /// assert_eq!(x.insert(&[-1], 7, 0)?.compute()?, ndarray::arr1(&[0, 1, 2, 7, 3]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn insert(&self, positions: &[i64], values: impl Operand<T>, axis: isize) -> Result<Self> {
        Self::try_wrap(self.as_dyn().insert(positions, &values.into_operand(), axis))
    }
}

forward! { try_same:
    /// The array without the elements at some positions of an axis.
    ///
    /// # Errors
    /// A position lies outside the axis, or its length is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 5, 1, Chunks::size(2))?;
    /// assert_eq!(x.delete(&[1, -1], 0)?.compute()?, ndarray::arr1(&[0, 2, 3]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn delete(&self, positions: &[i64], axis: isize);
    /// The array without the elements of a range of an axis.
    ///
    /// # Errors
    /// The item is no range, or the length is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 5, 1, Chunks::size(2))?;
    /// assert_eq!(x.delete_slice(1..3, 0)?.compute()?, ndarray::arr1(&[0, 3, 4]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn delete_slice(&self, item: impl Into<super::Index>, axis: isize);
}
