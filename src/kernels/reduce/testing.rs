//! Every reduction against a plain loop: shapes, axes, element types, strides, masks, grids, pieces.

use ndarray::{ArrayD, ArrayViewD, Axis, Dimension, IxDyn, Slice};
use proptest::prelude::*;

use super::machine::Machine;
use super::{Ddof, Fills, LiftSpec, Partial, PassItem, Reducer, Reduction, lift_program, lift_together};
use crate::block::Block;
use crate::element::dispatch::dispatch;
use crate::element::{C64, DType, DTypeKind, Element, Scalar};
use crate::error::Result;
use crate::kernels::program::{Operand, Program, TileRef};

/// A reduction of a whole array over the flagged axes.
pub(super) fn reduce<T: Element>(reduction: Reduction, array: ArrayD<T>, reduced: &[bool]) -> Result<Block> {
    let reducer = Reducer::new(reduction, T::DTYPE)?;
    let spec = LiftSpec::new(array.shape(), reduced);
    reducer.finish(&reducer.lift(&Block::from_dense(array), None, &spec)?)
}

/// A reduction of all elements of a 1-d array.
pub(super) fn reduce_all<T: Element>(reduction: Reduction, elements: &[T]) -> Result<Scalar> {
    reduce(
        reduction,
        ArrayD::from_shape_vec(IxDyn(&[elements.len()]), elements.to_vec()).expect("a valid case"),
        &[true],
    )?
    .scalar()
}

/// A reduction of all elements of a 1-d array in blocks of `len`, combined in groups of four.
pub(super) fn reduce_blocks<T: Element>(reduction: Reduction, elements: &[T], len: usize) -> Result<Scalar> {
    let reducer = Reducer::new(reduction, T::DTYPE)?;
    let lifted = elements.chunks(len).enumerate().map(|(i, block)| {
        let spec = LiftSpec::new(&[block.len()], &[true]).at(&[(i * len) as u64], &[elements.len() as u64]);
        let array = ArrayD::from_shape_vec(IxDyn(&[block.len()]), block.to_vec()).expect("a valid case");
        reducer.lift(&Block::from_dense(array), None, &spec)
    });
    let mut partials: Vec<Partial> = lifted.collect::<Result<_>>()?;
    while partials.len() > 1 {
        let groups = partials.chunks(4).map(|group| reducer.combine(&group.iter().collect::<Vec<_>>()));
        partials = groups.collect::<Result<_>>()?;
    }
    reducer.finish(&partials[0])?.scalar()
}

/// Elements chosen so that ties, NaN, infinities and negative zeros are common.
fn element<T: Element>(seed: u64) -> T {
    let small = (seed >> 8) % 7;
    let scalar = match (T::DTYPE.kind(), seed % 16) {
        (DTypeKind::Float | DTypeKind::Complex, 0) => Scalar::F64(-0.0),
        (DTypeKind::Float, 1) if seed.is_multiple_of(3) => Scalar::F64(f64::NAN),
        (DTypeKind::Float, 2) if seed.is_multiple_of(5) => Scalar::F64(f64::INFINITY),
        (DTypeKind::Float, 3..8) => Scalar::F64((seed >> 11) as f64 / 1e15 - 4.5),
        (DTypeKind::Complex, 1) if seed.is_multiple_of(3) => Scalar::C64(C64::new(f64::NAN, 1.0)),
        (DTypeKind::Complex, 2..8) => Scalar::C64(C64::new(small as f64, (seed >> 20) as f64 / 1e12)),
        (DTypeKind::Signed | DTypeKind::Unsigned, 0..4) => Scalar::U64(seed),
        _ => Scalar::I64(small as i64 - 2),
    };
    T::from_scalar(scalar)
}

fn hash(seed: u64, i: u64) -> u64 {
    let mut x = seed.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

fn reductions() -> Vec<Reduction> {
    use Reduction::*;
    let (none, one) = (Ddof::new(0.0), Ddof::new(1.0));
    let moments = [Var { ddof: none }, Std { ddof: one }, NanVar { ddof: one }, NanStd { ddof: none }];
    let plain = [Sum, Prod, Min, Max, Any, All, CountNonzero, Mean, ArgMin, ArgMax];
    let skipping = [NanSum, NanProd, NanMin, NanMax, NanMean, NanArgMin, NanArgMax];
    moments.into_iter().chain(plain).chain(skipping).collect()
}

/// What a plain loop says about one cell.
#[derive(Debug)]
enum Want {
    Exactly(Scalar),
    /// A value, and how far a sum of rounding errors may be from it.
    Near(C64, f64),
    /// It depends on the order: the product overflows on some way.
    Anything,
    NoElements,
}

fn want<T: Element>(reduction: Reduction, elements: &[(i64, T)]) -> Want {
    use Reduction::*;
    let skips = matches!(reduction, NanSum | NanProd | NanMin | NanMax | NanMean | NanVar { .. } | NanStd { .. });
    let numbers: Vec<T> = elements.iter().map(|e| e.1).filter(|x| !(skips && x.is_nan())).collect();
    match reduction {
        Sum | NanSum => want_sum(&numbers),
        Prod | NanProd => want_prod(&numbers),
        Any => Want::Exactly(Scalar::Bool(numbers.iter().any(|&x| x != T::zero()))),
        All => Want::Exactly(Scalar::Bool(numbers.iter().all(|&x| x != T::zero()))),
        CountNonzero => Want::Exactly(Scalar::I64(numbers.iter().filter(|&&x| x != T::zero()).count() as i64)),
        Mean | NanMean => want_mean(&numbers),
        Var { ddof } | NanVar { ddof } => want_var(&numbers, ddof.get(), false),
        Std { ddof } | NanStd { ddof } => want_var(&numbers, ddof.get(), true),
        Min | Max => want_place(elements, reduction == Max, false, false),
        NanMin | NanMax if elements.is_empty() => Want::NoElements,
        NanMin | NanMax if numbers.is_empty() => Want::Exactly(elements[0].1.to_scalar()),
        NanMin | NanMax => want_place(elements, reduction == NanMax, true, false),
        ArgMin | ArgMax => want_place(elements, reduction == ArgMax, false, true),
        NanArgMin | NanArgMax => want_place(elements, reduction == NanArgMax, true, true),
    }
}

fn wide<T: Element>(x: T) -> C64 {
    x.to_scalar().to_c64()
}

fn epsilon<T: Element>() -> f64 {
    if T::DTYPE.real() == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON }
}

fn want_sum<T: Element>(xs: &[T]) -> Want {
    match T::DTYPE.kind() {
        DTypeKind::Float | DTypeKind::Complex => {
            let sum = C64::new(exact_sum(xs.iter().map(|&x| wide(x).re)), exact_sum(xs.iter().map(|&x| wide(x).im)));
            Want::Near(sum, 4.0 * epsilon::<T>() * xs.iter().map(|&x| wide(x).l1_norm()).sum::<f64>())
        }
        DTypeKind::Unsigned => Want::Exactly(Scalar::U64(whole(xs).fold(0u128, u128::wrapping_add) as u64)),
        DTypeKind::Bool | DTypeKind::Signed => {
            Want::Exactly(Scalar::I64(whole(xs).fold(0u128, u128::wrapping_add) as i64))
        }
    }
}

/// The sum in about a hundred bits.
fn exact_sum(xs: impl Iterator<Item = f64> + Clone) -> f64 {
    let (mut sum, mut error) = (0.0f64, 0.0);
    for x in xs.clone() {
        let total = sum + x;
        error += if sum.abs() >= x.abs() { (sum - total) + x } else { (x - total) + sum };
        sum = total;
    }
    if sum.is_finite() { sum + error } else { xs.sum() }
}

fn whole<T: Element>(xs: &[T]) -> impl Iterator<Item = u128> {
    xs.iter().map(|&x| match x.to_scalar() {
        Scalar::U64(x) => u128::from(x),
        other => i64::from_scalar(other) as u128,
    })
}

fn want_prod<T: Element>(xs: &[T]) -> Want {
    match T::DTYPE.kind() {
        DTypeKind::Float | DTypeKind::Complex => {
            let exponents = xs.iter().map(|&x| wide(x).norm().log2().abs()).filter(|e| e.is_finite());
            if exponents.sum::<f64>() > 900.0 {
                return Want::Anything;
            }
            let product = xs.iter().map(|&x| wide(x)).product::<C64>();
            if product.norm() > 1e37 && T::DTYPE.real() == DType::F32 {
                return Want::Anything;
            }
            Want::Near(product, epsilon::<T>() * 4.0 * (xs.len() as f64 + 1.0) * product.norm())
        }
        DTypeKind::Unsigned => Want::Exactly(Scalar::U64(whole(xs).fold(1u128, u128::wrapping_mul) as u64)),
        DTypeKind::Bool | DTypeKind::Signed => {
            Want::Exactly(Scalar::I64(whole(xs).fold(1u128, u128::wrapping_mul) as i64))
        }
    }
}

fn want_mean<T: Element>(xs: &[T]) -> Want {
    let n = xs.len() as f64;
    match want_sum(xs) {
        Want::Near(sum, error) => Want::Near(sum / n, error / n),
        _ => {
            let sum = xs.iter().map(|&x| match x.to_scalar() {
                Scalar::U64(x) => i128::from(x),
                other => i128::from(i64::from_scalar(other)),
            });
            Want::Exactly(Scalar::F64(sum.sum::<i128>() as f64 / n))
        }
    }
}

fn want_var<T: Element>(xs: &[T], ddof: f64, takes_root: bool) -> Want {
    if xs.is_empty() {
        return Want::Near(C64::new(f64::NAN, 0.0), 0.0);
    }
    let n = xs.len() as f64;
    let each = |value: &dyn Fn(C64) -> f64| exact_sum(xs.iter().map(|&x| value(wide(x))));
    let mean = C64::new(each(&|x| x.re), each(&|x| x.im)) / n;
    let rest = C64::new(each(&|x| x.re - mean.re), each(&|x| x.im - mean.im)) / n;
    let squares = each(&|x| (x - mean).norm_sqr()) - rest.norm_sqr() * n;
    let var = squares / (n - ddof).max(0.0);
    let value = if takes_root { var.sqrt() } else { var };
    Want::Near(C64::new(value, 0.0), epsilon::<T>().max(2e-14) * value)
}

fn want_place<T: Element>(elements: &[(i64, T)], larger: bool, skips_nan: bool, wants_place: bool) -> Want {
    let real = |x: T| i128::from(i64::from_scalar(x.to_scalar()));
    let beats = |x: T, best: T| match x.to_scalar() {
        Scalar::U64(x) => (x > u64::from_scalar(best.to_scalar())) == larger && x != u64::from_scalar(best.to_scalar()),
        _ if T::DTYPE.is_integral() => (real(x) > real(best)) == larger && real(x) != real(best),
        _ => {
            if larger {
                wide(x).re > wide(best).re
            } else {
                wide(x).re < wide(best).re
            }
        }
    };
    let mut found: Option<(i64, T)> = None;
    for &(at, x) in elements.iter().filter(|e| !(skips_nan && e.1.is_nan())) {
        match found {
            None => found = Some((at, x)),
            Some((_, best)) if beats(x, best) || (x.is_nan() && !best.is_nan()) => found = Some((at, x)),
            Some(_) => {}
        }
    }
    match found {
        None => Want::NoElements,
        Some((at, _)) if wants_place => Want::Exactly(Scalar::I64(at)),
        Some((_, x)) => Want::Exactly(x.to_scalar()),
    }
}

/// The elements of every cell with their positions along the reduced axes.
fn cells<T: Element>(view: &ArrayViewD<'_, T>, take: &ArrayViewD<'_, bool>, reduced: &[bool]) -> Vec<Vec<(i64, T)>> {
    let n_cells = view.shape().iter().zip(reduced).filter(|axis| !axis.1).map(|axis| axis.0).product();
    let mut cells = vec![Vec::new(); n_cells];
    for ((index, &x), &takes) in view.indexed_iter().zip(take) {
        let (mut cell, mut at) = (0, 0);
        for axis in 0..view.ndim() {
            let to = if reduced[axis] { &mut at } else { &mut cell };
            *to = *to * view.shape()[axis] + index[axis];
        }
        if takes {
            cells[cell].push((at as i64, x));
        }
    }
    cells
}

fn agrees(want: &Want, got: Scalar) -> bool {
    match want {
        // Which of two zeros is the smaller one is nobody's business.
        Want::Exactly(Scalar::F64(0.0) | Scalar::F32(0.0)) => got.to_c64().re == 0.0,
        Want::Exactly(want) => want.is_same(got),
        Want::Anything => true,
        Want::NoElements => false,
        Want::Near(want, error) => {
            let near = |want: f64, got: f64| {
                (want.is_nan() && got.is_nan()) || want == got || (want - got).abs() <= error + f64::MIN_POSITIVE
            };
            let got = got.to_c64();
            // A complex product with NaN or infinite parts may be NaN in either part.
            let is_odd = !want.re.is_finite() || !want.im.is_finite();
            if is_odd && (want.im != 0.0 || got.im != 0.0) {
                return !got.re.is_finite() || !got.im.is_finite();
            }
            near(want.re, got.re) && near(want.im, got.im)
        }
    }
}

/// One random case.
#[derive(Clone, Debug)]
struct Case {
    shape: Vec<usize>,
    reduced: Vec<bool>,
    dtype: DType,
    seed: u64,
    /// Axes in memory order, and steps along them.
    order: Vec<usize>,
    steps: Vec<isize>,
    masked: bool,
    /// Where each axis is cut.
    cuts: Vec<Vec<usize>>,
}

fn case() -> impl Strategy<Value = Case> {
    let axis = prop_oneof![6 => 0..6usize, 2 => 6..40usize, 1 => Just(1usize)];
    let shape = prop_oneof![
        4 => prop::collection::vec(axis, 0..5),
        1 => (1..3usize, 1000..2200usize).prop_map(|(a, b)| vec![a, b]),
        1 => (30..80usize, 1..40usize, 1..3usize).prop_map(|(a, b, c)| vec![a, b, c]),
        1 => (1..4usize, 1..20usize, 64..150usize).prop_map(|(a, b, c)| vec![a, b, c]),
    ];
    let dtype = (0..13usize).prop_map(|i| DType::all().nth(i).expect("a valid case"));
    (shape, dtype, any::<u64>(), any::<bool>()).prop_flat_map(|(shape, dtype, seed, masked)| {
        let n = shape.len();
        let cuts: Vec<_> = shape.iter().map(|&len| prop::collection::vec(0..=len, 0..3)).collect();
        (
            prop::collection::vec(any::<bool>(), n),
            Just((0..n).collect::<Vec<_>>()).prop_shuffle(),
            prop::collection::vec(prop_oneof![4 => Just(1isize), 1 => Just(-1), 1 => Just(2)], n),
            cuts,
        )
            .prop_map(move |(reduced, order, steps, cuts)| Case {
                shape: shape.clone(),
                reduced,
                dtype,
                seed,
                order,
                steps,
                masked,
                cuts,
            })
    })
}

/// A view of the wanted shape with odd strides, holding the elements of `plain`.
fn with_strides<T: Element>(plain: &ArrayD<T>, order: &[usize], steps: &[isize]) -> ArrayD<T> {
    let memory: Vec<usize> = order.iter().map(|&axis| plain.shape()[axis] * steps[axis].unsigned_abs()).collect();
    let mut axes = vec![0; order.len()];
    order.iter().enumerate().for_each(|(i, &axis)| axes[axis] = i);
    let mut view = ArrayD::from_elem(IxDyn(&memory), T::one()).permuted_axes(IxDyn(&axes));
    for (axis, &step) in steps.iter().enumerate() {
        view.slice_axis_inplace(Axis(axis), Slice::new(0, None, step));
    }
    view.assign(plain);
    view
}

fn blocks_of(shape: &[usize], cuts: &[Vec<usize>]) -> Vec<Vec<(usize, usize)>> {
    let ranges = shape.iter().zip(cuts).map(|(&len, cuts)| {
        let mut edges = cuts.clone();
        edges.extend([0, len]);
        edges.sort_unstable();
        edges.windows(2).map(|edge| (edge[0], edge[1])).collect::<Vec<_>>()
    });
    ranges.fold(vec![vec![]], |blocks, axis| {
        blocks.iter().flat_map(|block| axis.iter().map(move |&range| [block.as_slice(), &[range]].concat())).collect()
    })
}

fn spec_of(case: &Case, block: &[(usize, usize)], machine: Machine) -> LiftSpec {
    let shape: Vec<usize> = block.iter().map(|range| range.1 - range.0).collect();
    let start: Vec<u64> = block.iter().map(|range| range.0 as u64).collect();
    let whole: Vec<u64> = case.shape.iter().map(|&len| len as u64).collect();
    let mut spec = LiftSpec::new(&shape, &case.reduced).at(&start, &whole);
    spec.machine = machine;
    if case.masked { spec.partial() } else { spec }
}

/// The answer for every cell of the whole array, from blocks whose partials are joined two by two.
fn by_blocks<T: Element>(reducer: Reducer, case: &Case, array: &ArrayD<T>, take: &ArrayD<bool>) -> Result<Vec<Scalar>> {
    let kept: Vec<usize> =
        case.shape.iter().zip(&case.reduced).map(|(&len, &reduced)| if reduced { 1 } else { len }).collect();
    let mut answers = ArrayD::from_elem(IxDyn(&kept), None);
    let mut groups: Vec<(Vec<(usize, usize)>, Vec<Partial>)> = Vec::new();
    for block in blocks_of(&case.shape, &case.cuts) {
        let part = |axis: usize| Slice::from(block[axis].0..block[axis].1);
        let own = array.slice_each_axis(|axis| part(axis.axis.index())).to_owned();
        let own_take = take.slice_each_axis(|axis| part(axis.axis.index())).to_owned();
        let mask = case.masked.then(|| Block::from_dense(own_take));
        let spec = spec_of(case, &block, Machine::detect());
        let partial = reducer.lift(&Block::from_dense(own), mask.as_ref(), &spec)?;
        let place: Vec<(usize, usize)> =
            block.iter().zip(&case.reduced).map(|(&range, &reduced)| if reduced { (0, 1) } else { range }).collect();
        match groups.iter_mut().find(|group| group.0 == place) {
            Some(group) => group.1.push(partial),
            None => groups.push((place, vec![partial])),
        }
    }
    for (place, mut partials) in groups {
        while partials.len() > 1 {
            let pairs = partials.chunks(2).map(|pair| reducer.combine(&pair.iter().collect::<Vec<_>>()));
            partials = pairs.collect::<Result<_>>()?;
        }
        let block = reducer.finish(&partials[0])?;
        let mut to =
            answers.slice_each_axis_mut(|axis| Slice::from(place[axis.axis.index()].0..place[axis.axis.index()].1));
        dispatch!(block.dtype(), U => to.zip_mut_with(&block.dense::<U>()?, |to, &x| *to = Some(x.to_scalar())));
    }
    Ok(answers.into_iter().map(|answer| answer.expect("every cell belongs to a block")).collect())
}

fn scalars(block: &Block) -> Vec<Scalar> {
    dispatch!(block.dtype(), U => block.dense::<U>().expect("a valid case").iter().map(|x| x.to_scalar()).collect())
}

fn check<T: Element>(case: &Case) {
    let n: usize = case.shape.iter().product();
    let data: Vec<T> = (0..n as u64).map(|i| element(hash(case.seed, i))).collect();
    let plain = ArrayD::from_shape_vec(IxDyn(&case.shape), data).expect("a valid case");
    let take = ArrayD::from_shape_fn(IxDyn(&case.shape), |index| {
        let i = index.as_array_view().iter().fold(0, |i, &k| i * 41 + k as u64);
        !case.masked || !hash(case.seed ^ 1, i).is_multiple_of(3)
    });
    let cells = cells(&plain.view(), &take.view(), &case.reduced);
    let strided = with_strides(&plain, &case.order, &case.steps);
    for reduction in reductions() {
        let Ok(reducer) = Reducer::new(reduction, T::DTYPE) else {
            assert!(T::DTYPE.is_complex());
            continue;
        };
        let wants: Vec<Want> = cells.iter().map(|cell| want(reduction, cell)).collect();
        let is_error = wants.iter().any(|want| matches!(want, Want::NoElements));
        let whole: Vec<(usize, usize)> = case.shape.iter().map(|&len| (0, len)).collect();
        let mask = case.masked.then(|| Block::from_dense(take.clone()));
        let mut first: Option<Vec<Scalar>> = None;
        for (machine, array) in Machine::available().flat_map(|machine| [(machine, &plain), (machine, &strided)]) {
            let spec = spec_of(case, &whole, machine);
            let partial = reducer.lift(&Block::from_dense(array.clone()), mask.as_ref(), &spec).expect("a valid case");
            let Ok(block) = reducer.finish(&partial) else {
                assert!(is_error, "{reduction}: {wants:?}");
                continue;
            };
            assert!(!is_error, "{reduction}: {block:?}");
            assert_eq!(block.dtype(), reducer.output_dtype().expect("a valid case"));
            let got = scalars(&block);
            assert_eq!(got.len(), wants.len());
            for ((want, &got), cell) in wants.iter().zip(&got).zip(&cells) {
                let few = &cell[..cell.len().min(40)];
                assert!(agrees(want, got), "{reduction} of {}: wanted {want:?}, got {got:?}: {few:?}", T::DTYPE);
            }
            let first = first.get_or_insert_with(|| got.clone());
            let same = first.iter().zip(&got).all(|(a, b)| a.is_same(*b));
            assert!(same, "{reduction}: {first:?} and {got:?} on {machine:?}, by strides {:?}", array.strides());
        }
        match by_blocks(reducer, case, &plain, &take) {
            Err(error) => assert!(is_error, "{reduction}: {error}"),
            Ok(got) => {
                assert!(!is_error);
                for (want, got) in wants.iter().zip(got) {
                    assert!(agrees(want, got), "{reduction} by blocks: wanted {want:?}, got {got:?}");
                }
            }
        }
    }
}

/// The answers agree in every bit. Partials need not: nobody counts on when the first NaN has settled an extreme.
fn assert_same(reducer: Reducer, a: &Partial, b: &Partial) {
    let (Ok(x), Ok(y)) = (reducer.finish(a), reducer.finish(b)) else {
        assert_eq!(reducer.finish(a).is_err(), reducer.finish(b).is_err());
        return;
    };
    assert!(scalars(&x).iter().zip(scalars(&y)).all(|(x, y)| x.is_same(y)), "{reducer:?}: {a:?} and {b:?}");
}

/// Cuts the elements of a block into pieces of odd lengths.
fn check_pieces<T: Element>(case: &Case, n: usize) {
    let data: Vec<T> = (0..n as u64).map(|i| element(hash(case.seed, i))).collect();
    let take: Vec<bool> = (0..n as u64).map(|i| !case.masked || !hash(case.seed ^ 1, i).is_multiple_of(3)).collect();
    let whole: Vec<(usize, usize)> = case.shape.iter().map(|&len| (0, len)).collect();
    let spec = spec_of(case, &whole, Machine::detect());
    for reducer in reductions().into_iter().filter_map(|reduction| Reducer::new(reduction, T::DTYPE).ok()) {
        let partial = |longest: u64| {
            let mut lift = reducer.lift_with(spec.clone()).expect("a valid case");
            let mut start = 0;
            while start < n {
                let end = n.min(start + 1 + (hash(longest, start as u64) % longest) as usize);
                let take = case.masked.then_some(&take[start..end]);
                lift.tile(start, TileRef::new(&data[start..end]), take);
                start = end;
            }
            Partial::of(lift)
        };
        let whole = partial(1 << 40);
        for longest in [3, 50, 1500] {
            assert_same(reducer, &whole, &partial(longest));
        }
    }
}

/// The masked-out elements are the fill; a partial of the others and one of the fills make the whole.
fn check_fills<T: Element>(case: &Case) {
    let fill: T = element(hash(case.seed, 99));
    let n: usize = case.shape.iter().product();
    let stored = |i: usize| hash(case.seed ^ 1, i as u64).is_multiple_of(3);
    let data = (0..n).map(|i| if stored(i) { element(hash(case.seed, i as u64)) } else { fill }).collect();
    let array = ArrayD::<T>::from_shape_vec(IxDyn(&case.shape), data).expect("a valid case");
    let mask = ArrayD::from_shape_vec(IxDyn(&case.shape), (0..n).map(stored).collect()).expect("a valid case");
    let absent: Vec<Vec<i64>> = cells(&array.view(), &mask.mapv(|stored| !stored).view(), &case.reduced)
        .into_iter()
        .map(|cell| cell.into_iter().map(|element| element.0).collect())
        .collect();
    let counts: Vec<u64> = absent.iter().map(|places| places.len() as u64).collect();
    let first: Vec<i64> = absent.iter().map(|places| places.first().copied().unwrap_or(-1)).collect();
    let all = cells(&array.view(), &ArrayD::from_elem(IxDyn(&case.shape), true).view(), &case.reduced);
    let spec = LiftSpec::new(&case.shape, &case.reduced);
    let (block, mask) = (Block::from_dense(array), Block::from_dense(mask));
    for reducer in reductions().into_iter().filter_map(|reduction| Reducer::new(reduction, T::DTYPE).ok()) {
        let stored = reducer.lift(&block, Some(&mask), &spec).expect("a valid case");
        let shape = stored.shape().expect("a valid case");
        let fills = Fills { fill: fill.to_scalar(), counts: &counts, first: &first, shape: &shape };
        let both = reducer.combine(&[&stored, &reducer.fills(&fills).expect("a valid case")]).expect("a valid case");
        let Ok(result) = reducer.finish(&both) else {
            assert!(all.iter().any(|cell| matches!(want(reducer.reduction(), cell), Want::NoElements)));
            continue;
        };
        for (cell, got) in all.iter().zip(scalars(&result)) {
            let want = want(reducer.reduction(), cell);
            assert!(agrees(&want, got), "{reducer:?}, fill {fill}: wanted {want:?}, got {got:?}");
        }
    }
}

/// Several reductions of one block in one pass are those of the block.
fn check_together<T: Element>(case: &Case) {
    let n: usize = case.shape.iter().product();
    let data = (0..n as u64).map(|i| element(hash(case.seed, i))).collect();
    let plain = ArrayD::<T>::from_shape_vec(IxDyn(&case.shape), data).expect("a valid case");
    let spec = LiftSpec::new(&case.shape, &case.reduced);
    let reducers: Vec<Reducer> =
        reductions().into_iter().filter_map(|reduction| Reducer::new(reduction, T::DTYPE).ok()).collect();
    let strided = Block::from_dense(with_strides(&plain, &case.order, &case.steps));
    let partials = lift_together(&strided, &reducers, &spec).expect("a valid case");
    let block = Block::from_dense(plain);
    for (reducer, got) in reducers.into_iter().zip(partials) {
        assert_same(reducer, &reducer.lift(&block, None, &spec).expect("a valid case"), &got);
    }
}

/// Several reductions of a fused program in one pass are those of the values it would write.
fn check_lifts<T: Element>(case: &Case) {
    let n: usize = case.shape.iter().product();
    let data = (0..n as u64).map(|i| element(hash(case.seed, i))).collect();
    let plain = ArrayD::<T>::from_shape_vec(IxDyn(&case.shape), data).expect("a valid case");
    let take = plain.mapv(|x| hash(case.seed, u64::from(x == T::zero())).is_multiple_of(2) || x == T::one());
    let strided = with_strides(&plain, &case.order, &case.steps);
    let spec = LiftSpec::new(&case.shape, &case.reduced);
    let requests: Vec<(Reducer, Option<usize>)> = reductions()
        .into_iter()
        .filter_map(|reduction| Reducer::new(reduction, T::DTYPE).ok())
        .flat_map(|reducer| [(reducer, None), (reducer, Some(1))])
        .collect();
    let item = |&(reducer, mask)| PassItem { reducer, spec: spec.clone(), value: 0, mask };
    let items = requests.iter().map(item).collect();
    let operands = [Operand::new(&strided.view()), Operand::new(&take.view())];
    let program = Program::identity(&[T::DTYPE, DType::Bool]);
    let partials = lift_program(&program, &operands, &case.shape, &case.reduced, items).expect("a valid case");
    let (block, mask) = (Block::from_dense(plain), Block::from_dense(take));
    for ((reducer, masked), got) in requests.into_iter().zip(partials) {
        let want = reducer.lift(&block, masked.map(|_| &mask), &spec).expect("a valid case");
        assert_same(reducer, &want, &got);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn reductions_agree_with_a_plain_loop(case in case()) {
        dispatch!(case.dtype, T => check::<T>(&case));
    }

    #[test]
    fn pieces_do_not_change_a_bit(case in case()) {
        let n = case.shape.iter().product();
        dispatch!(case.dtype, T => check_pieces::<T>(&case, n));
    }

    #[test]
    fn stored_elements_and_fills_make_the_whole(case in case()) {
        dispatch!(case.dtype, T => check_fills::<T>(&case));
    }

    #[test]
    fn reductions_in_one_pass_are_the_single_ones(case in case()) {
        dispatch!(case.dtype, T => check_lifts::<T>(&case));
        dispatch!(case.dtype, T => check_together::<T>(&case));
    }
}
