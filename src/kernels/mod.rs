//! Eager functions on blocks; no kernel knows a graph or a thread.

pub(crate) mod context;
mod copy;
pub(crate) mod index;
mod operands;
pub(crate) mod program;
pub(crate) mod simd;
#[cfg(test)]
mod testing;
pub(crate) mod vmath;
