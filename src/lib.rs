//! Parallel, chunked, lazy n-dimensional arrays and n-dimensional sparse tensors.
//!
//! Arrays are cut into blocks; expressions build up lazily, fuse into passes over the blocks, and run on every core within a
//! memory budget.
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::<f64>::arange(0.0, 8.0, 1.0, Chunks::size(3))?;
//! let y = (&x * &x + 1.0).sum();
//! assert_eq!(y.scalar()?, 148.0);
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@array`] | [`Array`] and [`DynArray`]: start here |
//! | [`sparse`] | [`Coo`](sparse::Coo), eager sparse arrays |
//! | [`chunks`] [`block`] [`element`] | how arrays are cut, what a block holds, element types |
//! | [`io`] | `.npy`, raw and Zarr files |
//! | [`exec`] [`diag`] | runtimes, budgets, observers; progress and profiles |
//! | [`graph`] [`kernel`] | expressions and plans; users' named kernels |
//! | [`doc`] | guides: [cookbook](doc::cookbook), [for NumPy users](doc::numpy), [memory](doc::memory),
//! |  | [cargo features](doc::features), [architecture](doc::architecture) |

// Plans and kernels as data are there for other processes to run; checks are made with all features.
#![cfg_attr(not(feature = "remote"), allow(dead_code))]

pub mod array;
pub mod block;
pub mod chunks;
pub mod config;
pub mod diag;
pub mod doc;
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
    pub use crate::kernels::func::NamedKernel;
    pub use crate::kernels::parts::NamedGufunc;
    pub use crate::kernels::registry::Registry;
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
