//! Reductions of the same data share one pass over it.

use std::collections::HashMap;

use super::Pass;
use crate::graph::dag::{Dag, Node, NodeId};
use crate::graph::ops::{MultiReduceOp, Op, PickOp};
use crate::kernels::{LiftItem, ProgramBuilder, ProgramValue};

/// Joins passes over the same operands and axes: their programs become one, and each tile of values feeds all of them.
#[derive(Debug)]
pub(crate) struct MergeReductions;

/// Passes that can be joined agree in all of this.
type Key = (Vec<NodeId>, Vec<Vec<Option<usize>>>, Vec<usize>, u64, crate::chunks::Grid);

/// What a pass becomes: the joined pass, the place of its first item there.
struct Joined {
    first: NodeId,
    offsets: HashMap<NodeId, usize>,
}

impl Pass for MergeReductions {
    fn run(&self, dag: &Dag) -> Option<Dag> {
        let mut families: HashMap<Key, Vec<NodeId>> = HashMap::new();
        for (id, node) in dag.nodes() {
            if let Op::MultiReduce(op) = &node.op {
                let key = (node.inputs.clone(), op.operands.clone(), op.axes.clone(), op.split_every, op.grid.clone());
                families.entry(key).or_default().push(id);
            }
        }
        let joined: Vec<(Vec<NodeId>, MultiReduceOp, Joined)> =
            families.into_values().filter(|ids| ids.len() > 1).map(|ids| join(dag, ids)).collect();
        let place_of = |id: NodeId| joined.iter().find_map(|(_, _, j)| j.offsets.get(&id).map(|&at| (j.first, at)));
        let mut made: HashMap<NodeId, NodeId> = HashMap::new();
        dag.rewrite(|new, id, node| match &node.op {
            Op::MultiReduce(_) => match joined.iter().find(|(ids, _, _)| ids.contains(&id)) {
                Some((ids, op, _)) if ids[0] == id => {
                    let meta = op.meta(&node.meta);
                    let pass = new.add(op.clone().into(), node.inputs, meta);
                    made.insert(id, pass);
                    pass
                }
                // Its readers find the joined pass, which stands before: passes of a family read the same inputs.
                Some((ids, _, _)) => made[&ids[0]],
                None => new.keep(node),
            },
            Op::Pick(pick) => match place_of(dag.node(id).inputs[0]) {
                Some((first, offset)) => {
                    let pick = PickOp { item: pick.item + offset, ..pick.clone() };
                    new.keep(Node { op: pick.into(), inputs: vec![made[&first]], ..node })
                }
                None => new.keep(node),
            },
            _ => new.keep(node),
        })
    }
}

fn join(dag: &Dag, ids: Vec<NodeId>) -> (Vec<NodeId>, MultiReduceOp, Joined) {
    let mut items: Vec<LiftItem> = Vec::new();
    let mut outputs: Vec<ProgramValue> = Vec::new();
    let mut offsets = HashMap::new();
    let mut builder = ProgramBuilder::new();
    let inputs: Vec<ProgramValue> =
        dag.node(ids[0]).inputs.iter().map(|&input| builder.input(dag.meta(input).dtype)).collect();
    let mut is_identity = true;
    let mut common = None;
    for &id in &ids {
        let Op::MultiReduce(op) = &dag.node(id).op else { unreachable!("families hold passes") };
        offsets.insert(id, items.len());
        let values = match &op.program {
            Some(program) => {
                is_identity = false;
                // The program was checked against its operands when the expression was built.
                builder.append(program, &inputs).expect("a program fits its own operands")
            }
            None => vec![inputs[0]],
        };
        let mut place = |value: usize| {
            outputs.iter().position(|&other| other == values[value]).unwrap_or_else(|| {
                outputs.push(values[value]);
                outputs.len() - 1
            })
        };
        for item in &op.items {
            items.push(LiftItem { value: place(item.value), mask: item.mask.map(&mut place), ..*item });
        }
        common.get_or_insert_with(|| op.clone());
    }
    let first = ids[0];
    // Families are never empty.
    let op = common.map(|op| MultiReduceOp { program: (!is_identity).then(|| builder.finish(&outputs)), items, ..op });
    let op = op.expect("a family has at least two passes");
    (ids, op, Joined { first, offsets })
}
