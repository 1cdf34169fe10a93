//! Functions of blocks with a margin from their neighbours: stencils.

use super::{Array, DynArray};
use crate::block::{BlockData, BlockView};
pub use crate::chunks::Boundary;
use crate::chunks::select::normalize_axis;
use crate::element::{DType, Element, Scalar};
use crate::error::Result;
use crate::graph::ops::{HaloOp, Margin};
use crate::kernels::NamedKernel;

use super::blocks::MapBlocks;

/// How far [`map_overlap`](Array::map_overlap) reaches beyond a block, and what lies beyond the array.
///
/// ```
/// use hyperslab::prelude::*;
/// let around = Overlap::depth(1).boundary(Boundary::Nearest).on_axis(1, 1, 1, Boundary::Periodic);
/// ```
#[derive(Clone, Debug)]
pub struct Overlap {
    default: Margin,
    axes: Vec<(isize, Margin)>,
    constant: Option<Scalar>,
    trim: bool,
}

impl Overlap {
    /// The same margin on both sides of every axis; nothing beyond the array ([`Boundary::None`]).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::ones([6], Chunks::size(2))?;
    /// let lens: Array<f64> = x.map_overlap(Overlap::depth(1), |b| Ok(b.dense()?.mapv(|_| b.shape()[0] as f64).into()))?;
    /// // At the ends there is nothing beyond the array.
    /// assert_eq!(lens.compute()?, ndarray::arr1(&[3.0, 3.0, 4.0, 4.0, 3.0, 3.0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn depth(depth: u64) -> Self {
        let default = Margin { before: depth, after: depth, boundary: Boundary::None };
        Self { default, axes: Vec::new(), constant: None, trim: true }
    }

    /// What lies beyond the array, on axes not named by [`on_axis`](Self::on_axis).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::ones([4], Chunks::size(2))?;
    /// let around = Overlap::depth(1).boundary(Boundary::Periodic);
    /// let lens: Array<f64> = x.map_overlap(around, |b| Ok(b.dense()?.mapv(|_| b.shape()[0] as f64).into()))?;
    /// assert_eq!(lens.compute()?, ndarray::arr1(&[4.0; 4]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn boundary(mut self, boundary: Boundary) -> Self {
        self.default.boundary = boundary;
        self
    }

    /// The margin and the boundary of one axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 4, 1, Chunks::size(2))?;
    /// let before = Overlap::depth(0).on_axis(0, 1, 0, Boundary::Constant).constant(10).untrimmed();
    /// let steps: Array<i64> = x.map_overlap(before, |b| {
    ///     let b = b.dense()?;
    ///     Ok(ndarray::Array1::from_iter((1..b.len()).map(|i| b[[i]] - b[[i - 1]])).into_dyn().into())
    /// })?;
    /// assert_eq!(steps.compute()?, ndarray::arr1(&[-10, 1, 1, 1]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn on_axis(mut self, axis: isize, before: u64, after: u64, boundary: Boundary) -> Self {
        self.axes.push((axis, Margin { before, after, boundary }));
        self
    }

    /// The value that lies beyond the array under [`Boundary::Constant`]; zero if not given.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::ones([2], Chunks::size(2))?;
    /// let around = Overlap::depth(1).boundary(Boundary::Constant).constant(7).untrimmed();
    /// let sums: Array<i64> = x.map_overlap(around, |b| {
    ///     let b = b.dense()?;
    ///     Ok(ndarray::Array1::from_iter((1..b.len() - 1).map(|i| b[[i - 1]] + b[[i + 1]])).into_dyn().into())
    /// })?;
    /// assert_eq!(sums.compute()?, ndarray::arr1(&[8, 8]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn constant<T: Element>(mut self, value: T) -> Self {
        self.constant = Some(value.to_scalar());
        self
    }

    /// The function returns blocks without the margin, so that nothing is cut off its results.
    ///
    /// # Examples
    /// See [`constant`](Self::constant).
    pub fn untrimmed(mut self) -> Self {
        self.trim = false;
        self
    }

    fn halos(&self, ndim: usize) -> Result<Vec<Margin>> {
        let mut halos = vec![self.default; ndim];
        for (axis, halo) in &self.axes {
            halos[normalize_axis("map_overlap", *axis, ndim)?] = *halo;
        }
        Ok(halos)
    }
}

impl DynArray {
    /// The array with every block extended by its margin: neighbouring blocks overlap.
    fn with_halo(&self, overlap: &Overlap) -> Result<Self> {
        let axes = overlap.halos(self.ndim())?;
        let zero = Scalar::zero(self.dtype());
        let fill = overlap.constant.map_or(zero, |constant| constant.cast(self.dtype()));
        let op = HaloOp { axes, fill };
        let meta = op.meta(self.meta())?;
        Ok(DynArray::build(op, &[self], meta))
    }

    /// Cuts the margins off blocks that were made from extended ones.
    fn trimmed(&self, original: &DynArray, halos: Vec<Margin>) -> Self {
        let op = crate::graph::ops::TrimOp { axes: halos };
        let meta = crate::block::ArrayMeta { grid: original.grid().clone(), ..self.meta().clone() };
        DynArray::build(op, &[self], meta)
    }

    /// Calls a named kernel with every block extended by a margin, as [`Array::map_overlap_with`] does with a closure. Another
    /// process that has registered the kernel can run it.
    ///
    /// # Errors
    /// As [`Array::map_overlap_with`], or the kernel does not serialise.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// use hyperslab::block::{Block, BlockLocation};
    /// use hyperslab::kernel::NamedKernel;
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Steps;
    ///
    /// impl NamedKernel for Steps {
    ///     const NAME: &'static str = "example.steps";
    ///     fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
    ///         let x = blocks[0].dense::<i64>()?;
    ///         Ok(Block::from_dense(ndarray::Array1::from_iter((1..x.len()).map(|i| x[[i]] - x[[i - 1]])).into_dyn()))
    ///     }
    /// }
    ///
    /// let x = Array::from_vec(vec![1_i64, 4, 9, 16], Chunks::size(2))?;
    /// let before = Overlap::depth(0).on_axis(0, 1, 0, Boundary::Constant).untrimmed();
    /// let steps = x.as_dyn().map_overlap_named(DType::I64, &before, MapBlocks::new(), &Steps)?;
    /// assert_eq!(steps.try_typed::<i64>()?.compute()?, ndarray::arr1(&[1, 3, 5, 7]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn map_overlap_named<K: NamedKernel>(
        &self,
        dtype: DType,
        overlap: &Overlap,
        options: MapBlocks,
        kernel: &K,
    ) -> Result<Self> {
        let padded = self.with_halo(overlap)?;
        if !overlap.trim {
            return Self::map_named(&[&padded], dtype, &options.promising(self.grid()), kernel);
        }
        let halos = overlap.halos(self.ndim())?;
        Ok(Self::map_named(&[&padded], dtype, &options, kernel)?.trimmed(self, halos))
    }
}

impl<T: Element> Array<T> {
    /// Calls a function with every block extended by a margin from its neighbours, and cuts the margin off the result.
    ///
    /// The function returns a block of the shape it was given; with [`Overlap::untrimmed`] it returns the block without
    /// margin, or blocks of the sizes that [`MapBlocks::chunks`] tells. Depths may exceed the size of chunks: the margin is
    /// gathered from as many neighbours as needed, corners included.
    ///
    /// # Chunks
    /// Unchanged.
    ///
    /// # Errors
    /// An axis with a margin has an unknown length, or no elements to fill the margin with.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 5, 1, Chunks::size(2))?;
    /// let around = Overlap::depth(1).boundary(Boundary::Nearest).untrimmed();
    /// let sums: Array<i64> = x.map_overlap(around, |b| {
    ///     let b = b.dense()?;
    ///     Ok(ndarray::Array1::from_iter((1..b.len() - 1).map(|i| b[[i - 1]] + b[[i]] + b[[i + 1]])).into_dyn().into())
    /// })?;
    /// assert_eq!(sums.compute()?, ndarray::arr1(&[1, 3, 6, 9, 11]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn map_overlap<U, F>(&self, overlap: Overlap, function: F) -> Result<Array<U>>
    where
        U: Element,
        F: Fn(BlockView<'_, T>) -> Result<BlockData<U>> + Send + Sync + 'static,
    {
        self.map_overlap_with(overlap, MapBlocks::new(), function)
    }

    /// Like [`map_overlap`](Self::map_overlap), for functions that return sparse blocks or blocks of other sizes.
    ///
    /// # Errors
    /// As [`map_overlap`](Self::map_overlap), and the options do not fit the array.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 5, 1, Chunks::size(2))?;
    /// let with_the_one_before = Overlap::depth(0).on_axis(0, 1, 0, Boundary::None).untrimmed();
    /// let sizes = MapBlocks::new().chunks([vec![2, 3, 2]]);
    /// let y: Array<i64> = x.map_overlap_with(with_the_one_before, sizes, |b| Ok(b.dense()?.to_owned().into()))?;
    /// assert_eq!(y.compute()?, ndarray::arr1(&[0, 1, 1, 2, 3, 3, 4]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn map_overlap_with<U, F>(&self, overlap: Overlap, options: MapBlocks, function: F) -> Result<Array<U>>
    where
        U: Element,
        F: Fn(BlockView<'_, T>) -> Result<BlockData<U>> + Send + Sync + 'static,
    {
        let padded = Array::<T>::wrap(self.as_dyn().with_halo(&overlap)?);
        if !overlap.trim {
            return padded.map_blocks_with(options.promising(self.grid()), function);
        }
        let halos = overlap.halos(self.ndim())?;
        let mapped = padded.map_blocks_with(options, function)?;
        Ok(Array::wrap(mapped.as_dyn().trimmed(self.as_dyn(), halos)))
    }
}
