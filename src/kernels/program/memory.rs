//! The memory of tiles: typed access to a tile, scratch space, copies between strided memory and tiles.
//!
//! # Safety
//!
//! Invariants of this file:
//!
//! * a [`TileRef`] points to `len` initialised elements of its dtype, aligned for it, that nobody writes while the
//!   reference lives; it is made from a slice of that type or by the interpreter for the time of one sink call.
#![allow(unsafe_code)]

use std::marker::PhantomData;

use crate::element::{DType, Element};

/// A read-only slice whose element type is known at run time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TileRef<'a> {
    dtype: DType,
    data: *const u8,
    len: usize,
    elements: PhantomData<&'a [u8]>,
}

impl<'a> TileRef<'a> {
    /// A tile over a slice.
    pub(crate) fn new<T: Element>(values: &'a [T]) -> TileRef<'a> {
        TileRef { dtype: T::DTYPE, data: values.as_ptr().cast(), len: values.len(), elements: PhantomData }
    }

    /// The element type.
    pub(crate) fn dtype(&self) -> DType {
        self.dtype
    }

    /// The number of elements.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The elements.
    ///
    /// # Panics
    ///
    /// If `T` is not the element type of the tile: whoever made the sink chose it by the dtype of the program.
    pub(crate) fn as_slice<T: Element>(&self) -> &'a [T] {
        assert_eq!(T::DTYPE, self.dtype, "a tile is read as the type it holds");
        // SAFETY: the invariant of this file; the type was just compared.
        unsafe { std::slice::from_raw_parts(self.data.cast(), self.len) }
    }

    /// The `len` elements from element `start` on.
    pub(crate) fn slice(&self, start: usize, len: usize) -> TileRef<'a> {
        assert!(start + len <= self.len, "a part of a tile lies inside it");
        // SAFETY: `start` is at most the number of elements, so the pointer stays inside the slice or at its end.
        let data = unsafe { self.data.add(start * self.dtype.size_bytes()) };
        TileRef { data, len, ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_gives_its_elements_back() {
        let values = [1.5, 2.5, 3.5];
        let tile = TileRef::new(&values);
        assert_eq!((tile.dtype(), tile.len()), (DType::F64, 3));
        assert_eq!(tile.slice(1, 2).as_slice::<f64>(), [2.5, 3.5]);
    }

    #[test]
    #[should_panic(expected = "read as the type it holds")]
    fn a_tile_is_not_read_as_another_type() {
        TileRef::new(&[1i64]).as_slice::<f64>();
    }
}
