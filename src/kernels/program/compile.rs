//! A program made ready to run: loops chosen, places given to values.
//!
//! A *place* is where a value lies while a tile is worked on: an input, a constant, a *slot* (a scratch tile) or an output.
//! A slot is free again after the last step that reads it (linear scan), so a chain of any length needs two: a step never
//! writes where it reads.
//!
//! ```text
//! places:  | inputs .. | constants .. | slots .. | outputs .. |
//! ```

use super::Program;
use super::code::Code;
use super::fuse::{Fused, fuse, one_by_one};
use super::raw::{Kernel, MAX_ARGS, Scratch};
use super::value::{Constant, Value};
use crate::element::dispatch::dispatch;
use crate::element::{DType, DTypeKind, Element};
use crate::error::Result;
use crate::kernels::ops::ElemOp;
use crate::kernels::simd::Level;

/// The number of a place.
pub(super) type Place = u32;

/// What is done on a tile, in order.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Runs a loop.
    Loop { kernel: Kernel, dst: Place, args: [Place; MAX_ARGS] },
    /// Fails if an exponent is negative.
    RefuseNegative { dtype: DType, base: Place, exponent: Place },
}

/// A program made ready to run on this machine.
pub(super) struct Compiled {
    steps: Vec<Step>,
    n_inputs: usize,
    /// Which inputs are needed.
    used_inputs: Vec<bool>,
    n_slots: usize,
    /// Constants as tiles.
    constants: Scratch,
    n_constants: usize,
    widest_bytes: usize,
    tile_len: usize,
    outputs: Vec<Place>,
    output_dtypes: Vec<DType>,
}

/// Bytes of a tile of the widest element type of a program with several arrays.
///
/// Short tiles let the processor fetch the next tile while it works on this one: at 16 KiB a chain of six operations
/// takes twice as long as at 1 KiB, on data that does not fit the caches.
const TILE_BYTES: usize = 1024;

/// The same for a program with few arrays: there is less to fetch for each tile, so the work for a tile as such counts.
const TILE_BYTES_OF_FEW: usize = 2048;

/// How many inputs and outputs are few.
const FEW_ARRAYS: usize = 2;

/// Tiles of narrow types need not be longer: the work for a tile as such is a small part of the time by then.
const MAX_TILE_LEN: usize = 512;

impl Compiled {
    /// Compiles a program for the highest level of this machine.
    ///
    /// # Errors
    ///
    /// The op table has no loop for an instruction: a fault of this crate.
    pub(super) fn new(program: &Program) -> Result<Compiled> {
        Compiled::for_level(program, Level::detect(), true)
    }

    /// Compiles a program for a level that this machine has, with or without superinstructions.
    pub(super) fn for_level(program: &Program, level: Level, superinstructions: bool) -> Result<Compiled> {
        let (code, temps) = (program.code(), program.temp_dtypes());
        let loops = if superinstructions { fuse(code, temps)? } else { one_by_one(code, temps)? };
        Ok(Compiled::from_loops(code, temps, &loops, level))
    }

    fn from_loops(code: &Code, temps: &[DType], loops: &[Fused], level: Level) -> Compiled {
        let allocation = Allocation::new(code, loops);
        let n_places = code.inputs.len() + code.constants.len() + allocation.n_slots;
        let place = |value: Value| match value {
            Value::Input(i) => i,
            Value::Constant(i) => code.inputs.len() as u32 + i,
            Value::Temp(i) => match allocation.homes[i as usize] {
                Home::Slot(slot) => (code.inputs.len() + code.constants.len()) as u32 + slot,
                Home::Output(output) => n_places as u32 + output,
            },
        };
        let constants = code.constants.iter().map(|constant| constant.0.dtype());
        let widest_bytes = code.inputs.iter().chain(temps).copied().chain(constants).map(DType::size_bytes).max();
        let widest_bytes = widest_bytes.unwrap_or(1);
        let used_inputs = used_inputs(code);
        // An input that is handed on is no further array.
        let n_results = code.outputs.iter().filter(|output| !matches!(output, Value::Input(_))).count();
        let n_arrays = used_inputs.iter().filter(|used| **used).count() + n_results;
        let tile_len = tile_len(widest_bytes, n_arrays);
        let mut steps = Vec::with_capacity(loops.len());
        for fused in loops {
            steps.extend(check(fused, code, temps, &place));
            let (kernel, dst) = (fused.kernels[level as usize], place(Value::Temp(fused.result)));
            steps.push(Step::Loop { kernel, dst, args: fused.args.map(place) });
        }
        Compiled {
            steps,
            n_inputs: code.inputs.len(),
            used_inputs,
            n_slots: allocation.n_slots,
            constants: filled(&code.constants, tile_len),
            n_constants: code.constants.len(),
            widest_bytes,
            tile_len,
            outputs: code.outputs.iter().map(|&output| place(output)).collect(),
            output_dtypes: code.outputs.iter().map(|&output| code.dtype(output, temps)).collect(),
        }
    }

    /// The steps for one tile.
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The most elements of a tile.
    pub(super) fn tile_len(&self) -> usize {
        self.tile_len
    }

    /// Bytes of an element of the widest type.
    pub(super) fn widest_bytes(&self) -> usize {
        self.widest_bytes
    }

    /// The number of scratch tiles.
    pub(super) fn n_slots(&self) -> usize {
        self.n_slots
    }

    /// Whether an input is needed.
    pub(super) fn uses_input(&self, input: usize) -> bool {
        self.used_inputs[input]
    }

    /// The places that hold the outputs after the last step.
    pub(super) fn outputs(&self) -> &[Place] {
        &self.outputs
    }

    /// The element types of the outputs.
    pub(super) fn output_dtypes(&self) -> &[DType] {
        &self.output_dtypes
    }

    /// The place of an output: where its value is computed, unless it is an input, a constant or an output before.
    pub(super) fn output_place(&self, output: usize) -> usize {
        self.n_inputs + self.n_constants + self.n_slots + output
    }

    /// Whether the outputs are inputs as they come.
    pub(super) fn only_hands_over(&self) -> bool {
        self.outputs.iter().all(|&place| (place as usize) < self.n_inputs)
    }

    /// Pointers for the places of inputs (null) and constants.
    pub(super) fn first_places(&self) -> Vec<*mut u8> {
        let mut places = vec![std::ptr::null_mut(); self.n_inputs];
        places.extend((0..self.n_constants).map(|i| self.constants.tile_to_read(i).cast_mut()));
        places
    }
}

fn tile_len(widest_bytes: usize, n_arrays: usize) -> usize {
    let tile_bytes = if n_arrays <= FEW_ARRAYS { TILE_BYTES_OF_FEW } else { TILE_BYTES };
    (tile_bytes / widest_bytes).min(MAX_TILE_LEN)
}

fn filled(constants: &[Constant], tile_len: usize) -> Scratch {
    let widest = constants.iter().map(|constant| constant.0.dtype().size_bytes()).max().unwrap_or(0);
    let mut tiles = Scratch::new(constants.len(), tile_len * widest);
    for (i, constant) in constants.iter().enumerate() {
        dispatch!(constant.0.dtype(), T => tiles.fill(i, T::from_scalar(constant.0), tile_len));
    }
    tiles
}

fn used_inputs(code: &Code) -> Vec<bool> {
    let mut used = vec![false; code.inputs.len()];
    for value in code.instrs.iter().flat_map(super::value::Instr::args).chain(&code.outputs) {
        if let Value::Input(i) = value {
            used[*i as usize] = true;
        }
    }
    used
}

/// The check that must run before a loop: integers have no negative powers.
fn check(fused: &Fused, code: &Code, temps: &[DType], place: &dyn Fn(Value) -> Place) -> Option<Step> {
    let [base, exponent, ..] = fused.args;
    let dtype = code.dtype(exponent, temps);
    let needed = fused.op() == Some(ElemOp::Power) && dtype.kind() == DTypeKind::Signed;
    needed.then(|| Step::RefuseNegative { dtype, base: place(base), exponent: place(exponent) })
}

/// Where the result of an instruction lies.
#[derive(Clone, Copy, Debug)]
enum Home {
    Slot(u32),
    Output(u32),
}

struct Allocation {
    /// For each instruction; those inside another one's loop have a meaningless one.
    homes: Vec<Home>,
    n_slots: usize,
}

impl Allocation {
    fn new(code: &Code, loops: &[Fused]) -> Allocation {
        let mut homes = vec![Home::Slot(u32::MAX); code.instrs.len()];
        for (output, value) in code.outputs.iter().enumerate().rev() {
            if let Value::Temp(i) = value {
                homes[*i as usize] = Home::Output(output as u32);
            }
        }
        let last_reader = last_readers(code.instrs.len(), loops);
        let (mut free, mut n_slots) = (Vec::new(), 0);
        for (at, fused) in loops.iter().enumerate() {
            let result = fused.result as usize;
            if let Home::Slot(slot) = &mut homes[result] {
                *slot = free.pop().unwrap_or_else(|| {
                    n_slots += 1;
                    n_slots - 1
                });
            }
            // After the result has its slot: a step never writes where it reads.
            for (i, &arg) in fused.args.iter().enumerate() {
                let Value::Temp(temp) = arg else { continue };
                let Home::Slot(slot) = homes[temp as usize] else { continue };
                if last_reader[temp as usize] == at && !fused.args[..i].contains(&arg) {
                    free.push(slot);
                }
            }
        }
        Allocation { homes, n_slots: n_slots as usize }
    }
}

/// The place in `loops` of the last one that reads the result of each instruction.
fn last_readers(n_instrs: usize, loops: &[Fused]) -> Vec<usize> {
    let mut last = vec![usize::MAX; n_instrs];
    for (at, fused) in loops.iter().enumerate() {
        for arg in fused.args {
            if let Value::Temp(i) = arg {
                last[i as usize] = at;
            }
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::program::ProgramBuilder;

    fn chain(n: usize) -> Program {
        let mut builder = ProgramBuilder::new();
        let x = builder.input(DType::F64);
        let (mut value, one) = (x, builder.constant(1.0));
        for i in 0..n {
            let op = if i % 2 == 0 { ElemOp::Add } else { ElemOp::Negative };
            let args = [value, one];
            value = builder.push(op, &args[..op.arity()]).unwrap();
        }
        builder.finish(&[value])
    }

    #[test]
    fn a_long_chain_needs_two_slots() {
        let program = chain(100_000);
        assert_eq!(program.n_instrs(), 100_000);
        assert_eq!(program.compiled().unwrap().n_slots(), 2);
        // Each pair is -(x + 1); two pairs cancel.
        assert!(program.on_scalars(&[crate::element::Scalar::F64(5.0)]).unwrap()[0].is_same(5.0.into()));
        let mut builder = ProgramBuilder::new();
        let x = builder.input(DType::F64);
        let value = builder.append(&program, &[x]).unwrap()[0];
        assert_eq!(builder.finish(&[value]), program);
    }

    #[test]
    fn a_step_never_writes_where_it_reads() {
        let mut builder = ProgramBuilder::new();
        let (x, y) = (builder.input(DType::F64), builder.input(DType::I32));
        let mut values = vec![x, y];
        for i in 0..200 {
            let op = [ElemOp::Add, ElemOp::Multiply, ElemOp::Subtract, ElemOp::Maximum][i % 4];
            let args = [values[(i * 7) % values.len()], values[(i * i + 3) % values.len()]];
            values.push(builder.push(op, &args).unwrap());
        }
        let program = builder.finish(&values[150..]);
        for step in program.compiled().unwrap().steps() {
            if let Step::Loop { dst, args, .. } = step {
                assert!(!args.contains(dst));
            }
        }
    }

    #[test]
    fn tiles_are_as_long_as_the_widest_type_allows() {
        let tile_len = |dtype, n| Program::identity(&vec![dtype; n]).compiled().unwrap().tile_len();
        assert_eq!(
            [DType::C64, DType::F64, DType::F32, DType::Bool].map(|dtype| tile_len(dtype, 3)),
            [64, 128, 256, 512]
        );
        assert_eq!(
            [DType::C64, DType::F64, DType::F32, DType::Bool].map(|dtype| tile_len(dtype, 2)),
            [128, 256, 512, 512]
        );
    }
}
