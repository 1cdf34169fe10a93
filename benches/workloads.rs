//! Large-array work beside the same work in serial `ndarray`, on the same data in the same run.
//!
//! Case names are those of the performance tables: `w1` a fused sum, `w1b` a fused array, `w3` reductions over axes, `w4` a
//! product of matrices, `w5` an array and its transpose, `w6` masks, `w7` a stencil. `read` is the limit: the time in which
//! all threads together read the inputs once. The ratio of two rows of one group is what counts; times drift.
//!
//! Arrays hold the numbers of a fixed generator. `ndarray` gets the temporaries that its operators make.

#![allow(clippy::reversed_empty_ranges)] // `s![1..-1]` counts from the end

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use hyperslab::prelude::*;
use ndarray::{Array1, Array2, Axis, Ix2, Zip, s};
use rayon::prelude::*;

const N: usize = 40_000_000;

/// Uniform numbers in [0, 1): the high bits of a multiplicative hash of the index.
fn uniform(seed: u64, n: usize) -> Vec<f64> {
    let number = |i: u64| {
        let bits = (i ^ seed.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((bits ^ (bits >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..n as u64).into_par_iter().map(number).collect()
}

fn vector(seed: u64) -> Array1<f64> {
    Array1::from_vec(uniform(seed, N))
}

fn matrix(seed: u64, n: usize) -> Array2<f64> {
    Array2::from_shape_vec((n, n), uniform(seed, n * n)).expect("n * n numbers")
}

/// A lazy array over an array in memory, which is not copied.
fn lazy<D: ndarray::Dimension>(array: &ndarray::Array<f64, D>, chunks: impl Into<Chunks>) -> hyperslab::Array<f64> {
    hyperslab::Array::from_ndarray(array.clone(), chunks).expect("chunks fit")
}

/// Reads every number once, on all threads.
fn read(arrays: &[&[f64]]) -> f64 {
    let sum = |part: &[f64]| {
        let mut lanes = [0.0; 32];
        for chunk in part.chunks_exact(32) {
            lanes.iter_mut().zip(chunk).for_each(|(lane, x)| *lane += x);
        }
        lanes.iter().sum::<f64>()
    };
    arrays.iter().map(|array| array.par_chunks(1 << 17).map(sum).sum::<f64>()).sum()
}

fn group<'a>(c: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(name);
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    group
}

/// One row: the time of `f`.
fn row<R>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut f: impl FnMut() -> R) {
    group.bench_function(name, |b| b.iter(|| black_box(f())));
}

fn w1_fused(c: &mut Criterion) {
    let [x, y, z] = [1, 2, 3].map(vector);
    let [lx, ly, lz] = [&x, &y, &z].map(|array| lazy(array, 1_000_000));
    let slices: Vec<&[f64]> = [&x, &y, &z].iter().map(|array| array.as_slice().expect("one run")).collect();
    let mut w1 = group(c, "w1 (x*y+z).sum()");
    row(&mut w1, "read", || read(&slices));
    row(&mut w1, "hyperslab", || (&lx * &ly + &lz).sum().scalar().expect("runs"));
    row(&mut w1, "ndarray", || (&x * &y + &z).sum());
    w1.finish();
    let mut w1b = group(c, "w1b sqrt(x*x+y*y)*z+1");
    row(&mut w1b, "hyperslab", || ((&lx * &lx + &ly * &ly).sqrt() * &lz + 1.0).compute().expect("runs"));
    row(&mut w1b, "hyperslab, blocks kept", || ((&lx * &lx + &ly * &ly).sqrt() * &lz + 1.0).persist().expect("runs"));
    row(&mut w1b, "ndarray", || (&x * &x + &y * &y).mapv(f64::sqrt) * &z + 1.0);
    w1b.finish();
}

fn w2_transcendental(c: &mut Criterion) {
    let x = vector(1);
    let lx = lazy(&x, 1_000_000);
    let mut w2 = group(c, "w2 (sin^2+cos^2+exp(-x)).mean()");
    row(&mut w2, "hyperslab", || (lx.sin().square() + lx.cos().square() + (-&lx).exp()).mean().scalar().expect("runs"));
    row(&mut w2, "ndarray", || {
        (x.mapv(|x| x.sin().powi(2)) + x.mapv(|x| x.cos().powi(2)) + x.mapv(|x| (-x).exp())).mean()
    });
    w2.finish();
}

fn w3_reductions(c: &mut Criterion) {
    let x = matrix(1, 8000);
    let lx = lazy(&x, (1000, 1000));
    let mut w3 = group(c, "w3 sum(0)");
    row(&mut w3, "read", || read(&[x.as_slice().expect("one run")]));
    row(&mut w3, "hyperslab", || lx.sum_axis(0).and_then(|y| y.compute()).expect("runs"));
    row(&mut w3, "ndarray", || x.sum_axis(Axis(0)));
    w3.finish();
    let mut w3 = group(c, "w3 sum(1)");
    row(&mut w3, "hyperslab", || lx.sum_axis(1).and_then(|y| y.compute()).expect("runs"));
    row(&mut w3, "ndarray", || x.sum_axis(Axis(1)));
    w3.finish();
    let mut w3 = group(c, "w3 std()");
    row(&mut w3, "hyperslab", || lx.std().scalar().expect("runs"));
    row(&mut w3, "ndarray", || x.std(0.0));
    w3.finish();
    let mut w3 = group(c, "w3 argmax()");
    row(&mut w3, "hyperslab", || lx.argmax().compute().expect("runs"));
    row(&mut w3, "ndarray", || {
        x.iter().enumerate().fold((0, f64::MIN), |best, (i, &x)| if x > best.1 { (i, x) } else { best })
    });
    w3.finish();
    let mut w3 = group(c, "w3 min() and max()");
    row(&mut w3, "hyperslab", || compute!(lx.min(), lx.max()).expect("runs"));
    row(&mut w3, "ndarray", || (x.fold(f64::MAX, |a, &b| a.min(b)), x.fold(f64::MIN, |a, &b| a.max(b))));
    w3.finish();
    let mut w3 = group(c, "w3 cumsum(0)");
    row(&mut w3, "hyperslab", || lx.cumsum(0).and_then(|y| y.compute()).expect("runs"));
    row(&mut w3, "ndarray", || {
        let mut y = x.clone();
        y.accumulate_axis_inplace(Axis(0), |&before, now| *now += before);
        y
    });
    w3.finish();
}

fn w4_contraction(c: &mut Criterion) {
    let [x, y] = [1, 2].map(|seed| matrix(seed, 4096));
    let [lx, ly] = [&x, &y].map(|array| lazy(array, (1024, 1024)));
    let mut w4 = group(c, "w4 4096^3 matmul");
    row(&mut w4, "hyperslab", || lx.matmul(&ly).and_then(|z| z.compute()).expect("runs"));
    row(&mut w4, "ndarray", || x.dot(&y));
    w4.finish();
    let shape = |seed, shape: [usize; 3]| {
        ndarray::Array3::from_shape_vec(shape, uniform(seed, shape.iter().product())).expect("as many numbers")
    };
    let (x, y) = (shape(1, [128, 64, 256]), shape(2, [256, 64, 192]));
    let (lx, ly) = (lazy(&x, (32, 32, 64)), lazy(&y, (64, 32, 48)));
    let mut w4 = group(c, "w4b tensordot over two axes");
    row(&mut w4, "hyperslab", || tensordot(&lx, &ly, ([2, 1], [0, 1])).and_then(|z| z.compute()).expect("runs"));
    row(&mut w4, "ndarray", || {
        let x = x.to_shape((128, 64 * 256)).expect("as many numbers");
        let y = y.view().permuted_axes([1, 0, 2]);
        x.dot(&y.to_shape((64 * 256, 192)).expect("as many numbers"))
    });
    w4.finish();
}

fn w5_transpose(c: &mut Criterion) {
    let x = matrix(1, 8000);
    let lx = lazy(&x, (1000, 1000));
    let mut w5 = group(c, "w5 x + x.T");
    row(&mut w5, "hyperslab", || (&lx + lx.transpose()).compute().expect("runs"));
    row(&mut w5, "hyperslab, blocks kept", || (&lx + lx.transpose()).persist().expect("runs"));
    row(&mut w5, "ndarray", || &x + &x.t());
    w5.finish();
}

fn w6_masks(c: &mut Criterion) {
    let x = vector(1) - 0.5;
    let lx = lazy(&x, 1_000_000);
    let mut w6 = group(c, "w6 x[x>0].sum()");
    row(&mut w6, "read", || read(&[x.as_slice().expect("one run")]));
    row(&mut w6, "hyperslab", || {
        let positive = lx.gt(0.0).and_then(|mask| lx.mask(&mask)).expect("same shape");
        positive.sum().scalar().expect("runs")
    });
    row(&mut w6, "ndarray", || Array1::from_iter(x.iter().copied().filter(|&x| x > 0.0)).sum());
    w6.finish();
    let mut w6 = group(c, "w6 x[x>0.25]=0; x.sum()");
    row(&mut w6, "hyperslab", || {
        let mut y = lx.clone();
        let mask = y.gt(0.25).expect("a number");
        y.assign_mask(&mask, 0.0).expect("same shape");
        y.sum().scalar().expect("runs")
    });
    row(&mut w6, "ndarray", || {
        let mut y = x.clone();
        y.mapv_inplace(|x| if x > 0.25 { 0.0 } else { x });
        y.sum()
    });
    w6.finish();
}

/// The mean of the four neighbours; the outermost cells stay.
fn stencil(x: ndarray::ArrayView2<'_, f64>) -> Array2<f64> {
    let mut y = x.to_owned();
    let inner = y.slice_mut(s![1..-1, 1..-1]);
    Zip::from(inner)
        .and(x.slice(s![..-2, 1..-1]))
        .and(x.slice(s![2.., 1..-1]))
        .and(x.slice(s![1..-1, ..-2]))
        .and(x.slice(s![1..-1, 2..]))
        .for_each(|y, a, b, c, d| *y = 0.25 * (a + b + c + d));
    y
}

fn w7_stencil(c: &mut Criterion) {
    let x = matrix(1, 6000);
    let lx = lazy(&x, (1000, 1000));
    let mut w7 = group(c, "w7 five-point stencil");
    row(&mut w7, "hyperslab", || {
        let on_block = |b: BlockView<'_, f64>| {
            let x = b.dense()?.into_dimensionality::<Ix2>().expect("two axes");
            Ok(stencil(x).into_dyn().into())
        };
        lx.map_overlap(Overlap::depth(1).boundary(Boundary::Nearest), on_block).and_then(|y| y.compute()).expect("runs")
    });
    row(&mut w7, "ndarray", || stencil(x.view()));
    w7.finish();
}

fn w9b_graph(c: &mut Criterion) {
    let x = hyperslab::Array::<f64>::ones([500_000, 500_000], (1000, 1000)).expect("chunks fit");
    let mut w9 = group(c, "w9b graph of 250,000 blocks");
    row(&mut w9, "hyperslab", || (&x * 2.0 + 1.0).sum().plan().expect("a plan").n_tasks());
    w9.finish();
}

criterion_group!(
    benches,
    w1_fused,
    w2_transcendental,
    w3_reductions,
    w4_contraction,
    w5_transpose,
    w6_masks,
    w7_stencil,
    w9b_graph
);
criterion_main!(benches);
