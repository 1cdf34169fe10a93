//! Memory is read in the chunks that are wanted, instead of being read and cut again.

use super::Pass;
use crate::graph::dag::Dag;
use crate::graph::ops::Op;

/// Replaces a rechunk of a source in memory by the same source on the new grid.
///
/// Files are left alone: reading them in other chunks may decode their own chunks several times.
#[derive(Debug)]
pub(crate) struct ReadInChunks;

impl Pass for ReadInChunks {
    fn run(&self, dag: &Dag) -> Option<Dag> {
        dag.rewrite(|new, _, node| {
            let source = match (&node.op, node.inputs.first().map(|&input| &new.node(input).op)) {
                (Op::Rechunk(_), Some(Op::Source(source))) if source.is_random_access() => Some(source.clone()),
                _ => None,
            };
            match source {
                Some(source) => new.add(source.into(), Vec::new(), node.meta),
                None => new.keep(node),
            }
        })
    }
}
