//! Results do not depend on how blocks are stored: sparse arrays give what dense ones give.

use hyperslab::prelude::*;
use ndarray::{ArrayD, IxDyn, arr2};

type Made = Result<DynArray>;
type Case = (&'static str, fn(&Array<i64>) -> Made);

fn dynamic<T: Element>(array: Result<Array<T>>) -> Made {
    array.map(Array::into_dyn)
}

/// Functions of a matrix of shape (4, 6).
const CASES: &[Case] = &[
    ("hstack", |x| dynamic(hstack(&[x, x]))),
    ("vstack of layouts", |x| dynamic(vstack(&[x, &x.to_dense()]))),
    ("block", |x| dynamic(block(&[vec![x, x], vec![x, x]]))),
    ("roll", |x| dynamic(x.roll_axes(&[1, -2], &[0, 1]))),
    ("roll flat", |x| dynamic(x.roll_flat(5))),
    ("rot90", |x| dynamic(x.rot90(1, [0, 1]))),
    ("move_axis", |x| dynamic(x.move_axis(0, 1))),
    ("tril", |x| dynamic(x.tril(1))),
    ("triu", |x| dynamic(x.triu(-1))),
    ("diagonal", |x| dynamic(x.diagonal(1, [0, 1]))),
    ("trace", |x| dynamic(x.trace(0, [0, 1]))),
    ("diag", |x| dynamic(x.slice(s![1, ..])?.diag(-1))),
    ("repeat", |x| dynamic(x.repeat(2, 1))),
    ("repeat_each", |x| dynamic(x.repeat_each(&[2, 0, 1, 3], 0))),
    ("tile", |x| dynamic(x.tile(&[2, 1, 2]))),
    ("pad by zeros", |x| dynamic(x.pad([(1, 2), (0, 3)], PadMode::constant(0i64)))),
    ("pad by fives", |x| dynamic(x.pad([(1, 2), (0, 3)], PadMode::constant(5i64)))),
    ("pad by edges", |x| dynamic(x.pad(2, PadMode::Edge))),
    ("pad reflected", |x| dynamic(x.pad(2, PadMode::Reflect))),
    ("pad by means", |x| dynamic(x.pad(1, PadMode::Mean))),
    ("pad by medians", |x| dynamic(x.pad(1, PadMode::Median))),
    ("pad by ramps", |x| dynamic(x.pad(2, PadMode::linear_ramp(9i64)))),
    ("insert", |x| dynamic(x.insert(&[1, 4], 7, 0))),
    ("delete", |x| dynamic(x.delete(&[0, -1], 1))),
    ("full_like", |x| Ok(x.full_like(2i64).into_dyn())),
    ("argwhere", |x| dynamic(x.argwhere())),
    ("flatnonzero", |x| dynamic(x.flatnonzero())),
    ("extract", |x| dynamic(x.extract(&x.gt(1)?))),
    ("compress", |x| dynamic(x.compress(&[true, false, true], 0))),
    ("unique", |x| dynamic(x.unique())),
    ("unique counts", |x| dynamic(x.as_dyn().unique_counts())),
    ("unique index", |x| dynamic(x.as_dyn().unique_index())),
    ("unique inverse", |x| dynamic(x.as_dyn().unique_inverse())),
    ("isin", |x| dynamic(x.isin(&x.slice(s![0, ..])?))),
    ("histogram", |x| dynamic(x.histogram(&Bins::even(3, 0.0, 6.0)?))),
    ("bincount", |x| dynamic(x.ravel()?.bincount(2))),
    ("median", |x| dynamic(x.median_axis(1))),
    ("quantile", |x| dynamic(x.quantile_with(&[0.1, 0.9], QuantileMethod::Linear, Reduce::all()))),
    ("ptp", |x| dynamic(x.ptp_axis(0))),
    ("average", |x| dynamic(x.average(&(x + 1), Reduce::axes([1])))),
    ("cov", |x| dynamic(x.cov(1.0))),
    ("diff", |x| dynamic(x.diff(2, 1))),
    ("gradient", |x| Ok(x.gradient(&[1], &[], EdgeOrder::Second)?.remove(0).into_dyn())),
    ("isclose", |x| dynamic(x.isclose(1, Tolerance::new()))),
    ("array_equal", |x| dynamic(x.array_equal(&x.to_dense()))),
    ("choose", |x| dynamic(choose(&x.clip(0, 1)?, &[x, &(x * 10)]))),
    ("select", |x| dynamic(select(&[(&x.gt(2)?, x)], -1))),
    ("divmod", |x| Ok(x.divmod(2)?.1.into_dyn())),
    ("einsum", |x| dynamic(einsum("ij,kj->ik", &[x, x]))),
    ("einsum of one", |x| dynamic(einsum("ij->j", &[x]))),
    ("outer", |x| dynamic(outer(&x.slice(s![0, ..])?, x))),
    ("kron", |x| dynamic(kron(x, x))),
    ("vdot", |x| dynamic(vdot(x, x))),
    ("inner", |x| dynamic(inner(x, x))),
    ("sort", |x| dynamic(x.sort(1))),
    ("take_along_axis", |x| dynamic(x.take_along_axis(&x.argsort(0)?, 0))),
    ("vindex", |x| dynamic(x.vindex(&idx![[0, 3, 1], [5, 0, 2]]))),
    ("table", |x| dynamic(x.index(&idx![.., arr2(&[[0i64, 5], [-2, 1]])]))),
    ("array_split", |x| Ok(x.array_split(3, 1)?.remove(1).into_dyn())),
    ("apply_along_axis", |x| dynamic(x.apply_along_axis(0, 1, |lane| vec![lane.sum()]))),
    ("meshgrid", |x| {
        let row = x.slice(s![2, ..])?;
        Ok(meshgrid(&[&row, &row], Indexing::Xy)?.remove(1).into_dyn())
    }),
];

fn sample() -> ArrayD<i64> {
    ArrayD::from_shape_fn(IxDyn(&[4, 6]), |at| {
        let number = (at[0] * 6 + at[1]) as i64;
        if number % 3 == 0 { number * 5 % 7 } else { 0 }
    })
}

fn elements(array: &DynArray) -> Result<ArrayD<f64>> {
    array.to_dense().astype(DType::F64).try_typed::<f64>()?.compute()
}

/// Whether arrays agree but for rounding.
fn are_close(found: &ArrayD<f64>, expected: &ArrayD<f64>) -> bool {
    let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-12 * a.abs().max(1.0);
    found.shape() == expected.shape() && found.iter().zip(expected).all(close)
}

#[test]
fn sparse_arrays_give_what_dense_ones_give() -> Result<()> {
    let dense = Array::from_ndarray(sample(), Chunks::from([2, 4]))?;
    let sparse = dense.to_sparse();
    let mut failures = Vec::new();
    for (name, function) in CASES {
        let expected = elements(&function(&dense)?)?;
        match function(&sparse).and_then(|made| elements(&made)) {
            Ok(found) if are_close(&found, &expected) => {}
            Ok(found) => failures.push(format!("{name}: {found} is not {expected}")),
            Err(error) => failures.push(format!("{name}: {error}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

#[test]
fn chunks_do_not_matter() -> Result<()> {
    let whole = Array::from_ndarray(sample(), Chunks::whole())?;
    for chunks in [[1, 1], [3, 2], [4, 1], [2, 5]] {
        let cut = whole.rechunk(chunks)?;
        for (name, function) in CASES {
            let (expected, found) = (elements(&function(&whole)?)?, elements(&function(&cut)?)?);
            assert!(are_close(&found, &expected), "{name} in {chunks:?}: {found} is not {expected}");
        }
    }
    Ok(())
}

#[test]
fn padding_with_the_fill_stays_sparse() -> Result<()> {
    let sparse = Array::from_ndarray(sample(), Chunks::size(3))?.to_sparse();
    let padded = sparse.pad(1, PadMode::constant(0i64))?;
    assert_eq!(padded.compute_sparse()?.nnz(), sparse.compute_sparse()?.nnz());
    assert!(!sparse.pad(1, PadMode::constant(1i64))?.layout().is_sparse());
    assert!(sparse.roll(1, 0)?.layout().is_sparse() && sparse.tile(&[2, 2])?.layout().is_sparse());
    Ok(())
}
