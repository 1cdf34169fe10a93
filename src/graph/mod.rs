//! What is asked and how it will be done: expressions, the passes that make them cheaper, and the plan of block tasks.
//!
//! ```text
//! Expr ──from_exprs──> Dag ──optimize──> Dag ──Lowering──> Plan ──> tasks, on demand
//! ```
//!
//! * an [`Expr`] is what the user asked, named by a hash of what it computes ([`Name`]);
//! * a *dag* is the same as an arena, which passes rewrite;
//! * a [`Plan`] is layers of tasks with arithmetic between them; it answers the questions of a [`TaskGraph`].
//!
//! `wire` makes the tasks of a plan data of other processes.
//!
//! This layer knows no threads, files or sockets.

mod dag;
mod draw;
mod expr;
mod gather;
mod layer;
mod lower;
mod map;
mod name;
pub(crate) mod ops;
mod optimize;
mod parts;
mod plan;
mod task;
pub(crate) mod wire;

use std::sync::Arc;

pub(crate) use draw::{explain, to_dot, to_svg};
pub use expr::Expr;
pub use name::Name;
pub use plan::Plan;
pub use task::{TaskGraph, TaskId};

use crate::error::Result;

/// The plan that computes some expressions together, and for each of them the number of the plan's output that holds it.
pub(crate) fn plan(exprs: &[Arc<Expr>]) -> Result<(Plan, Vec<usize>)> {
    lower::Lowering::plan(&optimize::optimize(dag::Dag::from_exprs(exprs)))
}
