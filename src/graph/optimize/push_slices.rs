//! Slices move towards the sources, so that blocks nobody sees are never made.

use super::Pass;
use crate::chunks::AxisRange;
use crate::graph::dag::{Dag, NodeId};
use crate::graph::ops::Op;

/// Moves each slice below the operation it selects from, where that operation knows how ([`push_slice`]) and its result is
/// not wanted for anything else, until none moves.
///
/// [`push_slice`]: crate::graph::ops::OpSpec::push_slice
#[derive(Debug)]
pub(crate) struct PushSlices;

impl Pass for PushSlices {
    fn run(&self, dag: &Dag) -> Option<Dag> {
        if !dag.nodes().any(|(_, node)| matches!(node.op, Op::Slice(_))) {
            return None;
        }
        let mut descent = Descent::new(dag);
        // Users before inputs: a slice on its way down takes in the slices it meets, so that long chains take one walk.
        for (id, _) in dag.nodes().rev() {
            descent.move_down(id);
        }
        let moved = descent.arena.replaced(|id| descent.replacement(id));
        (!moved.is_same(dag)).then_some(moved)
    }
}

/// Slices on their way down. The arena only grows; what stands for a node that is not used any more is noted beside it.
struct Descent {
    arena: Dag,
    /// How many living nodes and outputs read each node; nodes that nobody reads are not alive.
    uses: Vec<u32>,
    replaced: Vec<Option<NodeId>>,
}

impl Descent {
    fn new(dag: &Dag) -> Self {
        Self { arena: dag.clone(), uses: dag.use_counts(), replaced: vec![None; dag.len()] }
    }

    /// What stands for a node in the end.
    fn replacement(&self, mut id: NodeId) -> NodeId {
        while let Some(next) = self.replaced[id.index()] {
            id = next;
        }
        id
    }

    /// Moves a slice down as far as it goes, and the slices that it becomes.
    fn move_down(&mut self, id: NodeId) {
        let mut slices = vec![id];
        while let Some(id) = slices.pop() {
            if let Some(moved) = self.pushed(id) {
                self.replace(id, moved, &mut slices);
            }
        }
    }

    /// The node that does what a slice does further down; `None` if the node is no slice or stays.
    fn pushed(&mut self, id: NodeId) -> Option<NodeId> {
        let node = self.arena.node(id);
        let Op::Slice(slice) = &node.op else { return None };
        if self.uses[id.index()] == 0 || self.replaced[id.index()].is_some() {
            return None;
        }
        let ranges: Vec<AxisRange> = slice.ranges.iter().copied().collect::<Option<_>>()?;
        let grid = node.meta.grid.clone();
        let input_id = self.replacement(node.inputs[0]);
        let input = self.arena.node(input_id).clone();
        // What costs nothing may be done twice.
        let is_free = matches!(input.op, Op::Source(_) | Op::Slice(_) | Op::View(_) | Op::Full(_) | Op::Concat(_));
        if self.uses[input_id.index()] != 1 && !is_free {
            return None;
        }
        let moved = input.op.spec().push_slice(&mut self.arena, &input, &ranges);
        self.uses.resize(self.arena.len(), 0);
        self.replaced.resize(self.arena.len(), None);
        let moved = self.replacement(moved?);
        // A slice drops empty blocks where it does not take all of an axis, which parts of it may do: the promise stands.
        (moved != id && self.arena.meta(moved).grid == grid).then_some(moved)
    }

    /// Gives the users of a node to another one; slices that come to life are added to `slices`.
    fn replace(&mut self, id: NodeId, moved: NodeId, slices: &mut Vec<NodeId>) {
        let n_users = std::mem::take(&mut self.uses[id.index()]);
        self.replaced[id.index()] = Some(moved);
        let mut gained = vec![(moved, n_users)];
        while let Some((id, n)) = gained.pop() {
            let was_alive = self.uses[id.index()] > 0;
            self.uses[id.index()] += n;
            if !was_alive {
                slices.push(id);
                gained.extend(self.inputs(id).map(|input| (input, 1)));
            }
        }
        let mut lost: Vec<NodeId> = self.inputs(id).collect();
        while let Some(id) = lost.pop() {
            self.uses[id.index()] -= 1;
            if self.uses[id.index()] == 0 {
                lost.extend(self.inputs(id));
            }
        }
    }

    fn inputs(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        self.arena.node(id).inputs.iter().map(|&input| self.replacement(input))
    }
}
