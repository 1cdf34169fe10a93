//! Slices move towards the sources, so that blocks nobody sees are never made.

use super::Pass;
use crate::chunks::AxisRange;
use crate::graph::dag::{Dag, Node, NodeId};
use crate::graph::ops::Op;

/// Moves each slice below the operation it selects from, where that operation knows how ([`push_slice`]) and its result is
/// not wanted for anything else, until none moves.
///
/// [`push_slice`]: crate::graph::ops::OpSpec::push_slice
#[derive(Debug)]
pub(crate) struct PushSlices;

impl Pass for PushSlices {
    fn name(&self) -> &'static str {
        "push_slices"
    }

    fn run(&self, dag: &Dag) -> Option<Dag> {
        let mut last = push_once(dag)?;
        // Every round moves slices down by at least one operation of a finite arena.
        while let Some(next) = push_once(&last) {
            last = next;
        }
        Some(last)
    }
}

fn push_once(dag: &Dag) -> Option<Dag> {
    let uses = dag.use_counts();
    dag.rewrite(|new, id, node| {
        let old_input = dag.node(id).inputs.first().copied();
        let sole_user = old_input.is_some_and(|input| uses[input.index()] == 1);
        pushed(new, &node, sole_user).unwrap_or_else(|| new.keep(node))
    })
}

fn pushed(new: &mut Dag, node: &Node, sole_user: bool) -> Option<NodeId> {
    let Op::Slice(slice) = &node.op else { return None };
    let input = new.node(node.inputs[0]).clone();
    // What costs nothing may be done twice.
    let is_free = matches!(input.op, Op::Source(_) | Op::Slice(_) | Op::View(_) | Op::Full(_) | Op::Concat(_));
    let ranges: Vec<AxisRange> = slice.ranges.iter().copied().collect::<Option<_>>()?;
    if !sole_user && !is_free {
        return None;
    }
    // A slice drops empty blocks where it does not take all of an axis, which parts of it may do: the promise stands.
    let moved = input.op.spec().push_slice(new, &input, &ranges)?;
    (new.meta(moved).grid == node.meta.grid).then_some(moved)
}
