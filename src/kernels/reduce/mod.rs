//! Reductions: one number for many elements.
//!
//! A reduction of an array in blocks has three steps, and every reduction is these three functions:
//!
//! ```text
//!   block  --lift-->  partial  \
//!   block  --lift-->  partial   --combine-->  partial  \
//!   block  --lift-->  partial  /                        --combine-->  partial  --finish-->  block
//!   block  --lift-->  partial  ------------------------/
//! ```
//!
//! * *lift* reads the elements of a block once and leaves a *partial*: a few small arrays over the block's *cells*, which
//!   are the positions of the kept shape (reduced axes have length 1);
//! * *combine* joins partials of one shape in the order given, so that a tree over block numbers gives the same bits
//!   however many threads run it;
//! * *finish* turns a partial into the answer.
//!
//! Partials carry more than the answer needs: sums carry what rounding lost, means carry counts, variances carry the
//! mean to double the precision. So the result hardly depends on the grid.
//!
//! What is where: `reduction` is the list; `sum`, `prod`, `extreme`, `truth`, `mean`, `spread`, `arg_extreme` hold one
//! reduction each; `fold`, `moments_loops` and `arg_loops` are the loops; `sink`, `walk`, `frame`,
//! `dense`, `together`, `entries` and `program` bring the elements to the loops; `reducer` is the front door.

mod arg_extreme;
mod arg_loops;
mod both_extremes;
mod counts;
mod dense;
mod entries;
mod extreme;
mod family;
mod fold;
mod fold_family;
mod frame;
mod loops;
mod machine;
mod mean;
mod moments;
mod moments_loops;
mod order;
mod prod;
mod program;
mod reducer;
mod reduction;
mod sink;
mod spread;
mod sum;
mod take;
mod together;
mod totals;
mod truth;
mod walk;

pub(crate) use entries::{Cells, Place, lift_segments};
pub(crate) use family::{Fills, LiftSpec};
pub(crate) use machine::{Body, Machine};
pub(crate) use program::{PassItem, lift_program};
pub(crate) use reducer::{Partial, Reducer};
pub(crate) use reduction::{Ddof, Reduction};
pub(crate) use together::lift_together;
#[cfg(test)]
mod testing;
