//! Where the elements of a block go: a sink accepts them in row-major order, cut into pieces as it pleases the sender.
//!
//! [`Lift`] is the sink that makes the partial result of one reduction. [`Lifter`] is its only implementation: it
//! knows the [`Frame`], converts element types, counts, and hands each stretch to the loops of a [`Loops`].

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

use super::counts::Counts;
use super::frame::Frame;
use super::loops::{GROUP, Loops, Row};
use super::machine::Machine;
use super::take;
use crate::block::Block;
use crate::element::Element;
use crate::element::cast::CastTo;
use crate::error::{Error, Result};

/// Accepts the elements of one block.
pub(crate) trait Sink<T> {
    /// Elements `position`, `position + 1`, .. of the block in row-major order. `take` tells which take part.
    fn tile(&mut self, position: usize, xs: &[T], take: Option<&[bool]>);

    /// Eight whole lines in a row, the first of which starts at `position`: see [`Frame`]. Lines are rows of cells, the
    /// visit number of the first is a multiple of eight, and the eighth belongs to the same sweep.
    fn rows(&mut self, position: usize, lines: [&[T]; GROUP]);

    /// Whether the remaining elements of the block cannot change the result.
    fn is_settled(&self) -> bool {
        false
    }
}

/// Makes the partial result of one reduction.
pub(crate) trait Lift<T>: Sink<T> + Send {
    /// The same as a sink.
    fn as_sink(&mut self) -> &mut dyn Sink<T>;

    /// The parts of the partial result.
    fn into_parts(self: Box<Self>) -> Vec<Block>;
}

/// A [`Lift`] of a type that is known at run time only.
pub(crate) struct AnyLift(Box<dyn Any + Send>);

impl AnyLift {
    pub(super) fn new<T: Element>(lift: impl Lift<T> + 'static) -> Self {
        let lift: Box<dyn Lift<T>> = Box::new(lift);
        AnyLift(Box::new(lift))
    }

    /// The lift for elements of type `T`.
    pub(crate) fn typed<T: Element>(self) -> Result<Box<dyn Lift<T>>> {
        let typed = self.0.downcast::<Box<dyn Lift<T>>>();
        typed.map(|lift| *lift).map_err(|_| Error::bug("reduce", format!("not a reduction of {}", T::DTYPE)))
    }
}

/// How pieces of `T` become pieces of what the loops read.
pub(super) trait Via<T, U>: Send + 'static {
    /// The piece itself, if it needs no conversion.
    fn as_is(xs: &[T]) -> Option<&[U]>;

    /// The converted elements.
    fn convert(machine: Machine, out: &mut [U], xs: &[T]);
}

/// The loops read the elements as they are.
pub(super) struct Direct;

impl<T: Element> Via<T, T> for Direct {
    #[inline]
    fn as_is(xs: &[T]) -> Option<&[T]> {
        Some(xs)
    }

    fn convert(_machine: Machine, out: &mut [T], xs: &[T]) {
        out.copy_from_slice(xs);
    }
}

/// The loops read elements of another type, as `astype` makes them.
pub(super) struct Cast;

impl<T: Element + CastTo<U>, U: Element> Via<T, U> for Cast {
    #[inline]
    fn as_is(_xs: &[T]) -> Option<&[U]> {
        None
    }

    fn convert(machine: Machine, out: &mut [U], xs: &[T]) {
        take::cast(machine, out, xs);
    }
}

/// Pieces that are read more than once, or copied, stay within the first cache level.
const PIECE_ELEMS: usize = 1024;
/// Between two pieces of a line a settled reduction may stop.
const STRIDE_ELEMS: usize = 16 << 10;

/// The sink of one reduction over one block.
pub(super) struct Lifter<T, L: Loops, V> {
    machine: Machine,
    frame: Arc<Frame>,
    loops: L,
    counts: Counts,
    cursor: Cursor,
    scratch: Vec<L::In>,
    via: PhantomData<(fn(T), V)>,
}

/// Where the next element lies.
#[derive(Clone, Copy, Default)]
struct Cursor {
    position: usize,
    /// The number of the line, and of the element in the line.
    line: usize,
    within: usize,
    /// The cell of the line, or the first of its row.
    cell: usize,
    /// Whether elements of the line have gone to a cell that does not know yet that the line is over.
    is_open: bool,
}

impl<T, L: Loops, V> Lifter<T, L, V> {
    pub(super) fn new(machine: Machine, frame: Arc<Frame>, loops: L, counts: Counts) -> Self {
        let cursor = Cursor::default();
        Lifter { machine, frame, loops, counts, cursor, scratch: Vec::new(), via: PhantomData }
    }

    /// Pieces of any length, of the type that the loops read.
    fn walk(&mut self, position: usize, mut xs: &[L::In], mut take: Option<&[bool]>) {
        if !xs.is_empty() {
            self.seek(position);
        }
        while !xs.is_empty() {
            let n = if take.is_none() && self.cursor.within == 0 { self.walk_lines(xs) } else { 0 };
            let n = if n > 0 { n } else { self.walk_piece(xs, take) };
            xs = &xs[n..];
            take = take.map(|take| &take[n..]);
        }
    }

    fn seek(&mut self, position: usize) {
        if self.cursor.position != position {
            self.end_line();
            let len = self.frame.line_len();
            self.move_to(position / len, position % len);
        }
    }

    fn move_to(&mut self, line: usize, within: usize) {
        let position = line * self.frame.line_len() + within;
        self.cursor = Cursor { position, line, within, cell: self.frame.line_cell(line), is_open: false };
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.cursor.is_open) {
            self.loops.end_line(self.cursor.cell);
        }
    }

    /// Handles as many whole lines at once as the loops can; returns the number of elements.
    fn walk_lines(&mut self, xs: &[L::In]) -> usize {
        let (len, n_visits) = (self.frame.line_len(), self.frame.n_visits());
        let (Cursor { position, line, cell, .. }, visit) = (self.cursor, self.cursor.line % n_visits);
        if !self.frame.lines_are_cells() {
            if !visit.is_multiple_of(GROUP) || n_visits - visit < GROUP || xs.len() < GROUP * len {
                return 0;
            }
            let lines = std::array::from_fn(|i| &xs[i * len..(i + 1) * len]);
            self.group(Row { first: cell, position, visit, n_visits }, lines);
            return GROUP * len;
        }
        let n_lines = (n_visits - visit).min(xs.len() / len);
        if n_lines == 0 || len > STRIDE_ELEMS || self.counts.read_elements() {
            return 0;
        }
        self.loops.lines(cell, position, &xs[..n_lines * len], len);
        for i in 0..n_lines {
            self.counts.line(cell + i, &xs[i * len..(i + 1) * len], None);
        }
        self.move_to(line + n_lines, 0);
        n_lines * len
    }

    fn group(&mut self, row: Row, lines: [&[L::In]; GROUP]) {
        self.loops.rows(row, self.frame.line_len(), lines);
        for line in lines {
            self.counts.row(row.first, line, None);
        }
        self.move_to(self.cursor.line + GROUP, 0);
    }

    /// Handles a piece of the current line; returns the number of elements.
    fn walk_piece(&mut self, xs: &[L::In], take: Option<&[bool]>) -> usize {
        let Cursor { position, line, within, cell, .. } = self.cursor;
        let longest = if self.counts.read_elements() || take.is_some() { PIECE_ELEMS } else { STRIDE_ELEMS };
        let n = xs.len().min(self.frame.line_len() - within).min(longest);
        let (xs, take) = (&xs[..n], take.map(|take| &take[..n]));
        if self.frame.lines_are_cells() {
            if !self.loops.is_settled(cell) {
                self.loops.line(cell, position, xs, take);
            }
            self.counts.line(cell, xs, take);
            self.cursor.is_open = true;
        } else {
            let n_visits = self.frame.n_visits();
            let row = Row { first: cell + within, position, visit: line % n_visits, n_visits };
            self.loops.row(row, xs, take);
            self.counts.row(cell + within, xs, take);
        }
        self.cursor.position += n;
        self.cursor.within += n;
        if self.cursor.within == self.frame.line_len() {
            self.end_line();
            self.move_to(line + 1, 0);
        }
        n
    }
}

impl<T, L: Loops, V: Via<T, L::In>> Sink<T> for Lifter<T, L, V> {
    fn tile(&mut self, position: usize, xs: &[T], take: Option<&[bool]>) {
        if let Some(xs) = V::as_is(xs) {
            self.walk(position, xs, take);
            return;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.resize(PIECE_ELEMS, L::In::zero());
        for (i, piece) in xs.chunks(PIECE_ELEMS).enumerate() {
            let (start, converted) = (i * PIECE_ELEMS, &mut scratch[..piece.len()]);
            V::convert(self.machine, converted, piece);
            self.walk(position + start, converted, take.map(|take| &take[start..start + piece.len()]));
        }
        self.scratch = scratch;
    }

    fn rows(&mut self, position: usize, lines: [&[T]; GROUP]) {
        let as_they_are = lines.map(V::as_is);
        if as_they_are.iter().any(Option::is_none) {
            let len = self.frame.line_len();
            for (i, line) in lines.into_iter().enumerate() {
                self.tile(position + i * len, line, None);
            }
            return;
        }
        self.seek(position);
        let n_visits = self.frame.n_visits();
        let row = Row { first: self.cursor.cell, position, visit: self.cursor.line % n_visits, n_visits };
        self.group(row, as_they_are.map(Option::unwrap_or_default));
    }

    fn is_settled(&self) -> bool {
        self.frame.n_cells() == 1 && self.loops.is_settled(0)
    }
}

impl<T, L: Loops, V: Via<T, L::In>> Lift<T> for Lifter<T, L, V>
where
    Self: Send,
{
    fn as_sink(&mut self) -> &mut dyn Sink<T> {
        self
    }

    fn into_parts(mut self: Box<Self>) -> Vec<Block> {
        self.end_line();
        let shape = self.frame.kept_shape();
        let mut parts = self.loops.into_parts(&shape);
        parts.extend(self.counts.into_part(&self.frame));
        parts
    }
}
