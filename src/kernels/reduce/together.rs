//! Several reductions of one dense block, which is read from memory once.

use super::dense;
use super::extreme::lift_both;
use super::loops::GROUP;
use super::reducer::{Partial, Reducer};
use super::sink::{Lift, Taker};
use super::{LiftSpec, Reduction};
use crate::block::{Block, with_block};
use crate::error::Result;
use crate::kernels::prefetch::Ahead;
use crate::kernels::program::TileRef;

/// The partial results of several reductions of a dense block.
pub(crate) fn lift_together(block: &Block, reducers: &[Reducer], spec: &LiftSpec) -> Result<Vec<Partial>> {
    let frame = spec.frame.clone();
    reducers.iter().try_for_each(|reducer| reducer.check(block, &frame))?;
    let both = both_extremes(reducers, spec);
    let mut together = Together { lifts: Vec::new() };
    for (number, reducer) in reducers.iter().enumerate() {
        match &both {
            Some((least, greatest, _)) if [*least, *greatest].contains(&number) => {}
            _ => together.lifts.push(reducer.lift_with(spec.clone())?),
        }
    }
    let pair = both.map(|(least, greatest, lift)| {
        together.lifts.push(lift);
        (least, greatest)
    });
    with_block!(block, T, data => dense::send(&data.dense()?, None, &frame, &mut together))?;
    let extremes = pair.and_then(|pair| Some((pair, together.lifts.pop()?.into_parts())));
    let mut partials: Vec<Partial> = together.lifts.into_iter().map(Partial::of).collect();
    if let Some(((least, greatest), parts)) = extremes {
        let partial = |of: usize| Partial::of_parts([&parts[of..=of], &parts[2..]].concat());
        let mut places = [(least, partial(0)), (greatest, partial(1))];
        places.sort_by_key(|place| place.0);
        places.into_iter().for_each(|(at, partial)| partials.insert(at, partial));
    }
    Ok(partials)
}

/// Where the first `min` and the first `max` stand, and a lift for the two.
fn both_extremes(reducers: &[Reducer], spec: &LiftSpec) -> Option<(usize, usize, Box<dyn Lift>)> {
    let place = |wanted| reducers.iter().position(|reducer| reducer.reduction() == wanted);
    let (least, greatest) = (place(Reduction::Min)?, place(Reduction::Max)?);
    Some((least, greatest, lift_both(reducers[least].input(), spec.clone())?))
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
