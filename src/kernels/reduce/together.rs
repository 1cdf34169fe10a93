//! Several reductions of one dense block, which is read from memory once.

use super::LiftSpec;
use super::dense;
use super::loops::GROUP;
use super::reducer::{Partial, Reducer};
use super::sink::{Lift, Taker};
use crate::block::{Block, with_block};
use crate::error::Result;
use crate::kernels::prefetch::Ahead;
use crate::kernels::program::TileRef;

/// The partial results of several reductions of a dense block.
pub(crate) fn lift_together(block: &Block, reducers: &[Reducer], spec: &LiftSpec) -> Result<Vec<Partial>> {
    let frame = spec.frame.clone();
    reducers.iter().try_for_each(|reducer| reducer.check(block, &frame))?;
    let lifts = reducers.iter().map(|reducer| reducer.lift_with(spec.clone()));
    let mut together = Together { lifts: lifts.collect::<Result<_>>()? };
    with_block!(block, T, data => dense::send(&data.dense()?, None, &frame, &mut together))?;
    Ok(together.lifts.into_iter().map(Partial::of).collect())
}

/// Hands what comes to one reduction after the other, in pieces that stay in cache until the last one has read them.
struct Together {
    lifts: Vec<Box<dyn Lift>>,
}

/// Elements that all reductions read before the next ones are fetched.
const PIECE_ELEMS: usize = 2048;

impl Taker for Together {
    fn look_ahead(&mut self, ahead: Ahead) {
        // Only the first one waits for memory.
        if let Some(first) = self.lifts.first_mut() {
            first.look_ahead(ahead);
        }
    }

    fn tile(&mut self, position: usize, xs: TileRef<'_>, take: Option<&[bool]>) {
        for start in (0..xs.len()).step_by(PIECE_ELEMS) {
            let len = PIECE_ELEMS.min(xs.len() - start);
            let take = take.map(|take| &take[start..start + len]);
            for lift in self.lifts.iter_mut().filter(|lift| !lift.is_settled()) {
                lift.tile(position + start, xs.slice(start, len), take);
            }
        }
    }

    fn rows(&mut self, position: usize, lines: [TileRef<'_>; GROUP]) {
        for lift in &mut self.lifts {
            lift.rows(position, lines);
        }
    }

    fn is_settled(&self) -> bool {
        self.lifts.iter().all(|lift| lift.is_settled())
    }
}
