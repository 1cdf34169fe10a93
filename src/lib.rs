//! Parallel, chunked, lazy n-dimensional arrays and n-dimensional sparse tensors.

pub mod block;
pub mod chunks;
pub mod config;
pub mod element;
pub mod error;
pub mod exec;
pub mod graph;
mod kernels;
pub mod sparse;

pub use chunks::Chunks;
pub use error::{Error, Result};
