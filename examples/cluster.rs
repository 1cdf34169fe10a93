//! The job of the example `earth` on a cluster: a stock dask scheduler and three workers, all on this machine.
//!
//! ```text
//! cargo run --release --features remote --example cluster
//! ```
//!
//! Where no Python with `distributed` is found, one is installed in the cache folder, which is said. With `--check` the job
//! also runs on the threads of this process, and the answers are compared bit by bit. `--linger 60` leaves the cluster
//! standing for a minute, for a look at the dashboard.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use hyperslab::exec::remote::{ConnectOptions, LocalCluster, worker_main};
use hyperslab::kernel::Registry;
use hyperslab::prelude::*;

#[path = "earth/job.rs"]
mod job;

use job::{Coast, CoastDensity, Failure, Places, explore, write_map};

/// Land, coasts and latitudes of the Earth, on a cluster.
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    places: Places,
    /// Worker processes.
    #[arg(long, default_value_t = 3)]
    workers: usize,
    /// Threads of each.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Computes everything here, too, and compares.
    #[arg(long)]
    check: bool,
    /// Seconds for which the cluster stays when the job is done.
    #[arg(long, default_value_t = 0)]
    linger: u64,
}

fn main() -> ExitCode {
    // The workers are this program, too: they know its kernels then.
    if std::env::args().any(|argument| argument == "--supervised") {
        return registry().map_or(ExitCode::FAILURE, worker_main);
    }
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// What client and workers know: formats of files, and the kernels of the job.
fn registry() -> Result<Registry> {
    let mut registry = Registry::new();
    registry.register_files()?;
    registry.register::<Coast>()?;
    registry.register::<CoastDensity>()?;
    Ok(registry)
}

fn run(options: &Options) -> std::result::Result<(), Failure> {
    let cluster = LocalCluster::options()
        .workers(options.workers)
        .threads(options.threads)
        .worker_program(std::env::current_exe()?, [])
        .install(true)
        // The tasks are short, and all first blocks fit into memory: a third of the time goes when none is kept back.
        .saturation(f64::INFINITY)
        .start()?;
    println!("scheduler                         {}", cluster.address());
    println!(
        "dashboard                         {}",
        cluster.dashboard().unwrap_or("none: the package bokeh is missing")
    );
    let connect = ConnectOptions::address(cluster.address()).security(cluster.security());
    let runtime = Runtime::connect_with(&connect, registry()?)?;

    let land = options.places.open()?;
    println!("{land}");
    let start = Instant::now();
    let answers = runtime.enter(|| explore(&land, None))?;
    println!("{answers}");
    println!("{:.2} s on {} workers", start.elapsed().as_secs_f64(), options.workers);
    write_map(&options.places.picture("coast.png")?, &answers.density)?;
    if options.check {
        let local = explore(&land, None)?;
        if local != answers {
            return Err(format!("the answers differ; here they are\n{local}").into());
        }
        println!("the same bits as on the threads of this process");
    }
    std::thread::sleep(Duration::from_secs(options.linger));
    Ok(())
}
