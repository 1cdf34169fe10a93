//! Work by NumPy's names, so that a case can be data alone: a name, arrays and arguments.

mod call;
mod elementwise;
mod indexing;
mod manipulation;
mod products;
mod reductions;
mod statistics;

pub(crate) use call::Call;

use super::outcome::Answer;

/// Does the work of one name.
type Work = fn(&Call<'_>) -> Answer;

const TABLES: [&[(&str, Work)]; 11] = [
    elementwise::UNARY,
    elementwise::BINARY,
    elementwise::CHOICES,
    reductions::REDUCTIONS,
    reductions::SCANS,
    indexing::PARTS,
    manipulation::SHAPES,
    products::PRODUCTS,
    statistics::STATISTICS,
    statistics::SETS,
    statistics::DIFFERENCES,
];

/// Does what a call names.
pub(crate) fn run(call: &Call<'_>) -> Answer {
    let name = call.name();
    let entry = TABLES.iter().copied().flatten().find(|entry| entry.0 == name);
    let (_, work) = entry.unwrap_or_else(|| panic!("there is no work of the name {name}"));
    work(call)
}
