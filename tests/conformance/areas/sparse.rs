//! Sparse arrays in memory.

use hyperslab::chunks::AxisRange;
use hyperslab::ndarray::Array1;
use hyperslab::prelude::*;
use hyperslab::sparse::CooBuilder;

use super::Entry;
use crate::conformance::inputs::Inputs;
use crate::conformance::outcome::{Answer, Outcome, count, ok, value};

pub(super) const SPARSE: &[Entry] = &[
    ("sp-canon-sort", |c| ok(c.coo::<i64>("s"))),
    ("sp-nodedup-flag", |c| Ok(count(c.coo::<i64>("s").nnz()))),
    ("sp-dup-3d", |c| ok(c.coo::<f64>("s"))),
    ("sp-coord-oob", |_| ok(Coo::new(&[[0, 3], [0, 0]], vec![1, 2], [3, 1])?)),
    ("sp-ndim-mismatch", |_| ok(Coo::new(&[[0, 1]], vec![1, 2], [3, 3])?)),
    ("sp-from-dense-fill", |c| ok(c.coo::<i64>("s"))),
    ("sp-from-dense-nanfill", |c| ok(c.coo::<f64>("s"))),
    ("sp-empty-shape", |c| ok(c.coo::<f64>("s"))),
    ("sp-todense-bigshape", |c| Ok(count(c.coo::<i64>("s").nnz()))),
    ("sp-bigshape-add", |c| Ok(count(c.coo::<i64>("s").zip_with(&c.coo("t"), |a: i64, b: i64| a + b)?.nnz()))),
    ("sp-bigshape-dups", |c| Ok(count(c.coo::<i64>("s").nnz()))),
    ("sp-bool", |c| ok(c.coo::<bool>("s"))),
    ("sp-add", |c| ok(c.coo::<i64>("a").zip_broadcast(&c.coo("b"), |a, b: i64| a + b)?)),
    ("sp-mul", |c| ok(c.coo::<i64>("a").zip_broadcast(&c.coo("b"), |a, b: i64| a * b)?)),
    ("sp-exp-fill", |c| ok(c.coo::<f64>("a").map(f64::exp).map(f64::ln))),
    ("sp-invert-fill", |c| ok(c.coo::<i64>("a").map(|a| a > 0).map(|a: bool| !a))),
    ("sp-bcast-fail", |c| ok(c.coo::<i64>("a").zip_broadcast(&c.coo("b"), |a, b: i64| a + b)?)),
    ("sp-dense-mul-bcast", |c| ok(c.coo::<i64>("a").zip_dense_sparse(&c.dense::<i64>("b").view(), |a, b| a * b)?)),
    ("sp-dense-add-err", |c| ok(c.coo::<i64>("a").zip_dense(&c.dense::<i64>("b").view(), |a, b| a + b)?)),
    ("sp-dense-div", |c| ok(c.coo::<f64>("a").zip_dense_sparse(&c.dense::<f64>("b").view(), |a, b| a / b)?)),
    ("sp-promote", |c| ok(c.coo::<i32>("a").zip_broadcast(&c.coo("b"), |a, b: f32| f64::from(a) + f64::from(b))?)),
    ("sp-isnan-fillnan", |c| ok(c.coo::<f64>("a").map(f64::is_nan))),
    ("sp-sum-fill-all", |c| Ok(value(c.coo::<i64>("a").sum()))),
    ("sp-prod-fill", |c| ok(c.coo::<i64>("a").prod_axes(&[1])?)),
    ("sp-mean-int", |c| Ok(value(c.coo::<i64>("a").mean()))),
    ("sp-idx-0", |c| ok(a(c).index_axis(0, 0)?)),
    ("sp-idx-3", |c| Ok(value(a(c).get(&[0, 1])?))),
    ("sp-idx-6", |c| ok(a(c).slice(&[range(None, None, 1, 3)?, range(Some(1), Some(3), 1, 4)?])?)),
    ("sp-idx-7", |c| ok(a(c).index_axis(0, 1)?.expand_dims(0)?)),
    ("sp-idx-8", |c| ok(a(c).take(&[0, 2], 0)?)),
    ("sp-idx-9", |c| ok(a(c).take(&[2, 0, 0], 0)?)),
    ("sp-idx-10", |c| ok(a(c).take(&[3, 1], 1)?)),
    ("sp-idx-12", |c| ok(a(c).slice(&[range(None, None, 2, 3)?, range(None, None, -2, 4)?])?)),
    ("sp-idx-14", |c| ok(a(c).slice(&[range(Some(5), None, 1, 3)?, range(None, None, 1, 4)?])?)),
    ("sp-idx-fill", |c| ok((Outcome::from(a(c).index_axis(0, 0)?), value(a(c).get(&[1, 0])?)))),
    ("sp-setitem-coo", |c| ok(a(c).set(&[0, 0], 1)?)),
    ("sp-dok-get", |_| {
        let mut builder = CooBuilder::new([2, 2], 0i64)?;
        builder.set(&[0, 1], 3)?;
        ok((value(builder.get(&[0, 1])?), value(builder.get(&[1, 1])?), count(builder.nnz())))
    }),
    ("sp-take", |c| ok(a(c).take(&[3, 1], 1)?)),
    ("sp-nonzero", nonzero_and_argwhere),
    ("sp-transpose", |c| ok(c.coo::<i64>("s").transpose(&[2, 0, 1])?)),
    ("sp-stack", |c| ok(Coo::stack(&[c.coo::<i64>("a"), c.coo("b")], -1)?)),
    ("sp-squeeze-expand", |c| ok((c.coo::<i64>("b").squeeze(), a(c).expand_dims(1)?))),
    ("sp-matmul-sd", |c| {
        let numbers = c.coo::<i64>("a").map(|x| x as f64);
        ok(numbers.tensordot_dense(&c.dense::<f64>("b").view(), &[1], &[0])?)
    }),
    ("sp-dot-nonzero-fill", |c| ok(a(c).dot(&c.coo("b"))?)),
    ("sp-tensordot-multi", |c| ok(c.coo::<i64>("s").tensordot(&c.coo("t"), &[1, 0], &[0, 2])?)),
    ("sp-tensordot-outer", |c| ok(a(c).tensordot(&c.coo("b"), &[], &[])?)),
];

fn a(c: &Inputs) -> Coo<i64> {
    c.coo("a")
}

/// NumPy's `start:stop:step` of an axis.
fn range(start: Option<i64>, stop: Option<i64>, step: i64, len: u64) -> Result<AxisRange> {
    AxisRange::from_slice(start, stop, step, len)
}

/// The positions of stored entries, axis by axis and entry by entry.
fn nonzero_and_argwhere(c: &Inputs) -> Answer {
    let coords = a(c).coords().mapv(|at| at as i64);
    let rows: Vec<Array1<i64>> = coords.rows().into_iter().map(|row| row.to_owned()).collect();
    let all = coords.t().as_standard_layout().to_owned();
    ok(rows.into_iter().map(Outcome::from).chain([Outcome::from(all)]).collect::<Vec<Outcome>>())
}
