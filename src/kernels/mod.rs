//! Eager functions on blocks; no kernel knows a graph or a thread.

pub(crate) mod program;
pub(crate) mod simd;
pub(crate) mod vmath;
