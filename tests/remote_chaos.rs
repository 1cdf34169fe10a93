//! Workers that live four seconds on average, while a cluster moves and sums 800 MB again and again.
//!
//! Takes minutes, so it runs only when it is asked for:
//!
//! ```text
//! HYPERSLAB_DASK_PYTHON=python cargo test --release --features remote --test remote_chaos -- --ignored --nocapture
//! ```
//!
//! `HYPERSLAB_KILLS` is the number of workers that are killed, 200 unless set. On two busy cores, with six workers of two
//! threads each, a calm run took 7.6 s; 200 kills fell into 16 runs, whose answers were right to the bit, a kill cost
//! 0.13 s of its run (95 %: 0.62 s), and nothing was left in memory or on disk.

#![cfg(feature = "remote")]

mod clusters;

use std::thread;
use std::time::{Duration, Instant};

use hyperslab::exec::remote::{ConnectOptions, LocalCluster};
use hyperslab::prelude::*;

use clusters::{Dice, WATCHDOG, assert_nothing_is_known, in_time, options, registry, signal};

const N_WORKERS: usize = 6;
const MEAN_LIFE: Duration = Duration::from_secs(4);
/// Runs without kills, before.
const N_CALM: usize = 7;

/// 800 MB that are made in rows, cut into columns and back, and summed.
fn job() -> Result<f64> {
    let n = 10_000;
    let rows =
        Array::<f64>::arange(0.0, (n * n) as f64, 1.0, Chunks::size(n * n / 20))?.reshape([n as i64, n as i64])?;
    let columns = (rows.rechunk([n, n / 20])? * 0.5).rechunk([n / 20, n])?;
    (columns.sqrt() + 1.0).sum().scalar()
}

fn timed(runtime: &Runtime) -> Result<(Duration, f64)> {
    let runtime = runtime.clone();
    let start = Instant::now();
    let answer = in_time(move || runtime.enter(job))?;
    Ok((start.elapsed(), answer))
}

/// Kills one worker after the other; gives the moments.
fn kill(cluster: &LocalCluster, n_kills: usize) -> Vec<Instant> {
    let mut dice = Dice(11);
    let mut moments = Vec::with_capacity(n_kills);
    while moments.len() < n_kills {
        thread::sleep(MEAN_LIFE.mul_f64(-dice.fraction().ln() / N_WORKERS as f64));
        let workers = cluster.worker_ids();
        let Some(victim) = workers.get((dice.fraction() * workers.len() as f64) as usize) else { continue };
        if signal(*victim, "KILL") {
            moments.push(Instant::now());
        }
    }
    moments
}

/// Files without names that a process has open: values on disk.
fn n_spill_files(process: u32) -> usize {
    let Ok(files) = std::fs::read_dir(format!("/proc/{process}/fd")) else { return 0 };
    let targets = files.flatten().filter_map(|file| std::fs::read_link(file.path()).ok());
    targets.filter(|target| target.to_string_lossy().ends_with("(deleted)")).count()
}

/// When all runs are over, nothing of them is left anywhere.
fn assert_nothing_is_left(cluster: &LocalCluster) {
    assert_nothing_is_known(cluster.address());
    let deadline = Instant::now() + WATCHDOG;
    while cluster.worker_ids().into_iter().map(n_spill_files).sum::<usize>() > 0 {
        assert!(Instant::now() < deadline, "values are left on disk");
        thread::sleep(Duration::from_millis(20));
    }
}

fn at(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

#[test]
#[ignore = "takes minutes"]
fn every_answer_is_right_while_workers_are_killed() {
    let Some(options) = options() else { return };
    let n_kills = std::env::var("HYPERSLAB_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    let options = options.workers(N_WORKERS).threads(2).memory_bytes(2 << 30);
    // A task that is on many workers when they die is not to blame here.
    let options = options.scheduler_setting("distributed.scheduler.allowed-failures", "1000000");
    let cluster = options.start().unwrap();
    let connect = ConnectOptions::address(cluster.address()).security(cluster.security());
    let runtime = Runtime::connect_with(&connect, registry()).unwrap();
    let expected = job().unwrap();
    let mut calm: Vec<Duration> = (0..N_CALM).map(|_| timed(&runtime).unwrap().0).collect();
    calm.sort_unstable();
    let usual = at(&calm, 50);

    let (runs, kills) = thread::scope(|scope| {
        let killer = scope.spawn(|| kill(&cluster, n_kills));
        let mut runs = Vec::new();
        while !killer.is_finished() {
            let start = Instant::now();
            let (time, answer) = timed(&runtime).unwrap_or_else(|error| panic!("{error}\n{}", cluster.log()));
            assert_eq!(answer.to_bits(), expected.to_bits());
            runs.push((start, time));
        }
        (runs, killer.join().unwrap())
    });
    assert_nothing_is_left(&cluster);
    let n_during = |start: Instant, time: Duration| kills.iter().filter(|&&k| k >= start && k < start + time).count();
    let mut extra: Vec<Duration> = Vec::new();
    for &(start, time) in &runs {
        let n = n_during(start, time) as u32;
        extra.extend(std::iter::repeat_n(time.saturating_sub(usual) / n.max(1), n as usize));
    }
    extra.sort_unstable();
    let (middle, late, last) = (at(&extra, 50), at(&extra, 95), at(&extra, 100));
    eprintln!("{} kills in {} runs; a calm run takes {usual:?}", kills.len(), runs.len());
    eprintln!("extra for each kill: median {middle:?}, 95 % {late:?}, longest {last:?}");
}
