//! Fused elementwise programs and the interpreter that runs them tile by tile.

mod memory;
mod sink;
mod walk;

pub(crate) use memory::TileRef;
pub(crate) use sink::{Rows, TileAt, TileSink};
