//! Sparse arrays: the `w8` cases of the performance tables, on random entries of a fixed generator.
//!
//! The peers that these are compared with run elsewhere (`pydata/sparse`, `scipy`): ratios to them hold only side by side on
//! one machine. All cases hold `f64`.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use hyperslab::prelude::*;
use ndarray::{Array1, ArrayD, IxDyn};

fn random(shape: &[u64], density: f64, seed: u64) -> Coo<f64> {
    Coo::random(shape, density, seed, |x| x).expect("entries fit")
}

fn row<R>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut work: impl FnMut() -> R) {
    group.bench_function(name, |bencher| bencher.iter(|| black_box(work())));
}

fn from_dense(c: &mut Criterion) {
    let coo = random(&[4000, 4000], 0.1, 0);
    let dense = coo.to_dense().expect("fits");
    let x = hyperslab::Array::from_ndarray(dense.clone(), (500, 500)).expect("chunks fit");
    let mut group = c.benchmark_group("w8 dense to sparse by blocks, sum(0), 4000^2, 10 %");
    row(&mut group, "lazy", || {
        let s: hyperslab::Array<f64> = x.map_blocks_sparse(|b| Coo::from_dense(&b.dense()?)).expect("a function");
        s.sum_axis(0).and_then(|sum| sum.compute_sparse()).expect("runs")
    });
    row(&mut group, "eager", || Coo::from_dense(&dense.view()).and_then(|s| s.sum_axes(&[0])).expect("fits"));
    group.finish();
}

fn elementwise(c: &mut Criterion) {
    let shape = [200, 200, 200, 20];
    let (a, b) = (random(&shape, 0.01, 0), random(&shape, 0.01, 1));
    let mut group = c.benchmark_group("w8 160M positions, 1.6M entries each");
    row(&mut group, "a * b", || &a * &b);
    row(&mut group, "a + b", || &a + &b);
    row(&mut group, "a * b by a function", || a.zip_with(&b, |x, y| x * y).expect("one shape"));
    row(&mut group, "a + b by a function", || a.zip_with(&b, |x, y| x + y).expect("one shape"));
    group.finish();
}

fn axes(c: &mut Criterion) {
    let a = random(&[200, 200, 200, 20], 0.02, 0);
    let mut group = c.benchmark_group("w8 3.2M entries");
    row(&mut group, "sum over (1, 2)", || a.sum_axes(&[1, 2]).expect("axes"));
    row(&mut group, "sum over (3)", || a.sum_axes(&[3]).expect("axes"));
    row(&mut group, "var over (1, 2)", || a.var_axes(&[1, 2]).expect("axes"));
    row(&mut group, "transpose (3, 1, 0, 2)", || a.transpose(&[3, 1, 0, 2]).expect("axes"));
    group.finish();
}

fn products(c: &mut Criterion) {
    let t = random(&[40, 40, 40, 40], 0.1, 0);
    let (a, b) = (random(&[20_000, 20_000], 0.0005, 0), random(&[20_000, 20_000], 0.0005, 1));
    let s = random(&[20_000, 20_000], 0.001, 0);
    let dense = ArrayD::from_shape_fn(IxDyn(&[20_000, 64]), |at| (at[0] * 64 + at[1]) as f64);
    let mut group = c.benchmark_group("w8 products");
    row(&mut group, "tensordot of 40^4, three axes, then sum", || {
        t.tensordot(&t, &[1, 0, 3], &[2, 1, 0]).and_then(|product| product.sum_axes(&[1])).expect("axes")
    });
    row(&mut group, "sparse @ sparse, 20000^2, 200k entries each", || a.dot(&b).expect("axes"));
    row(&mut group, "sparse @ dense, 400k entries, 64 columns", || s.matmul_dense(&dense.view()).expect("axes"));
    group.finish();
}

fn construction(c: &mut Criterion) {
    let a = random(&[1000, 1000, 100], 0.02, 0);
    // A permutation of the entries by a multiplicative step that shares no factor with their number.
    let n = a.nnz();
    let step = (0..n).map(|i| n * 5 / 8 + i).find(|&step| gcd(step, n) == 1).unwrap_or(1);
    let order: Vec<usize> = (0..n).scan(0, |at, _| std::mem::replace(at, (*at + step) % n).into()).collect();
    let coords = a.coords();
    let rows: Vec<Vec<u64>> = coords.rows().into_iter().map(|row| order.iter().map(|&i| row[i]).collect()).collect();
    let values = Array1::from_iter(order.iter().map(|&i| a.values()[i])).to_vec();
    let mut group = c.benchmark_group("w8 from 2M shuffled coordinates");
    row(&mut group, "coordinates", || Coo::new(&rows, values.clone(), a.shape()).expect("inside"));
    group.finish();
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn configured() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! {
    name = benches;
    config = configured();
    targets = from_dense, elementwise, axes, products, construction
}
criterion_main!(benches);
