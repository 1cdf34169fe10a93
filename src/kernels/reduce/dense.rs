//! Hands the elements of a dense view to a sink, in row-major order whatever the strides.

use ndarray::ArrayViewD;

use super::frame::Frame;
use super::loops::GROUP;
use super::sink::Sink;
use crate::element::Element;

/// Elements of a strided view that are gathered before they are handed over.
const GATHER_ELEMS: usize = 512;

/// Hands over all elements of `view`; `take` tells which take part.
pub(super) fn send<T: Element>(
    view: &ArrayViewD<'_, T>,
    take: Option<&ArrayViewD<'_, bool>>,
    frame: &Frame,
    sink: &mut dyn Sink<T>,
) {
    let Some(take) = take else { return send_all(view, frame, sink) };
    match (view.as_slice(), take.as_slice()) {
        (Some(xs), Some(take)) => sink.tile(0, xs, Some(take)),
        _ => send_gathered(view.iter().copied().zip(take.iter().copied()), sink),
    }
}

fn send_all<T: Element>(view: &ArrayViewD<'_, T>, frame: &Frame, sink: &mut dyn Sink<T>) {
    if let Some(xs) = view.as_slice() {
        return sink.tile(0, xs, None);
    }
    let row_len = view.shape().last().copied().unwrap_or(1);
    let rows_are_slices = row_len >= GROUP && view.strides().last() == Some(&1);
    if !rows_are_slices {
        return send_gathered(view.iter().map(|&x| (x, true)), sink);
    }
    let takes_groups = !frame.lines_are_cells() && row_len == frame.line_len();
    let mut rows = view.rows().into_iter().filter_map(|row| row.to_slice());
    let (mut position, mut line) = (0, 0);
    while let Some(xs) = rows.next() {
        let left = frame.n_visits() - line % frame.n_visits();
        if takes_groups && (line % frame.n_visits()).is_multiple_of(GROUP) && left >= GROUP {
            // A group never reaches beyond its sweep, so the rows are there.
            let lines = std::array::from_fn(|i| if i == 0 { xs } else { rows.next().unwrap_or_default() });
            sink.rows(position, lines);
            line += GROUP;
            position += GROUP * row_len;
        } else {
            sink.tile(position, xs, None);
            line += 1;
            position += row_len;
        }
        if sink.is_settled() {
            return;
        }
    }
}

fn send_gathered<T: Element>(mut elements: impl Iterator<Item = (T, bool)>, sink: &mut dyn Sink<T>) {
    let (mut xs, mut take) = (Vec::with_capacity(GATHER_ELEMS), Vec::with_capacity(GATHER_ELEMS));
    let mut position = 0;
    while !sink.is_settled() {
        xs.clear();
        take.clear();
        for (x, takes) in elements.by_ref().take(GATHER_ELEMS) {
            xs.push(x);
            take.push(takes);
        }
        if xs.is_empty() {
            return;
        }
        sink.tile(position, &xs, Some(&take).filter(|take| take.contains(&false)).map(Vec::as_slice));
        position += xs.len();
    }
}
