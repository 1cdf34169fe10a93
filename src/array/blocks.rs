//! Working with blocks: functions of them, and whole blocks by position.

use super::typed::forward;
use super::{Array, DynArray};
use crate::block::{ArrayMeta, Block, BlockData, BlockLocation, BlockView, Layout};
use crate::chunks::select::{normalize_axes, normalize_index};
use crate::chunks::{AxisChunks, Grid};
use crate::element::{DType, Element, Scalar};
use crate::error::{Error, Result, Shown};
use crate::graph::Name;
use crate::graph::ops::{BlocksOp, ElementwiseOp, MapBlocksOp};
use crate::kernels::named::Relayout;
use crate::kernels::{BlockFunction, NamedKernel};
use crate::sparse::Coo;

use super::index::Index;

/// What [`map_blocks_with`](DynArray::map_blocks_with) does to the shape: other chunk sizes, dropped and new axes.
///
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<f64>::ones([4, 6], Chunks::from([2, 6]))?;
/// let options = MapBlocks::new().drop_axes([1]);
/// let sums: Array<f64> = x.map_blocks_with(options, |b| Ok(b.dense()?.sum_axis(ndarray::Axis(1)).into()))?;
/// assert_eq!(sums.compute()?, ndarray::arr1(&[6.0; 4]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MapBlocks {
    chunks: Option<Vec<Vec<u64>>>,
    drop_axes: Vec<isize>,
    new_axes: Vec<isize>,
    layout: Option<Layout>,
    /// The chunks of the result where nothing else is said about them.
    promised: Option<Grid>,
}

impl MapBlocks {
    /// The function keeps the shape of blocks.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::ones([4], Chunks::size(2))?;
    /// let y: Array<f64> = x.map_blocks_with(MapBlocks::new(), |b| Ok((&b.dense()? + 1.0).into()))?;
    /// assert_eq!(y.sum().scalar()?, 8.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// The sizes of the result's chunks along each axis; a single size stands for all blocks of its axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::ones([4], Chunks::size(2))?;
    /// let sums: Array<f64> = x.map_blocks_with(MapBlocks::new().chunks([vec![1]]), |b| {
    ///     Ok(ndarray::arr1(&[b.dense()?.sum()]).into_dyn().into())
    /// })?;
    /// assert_eq!(sums.compute()?, ndarray::arr1(&[2.0, 2.0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn chunks(mut self, sizes: impl IntoIterator<Item = Vec<u64>>) -> Self {
        self.chunks = Some(sizes.into_iter().collect());
        self
    }

    /// Axes of the first input that the result has not. They must have one block.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::ones([4, 6], Chunks::from([2, 6]))?;
    /// let rows: Array<f64> =
    ///     x.map_blocks_with(MapBlocks::new().drop_axes([1]), |b| Ok(b.dense()?.sum_axis(Axis(1)).into()))?;
    /// assert_eq!(rows.compute()?, ndarray::arr1(&[6.0; 4]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn drop_axes(mut self, axes: impl IntoIterator<Item = isize>) -> Self {
        self.drop_axes = axes.into_iter().collect();
        self
    }

    /// Axes that the result has in addition, as positions in the result; of length 1 unless `chunks` says otherwise.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.0, 2.0, 3.0], Chunks::size(2))?;
    /// let column: Array<f64> =
    ///     x.map_blocks_with(MapBlocks::new().new_axes([1]), |b| Ok(b.dense()?.to_owned().insert_axis(Axis(1)).into()))?;
    /// assert_eq!(column.known_shape()?, [3, 1]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn new_axes(mut self, axes: impl IntoIterator<Item = isize>) -> Self {
        self.new_axes = axes.into_iter().collect();
        self
    }

    /// The function returns sparse blocks with this fill value.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::eye(4, 4, 0, Chunks::size(2))?;
    /// let s: Array<f64> =
    ///     x.map_blocks_with(MapBlocks::new().sparse(0.0), |b| Ok(Coo::from_dense(&b.dense()?)?.into()))?;
    /// assert_eq!(s.compute_sparse()?.nnz(), 4);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn sparse<T: Element>(mut self, fill: T) -> Self {
        self.layout = Some(Layout::Sparse(fill.to_scalar()));
        self
    }

    /// The function may return dense or sparse blocks.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::eye(4, 4, 0, Chunks::size(2))?;
    /// let either: Array<f64> = x.map_blocks_with(MapBlocks::new().mixed(), |b| {
    ///     let dense = b.dense()?;
    ///     Ok(if dense.sum() == 0.0 { Coo::from_dense(&dense)?.into() } else { dense.to_owned().into() })
    /// })?;
    /// assert_eq!(either.to_dense().compute()?, x.compute()?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn mixed(mut self) -> Self {
        self.layout = Some(Layout::Mixed);
        self
    }
}

/// Output axes, the axes of the first input that they follow, and the grid.
struct Plan {
    grid: Grid,
    /// For each output axis the axis of the broadcast inputs that it follows.
    follows: Vec<Option<usize>>,
}

impl MapBlocks {
    /// Promises the chunks of `grid`, unless the user has said what chunks or axes the result has.
    pub(super) fn promising(mut self, grid: &Grid) -> Self {
        let is_told = self.chunks.is_some() || !self.drop_axes.is_empty() || !self.new_axes.is_empty();
        self.promised = (!is_told).then(|| grid.clone());
        self
    }

    fn plan(&self, op: &'static str, common: &Grid) -> Result<Plan> {
        if let Some(grid) = &self.promised {
            return Ok(Plan { grid: grid.clone(), follows: (0..common.ndim()).map(Some).collect() });
        }
        let dropped = normalize_axes(op, &self.drop_axes, common.ndim())?;
        if let Some(&axis) = dropped.iter().find(|&&axis| common.axis(axis).n_blocks() != 1) {
            let n = common.axis(axis).n_blocks();
            return Err(Error::chunks(op, format!("axis {axis} is dropped and has {n} blocks"))
                .with_remedy("rechunk it to one block first"));
        }
        let mut follows: Vec<Option<usize>> = (0..common.ndim()).filter(|a| !dropped.contains(a)).map(Some).collect();
        let ndim = follows.len() + self.new_axes.len();
        let mut new_axes = normalize_axes(op, &self.new_axes, ndim)?;
        new_axes.sort_unstable();
        new_axes.into_iter().for_each(|axis| follows.insert(axis, None));
        let grid = (0..ndim).map(|axis| self.axis_chunks(op, axis, follows[axis].map(|a| common.axis(a)), ndim));
        Ok(Plan { grid: grid.collect::<Result<_>>()?, follows })
    }

    fn axis_chunks(&self, op: &'static str, axis: usize, from: Option<&AxisChunks>, ndim: usize) -> Result<AxisChunks> {
        let n_blocks = from.map_or(1, AxisChunks::n_blocks);
        let Some(chunks) = &self.chunks else { return Ok(from.map_or_else(|| AxisChunks::whole(1), Clone::clone)) };
        if chunks.len() != ndim {
            return Err(Error::chunks(op, format!("chunks are given for {} axes of {ndim}", chunks.len())));
        }
        match chunks[axis].as_slice() {
            [size] => AxisChunks::from_sizes(&vec![*size; n_blocks as usize]),
            sizes if sizes.len() as u64 == n_blocks => AxisChunks::from_sizes(sizes),
            sizes => Err(Error::chunks(
                op,
                format!("{} chunk sizes are given for {n_blocks} blocks of axis {axis}", sizes.len()),
            )
            .with_remedy("give one size for all blocks, or one for each")),
        }
    }
}

/// The common grid of blocks of arrays aligned on the right: numbers of blocks must agree or be 1.
fn common_blocks(op: &'static str, arrays: &[&DynArray]) -> Result<Grid> {
    let ndim = arrays.iter().map(|array| array.ndim()).max().unwrap_or(0);
    let axis_of = |array: &DynArray, axis: usize| (axis + array.ndim()).checked_sub(ndim);
    let mut axes = Vec::with_capacity(ndim);
    for axis in 0..ndim {
        let own = arrays.iter().filter_map(|array| axis_of(array, axis).map(|a| array.grid().axis(a)));
        let mut best: Option<&AxisChunks> = None;
        for chunks in own {
            best = match best {
                None => Some(chunks),
                Some(other) if other.n_blocks() == 1 && (chunks.n_blocks() > 1 || other.len() == Some(1)) => {
                    Some(chunks)
                }
                Some(other) if chunks.n_blocks() == other.n_blocks() || chunks.n_blocks() == 1 => Some(other),
                Some(other) => {
                    let counts = [other.n_blocks(), chunks.n_blocks()];
                    return Err(Error::chunks(
                        op,
                        format!("numbers of blocks along axis {axis} differ: {}", Shown(&counts)),
                    )
                    .with_remedy("rechunk the arrays to equal chunks first"));
                }
            };
        }
        axes.extend(best.cloned());
    }
    Ok(Grid::new(axes))
}

impl DynArray {
    /// Calls a function with the blocks of several arrays, aligned on the right; see [`Array::map_blocks`].
    ///
    /// Numbers of blocks along a shared axis must agree or be 1; an array with one block gives it to every call.
    ///
    /// # Errors
    /// Numbers of blocks differ; chunks that are told do not fit. When run: the function fails, or returns another type or
    /// shape.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 4, 1, Chunks::size(2))?;
    /// let sum = DynArray::map_blocks_with(
    ///     &[x.as_dyn(), x.as_dyn(), x.as_dyn()],
    ///     DType::I64,
    ///     &MapBlocks::new(),
    ///     |blocks, _at| {
    ///         let [a, b, c] = [0, 1, 2].map(|i| blocks[i].dense::<i64>());
    ///         Ok(Block::from_dense(&a? + &b? + &c?))
    ///     },
    /// )?;
    /// assert_eq!(sum.try_typed::<i64>()?.compute()?, ndarray::arr1(&[0, 3, 6, 9]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn map_blocks_with(
        arrays: &[&DynArray],
        dtype: DType,
        options: &MapBlocks,
        function: impl Fn(&[Block], &BlockLocation) -> Result<Block> + Send + Sync + 'static,
    ) -> Result<Self> {
        Self::map_function("map_blocks", arrays, dtype, options, BlockFunction::local(function), Name::fresh())
    }

    /// Calls a named kernel with the blocks of several arrays. Unlike a closure it has a name of its own: equal kernels on
    /// equal arrays are computed once, and it can run in another process that has registered it.
    ///
    /// # Errors
    /// As [`map_blocks_with`](Self::map_blocks_with), or the kernel does not serialise.
    ///
    /// # Examples
    /// See [`kernel`](crate::kernel).
    pub fn map_named<K: NamedKernel>(
        arrays: &[&DynArray],
        dtype: DType,
        options: &MapBlocks,
        kernel: &K,
    ) -> Result<Self> {
        let function = BlockFunction::named(kernel)?;
        let key = Name::of(&function.key_bits());
        Self::map_function("map_named", arrays, dtype, options, function, key)
    }

    fn map_function(
        op: &'static str,
        arrays: &[&DynArray],
        dtype: DType,
        options: &MapBlocks,
        function: BlockFunction,
        key: Name,
    ) -> Result<Self> {
        let common = common_blocks(op, arrays)?;
        let Plan { grid, follows } = options.plan(op, &common)?;
        let operand = |array: &&DynArray| {
            let aligned = ElementwiseOp::aligned_right(array.ndim(), common.ndim());
            follows.iter().map(|axis| axis.and_then(|axis| aligned[axis])).collect()
        };
        let operands = arrays.iter().map(operand).collect();
        let meta = ArrayMeta { dtype, grid, layout: options.layout.unwrap_or(Layout::Dense) };
        Ok(DynArray::build(MapBlocksOp { label: op, function, key, operands }, arrays, meta))
    }

    /// Calls a kernel of the crate with one block of each input: output axis `k` follows axis `operands[i][k]` of input `i`;
    /// an input axis with one block gives it to every call.
    pub(crate) fn map_kernel<K: NamedKernel>(
        label: &'static str,
        kernel: &K,
        inputs: &[(&DynArray, Vec<Option<usize>>)],
        meta: ArrayMeta,
    ) -> Result<Self> {
        let function = BlockFunction::named(kernel)?;
        let key = Name::of(&function.key_bits());
        let operands = inputs.iter().map(|input| input.1.clone()).collect();
        let arrays: Vec<&DynArray> = inputs.iter().map(|input| input.0).collect();
        Ok(DynArray::build(MapBlocksOp { label, function, key, operands }, &arrays, meta))
    }

    /// See [`Array::blocks`].
    pub fn blocks(&self, items: &[Index]) -> Result<Self> {
        let counts = self.grid().block_counts();
        if items.len() > counts.len() {
            let detail = format!("{} items for {} axes", items.len(), counts.len());
            return Err(Error::bad_index("blocks", detail));
        }
        let whole = Index::from(..);
        let picks = counts.iter().enumerate().map(|(axis, &n)| block_picks(axis, n, items.get(axis).unwrap_or(&whole)));
        let op = BlocksOp { picks: picks.collect::<Result<_>>()? };
        let meta = op.meta(self.meta())?;
        Ok(DynArray::build(op, &[self], meta))
    }

    /// See [`Array::to_sparse`].
    pub fn to_sparse(&self) -> Self {
        if self.layout().is_sparse() {
            return self.clone();
        }
        self.relayout("to_sparse", Relayout::Sparse, Layout::Sparse(Scalar::zero(self.dtype())))
    }

    /// See [`Array::to_dense`].
    pub fn to_dense(&self) -> Self {
        if self.layout().is_dense() {
            return self.clone();
        }
        self.relayout("to_dense", Relayout::Dense, Layout::Dense)
    }

    fn relayout(&self, label: &'static str, kernel: Relayout, layout: Layout) -> Self {
        let inputs = [(self, (0..self.ndim()).map(Some).collect())];
        let meta = ArrayMeta { layout, ..self.meta().clone() };
        // The only failure is a kernel that does not serialise.
        Self::map_kernel(label, &kernel, &inputs, meta).expect("a plain enum serialises")
    }
}

/// The blocks that an item names along an axis of `n` blocks.
fn block_picks(axis: usize, n: u64, item: &Index) -> Result<Vec<u64>> {
    let picks: Vec<u64> = match item {
        Index::At(at) => vec![normalize_index("blocks", axis, *at, n)?],
        Index::List(list) => list.iter().map(|&at| normalize_index("blocks", axis, at, n)).collect::<Result<_>>()?,
        Index::Slice { start, stop, step } => {
            crate::chunks::AxisRange::from_slice(*start, *stop, *step, n)?.positions().collect()
        }
        Index::NewAxis | Index::Ellipsis | Index::Table(_) | Index::Mask(_) | Index::Array(_) => {
            return Err(Error::bad_index("blocks", format!("axis {axis} takes ranges, integers and lists of blocks")));
        }
    };
    match picks.as_slice() {
        [] => Err(Error::bad_index("blocks", format!("no block of axis {axis} is selected"))),
        _ => Ok(picks),
    }
}

impl<T: Element> Array<T> {
    /// Calls a function with every block and makes an array of what it returns, of the same shape.
    ///
    /// The function sees a [`BlockView`]: the data, dense or sparse, and where the block lies. The element type of the
    /// result is that of the returned data; the function is never called on made-up data.
    ///
    /// # Chunks
    /// Unchanged; see [`Array::map_blocks_with`] for functions that change them.
    ///
    /// # Errors
    /// When run: the function fails or panics, or returns a block of another shape. The message names the block.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_vec(vec![1.0, 4.0, 9.0], Chunks::size(2))?;
    /// let y: Array<f64> = x.map_blocks(|b| Ok(b.dense()?.mapv(f64::sqrt).into()))?;
    /// assert_eq!(y.compute()?, ndarray::arr1(&[1.0, 2.0, 3.0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn map_blocks<U, F>(&self, function: F) -> Result<Array<U>>
    where
        U: Element,
        F: Fn(BlockView<'_, T>) -> Result<BlockData<U>> + Send + Sync + 'static,
    {
        self.map_blocks_with(MapBlocks::new(), function)
    }

    /// Like [`map_blocks`](Self::map_blocks), for functions that change chunk sizes, drop or add axes, or return sparse
    /// blocks; see [`MapBlocks`].
    ///
    /// # Errors
    /// The options do not fit the array. When run: as [`map_blocks`](Self::map_blocks).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 5, 1, Chunks::size(2))?;
    /// let ends = MapBlocks::new().chunks([vec![1]]);
    /// let last: Array<i64> = x.map_blocks_with(ends, |b| {
    ///     let b = b.dense()?;
    ///     Ok(ndarray::arr1(&[b[[b.len() - 1]]]).into_dyn().into())
    /// })?;
    /// assert_eq!(last.compute()?, ndarray::arr1(&[1, 3, 4]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn map_blocks_with<U, F>(&self, options: MapBlocks, function: F) -> Result<Array<U>>
    where
        U: Element,
        F: Fn(BlockView<'_, T>) -> Result<BlockData<U>> + Send + Sync + 'static,
    {
        let call = move |blocks: &[Block], at: &BlockLocation| {
            function(BlockView::new(blocks[0].typed::<T>()?, at)).map(Block::new::<U>)
        };
        Array::try_wrap(DynArray::map_blocks_with(&[self.as_dyn()], U::DTYPE, &options, call))
    }

    /// Calls a function with the blocks of two arrays at the same place, aligned on the right.
    ///
    /// # Errors
    /// The numbers of blocks along a shared axis differ and neither is 1.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 4, 1, Chunks::size(2))?.reshape([2, 2])?;
    /// let y = Array::from_vec(vec![10, 20], Chunks::size(2))?;
    /// let z: Array<i64> = x.map_blocks_zip(&y, |a, b| Ok((&a.dense()? + &b.dense()?).into()))?;
    /// assert_eq!(z.compute()?, ndarray::arr2(&[[10, 21], [12, 23]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn map_blocks_zip<U, V, F>(&self, other: &Array<U>, function: F) -> Result<Array<V>>
    where
        U: Element,
        V: Element,
        F: Fn(BlockView<'_, T>, BlockView<'_, U>) -> Result<BlockData<V>> + Send + Sync + 'static,
    {
        let call = move |blocks: &[Block], at: &BlockLocation| {
            let (a, b) = (BlockView::new(blocks[0].typed::<T>()?, at), BlockView::new(blocks[1].typed::<U>()?, at));
            function(a, b).map(Block::new::<V>)
        };
        let inputs = [self.as_dyn(), other.as_dyn()];
        Array::try_wrap(DynArray::map_blocks_with(&inputs, V::DTYPE, &MapBlocks::new(), call))
    }

    /// Calls a function that makes a sparse block of every block; the fill value is zero.
    ///
    /// # Errors
    /// When run: the function fails, or returns a block of another shape or fill value.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::eye(4, 4, 0, Chunks::size(2))?;
    /// let s: Array<f64> = x.map_blocks_sparse(|b| Coo::from_dense(&b.dense()?))?;
    /// assert!(s.layout().is_sparse());
    /// assert_eq!(s.sum_axis(0)?.compute_sparse()?.nnz(), 4);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn map_blocks_sparse<U, F>(&self, function: F) -> Result<Array<U>>
    where
        U: Element,
        F: Fn(BlockView<'_, T>) -> Result<Coo<U>> + Send + Sync + 'static,
    {
        self.map_blocks_with(MapBlocks::new().sparse(U::zero()), move |block| function(block).map(BlockData::from))
    }
}

forward! { try_same:
    /// Whole blocks by their position in the grid: ranges, integers and lists count blocks, not elements.
    ///
    /// # Errors
    /// A position lies outside the grid, or no block of an axis is selected.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 5, 1, Chunks::size(2))?;
    /// assert_eq!(x.blocks(&idx![[2, 0]])?.compute()?, ndarray::arr1(&[4, 0, 1]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn blocks(&self, items: &[Index]);
}

forward! { same:
    /// The same elements in sparse blocks with fill value zero.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::eye(3, 3, 0, Chunks::auto())?.to_sparse();
    /// assert_eq!(x.compute_sparse()?.nnz(), 3);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn to_sparse(&self);
    /// The same elements in dense blocks.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::eye(3, 3, 0, Chunks::auto())?.to_sparse();
    /// assert_eq!(x.to_dense().compute()?.sum(), 3.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    fn to_dense(&self);
}
