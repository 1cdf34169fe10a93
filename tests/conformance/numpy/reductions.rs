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
    ("topk", |c| ok(c.a().topk(c.int("k"), c.axis())?)),
];
