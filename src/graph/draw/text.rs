//! Expressions and plans as text.

use std::fmt::Write;
use std::sync::Arc;

use crate::error::Result;
use crate::graph::dag::Dag;
use crate::graph::expr::Expr;
use crate::graph::layer::{Layer, Producer};
use crate::graph::lower::Lowering;
use crate::graph::optimize::optimize;
use crate::graph::plan::Plan;

/// The expression as it was written, as it is after all passes, and the layers of tasks that will run.
pub(crate) fn explain(exprs: &[Arc<Expr>]) -> Result<String> {
    let written = Dag::from_exprs(exprs);
    let optimized = optimize(written.clone());
    let (plan, _) = Lowering::plan(&optimized)?;
    let (n_tasks, bytes) = (plan.n_tasks(), plan.max_task_bytes());
    let mut text = format!("expression\n{}optimized\n{}", dag_text(&written), dag_text(&optimized));
    // Writing to a string cannot fail.
    let _ = writeln!(text, "plan: {n_tasks} tasks, at most {bytes} bytes each\n{}", plan_text(&plan).trim_end());
    Ok(text)
}

/// One line per node: `%2 = add(%0, %1) : float64 (4) chunks (2)`.
pub(crate) fn dag_text(dag: &Dag) -> String {
    let mut text = String::new();
    for (id, node) in dag.nodes() {
        let (title, meta) = super::label(node);
        let inputs: Vec<String> = node.inputs.iter().map(|input| format!("%{}", input.0)).collect();
        let mark = if dag.outputs().contains(&id) { " (wanted)" } else { "" };
        let _ = writeln!(text, "  %{} = {title}({}) : {meta}{mark}", id.0, inputs.join(", "));
    }
    text
}

/// One line per layer: `1 sum: 2 tasks <- 0, memory`.
pub(crate) fn plan_text(plan: &Plan) -> String {
    let mut text = String::new();
    for (number, layer) in plan.layers().iter().enumerate() {
        let n_tasks = plan.n_demanded(number);
        let plural = if n_tasks == 1 { "" } else { "s" };
        let mark = if plan.outputs().contains(&(number as u32)) { " (wanted)" } else { "" };
        let _ = writeln!(text, "  {number} {}: {n_tasks} task{plural}{}{mark}", layer.label, inputs_text(layer));
    }
    text
}

fn inputs_text(layer: &Layer) -> String {
    let inputs = layer.edges.iter().map(|edge| match &edge.from {
        Producer::Layer(number) => number.to_string(),
        Producer::Inline(source) => source.source.format().to_owned(),
    });
    let inputs: Vec<String> = inputs.collect();
    if inputs.is_empty() { String::new() } else { format!(" <- {}", inputs.join(", ")) }
}
