//! Passes: from an expression to an equal one that is cheaper.
//!
//! A [`Pass`] is a pure function of an arena, in a file of its own, that reports "unchanged" honestly and changes nothing
//! when it is run on its own result. [`PASSES`] is the one ordered list.

mod fold_constants;
mod fuse_elementwise;
mod fuse_reductions;
mod merge_reductions;
mod merge_views;
mod push_slices;
mod read_in_chunks;

use std::fmt::Debug;

use super::dag::Dag;

/// One rewriting of an arena.
pub(crate) trait Pass: Debug + Sync {
    /// The rewritten arena; `None` if there is nothing to do.
    fn run(&self, dag: &Dag) -> Option<Dag>;
}

/// The passes in the order in which they run.
///
/// 1. `fold_constants` first: it turns operands into constants, which never keep anything from fusing.
/// 2. `merge_views` so that slices cross one view where the user wrote several.
/// 3. `fuse_elementwise` before slices move, so that a slice crosses a long chain in one step.
/// 4. `push_slices` brings selections to the sources, through fused programs.
/// 5. `read_in_chunks` after slices are at the sources: it needs to see what is read.
/// 6. `fuse_elementwise` again, for programs that slices had kept apart.
/// 7. `fuse_reductions` when elementwise work is as large as it gets: it swallows whole programs.
/// 8. `merge_reductions` last: it joins passes over the same data, whatever they came from.
///
/// Common subexpressions need no pass: an arena holds every name once. Nodes without users are dropped by every rewrite.
pub(crate) const PASSES: [&dyn Pass; 8] = [
    &fold_constants::FoldConstants,
    &merge_views::MergeViews,
    &fuse_elementwise::FuseElementwise,
    &push_slices::PushSlices,
    &read_in_chunks::ReadInChunks,
    &fuse_elementwise::FuseElementwise,
    &fuse_reductions::FuseReductions,
    &merge_reductions::MergeReductions,
];

/// The arena after all passes.
pub(crate) fn optimize(dag: Dag) -> Dag {
    PASSES.iter().fold(dag, |dag, pass| pass.run(&dag).unwrap_or(dag))
}
