//! Pickles, as data.
//!
//! A pickle is a program for a small stack machine, and Python runs it: names are imported and called. Here the program
//! only builds a [`Tree`]: where Python would import, the tree has a name; where Python would call, it has a name and
//! arguments. Instructions that a tree has no picture for are refused.
//!
//! The other way round a few shapes are written: the graph a scheduler is asked to run, exceptions, and the name of a
//! class.
//!
//! ```text
//! 80 05 8c 08 builtins 8c 0c RuntimeError 93 8c 02 no 85 52 2e        RuntimeError("no")
//! |     |              |                  |  |        |  |  stop
//! |     text           text         a name   text     |  call
//! protocol 5                                          tuple of one
//! ```
//!
//! | file | role |
//! |---|---|
//! | `opcode` | the instructions by name |
//! | `tree` | what a pickle says |
//! | `read` | the machine that builds it |
//! | `exception` | exceptions, both ways |
//! | `write` `graph` | values; graphs of tasks |

// The whole interface of this layer is listed here; not all of it has a user in the layers above yet.
#![allow(unused_imports)]

mod exception;
mod graph;
mod opcode;
mod read;
#[cfg(test)]
mod testing;
mod tree;
mod write;

pub(crate) use exception::{exception_text, pickle_error};
pub(crate) use graph::GraphPickle;
pub(crate) use read::{PickleLimits, read_pickle};
pub(crate) use tree::{Node, NodeId, Tree};
pub(crate) use write::{CLASS_BYTES, PickleWriter};
