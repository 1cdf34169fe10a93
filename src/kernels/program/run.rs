//! The interpreter: walks the operands of a program tile by tile and runs its steps on each tile.
//!
//! # Safety
//!
//! Invariants of this file, which the `SAFETY` notes refer to:
//!
//! 1. *Ports.* A [`Port`] is made from an operand or an output of a [`Bound`], so its base, strides and type are those of
//!    a view of `ndarray` broadcast to the space: every element that an index inside the space names is live and, for an
//!    operand, initialised. Runs go through such indices only. An output is reachable by nobody else; an operand made of
//!    an output by [`OutputMut::as_operand`] is read only into scratch tiles, a tile before it is written.
//! 2. *Places.* `places[p]` points to at least as many elements of the place's type as the tile has, aligned: to a part of
//!    a port's memory whose elements lie side by side, or to a scratch tile, a panel or a constant of `tile_len` elements.
//!    Tiles are longer than `tile_len` only when every place is such a part of a port's memory.
//! 3. *Steps.* A [`Compiled`] program gives each step a kernel for the types of its places, a destination that is none of
//!    its arguments, and arguments that were loaded or written before. Its kernels were picked for a level of this machine.
#![allow(unsafe_code)]

use super::bind::Bound;
use super::compile::{Compiled, Place, Step};
use super::raw::{self, Plane, Scratch};
use super::sink::{Rows, TileAt, TileSink};
use super::walk::{Cut, Pace, Space, advance};
use super::{Operand, OutputMut, Program, TileRef};
use crate::element::dispatch::dispatch_int;
use crate::element::{DType, Element};
use crate::error::{Error, Result};
use crate::kernels::prefetch::prefetch;

impl Program {
    /// Computes the program over a block and writes its outputs, every element once.
    ///
    /// Operands broadcast to `shape`; outputs have it. Elements are computed in the order of the outputs' memory.
    ///
    /// # Errors
    ///
    /// An operand does not fit the program, or an element has no result (an integer to a negative power). Outputs may
    /// have been written in part.
    pub(crate) fn evaluate(
        &self,
        operands: &[Operand<'_>],
        shape: &[usize],
        outputs: &mut [OutputMut<'_>],
    ) -> Result<()> {
        let bound = Bound::to_memory(self, operands, shape, outputs)?;
        let tile_len = bound.compiled().tile_len();
        Run::new(bound, tile_len).for_each_tile(Run::store)
    }

    /// Computes the program over a block in C order and hands each tile of values to a sink; see [`TileSink`].
    ///
    /// # Errors
    ///
    /// As [`evaluate`](Self::evaluate).
    pub(crate) fn for_each_tile(
        &self,
        operands: &[Operand<'_>],
        shape: &[usize],
        reduced: &[bool],
        sink: &mut dyn TileSink,
    ) -> Result<()> {
        let bound = Bound::to_sink(self, operands, shape, reduced)?;
        let (tile_len, kept_steps) = (tile_len_to_sink(&bound), bound.space().kept_steps());
        Run::new(bound, tile_len).for_each_tile(|run, cut| run.hand_over(cut, &kept_steps, sink))
    }
}

impl Program {
    /// An upper bound of the memory that a run allocates for itself, whatever the size of the block.
    ///
    /// # Errors
    ///
    /// The program cannot be compiled: a fault of this crate.
    #[cfg(test)]
    pub(crate) fn scratch_bytes(&self) -> Result<usize> {
        let compiled = self.compiled()?;
        let (n_inputs, n_outputs) = (self.inputs().len(), compiled.outputs().len());
        let tile_bytes = (compiled.tile_len() * compiled.widest_bytes()).next_multiple_of(Scratch::LINE_BYTES);
        Ok((n_inputs + n_outputs + compiled.n_slots()) * tile_bytes + n_inputs * MAX_PANEL_BYTES)
    }
}

/// The length of tiles for a sink. A program that only hands over its inputs needs no short tiles: as long as no operand
/// must be copied, they are the whole block, or rows.
fn tile_len_to_sink(bound: &Bound<'_, '_, '_>) -> usize {
    let (compiled, space) = (bound.compiled(), bound.space());
    let tile_len = compiled.tile_len();
    let mut inputs = 0..bound.inputs().len();
    if !compiled.only_hands_over() {
        tile_len
    } else if inputs.clone().all(|k| space.is_linear(k)) {
        usize::MAX
    } else if inputs.all(|k| space.strides(k).last() == Some(&1)) && space.row_len() > tile_len {
        space.row_len()
    } else {
        tile_len
    }
}

/// One pass over the arrays of a [`Bound`].
struct Run<'r> {
    compiled: &'r Compiled,
    space: Space,
    pace: Pace,
    places: Vec<*mut u8>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    /// The outputs that must be brought to their memory after each tile.
    to_store: Vec<usize>,
    /// The place along the outer axes of the tile's first row.
    index: Vec<usize>,
    cursor: Vec<usize>,
    /// Owns the memory of slots and scratch tiles.
    _scratch: Scratch,
}

/// Ports whose elements lie side by side, or are all the same, throughout a row.
#[derive(Clone, Copy)]
struct Moving {
    place: usize,
    /// Where the row starts.
    row: *mut u8,
    /// 0 where one scratch tile serves for all columns.
    step_bytes: usize,
}

impl<'r> Run<'r> {
    fn new(mut bound: Bound<'r, '_, '_>, tile_len: usize) -> Run<'r> {
        let (compiled, operands) = (bound.compiled(), bound.inputs());
        let n_ports = operands.len() + compiled.outputs().len();
        let scratch_len = tile_len.min(compiled.tile_len());
        let mut scratch = Scratch::new(n_ports + compiled.n_slots(), scratch_len * compiled.widest_bytes());
        let mut places = compiled.first_places();
        places.extend((0..compiled.n_slots()).map(|slot| scratch.tile(n_ports + slot)));
        places.extend((operands.len()..n_ports).map(|port| scratch.tile(port)));
        let space = bound.space().clone();
        let pace = Pace::new(space.row_len(), tile_len);
        let used = operands.iter().enumerate().filter(|(i, _)| compiled.uses_input(*i));
        let inputs = used.map(|(i, operand)| Port::of_operand(operand, i, &space, pace, scratch.tile(i))).collect();
        let outputs = bound.outputs().iter_mut().enumerate();
        let outputs: Vec<Port> = outputs
            .map(|(j, output)| {
                let number = operands.len() + j;
                Port::new(compiled.output_place(j), output.dtype(), output.base(), number, &space, scratch.tile(number))
            })
            .collect();
        let is_done = |j: usize| compiled.outputs()[j] as usize == outputs[j].place && outputs[j].is_in_place(pace);
        Run {
            compiled,
            pace,
            places,
            inputs,
            to_store: (0..outputs.len()).filter(|&j| !is_done(j)).collect(),
            outputs,
            index: vec![0; space.lens.len() - 1],
            cursor: Vec::new(),
            space,
            _scratch: scratch,
        }
    }

    /// Computes all tiles, each followed by a call of `then`, when its outputs lie in the places that the program says.
    fn for_each_tile(&mut self, then: impl FnMut(&mut Self, Cut)) -> Result<()> {
        match self.pace {
            Pace::Pieces { len } => self.for_each_piece(len, then),
            Pace::Rows { count } => self.for_each_group(count, then),
        }
    }

    /// Row by row. What can be done once for a row is: on a tile it would cost as much as an operation.
    fn for_each_piece(&mut self, piece_len: usize, mut then: impl FnMut(&mut Self, Cut)) -> Result<()> {
        let (n_elems, row_len) = (self.space.n_elems(), self.space.row_len());
        let mut moving: Vec<Moving> = Vec::with_capacity(self.inputs.len() + self.outputs.len());
        let mut row_start = 0;
        while row_start < n_elems {
            let has_gathered = self.begin_row(row_start, piece_len, &mut moving);
            self.prefetch_next_row();
            let mut column = 0;
            while column < row_len {
                let cut = Cut { position: row_start + column, column, rows: 1, len: piece_len.min(row_len - column) };
                for port in &moving {
                    self.places[port.place] = port.row.wrapping_add(column * port.step_bytes);
                }
                if has_gathered {
                    self.gather(cut);
                }
                self.execute(cut.len)?;
                then(self, cut);
                column += cut.len;
            }
            row_start += row_len;
            advance(&mut self.index, &self.space.lens, 1);
        }
        Ok(())
    }

    /// Several short rows at a time.
    fn for_each_group(&mut self, count: usize, mut then: impl FnMut(&mut Self, Cut)) -> Result<()> {
        let (n_elems, row_len) = (self.space.n_elems(), self.space.row_len());
        let mut position = 0;
        while position < n_elems {
            let rows = count.min((n_elems - position) / row_len);
            let cut = Cut { position, column: 0, rows, len: rows * row_len };
            for port in self.inputs.iter().chain(&self.outputs) {
                self.places[port.place] = port.linear_start(position).unwrap_or(port.tile);
            }
            self.gather(cut);
            self.execute(cut.len)?;
            then(self, cut);
            position += cut.len;
            advance(&mut self.index, &self.space.lens, rows);
        }
        Ok(())
    }

    /// Finds the ports that move along the row at `index`; whether there are others, whose tiles must be gathered.
    fn begin_row(&mut self, row_start: usize, piece_len: usize, moving: &mut Vec<Moving>) -> bool {
        moving.clear();
        for port in &mut self.inputs {
            moving.extend(port.begin_row(&self.space, &self.index, row_start, piece_len));
        }
        for port in &self.outputs {
            let row = port.row_in_place(&self.space, &self.index, row_start);
            let step_bytes = if row.is_some() { port.dtype.size_bytes() } else { 0 };
            moving.push(Moving { place: port.place, row: row.unwrap_or(port.tile), step_bytes });
        }
        moving.len() < self.inputs.len() + self.outputs.len()
    }

    /// Asks for the rows that come next where they do not follow in memory.
    fn prefetch_next_row(&self) {
        for port in self.inputs.iter().filter(|port| port.moves && port.panel.is_none() && !port.is_linear) {
            if let [.., outer, 1] = *self.space.strides(port.number) {
                let row = port.offset_from_base(self.space.row_offset(port.number, &self.index) + outer);
                prefetch(row, self.space.row_len() * port.dtype.size_bytes());
            }
        }
    }

    /// Copies the elements of a cut to scratch, for the operands where they do not lie side by side.
    fn gather(&mut self, cut: Cut) {
        for input in self.inputs.iter_mut().filter(|input| !input.is_in_place(self.pace) && !input.moves) {
            self.places[input.place] = input.tile;
            input.gather(&self.space, cut, &self.index, &mut self.cursor);
        }
    }

    /// Runs all steps on the tile in the places.
    #[inline(always)]
    fn execute(&self, len: usize) -> Result<()> {
        let place = |place: Place| self.places[place as usize];
        for &step in self.compiled.steps() {
            match step {
                Step::Loop { kernel, dst, args } => {
                    // SAFETY: invariants 2 and 3.
                    unsafe { kernel.call(place(dst), args.map(|arg| place(arg).cast_const()), len) }
                }
                Step::RefuseNegative { dtype, base, exponent } => {
                    // SAFETY: invariants 2 and 3: both places hold integers of this type.
                    let tile = |at: Place| unsafe { TileRef::from_raw(dtype, place(at), len) };
                    refuse_negative(tile(base), tile(exponent))?;
                }
            }
        }
        Ok(())
    }

    /// Brings the outputs to their memory that are not there yet.
    #[inline(always)]
    fn store(&mut self, cut: Cut) {
        for &j in &self.to_store {
            let from = self.places[self.compiled.outputs()[j] as usize];
            self.outputs[j].transfer(&self.space, cut, &self.index, &mut self.cursor, from, Direction::Write);
        }
    }

    /// Gives the outputs to a sink, run by run.
    #[inline(always)]
    fn hand_over(&mut self, cut: Cut, kept_steps: &[usize], sink: &mut dyn TileSink) {
        let values = Values::new(self.compiled, &self.places, cut.len);
        let values = values.as_slice();
        let inner_step = kept_steps[kept_steps.len() - 1];
        let at = |position: usize, index: &[usize], len: usize| TileAt {
            position,
            kept_offset: kept_offset(index, kept_steps) + cut.column * inner_step,
            inner_is_reduced: inner_step == 0,
            len,
        };
        if cut.rows == 1 {
            return sink.tile(at(cut.position, &self.index, cut.len), values);
        }
        self.cursor.clear();
        self.cursor.extend_from_slice(&self.index);
        let (row_len, mut done) = (self.space.row_len(), 0);
        while done < cut.rows {
            let count = (cut.rows - done).min(rows_until_carry(&self.space, &self.cursor));
            let at = at(cut.position + done * row_len, &self.cursor, row_len);
            let part: Vec<TileRef<'_>> = values.iter().map(|v| v.slice(done * row_len, count * row_len)).collect();
            sink.rows(at, Rows { count, kept_step: kept_steps[kept_steps.len() - 2] }, &part);
            advance(&mut self.cursor, &self.space.lens, count);
            done += count;
        }
    }
}

fn kept_offset(index: &[usize], kept_steps: &[usize]) -> usize {
    index.iter().zip(kept_steps).map(|(i, step)| i * step).sum()
}

/// How many rows follow each other along the last outer axis, from the one at `index` on.
fn rows_until_carry(space: &Space, index: &[usize]) -> usize {
    index.last().map_or(1, |i| space.lens[index.len() - 1] - i)
}

/// The outputs of a tile; few of them without an allocation.
enum Values<'t> {
    Few([TileRef<'t>; FEW_VALUES], usize),
    Several(Vec<TileRef<'t>>),
}

/// A value and its mask are usual.
const FEW_VALUES: usize = 2;

impl<'t> Values<'t> {
    fn new(compiled: &Compiled, places: &'t [*mut u8], len: usize) -> Values<'t> {
        // SAFETY: invariant 2; nothing writes to places while a sink looks at them.
        let value = |(&place, &dtype): (&Place, &DType)| unsafe {
            TileRef::from_raw(dtype, places[place as usize].cast_const(), len)
        };
        let all = compiled.outputs().iter().zip(compiled.output_dtypes());
        if all.len() > FEW_VALUES {
            return Values::Several(all.map(value).collect());
        }
        let n = all.len();
        let mut few = [TileRef::new::<bool>(&[]); FEW_VALUES];
        few.iter_mut().zip(all).for_each(|(few, output)| *few = value(output));
        Values::Few(few, n)
    }

    fn as_slice(&self) -> &[TileRef<'t>] {
        match self {
            Values::Few(few, n) => &few[..*n],
            Values::Several(all) => all,
        }
    }
}

/// An error if an exponent is negative.
fn refuse_negative(bases: TileRef<'_>, exponents: TileRef<'_>) -> Result<()> {
    dispatch_int!(exponents.dtype(), T => {
        let exponents = exponents.as_slice::<T>();
        match exponents.iter().position(|&exponent| exponent < T::zero()) {
            None => Ok(()),
            Some(i) => Err(Error::negative_power(bases.as_slice::<T>()[i], exponents[i])),
        }
    }, else Ok(()))
}

/// Memory behind an operand or an output, as a run sees it.
// Each flag answers one question of the inner loop.
#[allow(clippy::struct_excessive_bools)]
struct Port {
    place: usize,
    dtype: DType,
    base: *mut u8,
    /// Its number among the arrays of the space.
    number: usize,
    /// Whether its elements lie in memory as the space counts them.
    is_linear: bool,
    has_contiguous_rows: bool,
    /// Whether it must not be read in place, because an output lies there.
    is_output_too: bool,
    /// Whether the row that was begun last needs no gathering.
    moves: bool,
    /// Its scratch tile, for the tiles whose elements do not lie side by side.
    tile: *mut u8,
    /// What the scratch tile holds for longer than one tile.
    held: Option<Held>,
    panel: Option<Panel>,
}

/// The first `len` elements of a scratch tile hold what was read at `offset`.
#[derive(Clone, Copy)]
struct Held {
    offset: isize,
    len: usize,
}

/// Several rows of an operand whose columns are contiguous, packed.
///
/// ```text
/// memory: columns           panel: rows
///   a d g j ..                a b c ..   row 0     a row of memory is one cache line:
///   b e h k ..      ->        d e f ..   row 1     all of it is used at once
///   c f i l ..                g h i ..   row 2
/// ```
struct Panel {
    memory: Scratch,
    n_rows: usize,
    /// The rows it holds, from the one that starts at `offset` on.
    offset: isize,
    held_rows: usize,
}

/// Panels are not larger than this, a part of the second-level cache.
const MAX_PANEL_BYTES: usize = 512 << 10;

/// Panels of fewer rows are not worth it.
const MIN_PANEL_ROWS: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Read,
    Write,
}

impl Port {
    fn new(place: usize, dtype: DType, base: *mut u8, number: usize, space: &Space, tile: *mut u8) -> Port {
        Port {
            place,
            dtype,
            base,
            number,
            is_linear: space.is_linear(number),
            has_contiguous_rows: space.strides(number).last() == Some(&1),
            is_output_too: false,
            moves: false,
            tile,
            held: None,
            panel: None,
        }
    }

    fn of_operand(operand: &Operand<'_>, number: usize, space: &Space, pace: Pace, tile: *mut u8) -> Port {
        let port = Port::new(number, operand.dtype(), operand.base().cast_mut(), number, space, tile);
        let panel = match pace {
            Pace::Pieces { .. } => Panel::for_strides(space.strides(number), space.row_len(), operand.dtype()),
            Pace::Rows { .. } => None,
        };
        Port { is_output_too: operand.is_output(), panel: panel.filter(|_| !operand.is_output()), ..port }
    }

    /// Whether all tiles of this pace lie side by side in memory, and may be used there.
    fn is_in_place(&self, pace: Pace) -> bool {
        let by_pieces = matches!(pace, Pace::Pieces { .. });
        !self.is_output_too && (self.is_linear || (by_pieces && self.has_contiguous_rows))
    }

    /// Where elements from a C-order position on lie side by side, if they do.
    fn linear_start(&self, position: usize) -> Option<*mut u8> {
        let start = self.base.wrapping_add(position * self.dtype.size_bytes());
        (self.is_linear && !self.is_output_too).then_some(start)
    }

    /// Where a row starts whose elements lie side by side.
    fn row_in_place(&self, space: &Space, index: &[usize], row_start: usize) -> Option<*mut u8> {
        let by_strides = || self.offset_from_base(space.row_offset(self.number, index));
        let contiguous = self.has_contiguous_rows && !self.is_output_too;
        self.linear_start(row_start).or_else(|| contiguous.then(by_strides))
    }

    fn offset_from_base(&self, offset: isize) -> *mut u8 {
        self.base.wrapping_offset(offset * self.dtype.size_bytes() as isize)
    }

    /// How the elements of a row are found from column to column; `None` if each tile must be gathered.
    fn begin_row(&mut self, space: &Space, index: &[usize], row_start: usize, piece_len: usize) -> Option<Moving> {
        let size = self.dtype.size_bytes();
        let row = self.row_in_place(space, index, row_start).map(|row| (row, size));
        let row = row.or_else(|| self.panel_row(space, index).map(|row| (row, size)));
        let row = row.or_else(|| self.repeated_row(space, index, piece_len).map(|row| (row, 0)));
        self.moves = row.is_some();
        row.map(|(row, step_bytes)| Moving { place: self.place, row, step_bytes })
    }

    /// A scratch tile full of the one value that a row repeats.
    fn repeated_row(&mut self, space: &Space, index: &[usize], piece_len: usize) -> Option<*mut u8> {
        if space.strides(self.number).last() != Some(&0) || self.is_output_too {
            return None;
        }
        let cut = Cut { position: 0, column: 0, rows: 1, len: piece_len.min(space.row_len()) };
        self.gather(space, cut, index, &mut Vec::new());
        Some(self.tile)
    }

    /// The row in the panel, which is read anew if it does not hold it.
    fn panel_row(&mut self, space: &Space, index: &[usize]) -> Option<*mut u8> {
        let offset = space.row_offset(self.number, index);
        let memory = Plane::of_rows(self.offset_from_base(offset), space.strides(self.number));
        let panel = self.panel.as_mut()?;
        let (start, row_len) = (panel.memory.tile(0), space.row_len());
        let row = panel.row_at(offset, memory.row_stride).unwrap_or_else(|| {
            (panel.offset, panel.held_rows) = (offset, panel.n_rows.min(rows_until_carry(space, index)));
            let packed = Plane { base: start, row_stride: row_len as isize, stride: 1 };
            // SAFETY: invariant 1: the rows lie inside the space; the panel is memory of its own with room for `n_rows`.
            unsafe { raw::copy(self.dtype, packed, memory, panel.held_rows, row_len) };
            0
        });
        Some(start.wrapping_add(row * row_len * self.dtype.size_bytes()))
    }

    /// Brings the elements of a cut to the scratch tile, unless it holds them from a cut before.
    fn gather(&mut self, space: &Space, cut: Cut, index: &[usize], cursor: &mut Vec<usize>) {
        let key = self.repeats_at(space, cut, index).map(|offset| Held { offset, len: cut.len });
        let holds = |held: Held| key.is_some_and(|key| held.offset == key.offset && held.len >= key.len);
        if !self.held.is_some_and(holds) {
            self.transfer(space, cut, index, cursor, self.tile, Direction::Read);
            self.held = key;
        }
    }

    /// The key under which a copy of a cut may be used again: its elements do not depend on the column within a row, or
    /// do not depend on the row.
    fn repeats_at(&self, space: &Space, cut: Cut, index: &[usize]) -> Option<isize> {
        let (outer, inner) = space.strides(self.number).split_at(index.len());
        let one_row = cut.rows == 1 && inner[0] == 0;
        let any_rows =
            cut.column == 0 && cut.len.is_multiple_of(space.row_len()) && outer.iter().all(|&stride| stride == 0);
        ((one_row || any_rows) && !self.is_output_too).then(|| space.row_offset(self.number, index))
    }

    /// Copies the elements of a cut from the port's memory to a tile, or back.
    fn transfer(
        &self,
        space: &Space,
        cut: Cut,
        index: &[usize],
        cursor: &mut Vec<usize>,
        tile: *mut u8,
        direction: Direction,
    ) {
        let strides = space.strides(self.number);
        let (len, size) = (cut.len / cut.rows, self.dtype.size_bytes());
        cursor.clear();
        cursor.extend_from_slice(index);
        let mut done = 0;
        while done < cut.rows {
            let rows = (cut.rows - done).min(rows_until_carry(space, cursor));
            let offset = space.row_offset(self.number, cursor) + cut.column as isize * strides[index.len()];
            let memory = Plane::of_rows(self.offset_from_base(offset), strides);
            let packed = Plane { base: tile.wrapping_add(done * len * size), row_stride: len as isize, stride: 1 };
            // SAFETY: invariant 1 for the port's memory, invariant 2 for the tile. They do not overlap: scratch tiles and
            // constants are memory of their own, and an output is no tile of another port.
            unsafe {
                match direction {
                    Direction::Read => raw::copy(self.dtype, packed, memory, rows, len),
                    Direction::Write => raw::copy(self.dtype, memory, packed, rows, len),
                }
            }
            advance(cursor, &space.lens, rows);
            done += rows;
        }
    }
}

impl Panel {
    /// A panel, if rows are not contiguous and columns are nearly so.
    fn for_strides(strides: &[isize], row_len: usize, dtype: DType) -> Option<Panel> {
        let [.., row_stride, stride] = *strides else { return None };
        let is_column = row_stride != 0 && row_stride.abs() < stride.abs();
        let row_bytes = row_len * dtype.size_bytes();
        // As many rows as a cache line has elements.
        let n_rows = (64 / dtype.size_bytes()).clamp(MIN_PANEL_ROWS, 16).min(MAX_PANEL_BYTES / row_bytes.max(1));
        let is_worth_it = is_column && n_rows >= MIN_PANEL_ROWS;
        is_worth_it.then(|| Panel { memory: Scratch::new(1, n_rows * row_bytes), n_rows, offset: 0, held_rows: 0 })
    }

    /// Which row of the panel starts at `offset`.
    fn row_at(&self, offset: isize, row_stride: isize) -> Option<usize> {
        let away = offset - self.offset;
        let row = usize::try_from(away / row_stride).ok().filter(|row| *row < self.held_rows)?;
        (away % row_stride == 0).then_some(row)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, ArrayViewD, Axis, Dimension, IxDyn};
    use proptest::prelude::*;

    use super::*;
    use crate::kernels::ops::ElemOp;

    /// Writes down which value came for which place, and checks what the positions promise.
    #[derive(Default)]
    struct Recorder {
        next: usize,
        by_kept: Vec<(usize, i64)>,
        n_calls: usize,
    }

    impl TileSink for Recorder {
        fn tile(&mut self, at: TileAt, values: &[TileRef<'_>]) {
            self.n_calls += 1;
            assert_eq!(at.position, self.next);
            self.next += at.len;
            for (k, &x) in values[0].as_slice::<i64>().iter().enumerate() {
                self.by_kept.push((at.kept_offset + if at.inner_is_reduced { 0 } else { k }, x));
            }
            assert_eq!(values[0].len(), at.len);
        }
    }

    fn numbers(shape: &[usize]) -> ArrayD<i64> {
        let n = shape.iter().product::<usize>() as i64;
        ArrayD::from_shape_vec(shape, (0..n).collect()).unwrap()
    }

    /// What a recorder must have seen: each element with its place in the kept space, in C order.
    fn expected(view: &ArrayViewD<'_, i64>, reduced: &[bool]) -> Vec<(usize, i64)> {
        let place = |index: &IxDyn| {
            let kept = index.slice().iter().zip(view.shape()).zip(reduced).filter(|(_, reduced)| !**reduced);
            kept.fold(0, |offset, ((i, len), _)| offset * len + i)
        };
        view.indexed_iter().map(|(index, &x)| (place(&index), x)).collect()
    }

    fn check(view: &ArrayViewD<'_, i64>, shape: &[usize], reduced: &[bool]) -> usize {
        let mut sink = Recorder::default();
        let identity = Program::identity(&[DType::I64]);
        identity.for_each_tile(&[Operand::new(view)], shape, reduced, &mut sink).unwrap();
        assert_eq!(sink.by_kept, expected(&view.broadcast(shape).unwrap(), reduced));
        sink.n_calls
    }

    #[test]
    fn a_contiguous_input_is_handed_over_in_whole_runs() {
        let a = numbers(&[30, 40, 50]);
        assert_eq!(check(&a.view(), &[30, 40, 50], &[true; 3]), 1);
        assert_eq!(check(&a.view(), &[30, 40, 50], &[true, false, false]), 30);
        assert_eq!(check(&a.view(), &[30, 40, 50], &[false, false, true]), 1200);
    }

    #[test]
    fn zero_axes_and_zero_elements_are_walked() {
        assert_eq!(check(&numbers(&[]).view(), &[], &[]), 1);
        assert_eq!(check(&numbers(&[1, 1]).view(), &[1, 1], &[true, false]), 1);
        assert_eq!(check(&numbers(&[0, 3]).view(), &[0, 3], &[false, true]), 0);
        assert_eq!(check(&numbers(&[3, 0]).view(), &[3, 0], &[true, false]), 0);
    }

    /// A view with axes permuted, some reversed, some stepped, and a flag for each.
    fn any_view() -> impl Strategy<Value = (Vec<usize>, Vec<(usize, isize)>, Vec<bool>)> {
        (1usize..5).prop_flat_map(|ndim| {
            let axes = Just((0..ndim).collect::<Vec<_>>()).prop_shuffle();
            let steps = prop::collection::vec(prop::sample::select(vec![1isize, 1, -1, 2, -3]), ndim);
            let axes = (axes, steps).prop_map(|(axes, steps)| axes.into_iter().zip(steps).collect());
            let lens = prop::sample::select(vec![1usize, 2, 3, 5, 17, 300]);
            (prop::collection::vec(lens, ndim), axes, prop::collection::vec(any::<bool>(), ndim))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn every_element_comes_once_in_order((shape, axes, reduced) in any_view()) {
            prop_assume!(shape.iter().product::<usize>() < 200_000);
            let a = numbers(&shape);
            let mut view = a.view();
            for (axis, &(_, step)) in axes.iter().enumerate() {
                view.slice_axis_inplace(Axis(axis), ndarray::Slice::new(0, None, step));
            }
            let view = view.permuted_axes(axes.iter().map(|axis| axis.0).collect::<Vec<_>>());
            let shape = view.shape().to_vec();
            check(&view, &shape, &reduced);
            let mut out = ArrayD::<i64>::zeros(shape.clone());
            let identity = Program::identity(&[DType::I64]);
            identity.evaluate(&[Operand::new(&view)], &shape, &mut [OutputMut::new(out.view_mut())]).unwrap();
            prop_assert_eq!(&out, &view);
            // And back: into a strided output.
            let mut copy = a.clone();
            copy.fill(-1);
            let mut target = copy.view_mut();
            for (axis, &(_, step)) in axes.iter().enumerate() {
                target.slice_axis_inplace(Axis(axis), ndarray::Slice::new(0, None, step));
            }
            let mut target = target.permuted_axes(axes.iter().map(|axis| axis.0).collect::<Vec<_>>());
            identity.evaluate(&[Operand::new(&out.view())], &shape, &mut [OutputMut::new(target.view_mut())]).unwrap();
            prop_assert_eq!(&target, &out);
            prop_assert_eq!(copy.iter().filter(|&&x| x == -1).count(), a.len() - out.len());
        }

        #[test]
        fn operands_are_broadcast(shape in prop::collection::vec(prop::sample::select(vec![1usize, 2, 3, 19, 64, 150]), 1..4), mask in prop::collection::vec(any::<bool>(), 3), drop in 0usize..3) {
            let own: Vec<usize> = shape.iter().zip(&mask).map(|(&len, &one)| if one { 1 } else { len }).collect();
            let own = &own[drop.min(own.len())..];
            check(&numbers(own).view(), &shape, &mask[..shape.len()]);
        }
    }

    #[test]
    fn operands_that_do_not_fit_are_refused() {
        let (a, b) = (numbers(&[3]), ArrayD::<f64>::zeros(vec![3]));
        let identity = Program::identity(&[DType::I64]);
        let mut sink = Recorder::default();
        assert!(identity.for_each_tile(&[Operand::new(&b.view())], &[3], &[true], &mut sink).is_err());
        assert!(identity.for_each_tile(&[Operand::new(&a.view())], &[4], &[true], &mut sink).unwrap_err().is_shape());
        let mut out = ArrayD::<i64>::zeros(vec![2]);
        assert!(identity.evaluate(&[Operand::new(&a.view())], &[3], &mut [OutputMut::new(out.view_mut())]).is_err());
    }

    #[test]
    fn a_program_may_write_where_it_reads() {
        let double = Program::single(ElemOp::Add, &[DType::I64, DType::I64]).unwrap();
        for shape in [vec![1000], vec![3, 300], vec![300, 3], vec![]] {
            let mut a = numbers(&shape);
            let expected = &a + &a;
            let mut outputs = [OutputMut::new(a.view_mut().reversed_axes())];
            let old = outputs[0].as_operand();
            let reversed: Vec<usize> = shape.iter().rev().copied().collect();
            double.evaluate(&[old.clone(), old], &reversed, &mut outputs).unwrap();
            assert_eq!(a, expected);
        }
    }

    #[test]
    fn transposed_operands_are_read_in_panels() {
        let add = Program::single(ElemOp::Add, &[DType::I64, DType::I64]).unwrap();
        for shape in [[300, 300], [70, 301], [301, 9], [2, 130]] {
            let (a, b) = (numbers(&shape), numbers(&[shape[1], shape[0]]));
            let mut out = ArrayD::<i64>::zeros(shape.to_vec());
            let operands = [Operand::new(&a.view()), Operand::new(&b.t())];
            add.evaluate(&operands, &shape, &mut [OutputMut::new(out.view_mut())]).unwrap();
            assert_eq!(out, &a + &b.t());
            check(&b.t(), &shape, &[false, true]);
        }
        let c = numbers(&[5, 20, 300]);
        let view = c.view().permuted_axes(vec![0, 2, 1]);
        check(&view, &[5, 300, 20], &[true, false, false]);
        check(&view, &[2, 5, 300, 20], &[true, false, false, true]);
    }
}
