//! The remote engine on a stock scheduler of this machine: tasks and bytes per second, end to end.
//!
//! Needs a Python with `distributed`, named by `HYPERSLAB_DASK_PYTHON`:
//!
//! ```text
//! HYPERSLAB_DASK_PYTHON=python cargo bench --features remote --bench remote
//! ```
//!
//! Tasks do nothing, workers have one thread each: what is measured is the scheduler, the wire, and what both sides make of
//! messages.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use hyperslab::Result;
use hyperslab::exec::remote::bench::Bench;

const N_WORKERS: usize = 2;
const N_TASKS: usize = 10_000;
const N_RUNS: usize = 5;
const BLOCK_BYTES: usize = 300 << 20;

fn scheduler(file: &Path) -> Option<Child> {
    let python = std::env::var_os("HYPERSLAB_DASK_PYTHON")?;
    let started = Command::new(python)
        .args(["-c", "from distributed.cli.dask_scheduler import main; main()"])
        .args(["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--idle-timeout", "600", "--scheduler-file"])
        .arg(file)
        .env("DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION", "inf")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Some(started.expect("HYPERSLAB_DASK_PYTHON names a program"))
}

/// The best and the median of some runs.
fn runs(run: impl Fn() -> Result<f64>) -> Result<(f64, f64)> {
    let mut seconds = (0..N_RUNS).map(|_| run()).collect::<Result<Vec<f64>>>()?;
    seconds.sort_by(f64::total_cmp);
    Ok((seconds[0], seconds[N_RUNS / 2]))
}

/// Runs what the arguments name, or everything.
fn report(what: &str, amount: f64, unit: &str, run: impl Fn() -> Result<f64>) -> Result<()> {
    let mut named = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).peekable();
    if named.peek().is_some() && !named.any(|name| what.contains(&name)) {
        return Ok(());
    }
    let (best, median) = runs(run)?;
    println!("{what:32} best {:9.2} {unit}, median {:9.2} {unit}", amount / best, amount / median);
    Ok(())
}

fn measure(file: &Path) -> Result<()> {
    let bench = Bench::start(file, N_WORKERS)?;
    let gigabytes = |n: usize| (n * BLOCK_BYTES) as f64 / 1e9;
    report("10 000 tasks, all gathered", N_TASKS as f64 / 1e3, "k/s", || bench.independent(N_TASKS))?;
    report("a tree of 10 101 tasks", (N_TASKS + N_TASKS / 100 + 1) as f64 / 1e3, "k/s", || bench.tree(N_TASKS, 100))?;
    report("one block of 300 MiB, gathered", gigabytes(1), "GB/s", || bench.gather(1, BLOCK_BYTES))?;
    report("four such blocks, gathered", gigabytes(4), "GB/s", || bench.gather(4, BLOCK_BYTES))?;
    report("one such block, to a peer", gigabytes(1), "GB/s", || bench.transfer(BLOCK_BYTES))?;
    report("two such blocks, scattered", gigabytes(2), "GB/s", || bench.scatter(2, BLOCK_BYTES))
}

fn main() -> Result<()> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("scheduler.json");
    let Some(mut scheduler) = scheduler(&file) else {
        println!("skipped: HYPERSLAB_DASK_PYTHON names no Python with `distributed`");
        return Ok(());
    };
    let measured = measure(&file);
    // The measurement is over either way.
    scheduler.kill().ok();
    scheduler.wait().ok();
    measured
}
