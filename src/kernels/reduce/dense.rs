//! Hands the elements of a dense view to a lift, in row-major order whatever the strides.

use ndarray::ArrayViewD;

use super::frame::Frame;
use super::loops::GROUP;
use super::program::One;
use super::sink::Lift;
use crate::element::{DType, Element};
use crate::error::Result;
use crate::kernels::prefetch::prefetch;
use crate::kernels::program::{Operand, Program, TileRef};

/// Rows in memory shorter than this are better gathered.
const MIN_ROW_ELEMS: usize = 64;

/// Hands over all elements of `view`; `take` tells which take part.
pub(super) fn send<T: Element>(
    view: &ArrayViewD<'_, T>,
    take: Option<&ArrayViewD<'_, bool>>,
    frame: &Frame,
    lift: &mut dyn Lift,
) -> Result<()> {
    let Some(take) = take else { return send_all(view, frame, lift) };
    let operands = [Operand::new(view), Operand::new(take)];
    Program::identity(&[T::DTYPE, DType::Bool]).for_each_tile(
        &operands,
        frame.shape(),
        frame.reduced(),
        &mut One { lift, value: 0, mask: Some(1) },
    )
}

fn send_all<T: Element>(view: &ArrayViewD<'_, T>, frame: &Frame, lift: &mut dyn Lift) -> Result<()> {
    if let Some(xs) = view.as_slice() {
        lift.tile(0, TileRef::new(xs), None);
        return Ok(());
    }
    if view.shape().last() >= Some(&MIN_ROW_ELEMS) && view.strides().last() == Some(&1) {
        send_rows(view, frame, lift);
        return Ok(());
    }
    let mut sink = One { lift, value: 0, mask: None };
    Program::identity(&[T::DTYPE]).for_each_tile(&[Operand::new(view)], frame.shape(), frame.reduced(), &mut sink)
}

/// Hands over rows that lie apart in memory: parts of a larger array.
fn send_rows<T: Element>(view: &ArrayViewD<'_, T>, frame: &Frame, lift: &mut dyn Lift) {
    let row_len = view.shape().last().copied().unwrap_or(1);
    let rows_are_lines = !frame.lines_are_cells() && row_len == frame.line_len();
    let mut rows = view.rows().into_iter().filter_map(|row| row.to_slice()).peekable();
    let (mut position, mut visit) = (0, 0);
    while let Some(xs) = rows.next() {
        // A group never reaches beyond its sweep, so the rows are there.
        let n = if rows_are_lines && visit % GROUP == 0 && frame.n_visits() - visit >= GROUP { GROUP } else { 1 };
        if n == GROUP {
            let lines = std::array::from_fn(|i| if i == 0 { xs } else { rows.next().unwrap_or_default() });
            lift.rows(position, lines.map(TileRef::new));
        } else {
            if let Some(next) = rows.peek() {
                prefetch(next.as_ptr().cast(), size_of_val(*next));
            }
            lift.tile(position, TileRef::new(xs), None);
        }
        if lift.is_settled() {
            return;
        }
        position += n * row_len;
        visit = (visit + n) % frame.n_visits();
    }
}
