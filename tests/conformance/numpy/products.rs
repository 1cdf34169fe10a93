//! Sums of products.

use hyperslab::array::DynArray;

use super::Work;
use crate::conformance::outcome::ok;

pub(super) const PRODUCTS: &[(&str, Work)] = &[
    ("outer", |c| ok(c.a().outer(&c.b())?)),
    ("inner", |c| ok(c.a().inner(&c.b())?)),
    ("vdot", |c| ok(c.a().vdot(&c.b())?)),
    ("kron", |c| ok(c.a().kron(&c.b())?)),
    ("einsum", |c| {
        let arrays = c.arrays();
        ok(DynArray::einsum(c.arg("subscripts").as_str().unwrap(), &arrays.iter().collect::<Vec<_>>())?)
    }),
    ("matmul", |c| ok(c.a().matmul(&c.b())?)),
    ("dot", |c| ok(c.a().dot(&c.b())?)),
    ("tensordot", |c| ok(c.a().tensordot(&c.b(), (c.axes("of_a"), c.axes("of_b")))?)),
];
