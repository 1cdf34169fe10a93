//! Products of blocks summed over axes that both have: tensordot, matrix products, inner products.
//!
//! A contraction is a matrix product once the axes are seen in groups:
//!
//! ```text
//!   lhs [batch, free, contracted]      a matrix (free x contracted) for each batch index
//!   rhs [batch, contracted, free]      a matrix (contracted x free)
//!   out [batch, free of lhs, free of rhs]
//! ```
//!
//! * `blocks` does the bookkeeping of inputs, axes and batches;
//! * `matrix` sees an operand as matrices, without a copy where two strides can express them;
//! * `multiply` multiplies two matrices: `gemm` for floats, loops for integers and `bool`.

mod blocks;
mod matrix;
mod multiply;

pub(crate) use blocks::Contract;
