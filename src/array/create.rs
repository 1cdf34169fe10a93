//! Arrays from nothing, from memory, from sources and functions.

use std::sync::Arc;

use ndarray::{ArrayBase, Data, Dimension};

use super::{Array, DynArray};
use crate::block::{ArrayMeta, Block, BlockData, BlockLocation, BlockSource, Layout, MemorySource};
use crate::chunks::{Chunks, Grid};
use crate::element::{DType, Element, Scalar};
use crate::error::{Error, Result};
use crate::graph::Name;
use crate::graph::ops::{FullOp, GenerateOp, MapBlocksOp, SourceOp};
use crate::kernels::{BlockFunction, Generate};
use crate::sparse::Coo;

/// Lengths of axes: arrays, slices, vectors and tuples of integers.
///
/// Where a length may be inferred, -1 asks for it; elsewhere negative lengths are errors.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<f64>::zeros((2, 6), Chunks::auto())?;
/// assert_eq!(x.reshape([3, -1])?.known_shape()?, [3, 4]);
/// assert!(Array::<f64>::zeros([-2], Chunks::auto()).unwrap_err().is_shape());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub trait IntoShape {
    /// The lengths.
    fn into_shape(self) -> Vec<i64>;
}

macro_rules! into_shape {
    ($($t:ty),*) => {$(
        impl<const N: usize> IntoShape for [$t; N] {
            fn into_shape(self) -> Vec<i64> {
                self.iter().map(|&len| len as i64).collect()
            }
        }
        impl IntoShape for &[$t] {
            fn into_shape(self) -> Vec<i64> {
                self.iter().map(|&len| len as i64).collect()
            }
        }
        impl IntoShape for Vec<$t> {
            fn into_shape(self) -> Vec<i64> {
                self.iter().map(|&len| len as i64).collect()
            }
        }
        impl IntoShape for ($t, $t) {
            fn into_shape(self) -> Vec<i64> {
                [self.0, self.1].into_shape()
            }
        }
        impl IntoShape for ($t, $t, $t) {
            fn into_shape(self) -> Vec<i64> {
                [self.0, self.1, self.2].into_shape()
            }
        }
        impl IntoShape for ($t, $t, $t, $t) {
            fn into_shape(self) -> Vec<i64> {
                [self.0, self.1, self.2, self.3].into_shape()
            }
        }
    )*};
}
into_shape!(i32, i64, u64, usize);

impl IntoShape for () {
    fn into_shape(self) -> Vec<i64> {
        Vec::new()
    }
}

/// The lengths, none of which may be negative. Lengths beyond 2^63 show as negative ones and are refused, too.
pub(crate) fn checked_shape(op: &'static str, shape: impl IntoShape) -> Result<Vec<u64>> {
    let lens = shape.into_shape();
    let checked: Option<Vec<u64>> = lens.iter().map(|&len| u64::try_from(len).ok()).collect();
    checked.ok_or_else(|| {
        Error::shape(op, format!("shape {} has a negative length, or one beyond 2^63", crate::error::Shown(&lens)))
    })
}

/// The grid of a new dense array; its elements must fit an address space.
pub(crate) fn dense_grid(op: &'static str, shape: &[u64], chunks: &Chunks, dtype: DType) -> Result<Grid> {
    let item_bytes = dtype.size_bytes() as u64;
    let n_bytes = shape.iter().filter(|&&len| len > 0).try_fold(item_bytes, |n, &len| n.checked_mul(len));
    if n_bytes.is_none_or(|n| n > i64::MAX as u64) {
        let detail = format!("an array of shape {} and type {dtype} exceeds 2^63 bytes", crate::error::Shown(shape));
        return Err(Error::shape(op, detail).with_remedy("sparse arrays may be larger: see `Coo`"));
    }
    chunks.normalize(op, shape, dtype.size_bytes())
}

impl DynArray {
    /// An array of one value; see [`Array::full`].
    pub fn full(shape: impl IntoShape, value: Scalar, chunks: impl Into<Chunks>) -> Result<Self> {
        let grid = dense_grid("full", &checked_shape("full", shape)?, &chunks.into(), value.dtype())?;
        Ok(Self::build(FullOp { value }, &[], ArrayMeta::dense(value.dtype(), grid)))
    }

    /// A 0-d array of one value.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = DynArray::scalar_of(2.5.into());
    /// assert_eq!((x.ndim(), x.dtype()), (0, DType::F64));
    /// ```
    pub fn scalar_of(value: Scalar) -> Self {
        Self::build(FullOp { value }, &[], ArrayMeta::dense(value.dtype(), Grid::single(&[])))
    }

    /// An array over a block in memory, cut into chunks without copying.
    ///
    /// # Errors
    /// The chunks do not fit the shape of the block.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let block = Block::from_dense(ndarray::arr1(&[1, 2, 3]).into_dyn());
    /// let x = DynArray::from_block(block, Chunks::size(2))?;
    /// assert_eq!((x.n_blocks(), x.dtype()), (2, DType::I32));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn from_block(block: Block, chunks: impl Into<Chunks>) -> Result<Self> {
        let shape: Vec<u64> = block.shape().iter().map(|&len| len as u64).collect();
        let grid = chunks.into().normalize("from_block", &shape, block.dtype().size_bytes())?;
        let layout = block.fill().map_or(Layout::Dense, Layout::Sparse);
        let meta = ArrayMeta { dtype: block.dtype(), grid, layout };
        Ok(Self::from_source_named(Arc::new(MemorySource::new(block)), meta, Name::fresh()))
    }

    /// An array whose blocks are read from a source when they are needed.
    ///
    /// `key` tells sources apart: equal keys must stand for equal elements. Without one, each call makes an array of its
    /// own.
    ///
    /// # Examples
    /// See [`BlockSource`].
    pub fn from_source(source: Arc<dyn BlockSource>, meta: ArrayMeta, key: Option<u128>) -> Self {
        let name = key.map_or_else(Name::fresh, |key| Name::of(&key));
        Self::from_source_named(source, meta, name)
    }

    pub(crate) fn from_source_named(source: Arc<dyn BlockSource>, meta: ArrayMeta, key: Name) -> Self {
        Self::build(SourceOp::new(source, key), &[], meta)
    }

    pub(crate) fn generate(generator: Generate, grid: Grid) -> Self {
        let dtype = generator.dtype();
        Self::build(GenerateOp { generator }, &[], ArrayMeta::dense(dtype, grid))
    }
}

impl<T: Element> Array<T> {
    /// An array over an ndarray array, without copying it.
    ///
    /// Owned arrays and `ArcArray`s are shared; views are copied once.
    ///
    /// # Errors
    /// The chunks do not fit the shape.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let a = ndarray::arr2(&[[1, 2, 3], [4, 5, 6]]);
    /// let x = Array::from_ndarray(a, Chunks::from([1, 3]))?;
    /// assert_eq!(x.n_blocks(), 2);
    /// let total: i64 = x.sum().scalar()?;
    /// assert_eq!(total, 21);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn from_ndarray<S, D>(array: ArrayBase<S, D>, chunks: impl Into<Chunks>) -> Result<Self>
    where
        S: ndarray::DataOwned<Elem = T>,
        D: Dimension,
        ArrayBase<S, D>: IntoSharedArray<T>,
    {
        Self::try_wrap(DynArray::from_block(Block::new::<T>(array.into_shared_dyn()), chunks))
    }

    /// An array over a copy of an ndarray view.
    ///
    /// # Errors
    /// The chunks do not fit the shape.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let a = ndarray::arr2(&[[1, 2], [3, 4]]);
    /// let column = Array::from_view(&a.column(1), Chunks::auto())?;
    /// assert_eq!(column.compute()?, ndarray::arr1(&[2, 4]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn from_view<S, D>(view: &ArrayBase<S, D>, chunks: impl Into<Chunks>) -> Result<Self>
    where
        S: Data<Elem = T>,
        D: Dimension,
    {
        Self::from_ndarray(view.to_owned().into_dyn(), chunks)
    }

    /// A 1-d array from a vector, without copying it.
    ///
    /// # Errors
    /// The chunks do not fit the length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.0, 2.0, 3.0], Chunks::size(2))?;
    /// assert_eq!((x.n_blocks(), x.sum().scalar()?), (2, 6.0));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn from_vec(values: Vec<T>, chunks: impl Into<Chunks>) -> Result<Self> {
        Self::from_ndarray(ndarray::Array1::from_vec(values), chunks)
    }

    /// A sparse array over a [`Coo`], cut into sparse blocks.
    ///
    /// # Errors
    /// The chunks do not fit the shape.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let coo = Coo::new(&[[0, 3], [1, 2]], vec![5.0, 7.0], [4, 4])?;
    /// let x = Array::from_coo(coo, Chunks::size(2))?;
    /// assert!(x.layout().is_sparse());
    /// let total: f64 = x.sum().scalar()?;
    /// assert_eq!(total, 12.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn from_coo(coo: Coo<T>, chunks: impl Into<Chunks>) -> Result<Self> {
        Self::try_wrap(DynArray::from_block(Block::new::<T>(coo), chunks))
    }

    /// An array of one value.
    ///
    /// # Chunks
    /// As asked. Nothing is stored: in an expression the value is a constant of the fused program.
    ///
    /// # Errors
    /// The chunks do not fit the shape, or the shape exceeds 2^63 bytes.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::full([2, 2], 7u8, Chunks::auto())?;
    /// assert_eq!(x.compute()?, ndarray::arr2(&[[7, 7], [7, 7]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn full(shape: impl IntoShape, value: T, chunks: impl Into<Chunks>) -> Result<Self> {
        Self::try_wrap(DynArray::full(shape, value.to_scalar(), chunks))
    }

    /// An array of zeros (`false` for `bool`); see [`Array::full`].
    ///
    /// # Errors
    /// As [`full`](Self::full).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Array::<bool>::zeros([2], Chunks::auto())?.compute()?, ndarray::arr1(&[false, false]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn zeros(shape: impl IntoShape, chunks: impl Into<Chunks>) -> Result<Self> {
        Self::full(shape, T::zero(), chunks)
    }

    /// An array of ones (`true` for `bool`); see [`Array::full`].
    ///
    /// # Errors
    /// As [`full`](Self::full).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Array::<u8>::ones([2], Chunks::auto())?.compute()?, ndarray::arr1(&[1, 1]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn ones(shape: impl IntoShape, chunks: impl Into<Chunks>) -> Result<Self> {
        Self::full(shape, T::one(), chunks)
    }

    /// A 0-d array of one value.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_scalar(2.5);
    /// assert_eq!((x.ndim(), x.scalar()?), (0, 2.5));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn from_scalar(value: T) -> Self {
        Self::wrap(DynArray::scalar_of(value.to_scalar()))
    }

    /// The numbers `start`, `start + step`, … before `stop`, as NumPy's `arange`.
    ///
    /// # Errors
    /// `step` is zero or not finite, or the chunks do not fit.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(1, 12, 3, Chunks::size(2))?;
    /// assert_eq!(x.compute()?, ndarray::arr1(&[1, 4, 7, 10]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn arange(start: T, stop: T, step: T, chunks: impl Into<Chunks>) -> Result<Self> {
        let (start, stop, step) = (start.to_scalar(), stop.to_scalar(), step.to_scalar());
        let len = arange_len(start, stop, step)?;
        let grid = dense_grid("arange", &[len], &chunks.into(), T::DTYPE)?;
        Ok(Self::wrap(DynArray::generate(Generate::Arange { start, step }, grid)))
    }

    /// The identity matrix's generalisation: ones on diagonal `k` of a `rows` by `columns` matrix, zeros elsewhere.
    ///
    /// # Errors
    /// The chunks do not fit the shape.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i32>::eye(2, 3, 1, Chunks::auto())?;
    /// assert_eq!(x.compute()?, ndarray::arr2(&[[0, 1, 0], [0, 0, 1]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn eye(rows: u64, columns: u64, k: i64, chunks: impl Into<Chunks>) -> Result<Self> {
        let grid = dense_grid("eye", &[rows, columns], &chunks.into(), T::DTYPE)?;
        Ok(Self::wrap(DynArray::generate(Generate::Eye { k, dtype: T::DTYPE }, grid)))
    }

    /// The position of every element along one axis, as NumPy's `indices`.
    ///
    /// # Errors
    /// The axis is out of range, or the chunks do not fit the shape.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::indices([2, 3], 1, Chunks::auto())?;
    /// assert_eq!(x.compute()?, ndarray::arr2(&[[0, 1, 2], [0, 1, 2]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn indices(shape: impl IntoShape, axis: isize, chunks: impl Into<Chunks>) -> Result<Self> {
        let shape = checked_shape("indices", shape)?;
        let axis = crate::chunks::select::normalize_axis("indices", axis, shape.len())?;
        let grid = dense_grid("indices", &shape, &chunks.into(), T::DTYPE)?;
        Ok(Self::wrap(DynArray::generate(Generate::Indices { axis, dtype: T::DTYPE }, grid)))
    }

    /// An array whose blocks a function makes from their place.
    ///
    /// The function is called once per block and run, with the place of the block; it returns dense or sparse data of the
    /// promised shape.
    ///
    /// # Errors
    /// The chunks do not fit. When run: the function fails, or a block has another shape.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::from_block_fn([4], Chunks::size(2), |at| {
    ///     let start = at.ranges()?[0].start as i64;
    ///     Ok(ndarray::arr1(&[start, start + 1]).into_dyn().into())
    /// })?;
    /// assert_eq!(x.compute()?, ndarray::arr1(&[0, 1, 2, 3]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn from_block_fn<F>(shape: impl IntoShape, chunks: impl Into<Chunks>, function: F) -> Result<Self>
    where
        F: Fn(&BlockLocation) -> Result<BlockData<T>> + Send + Sync + 'static,
    {
        let grid = dense_grid("from_block_fn", &checked_shape("from_block_fn", shape)?, &chunks.into(), T::DTYPE)?;
        let function = BlockFunction::local(move |_: &[Block], at: &BlockLocation| function(at).map(Block::new::<T>));
        let op = MapBlocksOp { label: "from_block_fn", function, key: Name::fresh(), operands: Vec::new() };
        Ok(Self::wrap(DynArray::build(op, &[], ArrayMeta::dense(T::DTYPE, grid))))
    }

    /// An array whose elements a function makes from their position.
    ///
    /// # Errors
    /// The chunks do not fit the shape.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_fn([2, 3], Chunks::size(2), |at: &[u64]| at[0] * 10 + at[1])?;
    /// assert_eq!(x.compute()?, ndarray::arr2(&[[0, 1, 2], [10, 11, 12]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn from_fn<F>(shape: impl IntoShape, chunks: impl Into<Chunks>, function: F) -> Result<Self>
    where
        F: Fn(&[u64]) -> T + Send + Sync + 'static,
    {
        Self::from_block_fn(shape, chunks, move |at| {
            let starts: Vec<u64> = at.ranges()?.iter().map(|range| range.start).collect();
            let mut position = starts.clone();
            let block = ndarray::ArrayD::from_shape_fn(at.shape().unwrap_or_default(), |local| {
                for (axis, start) in starts.iter().enumerate() {
                    position[axis] = start + local[axis] as u64;
                }
                function(&position)
            });
            Ok(BlockData::from(block))
        })
    }
}

impl<T: crate::element::Float> Array<T> {
    /// `n` numbers evenly spaced from `start` to `stop`, both included, as NumPy's `linspace`.
    ///
    /// # Errors
    /// The chunks do not fit the length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::linspace(0.0, 1.0, 5, Chunks::size(2))?;
    /// assert_eq!(x.compute()?, ndarray::arr1(&[0.0, 0.25, 0.5, 0.75, 1.0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn linspace(start: T, stop: T, n: u64, chunks: impl Into<Chunks>) -> Result<Self> {
        let grid = dense_grid("linspace", &[n], &chunks.into(), T::DTYPE)?;
        let (start, stop) = (start.to_scalar(), stop.to_scalar());
        let generator = Generate::Linspace { start, stop, n, endpoint: true, dtype: T::DTYPE };
        Ok(Self::wrap(DynArray::generate(generator, grid)))
    }
}

/// How many numbers `arange` makes.
fn arange_len(start: Scalar, stop: Scalar, step: Scalar) -> Result<u64> {
    let dtype = start.dtype();
    if dtype.is_complex() || dtype == DType::Bool {
        return Err(Error::dtype("arange", format!("there is no range of {dtype}")));
    }
    let bad_step = || Error::value("arange", format!("the step is {step}")).with_remedy("use a step that is not 0");
    if dtype.is_float() {
        let [start, stop, step] = [start, stop, step].map(f64::from_scalar);
        let len = ((stop - start) / step).ceil();
        return match len.is_finite() {
            _ if step == 0.0 || step.is_nan() => Err(bad_step()),
            true => Ok(len.max(0.0) as u64),
            false => Err(Error::value("arange", format!("from {start} to {stop} by {step} there is no end"))
                .with_remedy("use finite borders")),
        };
    }
    let exact = |x: Scalar| if let Scalar::U64(x) = x { x as i128 } else { i64::from_scalar(x) as i128 };
    let [start, stop, step] = [start, stop, step].map(exact);
    match step {
        0 => Err(bad_step()),
        step if step > 0 => Ok((stop - start).max(0).unsigned_abs().div_ceil(step.unsigned_abs()) as u64),
        step => Ok((start - stop).max(0).unsigned_abs().div_ceil(step.unsigned_abs()) as u64),
    }
}

/// ndarray arrays that become shared arrays without a copy of their elements.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// use hyperslab::array::IntoSharedArray;
/// let shared = ndarray::arr2(&[[1, 2], [3, 4]]).into_shared_dyn();
/// assert_eq!(shared.shape(), [2, 2]);
/// ```
pub trait IntoSharedArray<T> {
    /// The same elements, shared.
    fn into_shared_dyn(self) -> ndarray::ArcArray<T, ndarray::IxDyn>;
}

impl<T: Clone, D: Dimension> IntoSharedArray<T> for ndarray::Array<T, D> {
    fn into_shared_dyn(self) -> ndarray::ArcArray<T, ndarray::IxDyn> {
        self.into_dyn().into_shared()
    }
}

impl<T: Clone, D: Dimension> IntoSharedArray<T> for ndarray::ArcArray<T, D> {
    fn into_shared_dyn(self) -> ndarray::ArcArray<T, ndarray::IxDyn> {
        self.into_dyn()
    }
}
