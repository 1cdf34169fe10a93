//! Sums of products.

use super::Work;
use crate::conformance::outcome::ok;

pub(super) const PRODUCTS: &[(&str, Work)] = &[
    ("matmul", |c| ok(c.a().matmul(&c.b())?)),
    ("dot", |c| ok(c.a().dot(&c.b())?)),
    ("tensordot", |c| ok(c.a().tensordot(&c.b(), (c.axes("of_a"), c.axes("of_b")))?)),
];
