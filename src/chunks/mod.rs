//! How arrays are cut: pure integer arithmetic over grids, with no data and no element types.
//!
//! * [`Extent`] is a length, known or a [`SizeVar`]; [`AxisChunks`] the cut of one axis; [`Grid`] the cut of all axes.
//!
//! Say *chunk* for an extent in the grid and *block* for the data in it.

mod axis;
mod extent;
mod grid;

pub use axis::AxisChunks;
pub use extent::{Extent, SizeVar};
pub use grid::Grid;
