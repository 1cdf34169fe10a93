//! Expressions in Graphviz's DOT language.

use std::fmt::Write;
use std::sync::Arc;

use crate::error::Result;
use crate::graph::dag::Dag;
use crate::graph::expr::Expr;
use crate::graph::optimize::optimize;

/// The operations after all passes, sources at the bottom.
pub(crate) fn to_dot(exprs: &[Arc<Expr>]) -> Result<String> {
    let dag = optimize(Dag::from_exprs(exprs));
    let mut text = String::from("digraph expression {\n  rankdir=BT;\n  node [shape=box, fontname=\"sans-serif\"];\n");
    for (id, node) in dag.nodes() {
        let (title, meta) = super::label(node);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  n{} [label=\"{}\\n{}\"];", id.0, escape(&title), escape(&meta));
        for input in &node.inputs {
            let _ = writeln!(text, "  n{} -> n{};", input.0, id.0);
        }
    }
    text.push_str("}\n");
    Ok(text)
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
