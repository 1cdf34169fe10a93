//! Drawings of expressions and plans: text, Graphviz's DOT, SVG.

mod dot;
mod svg;
mod text;

pub(crate) use dot::to_dot;
pub(crate) use svg::to_svg;
pub(crate) use text::explain;

use super::dag::{Dag, Node, NodeId};

/// What a node is drawn as: the operation with its parameters, and what it promises.
fn label(node: &Node) -> (String, String) {
    let spec = node.op.spec();
    let params = spec.params();
    let title = if params.is_empty() { spec.name().to_owned() } else { format!("{} [{params}]", spec.name()) };
    (title, node.meta.to_string())
}

/// How far each node stands from the sources.
fn depths(dag: &Dag) -> Vec<usize> {
    let mut depths: Vec<usize> = Vec::with_capacity(dag.len());
    for (_, node) in dag.nodes() {
        let below = node.inputs.iter().map(|input: &NodeId| depths[input.index()] + 1).max();
        depths.push(below.unwrap_or(0));
    }
    depths
}
