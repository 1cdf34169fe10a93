//! Hands the elements of a dense view to a taker, in row-major order whatever the strides.

use ndarray::{ArrayView2, ArrayViewD, Axis};

use super::frame::Frame;
use super::loops::GROUP;
use super::program::One;
use super::sink::Taker;
use crate::element::{DType, Element};
use crate::error::Result;
use crate::kernels::prefetch::{Ahead, prefetch};
use crate::kernels::program::{Operand, Program, TileRef};

/// Rows in memory shorter than this are better gathered.
const MIN_ROW_ELEMS: usize = 64;

/// Hands over all elements of `view`; `take` tells which take part.
pub(super) fn send<T: Element>(
    view: &ArrayViewD<'_, T>,
    take: Option<&ArrayViewD<'_, bool>>,
    frame: &Frame,
    taker: &mut dyn Taker,
) -> Result<()> {
    let Some(take) = take else { return send_all(view, frame, taker) };
    let operands = [Operand::new(view), Operand::new(take)];
    Program::identity(&[T::DTYPE, DType::Bool]).for_each_tile(
        &operands,
        frame.shape(),
        frame.reduced(),
        &mut One { taker, value: 0, mask: Some(1) },
    )
}

fn send_all<T: Element>(view: &ArrayViewD<'_, T>, frame: &Frame, taker: &mut dyn Taker) -> Result<()> {
    if let Some(xs) = view.as_slice() {
        taker.tile(0, TileRef::new(xs), None);
        return Ok(());
    }
    if view.shape().last() >= Some(&MIN_ROW_ELEMS) && view.strides().last() == Some(&1) {
        send_rows(view, frame, taker);
        return Ok(());
    }
    let mut sink = One { taker, value: 0, mask: None };
    Program::identity(&[T::DTYPE]).for_each_tile(&[Operand::new(view)], frame.shape(), frame.reduced(), &mut sink)
}

/// Hands over rows that lie apart in memory: parts of a larger array.
fn send_rows<T: Element>(view: &ArrayViewD<'_, T>, frame: &Frame, taker: &mut dyn Taker) {
    let row_len = view.shape().last().copied().unwrap_or(1);
    let rows_are_lines = !frame.lines_are_cells() && row_len == frame.line_len();
    let mut rows = RowsOf { taker, frame, rows_are_lines, position: 0, visit: 0 };
    rows.send(view.view());
}

/// Where the next row of a block goes.
struct RowsOf<'a> {
    taker: &'a mut dyn Taker,
    frame: &'a Frame,
    rows_are_lines: bool,
    position: usize,
    /// Which visit of its cells the row is, where rows are lines.
    visit: usize,
}

impl RowsOf<'_> {
    /// Hands over the rows of a part of the block; whether more are wanted.
    fn send<T: Element>(&mut self, view: ArrayViewD<'_, T>) -> bool {
        if view.ndim() > 2 {
            return view.outer_iter().all(|part| self.send(part));
        }
        let plane = if view.ndim() == 2 { view } else { view.insert_axis(Axis(0)) };
        plane.into_dimensionality().is_ok_and(|plane| self.send_plane(plane))
    }

    fn send_plane<T: Element>(&mut self, plane: ArrayView2<'_, T>) -> bool {
        let row_bytes = plane.strides()[0] * size_of::<T>() as isize;
        self.taker.look_ahead(Ahead::bytes(row_bytes));
        let mut rows = plane.outer_iter();
        while let Some(xs) = rows.next().and_then(|row| row.to_slice()) {
            let n_left = (self.frame.n_visits() - self.visit).min(1 + rows.len());
            if self.rows_are_lines && self.visit.is_multiple_of(GROUP) && n_left >= GROUP {
                let mut next = || rows.next().and_then(|row| row.to_slice()).unwrap_or_default();
                let lines = std::array::from_fn(|i| if i == 0 { xs } else { next() });
                self.taker.rows(self.position, lines.map(TileRef::new));
                self.advance(GROUP, xs.len());
            } else {
                if !self.frame.lines_are_cells() {
                    prefetch(xs.as_ptr().cast::<u8>().wrapping_offset(row_bytes), size_of_val(xs));
                }
                self.taker.tile(self.position, TileRef::new(xs), None);
                self.advance(1, xs.len());
            }
            if self.taker.is_settled() {
                return false;
            }
        }
        true
    }

    fn advance(&mut self, n_rows: usize, row_len: usize) {
        self.position += n_rows * row_len;
        self.visit = (self.visit + n_rows) % self.frame.n_visits();
    }
}
