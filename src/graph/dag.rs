//! An expression as an arena: what passes rewrite.
//!
//! Nodes stand in an order in which inputs come before users, and equal names appear once, so building a [`Dag`] removes
//! common subexpressions.

use std::collections::HashMap;
use std::sync::Arc;

use super::expr::{Expr, name_of, post_order};
use super::name::Name;
use super::ops::Op;
use crate::block::ArrayMeta;

/// The number of a node in its [`Dag`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(pub u32);

impl NodeId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// One operation of a [`Dag`].
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub op: Op,
    pub inputs: Vec<NodeId>,
    pub meta: ArrayMeta,
    pub name: Name,
}

/// Operations in topological order, and the ones whose results are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dag {
    nodes: Vec<Node>,
    outputs: Vec<NodeId>,
    by_name: HashMap<Name, NodeId>,
}

impl Dag {
    /// The nodes below `roots`; output `i` is `roots[i]`.
    pub(crate) fn from_exprs(roots: &[Arc<Expr>]) -> Dag {
        let mut dag = Dag::default();
        for expr in post_order(roots) {
            let inputs = expr.inputs().iter().map(|input| dag.by_name[&input.name()]).collect();
            dag.insert(Node { op: expr.op().clone(), inputs, meta: expr.meta().clone(), name: expr.name() });
        }
        dag.outputs = roots.iter().map(|root| dag.by_name[&root.name()]).collect();
        dag
    }

    fn insert(&mut self, node: Node) -> NodeId {
        if let Some(&id) = self.by_name.get(&node.name) {
            return id;
        }
        let id = NodeId(self.nodes.len() as u32);
        self.by_name.insert(node.name, id);
        self.nodes.push(node);
        id
    }

    /// Adds an operation, or finds the equal one that is there already.
    pub(crate) fn add(&mut self, op: Op, inputs: Vec<NodeId>, meta: ArrayMeta) -> NodeId {
        let name = name_of(&op, inputs.iter().map(|&input| self.node(input).name), &meta);
        self.insert(Node { op, inputs, meta, name })
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    pub(crate) fn meta(&self, id: NodeId) -> &ArrayMeta {
        &self.nodes[id.index()].meta
    }

    pub(crate) fn nodes(&self) -> impl DoubleEndedIterator<Item = (NodeId, &Node)> + ExactSizeIterator {
        self.nodes.iter().enumerate().map(|(i, node)| (NodeId(i as u32), node))
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn outputs(&self) -> &[NodeId] {
        &self.outputs
    }

    /// How many inputs and outputs read each node.
    pub(crate) fn use_counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.nodes.len()];
        let inputs = self.nodes.iter().flat_map(|node| &node.inputs);
        for id in inputs.chain(&self.outputs) {
            counts[id.index()] += 1;
        }
        counts
    }

    /// Rewrites the arena node by node: `rewrite` sees each node with its inputs already renumbered for the new arena and
    /// returns the node that takes its place there. Nodes that end up unused are dropped. `None` if nothing changed.
    pub(crate) fn rewrite(&self, mut rewrite: impl FnMut(&mut Dag, NodeId, Node) -> NodeId) -> Option<Dag> {
        let mut new = Dag::default();
        let mut renumbered: Vec<NodeId> = Vec::with_capacity(self.nodes.len());
        for (id, node) in self.nodes() {
            let mut node = node.clone();
            for input in &mut node.inputs {
                *input = renumbered[input.index()];
            }
            let replacement = rewrite(&mut new, id, node);
            renumbered.push(replacement);
        }
        new.outputs = self.outputs.iter().map(|output| renumbered[output.index()]).collect();
        let new = new.without_unused();
        (!new.is_same(self)).then_some(new)
    }

    /// The nodes below the outputs after `replacement` has put others in the place of some, in a new order in which inputs
    /// come first. Replacements are not replaced again, and may stand anywhere in the arena.
    pub(crate) fn replaced(&self, replacement: impl Fn(NodeId) -> NodeId) -> Dag {
        let mut new = Dag::default();
        let mut renumbered: Vec<Option<NodeId>> = vec![None; self.nodes.len()];
        let mut stack: Vec<NodeId> = self.outputs.iter().rev().map(|&output| replacement(output)).collect();
        while let Some(id) = stack.pop() {
            if renumbered[id.index()].is_some() {
                continue;
            }
            let inputs: Vec<NodeId> = self.node(id).inputs.iter().map(|&input| replacement(input)).collect();
            let done: Option<Vec<NodeId>> = inputs.iter().map(|input| renumbered[input.index()]).collect();
            match done {
                Some(inputs) => renumbered[id.index()] = Some(new.insert(Node { inputs, ..self.node(id).clone() })),
                None => {
                    stack.push(id);
                    stack.extend(inputs.iter().rev().filter(|input| renumbered[input.index()].is_none()));
                }
            }
        }
        // Every output was on the stack.
        new.outputs = self.outputs.iter().filter_map(|&output| renumbered[replacement(output).index()]).collect();
        new
    }

    /// Keeps a node as it is, under its new inputs.
    pub(crate) fn keep(&mut self, node: Node) -> NodeId {
        // The name stays that of the original: what it computes has not changed, even where its inputs are cheaper now.
        self.insert(node)
    }

    pub(crate) fn is_same(&self, other: &Dag) -> bool {
        let names = |dag: &Dag| dag.nodes.iter().map(|node| node.name).collect::<Vec<_>>();
        self.outputs == other.outputs
            && names(self) == names(other)
            && self.nodes.iter().zip(&other.nodes).all(|(a, b)| a.inputs == b.inputs && a.op.same_kind(&b.op))
    }

    /// Drops the nodes that no output needs.
    pub(crate) fn without_unused(self) -> Dag {
        let mut needed = vec![false; self.nodes.len()];
        for output in &self.outputs {
            needed[output.index()] = true;
        }
        for (id, node) in self.nodes().rev() {
            if needed[id.index()] {
                node.inputs.iter().for_each(|input| needed[input.index()] = true);
            }
        }
        let mut new = Dag::default();
        let mut renumbered = vec![NodeId(u32::MAX); self.nodes.len()];
        for (i, mut node) in self.nodes.into_iter().enumerate().filter(|(i, _)| needed[*i]) {
            node.inputs.iter_mut().for_each(|input| *input = renumbered[input.index()]);
            renumbered[i] = new.insert(node);
        }
        new.outputs = self.outputs.iter().map(|output| renumbered[output.index()]).collect();
        new
    }
}
