//! Kernels that pick elements: blocks out of parts of other blocks.
//!
//! The graph has worked out which elements of which blocks are wanted; the kernels here see local positions only.
//!
//! * [`Gather`]: a box of pieces, each a strided part of one input (slices, rechunk, concatenate, halos).

mod gather;

pub(crate) use gather::{Gather, Piece};
