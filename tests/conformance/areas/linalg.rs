//! Sums of products and decompositions.

use hyperslab::prelude::*;

use super::Entry;
use crate::conformance::outcome::ok;

pub(super) const LINALG: &[Entry] = &[
    ("la-matmul", |c| ok(matmul(&c.ints("x"), &c.ints("y"))?)),
    ("la-einsum-0", |c| ok(einsum("ij,jk->ik", &[&c.ints("a"), &c.ints("b")])?)),
    ("la-einsum-3", |c| ok(einsum("ij,ij->", &[&c.ints("a"), &c.ints("b")])?)),
    ("la-einsum-7", |c| ok(einsum("ij,jk,kl->il", &[&c.ints("a"), &c.ints("b"), &c.ints("c")])?)),
];
