//! What all reductions that carry one number per cell have in common.

use super::counts::{Counts, combine_counts};
use super::family::{Family, Fills, LiftSpec};
use super::fold::{Cells, Fold, FoldLoops};
use super::sink::{Lift, Lifter, Via};
use super::totals::block_of;
use crate::block::Block;
use crate::element::{DType, Element};
use crate::error::Result;

/// A reduction that is a [`Fold`] for every element type. Parts: those of the fold, then the counts if it keeps any.
pub(super) trait FoldFamily {
    /// Which elements are counted.
    fn counted(&self, input: DType) -> Counted;

    /// The fold for an element type.
    fn ops(&self, input: DType) -> Result<FoldOps>;

    /// The element type of the result.
    fn output_dtype(&self, input: DType) -> Result<DType>;

    /// The result.
    fn finish(&self, input: DType, parts: &[Block]) -> Result<Block>;
}

/// Which elements of a cell are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// None: the count does not matter.
    Nothing,
    /// Those that take part.
    Taken,
    /// Those that take part and are not NaN.
    Numbers,
}

/// The functions of one fold.
pub(super) struct FoldOps {
    lift: fn(LiftSpec, Counts) -> Box<dyn Lift>,
    combine: fn(&[&[Block]]) -> Result<Vec<Block>>,
    fills: fn(&Fills<'_>) -> Vec<Block>,
}

impl FoldOps {
    /// Fold `F` over elements `T`, converted by `V`.
    pub(super) fn of<T: Element, F: Fold, V: Via<T, F::In>>() -> FoldOps {
        FoldOps { lift: lift_fold::<T, F, V>, combine: combine_cells::<F::Cells>, fills: fills_of_fold::<F> }
    }
}

fn lift_fold<T: Element, F: Fold, V: Via<T, F::In>>(spec: LiftSpec, counts: Counts) -> Box<dyn Lift> {
    let LiftSpec { machine, frame, .. } = spec;
    let loops = FoldLoops::<F>::new(machine, frame.n_cells(), frame.line_len());
    Box::new(Lifter::<T, _, V>::new(machine, frame, loops, counts))
}

fn combine_cells<C: Cells>(partials: &[&[Block]]) -> Result<Vec<Block>> {
    let shape = partials[0][0].shape();
    let mut cells = C::from_parts(partials[0])?;
    for partial in &partials[1..] {
        cells.join(&C::from_parts(partial)?);
    }
    Ok(cells.into_parts(&shape))
}

fn fills_of_fold<F: Fold>(fills: &Fills<'_>) -> Vec<Block> {
    let fill = F::In::from_scalar(fills.fill);
    let mut cells = F::Cells::new(fills.counts.len());
    for (cell, &n) in fills.counts.iter().enumerate() {
        F::enter_copies(&mut cells, cell, fill, n);
    }
    cells.into_parts(fills.shape)
}

impl<R: FoldFamily> Family for R {
    fn output_dtype(&self, input: DType) -> Result<DType> {
        FoldFamily::output_dtype(self, input)
    }

    fn lift(&self, input: DType, spec: LiftSpec) -> Result<Box<dyn Lift>> {
        let counts = match self.counted(input) {
            Counted::Nothing => Counts::Unneeded,
            Counted::Taken => spec.counts(),
            Counted::Numbers => spec.counts_of_numbers(),
        };
        Ok((self.ops(input)?.lift)(spec, counts))
    }

    fn combine(&self, input: DType, partials: &[&[Block]]) -> Result<Vec<Block>> {
        let mut parts = (self.ops(input)?.combine)(partials)?;
        if self.counted(input) != Counted::Nothing {
            let counts: Vec<&Block> = partials.iter().filter_map(|partial| partial.last()).collect();
            parts.push(combine_counts(&counts)?);
        }
        Ok(parts)
    }

    fn finish(&self, input: DType, parts: &[Block]) -> Result<Block> {
        FoldFamily::finish(self, input, parts)
    }

    fn fills(&self, input: DType, fills: &Fills<'_>) -> Result<Vec<Block>> {
        let mut parts = (self.ops(input)?.fills)(fills);
        let is_counted = match self.counted(input) {
            Counted::Nothing => return Ok(parts),
            Counted::Taken => true,
            Counted::Numbers => !fills.fill.is_nan(),
        };
        let counts = if is_counted { fills.counts.to_vec() } else { vec![0; fills.counts.len()] };
        parts.push(block_of(counts, fills.shape));
        Ok(parts)
    }
}
