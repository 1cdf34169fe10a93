//! Random programs on random views against one operation at a time on one element at a time.

use std::collections::HashMap;

use proptest::prelude::*;

use super::testing::{Column, column};
use super::{Operand, OutputMut, Program, ProgramBuilder, Rows, TileAt, TileRef, TileSink, Value};
use crate::element::dispatch::dispatch;
use crate::element::{DType, Element, Scalar};
use crate::kernels::ops::ElemOp;
use crate::kernels::simd::Level;

/// An operation on values before it; the numbers are taken modulo what there is.
type Step = (usize, [usize; 3]);

#[derive(Clone, Debug)]
struct Case {
    shape: Vec<usize>,
    inputs: Vec<Input>,
    steps: Vec<Step>,
    outputs: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Input {
    dtype: usize,
    /// Which axes are stretched from length 1.
    stretched: Vec<bool>,
    /// Every how manieth element, negative from the end.
    steps: Vec<isize>,
    order: Vec<usize>,
    /// Axes left out at the front.
    missing: usize,
    seed: usize,
}

fn cases() -> impl Strategy<Value = Case> {
    let lens = prop::sample::select(vec![1usize, 2, 3, 7, 40, 300]);
    prop::collection::vec(lens, 0..4)
        .prop_filter("small", |shape| shape.iter().product::<usize>() <= 3000)
        .prop_flat_map(|shape| {
            let ndim = shape.len();
            let steps = prop::collection::vec(prop::sample::select(vec![1isize, 1, 1, 1, 1, 1, -1, 2, -2]), ndim);
            let order =
                prop_oneof![2 => Just((0..ndim).collect::<Vec<_>>()), 1 => Just((0..ndim).collect::<Vec<_>>()).prop_shuffle()];
            let stretched = prop::collection::vec(prop::bool::weighted(0.3), ndim);
            let input = (0usize..13, stretched, steps, order, 0..=ndim, any::<usize>()).prop_map(
                |(dtype, stretched, steps, order, missing, seed)| Input {
                    dtype,
                    stretched,
                    steps,
                    order,
                    missing: missing / 3,
                    seed,
                },
            );
            let numbers = [any::<usize>(), any::<usize>(), any::<usize>()];
            let steps = prop::collection::vec((any::<usize>(), numbers), 1..25);
            let outputs = prop::collection::vec(any::<usize>(), 1..4);
            (prop::collection::vec(input, 1..4), steps, outputs).prop_map(move |(inputs, steps, outputs)| Case {
                shape: shape.clone(),
                inputs,
                steps,
                outputs,
            })
        })
}

/// A value to fill arrays with, the same for the same number.
fn sample(i: usize) -> Scalar {
    let reals = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.25, 10.0, 100.0, 1e5, -1e30, f64::INFINITY, f64::NAN];
    let hash = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Scalar::C64(num_complex::Complex::new(reals[(hash >> 40) % reals.len()], reals[(hash >> 50) % reals.len()]))
}

/// One operation at a time on one element at a time.
#[derive(Default)]
struct Naive {
    known: HashMap<(ElemOp, Vec<DType>), Program>,
}

impl Naive {
    fn apply(&mut self, op: ElemOp, args: &[Scalar]) -> Scalar {
        let dtypes: Vec<DType> = args.iter().map(|arg| arg.dtype()).collect();
        let program = self
            .known
            .entry((op, dtypes))
            .or_insert_with_key(|(op, dtypes)| Program::single(*op, dtypes).expect("a valid case"));
        program.on_scalars(args).expect("a valid case")[0]
    }
}

struct Built {
    program: Program,
    /// What was asked for: the operation and its arguments among inputs, one constant and results before.
    asked: Vec<(ElemOp, Vec<usize>)>,
    outputs: Vec<usize>,
}

fn build(case: &Case) -> Built {
    let mut builder = ProgramBuilder::new();
    let dtype = |i: usize| DType::all().nth(i).expect("a valid case");
    let mut values: Vec<Value> = case.inputs.iter().map(|input| builder.input(dtype(input.dtype))).collect();
    values.push(builder.constant(3i8));
    let mut asked = Vec::new();
    for (op, picks) in &case.steps {
        let n_ops = ElemOp::ALL.len();
        let op =
            if op % (n_ops + 4) < n_ops { ElemOp::ALL[op % (n_ops + 4)] } else { ElemOp::Cast(dtype(picks[1] % 13)) };
        // Every other argument is one of the last values, so that there are chains.
        let pick = |pick: usize| {
            if pick.is_multiple_of(2) { values.len() - 1 - pick / 2 % values.len().min(3) } else { pick % values.len() }
        };
        let picks: Vec<usize> = picks[..op.arity()].iter().map(|&number| pick(number)).collect();
        let args: Vec<Value> = picks.iter().map(|&pick| values[pick]).collect();
        // Integers to negative powers have no results; types without a loop are tested elsewhere.
        if op == ElemOp::Power && builder.dtype(args[1]).is_integral() {
            continue;
        }
        if let Ok(value) = builder.push(op, &args) {
            values.push(value);
            asked.push((op, picks));
        }
    }
    let outputs: Vec<usize> = case.outputs.iter().map(|output| output % values.len()).collect();
    let places: Vec<Value> = outputs.iter().map(|&output| values[output]).collect();
    Built { program: builder.finish(&places), asked, outputs }
}

/// Memory for an input, and how it is viewed.
fn memory(input: &Input, shape: &[usize]) -> (Box<dyn Column>, Vec<usize>, Input) {
    let own: Vec<usize> =
        shape.iter().zip(&input.stretched).map(|(&len, &one)| if one { 1 } else { len }).skip(input.missing).collect();
    let ndim = own.len();
    let order: Vec<usize> = input.order.iter().copied().filter(|&axis| axis < ndim).collect();
    let steps: Vec<isize> = input.steps[..ndim].to_vec();
    // The view has length `own[i]` along its axis i, which is axis `order[i]` of the memory.
    let mut lens = vec![0; ndim];
    for (&axis, &len) in order.iter().zip(&own) {
        lens[axis] = len * steps[axis].unsigned_abs();
    }
    let values: Vec<Scalar> = (0..lens.iter().product()).map(|i| sample(input.seed.wrapping_add(i))).collect();
    let dtype = DType::all().nth(input.dtype).expect("a valid case");
    (column(dtype, &values), lens, Input { steps, order, ..input.clone() })
}

/// The elements of a view of `own` shape, stretched to `shape`, in C order.
fn stretch(values: &[Scalar], own: &[usize], shape: &[usize]) -> Vec<Scalar> {
    let n: usize = shape.iter().product();
    let at = |mut i: usize| {
        let (mut offset, mut step) = (0, 1);
        for (axis, &len) in shape.iter().enumerate().rev() {
            let index = i % len;
            i /= len;
            if let Some(own_axis) = (axis + own.len()).checked_sub(shape.len()) {
                offset += if own[own_axis] == 1 { 0 } else { index * step };
                step *= own[own_axis];
            }
        }
        values[offset]
    };
    (0..n).map(at).collect()
}

/// Collects the tiles of all outputs.
struct Collect(Vec<Vec<Scalar>>);

impl TileSink for Collect {
    fn tile(&mut self, at: TileAt, values: &[TileRef<'_>]) {
        self.rows(at, Rows { count: 1, kept_step: 0 }, values);
    }

    fn rows(&mut self, at: TileAt, rows: Rows, values: &[TileRef<'_>]) {
        assert_eq!(at.position, self.0[0].len());
        for (all, tile) in self.0.iter_mut().zip(values) {
            assert_eq!(tile.len(), at.len * rows.count);
            dispatch!(tile.dtype(), T => all.extend(tile.as_slice::<T>().iter().map(|&x| x.to_scalar())));
        }
    }
}

fn same(found: &[Scalar], expected: &[Scalar]) -> Result<(), String> {
    match found.iter().zip(expected).position(|(found, expected)| !found.is_same(*expected)) {
        None if found.len() == expected.len() => Ok(()),
        None => Err(format!("{} elements instead of {}", found.len(), expected.len())),
        Some(i) => Err(format!("element {i} is {}, not {}", found[i], expected[i])),
    }
}

fn check(case: &Case) -> Result<(), String> {
    let Built { program, asked, outputs } = build(case);
    let memories: Vec<_> = case.inputs.iter().map(|input| memory(input, &case.shape)).collect();
    let views: Vec<_> =
        memories.iter().map(|(memory, lens, input)| memory.strided(lens, &input.steps, &input.order)).collect();
    let operands: Vec<Operand<'_>> = views.iter().map(|view| view.0.clone()).collect();
    let mut columns: Vec<Vec<Scalar>> =
        views.iter().map(|(_, own, values)| stretch(values, own, &case.shape)).collect();
    let n = case.shape.iter().product::<usize>();
    columns.push(vec![Scalar::I8(3); n]);
    let mut naive = Naive::default();
    for (op, picks) in asked {
        let args = |i: usize| picks.iter().map(|&pick| columns[pick][i]).collect::<Vec<_>>();
        let results = (0..n).map(|i| naive.apply(op, &args(i))).collect();
        columns.push(results);
    }
    let in_context =
        |what: &str, output: usize, message: String| format!("{what}, output {output}: {message}\n{program}");
    // In C order, to a sink.
    let flags: Vec<bool> = case.shape.iter().map(|len| len % 2 == 0).collect();
    let mut sink = Collect(vec![Vec::new(); outputs.len()]);
    program.for_each_tile(&operands, &case.shape, &flags, &mut sink).map_err(|error| error.to_string())?;
    for (i, &output) in outputs.iter().enumerate() {
        same(&sink.0[i], &columns[output]).map_err(|message| in_context("sink", i, message))?;
    }
    // To memory, with and without superinstructions.
    for superinstructions in [true, false] {
        let program = program.compiled_for(Level::detect(), superinstructions);
        let zeros = vec![Scalar::I8(0); n];
        let mut results: Vec<_> = program.output_dtypes().into_iter().map(|dtype| column(dtype, &zeros)).collect();
        let mut targets: Vec<OutputMut<'_>> = results.iter_mut().map(|result| result.output_of(&case.shape)).collect();
        program.evaluate(&operands, &case.shape, &mut targets).map_err(|error| error.to_string())?;
        drop(targets);
        for (i, (result, &output)) in results.iter().zip(&outputs).enumerate() {
            same(&result.scalars(), &columns[output]).map_err(|message| in_context("memory", i, message))?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn programs_do_what_their_operations_do(case in cases()) {
        prop_assert_eq!(check(&case), Ok(()));
    }
}
