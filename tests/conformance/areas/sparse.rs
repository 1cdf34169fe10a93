//! Sparse arrays in memory.

use std::collections::HashSet;

use hyperslab::ndarray::{Array1, arr1};
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
    ("sp-bigshape-add", |c| Ok(count(c.coo::<i64>("s").add(&c.coo("t"))?.nnz()))),
    ("sp-bigshape-dups", |c| Ok(count(c.coo::<i64>("s").nnz()))),
    ("sp-bool", |c| ok(c.coo::<bool>("s"))),
    ("sp-add", |c| ok(a(c).add(&c.coo("b"))?)),
    ("sp-mul", |c| ok(a(c).multiply(&c.coo("b"))?)),
    ("sp-exp-fill", |c| ok(c.coo::<f64>("a").exp().ln())),
    ("sp-invert-fill", |c| ok(a(c).greater(0)?.invert())),
    ("sp-bcast-fail", |c| ok(a(c).add(&c.coo("b"))?)),
    ("sp-dense-mul-bcast", |c| ok(a(c).multiply(&c.dense("b"))?)),
    ("sp-dense-add-err", |c| ok(c.coo::<i64>("a").zip_dense(&c.dense::<i64>("b").view(), |a, b| a + b)?)),
    ("sp-dense-div", |c| ok(c.coo::<f64>("a").divide(&c.dense("b"))?)),
    ("sp-promote", |c| ok(c.coo::<i32>("a").astype::<f64>().add(&c.coo::<f32>("b").astype())?)),
    ("sp-isnan-fillnan", |c| ok(c.coo::<f64>("a").isnan())),
    ("sp-from-iter", |_| ok(Coo::from_entries([([0, 1], 5i64), ([2, 0], 3)], [3, 2], 0)?)),
    ("sp-random-nnz", |_| {
        let random = Coo::random([10, 10], 0.25, 0, |x| x)?;
        let places: HashSet<Vec<u64>> = random.iter().map(|entry| entry.0).collect();
        ok((count(random.nnz()), count(places.len())))
    }),
    ("sp-where-sparse", |c| ok(Coo::where_(&a(c).greater(0)?, &a(c), &c.coo("b"))?)),
    ("sp-nansum", |c| {
        let a = c.coo::<f64>("a");
        ok((a.nansum_axes(&[1])?, a.nanmean_axes(&[1])?, a.nanmax_axes(&[1])?))
    }),
    ("sp-reduce-ufunc", |c| {
        let truth = a(c).map(|x| x != 0);
        ok((a(c).reduce(&[0], i64::max)?, truth.reduce(&[1], |x, y| x | y)?))
    }),
    ("sp-sum-fill-all", |c| Ok(value(c.coo::<i64>("a").sum()))),
    ("sp-prod-fill", |c| ok(c.coo::<i64>("a").prod_axes(&[1])?)),
    ("sp-mean-int", |c| Ok(value(c.coo::<i64>("a").mean()))),
    ("sp-idx-0", |c| ok(a(c).index(&idx![0])?)),
    ("sp-idx-3", |c| ok(a(c).index(&idx![0, 1])?.to_dense()?)),
    ("sp-idx-6", |c| ok(a(c).index(&idx![Ellipsis, 1..3])?)),
    ("sp-idx-7", |c| ok(a(c).index(&idx![NewAxis, 1])?)),
    ("sp-idx-8", |c| ok(a(c).index(&idx![[0, 2]])?)),
    ("sp-idx-9", |c| ok(a(c).index(&idx![[2, 0, 0]])?)),
    ("sp-idx-10", |c| ok(a(c).index(&idx![.., [3, 1]])?)),
    ("sp-idx-12", |c| ok(a(c).index(&[stepped(2), stepped(-2)])?)),
    ("sp-idx-14", |c| ok(a(c).index(&idx![5..])?)),
    ("sp-idx-fill", |c| ok((Outcome::from(a(c).index(&idx![0])?), value(a(c).get(&[1, 0])?)))),
    ("sp-setitem-coo", |c| ok(a(c).assign_index(&idx![0, 0], 1)?)),
    ("sp-dok-set", |_| {
        let mut builder = CooBuilder::new([3, 4], 0i64)?;
        builder.assign_index(&idx![0, 1], 5)?;
        builder.assign_index(&idx![1..3, 2], 7)?;
        builder.assign_index(&idx![2, 2], 0)?;
        ok(builder.build())
    }),
    ("sp-dok-array-set", |_| {
        let mut builder = CooBuilder::new([3, 4], 0i64)?;
        builder.assign_index(&idx![[0, 2], [1, 3]], &arr1(&[10, 20]).into_dyn())?;
        ok(builder.build())
    }),
    ("sp-dok-get", |_| {
        let mut builder = CooBuilder::new([2, 2], 0i64)?;
        builder.set(&[0, 1], 3)?;
        ok((value(builder.get(&[0, 1])?), value(builder.get(&[1, 1])?), count(builder.nnz())))
    }),
    ("sp-take", |c| ok(a(c).take(&[3, 1], 1)?)),
    ("sp-nonzero", nonzero_and_argwhere),
    ("sp-transpose", |c| ok(c.coo::<i64>("s").transpose(&[2, 0, 1])?)),
    ("sp-stack", |c| ok(Coo::stack(&[c.coo::<i64>("a"), c.coo("b")], -1)?)),
    ("sp-tril-triu", |c| ok((a(c).tril(1)?, a(c).triu(-1)?))),
    ("sp-kron", |c| ok(a(c).kron(&c.coo("b"))?)),
    ("sp-squeeze-expand", |c| ok((c.coo::<i64>("b").squeeze(), a(c).expand_dims(1)?))),
    ("sp-matmul-sd", |c| ok(a(c).astype::<f64>().matmul_dense(&c.dense::<f64>("b").view())?)),
    ("sp-dot-nonzero-fill", |c| ok(a(c).dot(&c.coo("b"))?)),
    ("sp-tensordot-multi", |c| ok(c.coo::<i64>("s").tensordot(&c.coo("t"), &[1, 0], &[0, 2])?)),
    ("sp-matmul-batch", |c| ok(c.coo::<i64>("s").matmul(&c.coo("t"))?)),
    ("sp-einsum-0", |c| ok(Coo::einsum("ij,jk->ik", &[&a(c), &c.coo("b")])?)),
    ("sp-einsum-1", |c| ok(Coo::einsum("ii->i", &[&c.coo::<i64>("q")])?)),
    ("sp-einsum-4", |c| ok(Coo::einsum("ij,k->ijk", &[&a(c), &c.coo("v")])?)),
    ("sp-tensordot-outer", |c| ok(a(c).tensordot(&c.coo("b"), &[], &[])?)),
];

pub(super) const FORMATS: &[Entry] = &[
    ("sp-gcxs-layout", |c| {
        let g = a_of(c, "g").to_compressed(&[0])?;
        // The layout is what the name promises, beside the values.
        assert_eq!((g.offsets(), g.columns(), g.values()), (&[0, 2, 3, 4][..], &[1, 2, 0, 3][..], &[5, 3, -2, 7][..]));
        ok(g.to_coo()?)
    }),
    ("sp-gcxs-reduce", |c| ok(a_of(c, "g").to_compressed(&[0])?.to_coo()?.sum_axes(&[0])?)),
    ("sp-gcxs-matmul", |c| {
        let g = a_of(c, "g").to_compressed(&[0])?.to_coo()?;
        ok(g.dot(&g.t())?)
    }),
    ("sp-csc", |c| {
        let m = a(c).to_csc()?;
        let ints = |list: &[u64]| list.iter().map(|&x| x as i64).collect::<Array1<i64>>();
        let offsets: Array1<i64> = m.offsets().iter().map(|&x| x as i64).collect();
        ok((offsets, ints(m.columns()), arr1(m.values())))
    }),
    ("sp-maybe-densify", |_| ok(Coo::random([100, 100], 0.01, 0, |x| x)?.maybe_densify(100, 0.25)?)),
];

fn a_of(c: &Inputs, name: &str) -> Coo<i64> {
    c.coo(name)
}

fn a(c: &Inputs) -> Coo<i64> {
    c.coo("a")
}

/// NumPy's `::step`.
fn stepped(step: i64) -> Index {
    Index::Slice { start: None, stop: None, step }
}

/// The positions of stored entries, axis by axis and entry by entry.
fn nonzero_and_argwhere(c: &Inputs) -> Answer {
    let coords = a(c).nonzero()?.mapv(|at| at as i64);
    let rows: Vec<Array1<i64>> = coords.rows().into_iter().map(|row| row.to_owned()).collect();
    let all = a(c).argwhere()?.mapv(|at| at as i64);
    ok(rows.into_iter().map(Outcome::from).chain([Outcome::from(all)]).collect::<Vec<Outcome>>())
}
