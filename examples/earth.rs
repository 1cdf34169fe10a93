//! The land of the Earth, from 933 million cells: areas, coasts and a map, in one pass over the data.
//!
//! ```text
//! cargo run --release --example earth -- --memory 256MiB --threads 2
//! ```
//!
//! Reads `examples/data/globe_land.zarr` (a land mask at 30 arc seconds, see the README beside it), prints what it finds and
//! writes a map of coast density and a drawing of the task graph to `examples/out`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use hyperslab::diag::Profile;
use hyperslab::io::open_zarr_with;
use hyperslab::prelude::*;
use ndarray::{Array2, ArrayD};

/// Land, coasts and latitudes of the Earth.
#[derive(Parser)]
struct Options {
    /// The land mask.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/globe_land.zarr"))]
    data: PathBuf,
    /// Where the map and the graph go.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/out"))]
    out: PathBuf,
    /// The memory budget.
    #[arg(long, default_value = "256MiB")]
    memory: String,
    /// Threads; all cores unless given.
    #[arg(long)]
    threads: Option<usize>,
    /// Rows and columns of a block, multiples of 60.
    #[arg(long, num_args = 2, default_values_t = [1080, 2160])]
    chunks: Vec<u64>,
    /// Prints the time of every operation, too.
    #[arg(long)]
    profile: bool,
}

/// Cells along one side of a pixel of the map.
const PIXEL: usize = 60;

type Failure = Box<dyn std::error::Error>;

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
    let land: Array<bool> = open_zarr_with(&options.data, options.chunks.clone())?.try_typed()?;
    println!("{land}");
    runtime.enter(|| explore(&land, &options.out))?;
    println!("{:.2} s, budget {}, peak resident {}", start.elapsed().as_secs_f64(), options.memory, peak_resident());
    if options.profile {
        println!("{}", profile.report());
    }
    Ok(())
}

fn explore(land: &Array<bool>, out: &Path) -> std::result::Result<(), Failure> {
    let rows = land.grid().axis(0);
    let n_rows = rows.len().unwrap_or(0) as f64;
    let latitude = 90.0 - Array::<f64>::arange(0.0, n_rows, 1.0, vec![rows.sizes().collect::<Vec<u64>>()])? / 120.0;
    let weight = latitude.deg2rad().cos();
    let (north, south) = (latitude.gt(0.0)?, latitude.le(0.0)?);

    // Area: a cell counts by the cosine of its latitude.
    let weighted = land.mean_axis(1)? * &weight;
    let fraction = weighted.sum() / weight.sum();
    let share =
        |rows: &Array<bool>| -> Result<Array<f64>> { Ok(weighted.mask(rows)?.sum() / weight.mask(rows)?.sum()) };

    // Boolean indexing: how many cells are selected is not known before the run, and the mean does not need to know.
    let southern_land = land.logical_and(&latitude.lt(0.0)?.expand_dims(1)?)?;
    let southern_latitude = latitude.expand_dims(1)?.broadcast_like(land)?.mask(&southern_land)?.mean();

    // The coastline: a stencil over blocks with a margin, as sparse blocks.
    let around = Overlap::depth(1).boundary(Boundary::Nearest).on_axis(1, 1, 1, Boundary::Periodic).untrimmed();
    let coast: Array<bool> = land.map_overlap_with(around, MapBlocks::new().sparse(false), |block| {
        Ok(Coo::from_dense(&coast_of(block)?.view())?.into())
    })?;
    let coast_by_row = coast.sum_axis(1)?.to_dense();
    let density = coast_density(&coast)?;

    std::fs::create_dir_all(out)?;
    std::fs::write(out.join("earth.svg"), fraction.as_dyn().to_svg()?)?;
    let (cells, fraction, north, south, southern_latitude, coast_by_row, density) =
        compute!(land.sum(), fraction, share(&north)?, share(&south)?, southern_latitude, coast_by_row, density)?;

    println!("land cells                        {}", cells[[]]);
    println!("land fraction by area             {:.16}", fraction[[]]);
    println!("  north of the equator            {:.16}", north[[]]);
    println!("  south of it                     {:.16}", south[[]]);
    println!("mean latitude of southern land    {:.6}", southern_latitude[[]]);
    println!("coast cells                       {}", coast_by_row.sum());
    println!("latitude with most coast          {:.2}", 90.0 - position_of_max(&coast_by_row) as f64 / 120.0);
    let map = out.join("coast.png");
    write_map(&map, &density)?;
    println!("map                               {}", map.display());
    Ok(())
}

/// Land cells with a neighbour that is not land; the block has a margin of one cell, which is cut off.
// Without branches the loop becomes vector code.
#[allow(clippy::needless_bitwise_bool)]
fn coast_of(block: BlockView<'_, bool>) -> Result<ArrayD<bool>> {
    let padded = block.dense()?;
    let (height, width) = (padded.shape()[0] - 2, padded.shape()[1] - 2);
    let padded = padded.as_standard_layout();
    let cells: Vec<&[bool]> = padded.as_slice().unwrap_or(&[]).chunks(width + 2).collect();
    let mut coast = Array2::from_elem((height, width), false);
    for (rows, line) in cells.windows(3).zip(coast.as_slice_mut().unwrap_or(&mut []).chunks_mut(width)) {
        let (up, here, down) = (&rows[0][1..=width], rows[1], &rows[2][1..=width]);
        let (left, own, right) = (&here[..width], &here[1..=width], &here[2..]);
        for j in 0..width {
            line[j] = own[j] & !(up[j] & down[j] & left[j] & right[j]);
        }
    }
    Ok(coast.into_dyn())
}

/// Coast cells in every square of [`PIXEL`] by [`PIXEL`] cells.
fn coast_density(coast: &Array<bool>) -> Result<Array<f32>> {
    let sizes = coast.grid().axes().iter().map(|axis| axis.sizes().map(|size| size / PIXEL as u64).collect::<Vec<_>>());
    coast.map_blocks_with(MapBlocks::new().chunks(sizes), |block| {
        let shape: Vec<usize> = block.shape().iter().map(|len| len / PIXEL).collect();
        let mut counts = ArrayD::<f32>::zeros(shape);
        for cell in block.sparse()?.coords().columns() {
            counts[[cell[0] as usize / PIXEL, cell[1] as usize / PIXEL]] += 1.0;
        }
        Ok(counts.into())
    })
}

fn position_of_max(counts: &ArrayD<i64>) -> usize {
    counts.iter().enumerate().max_by_key(|(i, n)| (**n, std::cmp::Reverse(*i))).map_or(0, |(i, _)| i)
}

/// A grey picture: the more coast, the darker.
fn write_map(path: &Path, density: &ArrayD<f32>) -> std::result::Result<(), Failure> {
    let (height, width) = (density.shape()[0], density.shape()[1]);
    let mut encoder = png::Encoder::new(File::create(path)?, width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels: Vec<u8> = density.iter().map(|n| 255 - (n.sqrt() * 18.0).min(255.0) as u8).collect();
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(())
}

/// The largest resident set of this process so far, as the kernel tells it.
fn peak_resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()).and_then(|kib| kib.parse::<f64>().ok());
    kib.map_or_else(|| "unknown".into(), |kib| format!("{:.0} MB", kib * 1024.0 / 1e6))
}
