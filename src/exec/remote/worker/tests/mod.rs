//! Whole workers on real sockets, commanded by a scheduler that only says what a test tells it to.

mod fake;
mod workers;

pub(super) use fake::Sums;
