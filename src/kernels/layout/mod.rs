//! Kernels that change how elements are seen, not which: the same elements under another shape.
//!
//! * [`View`]: axes permuted, inserted, dropped, broadcast;
//! * [`Reshape`]: another shape over the same row-major order.
//!
//! Dense blocks keep their memory where strides can express the result.

mod reshape;
mod view;

pub(crate) use reshape::Reshape;
pub(crate) use view::View;
