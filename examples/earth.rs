//! The land of the Earth, from 933 million cells: areas, coasts and a map, in one pass over the data.
//!
//! ```text
//! cargo run --release --example earth -- --memory 256MiB --threads 2
//! ```
//!
//! Reads `examples/data/globe_land.zarr` (a land mask at 30 arc seconds, see the README beside it), prints what it finds and
//! writes a map of coast density and a drawing of the task graph to `examples/out`.

use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use hyperslab::diag::Profile;
use hyperslab::prelude::*;

#[path = "earth/job.rs"]
mod job;

use job::{Failure, Places, explore, write_map};

/// Land, coasts and latitudes of the Earth.
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    places: Places,
    /// The memory budget.
    #[arg(long, default_value = "256MiB")]
    memory: String,
    /// Threads; all cores unless given.
    #[arg(long)]
    threads: Option<usize>,
    /// Prints the time of every operation, too.
    #[arg(long)]
    profile: bool,
}

fn main() -> std::result::Result<(), Failure> {
    let options = Options::parse();
    let profile = Arc::new(Profile::new());
    let mut runtime = Runtime::local().memory_text(&options.memory)?.progress();
    if let Some(n) = options.threads {
        runtime = runtime.threads(n);
    }
    if options.profile {
        runtime = runtime.observer(profile.clone());
    }
    let start = Instant::now();
    let land = options.places.open()?;
    println!("{land}");
    let graph = options.places.picture("earth.svg")?;
    let answers = runtime.enter(|| explore(&land, Some(&graph)))?;
    println!("{answers}");
    let map = options.places.picture("coast.png")?;
    write_map(&map, &answers.density)?;
    println!("map                               {}", map.display());
    println!("{:.2} s, budget {}, peak resident {}", start.elapsed().as_secs_f64(), options.memory, peak_resident());
    if options.profile {
        println!("{}", profile.report());
    }
    Ok(())
}

/// The largest resident set of this process so far, as the kernel tells it.
fn peak_resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()).and_then(|kib| kib.parse::<f64>().ok());
    kib.map_or_else(|| "unknown".into(), |kib| format!("{:.0} MB", kib * 1024.0 / 1e6))
}
