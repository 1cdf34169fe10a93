//! Kernels that change how elements are seen, not which: the same elements under another shape.
//!
//! * [`View`]: axes permuted, inserted, dropped, broadcast;
//! * [`Reshape`]: another shape over the same row-major order;
//! * [`contiguous::Contiguous`]: row-major in memory;
//! * [`diagonal::Diagonal`]: the diagonal of two axes.
//!
//! Dense blocks keep their memory where strides can express the result.

pub(crate) mod contiguous;
pub(crate) mod diagonal;
mod reshape;
mod view;

pub(crate) use reshape::Reshape;
pub(crate) use view::View;
