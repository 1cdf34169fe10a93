//! Users' functions of blocks: closures of this process, and named kernels that can travel.
//!
//! A closure is called where it was made. A [`NamedKernel`] is plain data with a name: another process that knows the name
//! can run it, and equal kernels have equal names, so equal work is done once. Names are looked up in a
//! [`Registry`](crate::kernel::Registry) that the caller makes; nothing is registered globally.
//!
//! ```
//! use hyperslab::prelude::*;
//! use hyperslab::kernel::{NamedKernel, Registry};
//! use hyperslab::block::{Block, BlockLocation};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Scale { factor: f64 }
//!
//! impl NamedKernel for Scale {
//!     const NAME: &'static str = "example.scale";
//!     fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
//!         Ok(Block::from_dense(&blocks[0].dense::<f64>()? * self.factor))
//!     }
//! }
//!
//! let x = Array::from_vec(vec![1.0, 2.0], Chunks::auto())?;
//! let y = DynArray::map_named(&[x.as_dyn()], DType::F64, &MapBlocks::new(), &Scale { factor: 3.0 })?;
//! assert_eq!(y.try_typed::<f64>()?.sum().scalar()?, 9.0);
//!
//! let mut registry = Registry::new();
//! registry.register::<Scale>()?;
//! assert_eq!(registry.names().collect::<Vec<_>>(), ["example.scale"]);
//! # Ok::<(), hyperslab::Error>(())
//! ```

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_128;

use super::context::KernelContext;
use super::operands::blocks;
use crate::block::{Block, BlockLocation, Value};
use crate::element::DType;
use crate::error::{Error, Result, Shown};

/// A user's kernel as plain data with a name: what [`map_named`](crate::array::DynArray::map_named) calls, here or in
/// another process that has registered the name. Equal kernels of equal arrays are computed once.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// use hyperslab::kernel::{NamedKernel, Registry};
/// use hyperslab::block::{Block, BlockLocation};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Shift { by: i64 }
///
/// impl NamedKernel for Shift {
///     const NAME: &'static str = "example.shift";
///     fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
///         Ok(Block::from_dense(&blocks[0].dense::<i64>()? + self.by))
///     }
/// }
///
/// let x = Array::from_vec(vec![1i64, 2, 3], Chunks::size(2))?;
/// let y = DynArray::map_named(&[x.as_dyn()], DType::I64, &MapBlocks::new(), &Shift { by: 10 })?;
/// assert_eq!(y.try_typed::<i64>()?.compute()?, ndarray::arr1(&[11, 12, 13]).into_dyn());
///
/// let mut registry = Registry::new();
/// registry.register::<Shift>()?;
/// assert_eq!(registry.names().collect::<Vec<_>>(), ["example.shift"]);
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub trait NamedKernel: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name under which every process knows the kernel; unique among the kernels of a [`Registry`](crate::kernel::Registry).
    const NAME: &'static str;

    /// Goes up whenever the kernel comes to mean something else, so that two processes cannot mistake one for the other.
    const VERSION: u32 = 1;

    /// Makes one block from the blocks of the inputs.
    ///
    /// # Errors
    /// Whatever keeps the block from being made: it ends the run, with the operation and the block. So does a panic.
    fn run(&self, blocks: &[Block], at: &BlockLocation) -> Result<Block>;
}

pub(super) type Call<R = Block> = dyn Fn(&[Block], &BlockLocation) -> Result<R> + Send + Sync;

/// A function of blocks that makes one block, or several.
#[derive(Clone)]
pub(crate) enum BlockFunction<R = Block> {
    /// A closure of this process.
    Local(Arc<Call<R>>),
    /// A named kernel with its parameters as bytes, and how to call it here.
    Named { name: &'static str, version: u32, payload: Arc<[u8]>, call: Arc<Call<R>> },
}

impl BlockFunction {
    /// The function of a named kernel.
    ///
    /// # Errors
    /// The kernel does not serialise.
    pub(crate) fn named<K: NamedKernel>(kernel: &K) -> Result<Self> {
        let payload: Arc<[u8]> = encode(K::NAME, kernel)?.into();
        let call = make_call::<K>(&payload)?;
        Ok(BlockFunction::Named { name: K::NAME, version: K::VERSION, payload, call })
    }
}

impl<R> BlockFunction<R> {
    pub(crate) fn local(call: impl Fn(&[Block], &BlockLocation) -> Result<R> + Send + Sync + 'static) -> Self {
        BlockFunction::Local(Arc::new(call))
    }

    /// A number that equal named kernels share.
    pub(crate) fn key_bits(&self) -> u128 {
        match self {
            BlockFunction::Local(call) => Arc::as_ptr(call).cast::<()>() as usize as u128,
            BlockFunction::Named { name, version, payload, .. } => {
                xxh3_128(&[name.as_bytes(), &[0], &version.to_le_bytes(), payload].concat())
            }
        }
    }

    pub(super) fn call(&self, blocks: &[Block], at: &BlockLocation) -> Result<R> {
        match self {
            BlockFunction::Local(call) | BlockFunction::Named { call, .. } => call(blocks, at),
        }
    }
}

impl<R> fmt::Debug for BlockFunction<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BlockFunction::Local(_) => f.write_str("closure"),
            BlockFunction::Named { name, .. } => f.write_str(name),
        }
    }
}

/// The parameters of the kernel called `name` as bytes.
pub(super) fn encode(name: &'static str, kernel: &impl Serialize) -> Result<Vec<u8>> {
    let failed = |error: postcard::Error| Error::value(name, format!("the kernel does not serialise: {error}"));
    postcard::to_allocvec(kernel).map_err(failed)
}

/// How to call the kernel whose parameters are `payload`.
pub(super) fn make_call<K: NamedKernel>(payload: &[u8]) -> Result<Arc<Call>> {
    let kernel: K = decode("kernel", K::NAME, payload)?;
    Ok(Arc::new(move |blocks: &[Block], at: &BlockLocation| kernel.run(blocks, at)))
}

/// What is called `name`, from its bytes and nothing else.
pub(super) fn decode<P: DeserializeOwned>(op: &'static str, name: &str, bytes: &[u8]) -> Result<P> {
    let failed = |detail: String| Error::format(op, format!("the bytes are no {name}: {detail}"));
    match postcard::take_from_bytes(bytes) {
        Ok((params, [])) => Ok(params),
        Ok((_, rest)) => Err(failed(format!("{} bytes are left over", rest.len()))),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Calls a user's function and checks that the block is what was promised.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) function: BlockFunction,
    pub(crate) at: BlockLocation,
    pub(crate) dtype: DType,
}

impl Function {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Block> {
        let blocks = blocks(inputs)?;
        let block = self.function.call(&blocks, &self.at)?;
        ctx.recycle(blocks);
        if block.dtype() != self.dtype {
            return Err(Error::block("map_blocks", "dtype", self.dtype, block.dtype()));
        }
        match self.at.shape() {
            Some(shape) if shape != block.shape() => {
                let found = block.shape();
                Err(Error::block("map_blocks", "shape", Shown(&shape), Shown(&found))
                    .with_remedy("tell with `MapBlocks::chunks` what shapes the function returns"))
            }
            _ => Ok(block),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Add {
        what: i64,
    }

    impl NamedKernel for Add {
        const NAME: &'static str = "add";

        fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
            Ok(Block::from_dense(&blocks[0].dense::<i64>()? + self.what))
        }
    }

    #[test]
    fn equal_kernels_share_a_key() {
        let key = |what| BlockFunction::named(&Add { what }).unwrap().key_bits();
        assert_eq!(key(1), key(1));
        assert_ne!(key(1), key(2));
    }
}
