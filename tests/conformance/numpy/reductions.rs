//! Reductions and scans.

use super::Work;
use crate::conformance::outcome::ok;

macro_rules! reductions {
    ($($name:literal $method:ident)*) => { &[$(($name, |c| ok(c.a().$method(&c.reduce())?))),*] };
}

pub(super) const REDUCTIONS: &[(&str, Work)] = reductions! {
    "sum" sum_with "prod" prod_with "min" min_with "max" max_with "any" any_with "all" all_with "mean" mean_with
    "var" var_with "std" std_with "count_nonzero" count_nonzero_with "argmin" argmin_with "argmax" argmax_with
    "nansum" nansum_with "nanprod" nanprod_with "nanmin" nanmin_with "nanmax" nanmax_with "nanmean" nanmean_with
    "nanvar" nanvar_with "nanstd" nanstd_with "nanargmin" nanargmin_with "nanargmax" nanargmax_with
};

pub(super) const SCANS: &[(&str, Work)] = &[
    ("cumsum", |c| ok(c.a().cumsum(c.axis())?)),
    ("cumprod", |c| ok(c.a().cumprod(c.axis())?)),
    ("nancumsum", |c| ok(c.a().nancumsum(c.axis())?)),
    ("nancumprod", |c| ok(c.a().nancumprod(c.axis())?)),
    ("sort", |c| ok(c.a().sort(c.axis())?)),
    ("argsort", |c| ok(c.a().argsort(c.axis())?)),
    ("argtopk", |c| ok(c.a().argtopk(c.int("k"), c.axis())?)),
    ("topk", |c| ok(c.a().topk(c.int("k"), c.axis())?)),
];
