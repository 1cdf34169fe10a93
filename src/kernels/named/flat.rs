//! Positions of several axes as one number, and back.

use ndarray::ArrayD;
use serde::{Deserialize, Serialize};

use crate::block::{Block, BlockLocation};
use crate::error::{Error, Result, Shown};
use crate::kernels::NamedKernel;

/// Blocks of `int64`: the position along each axis of an array of this shape. Gives the number in row-major order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Flatten {
    pub(crate) shape: Vec<u64>,
}

/// A block of `int64`: numbers in row-major order. Gives the position along one axis of an array of this shape.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Unflatten {
    pub(crate) shape: Vec<u64>,
    pub(crate) axis: usize,
}

impl NamedKernel for Flatten {
    const NAME: &'static str = "hyperslab.ravel_multi_index";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        let mut flat = ArrayD::<i64>::zeros(blocks[0].shape());
        for (axis, (block, &len)) in blocks.iter().zip(&self.shape).enumerate() {
            let positions = block.to_array::<i64>()?;
            if let Some(position) = positions.iter().find(|&&at| u64::try_from(at).map_or(true, |at| at >= len)) {
                return Err(Error::bad_index(
                    "ravel_multi_index",
                    format!("position {position} is not in axis {axis} of shape {}", Shown(&self.shape)),
                ));
            }
            flat.zip_mut_with(&positions, |flat, &at| *flat = *flat * len as i64 + at);
        }
        Ok(Block::from_dense(flat))
    }
}

impl NamedKernel for Unflatten {
    const NAME: &'static str = "hyperslab.unravel_index";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        let numbers = blocks[0].to_array::<i64>()?;
        let n: u64 = self.shape.iter().product();
        if let Some(number) = numbers.iter().find(|&&number| u64::try_from(number).map_or(true, |number| number >= n)) {
            let shape = Shown(&self.shape);
            let detail = format!("number {number} names none of the {n} elements of shape {shape}");
            return Err(Error::bad_index("unravel_index", detail));
        }
        let stride: u64 = self.shape[self.axis + 1..].iter().product();
        // An axis without elements has no numbers either.
        let (stride, len) = (stride.max(1) as i64, self.shape[self.axis].max(1) as i64);
        Ok(Block::from_dense(numbers.map(|number| number / stride % len)))
    }
}
