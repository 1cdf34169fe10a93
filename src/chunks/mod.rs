//! How arrays are cut: pure integer arithmetic over grids, with no data and no element types.
//!
//! * [`Extent`] is a length, known or a [`SizeVar`]; [`AxisChunks`] the cut of one axis; [`Grid`] the cut of all axes.
//! * [`Chunks`] is what the user asks for, one [`AxisSpec`] per axis; against a shape it gives a [`Grid`].
//! * [`AxisRange`] is a slice brought to one form.
//! * `slicing` tells which pieces of which input blocks make an output block, for slices, rechunks and concatenations;
//!   `take` does for lists of indices.
//! * `rechunk` plans the grids to go through from one grid to another.
//! * `reshape` finds grids on which a reshape goes block by block.
//! * `tree` says which blocks a reduction combines, level by level.
//! * `unify` broadcasts shapes and finds the grid on which operands meet.
//! * `window` tells which pieces make a block with a halo of its neighbours.
//!
//! Say *chunk* for an extent in the grid and *block* for the data in it.
//!
//! ```
//! use hyperslab::chunks::Chunks;
//! let grid = Chunks::from((3, 4)).grid_for(&[6, 10], 8)?;
//! assert_eq!(grid.n_blocks(), 6);
//! assert_eq!(grid.block_ranges(&[1, 2]), Some(vec![3..6, 8..10]));
//! # Ok::<(), hyperslab::Error>(())
//! ```

mod axis;
mod extent;
mod grid;
mod normalize;
pub(crate) mod rechunk;
pub(crate) mod reshape;
pub(crate) mod select;
pub(crate) mod slicing;
pub(crate) mod take;
#[cfg(test)]
mod testing;
pub(crate) mod tree;
pub(crate) mod unify;
pub(crate) mod window;

pub use axis::AxisChunks;
pub use extent::{Extent, SizeVar};
pub use grid::Grid;
pub use normalize::{AxisSpec, Chunks};
pub use select::AxisRange;
pub use window::Boundary;
