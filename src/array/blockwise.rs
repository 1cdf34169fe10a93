//! Functions of blocks that are paired by the letters of axes, as dask's `blockwise`.
//!
//! ```text
//! out "ik", x "ij", y "jk"        block (0, 1) of the result is made from
//!
//!          x                      row 0 of the blocks of x, joined along j
//!      i ■ ■ ■                    column 1 of the blocks of y, joined along j
//!        □ □ □
//! ```
//!
//! A letter of the result runs over its blocks; a letter that the result has not is brought together in one block; an
//! input without a letter gives the same block to every call along it.

use std::fmt;
use std::sync::Arc;

use super::{Array, DynArray};
use crate::block::{ArrayMeta, Block, BlockData, BlockLocation, BlockView};
use crate::chunks::unify::broadcast_grids;
use crate::chunks::{AxisChunks, Grid};
use crate::element::{DType, Element};
use crate::error::{Error, Result};
use crate::graph::Name;
use crate::graph::ops::MapBlocksOp;
use crate::kernels::BlockFunction;

/// The name of an axis among the operands of one call.
pub(crate) type AxisName = u32;

/// How the chunks of an axis of the result follow from those of the inputs.
#[derive(Clone)]
pub(crate) enum Change {
    /// The axis is in no input and has these chunks.
    New(Vec<u64>),
    /// Each chunk changes its length.
    Each(Arc<dyn Fn(u64) -> u64 + Send + Sync>),
}

/// Arrays cut so that their blocks pair up, and where each call finds them.
pub(crate) struct Paired {
    pub(crate) inputs: Vec<DynArray>,
    /// For each input and each axis of the result, the axis of the input that it follows.
    pub(crate) operands: Vec<Vec<Option<usize>>>,
    pub(crate) grid: Grid,
}

/// Cuts arrays with named axes so that their blocks pair up for a result with named axes.
pub(crate) fn pair(
    op: &'static str,
    result: &[AxisName],
    arrays: &[(&DynArray, Vec<AxisName>)],
    changes: &[(AxisName, Change)],
) -> Result<Paired> {
    let mut axes: Vec<(AxisName, AxisChunks)> = Vec::new();
    for &name in arrays.iter().flat_map(|(_, names)| names) {
        if axes.iter().all(|axis| axis.0 != name) {
            axes.push((name, common_chunks(op, name, arrays)?));
        }
    }
    let common = |name: AxisName| axes.iter().find(|axis| axis.0 == name).map(|axis| &axis.1);
    let change = |name: AxisName| changes.iter().find(|change| change.0 == name).map(|change| &change.1);
    let out_chunks = |&name: &AxisName| match (common(name), change(name)) {
        (Some(chunks), None) => Ok(chunks.clone()),
        (Some(chunks), Some(Change::Each(each))) => changed(chunks, &**each),
        (None, Some(Change::New(sizes))) => AxisChunks::from_sizes(sizes),
        (Some(_), Some(Change::New(_))) => Err(Error::value(op, "an axis of an input is declared as new")),
        (None, _) => Err(Error::value(op, "an axis of the result is in no input").with_remedy("declare it as new")),
    };
    let grid: Grid = result.iter().map(out_chunks).collect::<Result<_>>()?;
    let mut inputs = Vec::with_capacity(arrays.len());
    let mut operands = Vec::with_capacity(arrays.len());
    for (array, names) in arrays {
        let mut cut = (*array).clone();
        for (axis, name) in names.iter().enumerate() {
            let chunks = common(*name).filter(|chunks| chunks.extent() == cut.grid().axis(axis).extent());
            cut = match chunks {
                Some(_) if !result.contains(name) => cut.joined_along(axis)?,
                Some(chunks) => cut.to_grid(&cut.grid().with_axis(axis, chunks.clone()))?,
                // A length of 1 that stretches to another one.
                None => cut,
            };
        }
        operands.push(result.iter().map(|name| names.iter().position(|own| own == name)).collect());
        inputs.push(cut);
    }
    Ok(Paired { inputs, operands, grid })
}

/// The common refinement of all cuts of one named axis.
fn common_chunks(op: &'static str, name: AxisName, arrays: &[(&DynArray, Vec<AxisName>)]) -> Result<AxisChunks> {
    let lines: Vec<Grid> = arrays
        .iter()
        .flat_map(|(array, names)| names.iter().zip(array.grid().axes()))
        .filter(|(own, _)| **own == name)
        .map(|(_, chunks)| Grid::new(vec![chunks.clone()]))
        .collect();
    Ok(broadcast_grids(op, &lines.iter().collect::<Vec<_>>())?.axis(0).clone())
}

fn changed(chunks: &AxisChunks, each: &dyn Fn(u64) -> u64) -> Result<AxisChunks> {
    if chunks.is_known() {
        return AxisChunks::from_sizes(&chunks.sizes().map(each).collect::<Vec<u64>>());
    }
    Ok(AxisChunks::unknown(Name::fresh().size_var(), chunks.n_blocks()))
}

/// Calls functions with blocks that letters pair up; see the [module docs](crate::array) for the table of files.
///
/// Made with the letters of the result's axes; [`map1`](Self::map1) to [`map3`](Self::map3) take as many arrays with the
/// letters of theirs, and a function of their blocks.
///
/// ```
/// use hyperslab::prelude::*;
/// let a = Array::from_vec(vec![1, 2, 3], Chunks::size(2))?;
/// let b = Array::from_vec(vec![10, 20], Chunks::size(1))?;
/// let table: Array<i64> = Blockwise::new("ij").map2((&a, "i"), (&b, "j"), |a, b| {
///     let (a, b) = (a.dense()?, b.dense()?);
///     Ok(ndarray::Array2::from_shape_fn((a.len(), b.len()), |(i, j)| a[[i]] * b[[j]]).into_dyn().into())
/// })?;
/// assert_eq!(table.compute()?, ndarray::arr2(&[[10, 20], [20, 40], [30, 60]]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone)]
pub struct Blockwise {
    result: String,
    changes: Vec<(AxisName, Change)>,
}

impl fmt::Debug for Blockwise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blockwise({:?}, {} changed axes)", self.result, self.changes.len())
    }
}

/// The letters of a term, no two equal.
fn letters(term: &str) -> Result<Vec<AxisName>> {
    let names: Vec<AxisName> = term.chars().map(AxisName::from).collect();
    match (1..names.len()).find(|&i| names[..i].contains(&names[i])) {
        None => Ok(names),
        Some(_) => Err(Error::value("blockwise", format!("an axis of the term {term:?} is named twice"))),
    }
}

impl Blockwise {
    /// A result whose axes have these letters.
    pub fn new(result: impl Into<String>) -> Self {
        Self { result: result.into(), changes: Vec::new() }
    }

    /// The function changes the length of blocks along an axis: from the length of the inputs' chunk to another one.
    pub fn adjust_chunks(mut self, axis: char, length: impl Fn(u64) -> u64 + Send + Sync + 'static) -> Self {
        self.changes.push((axis.into(), Change::Each(Arc::new(length))));
        self
    }

    /// The result has an axis that no input has, of one chunk.
    pub fn new_axis(self, axis: char, len: u64) -> Self {
        self.new_axis_in_chunks(axis, [len])
    }

    /// The result has an axis that no input has, of several chunks: the function is called for each of them.
    pub fn new_axis_in_chunks(mut self, axis: char, sizes: impl Into<Vec<u64>>) -> Self {
        self.changes.push((axis.into(), Change::New(sizes.into())));
        self
    }

    /// Calls a function with blocks of any arrays; `arrays` come with the letters of their axes.
    ///
    /// # Errors
    /// Letters do not fit the arrays, lengths of one letter differ, or a letter of the result is in no input and not new.
    /// When run: the function fails or returns a block of another shape or type.
    pub fn map_dyn(
        &self,
        arrays: &[(&DynArray, &str)],
        dtype: DType,
        function: impl Fn(&[Block], &BlockLocation) -> Result<Block> + Send + Sync + 'static,
    ) -> Result<DynArray> {
        const OP: &str = "blockwise";
        let named = |(array, term): &(&'_ DynArray, &str)| {
            let names = letters(term)?;
            if names.len() == array.ndim() {
                return Ok(names);
            }
            let detail = format!("the term {term:?} stands for an array of shape {}", array.grid().shape_text());
            Err(Error::shape(OP, detail).with_remedy("give one letter for each axis"))
        };
        let named = arrays.iter().map(|array| Ok((array.0, named(array)?))).collect::<Result<Vec<_>>>()?;
        let Paired { inputs, operands, grid } = pair(OP, &letters(&self.result)?, &named, &self.changes)?;
        let function = BlockFunction::local(function);
        let op = MapBlocksOp { label: OP, function, key: Name::fresh(), operands };
        Ok(DynArray::build(op, &inputs.iter().collect::<Vec<_>>(), ArrayMeta::dense(dtype, grid)))
    }

    /// Calls a function with the blocks of one array.
    ///
    /// # Errors
    /// As [`map_dyn`](Self::map_dyn).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 10, 1, Chunks::size(4))?;
    /// let firsts: Array<i64> = Blockwise::new("i")
    ///     .adjust_chunks('i', |_| 1)
    ///     .map1((&x, "i"), |b| Ok(b.dense()?.slice(s![..1]).to_owned().into_dyn().into()))?;
    /// assert_eq!(firsts.compute()?, ndarray::arr1(&[0, 4, 8]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn map1<A: Element, U: Element>(
        &self,
        a: (&Array<A>, &str),
        function: impl Fn(BlockView<'_, A>) -> Result<BlockData<U>> + Send + Sync + 'static,
    ) -> Result<Array<U>> {
        let call = move |blocks: &[Block], at: &BlockLocation| {
            function(BlockView::new(blocks[0].typed()?, at)).map(Block::new::<U>)
        };
        Array::try_wrap(self.map_dyn(&[(a.0.as_dyn(), a.1)], U::DTYPE, call))
    }

    /// Calls a function with the blocks of two arrays.
    ///
    /// # Errors
    /// As [`map_dyn`](Self::map_dyn).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::ones([3, 4], Chunks::size(2))?;
    /// let product: Array<f64> = Blockwise::new("ik").map2((&x, "ij"), (&x.transpose(), "jk"), |a, b| {
    ///     let a = a.dense()?.into_dimensionality::<ndarray::Ix2>().unwrap();
    ///     let b = b.dense()?.into_dimensionality::<ndarray::Ix2>().unwrap();
    ///     Ok(a.dot(&b).into_dyn().into())
    /// })?;
    /// assert_eq!(product.compute()?, ndarray::arr2(&[[4.0; 3]; 3]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn map2<A: Element, B: Element, U: Element>(
        &self,
        a: (&Array<A>, &str),
        b: (&Array<B>, &str),
        function: impl Fn(BlockView<'_, A>, BlockView<'_, B>) -> Result<BlockData<U>> + Send + Sync + 'static,
    ) -> Result<Array<U>> {
        let call = move |blocks: &[Block], at: &BlockLocation| {
            let (a, b) = (BlockView::new(blocks[0].typed()?, at), BlockView::new(blocks[1].typed()?, at));
            function(a, b).map(Block::new::<U>)
        };
        Array::try_wrap(self.map_dyn(&[(a.0.as_dyn(), a.1), (b.0.as_dyn(), b.1)], U::DTYPE, call))
    }

    /// Calls a function with the blocks of three arrays.
    ///
    /// # Errors
    /// As [`map_dyn`](Self::map_dyn).
    pub fn map3<A: Element, B: Element, C: Element, U: Element>(
        &self,
        a: (&Array<A>, &str),
        b: (&Array<B>, &str),
        c: (&Array<C>, &str),
        function: impl Fn(BlockView<'_, A>, BlockView<'_, B>, BlockView<'_, C>) -> Result<BlockData<U>>
        + Send
        + Sync
        + 'static,
    ) -> Result<Array<U>> {
        let call = move |blocks: &[Block], at: &BlockLocation| {
            let (a, b) = (BlockView::new(blocks[0].typed()?, at), BlockView::new(blocks[1].typed()?, at));
            function(a, b, BlockView::new(blocks[2].typed()?, at)).map(Block::new::<U>)
        };
        let arrays = [(a.0.as_dyn(), a.1), (b.0.as_dyn(), b.1), (c.0.as_dyn(), c.1)];
        Array::try_wrap(self.map_dyn(&arrays, U::DTYPE, call))
    }
}
