//! Eager functions on blocks; no kernel knows a graph or a thread.

pub(crate) mod context;
mod copy;
mod entries;
pub(crate) mod generate;
pub(crate) mod index;
pub(crate) mod layout;
mod operands;
pub(crate) mod ops;
pub(crate) mod program;
pub(crate) mod simd;
#[cfg(test)]
mod testing;
pub(crate) mod vmath;
