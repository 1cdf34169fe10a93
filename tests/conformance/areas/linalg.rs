//! Sums of products and decompositions.

use hyperslab::prelude::*;

use super::Entry;
use crate::conformance::outcome::ok;

pub(super) const LINALG: &[Entry] = &[("la-matmul", |c| ok(matmul(&c.ints("x"), &c.ints("y"))?))];
