//! Expressions as SVG pictures: one row per depth, sources at the bottom.
//!
//! Meant for graphs that fit a page; larger ones are for [`to_dot`](super::to_dot) and Graphviz, which minimises
//! crossings.

use std::fmt::Write;
use std::sync::Arc;

use crate::error::Result;
use crate::graph::dag::Dag;
use crate::graph::expr::Expr;
use crate::graph::optimize::optimize;

const BOX_WIDTH: usize = 250;
const BOX_HEIGHT: usize = 46;
const GAP_X: usize = 24;
const GAP_Y: usize = 44;
const MAX_TITLE_CHARS: usize = 40;

/// The operations after all passes.
pub(crate) fn to_svg(exprs: &[Arc<Expr>]) -> Result<String> {
    let dag = optimize(Dag::from_exprs(exprs));
    let depths = super::depths(&dag);
    let n_rows = depths.iter().max().map_or(1, |&depth| depth + 1);
    let mut in_row = vec![0usize; n_rows];
    let places: Vec<(usize, usize)> = depths
        .iter()
        .map(|&depth| {
            in_row[depth] += 1;
            (in_row[depth] - 1, depth)
        })
        .collect();
    let n_columns = in_row.iter().copied().max().unwrap_or(1);
    let (width, height) = (n_columns * (BOX_WIDTH + GAP_X) + GAP_X, n_rows * (BOX_HEIGHT + GAP_Y) + GAP_Y);
    // Rows are centred; depth 0 lies at the bottom.
    let corner = |(column, depth): (usize, usize)| {
        let row_width = in_row[depth] * (BOX_WIDTH + GAP_X) - GAP_X;
        let x = (width - row_width) / 2 + column * (BOX_WIDTH + GAP_X);
        (x, height - (depth + 1) * (BOX_HEIGHT + GAP_Y))
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (id, node) in dag.nodes() {
        let (x, y) = corner(places[id.index()]);
        for input in &node.inputs {
            let (from_x, from_y) = corner(places[input.index()]);
            // Writing to a string cannot fail.
            let _ = writeln!(
                svg,
                "<line x1=\"{}\" y1=\"{from_y}\" x2=\"{}\" y2=\"{}\" stroke=\"#888\"/>",
                from_x + BOX_WIDTH / 2,
                x + BOX_WIDTH / 2,
                y + BOX_HEIGHT
            );
        }
    }
    for (id, node) in dag.nodes() {
        let (title, meta) = super::label(node);
        let is_wanted = dag.outputs().contains(&id);
        draw_box(&mut svg, corner(places[id.index()]), &title, &meta, is_wanted);
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

fn draw_box(svg: &mut String, (x, y): (usize, usize), title: &str, meta: &str, is_wanted: bool) {
    let fill = if is_wanted { "#d5e8d4" } else { "#eef2fa" };
    let _ = writeln!(
        svg,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"6\" fill=\"{fill}\" \
         stroke=\"#345\"/>\n<text x=\"{0}\" y=\"{1}\" text-anchor=\"middle\" font-weight=\"bold\">{2}</text>\n\
         <text x=\"{0}\" y=\"{3}\" text-anchor=\"middle\" fill=\"#456\">{4}</text>",
        x + BOX_WIDTH / 2,
        y + 18,
        shown(title),
        y + 35,
        shown(meta)
    );
}

/// Shortened and safe inside XML.
fn shown(text: &str) -> String {
    let line = text.replace('\n', " ");
    let short: String = if line.chars().count() > MAX_TITLE_CHARS {
        line.chars().take(MAX_TITLE_CHARS - 1).chain(['…']).collect()
    } else {
        line
    };
    short.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
