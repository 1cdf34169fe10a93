//! Functions of the last axes of arrays, run over all others: generalised universal functions.
//!
//! A signature names the *core* axes of every operand and result, the last ones: `"(i),(i)->()"` is a function of two
//! vectors of one length that gives a number. All axes before are *loop* axes: they broadcast, keep their chunks, and come
//! first in every result.
//!
//! ```text
//! "(i),(i)->()"     x (3, 4)      y (4)       ->   (3)
//!                    loop core       core           loop
//! ```

use std::fmt;

use ndarray::{ArrayD, ArrayView1, Axis};

use super::blockwise::{AxisName, Paired, pair};
use super::{Array, DynArray};
use crate::block::{ArrayMeta, Block, BlockData, BlockLocation, BlockView};
use crate::chunks::select::normalize_axis;
use crate::chunks::{AxisChunks, Grid};
use crate::element::{DType, Element};
use crate::error::{Error, Result};
use crate::graph::Name;
use crate::graph::ops::{MapPartsOp, PartOp};
use crate::kernels::{BlockFunction, NamedGufunc};

const OP: &str = "gufunc";

/// Names of loop axes, counted from the last one, stand above those of core axes.
const FIRST_LOOP: AxisName = 1 << 16;

/// A function of core axes, ready to be given arrays; see [`Gufunc::new`].
///
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::from_ndarray(ndarray::arr2(&[[1, 2], [3, 4], [5, 6]]), Chunks::from([2, 2]))?;
/// let y = Array::from_vec(vec![10, 1], Chunks::auto())?;
/// let dots: Array<i32> = Gufunc::new("(i),(i)->()")?.map2(&x, &y, |a, b| {
///     let last = ndarray::Axis(a.shape().len() - 1);
///     Ok(BlockData::from((&a.dense()? * &b.dense()?).sum_axis(last)))
/// })?;
/// assert_eq!(dots.compute()?, ndarray::arr1(&[12, 34, 56]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Gufunc {
    signature: String,
    /// The names of core axes: axis `i` of a term is called `names[term[i]]`.
    names: Vec<String>,
    inputs: Vec<Vec<AxisName>>,
    outputs: Vec<Vec<AxisName>>,
    sizes: Vec<(AxisName, u64)>,
    allow_rechunk: bool,
}

fn bad(signature: &str) -> Error {
    Error::value(OP, format!("the signature {signature:?} is not understood"))
        .with_remedy("write signatures like \"(i),(i,j)->(j)\"")
}

/// The terms `(i,j),(k)` of one side of a signature.
fn terms<'a>(signature: &str, side: &'a str) -> Result<Vec<Vec<&'a str>>> {
    let inner = side.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).ok_or_else(|| bad(signature))?;
    let is_name = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let term = |term: &'a str| match term {
        "" => Ok(Vec::new()),
        term => {
            let names: Vec<&str> = term.split(',').collect();
            if names.iter().all(is_name) { Ok(names) } else { Err(bad(signature)) }
        }
    };
    inner.split("),(").map(term).collect()
}

impl Gufunc {
    /// A function with this signature, as NumPy writes them. A number in place of a name is the length of its axis.
    ///
    /// # Errors
    /// The signature is not understood.
    pub fn new(signature: &str) -> Result<Self> {
        let text: String = signature.chars().filter(|c| !c.is_whitespace()).collect();
        let (inputs, outputs) = text.split_once("->").ok_or_else(|| bad(signature))?;
        let mut names: Vec<String> = Vec::new();
        let mut number = |name: &&str| {
            let place = names.iter().position(|own| own == name).unwrap_or_else(|| {
                names.push((*name).to_owned());
                names.len() - 1
            });
            place as AxisName
        };
        let mut numbered = |side| -> Result<Vec<Vec<AxisName>>> {
            Ok(terms(signature, side)?.iter().map(|term| term.iter().map(&mut number).collect()).collect())
        };
        let (inputs, outputs) = (numbered(inputs)?, numbered(outputs)?);
        let lens = names.iter().zip(0..).filter_map(|(name, number)| Some((number, name.parse().ok()?))).collect();
        Ok(Self { signature: text, names, inputs, outputs, sizes: lens, allow_rechunk: false })
    }

    /// The length of a core axis that only results have.
    ///
    /// # Errors
    /// The signature has no such axis.
    pub fn output_size(mut self, name: &str, len: u64) -> Result<Self> {
        let number = self
            .names
            .iter()
            .position(|own| own == name)
            .ok_or_else(|| Error::value(OP, format!("the signature {:?} has no axis {name:?}", self.signature)))?;
        self.sizes.push((number as AxisName, len));
        Ok(self)
    }

    /// Core axes may have several chunks: they are brought together in one.
    pub fn allow_rechunk(mut self) -> Self {
        self.allow_rechunk = true;
        self
    }

    /// The names of all axes of an operand: of its loop axes, then of its core axes.
    fn axis_names(&self, array: &DynArray, core: &[AxisName]) -> Result<Vec<AxisName>> {
        let n_loop = array.ndim().checked_sub(core.len()).ok_or_else(|| {
            let detail =
                format!("an array of shape {} has too few axes for {:?}", array.grid().shape_text(), self.signature);
            Error::shape(OP, detail)
        })?;
        for (axis, &name) in (n_loop..).zip(core) {
            let chunks = array.grid().axis(axis);
            if chunks.n_blocks() > 1 && !self.allow_rechunk {
                let name = &self.names[name as usize];
                let detail = format!("the core axis {name:?} (axis {axis}) has {} chunks", chunks.n_blocks());
                return Err(Error::chunks(OP, detail).with_remedy("rechunk it to one, or use `allow_rechunk()`"));
            }
            let promised = self.sizes.iter().find(|size| size.0 == name).map(|size| size.1);
            if let (Some(len), Some(promised)) = (chunks.len(), promised)
                && len != promised
            {
                return Err(self.lengths_differ(name, len, promised));
            }
        }
        Ok((0..n_loop as AxisName).rev().map(|i| FIRST_LOOP + i).chain(core.iter().copied()).collect())
    }

    fn lengths_differ(&self, name: AxisName, a: u64, b: u64) -> Error {
        let (name, signature) = (&self.names[name as usize], &self.signature);
        Error::shape(OP, format!("the core axis {name:?} of {signature:?} has lengths {a} and {b}"))
    }

    /// A core axis has one length in all operands: it does not broadcast.
    fn check_core(&self, named: &[(&DynArray, Vec<AxisName>)]) -> Result<()> {
        for name in 0..self.names.len() as AxisName {
            let lens = named.iter().flat_map(|(array, names)| {
                names
                    .iter()
                    .zip(array.grid().axes())
                    .filter(|(own, _)| **own == name)
                    .filter_map(|(_, axis)| axis.len())
            });
            let lens: Vec<u64> = lens.collect();
            if let Some(&other) = lens.iter().find(|&&len| len != lens[0]) {
                return Err(self.lengths_differ(name, lens[0], other));
            }
        }
        Ok(())
    }

    /// The chunks of a core axis of a result.
    fn core_chunks(&self, name: AxisName, inputs: &[DynArray], names: &[Vec<AxisName>]) -> Result<AxisChunks> {
        let of_input = |(input, names): (&DynArray, &Vec<AxisName>)| {
            names.iter().position(|&own| own == name).map(|axis| input.grid().axis(axis).clone())
        };
        let promised = || self.sizes.iter().find(|size| size.0 == name).map(|size| AxisChunks::whole(size.1));
        inputs.iter().zip(names).find_map(of_input).or_else(promised).ok_or_else(|| {
            let name = &self.names[name as usize];
            Error::value(OP, format!("the length of the core axis {name:?} is not known from the operands"))
                .with_remedy("tell it with `output_size`")
        })
    }

    /// Calls a function with the blocks of any arrays; it gives one block of each result.
    ///
    /// # Errors
    /// As [`map1`](Self::map1).
    pub fn map_dyn(
        &self,
        arrays: &[&DynArray],
        dtypes: &[DType],
        function: impl Fn(&[Block], &BlockLocation) -> Result<Vec<Block>> + Send + Sync + 'static,
    ) -> Result<Vec<DynArray>> {
        self.map_function(arrays, dtypes, BlockFunction::local(function), Name::fresh())
    }

    /// Calls a named function with the blocks of any arrays. Unlike a closure it has a name of its own: equal functions of
    /// equal arrays are computed once, and it can run in another process that has registered it.
    ///
    /// # Errors
    /// As [`map1`](Self::map1), or the function does not serialise.
    ///
    /// # Examples
    /// See [`NamedGufunc`](crate::kernel::NamedGufunc).
    pub fn map_named<K: NamedGufunc>(
        &self,
        arrays: &[&DynArray],
        dtypes: &[DType],
        function: &K,
    ) -> Result<Vec<DynArray>> {
        let function = BlockFunction::named_parts(function)?;
        let key = Name::of(&function.key_bits());
        self.map_function(arrays, dtypes, function, key)
    }

    fn map_function(
        &self,
        arrays: &[&DynArray],
        dtypes: &[DType],
        function: BlockFunction<Vec<Block>>,
        key: Name,
    ) -> Result<Vec<DynArray>> {
        if arrays.len() != self.inputs.len() || dtypes.len() != self.outputs.len() {
            let (given, made) = (arrays.len(), dtypes.len());
            let detail = format!("{given} arrays are given and {made} made by a function {:?}", self.signature);
            return Err(Error::value(OP, detail));
        }
        let named = arrays.iter().zip(&self.inputs).map(|(array, core)| Ok((*array, self.axis_names(array, core)?)));
        let named = named.collect::<Result<Vec<_>>>()?;
        self.check_core(&named)?;
        let n_loop = named.iter().map(|(_, names)| names.iter().filter(|&&name| name >= FIRST_LOOP).count()).max();
        let loops: Vec<AxisName> = (0..n_loop.unwrap_or(0) as AxisName).rev().map(|i| FIRST_LOOP + i).collect();
        let Paired { inputs, operands, grid } = pair(OP, &loops, &named, &[])?;
        let names: Vec<Vec<AxisName>> = named.into_iter().map(|(_, names)| names).collect();
        let metas = self.outputs.iter().zip(dtypes).map(|(core, &dtype)| {
            let core = core.iter().map(|&name| self.core_chunks(name, &inputs, &names)).collect::<Result<Vec<_>>>()?;
            Ok(ArrayMeta::dense(dtype, Grid::new([grid.axes(), &core].concat())))
        });
        let metas = metas.collect::<Result<Vec<ArrayMeta>>>()?;
        let bytes = |meta: &ArrayMeta| {
            let core: u64 = meta.grid.axes()[loops.len()..].iter().filter_map(AxisChunks::len).product();
            core.saturating_mul(meta.dtype.size_bytes() as u64)
        };
        let bytes_per_place = metas.iter().map(bytes).sum();
        let call = MapPartsOp { label: OP, function, key, operands, bytes_per_place };
        let inputs: Vec<&DynArray> = inputs.iter().collect();
        let first = dtypes.first().copied().unwrap_or(DType::Bool);
        let parts = DynArray::build(call, &inputs, ArrayMeta::dense(first, grid));
        Ok(metas
            .into_iter()
            .enumerate()
            .map(|(item, meta)| DynArray::build(PartOp { item }, &[&parts], meta))
            .collect())
    }

    /// Calls a function with the blocks of one array.
    ///
    /// The function gives one [`BlockData`] for a signature with one result, or a tuple for several; every block has the
    /// loop axes of the call and then the core axes of its term. What it gives decides what this method gives: an array,
    /// or a tuple of arrays. The function runs once for all results that are computed together.
    ///
    /// # Errors
    /// The numbers of operands and results do not fit the signature; an array has too few axes; core axes of one name differ
    /// in length or have several chunks; loop axes do not broadcast.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[1.0, 5.0], [3.0, 7.0]]), Chunks::from([1, 2]))?;
    /// let (mean, largest): (Array<f64>, Array<f64>) = Gufunc::new("(i)->(),()")?.map1(&x, |a| {
    ///     let (a, last) = (a.dense()?, ndarray::Axis(a.shape().len() - 1));
    ///     let mean = a.map_axis(last, |lane| lane.sum() / lane.len() as f64);
    ///     let largest = a.map_axis(last, |lane| lane.fold(f64::MIN, |m, &x| m.max(x)));
    ///     Ok((BlockData::from(mean), BlockData::from(largest)))
    /// })?;
    /// assert_eq!(mean.compute()?, ndarray::arr1(&[3.0, 5.0]).into_dyn());
    /// assert_eq!(largest.compute()?, ndarray::arr1(&[5.0, 7.0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn map1<A: Element, R: BlockResults>(
        &self,
        a: &Array<A>,
        function: impl Fn(BlockView<'_, A>) -> Result<R> + Send + Sync + 'static,
    ) -> Result<R::Arrays> {
        let call = move |blocks: &[Block], at: &BlockLocation| {
            function(BlockView::new(blocks[0].typed()?, at)).map(R::into_blocks)
        };
        self.map_dyn(&[a.as_dyn()], &R::dtypes(), call).map(R::arrays)
    }

    /// Calls a function with the blocks of two arrays; see [`map1`](Self::map1).
    ///
    /// # Errors
    /// As [`map1`](Self::map1).
    pub fn map2<A: Element, B: Element, R: BlockResults>(
        &self,
        a: &Array<A>,
        b: &Array<B>,
        function: impl Fn(BlockView<'_, A>, BlockView<'_, B>) -> Result<R> + Send + Sync + 'static,
    ) -> Result<R::Arrays> {
        let call = move |blocks: &[Block], at: &BlockLocation| {
            let (a, b) = (BlockView::new(blocks[0].typed()?, at), BlockView::new(blocks[1].typed()?, at));
            function(a, b).map(R::into_blocks)
        };
        self.map_dyn(&[a.as_dyn(), b.as_dyn()], &R::dtypes(), call).map(R::arrays)
    }

    /// Calls a function with the blocks of three arrays; see [`map1`](Self::map1).
    ///
    /// # Errors
    /// As [`map1`](Self::map1).
    pub fn map3<A: Element, B: Element, C: Element, R: BlockResults>(
        &self,
        a: &Array<A>,
        b: &Array<B>,
        c: &Array<C>,
        function: impl Fn(BlockView<'_, A>, BlockView<'_, B>, BlockView<'_, C>) -> Result<R> + Send + Sync + 'static,
    ) -> Result<R::Arrays> {
        let call = move |blocks: &[Block], at: &BlockLocation| {
            let (a, b) = (BlockView::new(blocks[0].typed()?, at), BlockView::new(blocks[1].typed()?, at));
            function(a, b, BlockView::new(blocks[2].typed()?, at)).map(R::into_blocks)
        };
        self.map_dyn(&[a.as_dyn(), b.as_dyn(), c.as_dyn()], &R::dtypes(), call).map(R::arrays)
    }
}

/// What a function of a [`Gufunc`] gives: one block, or a tuple of blocks, and the arrays that they are blocks of.
pub trait BlockResults {
    /// An [`Array`] for each block.
    type Arrays: fmt::Debug;

    /// The element types of the blocks.
    fn dtypes() -> Vec<DType>;

    /// The blocks without their types.
    fn into_blocks(self) -> Vec<Block>;

    /// Attaches the types to arrays of these element types, as many as there are blocks.
    fn arrays(arrays: Vec<DynArray>) -> Self::Arrays;
}

impl<T: Element> BlockResults for BlockData<T> {
    type Arrays = Array<T>;

    fn dtypes() -> Vec<DType> {
        vec![T::DTYPE]
    }

    fn into_blocks(self) -> Vec<Block> {
        vec![Block::new::<T>(self)]
    }

    fn arrays(mut arrays: Vec<DynArray>) -> Array<T> {
        Array::wrap(arrays.swap_remove(0))
    }
}

macro_rules! block_results {
    ($(($($T:ident $x:ident $i:literal),+);)*) => {$(
        impl<$($T: Element),+> BlockResults for ($(BlockData<$T>,)+) {
            type Arrays = ($(Array<$T>,)+);

            fn dtypes() -> Vec<DType> {
                vec![$($T::DTYPE),+]
            }

            fn into_blocks(self) -> Vec<Block> {
                let ($($x,)+) = self;
                vec![$(Block::new::<$T>($x)),+]
            }

            fn arrays(arrays: Vec<DynArray>) -> Self::Arrays {
                ($(Array::<$T>::wrap(arrays[$i].clone()),)+)
            }
        }
    )*};
}
block_results! {
    (A a 0, B b 1);
    (A a 0, B b 1, C c 2);
    (A a 0, B b 1, C c 2, D d 3);
}

impl<T: Element> Array<T> {
    /// Calls a function with every lane along an axis; what it returns stands in the lane's place, `n_out` elements long.
    ///
    /// # Chunks
    /// The axis is brought together in one chunk; the others keep theirs.
    ///
    /// # Errors
    /// The axis is out of range. When run: a lane's result has another length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[1, 2, 3], [4, 5, 6]]), Chunks::size(2))?;
    /// let ends: Array<i32> = x.apply_along_axis(1, 2, |lane| vec![lane[2], lane[0]])?;
    /// assert_eq!(ends.compute()?, ndarray::arr2(&[[3, 1], [6, 4]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn apply_along_axis<U: Element>(
        &self,
        axis: isize,
        n_out: u64,
        function: impl Fn(ArrayView1<'_, T>) -> Vec<U> + Send + Sync + 'static,
    ) -> Result<Array<U>> {
        let at = normalize_axis("apply_along_axis", axis, self.ndim())? as isize;
        let lanes = self.as_dyn().to_dense().move_axis(at, -1)?;
        let call = move |lanes: BlockView<'_, T>| mapped_lanes(&lanes, n_out as usize, &function);
        let gufunc = Gufunc::new("(i)->(k)")?.output_size("k", n_out)?.allow_rechunk();
        gufunc.map1::<T, BlockData<U>>(&Array::wrap(lanes), call)?.move_axis(-1, at)
    }

    /// Calls a function with every lane along an axis; the number that it returns stands for the lane.
    ///
    /// # Errors
    /// The axis is out of range.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::from_ndarray(ndarray::arr2(&[[1, 2, 3], [4, 5, 6]]), Chunks::size(2))?;
    /// let sums: Array<i32> = x.reduce_along_axis(0, |lane| lane.sum())?;
    /// assert_eq!(sums.compute()?, ndarray::arr1(&[5, 7, 9]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn reduce_along_axis<U: Element>(
        &self,
        axis: isize,
        function: impl Fn(ArrayView1<'_, T>) -> U + Send + Sync + 'static,
    ) -> Result<Array<U>> {
        let at = normalize_axis("reduce_along_axis", axis, self.ndim())? as isize;
        let lanes: Array<T> = Array::wrap(self.as_dyn().to_dense().move_axis(at, -1)?);
        let call = move |lanes: BlockView<'_, T>| {
            let lanes = lanes.dense()?;
            Ok(BlockData::from(lanes.map_axis(Axis(lanes.ndim() - 1), &function)))
        };
        Gufunc::new("(i)->()")?.allow_rechunk().map1::<T, BlockData<U>>(&lanes, call)
    }
}

/// The results of a function for every lane along the last axis.
fn mapped_lanes<T: Element, U: Element>(
    lanes: &BlockView<'_, T>,
    n_out: usize,
    function: &impl Fn(ArrayView1<'_, T>) -> Vec<U>,
) -> Result<BlockData<U>> {
    let lanes = lanes.dense()?;
    let last = Axis(lanes.ndim() - 1);
    let mut shape = lanes.shape().to_vec();
    shape[last.0] = n_out;
    let mut out = ArrayD::<U>::default(shape);
    for (from, mut to) in lanes.lanes(last).into_iter().zip(out.lanes_mut(last)) {
        let made = function(from);
        if made.len() != n_out {
            return Err(Error::block("apply_along_axis", "lane length", n_out, made.len()));
        }
        to.iter_mut().zip(made).for_each(|(to, from)| *to = from);
    }
    Ok(out.into())
}
