//! Elements from the block whose number is given.

use ndarray::{ArcArray, ArrayD, IxDyn};
use serde::{Deserialize, Serialize};

use crate::block::{Block, BlockLocation, with_block};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::kernels::NamedKernel;

/// Blocks: numbers as `int64`, then the blocks that they number from 0, all of one shape.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Choose;

impl NamedKernel for Choose {
    const NAME: &'static str = "hyperslab.choose";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        let [numbers, choices @ ..] = blocks else { return Err(Error::bug("choose", "no numbers")) };
        let first = choices.first().ok_or_else(|| Error::bug("choose", "no choices"))?;
        with_block!(first, T, _data => chosen::<T>(&numbers.to_array::<i64>()?, choices).map(Block::from_dense))
    }
}

fn chosen<T: Element>(numbers: &ArcArray<i64, IxDyn>, choices: &[Block]) -> Result<ArrayD<T>> {
    let choices = choices.iter().map(Block::to_array::<T>).collect::<Result<Vec<_>>>()?;
    let n = choices.len();
    let is_number = |&number: &i64| usize::try_from(number).is_ok_and(|number| number < n);
    if let Some(number) = numbers.iter().find(|number| !is_number(number)) {
        return Err(Error::bad_index("choose", format!("number {number} names none of {n} arrays")));
    }
    Ok(ArrayD::from_shape_fn(numbers.raw_dim(), |at| choices[numbers[&at] as usize][&at]))
}
