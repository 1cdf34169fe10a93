//! Fused elementwise programs and the interpreter that runs them tile by tile.
//!
//! An expression such as `sqrt(x*x + y*y)*z + 1` is one [`Program`]: operations on *values* (inputs, constants, results of
//! operations before) as plain data. Running it as one avoids writing every intermediate array to memory and reading it
//! back, which costs several times the arithmetic. Three words:
//!
//! * a *tile* is a short run of elements (128 of `f64`), small enough that all tiles of a program stay in the first cache;
//! * a *step* is one loop over a tile, compiled in advance for its operation, types and instruction set;
//! * a *sink* takes the tiles of the outputs where they are to be reduced instead of stored.
//!
//! ```text
//!            tile 0         tile 1                      x0: float64
//!   x  |-------------|-------------|- ..                x1: float64
//!   y  |-------------|-------------|- ..                t0 = square(x0)
//!          step by step                                 t1 = square(x1)
//!   t      |--slot--|                                   t2 = add(t0, t1)
//!   out|-------------|-------------|- ..                -> t2
//! ```
//!
//! ```ignore
//! let mut builder = ProgramBuilder::new();
//! let (x, y) = (builder.input(DType::F64), builder.input(DType::F64));
//! let (xx, yy) = (builder.push(ElemOp::Square, &[x])?, builder.push(ElemOp::Square, &[y])?);
//! let sum = builder.push(ElemOp::Add, &[xx, yy])?;
//! let program = builder.finish(&[sum]);
//! program.evaluate(&[Operand::new(&a), Operand::new(&b)], &shape, &mut [OutputMut::new(out)])?;
//! ```
//!
//! | file | what |
//! |---|---|
//! | `value`, `code` | the plain data |
//! | `builder` | making it: casts, common subexpressions, constants |
//! | `handle` | [`Program`] itself: shared, compiled once, printable |
//! | `loops`, `fuse` | loops of one operation, of two or three |
//! | `compile` | choosing loops, giving places to values |
//! | `operand`, `walk` | strided arrays, and how they are walked |
//! | `bind` | checking the arrays against the program |
//! | `run`, `raw` | the interpreter; all unsafe code |
//! | `sink` | what a reduction sees |
//!
//! What this module does not do: threads (a program runs on one block), reductions, sparse blocks.

mod bind;
mod builder;
mod code;
mod compile;
mod fuse;
mod handle;
mod loops;
mod operand;
#[cfg(test)]
mod random;
mod raw;
mod run;
mod sink;
#[cfg(test)]
pub(crate) mod testing;
mod value;
mod walk;

pub(crate) use builder::ProgramBuilder;
pub(crate) use handle::Program;
pub(crate) use operand::{Operand, OutputMut};
pub(crate) use raw::TileRef;
pub(crate) use sink::{Rows, TileAt, TileSink};
pub(crate) use value::Value;
