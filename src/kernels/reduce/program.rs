//! Reductions of what a program computes, tile by tile: neither its values nor a mask over them are ever stored.

use super::LiftSpec;
use super::reducer::{Partial, Reducer};
use super::sink::Lift;
use crate::element::dispatch::dispatch;
use crate::element::{DType, Element};
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
    let dtypes = program.output_dtypes();
    let feeds = items.into_iter().map(|item| feed(item, &dtypes)).collect::<Result<Vec<_>>>()?;
    let mut sink = Feeds(feeds);
    program.for_each_tile(operands, shape, reduced, &mut sink)?;
    Ok(sink.0.into_iter().map(Feed::into_partial).collect())
}

/// Takes the outputs of a program for one reduction.
trait Feed {
    fn tile(&mut self, position: usize, values: &[TileRef<'_>]);
    fn into_partial(self: Box<Self>) -> Partial;
}

struct TypedFeed<T> {
    lift: Box<dyn Lift<T>>,
    value: usize,
    mask: Option<usize>,
}

fn feed(item: PassItem, dtypes: &[DType]) -> Result<Box<dyn Feed>> {
    let PassItem { reducer, spec, value, mask } = item;
    dispatch!(dtypes[value], T => {
        let lift = reducer.sink(spec)?.typed::<T>()?;
        Ok(Box::new(TypedFeed { lift, value, mask }))
    })
}

impl<T: Element> Feed for TypedFeed<T> {
    fn tile(&mut self, position: usize, values: &[TileRef<'_>]) {
        // The sink was made for the element types of the program's outputs.
        let xs = values[self.value].as_slice::<T>();
        let take = self.mask.map(|mask| values[mask].as_slice::<bool>());
        self.lift.as_sink().tile(position, xs, take);
    }

    fn into_partial(self: Box<Self>) -> Partial {
        Partial::from_parts(self.lift.into_parts())
    }
}

impl Feed for Box<dyn Feed> {
    fn tile(&mut self, position: usize, values: &[TileRef<'_>]) {
        (**self).tile(position, values);
    }

    fn into_partial(self: Box<Self>) -> Partial {
        (*self).into_partial()
    }
}

struct Feeds(Vec<Box<dyn Feed>>);

impl TileSink for Feeds {
    fn tile(&mut self, at: TileAt, values: &[TileRef<'_>]) {
        self.0.iter_mut().for_each(|feed| feed.tile(at.position, values));
    }

    fn rows(&mut self, at: TileAt, rows: Rows, values: &[TileRef<'_>]) {
        // Runs of one tile follow each other in row-major order, and sinks take stretches of any length.
        let _ = rows;
        self.0.iter_mut().for_each(|feed| feed.tile(at.position, values));
    }
}
