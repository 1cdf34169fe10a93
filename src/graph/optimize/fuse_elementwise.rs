//! Chains of elementwise operations become one program.

use std::collections::HashMap;

use super::Pass;
use crate::graph::dag::{Dag, Node, NodeId};
use crate::graph::ops::{ElementwiseOp, Op, compose_axes};
use crate::kernels::ProgramBuilder;

/// Joins elementwise operations that work on the same blocks into one, and reads views (transposes, new axes, broadcasts)
/// and constants in place.
///
/// An operation joins its reader if all its readers are in one group that sees its axes in one arrangement, so that no
/// element is computed twice. A group reads at most [`MAX_OPERANDS`] arrays.
#[derive(Debug)]
pub(crate) struct FuseElementwise;

/// A task holds a block of every operand, so a group must not have too many.
const MAX_OPERANDS: usize = 16;

/// For each axis of a group the axis of a node that it shows.
type Axes = Vec<Option<usize>>;

impl Pass for FuseElementwise {
    fn run(&self, dag: &Dag) -> Option<Dag> {
        let groups = Groups::find(dag);
        let mut fused: HashMap<NodeId, NodeId> = HashMap::new();
        let new = dag.rewrite(|new, id, node| {
            let replacement = match groups.roots.get(&id) {
                Some(members) => fuse(dag, &groups, id, members, new, &fused),
                None => new.keep(node),
            };
            fused.insert(id, replacement);
            replacement
        })?;
        Some(new)
    }
}

/// Which nodes are computed together.
struct Groups {
    /// For each elementwise node its root and how the root's axes show its own.
    member_of: HashMap<NodeId, (NodeId, Axes)>,
    /// The members of each group that is worth rewriting, ascending.
    roots: HashMap<NodeId, Vec<NodeId>>,
}

/// Who reads a node, once views are looked through.
#[derive(Default)]
struct Readers {
    elementwise: Vec<(NodeId, usize)>,
    /// Read by something that needs the array itself.
    is_stored: bool,
}

impl Groups {
    fn find(dag: &Dag) -> Groups {
        let readers = find_readers(dag);
        let mut member_of: HashMap<NodeId, (NodeId, Axes)> = HashMap::new();
        let mut n_operands: HashMap<NodeId, usize> = HashMap::new();
        for (id, node) in dag.nodes().rev() {
            let Op::Elementwise(op) = &node.op else { continue };
            let joined = joins(dag, id, node, &readers[id.index()], &member_of)
                .filter(|(root, _)| n_operands[root] + op.operands.len() <= MAX_OPERANDS + 1);
            match joined {
                Some((root, axes)) => {
                    *n_operands.entry(root).or_default() += op.operands.len().saturating_sub(1);
                    member_of.insert(id, (root, axes));
                }
                None => {
                    n_operands.insert(id, op.operands.len());
                    member_of.insert(id, (id, (0..node.meta.grid.ndim()).map(Some).collect()));
                }
            }
        }
        let mut roots: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
        member_of.iter().for_each(|(&member, (root, _))| roots.entry(*root).or_default().push(member));
        roots.values_mut().for_each(|members| members.sort_unstable());
        Groups { member_of, roots }
    }
}

/// The group that a node joins: that of all its readers.
fn joins(
    dag: &Dag,
    id: NodeId,
    node: &Node,
    readers: &Readers,
    member_of: &HashMap<NodeId, (NodeId, Axes)>,
) -> Option<(NodeId, Axes)> {
    if readers.is_stored || readers.elementwise.is_empty() {
        return None;
    }
    let mut joined: Option<(NodeId, Axes)> = None;
    for &(reader, operand) in &readers.elementwise {
        let (root, reader_axes) = member_of.get(&reader)?;
        let (base, own_axes) = operand_of(dag, reader, operand);
        debug_assert_eq!(base, id);
        let axes = compose_axes(reader_axes, &own_axes);
        match &joined {
            None => joined = Some((*root, axes)),
            Some(other) if other.0 == *root && other.1 == axes => {}
            Some(_) => return None,
        }
    }
    let (root, axes) = joined?;
    // Every block of the group needs one whole block of the node: otherwise elements would be computed more than once.
    let root_grid = &dag.node(root).meta.grid;
    let same_blocks = axes.len() == node.meta.grid.ndim()
        && axes.iter().enumerate().all(|(k, axis)| axis.is_some_and(|a| node.meta.grid.axis(a) == root_grid.axis(k)));
    same_blocks.then_some((root, axes))
}

fn find_readers(dag: &Dag) -> Vec<Readers> {
    let mut readers: Vec<Readers> = (0..dag.len()).map(|_| Readers::default()).collect();
    // A view stands for its input only if elementwise operations alone read it.
    for &output in dag.outputs() {
        readers[output.index()].is_stored = true;
    }
    for (id, node) in dag.nodes().rev() {
        match &node.op {
            Op::Elementwise(op) => {
                for operand in 0..op.operands.len() {
                    readers[operand_of(dag, id, operand).0.index()].elementwise.push((id, operand));
                }
            }
            Op::View(_) if !readers[id.index()].is_stored => {}
            _ => node.inputs.iter().for_each(|input| readers[input.index()].is_stored = true),
        }
    }
    readers
}

/// The array behind an operand, once views are looked through, and how the reader's axes show its own.
fn operand_of(dag: &Dag, reader: NodeId, operand: usize) -> (NodeId, Axes) {
    let node = dag.node(reader);
    let Op::Elementwise(op) = &node.op else { unreachable!("readers are elementwise") };
    let mut base = node.inputs[operand];
    let mut axes = op.operands[operand].clone();
    while let Op::View(view) = &dag.node(base).op {
        axes = compose_axes(&axes, &view.axes);
        base = dag.node(base).inputs[0];
    }
    (base, axes)
}

/// Writes the program of a group.
fn fuse(
    dag: &Dag,
    groups: &Groups,
    root: NodeId,
    members: &[NodeId],
    new: &mut Dag,
    fused: &HashMap<NodeId, NodeId>,
) -> NodeId {
    let mut builder = ProgramBuilder::new();
    let mut values = HashMap::new();
    let mut leaves: HashMap<(NodeId, Axes), _> = HashMap::new();
    let (mut inputs, mut operands) = (Vec::new(), Vec::new());
    for &member in members {
        let node = dag.node(member);
        let Op::Elementwise(op) = &node.op else { unreachable!("members are elementwise") };
        let member_axes = &groups.member_of[&member].1;
        let mut args = Vec::with_capacity(op.operands.len());
        for operand in 0..op.operands.len() {
            let (base, axes) = operand_of(dag, member, operand);
            let value = match (values.get(&base), &dag.node(base).op) {
                (Some(&value), _) => value,
                (None, Op::Full(full)) => builder.constant(full.value),
                (None, _) => {
                    let axes = compose_axes(member_axes, &axes);
                    *leaves.entry((base, axes.clone())).or_insert_with(|| {
                        inputs.push(fused[&base]);
                        operands.push(axes);
                        builder.input(dag.meta(base).dtype)
                    })
                }
            };
            args.push(value);
        }
        // The program was checked against its operands when the expression was built.
        let outputs = builder.append(&op.program, &args).expect("a program fits its own operands");
        values.insert(member, outputs[0]);
    }
    let op = ElementwiseOp { program: builder.finish(&[values[&root]]), operands };
    let node = dag.node(root);
    new.keep(Node { op: op.into(), inputs, ..node.clone() })
}
