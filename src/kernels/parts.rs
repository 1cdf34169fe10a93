//! Functions with several results: the blocks of all of them travel together until each array takes its own.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::context::KernelContext;
use super::func::{BlockFunction, Call, decode, encode};
use super::operands::blocks;
use crate::block::{Block, BlockLocation, Value};
use crate::element::DType;
use crate::error::{Error, Result, Shown};

/// A user's function with several results as plain data with a name, for [`Gufunc::map_named`](crate::array::Gufunc::map_named).
///
/// It is to functions with several results what [`NamedKernel`](crate::kernel::NamedKernel) is to those with one: another
/// process that has registered the name can run it, and equal functions of equal arrays are computed once.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// use hyperslab::block::{Block, BlockLocation};
/// use hyperslab::kernel::{NamedGufunc, Registry};
/// use serde::{Deserialize, Serialize};
///
/// /// Quotients and remainders.
/// #[derive(Serialize, Deserialize)]
/// struct DivideBy { what: i64 }
///
/// impl NamedGufunc for DivideBy {
///     const NAME: &'static str = "example.divide_by";
///     fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Vec<Block>> {
///         let x = blocks[0].dense::<i64>()?;
///         Ok(vec![Block::from_dense(&x / self.what), Block::from_dense(&x % self.what)])
///     }
/// }
///
/// let x = Array::from_vec(vec![7i64, 9, 12], Chunks::size(2))?;
/// let made = Gufunc::new("()->(),()")?.map_named(&[x.as_dyn()], &[DType::I64, DType::I64], &DivideBy { what: 5 })?;
/// assert_eq!(made[0].try_typed::<i64>()?.compute()?, ndarray::arr1(&[1, 1, 2]).into_dyn());
/// assert_eq!(made[1].try_typed::<i64>()?.compute()?, ndarray::arr1(&[2, 4, 2]).into_dyn());
///
/// let mut registry = Registry::new();
/// registry.register_gufunc::<DivideBy>()?;
/// assert_eq!(registry.gufuncs().collect::<Vec<_>>(), ["example.divide_by"]);
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub trait NamedGufunc: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name under which every process knows the function; unique among those of a [`Registry`](crate::kernel::Registry).
    const NAME: &'static str;

    /// Goes up whenever the function comes to mean something else, so that two processes cannot mistake one for the other.
    const VERSION: u32 = 1;

    /// Makes a block of each result from the blocks of the inputs.
    fn run(&self, blocks: &[Block], at: &BlockLocation) -> Result<Vec<Block>>;
}

/// How to call the function whose parameters are `payload`.
pub(super) fn make_parts_call<K: NamedGufunc>(payload: &[u8]) -> Result<Arc<Call<Vec<Block>>>> {
    let function: K = decode("kernel", K::NAME, payload)?;
    Ok(Arc::new(move |blocks: &[Block], at: &BlockLocation| function.run(blocks, at)))
}

impl BlockFunction<Vec<Block>> {
    /// The function of a name.
    ///
    /// # Errors
    /// It does not serialise.
    pub(crate) fn named_parts<K: NamedGufunc>(function: &K) -> Result<Self> {
        let payload: Arc<[u8]> = encode(K::NAME, function)?.into();
        let call = make_parts_call::<K>(&payload)?;
        Ok(BlockFunction::Named { name: K::NAME, version: K::VERSION, payload, call })
    }
}

/// Calls a user's function that makes one block of each of several arrays. The result is parts.
#[derive(Clone, Debug)]
pub(crate) struct PartsFunction {
    pub(crate) function: BlockFunction<Vec<Block>>,
    pub(crate) at: BlockLocation,
}

impl PartsFunction {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Value> {
        let blocks = blocks(inputs)?;
        let made = self.function.call(&blocks, &self.at)?;
        ctx.recycle(blocks);
        Ok(Value::Parts(made.into_iter().map(Value::from).collect()))
    }
}

/// Takes the block of one array out of the parts, and checks that it is what was promised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TakePart {
    pub(crate) item: usize,
    pub(crate) dtype: DType,
    pub(crate) shape: Option<Vec<usize>>,
}

impl TakePart {
    pub(crate) fn run(&self, inputs: &[Value]) -> Result<Block> {
        let parts = inputs.first().ok_or_else(|| Error::bug("gufunc", "a task has no input"))?.parts()?;
        let part = parts.get(self.item).ok_or_else(|| {
            Error::value("gufunc", format!("the function made {} blocks where more were promised", parts.len()))
        })?;
        let block = part.block()?;
        if block.dtype() != self.dtype {
            return Err(Error::block("gufunc", "dtype", self.dtype, block.dtype()));
        }
        match &self.shape {
            Some(shape) if *shape != block.shape() => {
                Err(Error::block("gufunc", "shape", Shown(shape), Shown(&block.shape())))
            }
            _ => Ok(block.clone()),
        }
    }
}
