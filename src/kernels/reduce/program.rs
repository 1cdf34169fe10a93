//! Reductions of what a program computes, tile by tile: neither its values nor a mask over them are ever stored.

use std::ops::Range;

use super::LiftSpec;
use super::reducer::{Partial, Reducer};
use super::sink::{Lift, Taker};
use crate::error::Result;
use crate::kernels::program::{Operand, Program, Rows, TileAt, TileRef, TileSink};

/// One reduction of a pass: how, of which output of the program, and which output tells what takes part.
pub(crate) struct PassItem {
    pub(crate) reducer: Reducer,
    pub(crate) spec: LiftSpec,
    pub(crate) value: usize,
    pub(crate) mask: Option<usize>,
}

/// The partial results of several reductions of what a program computes over a block.
pub(crate) fn lift_program(
    program: &Program,
    operands: &[Operand<'_>],
    shape: &[usize],
    reduced: &[bool],
    items: Vec<PassItem>,
) -> Result<Vec<Partial>> {
    let mut sink = Lifts { slots: items.into_iter().map(Slot::new).collect::<Result<_>>()? };
    program.for_each_tile(operands, shape, reduced, &mut sink)?;
    Ok(sink.slots.into_iter().map(|slot| Partial::of(slot.lift)).collect())
}

/// Several reductions in one pass. Each piece is still in cache when the last one reads it.
struct Lifts {
    slots: Vec<Slot>,
}

struct Slot {
    lift: Box<dyn Lift>,
    value: usize,
    mask: Option<usize>,
}

/// Elements that all reductions read before the next ones are fetched.
const PIECE_ELEMS: usize = 2048;

impl Slot {
    fn new(item: PassItem) -> Result<Slot> {
        let PassItem { reducer, spec, value, mask } = item;
        let spec = if mask.is_some() { spec.partial() } else { spec };
        Ok(Slot { lift: reducer.lift_with(spec)?, value, mask })
    }

    fn as_one(&mut self) -> One<'_> {
        One { taker: self.lift.as_mut(), value: self.value, mask: self.mask }
    }
}

impl Lifts {
    fn take(&mut self, position: usize, values: &[TileRef<'_>]) {
        if let [slot] = self.slots.as_mut_slice() {
            return slot.as_one().take(position, values);
        }
        let len = values.first().map_or(0, TileRef::len);
        for start in (0..len).step_by(PIECE_ELEMS) {
            let range = start..len.min(start + PIECE_ELEMS);
            for slot in &mut self.slots {
                slot.as_one().take_part(position, values, range.clone());
            }
        }
    }
}

impl TileSink for Lifts {
    fn tile(&mut self, at: TileAt, values: &[TileRef<'_>]) {
        self.take(at.position, values);
    }

    // Runs that lie one behind the other are neighbours in the block, and lifts take stretches of any length.
    fn rows(&mut self, at: TileAt, _rows: Rows, values: &[TileRef<'_>]) {
        self.take(at.position, values);
    }
}

/// A single reduction.
pub(super) struct One<'a> {
    pub(super) taker: &'a mut dyn Taker,
    pub(super) value: usize,
    pub(super) mask: Option<usize>,
}

impl One<'_> {
    /// Takes a part of the values, which start at `position`.
    fn take_part(&mut self, position: usize, values: &[TileRef<'_>], range: Range<usize>) {
        if !self.taker.is_settled() {
            let part = |number: usize| values[number].slice(range.start, range.len());
            let take = self.mask.map(|mask| part(mask).as_slice::<bool>());
            self.taker.tile(position + range.start, part(self.value), take);
        }
    }

    fn take(&mut self, position: usize, values: &[TileRef<'_>]) {
        if !self.taker.is_settled() {
            let take = self.mask.map(|mask| values[mask].as_slice::<bool>());
            self.taker.tile(position, values[self.value], take);
        }
    }
}

impl TileSink for One<'_> {
    fn tile(&mut self, at: TileAt, values: &[TileRef<'_>]) {
        self.take(at.position, values);
    }

    fn rows(&mut self, at: TileAt, _rows: Rows, values: &[TileRef<'_>]) {
        self.take(at.position, values);
    }
}
