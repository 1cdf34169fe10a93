//! Kernels that pick elements: blocks out of parts of other blocks.
//!
//! The graph has worked out which elements of which blocks are wanted; the kernels here see local positions only.
//!
//! * [`Gather`]: a box of pieces, each a strided part of one input (slices, rechunk, concatenate, halos);
//! * [`Take`]: a list of positions along one axis; [`PointTake`]: several lists, point by point;
//! * [`Mask`]: the elements where a mask is true; [`Nonzero`]: the coordinates of true elements.

mod gather;
mod mask;
mod nonzero;
mod points;
mod take;

pub(crate) use gather::{Gather, Piece};
pub(crate) use mask::{Mask, Ranks, check_mask, count};
pub(crate) use nonzero::Nonzero;
pub(crate) use points::PointTake;
pub(crate) use take::{Take, take_sparse};
