//! Reductions over axes, positions of extremes, running sums, the largest elements.

use hyperslab::ndarray::arr1;
use hyperslab::prelude::*;

use super::Entry;
use crate::conformance::outcome::{Outcome, ok};

pub(super) const REDUCTIONS: &[Entry] = &[
    ("red-max-axis", |c| ok(c.ints("x").max_with(Reduce::axes([-1]).keepdims())?)),
    ("red-mean-axis", |c| ok(c.ints("x").mean_with(Reduce::axes([-1]).keepdims())?)),
    ("red-multi-axis", |c| ok(c.ints("x").sum_axes([0, -1])?)),
    ("red-split-every", |c| ok(c.ints("v").sum_with(Reduce::all().split_every(2))?)),
    ("red-sum-dtype-i1", |c| ok((c.typed::<i8>("a").sum(), c.typed::<u8>("b").sum(), c.typed::<bool>("c").sum()))),
    ("red-sum-f4", |c| {
        let a = c.typed::<f32>("a");
        ok((a.sum(), a.mean(), c.typed::<i32>("i").mean()))
    }),
    ("red-sum-dtype-arg", |c| ok(c.ints("v").astype::<f32>().sum())),
    ("red-mean-int-large", |c| ok(c.ints("v").mean())),
    ("red-var-stable", |c| ok(c.floats("v").var())),
    ("red-empty-max", |c| ok(c.floats("e").max())),
    ("red-empty-mean", |c| ok(c.floats("e").mean())),
    ("red-nanfuncs", |c| {
        let v = c.floats("v");
        let var = v.nanvar_with(Reduce::all().ddof(1.0))?;
        ok((v.nansum(), v.nanmean(), v.nanmax(), v.nanmin(), var, v.nanstd(), v.nanprod()))
    }),
    ("red-nan-allnan", |c| {
        let x = c.floats("x");
        ok((x.nanmax_axis(1)?, x.nansum_axis(1)?, x.nanmean_axis(1)?))
    }),
    ("red-any-all-nan", |c| {
        let v = c.floats("v");
        ok((v.any(), v.all()))
    }),
    ("red-0d", |c| {
        let z = c.floats("z");
        ok((z.sum(), z.max(), z.mean()))
    }),
    ("red-median", |c| ok(c.ints("x").median_axis(0)?)),
    ("red-count_nonzero", |c| ok(c.ints("x").gt(5)?.count_nonzero_axis(0)?)),
];

pub(super) const STATISTICS: &[Entry] = &[
    ("st-hist", |c| {
        let bins = Bins::even(4, 0.0, 8.0)?;
        ok((Outcome::from(c.ints("v").histogram(&bins)?), Outcome::from(arr1(bins.edges()))))
    }),
    ("st-unique-all", |c| {
        let unique = c.ints("v").unique_all()?;
        ok((unique.values, unique.index, unique.inverse, unique.counts))
    }),
    ("st-searchsorted", |c| {
        let (a, v) = (c.ints("a"), c.ints("v"));
        ok((a.searchsorted(&v, Side::Left)?, a.searchsorted(&v, Side::Right)?))
    }),
    ("st-percentile-1chunk", |c| {
        ok(c.floats("v").percentile_with(&[0.0, 25.0, 50.0, 100.0], QuantileMethod::Linear, Reduce::all())?)
    }),
];

pub(super) const POSITIONS_AND_SCANS: &[Entry] = &[
    ("arg-ties", |c| {
        let v = c.ints("v");
        ok((v.argmax(), v.argmin()))
    }),
    ("arg-axis", |c| ok(c.ints("x").argmax_axis(0)?)),
    ("arg-flat-2d", |c| ok(c.ints("x").argmax())),
    ("arg-flat-2d-tie", |c| ok(c.ints("x").argmax())),
    ("cum-sum-sequential", |c| ok(c.ints("x").cumsum(1)?)),
    ("cum-dtype", |c| ok(c.typed::<i8>("v").cumsum(0)?)),
    ("topk-pos", |c| ok(c.ints("v").topk(3, -1)?)),
    ("topk-neg", |c| ok(c.ints("v").topk(-2, -1)?)),
    ("topk-axis", |c| ok(c.ints("x").topk(3, 1)?)),
];
