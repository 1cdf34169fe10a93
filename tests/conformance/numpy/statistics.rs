//! Quantiles, histograms, sets, differences.

use hyperslab::array::DynArray;
use hyperslab::ndarray::Array1;
use hyperslab::prelude::*;

use super::{Call, Work};
use crate::conformance::outcome::{Answer, Outcome, ok};

pub(super) const STATISTICS: &[(&str, Work)] = &[
    ("median", |c| ok(c.a().median_with(&c.reduce())?)),
    ("nanmedian", |c| ok(c.a().nanmedian_with(&c.reduce())?)),
    ("quantile", |c| ok(c.a().quantile_with(&c.floats("q"), method(c), &c.reduce())?)),
    ("nanquantile", |c| ok(c.a().nanquantile_with(&c.floats("q"), method(c), &c.reduce())?)),
    ("percentile", |c| ok(c.a().percentile_with(&c.floats("q"), method(c), &c.reduce())?)),
    ("ptp", |c| ok(c.a().ptp_with(&c.reduce())?)),
    ("average", |c| ok(c.a().average(&c.b(), &c.reduce())?)),
    ("cov", |c| ok(c.a().cov(c.arg("ddof").as_f64().unwrap())?)),
    ("corrcoef", |c| ok(c.a().corrcoef()?)),
    ("histogram", |c| with_edges(c, |a, bins| Ok(a.histogram(bins)?.into_dyn()))),
    ("histogram_density", |c| with_edges(c, |a, bins| Ok(a.histogram_density(bins)?.into_dyn()))),
    ("histogram_weighted", |c| ok(c.a().histogram_weighted(&bins(c)?, &c.b())?)),
    ("bincount", |c| ok(c.a().bincount(c.int("min_len") as u64)?)),
    ("bincount_weighted", |c| ok(c.a().bincount_weighted(c.int("min_len") as u64, &c.b())?)),
];

pub(super) const SETS: &[(&str, Work)] = &[
    ("unique", |c| {
        let a = c.a();
        ok((a.unique()?, a.unique_index()?, a.unique_inverse()?, a.unique_counts()?))
    }),
    ("searchsorted", |c| ok(c.a().searchsorted(&c.b(), side(c))?)),
    ("isin", |c| ok(c.a().isin(&c.b())?)),
    ("union1d", |c| ok(c.a().union1d(&c.b())?)),
    ("intersect1d", |c| ok(c.a().intersect1d(&c.b())?)),
    ("setdiff1d", |c| ok(c.a().setdiff1d(&c.b())?)),
    ("nonzero", |c| ok(c.a().nonzero()?)),
    ("argwhere", |c| ok(c.a().argwhere()?)),
    ("flatnonzero", |c| ok(c.a().flatnonzero()?)),
    ("extract", |c| ok(c.a().extract(&c.b())?)),
];

pub(super) const DIFFERENCES: &[(&str, Work)] = &[
    ("diff", |c| ok(c.a().diff(c.int("n") as u32, c.axis())?)),
    ("ediff1d", |c| ok(c.a().ediff1d(&c.b(), &c.array("c"))?)),
    ("gradient", gradient),
    ("divmod", |c| ok(c.a().divmod(&c.b())?)),
    ("modf", |c| ok(c.a().modf()?)),
    ("frexp", |c| ok(c.a().frexp()?)),
    ("round", |c| ok(c.a().round(c.int("decimals") as i32)?)),
    ("isclose", |c| ok(c.a().isclose(&c.b(), Tolerance::new())?)),
    ("array_equal", |c| ok(c.a().array_equal(&c.b())?)),
    ("choose", |c| ok(c.a().choose(&[&c.b(), &c.array("c")])?)),
    ("select", |c| {
        let [b, d] = [c.b(), c.array("d")];
        ok(DynArray::select(&[(&b, &c.array("c")), (&d, &c.array("e"))], &c.a())?)
    }),
];

fn method(c: &Call<'_>) -> QuantileMethod {
    match c.arg("method").as_str().unwrap_or("linear") {
        "lower" => QuantileMethod::Lower,
        "higher" => QuantileMethod::Higher,
        "midpoint" => QuantileMethod::Midpoint,
        "nearest" => QuantileMethod::Nearest,
        _ => QuantileMethod::Linear,
    }
}

fn side(c: &Call<'_>) -> Side {
    if c.arg("side") == "right" { Side::Right } else { Side::Left }
}

/// So many even bins over a range, or bins between edges.
fn bins(c: &Call<'_>) -> Result<Bins> {
    match c.arg("bins").as_u64() {
        Some(n) => {
            let range = c.floats("range");
            Bins::even(n, range[0], range[1])
        }
        None => Bins::edges_at(c.floats("bins")),
    }
}

fn with_edges(c: &Call<'_>, count: fn(&DynArray, &Bins) -> Result<DynArray>) -> Answer {
    let bins = bins(c)?;
    let edges = Array1::from_vec(bins.edges().to_vec());
    ok((Outcome::from(count(&c.a(), &bins)?), Outcome::from(edges)))
}

fn gradient(c: &Call<'_>) -> Answer {
    let edges = if c.int("edge_order") == 2 { EdgeOrder::Second } else { EdgeOrder::First };
    let spacings: Vec<Spacing> = match c.arg("spacing").as_array() {
        Some(at) if at.is_empty() => Vec::new(),
        Some(_) => vec![Spacing::At(c.floats("spacing"))],
        None => vec![Spacing::Even(c.arg("spacing").as_f64().unwrap())],
    };
    ok(c.a().gradient(&c.axes("axes"), &spacings, edges)?)
}
