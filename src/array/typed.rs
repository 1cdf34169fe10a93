//! Arrays whose element type is known when compiling.

use std::marker::PhantomData;

use super::DynArray;
use crate::element::Element;
use crate::error::Result;

/// A lazy, chunked array of elements of type `T`.
///
/// It is a typed skin over a [`DynArray`]: cloning copies a pointer, and building expressions costs about a microsecond,
/// whatever the size of the array. See the [module docs](crate::array) for where to find what.
///
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<f64>::ones([1000, 1000], Chunks::size(250))?;
/// let y = (&x + 1.0).sqrt();
/// assert_eq!(format!("{y:?}"), "Array<float64> (1000, 1000) chunks (250, 250) = 16 blocks, 7.63 MiB, dense, 4 ops");
/// let total: f64 = y.sum().scalar()?;
/// assert!((total - 1e6 * 2f64.sqrt()).abs() < 1e-3);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone)]
pub struct Array<T: Element> {
    inner: DynArray,
    element: PhantomData<fn() -> T>,
}

impl<T: Element> Array<T> {
    /// The caller knows that the element type is `T`.
    pub(crate) fn wrap(inner: DynArray) -> Self {
        debug_assert_eq!(inner.dtype(), T::DTYPE);
        Self { inner, element: PhantomData }
    }

    pub(crate) fn try_wrap(inner: Result<DynArray>) -> Result<Self> {
        inner.map(Self::wrap)
    }

    /// The same array without the static type.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::zeros([4], Chunks::size(2))?;
    /// assert_eq!(x.as_dyn().dtype(), DType::I64);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn as_dyn(&self) -> &DynArray {
        &self.inner
    }

    /// The same array without the static type, by value.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x: DynArray = Array::<i64>::zeros([4], Chunks::size(2))?.into_dyn();
    /// assert_eq!(x.n_blocks(), 2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn into_dyn(self) -> DynArray {
        self.inner
    }
}

impl<T: Element> AsRef<DynArray> for Array<T> {
    fn as_ref(&self) -> &DynArray {
        &self.inner
    }
}

impl AsRef<DynArray> for DynArray {
    fn as_ref(&self) -> &DynArray {
        self
    }
}

/// Gives `Array` methods of `DynArray` of the same name; a row is the docs and the signature.
macro_rules! forward {
    // Methods that give an array of the same element type.
    (same: $($(#[$doc:meta])* fn $name:ident(&self $(, $arg:ident: $t:ty)*);)*) => {
        impl<T: $crate::element::Element> $crate::array::Array<T> {
            $($(#[$doc])*
            pub fn $name(&self $(, $arg: $t)*) -> Self {
                Self::wrap(self.as_dyn().$name($($arg),*))
            })*
        }
    };
    // Methods that give an array of the same element type or an error.
    (try_same: $($(#[$doc:meta])* fn $name:ident(&self $(, $arg:ident: $t:ty)*);)*) => {
        impl<T: $crate::element::Element> $crate::array::Array<T> {
            $($(#[$doc])*
            pub fn $name(&self $(, $arg: $t)*) -> $crate::error::Result<Self> {
                Self::try_wrap(self.as_dyn().$name($($arg),*))
            })*
        }
    };
    // Methods whose result has nothing to do with the element type.
    (plain: $($(#[$doc:meta])* fn $name:ident(&self $(, $arg:ident: $t:ty)*) -> $out:ty;)*) => {
        impl<T: $crate::element::Element> $crate::array::Array<T> {
            $($(#[$doc])*
            pub fn $name(&self $(, $arg: $t)*) -> $out {
                self.as_dyn().$name($($arg),*)
            })*
        }
    };
}
pub(crate) use forward;

forward! { plain:
    /// What is known of the array before it is computed.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::zeros([4], Chunks::size(2))?;
    /// assert_eq!(x.meta().to_string(), "int64 (4) chunks (2)");
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn meta(&self) -> &crate::block::ArrayMeta;
    /// The element type.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Array::<i64>::zeros([4], Chunks::size(2))?.dtype(), DType::I64);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn dtype(&self) -> crate::element::DType;
    /// The cut into blocks.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Array::<i64>::zeros([5], Chunks::size(2))?.grid().to_string(), "(5) chunks (2)");
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn grid(&self) -> &crate::chunks::Grid;
    /// How blocks are stored.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::zeros([5], Chunks::size(2))?;
    /// assert!(x.layout().is_dense() && x.to_sparse().layout().is_sparse());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn layout(&self) -> crate::block::Layout;
    /// The length of each axis, known or not.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 4, 1, Chunks::auto())?;
    /// assert!(x.shape()[0].is_known() && !x.mask(&x.gt(1)?)?.shape()[0].is_known());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn shape(&self) -> Vec<crate::chunks::Extent>;
    /// The length of each axis; an error where one is unknown before a run.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 4, 1, Chunks::auto())?;
    /// assert_eq!(x.known_shape()?, [4]);
    /// assert!(x.mask(&x.gt(1)?)?.known_shape().unwrap_err().is_unknown_chunks());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn known_shape(&self) -> Result<Vec<u64>>;
    /// The number of axes.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Array::<i64>::zeros([2, 3], Chunks::auto())?.ndim(), 2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn ndim(&self) -> usize;
    /// The number of blocks.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Array::<i64>::zeros([5, 5], Chunks::size(2))?.n_blocks(), 9);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn n_blocks(&self) -> u64;
    /// The number of elements (NumPy's `size`); an error where a length is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Array::<i64>::zeros([2, 3], Chunks::auto())?.n_elems()?, 6);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn n_elems(&self) -> Result<u64>;
    /// The length of the first axis (Python's `len`); an error where it is unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Array::<i64>::zeros([2, 3], Chunks::auto())?.len()?, 2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn len(&self) -> Result<u64>;
    /// Whether the array is known to have no elements.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert!(Array::<i64>::zeros([2, 0], Chunks::auto())?.is_empty());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn is_empty(&self) -> bool;
    /// The name of what the array computes: arrays of one name hold the same elements.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 4, 1, Chunks::auto())?;
    /// assert_eq!((&x + 1).name(), (&x + 1).name());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn name(&self) -> crate::graph::Name;
}
