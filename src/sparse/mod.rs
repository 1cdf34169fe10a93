//! Eager n-dimensional sparse arrays, usable without the rest of the crate.
//!
//! * [`Coo`] holds the entries of an array that differ from its *fill*, sorted by position; everything else is the fill.
//! * [`CooBuilder`] takes writes in any order and becomes a [`Coo`].
//! * [`Compressed`] is the form by rows (CSR, CSC and their likes with more axes), for exchange.
//! * [`CooOperand`] is what may stand beside a [`Coo`] in an operation: a value, a [`Coo`], a dense array.
//!
//! A position is stored as one integer, the element's C-order number, of 4, 8 or 16 bytes: sorting, merging and grouping
//! compare one number, and shapes may have up to 2^128 elements. *Explicit fill* is an entry that equals the fill;
//! *to prune* is to drop those.
//!
//! ```
//! use hyperslab::sparse::Coo;
//! let a = Coo::new(&[[0, 0, 1], [1, 2, 3]], vec![5.0, 3.0, 7.0], [2, 4])?;
//! assert_eq!(format!("{a:?}"), "Coo<f64> (2, 4) nnz 3 fill 0, density 0.38");
//! assert_eq!(a.to_dense()?.sum(), 15.0);
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! Nothing here is lazy or chunked: that is what arrays of sparse blocks are for. Products and merges of many entries run on
//! all threads of the current pool; results do not depend on their number.

pub(crate) mod align;
mod argreduce;
mod assign;
pub(crate) mod broadcast;
mod builder;
mod compressed;
pub(crate) mod contract;
mod convert;
mod coo;
mod coords;
mod create;
mod einsum;
mod elementwise;
mod fold;
mod format;
pub(crate) mod group;
mod index;
mod join;
pub(crate) mod keys;
mod manipulate;
mod matmul;
mod nonzero;
mod operand;
mod parallel;
mod reduce;
mod region;
mod remap;
mod sort;
pub(crate) mod subscripts;
mod take;
#[cfg(test)]
pub(crate) mod testing;
mod triangle;

pub use builder::CooBuilder;
pub use compressed::Compressed;
pub use coo::Coo;
pub use operand::{Beside, CooOperand};
