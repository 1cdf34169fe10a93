//! The job of the examples `earth` and `cluster`: what it asks of the land mask, and the answers.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Args;
use hyperslab::block::{Block, BlockLocation};
use hyperslab::io::open_zarr_with;
use hyperslab::kernel::NamedKernel;
use hyperslab::prelude::*;
use ndarray::{Array2, ArrayD, ArrayViewD};
use serde::{Deserialize, Serialize};

/// Cells along one side of a pixel of the map.
pub(crate) const PIXEL: usize = 60;

pub(crate) type Failure = Box<dyn std::error::Error>;

/// What goes in and where pictures come out.
#[derive(Args)]
pub(crate) struct Places {
    /// The land mask.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/globe_land.zarr"))]
    data: PathBuf,
    /// Where pictures go.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/out"))]
    out: PathBuf,
    /// Rows and columns of a block, multiples of 60.
    #[arg(long, num_args = 2, default_values_t = [1080, 2160])]
    chunks: Vec<u64>,
}

impl Places {
    /// The land mask, of which nothing is read yet.
    pub(crate) fn open(&self) -> Result<Array<bool>> {
        open_zarr_with(&self.data, self.chunks.clone())?.try_typed()
    }

    /// The path of a picture; its folder is made.
    pub(crate) fn picture(&self, name: &str) -> std::io::Result<PathBuf> {
        std::fs::create_dir_all(&self.out)?;
        Ok(self.out.join(name))
    }
}

/// What is known of the land afterwards.
#[derive(Debug, PartialEq)]
pub(crate) struct Answers {
    pub(crate) cells: i64,
    pub(crate) fraction: f64,
    pub(crate) north: f64,
    pub(crate) south: f64,
    pub(crate) southern_latitude: f64,
    pub(crate) coast_by_row: ArrayD<i64>,
    pub(crate) density: ArrayD<f32>,
}

/// Computes everything in one run of the current runtime; the graph is drawn to `graph` if given.
pub(crate) fn explore(land: &Array<bool>, graph: Option<&Path>) -> std::result::Result<Answers, Failure> {
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
    let coast = land.as_dyn().map_overlap_named(DType::Bool, &around, MapBlocks::new().sparse(false), &Coast)?;
    let coast: Array<bool> = coast.try_typed()?;
    let coast_by_row = coast.sum_axis(1)?.to_dense();
    let density = coast_density(&coast)?;

    if let Some(path) = graph {
        std::fs::write(path, fraction.as_dyn().to_svg()?)?;
    }
    let (cells, fraction, north, south, southern_latitude, coast_by_row, density) =
        compute!(land.sum(), fraction, share(&north)?, share(&south)?, southern_latitude, coast_by_row, density)?;
    Ok(Answers {
        cells: cells[[]],
        fraction: fraction[[]],
        north: north[[]],
        south: south[[]],
        southern_latitude: southern_latitude[[]],
        coast_by_row,
        density,
    })
}

/// Land cells with a neighbour that is not land; the block has a margin of one cell, which is cut off.
///
/// A kernel with a name instead of a closure, so that other processes can run it, too.
#[derive(Serialize, Deserialize)]
pub(crate) struct Coast;

impl NamedKernel for Coast {
    const NAME: &'static str = "earth.coast";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        let coast = coast_of(&blocks[0].dense::<bool>()?);
        Ok(Block::new(Coo::from_dense(&coast.view())?))
    }
}

// Without branches the loop becomes vector code.
#[allow(clippy::needless_bitwise_bool)]
fn coast_of(padded: &ArrayViewD<'_, bool>) -> ArrayD<bool> {
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
    coast.into_dyn()
}

/// Coast cells in every square of [`PIXEL`] by [`PIXEL`] cells.
#[derive(Serialize, Deserialize)]
pub(crate) struct CoastDensity;

impl NamedKernel for CoastDensity {
    const NAME: &'static str = "earth.coast_density";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        let coast = &blocks[0];
        let shape: Vec<usize> = coast.shape().iter().map(|len| len / PIXEL).collect();
        let mut counts = ArrayD::<f32>::zeros(shape);
        for cell in coast.sparse::<bool>()?.coords().columns() {
            counts[[cell[0] as usize / PIXEL, cell[1] as usize / PIXEL]] += 1.0;
        }
        Ok(Block::from_dense(counts))
    }
}

fn coast_density(coast: &Array<bool>) -> Result<Array<f32>> {
    let sizes = coast.grid().axes().iter().map(|axis| axis.sizes().map(|size| size / PIXEL as u64).collect::<Vec<_>>());
    let options = MapBlocks::new().chunks(sizes);
    DynArray::map_named(&[coast.as_dyn()], DType::F32, &options, &CoastDensity)?.try_typed()
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most_coast = 90.0 - position_of_max(&self.coast_by_row) as f64 / 120.0;
        writeln!(f, "land cells                        {}", self.cells)?;
        writeln!(f, "land fraction by area             {:.16}", self.fraction)?;
        writeln!(f, "  north of the equator            {:.16}", self.north)?;
        writeln!(f, "  south of it                     {:.16}", self.south)?;
        writeln!(f, "mean latitude of southern land    {:.6}", self.southern_latitude)?;
        writeln!(f, "coast cells                       {}", self.coast_by_row.sum())?;
        write!(f, "latitude with most coast          {most_coast:.2}")
    }
}

fn position_of_max(counts: &ArrayD<i64>) -> usize {
    counts.iter().enumerate().max_by_key(|(i, n)| (**n, std::cmp::Reverse(*i))).map_or(0, |(i, _)| i)
}

/// A grey picture: the more coast, the darker.
pub(crate) fn write_map(path: &Path, density: &ArrayD<f32>) -> std::result::Result<(), Failure> {
    let (height, width) = (density.shape()[0], density.shape()[1]);
    let mut encoder = png::Encoder::new(File::create(path)?, width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels: Vec<u8> = density.iter().map(|n| 255 - (n.sqrt() * 18.0).min(255.0) as u8).collect();
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(())
}
