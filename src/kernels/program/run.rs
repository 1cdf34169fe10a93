//! The interpreter: walks the operands of a program tile by tile and runs its steps on each tile.
//!
//! # Safety
//!
//! Invariants of this file, which the `SAFETY` notes refer to:
//!
//! 1. *Operands.* [`Operand`] and [`OutputMut`] are made from views of `ndarray`, so every element that their shape and
//!    strides can name is live, and an output is not reachable by anyone else. [`Run::new`] refuses operands whose dtype
//!    is not the program's and whose shape does not broadcast, and a [`Walk`] yields only places inside the space.
//! 2. *Places.* `places[p]` points to at least as many elements of the place's dtype as the tile has: to a part of an
//!    operand whose elements lie side by side, or to a scratch tile or constant of `tile_len` elements. Tiles are longer
//!    than `tile_len` only when every place is such a part of an operand.
//! 3. *Steps.* A [`Compiled`] program gives each step a kernel for the dtypes of its places, a destination that is none of
//!    its arguments, and arguments that were loaded or written before. Its kernels were picked for a level of this machine.
#![allow(unsafe_code)]

use super::compile::{Compiled, Place, Step};
use super::operand::{Operand, OutputMut};
use super::raw::{self, Plane, Scratch};
use super::sink::{Rows, TileAt, TileSink};
use super::walk::{self, Cut, Space, Walk};
use super::{Program, TileRef};
use crate::element::dispatch::dispatch_int;
use crate::element::{DType, Element};
use crate::error::{Error, Result, Shown};

impl Program {
    /// Computes the program over a block and writes its outputs, every element once.
    ///
    /// Operands broadcast to `shape`; outputs have it. The order of the elements is the outputs', not C order.
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
        let compiled = self.compiled()?;
        self.check_operands(operands)?;
        self.check_outputs(shape, outputs)?;
        let mut strides = broadcast_all(operands, shape)?;
        strides.extend(outputs.iter().map(OutputMut::strides));
        let space = Space::collapse(shape, &vec![false; shape.len()], &slices(&strides));
        let mut run = Run::new(compiled, &space, operands, outputs, compiled.tile_len());
        let mut walk = Walk::new(&space, compiled.tile_len());
        while let Some(cut) = walk.next() {
            run.load(cut, walk.index());
            run.execute(cut.len)?;
            run.store(cut, walk.index());
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
        if reduced.len() != shape.len() {
            let detail = format!("{} flags for a block of shape {}", reduced.len(), Shown(shape));
            return Err(Error::bug("reduce", detail));
        }
        let compiled = self.compiled()?;
        self.check_operands(operands)?;
        let strides = broadcast_all(operands, shape)?;
        let space = Space::collapse(shape, reduced, &slices(&strides));
        let tile_len = if compiled.only_hands_over() {
            hand_over_len(&space, compiled.tile_len(), operands.len())
        } else {
            compiled.tile_len()
        };
        let mut run = Run::new(compiled, &space, operands, &mut [], tile_len.min(compiled.tile_len()));
        let kept_steps = space.kept_steps();
        let mut walk = Walk::new(&space, tile_len);
        while let Some(cut) = walk.next() {
            run.load(cut, walk.index());
            run.execute(cut.len)?;
            run.hand_over(cut, walk.index(), &kept_steps, sink);
        }
        Ok(())
    }

    fn check_operands(&self, operands: &[Operand<'_>]) -> Result<()> {
        let found: Vec<DType> = operands.iter().map(Operand::dtype).collect();
        if found != self.inputs() {
            let detail = format!("a program of {} is given {}", Shown(self.inputs()), Shown(&found));
            return Err(Error::bug("evaluate", detail));
        }
        Ok(())
    }

    fn check_outputs(&self, shape: &[usize], outputs: &[OutputMut<'_>]) -> Result<()> {
        let found: Vec<DType> = outputs.iter().map(OutputMut::dtype).collect();
        let wanted = self.output_dtypes();
        if found != wanted || outputs.iter().any(|output| output.shape() != shape) {
            let shapes: Vec<String> = outputs.iter().map(|output| Shown(output.shape()).to_string()).collect();
            let detail = format!(
                "outputs of {} and shape {} are written to {} of shapes {}",
                Shown(&wanted),
                Shown(shape),
                Shown(&found),
                Shown(&shapes)
            );
            return Err(Error::bug("evaluate", detail));
        }
        Ok(())
    }
}

fn broadcast_all(operands: &[Operand<'_>], shape: &[usize]) -> Result<Vec<Vec<isize>>> {
    operands.iter().map(|operand| operand.broadcast("evaluate", shape)).collect()
}

fn slices(strides: &[Vec<isize>]) -> Vec<&[isize]> {
    strides.iter().map(Vec::as_slice).collect()
}

/// The longest tile that needs no copy of any operand: the whole block, or a row.
fn hand_over_len(space: &Space, tile_len: usize, n_operands: usize) -> usize {
    let row_is_contiguous = |k: usize| space.strides(k).last() == Some(&1);
    if (0..n_operands).all(|k| space.is_linear(k)) {
        usize::MAX
    } else if (0..n_operands).all(row_is_contiguous) && space.row_len() > tile_len {
        space.row_len()
    } else {
        tile_len
    }
}

/// One operand or output of a run.
struct Port {
    place: usize,
    dtype: DType,
    base: *mut u8,
    /// Its number among the operands of the space.
    number: usize,
    /// Whether its elements lie in memory as the space counts them.
    linear: bool,
    /// Its scratch tile, for the tiles whose elements do not lie side by side.
    tile: *mut u8,
    /// What the scratch tile of an operand holds for longer than one tile.
    held: Option<Held>,
}

/// The first `len` elements of a scratch tile hold what was read at `offset`.
#[derive(Clone, Copy)]
struct Held {
    offset: isize,
    len: usize,
}

struct Run<'r> {
    compiled: &'r Compiled,
    space: &'r Space,
    places: Vec<*mut u8>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    cursor: Vec<usize>,
    /// Owns the memory of slots and scratch tiles.
    _scratch: Scratch,
}

impl<'r> Run<'r> {
    fn new(
        compiled: &'r Compiled,
        space: &'r Space,
        operands: &[Operand<'_>],
        outputs: &mut [OutputMut<'_>],
        tile_len: usize,
    ) -> Run<'r> {
        let n_ports = operands.len() + compiled.outputs().len();
        let mut scratch = Scratch::new(n_ports + compiled.n_slots(), tile_len * compiled.widest_bytes());
        let mut places = compiled.first_places();
        places.extend((0..compiled.n_slots()).map(|slot| scratch.tile(n_ports + slot)));
        places.extend((operands.len()..n_ports).map(|port| scratch.tile(port)));
        let port = |place, number, dtype, base, tile| Port {
            place,
            dtype,
            base,
            number,
            linear: space.is_linear(number),
            tile,
            held: None,
        };
        let inputs = operands.iter().enumerate();
        let inputs = inputs.map(|(i, x)| port(i, i, x.dtype(), x.base().cast_mut(), scratch.tile(i))).collect();
        let ports = outputs.iter_mut().enumerate().map(|(i, x)| {
            let number = operands.len() + i;
            port(compiled.output_place(i), number, x.dtype(), x.base(), scratch.tile(number))
        });
        Run { compiled, space, places, inputs, outputs: ports.collect(), cursor: Vec::new(), _scratch: scratch }
    }

    /// Points the input places to the elements of a cut, copying them to scratch where they do not lie side by side.
    fn load(&mut self, cut: Cut, index: &[usize]) {
        for (i, input) in self.inputs.iter_mut().enumerate() {
            if !self.compiled.uses_input(i) {
                continue;
            }
            if let Some(start) = input.in_place(self.space, cut, index) {
                self.places[input.place] = start;
                continue;
            }
            self.places[input.place] = input.tile;
            let key = input.stays(self.space, cut, index).map(|offset| Held { offset, len: cut.len });
            let holds = |held: Held| key.is_some_and(|key| held.offset == key.offset && held.len >= key.len);
            if !input.held.is_some_and(holds) {
                input.transfer(self.space, cut, index, &mut self.cursor, input.tile, Direction::Read);
                input.held = key;
            }
        }
        for output in &self.outputs {
            self.places[output.place] = output.in_place(self.space, cut, index).unwrap_or(output.tile);
        }
    }

    /// Runs all steps on the tile in the places.
    fn execute(&mut self, len: usize) -> Result<()> {
        for &step in self.compiled.steps() {
            let place = |place: Place| self.places[place as usize];
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
    fn store(&mut self, cut: Cut, index: &[usize]) {
        for (output, &source) in self.outputs.iter().zip(self.compiled.outputs()) {
            let from = self.places[source as usize];
            let in_place = output.in_place(self.space, cut, index);
            if in_place != Some(from) {
                output.transfer(self.space, cut, index, &mut self.cursor, from, Direction::Write);
            }
        }
    }

    /// Gives the outputs to a sink, run by run.
    fn hand_over(&mut self, cut: Cut, index: &[usize], kept_steps: &[usize], sink: &mut dyn TileSink) {
        let (outer_lens, inner) = self.space.lens.split_at(self.space.lens.len() - 1);
        let inner_step = kept_steps[outer_lens.len()];
        let values = Values::new(self.compiled, &self.places, cut.len);
        let values = values.as_slice();
        self.cursor.clear();
        self.cursor.extend_from_slice(index);
        let run_len = cut.len / cut.rows;
        let mut done = 0;
        while done < cut.rows {
            let free = outer_lens.last().map_or(1, |len| len - self.cursor[outer_lens.len() - 1]);
            let count = free.min(cut.rows - done);
            let outer_offset: usize = self.cursor.iter().zip(kept_steps).map(|(i, step)| i * step).sum();
            let at = TileAt {
                position: cut.position + done * inner[0],
                kept_offset: outer_offset + cut.column * inner_step,
                inner_is_reduced: inner_step == 0,
                len: run_len,
            };
            if count == cut.rows && count == 1 {
                return sink.tile(at, values);
            }
            let part: Vec<TileRef<'_>> = values.iter().map(|v| v.slice(done * run_len, count * run_len)).collect();
            let kept_step = if outer_lens.is_empty() { 0 } else { kept_steps[outer_lens.len() - 1] };
            sink.rows(at, Rows { count, kept_step }, &part);
            walk::advance(&mut self.cursor, outer_lens, count);
            done += count;
        }
    }
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Read,
    Write,
}

impl Port {
    /// The elements of a cut in the operand's own memory, if they lie side by side there.
    fn in_place(&self, space: &Space, cut: Cut, index: &[usize]) -> Option<*mut u8> {
        let strides = space.strides(self.number);
        let offset = if self.linear {
            cut.position as isize
        } else if cut.rows == 1 && strides[index.len()] == 1 {
            space.row_offset(self.number, index) + cut.column as isize
        } else {
            return None;
        };
        // SAFETY: invariant 1.
        Some(unsafe { self.base.offset(offset * self.dtype.size_bytes() as isize) })
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

    /// Copies the elements of a cut from the operand's memory to a tile, or back.
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
            let free = outer_lens.last().map_or(1, |rows| rows - cursor[index.len() - 1]);
            let rows = free.min(cut.rows - done);
            let offset = space.row_offset(self.number, cursor) + cut.column as isize * inner[0];
            // SAFETY: invariant 1 for the operand, invariant 2 for the tile; scratch tiles and constants are memory of
            // their own, and an output is reachable through no operand.
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

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, ArrayViewD, Axis, Dimension, IxDyn};
    use proptest::prelude::*;

    use super::*;

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
}
