//! Functions of single elements: broadcasting, scalars, element types.

use std::ops::{Add, Mul, Sub};

use hyperslab::element::{Element, Number, Scalar, promote};
use hyperslab::prelude::*;
use ndarray::ArrayD;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::support::eager::{broadcast_shape, stretched, zipped};
use crate::support::numbers::{Bits, Sample, random};
use crate::support::runs::{any_run, check, config};
use crate::support::shapes::{Cut, Store, any_cut, any_shape, any_store};

/// Two shapes that broadcast, each cut on its own.
pub(crate) fn any_pair(max_ndim: usize, max_len: usize) -> impl Strategy<Value = (Cut, Cut)> {
    (any_shape(max_ndim, max_len), 0u64..1 << 20).prop_map(|(shape, seed)| {
        let mut bits = Bits::new(seed);
        let mut operand = || {
            let dropped = if bits.one_in(3) { bits.below(shape.len() + 1) } else { 0 };
            let own: Vec<usize> = shape[dropped..].iter().map(|&len| if bits.one_in(4) { 1 } else { len }).collect();
            Cut::new(&own, bits.next())
        };
        (operand(), operand())
    })
}

/// `+`, `-` and `*` of numbers, written once for values and once for arrays.
fn arithmetic<T>(
    cuts: &(Cut, Cut),
    stores: (Store, Store),
    seed: u64,
    run: usize,
    ops: [fn(T, T) -> T; 3],
) -> Result<(), TestCaseError>
where
    T: Sample + Number,
{
    let (a, x) = cuts.0.arrays::<T>(stores.0, seed);
    let (b, y) = cuts.1.arrays::<T>(stores.1, seed + 1);
    let value = T::sample(&mut Bits::new(seed));
    let [add, sub, mul] = ops;
    check(run, &(&x + &y), &zipped(&a, &b, add))?;
    check(run, &(&x - &y), &zipped(&a, &b, sub))?;
    check(run, &(&x * &y), &zipped(&a, &b, mul))?;
    check(run, &(&x * value), &a.mapv(|a| mul(a, value)))?;
    check(run, &(Array::from_scalar(value) - &x), &a.mapv(|a| sub(value, a)))?;
    let both = (&x + &y) * &x - &y;
    let expected = zipped(&zipped(&zipped(&a, &b, add), &a, mul), &b, sub);
    check(run, &both, &expected)
}

macro_rules! arithmetic_of {
    ($($name:ident: $t:ty, $ops:expr;)*) => {$(
        #[test]
        fn $name() {
            proptest!(config(12), |(
                cuts in any_pair(3, 6), stores in (any_store(), any_store()), seed in 0u64..1000, run in any_run()
            )| {
                arithmetic::<$t>(&cuts, stores, seed, run, $ops)?;
            });
        }
    )*};
}
arithmetic_of! {
    int8_wraps: i8, [i8::wrapping_add, i8::wrapping_sub, i8::wrapping_mul];
    int16_wraps: i16, [i16::wrapping_add, i16::wrapping_sub, i16::wrapping_mul];
    int32_wraps: i32, [i32::wrapping_add, i32::wrapping_sub, i32::wrapping_mul];
    int64_wraps: i64, [i64::wrapping_add, i64::wrapping_sub, i64::wrapping_mul];
    uint8_wraps: u8, [u8::wrapping_add, u8::wrapping_sub, u8::wrapping_mul];
    uint16_wraps: u16, [u16::wrapping_add, u16::wrapping_sub, u16::wrapping_mul];
    uint32_wraps: u32, [u32::wrapping_add, u32::wrapping_sub, u32::wrapping_mul];
    uint64_wraps: u64, [u64::wrapping_add, u64::wrapping_sub, u64::wrapping_mul];
    float32_adds: f32, [f32::add, f32::sub, f32::mul];
    float64_adds: f64, [f64::add, f64::sub, f64::mul];
    complex64_adds: C32, [C32::add, C32::sub, C32::mul];
    complex128_adds: C64, [C64::add, C64::sub, C64::mul];
}

#[test]
fn bool_has_logic() {
    proptest!(config(20), |(
        cuts in any_pair(3, 6), stores in (any_store(), any_store()), seed in 0u64..1000, run in any_run()
    )| {
        let (a, x) = cuts.0.arrays::<bool>(stores.0, seed);
        let (b, y) = cuts.1.arrays::<bool>(stores.1, seed + 1);
        check(run, &(&x & &y), &zipped(&a, &b, |a, b| a & b))?;
        check(run, &(&x | &y), &zipped(&a, &b, |a, b| a | b))?;
        check(run, &(&x ^ &y), &zipped(&a, &b, |a, b| a ^ b))?;
        check(run, &(!&x), &a.mapv(|a| !a))?;
        check(run, &(&x + &y), &zipped(&a, &b, |a, b| a | b))?;
        check(run, &(&x / &y), &zipped(&a, &b, |a, b| f64::from(u8::from(a)) / f64::from(u8::from(b))))?;
    });
}

/// Python's floor division and remainder.
fn floor_divide(a: i64, b: i64) -> i64 {
    if b == 0 { 0 } else { (a as f64 / b as f64).floor() as i64 }
}

fn remainder(a: i64, b: i64) -> i64 {
    if b == 0 { 0 } else { a - floor_divide(a, b) * b }
}

#[test]
fn integers_divide_as_in_numpy() {
    proptest!(config(20), |(
        cuts in any_pair(3, 6), stores in (any_store(), any_store()), seed in 0u64..1000, run in any_run()
    )| {
        let (a, x) = cuts.0.arrays::<i64>(stores.0, seed);
        let (b, y) = cuts.1.arrays::<i64>(stores.1, seed + 1);
        check(run, &(&x / &y), &zipped(&a, &b, |a, b| a as f64 / b as f64))?;
        check(run, &x.floor_divide(&y).unwrap(), &zipped(&a, &b, floor_divide))?;
        check(run, &(&x % &y), &zipped(&a, &b, remainder))?;
        check(run, &x.minimum(&y).unwrap(), &zipped(&a, &b, i64::min))?;
        check(run, &x.left_shift(y.absolute()).unwrap(), &zipped(&a, &b, |a, b| a << b.abs()))?;
    });
}

#[test]
fn comparisons_masks_and_choices() {
    proptest!(config(25), |(
        cuts in any_pair(3, 6), other in any_store(), stores in (any_store(), any_store()), seed in 0u64..1000, run in any_run()
    )| {
        let (a, x) = cuts.0.arrays::<f64>(stores.0, seed);
        let (b, y) = cuts.1.arrays::<f64>(stores.1, seed + 1);
        let shape = broadcast_shape(&[a.shape(), b.shape()]);
        let (c, m) = Cut::new(&shape, seed).arrays::<bool>(other, seed + 2);
        check(run, &x.lt(&y).unwrap(), &zipped(&a, &b, |a, b| a < b))?;
        check(run, &x.ge(1.5).unwrap(), &a.mapv(|a| a >= 1.5))?;
        check(run, &x.eq(&y).unwrap(), &zipped(&a, &b, |a, b| a == b))?;
        let (wide_a, wide_b) = (stretched(&a, &shape), stretched(&b, &shape));
        let picked = zipped(&c, &zipped(&wide_a, &wide_b, |a, b| (a, b)), |c, (a, b)| if c { a } else { b });
        check(run, &where_(&m, &x, &y).unwrap(), &picked)?;
        check(run, &x.clip(-1.0, 2.5).unwrap(), &a.mapv(|a| a.clamp(-1.0, 2.5)))?;
        check(run, &where_(&x.gt(0.0).unwrap(), &x, 0.0).unwrap(), &a.mapv(|a| a.max(0.0)))?;
    });
}

/// The type and the elements of a mixed sum and product, from the rules of promotion and casts of single values.
fn mixed(a: &ArrayD<Scalar>, b: &ArrayD<Scalar>, dtype: DType) -> [ArrayD<C64>; 2] {
    let exact = |x: Scalar| x.cast(dtype).to_c64();
    let cast = |x: C64| Scalar::from(x).cast(dtype).to_c64();
    let is_bool = dtype == DType::Bool;
    let sum = zipped(a, b, |a, b| if is_bool { exact(a).max_re(exact(b)) } else { cast(exact(a) + exact(b)) });
    [sum, zipped(a, b, |a, b| cast(exact(a) * exact(b)))]
}

trait MaxRe {
    fn max_re(self, other: Self) -> Self;
}

impl MaxRe for C64 {
    fn max_re(self, other: Self) -> Self {
        if self.re >= other.re { self } else { other }
    }
}

/// Random elements of a type known at run time, none of which is negative, and the lazy array of them.
fn any_dtype_arrays(dtype: DType, cut: &Cut, store: Store, seed: u64) -> (ArrayD<Scalar>, DynArray) {
    fn of<T: Sample>(cut: &Cut, store: Store, seed: u64) -> (ArrayD<Scalar>, DynArray) {
        let small = random::<u8>(&cut.shape, seed).mapv(|x| T::from_scalar(Scalar::from(x)));
        (small.mapv(Element::to_scalar), cut.lazy(&small, store).into_dyn())
    }
    match dtype {
        DType::Bool => of::<bool>(cut, store, seed),
        DType::I8 => of::<i8>(cut, store, seed),
        DType::I16 => of::<i16>(cut, store, seed),
        DType::I32 => of::<i32>(cut, store, seed),
        DType::I64 => of::<i64>(cut, store, seed),
        DType::U8 => of::<u8>(cut, store, seed),
        DType::U16 => of::<u16>(cut, store, seed),
        DType::U32 => of::<u32>(cut, store, seed),
        DType::U64 => of::<u64>(cut, store, seed),
        DType::F32 => of::<f32>(cut, store, seed),
        DType::F64 => of::<f64>(cut, store, seed),
        DType::C32 => of::<C32>(cut, store, seed),
        DType::C64 => of::<C64>(cut, store, seed),
    }
}

#[test]
fn mixed_element_types_meet_in_their_common_type() {
    let dtypes: Vec<DType> = DType::all().collect();
    let any_dtype = || proptest::sample::select(dtypes.clone());
    proptest!(config(60), |(
        types in (any_dtype(), any_dtype()), cuts in any_pair(3, 5), stores in (any_store(), any_store()),
        seed in 0u64..1000, run in any_run()
    )| {
        let (a, x) = any_dtype_arrays(types.0, &cuts.0, stores.0, seed);
        let (b, y) = any_dtype_arrays(types.1, &cuts.1, stores.1, seed + 1);
        let common = promote(types.0, types.1);
        let [sum, product] = mixed(&a, &b, common);
        for (found, expected) in [(x.add(&y).unwrap(), sum), (x.multiply(&y).unwrap(), product)] {
            prop_assert_eq!(found.dtype(), common);
            check(run, &found.astype(DType::C64).try_typed::<C64>().unwrap(), &expected)?;
        }
        let less = zipped(&a, &b, |a, b| a.to_c64().re < b.to_c64().re);
        check(run, &x.less(&y).unwrap().try_typed::<bool>().unwrap(), &less)?;
    });
}

#[test]
fn functions_of_floats() {
    type Row = (fn(&Array<f64>) -> Array<f64>, fn(f64) -> f64);
    let rows: [Row; 12] = [
        (Array::negative, |x| -x),
        (Array::absolute, f64::abs),
        (Array::square, |x| x * x),
        (Array::sqrt, f64::sqrt),
        (Array::floor, f64::floor),
        (Array::ceil, f64::ceil),
        (Array::trunc, f64::trunc),
        (Array::rint, f64::round_ties_even),
        (Array::reciprocal, |x| 1.0 / x),
        (|x| x.powi(3), |x| x * x * x),
        (|x| (x + 1.0).astype::<i32>().astype(), |x| (x + 1.0).trunc()),
        (Array::sign, |x| if x == 0.0 { 0.0 } else { x.signum() }),
    ];
    proptest!(config(25), |(cut in any_cut(3, 6), store in any_store(), seed in 0u64..1000, run in any_run())| {
        let (a, x) = cut.arrays::<f64>(store, seed);
        for (lazy, eager) in &rows {
            check(run, &lazy(&x), &a.mapv(eager))?;
        }
    });
}

#[test]
fn transcendental_functions_are_close() {
    type Row = (fn(&Array<f64>) -> Array<f64>, fn(f64) -> f64);
    let rows: [Row; 6] = [
        (Array::exp, f64::exp),
        (Array::sin, f64::sin),
        (Array::tanh, f64::tanh),
        (|x| (x.square() + 1.0).ln(), |x| (x * x + 1.0).ln()),
        (|x| x.atan2(2.0).unwrap(), |x| x.atan2(2.0)),
        (|x| x.hypot(3.0).unwrap(), |x| x.hypot(3.0)),
    ];
    proptest!(config(15), |(cut in any_cut(3, 6), store in any_store(), seed in 0u64..1000, run in any_run())| {
        let (a, x) = cut.arrays::<f64>(store, seed);
        for (lazy, eager) in &rows {
            crate::support::runs::check_close(run, &lazy(&x), &a.mapv(eager), 1e-14)?;
        }
    });
}

#[test]
fn literals_keep_the_type_of_the_array() {
    let x = Array::from_vec(vec![1.5f32, 2.5], Chunks::size(1)).unwrap();
    assert_eq!(x.as_dyn().literal("add", 1.5).unwrap().dtype(), DType::F32);
    let bytes = Array::from_vec(vec![1u8, 2], Chunks::size(1)).unwrap();
    assert_eq!(bytes.as_dyn().literal("add", 255).unwrap().dtype(), DType::U8);
    assert!(bytes.as_dyn().literal("add", 300).unwrap_err().is_usage());
    assert_eq!(bytes.as_dyn().literal("add", 1.5).unwrap().dtype(), DType::F64);
}

#[test]
fn inverse_functions_of_complex_numbers_at_poles_and_infinities() {
    use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};
    const INF: f64 = f64::INFINITY;
    type Row = (fn(&Array<C64>) -> Array<C64>, [f64; 2], [f64; 2]);
    // The answers of NumPy and of C.
    let rows: [Row; 12] = [
        (Array::atanh, [1.0, 0.0], [INF, 0.0]),
        (Array::atanh, [-1.0, 0.0], [-INF, 0.0]),
        (Array::atan, [0.0, 1.0], [0.0, INF]),
        (Array::acosh, [INF, INF], [INF, FRAC_PI_4]),
        (Array::acosh, [-INF, 1.0], [INF, PI]),
        (Array::acosh, [2.0, -INF], [INF, -FRAC_PI_2]),
        (Array::acos, [INF, INF], [FRAC_PI_4, -INF]),
        (Array::acos, [-INF, 1.0], [PI, -INF]),
        (Array::acos, [INF, -1.0], [0.0, INF]),
        (Array::asin, [INF, -1.0], [FRAC_PI_2, -INF]),
        (Array::asin, [-INF, INF], [-FRAC_PI_4, INF]),
        (Array::asinh, [INF, 2.0], [INF, 0.0]),
    ];
    for (function, [re, im], expected) in rows {
        let found = function(&Array::from_scalar(C64::new(re, im))).scalar().unwrap();
        assert_eq!([found.re, found.im], expected, "of {re} + {im}i");
    }
}
