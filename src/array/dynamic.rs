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
    pub fn expr(&self) -> &Arc<Expr> {
        &self.expr
    }

    /// What is known of the array before it is computed.
    pub fn meta(&self) -> &ArrayMeta {
        self.expr.meta()
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.meta().dtype
    }

    /// The cut into blocks.
    pub fn grid(&self) -> &Grid {
        &self.meta().grid
    }

    /// How blocks are stored.
    pub fn layout(&self) -> Layout {
        self.meta().layout
    }

    /// The length of each axis, known or not.
    pub fn shape(&self) -> Vec<Extent> {
        self.grid().shape()
    }

    /// The length of each axis.
    ///
    /// # Errors
    /// A length is unknown before a run.
    pub fn known_shape(&self) -> Result<Vec<u64>> {
        self.grid().require_shape("shape")
    }

    /// The number of axes.
    pub fn ndim(&self) -> usize {
        self.grid().ndim()
    }

    /// The number of blocks.
    pub fn n_blocks(&self) -> u64 {
        self.grid().n_blocks()
    }

    /// The number of elements (NumPy's `size`).
    ///
    /// # Errors
    /// A length is unknown before a run, or the product overflows 64 bits.
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
    pub fn len(&self) -> Result<u64> {
        let axis =
            self.grid().axes().first().ok_or_else(|| Error::shape("len", "an array with 0 axes has no length"))?;
        axis.len()
            .ok_or_else(|| Error::unknown_chunks("len", format_args!("the shape is {}", self.grid().shape_text())))
    }

    /// Whether the array is known to have no elements.
    pub fn is_empty(&self) -> bool {
        self.grid().axes().iter().any(crate::chunks::AxisChunks::is_empty)
    }

    /// The name of what the array computes: arrays of one name hold the same elements.
    pub fn name(&self) -> Name {
        self.expr.name()
    }

    /// The same array with a static element type.
    ///
    /// # Errors
    /// The elements are of another type.
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
