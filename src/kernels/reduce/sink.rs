//! Where the elements of a block go: in row-major order, cut into pieces as it pleases the sender.
//!
//! [`Lift`] takes them without knowing their type. [`Lifter`] is its only implementation: it knows the [`Frame`],
//! converts element types, counts, and hands each stretch to the [`Loops`] of its reduction.

use std::marker::PhantomData;
use std::sync::Arc;

use super::counts::Counts;
use super::frame::Frame;
use super::loops::{GROUP, Loops};
use super::machine::Machine;
use super::take;
use super::walk::{PIECE_ELEMS, Walk};
use crate::block::Block;
use crate::element::Element;
use crate::element::cast::CastTo;
use crate::kernels::prefetch::Ahead;
use crate::kernels::program::TileRef;

/// Makes the partial result of one reduction of one block.
pub(crate) trait Lift: Taker {
    /// Entries in place of a block: cell `cells[i]` has `entries[borders[i]..borders[i + 1]]`, in row-major order. Cells
    /// ascend, and nothing else is handed over. An element's number is that of its entry plus the number of cells.
    fn groups(&mut self, cells: &[usize], borders: &[usize], entries: TileRef<'_>);

    /// The parts of the partial result.
    fn into_parts(self: Box<Self>) -> Vec<Block>;
}

/// Takes the elements of one block.
pub(crate) trait Taker: Send {
    /// Where elements lie that are handed over after those that come now, counted from these.
    fn look_ahead(&mut self, ahead: Ahead);

    /// Elements `position`, `position + 1`, .. of the block in row-major order. `take` tells which take part.
    fn tile(&mut self, position: usize, xs: TileRef<'_>, take: Option<&[bool]>);

    /// Eight whole lines in a row, the first of which starts at `position`: see [`Frame`]. Lines are rows of cells, the
    /// visit number of the first is a multiple of eight, and the eighth belongs to the same sweep.
    fn rows(&mut self, position: usize, lines: [TileRef<'_>; GROUP]);

    /// Whether the remaining elements of the block cannot change the result.
    fn is_settled(&self) -> bool {
        false
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

/// One reduction over one block of `T`.
pub(super) struct Lifter<T, L: Loops, V> {
    walk: Walk<L>,
    scratch: Vec<L::In>,
    ahead: Ahead,
    via: PhantomData<(fn(T), V)>,
}

impl<T, L: Loops, V> Lifter<T, L, V> {
    pub(super) fn new(machine: Machine, frame: Arc<Frame>, loops: L, counts: Counts) -> Self {
        Lifter {
            walk: Walk::new(machine, frame, loops, counts),
            scratch: Vec::new(),
            ahead: Ahead::NONE,
            via: PhantomData,
        }
    }
}

impl<T: Element, L: Loops, V: Via<T, L::In>> Taker for Lifter<T, L, V> {
    fn look_ahead(&mut self, ahead: Ahead) {
        // What is converted is read here, and by the loops from the scratch memory.
        match V::as_is(&[]) {
            Some(_) => self.walk.look_ahead(ahead),
            None => self.ahead = ahead,
        }
    }

    fn tile(&mut self, position: usize, xs: TileRef<'_>, take: Option<&[bool]>) {
        let xs = xs.as_slice::<T>();
        if let Some(xs) = V::as_is(xs) {
            self.walk.elements(position, xs, take);
            return;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.resize(PIECE_ELEMS, L::In::zero());
        for (i, piece) in xs.chunks(PIECE_ELEMS).enumerate() {
            let (start, converted) = (i * PIECE_ELEMS, &mut scratch[..piece.len()]);
            self.ahead.ask(piece);
            V::convert(self.walk.machine, converted, piece);
            self.walk.elements(position + start, converted, take.map(|take| &take[start..start + piece.len()]));
        }
        self.scratch = scratch;
    }

    fn rows(&mut self, position: usize, lines: [TileRef<'_>; GROUP]) {
        let as_they_are = lines.map(|line| V::as_is(line.as_slice::<T>()));
        if as_they_are.iter().any(Option::is_none) {
            let len = self.walk.line_len();
            for (i, line) in lines.into_iter().enumerate() {
                self.tile(position + i * len, line, None);
            }
            return;
        }
        self.walk.lines(position, as_they_are.map(Option::unwrap_or_default));
    }

    fn is_settled(&self) -> bool {
        self.walk.is_settled()
    }
}

impl<T: Element, L: Loops, V: Via<T, L::In>> Lift for Lifter<T, L, V> {
    fn groups(&mut self, cells: &[usize], borders: &[usize], entries: TileRef<'_>) {
        let entries = entries.as_slice::<T>();
        let mut converted = Vec::new();
        let entries = V::as_is(entries).unwrap_or_else(|| {
            converted.resize(entries.len(), L::In::zero());
            V::convert(self.walk.machine, &mut converted, entries);
            &converted
        });
        for (&cell, run) in cells.iter().zip(borders.windows(2)) {
            self.walk.cell(cell, self.walk.n_cells() + run[0], &entries[run[0]..run[1]]);
        }
    }

    fn into_parts(self: Box<Self>) -> Vec<Block> {
        self.walk.into_parts()
    }
}
