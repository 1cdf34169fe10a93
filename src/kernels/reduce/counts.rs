//! How many elements each cell has reduced.

use super::frame::Frame;
use super::machine::{Body, Machine};
use super::take;
use super::totals::block_of;
use crate::block::Block;
use crate::element::Element;
use crate::error::Result;
use crate::kernels::simd::Isa;

/// The number of elements that took part, per cell where the cells may differ.
pub(super) enum Counts {
    /// Nobody asks.
    Unneeded,
    /// All elements take part.
    Uniform,
    /// Those that the mask takes.
    Taken(PerCell),
    /// Those that the mask takes and that are not NaN.
    NotNan(PerCell),
}

/// One count per cell.
pub(super) struct PerCell {
    machine: Machine,
    counts: Vec<u64>,
    marks: Vec<bool>,
}

impl PerCell {
    pub(super) fn new(machine: Machine, n_cells: usize) -> Self {
        PerCell { machine, counts: vec![0; n_cells], marks: Vec::new() }
    }

    fn mark_not_nan<T: Element>(&mut self, xs: &[T], take: Option<&[bool]>) {
        self.marks.resize(xs.len(), false);
        take::not_nan(self.machine, &mut self.marks, xs, take);
    }
}

impl Counts {
    /// Whether counting reads the elements, so that they should still be in cache.
    pub(super) fn read_elements(&self) -> bool {
        matches!(self, Counts::NotNan(_))
    }

    /// Counts a piece of the line of a cell.
    pub(super) fn line<T: Element>(&mut self, cell: usize, xs: &[T], take: Option<&[bool]>) {
        match self {
            Counts::Unneeded | Counts::Uniform => {}
            Counts::Taken(each) => {
                each.counts[cell] += take.map_or(xs.len() as u64, |take| count(each.machine, take));
            }
            Counts::NotNan(each) => {
                each.mark_not_nan(xs, take);
                each.counts[cell] += count(each.machine, &each.marks);
            }
        }
    }

    /// Counts a piece of a line that is a row of cells.
    pub(super) fn row<T: Element>(&mut self, first: usize, xs: &[T], take: Option<&[bool]>) {
        match self {
            Counts::Unneeded | Counts::Uniform => {}
            Counts::Taken(each) => {
                let counts = &mut each.counts[first..first + xs.len()];
                match take {
                    Some(take) => count_each(each.machine, counts, take),
                    None => counts.iter_mut().for_each(|count| *count += 1),
                }
            }
            Counts::NotNan(each) => {
                each.mark_not_nan(xs, take);
                count_each(each.machine, &mut each.counts[first..first + xs.len()], &each.marks);
            }
        }
    }

    /// The counts as a part of a partial result: one number per cell, or one for all.
    pub(super) fn into_part(self, frame: &Frame) -> Option<Block> {
        match self {
            Counts::Unneeded => None,
            Counts::Uniform => Some(block_of(vec![frame.n_per_cell() as u64], &vec![1; frame.shape().len()])),
            Counts::Taken(each) | Counts::NotNan(each) => Some(block_of(each.counts, &frame.kept_shape())),
        }
    }
}

/// The sum of the counts of several partial results: one number for all cells where all have that form.
pub(super) fn combine_counts(counts: &[&Block]) -> Result<Block> {
    let mut sum = counts[0].to_array::<u64>()?.into_owned();
    for count in &counts[1..] {
        let count = count.dense::<u64>()?;
        sum = if sum.len() == 1 && count.len() != 1 { &count + sum.sum() } else { sum + count };
    }
    Ok(Block::from_dense(sum))
}

/// The count of each of `n` cells.
pub(super) fn count_of_each(count: &Block, n: usize) -> Result<Vec<u64>> {
    let counts = count.dense::<u64>()?;
    match counts.first() {
        Some(&one) if counts.len() == 1 => Ok(vec![one; n]),
        _ => Ok(counts.iter().copied().collect()),
    }
}

/// How many elements take part.
fn count(machine: Machine, take: &[bool]) -> u64 {
    machine.run(Count(take))
}

struct Count<'a>(&'a [bool]);

impl Body for Count<'_> {
    type Out = u64;

    #[inline(always)]
    fn run<I: Isa>(self) -> u64 {
        // Bytes are summed as bytes as long as they cannot overflow.
        self.0.chunks(255).map(|chunk| chunk.iter().map(|&takes| u8::from(takes)).sum::<u8>() as u64).sum()
    }
}

/// Adds one to the count of every cell whose element takes part.
fn count_each(machine: Machine, counts: &mut [u64], take: &[bool]) {
    machine.run(CountEach { counts, take });
}

struct CountEach<'a> {
    counts: &'a mut [u64],
    take: &'a [bool],
}

impl Body for CountEach<'_> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        count_into(self.counts, self.take);
    }
}

#[inline(always)]
fn count_into(counts: &mut [u64], take: &[bool]) {
    for (count, &takes) in counts.iter_mut().zip(take) {
        *count += u64::from(takes);
    }
}
