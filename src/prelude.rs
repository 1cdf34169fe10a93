//! What most programs need: `use hyperslab::prelude::*;`.

pub use ndarray::{self, Axis, s};

pub use crate::array::{
    Array, Bins, Blockwise, Boundary, ContractAxes, DynArray, EdgeOrder, Ellipsis, Gufunc, Index, Indexing, MapBlocks,
    NewAxis, Overlap, PadMode, QuantileMethod, Reduce, Rng, Side, Spacing, Tolerance, Unique, block, broadcast_arrays,
    choose, column_stack, concatenate, dot, dstack, einsum, hstack, inner, kron, matmul, meshgrid, outer, outer_with,
    piecewise, select, stack, tensordot, vdot, vstack, where_,
};
pub use crate::block::{Block, BlockData, BlockView};
pub use crate::chunks::{AxisSpec, Chunks};
pub use crate::element::{C32, C64, DType, Element};
pub use crate::error::{Error, Result};
pub use crate::exec::Runtime;
pub use crate::io::{open_npy, save_npy};
#[cfg(feature = "zarr")]
pub use crate::io::{open_zarr, save_zarr};
pub use crate::sparse::Coo;
pub use crate::{compute, idx};
