//! Parallel, chunked, lazy n-dimensional arrays and n-dimensional sparse tensors.

pub mod array;
pub mod block;
pub mod chunks;
pub mod config;
pub mod diag;
pub mod element;
pub mod error;
pub mod exec;
pub mod graph;
pub mod io;
mod kernels;
pub mod prelude;
pub mod sparse;

pub use array::{Array, DynArray};
pub use chunks::Chunks;
pub use error::{Error, Result};
pub use ndarray;

/// Users' kernels with names, and the registry that finds them.
pub mod kernel {
    pub use crate::kernels::func::{NamedKernel, Registry};
}
