//! Superinstructions: two or three operations in one loop.
//!
//! A value that only the next operation needs does not go through memory when both are done in one loop. The loops here
//! compose the very functions of the op table, so the results are the same to the last bit: products are rounded before
//! they are added.
//!
//! ```text
//! chain   f(g(a, b), c) or f(c, g(a, b))    f, g: add, subtract, multiply, divide
//! after   f(g(a, b))                        f: sqrt, square, absolute; g as above
//! norm    a*a + b*b and its square root
//! choice  select(f(a, b), c, d)             f: a comparison of floats
//! ```

use std::marker::PhantomData;

use super::code::Code;
use super::loops::{Kernels, MakeKernels, kernels, kernels4};
use super::raw::MAX_ARGS;
use super::value::{Instr, Value};
use crate::element::dispatch::dispatch_float;
use crate::element::{DType, Element};
use crate::error::{Error, Result, Shown};
use crate::kernels::ops::{ElemOp, Map, MapVisitor, maps};
use crate::kernels::simd::{Isa, Level};

/// `F(G(a, b), c)`.
struct Left<G, F>(PhantomData<(G, F)>);
/// `F(c, G(a, b))`.
struct Right<G, F>(PhantomData<(G, F)>);
/// `F(G(a, b))`.
struct After<G, F>(PhantomData<(G, F)>);
/// `a*a + b*b`.
struct SumOfSquares;
/// `sqrt(a*a + b*b)`.
struct RootOfSquares;

impl<T: Element, G: Map<(T, T), Out = T>, F: Map<(T, T), Out = T>> Map<(T, T, T)> for Left<G, F> {
    type Out = T;
    const HIGHEST: Level = Level::Avx2;

    #[inline(always)]
    fn call<I: Isa>((a, b, c): (T, T, T)) -> T {
        F::call::<I>((G::call::<I>((a, b)), c))
    }
}

impl<T: Element, G: Map<(T, T), Out = T>, F: Map<(T, T), Out = T>> Map<(T, T, T)> for Right<G, F> {
    type Out = T;
    const HIGHEST: Level = Level::Avx2;

    #[inline(always)]
    fn call<I: Isa>((a, b, c): (T, T, T)) -> T {
        F::call::<I>((c, G::call::<I>((a, b))))
    }
}

impl<T: Element, G: Map<(T, T), Out = T>, F: Map<(T,), Out = T>> Map<(T, T)> for After<G, F> {
    type Out = T;
    const HIGHEST: Level = Level::Avx2;

    #[inline(always)]
    fn call<I: Isa>((a, b): (T, T)) -> T {
        F::call::<I>((G::call::<I>((a, b)),))
    }
}

impl<T: Element> Map<(T, T)> for SumOfSquares
where
    maps::Square: Map<(T,), Out = T>,
    maps::Add: Map<(T, T), Out = T>,
{
    type Out = T;
    const HIGHEST: Level = Level::Avx2;

    #[inline(always)]
    fn call<I: Isa>((a, b): (T, T)) -> T {
        let squares = (<maps::Square as Map<(T,)>>::call::<I>((a,)), <maps::Square as Map<(T,)>>::call::<I>((b,)));
        <maps::Add as Map<(T, T)>>::call::<I>(squares)
    }
}

impl<T: Element> Map<(T, T)> for RootOfSquares
where
    SumOfSquares: Map<(T, T), Out = T>,
    maps::Sqrt: Map<(T,), Out = T>,
{
    type Out = T;
    const HIGHEST: Level = Level::Avx512;

    #[inline(always)]
    fn call<I: Isa>(args: (T, T)) -> T {
        <maps::Sqrt as Map<(T,)>>::call::<I>((SumOfSquares::call::<I>(args),))
    }
}

/// `if F(a, b) { c } else { d }`.
struct Choice<F>(PhantomData<F>);

impl<T: Element, F: Map<(T, T), Out = bool>> Map<(T, T, T, T)> for Choice<F> {
    type Out = T;
    const HIGHEST: Level = Level::Avx512;

    #[inline(always)]
    fn call<I: Isa>((a, b, c, d): (T, T, T, T)) -> T {
        if F::call::<I>((a, b)) { c } else { d }
    }
}

/// Evaluates `body` with `F` set to the map of one of four operations; `None` for the others.
macro_rules! arithmetic {
    ($op:expr, $F:ident => $body:expr) => {
        fuse_over!($op, $F => $body, [Add, Subtract, Multiply, Divide])
    };
}

/// Evaluates `body` with `F` set to the map of an operation that may follow another; `None` for the others.
macro_rules! follower {
    ($op:expr, $F:ident => $body:expr) => {
        fuse_over!($op, $F => $body, [Sqrt, Square, Absolute])
    };
}

macro_rules! fuse_over {
    ($op:expr, $F:ident => $body:expr, [$($map:ident),*]) => {
        match $op {
            $(ElemOp::$map => {
                type $F = maps::$map;
                $body
            })*
            _ => None,
        }
    };
}

/// `outer(inner(a, b), c)`.
fn left(inner: ElemOp, outer: ElemOp, dtype: DType) -> Option<&'static Kernels> {
    dispatch_float!(dtype, T => arithmetic!(inner, G => arithmetic!(outer, F => {
        Some(MakeKernels.map3::<T, T, T, Left<G, F>>())
    })), else None)
}

/// `outer(c, inner(a, b))` where the order matters.
fn right(inner: ElemOp, outer: ElemOp, dtype: DType) -> Option<&'static Kernels> {
    dispatch_float!(dtype, T => arithmetic!(inner, G => fuse_over!(outer, F => {
        Some(MakeKernels.map3::<T, T, T, Right<G, F>>())
    }, [Subtract, Divide])), else None)
}

/// `outer(inner(a, b))`.
fn after(inner: ElemOp, outer: ElemOp, dtype: DType) -> Option<&'static Kernels> {
    dispatch_float!(dtype, T => arithmetic!(inner, G => follower!(outer, F => {
        Some(MakeKernels.map2::<T, T, After<G, F>>())
    })), else None)
}

fn sum_of_squares(dtype: DType) -> Option<&'static Kernels> {
    dispatch_float!(dtype, T => Some(MakeKernels.map2::<T, T, SumOfSquares>()), else None)
}

fn root_of_squares(dtype: DType) -> Option<&'static Kernels> {
    dispatch_float!(dtype, T => Some(MakeKernels.map2::<T, T, RootOfSquares>()), else None)
}

/// `select(condition(a, b), c, d)`.
fn choice(condition: ElemOp, dtype: DType) -> Option<&'static Kernels> {
    dispatch_float!(dtype, T => fuse_over!(condition, F => {
        Some(kernels4::<T, Choice<F>>())
    }, [Less, LessEqual, Greater, GreaterEqual, Equal, NotEqual]), else None)
}

/// One loop to run: an instruction, or several in one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fused {
    pub(super) kernels: &'static Kernels,
    /// The first is repeated where there are fewer.
    pub(super) args: [Value; MAX_ARGS],
    /// The instruction whose result this is.
    pub(super) result: u32,
    /// The operation that is to be done, unless it is several.
    op: Option<ElemOp>,
    is_sum_of_squares: bool,
}

impl Fused {
    fn new(kernels: &'static Kernels, args: &[Value], result: u32) -> Fused {
        let mut all = [args[0]; MAX_ARGS];
        all[..args.len()].copy_from_slice(args);
        Fused { kernels, args: all, result, op: None, is_sum_of_squares: false }
    }

    /// The operation, if it is one alone.
    pub(super) fn op(&self) -> Option<ElemOp> {
        self.op
    }
}

/// The loops of a program in order. `dtypes` are the types of the results of its instructions.
///
/// # Errors
///
/// The table has no loop for an instruction: a fault of this crate.
pub(super) fn fuse(code: &Code, dtypes: &[DType]) -> Result<Vec<Fused>> {
    let mut pass = Pass { uses: count_uses(code), loops: vec![None; code.instrs.len()] };
    for (i, instr) in code.instrs.iter().enumerate() {
        let dtype = dtypes[i];
        let fused = pass.norm(instr, dtype, i).or_else(|| pass.chain(instr, dtype, i));
        let fused = fused.or_else(|| pass.after(instr, dtypes, i)).or_else(|| pass.choice(code, dtypes, instr, i));
        pass.loops[i] = Some(match fused {
            Some(fused) => fused,
            None => alone(code, instr, dtypes, i)?,
        });
    }
    Ok(pass.loops.into_iter().flatten().collect())
}

/// The loops of a program in order, one for each instruction.
///
/// # Errors
///
/// As [`fuse`].
pub(super) fn one_by_one(code: &Code, dtypes: &[DType]) -> Result<Vec<Fused>> {
    code.instrs.iter().enumerate().map(|(i, instr)| alone(code, instr, dtypes, i)).collect()
}

/// The loop of one instruction.
fn alone(code: &Code, instr: &Instr, dtypes: &[DType], i: usize) -> Result<Fused> {
    let mut loop_dtypes = [DType::Bool; 3];
    for (slot, &arg) in loop_dtypes.iter_mut().zip(instr.args()) {
        *slot = code.dtype(arg, dtypes);
    }
    let loop_dtypes = &loop_dtypes[..instr.args().len()];
    let kernels = kernels(instr.op(), loop_dtypes)
        .ok_or_else(|| Error::bug(instr.op().name(), format!("the table has no loop for {}", Shown(loop_dtypes))))?;
    Ok(Fused { op: Some(instr.op()), ..Fused::new(kernels, instr.args(), i as u32) })
}

/// How often the result of each instruction is used, by instructions and outputs.
fn count_uses(code: &Code) -> Vec<u32> {
    let mut uses = vec![0; code.instrs.len()];
    let used = code.instrs.iter().flat_map(super::value::Instr::args).chain(&code.outputs);
    for value in used {
        if let Value::Temp(i) = value {
            uses[*i as usize] += 1;
        }
    }
    uses
}

struct Pass {
    uses: Vec<u32>,
    /// The loop of each instruction; `None` for those that are done in another one's.
    loops: Vec<Option<Fused>>,
}

impl Pass {
    /// The loop behind a value, if the value is needed only once.
    fn inner(&self, value: Value) -> Option<(usize, Fused)> {
        match value {
            Value::Temp(i) if self.uses[i as usize] == 1 => self.loops[i as usize].map(|inner| (i as usize, inner)),
            _ => None,
        }
    }

    /// What is squared, if the value is a square that is needed only once.
    fn squared(&self, value: Value) -> Option<(usize, Value)> {
        let (i, inner) = self.inner(value)?;
        let is_square = match inner.op? {
            ElemOp::Square => true,
            ElemOp::Multiply => inner.args[0] == inner.args[1],
            _ => false,
        };
        is_square.then_some((i, inner.args[0]))
    }

    fn norm(&mut self, instr: &Instr, dtype: DType, i: usize) -> Option<Fused> {
        match (instr.op(), instr.args()) {
            (ElemOp::Add, &[x, y]) => {
                let ((x, a), (y, b)) = (self.squared(x)?, self.squared(y)?);
                let fused = Fused::new(sum_of_squares(dtype)?, &[a, b], i as u32);
                self.loops[x] = None;
                self.loops[y] = None;
                Some(Fused { is_sum_of_squares: true, ..fused })
            }
            (ElemOp::Sqrt, &[x]) => {
                let (x, inner) = self.inner(x).filter(|(_, inner)| inner.is_sum_of_squares)?;
                let fused = Fused::new(root_of_squares(dtype)?, &inner.args[..2], i as u32);
                self.loops[x] = None;
                Some(fused)
            }
            (_, _) => None,
        }
    }

    fn chain(&mut self, instr: &Instr, dtype: DType, i: usize) -> Option<Fused> {
        let &[x, y] = instr.args() else { return None };
        let commutes = matches!(instr.op(), ElemOp::Add | ElemOp::Multiply);
        let from = |value: Value, kernels: &dyn Fn(ElemOp) -> Option<&'static Kernels>| {
            let (at, inner) = self.inner(value)?;
            Some((at, kernels(inner.op?)?, inner.args))
        };
        let in_order = |inner| left(inner, instr.op(), dtype);
        let turned = |inner| if commutes { in_order(inner) } else { right(inner, instr.op(), dtype) };
        let found = from(x, &in_order).map(|found| (found, y)).or_else(|| from(y, &turned).map(|found| (found, x)));
        let ((at, kernels, [a, b, ..]), c) = found?;
        self.loops[at] = None;
        Some(Fused::new(kernels, &[a, b, c], i as u32))
    }

    fn after(&mut self, instr: &Instr, dtypes: &[DType], i: usize) -> Option<Fused> {
        let &[x] = instr.args() else { return None };
        let (at, inner) = self.inner(x)?;
        // The type that is computed in: the magnitude of a complex number has another one.
        let kernels = after(inner.op?, instr.op(), dtypes[at])?;
        self.loops[at] = None;
        Some(Fused::new(kernels, &inner.args[..2], i as u32))
    }

    fn choice(&mut self, code: &Code, dtypes: &[DType], instr: &Instr, i: usize) -> Option<Fused> {
        let &[condition, x, y] = instr.args() else { return None };
        if instr.op() != ElemOp::Select {
            return None;
        }
        let (at, inner) = self.inner(condition)?;
        let [a, b, ..] = inner.args;
        // One type for all: the loop has one.
        let compared = [code.dtype(a, dtypes), code.dtype(b, dtypes)];
        let kernels = choice(inner.op?, dtypes[i]).filter(|_| compared == [dtypes[i]; 2])?;
        self.loops[at] = None;
        Some(Fused::new(kernels, &[a, b, x, y], i as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::Scalar;
    use crate::kernels::program::testing::on_columns;
    use crate::kernels::program::{Program, ProgramBuilder};

    fn n_loops(program: &Program) -> usize {
        fuse(program.code(), program.temp_dtypes()).unwrap().len()
    }

    #[test]
    fn a_norm_is_one_loop_and_a_chain_half_as_many() {
        let mut builder = ProgramBuilder::new();
        let [x, y, z] = [(); 3].map(|()| builder.input(DType::F64));
        let squares = [builder.push(ElemOp::Square, &[x]).unwrap(), builder.push(ElemOp::Multiply, &[y, y]).unwrap()];
        let sum = builder.push(ElemOp::Add, &squares).unwrap();
        let root = builder.push(ElemOp::Sqrt, &[sum]).unwrap();
        let product = builder.push(ElemOp::Multiply, &[root, z]).unwrap();
        let one = builder.constant(1.0);
        let result = builder.push(ElemOp::Add, &[product, one]).unwrap();
        let program = builder.finish(&[result]);
        assert_eq!((program.n_instrs(), n_loops(&program)), (6, 2));
    }

    #[test]
    fn a_value_that_is_needed_twice_is_kept() {
        let mut builder = ProgramBuilder::new();
        let (x, y) = (builder.input(DType::F64), builder.input(DType::F64));
        let product = builder.push(ElemOp::Multiply, &[x, y]).unwrap();
        let sum = builder.push(ElemOp::Add, &[product, x]).unwrap();
        assert_eq!(n_loops(&builder.finish(&[sum, product])), 2);
    }

    #[test]
    fn superinstructions_do_not_change_a_bit() {
        let values = [0.0, -0.0, 1.0, 0.1, -0.3, 1e300, -1e-300, 3.0, f64::INFINITY, f64::NAN];
        let column = |step: usize| (0..100).map(|i| Scalar::F64(values[(i * step + i / 10) % 10])).collect::<Vec<_>>();
        let inputs = [column(1), column(3), column(7)];
        let arithmetic = [ElemOp::Add, ElemOp::Subtract, ElemOp::Multiply, ElemOp::Divide];
        let mut outer = arithmetic.to_vec();
        outer.extend([ElemOp::Sqrt, ElemOp::Square, ElemOp::Absolute]);
        for (dtype, inner, outer, turned) in [DType::F32, DType::F64].into_iter().flat_map(|dtype| {
            let outer = outer.clone();
            let pairs =
                arithmetic.into_iter().flat_map(move |inner| outer.clone().into_iter().map(move |o| (inner, o)));
            pairs.flat_map(move |(inner, outer)| [false, true].map(|turned| (dtype, inner, outer, turned)))
        }) {
            let mut builder = ProgramBuilder::new();
            let [x, y, z] = [(); 3].map(|()| builder.input(dtype));
            let value = builder.push(inner, &[x, y]).unwrap();
            let args = if turned { [z, value] } else { [value, z] };
            let args = if outer.arity() == 1 { &[value][..] } else { &args };
            let value = builder.push(outer, args).unwrap();
            let program = builder.finish(&[value]);
            assert_eq!(n_loops(&program), 1, "{program}");
            let plain = on_columns(&program.compiled_for(Level::Base, false), &inputs, 100).unwrap();
            for level in Level::available() {
                let fused = on_columns(&program.compiled_for(level, true), &inputs, 100).unwrap();
                for (i, (a, b)) in plain[0].iter().zip(&fused[0]).enumerate() {
                    assert!(a.is_same(*b), "{program} at {level:?}, place {i}: {a} and {b}");
                }
            }
        }
    }

    #[test]
    fn a_comparison_that_only_chooses_makes_no_mask() {
        let inputs = [0.0, -0.0, 1.0, f64::NAN, 7.5].map(Scalar::F64);
        let column = |step: usize| (0..100).map(|i| inputs[(i * step + i / 5) % 5]).collect::<Vec<_>>();
        let columns = [column(1), column(2), column(3), column(4)];
        for op in
            [ElemOp::Less, ElemOp::LessEqual, ElemOp::Greater, ElemOp::GreaterEqual, ElemOp::Equal, ElemOp::NotEqual]
        {
            for (compared, chosen, n) in
                [(DType::F64, DType::F64, 1), (DType::F32, DType::F32, 1), (DType::F32, DType::F64, 2)]
            {
                let mut builder = ProgramBuilder::new();
                let [a, b] = [(); 2].map(|()| builder.input(compared));
                let [c, d] = [(); 2].map(|()| builder.input(chosen));
                let mask = builder.push(op, &[a, b]).unwrap();
                let value = builder.push(ElemOp::Select, &[mask, c, d]).unwrap();
                let program = builder.finish(&[value]);
                assert_eq!(n_loops(&program), n, "{program}");
                let plain = on_columns(&program.compiled_for(Level::Base, false), &columns, 100).unwrap();
                for level in Level::available() {
                    let fused = on_columns(&program.compiled_for(level, true), &columns, 100).unwrap();
                    assert!(plain[0].iter().zip(&fused[0]).all(|(a, b)| a.is_same(*b)), "{program} at {level:?}");
                }
            }
        }
    }

    #[test]
    fn the_magnitude_of_a_complex_sum_is_two_loops() {
        let mut builder = ProgramBuilder::new();
        let (x, y) = (builder.input(DType::C64), builder.input(DType::C64));
        let sum = builder.push(ElemOp::Add, &[x, y]).unwrap();
        let size = builder.push(ElemOp::Absolute, &[sum]).unwrap();
        let program = builder.finish(&[size]);
        assert_eq!(n_loops(&program), 2);
        let three = Scalar::from(num_complex::Complex::new(3.0, 0.0));
        let four = Scalar::from(num_complex::Complex::new(0.0, 4.0));
        assert!(program.on_scalars(&[three, four]).unwrap()[0].is_same(5.0.into()));
    }
}
