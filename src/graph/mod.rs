//! What is asked and how it will be done: expressions, the passes that make them cheaper, and the plan of block tasks.
//!
//! This layer knows no threads, files or sockets.

mod map;
mod name;
mod task;

pub use name::Name;
pub use task::{TaskGraph, TaskId};
