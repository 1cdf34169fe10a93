//! A view of a view is one view.

use super::Pass;
use crate::graph::dag::Dag;
use crate::graph::ops::{Op, ViewOp, compose_axes};

/// Replaces a view of a view by one view of what the inner one shows.
#[derive(Debug)]
pub(crate) struct MergeViews;

impl Pass for MergeViews {
    fn run(&self, dag: &Dag) -> Option<Dag> {
        dag.rewrite(|new, _, node| {
            let Op::View(outer) = &node.op else { return new.keep(node) };
            let input = new.node(node.inputs[0]).clone();
            let Op::View(inner) = &input.op else { return new.keep(node) };
            let axes = compose_axes(&outer.axes, &inner.axes);
            new.add(ViewOp { axes }.into(), input.inputs, node.meta)
        })
    }
}
