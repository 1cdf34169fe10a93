//! What tests of the public API share: random arrays and cuts, runtimes of every kind, and eager answers.

#![allow(dead_code, reason = "every test binary uses a part")]

pub(crate) mod eager;
pub(crate) mod index;
pub(crate) mod numbers;
pub(crate) mod runs;
pub(crate) mod shapes;
