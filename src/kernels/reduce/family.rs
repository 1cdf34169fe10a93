//! What every reduction answers.

use std::sync::Arc;

use super::counts::{Counts, PerCell};
use super::frame::Frame;
use super::machine::Machine;
use super::sink::Lift;
use crate::block::Block;
use crate::element::{DType, Scalar};
use crate::error::Result;

/// One reduction: lift, combine, finish. Each has its own file, and [`Reduction`](super::Reduction) lists them.
///
/// `input` is always an element type that [`output_dtype`](Family::output_dtype) accepts.
pub(super) trait Family {
    /// The element type of the result; an error where the reduction has no meaning for `input`.
    fn output_dtype(&self, input: DType) -> Result<DType>;

    /// A sink for the elements of one block, which makes their partial result.
    fn lift(&self, input: DType, spec: LiftSpec) -> Result<Box<dyn Lift>>;

    /// The partial result of several blocks from their own ones, in their order. All have one shape.
    fn combine(&self, input: DType, partials: &[&[Block]]) -> Result<Vec<Block>>;

    /// The result.
    fn finish(&self, input: DType, parts: &[Block]) -> Result<Block>;

    /// The partial result of fill values that are not stored.
    fn fills(&self, input: DType, fills: &Fills<'_>) -> Result<Vec<Block>>;
}

/// What a lift is made for.
#[derive(Clone)]
pub(crate) struct LiftSpec {
    pub(super) machine: Machine,
    /// The block and its cells.
    pub(super) frame: Arc<Frame>,
    /// Whether elements may be left out.
    pub(super) is_partial: bool,
    /// Where the block starts in the array, and the shape of the array; `None` for the whole array.
    pub(super) place: Option<(Vec<u64>, Vec<u64>)>,
    /// The position of every entry along the reduced axes, where entries are handed over and positions matter.
    pub(super) positions: Option<Arc<[i64]>>,
}

impl LiftSpec {
    /// The lift of a block of this shape, which is the whole array; `reduced` has one flag per axis.
    pub(crate) fn new(shape: &[usize], reduced: &[bool]) -> Self {
        let frame = Arc::new(Frame::new(shape, reduced));
        LiftSpec { machine: Machine::detect(), frame, is_partial: false, place: None, positions: None }
    }

    /// The lift of entries in `n_cells` groups of up to `longest` entries. Its partial result has shape `(n_cells, 1)`.
    pub(super) fn of_groups(n_cells: usize, longest: usize, positions: Option<Arc<[i64]>>) -> Self {
        LiftSpec { positions, ..LiftSpec::new(&[n_cells, longest.max(2)], &[false, true]).partial() }
    }

    /// Some elements may be left out: cells keep true counts.
    pub(crate) fn partial(mut self) -> Self {
        self.is_partial = true;
        self
    }

    /// The block starts at `start` in an array of shape `shape`: arg-reductions answer with positions there.
    pub(crate) fn at(mut self, start: &[u64], shape: &[u64]) -> Self {
        self.place = Some((start.to_vec(), shape.to_vec()));
        self
    }

    /// Counts of the elements that took part.
    pub(super) fn counts(&self) -> Counts {
        if self.is_partial { Counts::Taken(self.per_cell()) } else { Counts::Uniform }
    }

    /// Counts of the elements that took part and are not NaN.
    pub(super) fn counts_of_numbers(&self) -> Counts {
        Counts::NotNan(self.per_cell())
    }

    fn per_cell(&self) -> PerCell {
        PerCell::new(self.machine, self.frame.n_cells())
    }
}

/// Fill values that a sparse block does not store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fills<'a> {
    /// The fill value, of the input's element type.
    pub(crate) fill: Scalar,
    /// How many elements of each cell are not stored, in row-major order of the cells.
    pub(crate) counts: &'a [u64],
    /// The first position of one of them in each cell, -1 where there is none; only arg-reductions read it.
    pub(crate) first: &'a [i64],
    /// The shape of the cells.
    pub(crate) shape: &'a [usize],
}
