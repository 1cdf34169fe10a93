//! The interpreter: walks the operands of a program tile by tile and runs its steps on each tile.
//!
//! # Safety
//!
//! Invariants of this file, which the `SAFETY` notes refer to:
//!
//! 1. *Ports.* A [`Port`] is made from an operand or an output of a [`Bound`], so its base, strides and type are those of
//!    a view of `ndarray` broadcast to the space: every element that an index inside the space names is live and, for an
//!    operand, initialised. A [`Walk`] of the space yields only such indices. An output is reachable by nobody else; an
//!    operand made of an output by [`OutputMut::as_operand`] is read only into scratch tiles, a tile before it is written.
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
use super::walk::{self, Cut, Space, Walk};
use super::{Operand, OutputMut, Program, TileRef};
use crate::element::dispatch::dispatch_int;
use crate::element::{DType, Element};
use crate::error::{Error, Result};

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
        let mut run = Run::new(bound, tile_len, Columns::InBands);
        while let Some(cut) = run.next_tile()? {
            run.store(cut);
        }
        Ok(())
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
        let tile_len = tile_len_to_sink(&bound);
        let mut run = Run::new(bound, tile_len, Columns::WholeRows);
        let kept_steps = run.space.kept_steps();
        while let Some(cut) = run.next_tile()? {
            run.hand_over(cut, &kept_steps, sink);
        }
        Ok(())
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

/// How the columns of an operand are read that are contiguous where its rows are not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Columns {
    /// The walk goes in bands of some rows, so a panel of a tile's width is read at a time.
    InBands,
    /// The walk is in C order, so a panel of whole rows is read at a time.
    WholeRows,
}

/// One pass over the arrays of a [`Bound`].
struct Run<'r> {
    compiled: &'r Compiled,
    space: Space,
    walk: Walk,
    places: Vec<*mut u8>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    cursor: Vec<usize>,
    /// Owns the memory of slots and scratch tiles.
    _scratch: Scratch,
}

impl<'r> Run<'r> {
    fn new(mut bound: Bound<'r, '_, '_>, tile_len: usize, columns: Columns) -> Run<'r> {
        let (compiled, inputs, n_outputs) = (bound.compiled(), bound.inputs(), compiled_outputs(&bound));
        let n_ports = inputs.len() + n_outputs;
        let scratch_len = tile_len.min(compiled.tile_len());
        let mut scratch = Scratch::new(n_ports + compiled.n_slots(), scratch_len * compiled.widest_bytes());
        let mut places = compiled.first_places();
        places.extend((0..compiled.n_slots()).map(|slot| scratch.tile(n_ports + slot)));
        places.extend((inputs.len()..n_ports).map(|port| scratch.tile(port)));
        let mut walk = Walk::new(bound.space(), tile_len);
        let mut ports: Vec<Port> = Vec::with_capacity(inputs.len());
        for (i, operand) in inputs.iter().enumerate().filter(|(i, _)| compiled.uses_input(*i)) {
            let port = Port::of_operand(operand, i, bound.space(), scratch.tile(i));
            ports.push(if walk.is_by_pieces() { port.with_panel(bound.space(), scratch_len, columns) } else { port });
        }
        if columns == Columns::InBands {
            let rows = ports.iter().filter_map(|port| port.panel.as_ref()).map(|panel| panel.n_rows).max();
            walk = rows.into_iter().fold(walk, Walk::in_bands);
        }
        let outputs = (0..bound.n_outputs()).map(|j| {
            let (number, space) = (inputs.len() + j, bound.space().clone());
            Port::of_output(&mut bound.outputs()[j], compiled.output_place(j), number, &space, scratch.tile(number))
        });
        let outputs = outputs.collect();
        let space = bound.into_space();
        Run { compiled, space, walk, places, inputs: ports, outputs, cursor: Vec::new(), _scratch: scratch }
    }

    /// Computes the next tile; its outputs lie in the places that the program says.
    fn next_tile(&mut self) -> Result<Option<Cut>> {
        let Some(cut) = self.walk.next() else { return Ok(None) };
        let index = self.walk.index();
        for input in &mut self.inputs {
            self.places[input.place] = input.load(&self.space, cut, index, &mut self.cursor);
        }
        for output in &self.outputs {
            self.places[output.place] = output.in_place(&self.space, cut, index).unwrap_or(output.tile);
        }
        self.execute(cut.len)?;
        Ok(Some(cut))
    }

    /// Runs all steps on the tile in the places.
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

    /// Brings the outputs that are not in place to their memory.
    fn store(&mut self, cut: Cut) {
        let index = self.walk.index();
        for (output, &source) in self.outputs.iter().zip(self.compiled.outputs()) {
            let from = self.places[source as usize];
            if output.in_place(&self.space, cut, index) != Some(from) {
                output.transfer(&self.space, cut, index, &mut self.cursor, from, Direction::Write);
            }
        }
    }

    /// Gives the outputs to a sink, run by run.
    fn hand_over(&mut self, cut: Cut, kept_steps: &[usize], sink: &mut dyn TileSink) {
        let n_outer = self.space.lens.len() - 1;
        let (outer_lens, row_len) = (&self.space.lens[..n_outer], self.space.row_len());
        let values = Values::new(self.compiled, &self.places, cut.len);
        let values = values.as_slice();
        self.cursor.clear();
        self.cursor.extend_from_slice(self.walk.index());
        let run_len = cut.len / cut.rows;
        let mut done = 0;
        while done < cut.rows {
            let count = (cut.rows - done).min(rows_until_carry(outer_lens, &self.cursor));
            let outer_offset: usize = self.cursor.iter().zip(kept_steps).map(|(i, step)| i * step).sum();
            let at = TileAt {
                position: cut.position + done * row_len,
                kept_offset: outer_offset + cut.column * kept_steps[n_outer],
                inner_is_reduced: kept_steps[n_outer] == 0,
                len: run_len,
            };
            if cut.rows == 1 {
                return sink.tile(at, values);
            }
            let part: Vec<TileRef<'_>> = values.iter().map(|v| v.slice(done * run_len, count * run_len)).collect();
            let kept_step = n_outer.checked_sub(1).map_or(0, |last| kept_steps[last]);
            sink.rows(at, Rows { count, kept_step }, &part);
            walk::advance(&mut self.cursor, outer_lens, count);
            done += count;
        }
    }
}

/// The number of outputs of the program, also of a run without output arrays.
fn compiled_outputs(bound: &Bound<'_, '_, '_>) -> usize {
    bound.compiled().outputs().len()
}

/// How many rows follow each other along the last outer axis.
fn rows_until_carry(outer_lens: &[usize], index: &[usize]) -> usize {
    outer_lens.last().zip(index.last()).map_or(1, |(len, i)| len - i)
}

/// The outputs of a tile; the usual single one without an allocation.
enum Values<'t> {
    One([TileRef<'t>; 1]),
    Several(Vec<TileRef<'t>>),
}

impl<'t> Values<'t> {
    fn new(compiled: &Compiled, places: &'t [*mut u8], len: usize) -> Values<'t> {
        // SAFETY: invariant 2; nothing writes to places while a sink looks at them.
        let value = |(&place, &dtype): (&Place, &DType)| unsafe {
            TileRef::from_raw(dtype, places[place as usize].cast_const(), len)
        };
        let (outputs, dtypes) = (compiled.outputs(), compiled.output_dtypes());
        match (outputs, dtypes) {
            ([place], [dtype]) => Values::One([value((place, dtype))]),
            (_, _) => Values::Several(outputs.iter().zip(dtypes).map(value).collect()),
        }
    }

    fn as_slice(&self) -> &[TileRef<'t>] {
        match self {
            Values::One(one) => one,
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
struct Port {
    place: usize,
    dtype: DType,
    base: *mut u8,
    /// Its number among the arrays of the space.
    number: usize,
    /// Whether its elements lie in memory as the space counts them.
    is_linear: bool,
    /// Whether it must not be read in place, because an output lies there.
    is_output_too: bool,
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
    /// The most elements of a row.
    width: usize,
    columns: Columns,
    /// What the panel holds: rows from `offset` on, and which columns of them.
    offset: isize,
    held_rows: usize,
    column: usize,
    len: usize,
}

/// Panels of whole rows are not larger than this, a part of the second-level cache.
const MAX_PANEL_BYTES: usize = 256 << 10;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Read,
    Write,
}

impl Port {
    fn of_operand(operand: &Operand<'_>, number: usize, space: &Space, tile: *mut u8) -> Port {
        let is_output_too = operand.is_output();
        let port = Port::new(number, operand.dtype(), operand.base().cast_mut(), number, space, tile);
        Port { is_output_too, ..port }
    }

    fn of_output(output: &mut OutputMut<'_>, place: usize, number: usize, space: &Space, tile: *mut u8) -> Port {
        Port::new(place, output.dtype(), output.base(), number, space, tile)
    }

    fn new(place: usize, dtype: DType, base: *mut u8, number: usize, space: &Space, tile: *mut u8) -> Port {
        let is_linear = space.is_linear(number);
        Port { place, dtype, base, number, is_linear, is_output_too: false, tile, held: None, panel: None }
    }

    /// The same port with a panel, if its rows are not contiguous and its columns are nearly so.
    fn with_panel(self, space: &Space, tile_len: usize, columns: Columns) -> Port {
        let [.., row_stride, stride] = *space.strides(self.number) else { return self };
        let is_column = stride.unsigned_abs() > 1 && row_stride != 0 && row_stride.abs() < stride.abs();
        let size = self.dtype.size_bytes();
        let n_rows = (64 / size).clamp(4, 16);
        let width = if columns == Columns::InBands { tile_len } else { space.row_len() };
        if !is_column || n_rows * width * size > MAX_PANEL_BYTES {
            return self;
        }
        let memory = Scratch::new(1, n_rows * width * size);
        let panel = Panel { memory, n_rows, width, columns, offset: 0, held_rows: 0, column: 0, len: 0 };
        Port { panel: Some(panel), ..self }
    }

    /// Where the elements of a cut are, side by side; copied to scratch if they are not so in memory.
    fn load(&mut self, space: &Space, cut: Cut, index: &[usize], cursor: &mut Vec<usize>) -> *mut u8 {
        if let Some(start) = self.in_place(space, cut, index).filter(|_| !self.is_output_too) {
            return start;
        }
        if let Some(start) = self.load_panel(space, cut, index) {
            return start;
        }
        let key = self.stays(space, cut, index).map(|offset| Held { offset, len: cut.len });
        let holds = |held: Held| key.is_some_and(|key| held.offset == key.offset && held.len >= key.len);
        if !self.held.is_some_and(holds) || self.is_output_too {
            self.transfer(space, cut, index, cursor, self.tile, Direction::Read);
            self.held = key;
        }
        self.tile
    }

    /// The elements of a cut in the port's own memory, if they lie side by side there.
    fn in_place(&self, space: &Space, cut: Cut, index: &[usize]) -> Option<*mut u8> {
        let strides = space.strides(self.number);
        let offset = if self.is_linear {
            cut.position as isize
        } else if cut.rows == 1 && strides[index.len()] == 1 {
            space.row_offset(self.number, index) + cut.column as isize
        } else {
            return None;
        };
        // SAFETY: invariant 1.
        Some(unsafe { self.base.offset(offset * self.dtype.size_bytes() as isize) })
    }

    /// The elements of a cut in the panel, which is read anew if it does not hold them.
    fn load_panel(&mut self, space: &Space, cut: Cut, index: &[usize]) -> Option<*mut u8> {
        let offset = space.row_offset(self.number, index);
        let panel = self.panel.as_mut()?;
        let [.., row_stride, stride] = *space.strides(self.number) else { return None };
        let size = self.dtype.size_bytes();
        let start = panel.memory.tile(0);
        let row = panel.row_of(offset, row_stride, cut).unwrap_or_else(|| {
            panel.held_rows = panel.n_rows.min(rows_until_carry(&space.lens[..index.len()], index));
            let whole = panel.columns == Columns::WholeRows;
            (panel.column, panel.len) = if whole { (0, space.row_len()) } else { (cut.column, cut.len) };
            panel.offset = offset;
            let first = (offset + panel.column as isize * stride) * size as isize;
            let packed = Plane { base: start, row_stride: panel.width as isize, stride: 1 };
            // SAFETY: invariant 1: the rows and columns lie inside the space; the panel has room for `n_rows` rows of
            // `width` elements, which `len` does not exceed, and is memory of its own.
            unsafe {
                let memory = Plane { base: self.base.offset(first), row_stride, stride };
                raw::copy(self.dtype, packed, memory, panel.held_rows, panel.len);
            }
            0
        });
        // SAFETY: `row` is one of the held rows and the cut's columns are among the held ones.
        Some(unsafe { start.add((row * panel.width + cut.column - panel.column) * size) })
    }

    /// The key under which a copy of a cut may be used again: its elements do not depend on the column within a row, or
    /// do not depend on the row.
    fn stays(&self, space: &Space, cut: Cut, index: &[usize]) -> Option<isize> {
        let (outer, inner) = space.strides(self.number).split_at(index.len());
        let one_row = cut.rows == 1 && inner[0] == 0;
        let any_rows =
            cut.column == 0 && cut.len.is_multiple_of(space.row_len()) && outer.iter().all(|&stride| stride == 0);
        (one_row || any_rows).then(|| space.row_offset(self.number, index))
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
        let size = self.dtype.size_bytes();
        let (outer, inner) = space.strides(self.number).split_at(index.len());
        let outer_lens = &space.lens[..index.len()];
        let (len, row_stride) = (cut.len / cut.rows, outer.last().copied().unwrap_or(0));
        cursor.clear();
        cursor.extend_from_slice(index);
        let mut done = 0;
        while done < cut.rows {
            let rows = (cut.rows - done).min(rows_until_carry(outer_lens, cursor));
            let offset = space.row_offset(self.number, cursor) + cut.column as isize * inner[0];
            // SAFETY: invariant 1 for the port's memory, invariant 2 for the tile. They do not overlap: scratch tiles and
            // constants are memory of their own, and an output is no tile of another port.
            unsafe {
                let memory = Plane { base: self.base.offset(offset * size as isize), row_stride, stride: inner[0] };
                let packed = Plane { base: tile.add(done * len * size), row_stride: len as isize, stride: 1 };
                match direction {
                    Direction::Read => raw::copy(self.dtype, packed, memory, rows, len),
                    Direction::Write => raw::copy(self.dtype, memory, packed, rows, len),
                }
            }
            walk::advance(cursor, outer_lens, rows);
            done += rows;
        }
    }
}

impl Panel {
    /// The row of the panel that holds the columns of a cut in the row that starts at `offset`.
    fn row_of(&self, offset: isize, row_stride: isize, cut: Cut) -> Option<usize> {
        let away = offset - self.offset;
        let row = usize::try_from(away / row_stride).ok().filter(|row| *row < self.held_rows)?;
        let has_columns = self.column <= cut.column && cut.column + cut.len <= self.column + self.len;
        (away % row_stride == 0 && has_columns).then_some(row)
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
            let old = outputs[0].as_operand().unwrap();
            let reversed: Vec<usize> = shape.iter().rev().copied().collect();
            double.evaluate(&[old.clone(), old], &reversed, &mut outputs).unwrap();
            assert_eq!(a, expected);
        }
        let mut fresh = ArrayD::<i64>::uninit(vec![2]);
        assert!(OutputMut::uninit(fresh.view_mut()).as_operand().is_none());
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
