//! Functions with several results: the blocks of all of them travel together until each array takes its own.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::context::KernelContext;
use super::operands::blocks;
use crate::block::{Block, BlockLocation, Value};
use crate::element::DType;
use crate::error::{Error, Result, Shown};

type Call = dyn Fn(&[Block], &BlockLocation) -> Result<Vec<Block>> + Send + Sync;

/// Calls a user's function that makes one block of each of several arrays. The result is parts.
#[derive(Clone)]
pub(crate) struct PartsFunction {
    pub(crate) call: Arc<Call>,
    pub(crate) at: BlockLocation,
}

impl fmt::Debug for PartsFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartsFunction at {}", self.at)
    }
}

impl PartsFunction {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Value> {
        let blocks = blocks(inputs)?;
        let made = (self.call)(&blocks, &self.at)?;
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
