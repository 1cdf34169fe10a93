//! Arrays of one value stay arrays of one value under selections and rearrangements.

use super::Pass;
use crate::graph::dag::Dag;
use crate::graph::ops::Op;

/// Replaces slices, views, rechunks and reshapes of a full array by a full array.
#[derive(Debug)]
pub(crate) struct FoldConstants;

impl Pass for FoldConstants {
    fn run(&self, dag: &Dag) -> Option<Dag> {
        dag.rewrite(|new, _, node| {
            let moves_only = matches!(
                node.op,
                Op::Slice(_)
                    | Op::View(_)
                    | Op::Rechunk(_)
                    | Op::Reshape(_)
                    | Op::Take(_)
                    | Op::Blocks(_)
                    | Op::Points(_)
            );
            match node.inputs.first().map(|&input| &new.node(input).op) {
                Some(Op::Full(full)) if moves_only => {
                    let full = *full;
                    new.add(full.into(), Vec::new(), node.meta)
                }
                _ => new.keep(node),
            }
        })
    }
}
