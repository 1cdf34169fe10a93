//! Properties of all operations: over random shapes, chunks, stores and runtimes the lazy answer is the eager one.

#[path = "../support/mod.rs"]
mod support;

mod assignment;
mod blocks;
mod compositions;
mod contraction;
mod elementwise;
mod indexing;
mod reductions;
mod structure;
