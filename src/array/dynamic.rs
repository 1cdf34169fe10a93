//! Arrays whose element type is known at run time only.

use std::sync::Arc;

use crate::block::{ArrayMeta, Layout};
use crate::chunks::{Extent, Grid};
use crate::element::{DType, Element};
use crate::error::{Error, Result};
use crate::graph::ops::Op;
use crate::graph::{Expr, Name};

use super::Array;

/// A lazy, chunked array of an element type known at run time.
///
/// It is what an [`Array`] is made of, and what files and tools give: every method of [`Array`] that does not need the
/// static type is here too, with the same name and meaning. Cloning copies a pointer. [`DynArray::try_typed`] attaches a
/// static type, [`Array::as_dyn`] takes it off; both are free.
///
/// ```
/// use hyperslab::prelude::*;
/// let x: DynArray = Array::<i32>::arange(0, 6, 1, Chunks::size(4))?.into_dyn();
/// assert_eq!((x.dtype(), x.ndim(), x.n_blocks()), (DType::I32, 1, 2));
/// let typed: Array<i32> = x.try_typed()?;
/// assert!(typed.as_dyn().try_typed::<f64>().unwrap_err().is_dtype());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone)]
pub struct DynArray {
    expr: Arc<Expr>,
}

impl DynArray {
    pub(crate) fn from_expr(expr: Arc<Expr>) -> Self {
        Self { expr }
    }

    /// The array that an operation makes of others.
    pub(crate) fn build(op: impl Into<Op>, inputs: &[&DynArray], meta: ArrayMeta) -> Self {
        Self::from_expr(Expr::new(op.into(), inputs.iter().map(|input| Arc::clone(&input.expr)).collect(), meta))
    }

    /// The expression behind the array.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 4, 1, Chunks::auto())?;
    /// assert_eq!((&x + &x).as_dyn().expr().n_ops(), 2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn expr(&self) -> &Arc<Expr> {
        &self.expr
    }

    /// What is known of the array before it is computed.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::zeros([4], Chunks::size(2))?.into_dyn();
    /// assert_eq!(x.meta().to_string(), "int64 (4) chunks (2)");
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn meta(&self) -> &ArrayMeta {
        self.expr.meta()
    }

    /// The element type.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Array::<i64>::zeros([4], Chunks::size(2))?.into_dyn().dtype(), DType::I64);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn dtype(&self) -> DType {
        self.meta().dtype
    }

    /// The cut into blocks.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Array::<i64>::zeros([5], Chunks::size(2))?.into_dyn().grid().to_string(), "(5) chunks (2)");
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn grid(&self) -> &Grid {
        &self.meta().grid
    }

    /// How blocks are stored.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert!(Array::<i64>::zeros([5], Chunks::size(2))?.into_dyn().layout().is_dense());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn layout(&self) -> Layout {
        self.meta().layout
    }

    /// The length of each axis, known or not.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 4, 1, Chunks::auto())?;
    /// let selected = x.mask(&x.gt(1)?)?.into_dyn();
    /// assert!(x.shape()[0].is_known() && !selected.shape()[0].is_known());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn shape(&self) -> Vec<Extent> {
        self.grid().shape()
    }

    /// The length of each axis.
    ///
    /// # Errors
    /// A length is unknown before a run.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 4, 1, Chunks::auto())?;
    /// assert_eq!(x.as_dyn().known_shape()?, [4]);
    /// assert!(x.mask(&x.gt(1)?)?.as_dyn().known_shape().unwrap_err().is_unknown_chunks());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn known_shape(&self) -> Result<Vec<u64>> {
        self.grid().require_shape("shape")
    }

    /// The number of axes.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Array::<i64>::zeros([2, 3], Chunks::auto())?.into_dyn().ndim(), 2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn ndim(&self) -> usize {
        self.grid().ndim()
    }

    /// The number of blocks.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Array::<i64>::zeros([5, 5], Chunks::size(2))?.into_dyn().n_blocks(), 9);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn n_blocks(&self) -> u64 {
        self.grid().n_blocks()
    }

    /// The number of elements (NumPy's `size`).
    ///
    /// # Errors
    /// A length is unknown before a run, or the product overflows 64 bits.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Array::<i64>::zeros([2, 3], Chunks::auto())?.into_dyn().n_elems()?, 6);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn n_elems(&self) -> Result<u64> {
        let shape = self.grid().require_shape("size")?;
        let overflow =
            || Error::shape("size", format!("the elements of shape {} overflow 64 bits", self.grid().shape_text()));
        shape.iter().try_fold(1u64, |n, &len| n.checked_mul(len)).ok_or_else(overflow)
    }

    /// The length of the first axis (Python's `len`).
    ///
    /// # Errors
    /// The array has no axes, or the length is unknown before a run.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Array::<i64>::zeros([2, 3], Chunks::auto())?.into_dyn().len()?, 2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn len(&self) -> Result<u64> {
        let axis =
            self.grid().axes().first().ok_or_else(|| Error::shape("len", "an array with 0 axes has no length"))?;
        axis.len()
            .ok_or_else(|| Error::unknown_chunks("len", format_args!("the shape is {}", self.grid().shape_text())))
    }

    /// Whether the array is known to have no elements.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert!(Array::<i64>::zeros([2, 0], Chunks::auto())?.into_dyn().is_empty());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.grid().axes().iter().any(crate::chunks::AxisChunks::is_empty)
    }

    /// The name of what the array computes: arrays of one name hold the same elements.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 4, 1, Chunks::auto())?.into_dyn();
    /// assert_eq!((&x + &x).name(), (&x + &x).name());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn name(&self) -> Name {
        self.expr.name()
    }

    /// The same array with a static element type.
    ///
    /// # Errors
    /// The elements are of another type.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x: DynArray = Array::<i64>::arange(0, 4, 1, Chunks::auto())?.into_dyn();
    /// assert_eq!(x.try_typed::<i64>()?.sum().scalar()?, 6);
    /// assert!(x.try_typed::<f64>().unwrap_err().is_dtype());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn try_typed<T: Element>(&self) -> Result<Array<T>> {
        if self.dtype() == T::DTYPE {
            return Ok(Array::wrap(self.clone()));
        }
        Err(Error::dtype("try_typed", format!("the array holds {}, not {}", self.dtype(), T::DTYPE))
            .with_remedy("convert it with `astype`"))
    }
}

impl<T: Element> From<Array<T>> for DynArray {
    fn from(array: Array<T>) -> Self {
        array.into_dyn()
    }
}
