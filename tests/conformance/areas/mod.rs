//! The work of every case in this crate's words.

mod blocks;
mod creation;
mod elementwise;
mod indexing;
mod linalg;
mod manipulation;
mod reductions;
mod sparse;
mod sparse_blocks;
mod unknown;

use super::run::Work;

/// The name of a case and its work.
type Entry = (&'static str, Work);

const TABLES: [&[Entry]; 16] = [
    creation::CREATION,
    creation::CHUNKING,
    elementwise::ELEMENTWISE,
    reductions::REDUCTIONS,
    reductions::STATISTICS,
    reductions::POSITIONS_AND_SCANS,
    indexing::INDEXING,
    indexing::ASSIGNMENT,
    unknown::UNKNOWN,
    manipulation::MANIPULATION,
    blocks::BLOCKS,
    blocks::GRAPH,
    linalg::LINALG,
    sparse::SPARSE,
    sparse::FORMATS,
    sparse_blocks::SPARSE_BLOCKS,
];

fn entries() -> impl Iterator<Item = Entry> {
    TABLES.into_iter().flatten().copied()
}

/// The work of a case.
pub(crate) fn find(id: &str) -> Option<Work> {
    entries().find(|entry| entry.0 == id).map(|entry| entry.1)
}

/// The names of all entries.
pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    entries().map(|entry| entry.0)
}
