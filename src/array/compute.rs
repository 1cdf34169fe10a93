//! Running expressions: in memory, persisted, stored, explained.

use std::sync::Arc;

use ndarray::{ArrayD, Dimension, IxDyn};

use super::{Array, DynArray};
use crate::block::{ArrayMeta, Block, BlockData, BlockLocation, BlockSink, BlockSource, BlocksSource, Value, fresh};
use crate::chunks::{AxisChunks, Grid};
use crate::element::Element;
use crate::element::dispatch::dispatch;
use crate::error::{Error, Result};
use crate::exec::{Output, PlanJob, RunFuture, RunOptions, Runtime, SplitArray};
use crate::graph::{Expr, Plan, plan};
use crate::kernels::{Gather, KernelContext, Piece};

impl DynArray {
    /// Runs the expression and gives the whole result as one block.
    ///
    /// # Errors
    /// As [`Array::compute`].
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 4, 1, Chunks::size(3))?.into_dyn();
    /// assert_eq!(x.compute_block()?.dense::<i64>()?.sum(), 6);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn compute_block(&self) -> Result<Block> {
        let mut blocks = compute_blocks(&[self], &Runtime::current(), &RunOptions::new())?;
        blocks.pop().ok_or_else(|| Error::bug("compute", "a run gave no result"))
    }

    /// See [`Array::persist`].
    pub fn persist(&self) -> Result<Self> {
        let mut persisted = persist_all(&[self], &Runtime::current(), &RunOptions::new())?;
        persisted.pop().ok_or_else(|| Error::bug("persist", "a run gave no result"))
    }

    /// See [`Array::compute_chunk_sizes`].
    pub fn compute_chunk_sizes(&self) -> Result<Self> {
        if self.grid().is_known() { Ok(self.clone()) } else { self.persist()?.with_sizes_of_blocks() }
    }

    /// Writes every block to a sink.
    ///
    /// # Errors
    /// A block can not be computed or written. What was written before stays.
    ///
    /// # Examples
    /// See [`BlockSink`].
    pub fn store(&self, sink: Arc<dyn BlockSink>) -> Result<()> {
        let (plan, _) = plan(&[Arc::clone(self.expr())])?;
        let runtime = Runtime::current();
        let output = Output::Sink { sink, grid: self.grid().clone() };
        run(&plan, vec![output], &runtime, &RunOptions::new())?;
        Ok(())
    }

    /// See [`Array::explain`].
    pub fn explain(&self) -> Result<String> {
        crate::graph::explain(&[Arc::clone(self.expr())])
    }

    /// See [`Array::plan`].
    pub fn plan(&self) -> Result<Plan> {
        Ok(plan(&[Arc::clone(self.expr())])?.0)
    }

    /// The task graph in Graphviz's DOT language; see [`Array::explain`] for text.
    ///
    /// # Errors
    /// An operation can not be planned for these chunks.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 4, 1, Chunks::size(3))?;
    /// assert!(x.sum().as_dyn().to_dot()?.starts_with("digraph"));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn to_dot(&self) -> Result<String> {
        crate::graph::to_dot(&[Arc::clone(self.expr())])
    }

    /// The task graph as an SVG picture.
    ///
    /// # Errors
    /// An operation can not be planned for these chunks.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 4, 1, Chunks::size(3))?;
    /// assert!(x.sum().as_dyn().to_svg()?.starts_with("<svg"));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn to_svg(&self) -> Result<String> {
        crate::graph::to_svg(&[Arc::clone(self.expr())])
    }

    /// The same persisted array with the sizes that its blocks turned out to have. Each block is looked at and let go.
    fn with_sizes_of_blocks(&self) -> Result<Self> {
        let source = self.expr().op().source();
        let source = source.ok_or_else(|| Error::bug("compute_chunk_sizes", "the array is not persisted"))?;
        let shape = |number| source.read(&BlockLocation::new(self.grid(), number)).map(|block| block.shape());
        let shapes = (0..self.n_blocks()).map(shape).collect::<Result<Vec<_>>>()?;
        let grid = grid_of_blocks("compute_chunk_sizes", &shapes, &self.grid().block_counts())?;
        let meta = ArrayMeta { grid, ..self.meta().clone() };
        let key = crate::graph::Name::of(&("sizes", self.name()));
        Ok(DynArray::from_source_named(Arc::clone(source), meta, key))
    }
}

/// Runs a plan; `outputs` take its results and come back.
fn run<'a>(
    plan: &'a Plan,
    outputs: Vec<Output<'a>>,
    runtime: &Runtime,
    options: &RunOptions,
) -> Result<Vec<Output<'a>>> {
    let job = PlanJob::new(plan, outputs, Arc::clone(runtime.buffer_pool()));
    runtime.run_plan(&job, options)?;
    Ok(job.into_outputs())
}

/// The results of several arrays, each as one block, in one run that shares what they have in common.
pub(crate) fn compute_blocks(arrays: &[&DynArray], runtime: &Runtime, options: &RunOptions) -> Result<Vec<Block>> {
    let exprs: Vec<Arc<Expr>> = arrays.iter().map(|array| Arc::clone(array.expr())).collect();
    let (plan, places) = plan(&exprs)?;
    // One buffer for each output of the plan: equal arrays are computed once.
    let mut metas: Vec<Option<&ArrayMeta>> = vec![None; places.iter().max().map_or(0, |&last| last + 1)];
    places.iter().zip(arrays).for_each(|(&place, array)| metas[place] = Some(array.meta()));
    let metas: Vec<&ArrayMeta> = metas.into_iter().flatten().collect();
    let mut landings: Vec<Landing> = metas.iter().map(|meta| Landing::new(meta)).collect::<Result<_>>()?;
    let outputs = landings.iter_mut().zip(&metas).map(|(landing, meta)| landing.output(&meta.grid)).collect();
    let outputs = run(&plan, outputs, runtime, options)?;
    let lists = outputs.into_iter().map(Output::into_blocks).collect::<Result<Vec<_>>>()?;
    let blocks =
        landings.into_iter().zip(lists).zip(&metas).map(|((landing, list), meta)| landing.finish(list, meta, runtime));
    let blocks = blocks.collect::<Result<Vec<Block>>>()?;
    Ok(places.iter().map(|&place| blocks[place].clone()).collect())
}

/// The same arrays with their blocks in memory, from one run.
pub(crate) fn persist_all(arrays: &[&DynArray], runtime: &Runtime, options: &RunOptions) -> Result<Vec<DynArray>> {
    let exprs: Vec<Arc<Expr>> = arrays.iter().map(|array| Arc::clone(array.expr())).collect();
    let (plan, places) = plan(&exprs)?;
    // Its own name, so that later expressions on it do not compute it again, and are not taken for it.
    let named = |array: &DynArray, source: Arc<dyn BlockSource>| {
        let key = crate::graph::Name::of(&("persisted", array.name()));
        DynArray::from_source_named(source, array.meta().clone(), key)
    };
    if let Some(kept) = runtime.keep_plan(&plan, options)? {
        return Ok(places.iter().zip(arrays).map(|(&place, array)| named(array, Arc::clone(&kept[place]))).collect());
    }
    let n_outputs = places.iter().max().map_or(0, |&last| last + 1);
    let grid_of = |place: usize| places.iter().position(|&p| p == place).map(|i| arrays[i].grid());
    let outputs = (0..n_outputs).filter_map(grid_of).map(Output::blocks).collect();
    let outputs = run(&plan, outputs, runtime, options)?;
    let lists = outputs.into_iter().map(Output::into_blocks).collect::<Result<Vec<_>>>()?;
    let persisted = places.iter().zip(arrays).map(|(&place, array)| {
        let source: Arc<dyn BlockSource> = Arc::new(BlocksSource::new(lists[place].clone()));
        named(array, source)
    });
    Ok(persisted.collect())
}

/// Where the whole of a result comes together.
enum Landing {
    /// A dense array whose shape is known beforehand: blocks go straight to their places.
    Whole(Box<dyn WholeArray>),
    /// Blocks that are joined when all are there.
    Parts,
}

impl Landing {
    fn new(meta: &ArrayMeta) -> Result<Self> {
        let Some(shape) = meta.grid.known_shape().filter(|_| meta.layout.is_dense()) else { return Ok(Landing::Parts) };
        if meta.grid.n_blocks() == 1 {
            return Ok(Landing::Parts);
        }
        let lens: Vec<usize> = shape.iter().map(|&len| len as usize).collect();
        dispatch!(meta.dtype, T => {
            let n_elems = allocatable::<T>(&lens)?;
            let array = ArrayD::from_shape_vec(IxDyn(&lens), fresh::<T>(n_elems)?)
                .map_err(|error| Error::bug("compute", error.to_string()))?;
            Ok(Landing::Whole(Box::new(array)))
        })
    }

    fn output(&mut self, grid: &Grid) -> Output<'_> {
        match self {
            Landing::Whole(array) => array.split(grid),
            Landing::Parts => Output::blocks(grid),
        }
    }

    fn finish(self, blocks: Vec<Block>, meta: &ArrayMeta, runtime: &Runtime) -> Result<Block> {
        match self {
            Landing::Whole(array) => Ok(array.into_block()),
            Landing::Parts => {
                let shapes: Vec<Vec<usize>> = blocks.iter().map(Block::shape).collect();
                let grid = grid_of_blocks("compute", &shapes, &meta.grid.block_counts())?;
                join_blocks(blocks, &grid, runtime)
            }
        }
    }
}

/// The number of elements of a result that there is memory for: a failed allocation of zeros would end the process.
fn allocatable<T: Element>(lens: &[usize]) -> Result<usize> {
    let too_large = || Error::result_too_large(lens, size_of::<T>());
    let n_elems = match lens.contains(&0) {
        true => 0,
        false => lens.iter().try_fold(1usize, |n, &len| n.checked_mul(len)).ok_or_else(too_large)?,
    };
    Vec::<T>::new().try_reserve_exact(n_elems).map_err(|_| too_large())?;
    Ok(n_elems)
}

/// A dense array of any element type.
trait WholeArray {
    fn split<'a>(&'a mut self, grid: &Grid) -> Output<'a>;
    fn into_block(self: Box<Self>) -> Block;
}

impl<T: Element> WholeArray for ArrayD<T> {
    fn split<'a>(&'a mut self, grid: &Grid) -> Output<'a> {
        Output::Dense(SplitArray::new(self.view_mut(), grid))
    }

    fn into_block(self: Box<Self>) -> Block {
        Block::from_dense(*self)
    }
}

/// One block from the blocks of a grid.
fn join_blocks(mut blocks: Vec<Block>, grid: &Grid, runtime: &Runtime) -> Result<Block> {
    if blocks.len() == 1 {
        return blocks.pop().ok_or_else(|| Error::bug("compute", "a run gave no block"));
    }
    let pieces = |axis: &AxisChunks| {
        let whole = |block: u64| Some((block, axis.block_range(block)?));
        let piece = |(block, range): (u64, std::ops::Range<u64>)| {
            Piece::whole(block as u32, range.end - range.start, range.start)
        };
        (0..axis.n_blocks()).filter_map(whole).map(piece).collect::<Vec<Piece>>()
    };
    let gather = Gather {
        shape: grid.known_shape().unwrap_or_default(),
        axes: grid.axes().iter().map(pieces).collect(),
        fill: None,
    };
    let parts = blocks.into_iter().map(Value::from).collect();
    gather.run(parts, &KernelContext::new(runtime.buffer_pool()))?.into_block()
}

/// The grid that blocks in row-major order make; an error if blocks of one row or column differ in length.
fn grid_of_blocks(op: &'static str, shapes: &[Vec<usize>], counts: &[u64]) -> Result<Grid> {
    let mut sizes: Vec<Vec<Option<u64>>> = counts.iter().map(|&n| vec![None; n as usize]).collect();
    for (number, shape) in shapes.iter().enumerate() {
        let mut rest = number as u64;
        for axis in (0..counts.len()).rev() {
            let place = (rest % counts[axis]) as usize;
            rest /= counts[axis];
            let len = shape.get(axis).map_or(0, |&len| len as u64);
            match sizes[axis][place] {
                Some(other) if other != len => {
                    let detail = format!("blocks at position {place} of axis {axis} have lengths {other} and {len}");
                    return Err(Error::format(op, detail));
                }
                _ => sizes[axis][place] = Some(len),
            }
        }
    }
    let axis = |sizes: &Vec<Option<u64>>| {
        AxisChunks::from_sizes(&sizes.iter().map(|len| len.unwrap_or(0)).collect::<Vec<_>>())
    };
    sizes.iter().map(axis).collect()
}

impl<T: Element> Array<T> {
    /// Runs the expression and gives the result as one dense array.
    ///
    /// Runs on [`Runtime::current`]: all threads of the rayon pool, half of the machine's memory. Blocks are written
    /// straight into the result. A result that is one block already is handed over without a copy.
    ///
    /// # Errors
    /// The result is sparse (use [`compute_sparse`](Self::compute_sparse) or [`to_dense`](Self::to_dense)); a task fails,
    /// and then the message names the operation and the block.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 4, 1, Chunks::size(3))?;
    /// assert_eq!((&x * &x).compute()?, ndarray::arr1(&[0, 1, 4, 9]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn compute(&self) -> Result<ArrayD<T>> {
        self.check_dense("compute", "`compute_sparse()`")?;
        into_dense(self.as_dyn().compute_block()?)
    }

    /// Like [`compute`](Self::compute), with a static number of axes.
    ///
    /// # Errors
    /// Also if the array has another number of axes.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x: ndarray::Array2<f64> = Array::<f64>::eye(2, 2, 0, Chunks::auto())?.compute_into()?;
    /// assert_eq!(x[[1, 1]], 1.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn compute_into<D: Dimension>(&self) -> Result<ndarray::Array<T, D>> {
        if D::NDIM.is_some_and(|ndim| ndim != self.ndim()) {
            let wanted = D::NDIM.unwrap_or(0);
            return Err(Error::shape("compute_into", format!("the array has {} axes, not {wanted}", self.ndim())));
        }
        self.compute()?.into_dimensionality().map_err(|error| Error::bug("compute_into", error.to_string()))
    }

    /// Runs the expression and gives the result as one sparse array.
    ///
    /// # Errors
    /// The result is dense (use [`to_sparse`](Self::to_sparse)), its blocks have different fills, or a task fails.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::eye(4, 4, 0, Chunks::size(2))?.to_sparse();
    /// assert_eq!((&x * 2.0).compute_sparse()?.nnz(), 4);
    /// assert!(x.to_dense().compute_sparse().is_err());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn compute_sparse(&self) -> Result<crate::sparse::Coo<T>> {
        let block = self.as_dyn().compute_block()?;
        match block.typed::<T>()? {
            BlockData::Sparse(coo) => Ok(coo.clone()),
            BlockData::Dense(_) => Err(Error::layout("compute_sparse", "the result is dense")
                .with_remedy("convert it with `to_sparse()` first")),
        }
    }

    /// Runs the expression and gives its one element.
    ///
    /// # Errors
    /// The array has not exactly one element, or a task fails.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::ones([3, 3], Chunks::size(2))?;
    /// assert_eq!(x.sum().scalar()?, 9.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn scalar(&self) -> Result<T> {
        if let Some(n_elems) = self.grid().n_elems().filter(|&n_elems| n_elems != 1) {
            let detail = format!("an array of shape {} has {n_elems} elements", self.grid().shape_text());
            return Err(Error::shape("scalar", detail).with_remedy("reduce it, or index one element"));
        }
        let scalar = self.as_dyn().compute_block()?.scalar()?;
        Ok(T::from_scalar(scalar))
    }

    /// Runs the expression and keeps its blocks in memory: the array that comes back computes nothing again.
    ///
    /// # Errors
    /// A task fails; the message names the operation and the block.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::ones([4], Chunks::size(2))?.exp().persist()?;
    /// assert!(x.explain()?.contains("blocks"));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn persist(&self) -> Result<Self> {
        Self::try_wrap(self.as_dyn().persist())
    }

    /// Runs the expression, keeps its blocks in memory and learns their sizes: every operation works on the result.
    ///
    /// # Errors
    /// A task fails, or blocks side by side turn out to differ in length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 10, 1, Chunks::size(4))?;
    /// let even = x.mask(&(&x % 2).eq(0)?)?;
    /// assert!(even.len().unwrap_err().is_unknown_chunks());
    /// let even = even.compute_chunk_sizes()?;
    /// assert_eq!(even.grid().axis(0).sizes().collect::<Vec<_>>(), [2, 2, 1]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn compute_chunk_sizes(&self) -> Result<Self> {
        Self::try_wrap(self.as_dyn().compute_chunk_sizes())
    }

    /// What will run: the expression, the plan after all passes with its tasks, and the bytes a task may take.
    ///
    /// # Errors
    /// An operation can not be planned for these chunks.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::ones([4], Chunks::size(2))?;
    /// assert!((x.exp() + 1.0).sum().explain()?.contains("tasks"));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn explain(&self) -> Result<String> {
        self.as_dyn().explain()
    }

    /// The task graph that a run would follow, after all passes: layers of tasks, no data.
    ///
    /// # Errors
    /// If an operation can not be planned for these chunks.
    ///
    /// # Complexity
    /// In proportion to the number of operations and of chunks along each axis, not to the number of blocks.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::ones([500_000, 500_000], Chunks::size(1000))?;
    /// let plan = (&x * 2.0 + 1.0).sum().plan()?;
    /// assert!(plan.n_layers() < 10 && plan.n_tasks() > 250_000);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn plan(&self) -> Result<Plan> {
        self.as_dyn().plan()
    }

    fn check_dense(&self, op: &'static str, otherwise: &str) -> Result<()> {
        match self.layout().fill() {
            Some(fill) => Err(Error::layout(op, format!("the result is sparse with fill {fill}"))
                .with_remedy(format!("use {otherwise}, or `to_dense()` before"))),
            None => Ok(()),
        }
    }
}

fn into_dense<T: Element>(block: Block) -> Result<ArrayD<T>> {
    let shared = block.to_array::<T>()?;
    drop(block);
    Ok(shared.into_owned())
}

/// Arrays whose results come from one run: see [`compute!`](crate::compute).
/// Tuples of one to eight references to typed arrays.
///
/// # Examples
/// ```
/// use hyperslab::array::Computed;
/// use hyperslab::prelude::*;
/// let x = Array::<i64>::arange(0, 4, 1, Chunks::size(3))?;
/// let (sum, any) = (&x.sum(), &x.any()).compute_all()?;
/// assert_eq!((sum[[]], any[[]]), (6, true));
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub trait Computed {
    /// The dense results, one for each array.
    type Output;

    /// Runs all expressions at once, sharing what they have in common.
    fn compute_all(self) -> Result<Self::Output>;
}

macro_rules! computed_tuples {
    ($(($($t:ident $x:ident),*);)*) => {$(
        impl<$($t: Element),*> Computed for ($(&Array<$t>,)*) {
            type Output = ($(ArrayD<$t>,)*);

            fn compute_all(self) -> Result<Self::Output> {
                let ($($x,)*) = self;
                $($x.check_dense("compute", "`compute_sparse()`")?;)*
                let blocks = compute_blocks(&[$($x.as_dyn()),*], &Runtime::current(), &RunOptions::new())?;
                let mut blocks = blocks.into_iter();
                let mut next = || blocks.next().ok_or_else(|| Error::bug("compute", "a run gave too few results"));
                Ok(($(into_dense::<$t>({ let _ = $x; next()? })?,)*))
            }
        }
    )*};
}
computed_tuples! {
    (A a);
    (A a, B b);
    (A a, B b, C c);
    (A a, B b, C c, D d);
    (A a, B b, C c, D d, E e);
    (A a, B b, C c, D d, E e, F f);
    (A a, B b, C c, D d, E e, F f, G g);
    (A a, B b, C c, D d, E e, F f, G g, H h);
}

/// Computes several arrays in one run; what they share is computed once.
///
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<f64>::arange(0.0, 5.0, 1.0, Chunks::size(2))?;
/// let (low, high, mean) = compute!(x.min(), x.max(), x.mean())?;
/// assert_eq!((low[[]], high[[]], mean[[]]), (0.0, 4.0, 2.0));
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[macro_export]
macro_rules! compute {
    ($($array:expr),+ $(,)?) => { $crate::array::Computed::compute_all(($(&$array,)+)) };
}

impl Runtime {
    /// Runs an expression on this runtime and gives the result as one dense array; see [`Array::compute`].
    ///
    /// # Errors
    /// Those of [`Array::compute`].
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 4, 1, Chunks::size(3))?;
    /// assert_eq!(Runtime::local().serial().compute(&(&x * 2))?[3], 6);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn compute<T: Element>(&self, array: &Array<T>) -> Result<ArrayD<T>> {
        self.enter(|| array.compute())
    }

    /// Starts to run an expression on this runtime, and gives a future of the result.
    ///
    /// Await it, or [`wait`](RunFuture::wait) for it; dropping it cancels the run. What clients of dask call `compute`, since
    /// their `submit` takes a function, as [`spawn`](Self::spawn) does here.
    ///
    /// # Errors
    /// The result is sparse, or no thread could be started. What goes wrong later comes with the result.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::arange(0.0, 1e6, 1.0, Chunks::size(100_000))?;
    /// let runtime = Runtime::local();
    /// let (low, high) = (runtime.submit(&x.min())?, runtime.submit(&x.max())?);
    /// assert_eq!((low.wait()?.sum(), high.wait()?.sum()), (0.0, 999_999.0));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn submit<T: Element>(&self, array: &Array<T>) -> Result<RunFuture<ArrayD<T>>> {
        array.check_dense("submit", "`spawn(move || x.compute_sparse())`")?;
        let array = array.clone();
        self.spawn(move || array.compute())
    }
}
