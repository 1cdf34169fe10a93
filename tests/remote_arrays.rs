//! Arrays computed by workers on a stock scheduler, which needs a Python with `distributed`.
//!
//! `HYPERSLAB_DASK_PYTHON` names it; without that variable the tests say that they are skipped.

#![cfg(feature = "remote")]

mod clusters;

use hyperslab::exec::RunFuture;
use hyperslab::exec::remote::{Client, ConnectOptions, LocalCluster};
use hyperslab::io::save_npy;
use hyperslab::kernel::NamedKernel;
use hyperslab::ndarray::s;
use hyperslab::prelude::*;
use serde::{Deserialize, Serialize};

use clusters::{assert_nothing_is_known, in_time, options, registry};

/// A scheduler, two workers, and a client of theirs.
struct Cluster {
    client: Client,
    processes: LocalCluster,
}

impl Cluster {
    /// Nothing if no Python is named.
    fn start() -> Option<Self> {
        let options = options()?.workers(2).threads(2).memory_bytes(1 << 30).saturation(f64::INFINITY);
        let processes = options.start().unwrap();
        let client = Client::connect(&ConnectOptions::address(processes.address())).unwrap();
        Some(Self { client, processes })
    }

    fn runtime(&self) -> Runtime {
        Runtime::on_client(self.client.clone(), registry())
    }
}

fn matrix() -> Array<f64> {
    let values: Vec<f64> = (0..60 * 40).map(|i| f64::from((i * 37) % 101) / 7.0 - 6.5).collect();
    Array::from_vec(values, Chunks::size(400)).unwrap().reshape([60, 40]).unwrap().rechunk((20, 16)).unwrap()
}

fn expressions(x: &Array<f64>) -> Result<Vec<(&'static str, Array<f64>)>> {
    let y = Array::<f64>::from_vec((0..40).map(f64::from).collect(), Chunks::size(7))?;
    let large = Array::<f64>::from_vec((0..40_000).map(f64::from).collect(), Chunks::size(6_000))?;
    let mut assigned = x.clone();
    assigned.assign_mask(&x.gt(0.0)?, 0.5)?;
    Ok(vec![
        ("fused", (x * x + 1.0).sqrt() - &y),
        ("mean", x.mean_axis(0)?),
        ("variance", x.var_axis(1)?),
        ("slice", x.slice(s![5..50;3, ..;-1])?),
        ("rows by a mask", x.mask(&x.gt(7.0)?.any_axis(1)?)?),
        ("assigned", assigned),
        ("rechunked", x.rechunk((7, 40))?),
        ("product", x.matmul(&x.transpose())?),
        ("running sum", x.cumsum(1)?),
        ("sorted", x.sort(0)?),
        ("sparse", x.to_sparse().sum_axis(0)?.to_dense()),
        ("persisted", (x + 1.0).persist()?.sum_axis(1)?),
        ("large in memory", (&large * 0.1).sin().cumsum(0)?),
        ("large persisted", (&large + 0.5).persist()?.try_mul(&large)?),
        ("part of persisted", (x + 1.0).persist()?.slice(s![5..9, 3..])?),
    ])
}

#[test]
fn runs_go_on_side_by_side_and_one_that_nobody_wants_is_cancelled() {
    let Some(cluster) = Cluster::start() else { return };
    let (runtime, x) = (cluster.runtime(), matrix());
    let terms: Vec<Array<f64>> = (0..6).map(|i| (&x * f64::from(i)).cumsum(0).unwrap()).collect();
    let futures: Vec<RunFuture<_>> = terms.iter().map(|term| runtime.submit(term).unwrap()).collect();
    // Minutes of work.
    let long = Array::<f64>::full([120_000, 120_000], 1.0, Chunks::size(2_000)).unwrap().sin().sum();
    let (cancelled, unwanted) = (runtime.submit(&long).unwrap(), runtime.submit(&(&long + 1.0)).unwrap());
    let asynchronous = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for (term, future) in terms.iter().zip(futures).rev() {
        assert_eq!(asynchronous.block_on(future).unwrap(), term.compute().unwrap());
    }
    cancelled.cancel();
    assert!(in_time(move || cancelled.wait()).unwrap_err().is_cancelled());
    drop(unwanted);
    assert_eq!(runtime.compute(&terms[1]).unwrap(), terms[1].compute().unwrap());
    assert_nothing_is_known(cluster.processes.address());
}

#[test]
fn arrays_have_the_same_bits_as_here() {
    let Some(cluster) = Cluster::start() else { return };
    let x = matrix();
    let here: Vec<_> =
        expressions(&x).unwrap().into_iter().map(|(name, array)| (name, array.compute().unwrap())).collect();
    cluster.runtime().enter(|| {
        for ((name, array), (_, here)) in expressions(&x).unwrap().into_iter().zip(&here) {
            let there = array.compute().unwrap_or_else(|error| panic!("{name}: {error}\n{}", cluster.processes.log()));
            assert_eq!(there.shape(), here.shape(), "{name}");
            assert!(there.iter().zip(here).all(|(a, b)| a.to_bits() == b.to_bits()), "{name}");
        }
    });
}

/// One operation on a matrix; an error if it cannot be applied to this one.
fn step(x: &Array<f64>, code: u64) -> Result<Array<f64>> {
    match code {
        0 => Ok((x * x + 1.0).sqrt() - x.sin()),
        1 => x.slice(s![1.., ..;-2]),
        2 => x.mask(&x.gt(1.0)?.any_axis(1)?),
        3 => x.rechunk((9, 11)),
        4 => Ok(x.transpose()),
        5 => x.matmul(&x.transpose()).map(|product| product * 0.01),
        6 => Ok(x.to_sparse()),
        7 => x.sort(0),
        8 => x.cumsum(1),
        9 => x.mean_axis(0).and_then(|mean| x.try_sub(&mean)),
        10 => x.persist(),
        _ => x.compute_chunk_sizes(),
    }
}

#[test]
fn random_expressions_have_the_same_bits_as_here() {
    let Some(cluster) = Cluster::start() else { return };
    let mut state = 7u64;
    let mut next = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    for _ in 0..24 {
        let codes: Vec<u64> = (0..4).map(|_| next(12)).collect();
        let build = || codes.iter().fold(matrix(), |x, &code| step(&x, code).unwrap_or(x)).to_dense();
        let here = Runtime::local().enter(|| build().compute()).unwrap();
        let there = cluster.runtime().enter(|| build().compute()).unwrap_or_else(|error| panic!("{codes:?}: {error}"));
        assert_eq!(here.shape(), there.shape(), "{codes:?}");
        assert!(there.iter().zip(&here).all(|(a, b)| a.to_bits() == b.to_bits()), "{codes:?}");
    }
}

#[test]
fn many_tasks_and_files_on_a_cluster() {
    let Some(cluster) = Cluster::start() else { return };
    let n = 20_000i64;
    let x = Array::<i64>::arange(0, n, 1, Chunks::size(10)).unwrap();
    assert_eq!(cluster.runtime().enter(|| x.sum().scalar()).unwrap(), n * (n - 1) / 2);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.npy");
    cluster.runtime().enter(|| save_npy(&(&matrix() + 1.0), &path)).unwrap();
    #[cfg(feature = "zarr")]
    {
        let path = dir.path().join("x.zarr");
        cluster.runtime().enter(|| save_zarr(&matrix(), &path)).unwrap();
        let read = open_zarr(&path).unwrap().try_typed::<f64>().unwrap();
        assert_eq!(cluster.runtime().enter(|| read.compute()).unwrap(), matrix().compute().unwrap());
    }
    let read = open_npy(&path, (16, 16)).unwrap().try_typed::<f64>().unwrap();
    let sum = cluster.runtime().enter(|| read.sum().scalar()).unwrap();
    assert_eq!(sum.to_bits(), read.sum().scalar().unwrap().to_bits());
}

#[derive(Serialize, Deserialize)]
struct Unknown;

impl NamedKernel for Unknown {
    const NAME: &'static str = "test.unknown";

    fn run(
        &self,
        blocks: &[hyperslab::block::Block],
        _at: &hyperslab::block::BlockLocation,
    ) -> Result<hyperslab::block::Block> {
        Ok(blocks[0].clone())
    }
}

#[test]
fn errors_of_workers_arrive_and_the_cluster_goes_on() {
    let Some(cluster) = Cluster::start() else { return };
    let mut registry = registry();
    registry.register::<Unknown>().unwrap();
    let x = matrix();
    let other = Runtime::on_client(cluster.client.clone(), registry);
    let text = other.enter(|| x.sum().scalar()).unwrap_err().to_string();
    assert!(text.contains("equal registries"), "{text}");
    let large = Array::<f64>::ones([1 << 28], Chunks::size(1 << 28)).unwrap();
    let error = cluster.runtime().enter(|| large.compute()).unwrap_err();
    assert_eq!(error.op(), "full");
    let text = error.to_string();
    assert!(text.contains("smaller chunks"), "{text}");
    assert!(cluster.runtime().enter(|| x.sum().scalar()).is_ok());
}
