//! What one task hands to the next.

use serde::{Deserialize, Serialize};

use super::Block;
use crate::error::{Error, Result};

/// The result of a task: a block, or the parts of a result that is not finished (count, mean and spread of a variance,
/// or the partial results of several reductions made in one pass). Cloning copies pointers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Value {
    /// One block of an array.
    Block(Block),
    /// Parts that the next task of the same operation understands.
    Parts(Vec<Value>),
    /// A block that has been written to where it is wanted, and that no other task reads.
    Placed,
}

impl Value {
    /// The block; an error for parts.
    pub fn block(&self) -> Result<&Block> {
        match self {
            Value::Block(block) => Ok(block),
            Value::Parts(parts) => Err(not_a_block(parts.len())),
            Value::Placed => Err(placed()),
        }
    }

    /// The block, by value; an error for parts.
    pub fn into_block(self) -> Result<Block> {
        match self {
            Value::Block(block) => Ok(block),
            Value::Parts(parts) => Err(not_a_block(parts.len())),
            Value::Placed => Err(placed()),
        }
    }

    /// The parts; an error for a block.
    pub fn parts(&self) -> Result<&[Value]> {
        match self {
            Value::Parts(parts) => Ok(parts),
            Value::Block(block) => {
                Err(Error::bug("value", format!("a block of {} where parts were due", block.dtype())))
            }
            Value::Placed => Err(placed()),
        }
    }

    /// The bytes of all elements.
    pub fn n_bytes(&self) -> u64 {
        match self {
            Value::Block(block) => block.n_bytes(),
            Value::Parts(parts) => parts.iter().map(Value::n_bytes).sum(),
            Value::Placed => 0,
        }
    }
}

fn not_a_block(n_parts: usize) -> Error {
    Error::bug("value", format!("{n_parts} parts where one block was due"))
}

fn placed() -> Error {
    Error::bug("value", "a block is read that was written to its destination only")
}

impl From<Block> for Value {
    fn from(block: Block) -> Self {
        Value::Block(block)
    }
}
