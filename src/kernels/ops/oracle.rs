//! Every operation against NumPy (`numpy.txt`), against integers of 128 bits, and against itself at other positions.

use super::ElemOp;
use crate::element::{DType, DTypeKind, Scalar};
use crate::kernels::program::Program;
use crate::kernels::program::testing::on_columns;
use crate::kernels::simd::Level;

const NUMPY: &str = include_str!("numpy.txt");

/// The lines that start with a word, without it, as the part before the colon and the items after it.
fn lines(word: &str) -> impl Iterator<Item = (Vec<&'static str>, Vec<&'static str>)> {
    let lines = NUMPY.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": "));
    lines.filter_map(move |(head, items)| {
        let mut head = head.split(' ');
        (head.next() == Some(word)).then(|| (head.collect(), items.split(' ').collect()))
    })
}

fn op(name: &str) -> ElemOp {
    *ElemOp::ALL.iter().find(|op| op.name() == name).unwrap_or_else(|| panic!("{name} is not in the table"))
}

fn number(text: &str) -> Scalar {
    match text {
        "T" => Scalar::Bool(true),
        "F" => Scalar::Bool(false),
        _ => match text.split_once(',') {
            Some((re, im)) => Scalar::C64(num_complex::Complex::new(
                re.parse().expect("a valid case"),
                im.parse().expect("a valid case"),
            )),
            None => text.parse::<i64>().map_or_else(|_| Scalar::F64(text.parse().expect("a valid case")), Scalar::I64),
        },
    }
}

/// A column of the file as values of an element type.
fn numbers(items: &[&str], dtype: DType) -> Vec<Scalar> {
    items.iter().map(|text| if *text == "-0" { Scalar::F64(-0.0) } else { number(text) }.cast(dtype)).collect()
}

/// NumPy's result type, but for the half precision that small integers have there and `float64` here.
fn expected_dtype(numpy: &str, inputs: &[DType]) -> Option<DType> {
    match numpy {
        "-" => None,
        "f2" | "f4" if inputs.iter().all(|dtype| dtype.is_integral()) => Some(DType::F64),
        "f2" => Some(DType::F32),
        name => Some(name.parse().expect("a valid case")),
    }
}

#[test]
fn result_types_are_numpys() {
    for (head, items) in lines("types") {
        let op = op(head[0]);
        for (dtype, item) in DType::all().zip(items) {
            let inputs = vec![dtype; op.arity()];
            let found = op.signature(&inputs).ok().map(|signature| signature.output);
            assert_eq!(found, expected_dtype(item, &inputs), "{op:?} of {inputs:?}");
        }
    }
    let pairs = ["i8 u8", "? i1", "i4 f4", "f4 c16", "u1 i1", "u4 i4", "? f4", "u8 f4"];
    for (head, items) in lines("meets") {
        for (pair, item) in pairs.iter().zip(items) {
            let inputs: Vec<DType> = pair.split(' ').map(|name| name.parse().expect("a valid case")).collect();
            let found = op(head[0]).signature(&inputs).ok().map(|signature| signature.output);
            assert_eq!(found, expected_dtype(item, &inputs), "{} of {pair}", head[0]);
        }
    }
}

#[test]
fn refusals_name_the_operation_and_the_types() {
    let error = ElemOp::Subtract.signature(&[DType::Bool, DType::Bool]).unwrap_err();
    assert!(error.is_dtype());
    assert!(error.to_string().starts_with("subtract: there is no loop for (bool, bool); "), "{error}");
    assert!(ElemOp::BitwiseAnd.signature(&[DType::I64, DType::U64]).is_err());
    assert!(ElemOp::Floor.signature(&[DType::C64]).is_err());
    assert!(ElemOp::Add.signature(&[DType::F64]).is_err());
}

#[test]
fn every_signature_has_loops_and_every_loop_a_signature() {
    for &op in ElemOp::ALL {
        for dtype in DType::all() {
            let mut inputs = vec![dtype; op.arity()];
            if op == ElemOp::Select {
                inputs[0] = DType::Bool;
            }
            // A program finds its loops when it is compiled.
            match op.signature(&inputs) {
                Ok(signature) => {
                    let program = Program::single(op, &inputs).expect("a valid case").compiled_for(Level::Base, true);
                    assert_eq!(program.output_dtypes(), [signature.output]);
                    let ones: Vec<Scalar> = inputs.iter().map(|&dtype| Scalar::one(dtype)).collect();
                    assert_eq!(
                        program.on_scalars(&ones).expect("a valid case")[0].dtype(),
                        signature.output,
                        "{op:?} of {dtype}"
                    );
                }
                Err(error) => assert!(error.is_dtype() && Program::single(op, &inputs).is_err()),
            }
        }
        assert!(op.doc().ends_with('.') && !op.doc().starts_with(' '), "{op:?}");
    }
}

/// How far a result may be from NumPy's, in units of the last place: library functions differ.
fn tolerance_ulp(op: ElemOp, dtype: DType) -> f64 {
    let exact = [
        "negative",
        "absolute",
        "square",
        "sqrt",
        "reciprocal",
        "floor",
        "ceil",
        "trunc",
        "rint",
        "conj",
        "real",
        "imag",
        "nan_to_num",
        "add",
        "subtract",
        "multiply",
        "divide",
        "floor_divide",
        "remainder",
        "fmod",
        "minimum",
        "maximum",
        "fmin",
        "fmax",
        "copysign",
        "heaviside",
        "nextafter",
        "sign",
        "positive",
    ];
    if exact.contains(&op.name()) && !(op == ElemOp::Absolute && dtype.is_complex()) { 0.0 } else { 4.0 }
}

/// Whether a number is another one up to a relative error; zeros must have one sign.
fn is_near(found: f64, expected: f64, error: f64) -> bool {
    let same = found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
    same || (error > 0.0 && (found - expected).abs() <= error * expected.abs())
}

fn agrees(op: ElemOp, dtype: DType, found: Scalar, expected: Scalar, epsilon: f64) -> bool {
    match (found.dtype().kind(), expected) {
        (DTypeKind::Complex, _) => {
            let (found, expected) = (found.to_c64(), expected.to_c64());
            // `==` is for infinities, whose difference is NaN.
            let both_nan = (found.re.is_nan() || found.im.is_nan()) && (expected.re.is_nan() || expected.im.is_nan());
            both_nan || found == expected || (found - expected).norm() <= 8.0 * epsilon * expected.norm()
        }
        (DTypeKind::Float, _) => {
            let inexact = if epsilon > f64::EPSILON { 4.0 } else { tolerance_ulp(op, dtype) };
            is_near(found.to_c64().re, expected.to_c64().re, inexact * epsilon)
        }
        (_, _) => found.is_same(expected.cast(found.dtype())),
    }
}

/// Results of a program; `None` where an element has none.
fn results(program: &Program, inputs: &[Vec<Scalar>]) -> Vec<Option<Scalar>> {
    let all = on_columns(program, inputs, inputs[0].len());
    let single = |i: usize| {
        let values: Vec<Scalar> = inputs.iter().map(|column| column[i]).collect();
        program.on_scalars(&values).ok().map(|results| results[0])
    };
    match all {
        Ok(all) => all[0].iter().copied().map(Some).collect(),
        Err(_) => (0..inputs[0].len()).map(single).collect(),
    }
}

fn check_line(op: ElemOp, dtype: DType, inputs: &[Vec<Scalar>], items: &[&str], epsilon: f64) {
    let program = Program::single(op, &vec![dtype; op.arity()]).expect("a valid case");
    for level in Level::available() {
        let found = results(&program.compiled_for(level, true), inputs);
        assert_eq!(found.len(), items.len());
        for (i, (found, item)) in found.into_iter().zip(items).enumerate() {
            let args: Vec<String> = inputs.iter().map(|column| column[i].to_string()).collect();
            let fits = match found {
                None => *item == "error",
                Some(_) if *item == "error" => false,
                Some(found) => agrees(op, dtype, found, numbers(&[item], found.dtype())[0], epsilon),
            };
            let found = found.map_or("an error".to_string(), |found| found.to_string());
            assert!(fits, "{op:?} of {dtype} at {level:?} of {args:?} is {found}, NumPy has {item}");
        }
    }
}

fn columns(word: &str, dtype: &str) -> Vec<&'static str> {
    lines(word).find(|(head, _)| head[0] == dtype).expect("a valid case").1
}

#[test]
fn one_operand_gives_what_numpy_gives() {
    for (head, items) in lines("one") {
        let dtype: DType = head[1].parse().expect("a valid case");
        let values = columns("values", head[1]);
        check_line(op(head[0]), dtype, &[numbers(&values, dtype)], &items, f64::EPSILON);
        if let Some(single) = single_precision(dtype) {
            check_line(op(head[0]), single, &[numbers(&values, single)], &items, 1e-6);
        }
    }
}

#[test]
fn two_operands_give_what_numpy_gives() {
    for (head, items) in lines("two") {
        let dtype: DType = head[1].parse().expect("a valid case");
        let values = columns("pairs", head[1]);
        let pairs = |dtype| {
            let values = numbers(&values, dtype);
            let all = values.iter().flat_map(|&x| values.iter().map(move |&y| (x, y)));
            let (left, right): (Vec<_>, Vec<_>) = all.unzip();
            [left, right]
        };
        check_line(op(head[0]), dtype, &pairs(dtype), &items, f64::EPSILON);
        if let Some(single) = single_precision(dtype).filter(|_| head[0] != "nextafter") {
            check_line(op(head[0]), single, &pairs(single), &items, 1e-6);
        }
    }
}

fn single_precision(dtype: DType) -> Option<DType> {
    match dtype {
        DType::F64 => Some(DType::F32),
        DType::C64 => Some(DType::C32),
        _ => None,
    }
}

/// The edge values of an integer type and some others, as wide numbers.
fn edge_values(dtype: DType) -> Vec<i128> {
    let bits = 8 * dtype.size_bytes() as u32;
    let (lowest, highest) = match dtype.kind() {
        DTypeKind::Signed => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
        _ => (0, (1i128 << bits) - 1),
    };
    let values = [lowest, lowest + 1, -7, -1, 0, 1, 2, 3, 7, 8, 40, 64, 100, highest / 2, highest - 1, highest];
    values.into_iter().filter(|value| (lowest..=highest).contains(value)).collect()
}

/// A wide number as a value of an integer type, wrapped.
fn wrapped(value: i128, dtype: DType) -> Scalar {
    Scalar::U64(value as u64).cast(dtype)
}

/// What an operation on integers means, without a bound. `None`: an error. Operations that are not here are on floats.
fn meaning(op: ElemOp, x: i128, y: i128, bits: i128) -> Option<Option<i128>> {
    let truth = |value: bool| Some(value as i128);
    let floor_divide =
        |x: i128, y: i128| if y == 0 { 0 } else { x.div_euclid(y) - i128::from(y < 0 && x.rem_euclid(y) != 0) };
    let shift = (0..bits).contains(&y);
    Some(match op.name() {
        "negative" => Some(-x),
        "positive" | "floor" | "ceil" | "trunc" | "conj" | "real" | "nan_to_num" => Some(x),
        "absolute" => Some(x.abs()),
        "sign" => Some(x.signum()),
        "square" => Some(x.wrapping_mul(x)),
        "reciprocal" => Some(if x.abs() == 1 { x } else { 0 }),
        "isnan" | "isinf" => truth(false),
        "isfinite" => truth(true),
        "logical_not" => truth(x == 0),
        "invert" => Some(!x),
        "imag" => Some(0),
        "add" => Some(x + y),
        "subtract" => Some(x - y),
        "multiply" => Some(x.wrapping_mul(y)),
        "floor_divide" => Some(floor_divide(x, y)),
        "remainder" => Some(if y == 0 { 0 } else { x - y * floor_divide(x, y) }),
        "fmod" => Some(if y == 0 { 0 } else { x % y }),
        "power" => (y >= 0).then(|| (0..y.min(200)).fold(1i128, |power, _| power.wrapping_mul(x))),
        "minimum" | "fmin" => Some(x.min(y)),
        "maximum" | "fmax" => Some(x.max(y)),
        "equal" => truth(x == y),
        "not_equal" => truth(x != y),
        "less" => truth(x < y),
        "less_equal" => truth(x <= y),
        "greater" => truth(x > y),
        "greater_equal" => truth(x >= y),
        "logical_and" => truth(x != 0 && y != 0),
        "logical_or" => truth(x != 0 || y != 0),
        "logical_xor" => truth((x != 0) != (y != 0)),
        "bitwise_and" => Some(x & y),
        "bitwise_or" => Some(x | y),
        "bitwise_xor" => Some(x ^ y),
        "left_shift" => Some(if shift { x << y } else { 0 }),
        "right_shift" => Some(if shift { x >> y } else { -i128::from(x < 0) }),
        "gcd" => Some(greatest_common_divisor(x, y)),
        "lcm" => {
            Some(if x == 0 || y == 0 { 0 } else { (x.abs() / greatest_common_divisor(x, y)).wrapping_mul(y.abs()) })
        }
        _ => return None,
    })
}

fn greatest_common_divisor(x: i128, y: i128) -> i128 {
    if y == 0 { x.abs() } else { greatest_common_divisor(y, x % y) }
}

#[test]
fn integers_of_all_widths_wrap() {
    let integers = DType::all().filter(|dtype| dtype.is_integral() && *dtype != DType::Bool);
    for (dtype, &op) in integers.flat_map(|dtype| ElemOp::ALL.iter().map(move |op| (dtype, op))) {
        let values = edge_values(dtype);
        let second = if op.arity() == 2 { values.clone() } else { vec![0] };
        let pairs: Vec<(i128, i128)> = values.iter().flat_map(|&x| second.iter().map(move |&y| (x, y))).collect();
        // Powers above 200 are left to the floats' sense of infinity; here they would take forever.
        let pairs: Vec<_> = pairs.into_iter().filter(|&(_, y)| op != ElemOp::Power || y <= 200).collect();
        let bits = 8 * dtype.size_bytes() as i128;
        if op.arity() > 2 || meaning(op, 1, 1, bits).is_none() {
            continue;
        }
        let columns =
            [pairs.iter().map(|p| wrapped(p.0, dtype)).collect(), pairs.iter().map(|p| wrapped(p.1, dtype)).collect()];
        let program = Program::single(op, &vec![dtype; op.arity()]).expect("a valid case");
        for level in Level::available() {
            let found = results(&program.compiled_for(level, true), &columns[..op.arity()]);
            for (&(x, y), found) in pairs.iter().zip(found) {
                let expected = meaning(op, x, y, bits)
                    .expect("a valid case")
                    .map(|value| wrapped(value, program.output_dtypes()[0]));
                let same = found.zip(expected).map_or(found.is_none() && expected.is_none(), |(f, e)| f.is_same(e));
                assert!(same, "{op:?} of {dtype} at {level:?}: {x}, {y} is {found:?}, not {expected:?}");
            }
        }
    }
}

#[test]
fn signed_and_unsigned_words_are_compared_exactly() {
    let pairs = [
        (-1i64, u64::MAX),
        (i64::MAX, i64::MAX as u64),
        (i64::MAX, i64::MAX as u64 + 1),
        (5, 5),
        (0, 0),
        (i64::MIN, 0),
    ];
    for name in ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"] {
        for (x, y) in pairs {
            let expected = meaning(op(name), x as i128, y as i128, 64).flatten().expect("a valid case") == 1;
            let found = Program::single(op(name), &[DType::I64, DType::U64]).expect("a valid case");
            let found = found.on_scalars(&[Scalar::I64(x), Scalar::U64(y)]).expect("a valid case");
            assert!(found[0].is_same(Scalar::Bool(expected)), "{x} {name} {y}");
            let turned = meaning(op(name), y as i128, x as i128, 64).flatten().expect("a valid case") == 1;
            let found = Program::single(op(name), &[DType::U64, DType::I64]).expect("a valid case");
            let found = found.on_scalars(&[Scalar::U64(y), Scalar::I64(x)]).expect("a valid case");
            assert!(found[0].is_same(Scalar::Bool(turned)), "{y} {name} {x}");
        }
    }
    assert_eq!(
        op("less").signature(&[DType::U64, DType::I8]).expect("a valid case").inputs(),
        [DType::U64, DType::I64]
    );
    assert_eq!(op("add").signature(&[DType::U64, DType::I8]).expect("a valid case").inputs(), [DType::F64, DType::F64]);
}

/// Values that are worth trying in any element type.
fn samples(dtype: DType) -> Vec<Scalar> {
    let reals = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.3,
        2.0,
        -2.5,
        3.0,
        7.75,
        100.0,
        -128.0,
        255.0,
        1e9,
        1e13,
        -3e40,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    let complex =
        (0..reals.len()).map(|i| Scalar::C64(num_complex::Complex::new(reals[i], reals[(i * 7 + 3) % reals.len()])));
    complex.map(|value| value.cast(dtype)).collect()
}

#[test]
fn casts_are_those_of_scalars() {
    for (from, to) in DType::all().flat_map(|from| DType::all().map(move |to| (from, to))) {
        let values = samples(from);
        let program = Program::single(ElemOp::Cast(to), &[from]).expect("a valid case");
        for level in Level::available() {
            let found = on_columns(&program.compiled_for(level, true), std::slice::from_ref(&values), values.len())
                .expect("a valid case");
            for (value, found) in values.iter().zip(&found[0]) {
                assert!(found.is_same(value.cast(to)), "{value} of {from} as {to} is {found}");
            }
        }
    }
}

#[test]
fn a_condition_chooses_and_bounds_clip() {
    let truth = [true, false, true];
    for dtype in DType::all() {
        let values = samples(dtype);
        let select = Program::single(ElemOp::Select, &[DType::Bool, dtype, dtype]).expect("a valid case");
        for ((i, &x), &y) in values.iter().enumerate().zip(values.iter().rev()) {
            let found = select.on_scalars(&[Scalar::Bool(truth[i % 3]), x, y]).expect("a valid case")[0];
            assert!(found.is_same(if truth[i % 3] { x } else { y }));
        }
        // Bounded from below, then from above, each as NumPy's maximum and minimum do.
        let clip = Program::single(ElemOp::Clip, &[dtype; 3]).expect("a valid case");
        let two = |op, x, y| {
            Program::single(op, &[dtype; 2]).expect("a valid case").on_scalars(&[x, y]).expect("a valid case")[0]
        };
        for (i, &x) in values.iter().enumerate() {
            let (low, high) = (values[(i * 5 + 1) % values.len()], values[(i * 3 + 2) % values.len()]);
            let found = clip.on_scalars(&[x, low, high]).expect("a valid case")[0];
            let expected = two(ElemOp::Minimum, two(ElemOp::Maximum, x, low), high);
            assert!(found.is_same(expected), "clip({x}, {low}, {high}) of {dtype} is {found}, not {expected}");
        }
    }
    // A condition of any type counts as bool, and both branches meet.
    let signature = ElemOp::Select.signature(&[DType::F64, DType::I8, DType::U8]).expect("a valid case");
    assert_eq!((signature.inputs(), signature.output), (&[DType::Bool, DType::I16, DType::I16][..], DType::I16));
}

#[test]
fn an_element_has_the_same_result_at_every_place() {
    for &op in ElemOp::ALL {
        for dtype in DType::all() {
            let Ok(program) = Program::single(op, &vec![dtype; op.arity()]) else { continue };
            let values: Vec<Scalar> = samples(dtype).into_iter().cycle().take(100).collect();
            let turned = |by: usize| -> Vec<Scalar> { (0..100).map(|i| values[(i * by + by) % 100]).collect() };
            // Not below zero, so that powers of integers have results.
            let second = turned(7).into_iter().map(|x| {
                if dtype.is_integral() { wrapped(u8::from(!x.is_same(Scalar::zero(dtype))).into(), dtype) } else { x }
            });
            let columns = [values.clone(), second.collect(), turned(3)];
            for level in Level::available() {
                let program = program.compiled_for(level, true);
                let all = on_columns(&program, &columns[..op.arity()], 100).expect("a valid case");
                for i in 0..100 {
                    let alone: Vec<Scalar> = columns[..op.arity()].iter().map(|column| column[i]).collect();
                    let alone = program.on_scalars(&alone).expect("a valid case")[0];
                    assert!(
                        all[0][i].is_same(alone),
                        "{op:?} of {dtype} at {level:?}, place {i}: {} and {alone}",
                        all[0][i]
                    );
                }
            }
        }
    }
}
