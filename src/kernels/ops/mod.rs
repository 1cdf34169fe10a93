//! Elementwise operations: what there is, which types they take, what they do with one element.
//!
//! * [`ElemOp`] names an operation. It is plain data and knows its own name, documentation and [`Signature`]: the types it
//!   computes in and gives, by NumPy 2's rules.
//! * A *row* of the op table (`table.rs`) is everything there is to say about an operation, see there.
//! * A *map* ([`Map`]) is the function of an operation for one element type, as a type:
//!   [`ElemOp::visit`] hands it to whoever makes loops of it.
//!
//! What this module does not do: run anything. See [`program`](super::program).

mod bounds;
mod complex;
mod float;
mod integer;
mod map;
mod op;
#[cfg(test)]
mod oracle;
mod rule;
mod table;

pub(crate) use bounds::{with_bounds, with_trait};
pub(crate) use map::{Map, MapVisitor};
pub(crate) use op::{ElemOp, maps};
pub(crate) use table::for_each_elementwise;
