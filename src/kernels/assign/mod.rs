//! Kernels that write into a block: `x[selection] = value`.
//!
//! * [`AssignRegion`]: a strided box; * [`AssignPicks`]: a list of positions along one axis;
//! * [`AssignMasked`]: where a mask is true.
//!
//! The result has the element type of `x`; floats are truncated into integers, and NaN into an integer is an error. A
//! value is broadcast to the selection. Where nobody else holds `x` it is written in place.
//!
//! A sparse `x` stays sparse with its fill, whatever is written.

mod masked;
mod picks;
mod region;
mod value;

pub(crate) use masked::AssignMasked;
pub(crate) use picks::AssignPicks;
pub(crate) use region::AssignRegion;
