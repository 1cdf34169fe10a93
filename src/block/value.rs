//! What one task hands to the next.

use serde::{Deserialize, Serialize};

use super::Block;
use crate::error::{Error, Result};

/// The result of a task: a block, or the parts of a result that is not finished (count, mean and spread of a variance,
/// or the partial results of several reductions made in one pass). Cloning copies pointers.
///
/// # Examples
/// ```
/// use hyperslab::block::Value;
/// use hyperslab::prelude::*;
/// let block = Block::from_dense(ndarray::arr1(&[1.0, 2.0]).into_dyn());
/// let mean = Value::Parts(vec![Value::from(block.clone()), Value::from(block)]);
/// assert_eq!((mean.n_bytes(), mean.parts()?.len()), (32, 2));
/// assert!(mean.block().is_err());
/// # Ok::<(), hyperslab::Error>(())
/// ```
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
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::Value;
    /// use hyperslab::prelude::*;
    /// let value = Value::from(Block::from_dense(ndarray::arr1(&[1.0]).into_dyn()));
    /// assert_eq!(value.block()?.n_elems(), 1);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn block(&self) -> Result<&Block> {
        match self {
            Value::Block(block) => Ok(block),
            Value::Parts(parts) => Err(not_a_block(parts.len())),
            Value::Placed => Err(placed()),
        }
    }

    /// The block, by value; an error for parts.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::Value;
    /// use hyperslab::prelude::*;
    /// let value = Value::from(Block::from_dense(ndarray::arr1(&[1.0]).into_dyn()));
    /// assert_eq!(value.into_block()?.n_elems(), 1);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn into_block(self) -> Result<Block> {
        match self {
            Value::Block(block) => Ok(block),
            Value::Parts(parts) => Err(not_a_block(parts.len())),
            Value::Placed => Err(placed()),
        }
    }

    /// The parts; an error for a block.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::Value;
    /// use hyperslab::prelude::*;
    /// let value = Value::from(Block::from_dense(ndarray::arr1(&[1.0]).into_dyn()));
    /// assert!(value.parts().is_err());
    /// assert_eq!(Value::Parts(vec![value]).parts()?.len(), 1);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
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
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::Value;
    /// use hyperslab::prelude::*;
    /// let value = Value::from(Block::from_dense(ndarray::arr1(&[1.0]).into_dyn()));
    /// assert_eq!(value.n_bytes(), 8);
    /// ```
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
