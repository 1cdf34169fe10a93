//! Workers that know a user's own kernels: this program is the client and, started by itself, its workers.
//!
//! Needs a stock scheduler: `HYPERSLAB_DASK_PYTHON` names a Python with `distributed`; without that variable the tests say
//! that they are skipped. There is no test harness, because the worker reads the command line that one would read; words of
//! the command line choose tests by their names, as they do with one.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};

use hyperslab::block::{Block, BlockLocation};
use hyperslab::exec::remote::{Client, ConnectOptions, LocalCluster, SubmitOptions, worker_main};
use hyperslab::kernel::{NamedGufunc, NamedKernel, Registry};
use hyperslab::prelude::*;
use serde::{Deserialize, Serialize};

/// Multiplies, and adds the place of the block to every element.
#[derive(Serialize, Deserialize)]
struct Scale {
    by: f64,
}

impl NamedKernel for Scale {
    const NAME: &'static str = "test.scale";

    fn run(&self, blocks: &[Block], at: &BlockLocation) -> Result<Block> {
        Ok(Block::from_dense(&blocks[0].dense::<f64>()? * self.by + at.number() as f64))
    }
}

/// Whole parts and what is left of them.
#[derive(Serialize, Deserialize)]
struct Split {
    unit: f64,
}

impl NamedGufunc for Split {
    const NAME: &'static str = "test.split";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Vec<Block>> {
        let x = blocks[0].dense::<f64>()?;
        let whole = x.mapv(|value| (value / self.unit).floor() as i64);
        Ok(vec![Block::from_dense(whole), Block::from_dense(x.mapv(|value| value.rem_euclid(self.unit)))])
    }
}

/// The process that runs it.
#[derive(Serialize, Deserialize)]
struct Place {
    /// Tells runs apart, whose results would be shared otherwise.
    run: u64,
}

impl NamedKernel for Place {
    const NAME: &'static str = "test.place";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        Ok(Block::from_dense(blocks[0].dense::<f64>()?.mapv(|_| f64::from(std::process::id()))))
    }
}

/// Fails the first two times in each process.
#[derive(Serialize, Deserialize)]
struct Flaky;

impl NamedKernel for Flaky {
    const NAME: &'static str = "test.flaky";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        assert!(CALLS.fetch_add(1, Ordering::Relaxed) >= 2, "not yet");
        Ok(blocks[0].clone())
    }
}

/// Known to nobody else.
#[derive(Serialize, Deserialize)]
struct Extra;

impl NamedKernel for Extra {
    const NAME: &'static str = "test.extra";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        Ok(blocks[0].clone())
    }
}

/// What client and workers know.
fn registry() -> Result<Registry> {
    let mut registry = Registry::new();
    registry.register_files()?;
    registry.register::<Scale>()?;
    registry.register::<Place>()?;
    registry.register::<Flaky>()?;
    registry.register_gufunc::<Split>()?;
    Ok(registry)
}

const TESTS: [(&str, fn(&Client)); 5] = [
    ("kernels_of_the_user_have_the_same_bits_as_here", kernels_of_the_user_have_the_same_bits_as_here),
    ("a_client_that_knows_other_kernels_is_told_so", a_client_that_knows_other_kernels_is_told_so),
    ("closures_are_refused_before_anything_is_sent", closures_are_refused_before_anything_is_sent),
    ("tasks_run_where_they_may", tasks_run_where_they_may),
    ("tasks_that_fail_are_tried_again", tasks_that_fail_are_tried_again),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--supervised") {
        return registry().map_or(ExitCode::FAILURE, worker_main);
    }
    let filters: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let is_chosen = |name: &str| filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()));
    let chosen: Vec<_> = TESTS.into_iter().filter(|(name, _)| is_chosen(name)).collect();
    if words.iter().any(|word| word == "--list") {
        chosen.iter().for_each(|(name, _)| println!("{name}: test"));
    } else if std::env::var_os("HYPERSLAB_DASK_PYTHON").is_none() {
        eprintln!("skipped: HYPERSLAB_DASK_PYTHON names no Python with `distributed`");
    } else if !chosen.is_empty() {
        let options = LocalCluster::options().workers(2).threads(1).memory_bytes(1 << 30).no_dashboard();
        let options = options.worker_program(std::env::current_exe().unwrap(), []).saturation(f64::INFINITY);
        let cluster = options.start().unwrap();
        let client = Client::connect(&ConnectOptions::address(cluster.address())).unwrap();
        for (name, test) in chosen {
            // A panic ends the program, and the cluster with it.
            test(&client);
            println!("test {name} ... ok");
        }
    }
    ExitCode::SUCCESS
}

fn matrix() -> Array<f64> {
    let values: Vec<f64> = (0..30 * 20).map(|i| f64::from((i * 37) % 101) / 7.0 - 6.5).collect();
    Array::from_vec(values, Chunks::size(600)).unwrap().reshape([30, 20]).unwrap().rechunk((7, 20)).unwrap()
}

fn scaled(x: &Array<f64>) -> Result<Array<f64>> {
    DynArray::map_named(&[x.as_dyn()], DType::F64, &MapBlocks::new(), &Scale { by: 0.3 })?.try_typed()
}

fn split(x: &Array<f64>) -> Result<(Array<i64>, Array<f64>)> {
    let types = [DType::I64, DType::F64];
    let parts = Gufunc::new("(i)->(i),(i)")?.map_named(&[x.as_dyn()], &types, &Split { unit: 1.75 })?;
    Ok((parts[0].try_typed()?, parts[1].try_typed()?))
}

/// Bits of what the user's kernels make of a matrix.
fn results() -> Result<(Vec<u64>, Vec<i64>, Vec<u64>, u64)> {
    let bits = |array: &Array<f64>| Ok::<_, Error>(array.compute()?.iter().map(|value| value.to_bits()).collect());
    let scaled = scaled(&matrix())?;
    let (whole, rest) = split(&scaled)?;
    let sum = (&rest * &whole.astype::<f64>()).sum_axis(0)?.var().scalar()?;
    Ok((bits(&scaled)?, whole.compute()?.iter().copied().collect(), bits(&rest)?, sum.to_bits()))
}

fn kernels_of_the_user_have_the_same_bits_as_here(client: &Client) {
    let here = Runtime::local().enter(results).unwrap();
    let there = Runtime::on_client(client.clone(), registry().unwrap()).enter(results).unwrap();
    assert_eq!(here, there);
}

fn a_client_that_knows_other_kernels_is_told_so(client: &Client) {
    let mut larger = registry().unwrap();
    larger.register::<Extra>().unwrap();
    let differences = [(Registry::new(), "gufunc test.split 1"), (larger, "has (kernel test.extra 1)")];
    for (other, difference) in differences {
        let error = Runtime::on_client(client.clone(), other).enter(|| matrix().sum().scalar()).unwrap_err();
        let text = error.to_string();
        assert!(error.is_usage() && text.contains("tcp://127.0.0.1:") && text.contains(difference), "{text}");
        assert!(text.contains("give client and workers equal registries"), "{text}");
    }
    // Nobody was hurt.
    let runtime = Runtime::on_client(client.clone(), registry().unwrap());
    assert!(runtime.enter(|| matrix().sum().scalar()).is_ok());
}

fn closures_are_refused_before_anything_is_sent(client: &Client) {
    let runtime = Runtime::on_client(client.clone(), registry().unwrap());
    let one = scaled(&matrix()).unwrap().map_blocks(|block| Ok((&block.dense()? * 2.0).into())).unwrap();
    let error = runtime.enter(|| one.compute()).unwrap_err();
    assert!(error.is_usage() && error.op() == "map_blocks", "{error:?}");
    assert!(error.to_string().contains("write it as a `NamedKernel`"), "{error}");
    let several = matrix().reduce_along_axis(1, |lane| lane.sum()).unwrap();
    let error = runtime.enter(|| several.compute()).unwrap_err();
    assert!(error.is_usage() && error.op() == "gufunc", "{error:?}");
    assert!(error.to_string().contains("write it as a `NamedGufunc`"), "{error}");
}

fn on(client: &Client, options: SubmitOptions) -> Runtime {
    Runtime::on_client(client.clone().with_options(options), registry().unwrap())
}

/// The processes that ran one task for each block of a matrix.
fn places(runtime: &Runtime, run: u64) -> BTreeSet<u64> {
    let places = DynArray::map_named(&[matrix().as_dyn()], DType::F64, &MapBlocks::new(), &Place { run }).unwrap();
    let found = runtime.enter(|| places.try_typed::<f64>().unwrap().compute()).unwrap();
    found.iter().map(|&id| id as u64).collect()
}

fn tasks_run_where_they_may(client: &Client) {
    let workers: Vec<String> = client.workers().unwrap().into_iter().map(|(address, _)| address).collect();
    let pinned = |i: usize| places(&on(client, SubmitOptions::new().workers([&*workers[i]])), i as u64);
    let (first, second) = (pinned(0), pinned(1));
    assert!(first.len() == 1 && second.len() == 1 && first != second, "{first:?} {second:?}");
    let elsewhere = SubmitOptions::new().workers(["tcp://127.0.0.1:1"]).allow_other_workers(true);
    assert!(places(&on(client, elsewhere), 2).is_subset(&(&first | &second)));
}

fn tasks_that_fail_are_tried_again(client: &Client) {
    let worker = client.workers().unwrap().remove(0).0;
    let flaky = || DynArray::map_named(&[matrix().as_dyn()], DType::F64, &MapBlocks::new(), &Flaky).unwrap();
    let run = |options: SubmitOptions| {
        on(client, options.workers([&*worker])).enter(|| flaky().try_typed::<f64>().unwrap().sum().scalar())
    };
    let error = run(SubmitOptions::new()).unwrap_err();
    assert!(error.to_string().contains("not yet"), "{error}");
    assert_eq!(run(SubmitOptions::new().retries(2)).unwrap(), matrix().sum().scalar().unwrap());
}
