//! Shapes and axes.

use hyperslab::prelude::*;

use super::Entry;
use crate::conformance::outcome::ok;

pub(super) const MANIPULATION: &[Entry] = &[
    ("man-reshape-merge", |c| ok(c.ints("x").reshape([12])?)),
    ("man-reshape-split", |c| ok(c.ints("v").reshape([2, -1])?)),
    ("man-transpose", |c| ok(c.ints("x").permute_axes(&[-1, 0, 1])?)),
    ("man-stack", |c| ok(stack(&[&c.ints("a"), &c.ints("b")], -1)?)),
    ("man-vhd-stack", |c| {
        let a = c.ints("a");
        ok((hstack(&[&a, &a])?, vstack(&[&a, &a])?, dstack(&[&a, &a])?))
    }),
    ("man-roll", |c| {
        let x = c.ints("x");
        ok((x.roll_flat(3)?, x.roll_axes(&[1, -1], &[0, 1])?))
    }),
    ("man-gradient", |c| ok(c.floats("v").gradient(&[], &[Spacing::Even(2.0)], EdgeOrder::First)?)),
    ("man-flip-rot", |c| {
        let x = c.ints("x");
        ok((x.flip(&[1])?, x.rot90(3, [0, 1])?))
    }),
];
