//! The test bench of the vector functions: special values, a typical range and random bit patterns, at every level.
//!
//! The oracle is `pxfm`, whose results are correctly rounded; the distance to them is counted in representable numbers.
//!
//! # Safety
//!
//! The functions under test are compiled for one level each. They are called for the levels that `Level::available`
//! returns, and for no other.

#![allow(unsafe_code)]

use crate::kernels::simd::Level;

/// A compiled map over slices.
pub(super) type Unary<T> = unsafe fn(&mut [T], &[T]);

/// A compiled map over pairs of slices.
pub(super) type Binary<T> = unsafe fn(&mut [T], &[T], &[T]);

/// Points of one kind, per function.
const POINTS: usize = 20_000;

/// A floating-point type under test.
pub(super) trait Sample: Copy + std::fmt::LowerExp + std::fmt::Debug {
    fn from_f64(x: f64) -> Self;
    fn from_random_bits(bits: u64) -> Self;

    /// How many representable numbers apart, counting `-0` and `0` as different and all NaNs as the same.
    fn distance(self, other: Self) -> u64;
}

macro_rules! sample {
    ($float:ident, $unsigned:ident, $signed:ident) => {
        impl Sample for $float {
            fn from_f64(x: f64) -> Self {
                x as $float
            }

            fn from_random_bits(bits: u64) -> Self {
                $float::from_bits(bits as $unsigned)
            }

            fn distance(self, other: Self) -> u64 {
                let ordered = |x: $float| {
                    let bits = x.to_bits() as $signed;
                    (if bits < 0 { !(bits & $signed::MAX) } else { bits }) as i64
                };
                match (self.is_nan(), other.is_nan()) {
                    (true, true) => 0,
                    (false, false) => ordered(self).abs_diff(ordered(other)),
                    _ => u64::MAX,
                }
            }
        }
    };
}
sample!(f64, u64, i64);
sample!(f32, u32, i32);

/// Where functions of this folder change their minds: zeros, poles, thresholds, limits of both types.
const SPECIAL: [f64; 43] = [
    0.0,
    5e-324,
    1e-310,
    f64::MIN_POSITIVE,
    1e-45,
    1e-40,
    f32::MIN_POSITIVE as f64,
    1e-20,
    1e-17,
    3e-8,
    0.5,
    1.0 - f64::EPSILON / 2.0,
    1.0 - f32::EPSILON as f64 / 2.0,
    1.0,
    1.0 + f64::EPSILON,
    1.0 + f32::EPSILON as f64,
    std::f64::consts::FRAC_PI_2,
    2.0,
    std::f64::consts::PI,
    8.0,
    10.0,
    18.503997739075597,
    88.72283172607422,
    88.72284,
    103.97208,
    104.0,
    127.99999,
    128.0,
    149.0,
    150.0,
    1000.0,
    709.782712893384,
    709.7827128933841,
    710.4758600739439,
    710.475860073944,
    745.1332191019412,
    1023.9999999999999,
    1074.9999999999998,
    1e22,
    f32::MAX as f64,
    f64::MAX,
    f64::INFINITY,
    f64::NAN,
];

/// `SplitMix64` (Steele, Lea, Flood, *Fast splittable pseudorandom number generators*, 2014).
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn within(&mut self, (low, high): (f64, f64)) -> f64 {
        low + (high - low) * ((self.bits() >> 11) as f64 / (1_u64 << 53) as f64)
    }

    /// Any fraction, sign and power of two from 2^-70 to 2^70.
    fn of_any_size(&mut self) -> f64 {
        let sign = if self.bits() & 1 == 0 { 1.0 } else { -1.0 };
        let exponent = self.within((-70.0, 70.0));
        sign * exponent.exp2()
    }
}

fn special<T: Sample>() -> impl Iterator<Item = T> + Clone {
    SPECIAL.into_iter().flat_map(|x| [T::from_f64(x), T::from_f64(-x)])
}

fn unary_points<T: Sample>(typical: &[(f64, f64)]) -> Vec<T> {
    let mut random = Random(1);
    let mut points: Vec<T> = special().collect();
    for i in 0..POINTS {
        points.push(T::from_f64(random.within(typical[i % typical.len()])));
        points.push(T::from_f64(random.of_any_size()));
        points.push(T::from_random_bits(random.bits()));
    }
    points
}

/// Asserts that a function is within `ulps` of the oracle at every level of this machine.
pub(super) fn assert_unary<T: Sample>(
    name: &str,
    pick: impl Fn(Level) -> Unary<T>,
    oracle: impl Fn(T) -> T,
    typical: &[(f64, f64)],
    ulps: u64,
) {
    let points = unary_points::<T>(typical);
    let expected: Vec<T> = points.iter().map(|&x| oracle(x)).collect();
    for level in Level::available() {
        let mut found = points.clone();
        // SAFETY: picked for a level of this machine.
        unsafe { pick(level)(&mut found, &points) };
        for ((x, e), f) in points.iter().zip(&expected).zip(&found) {
            let apart = e.distance(*f);
            assert!(apart <= ulps, "{name}({x:e}) at {level:?} is {f:e}, not {e:e}: {apart} apart");
        }
    }
}

/// Asserts the same of a function of two arguments.
pub(super) fn assert_binary<T: Sample>(
    name: &str,
    pick: impl Fn(Level) -> Binary<T>,
    oracle: impl Fn(T, T) -> T,
    typical: &[[(f64, f64); 2]],
    ulps: u64,
) {
    let mut random = Random(2);
    let mut points: Vec<(T, T)> = special().flat_map(|x| special().map(move |y| (x, y))).collect();
    for i in 0..POINTS {
        let [x_range, y_range] = typical[i % typical.len()];
        points.push((T::from_f64(random.within(x_range)), T::from_f64(random.within(y_range))));
        points.push((T::from_f64(random.of_any_size()), T::from_f64(random.of_any_size())));
        points.push((T::from_random_bits(random.bits()), T::from_random_bits(random.bits())));
    }
    let (xs, ys): (Vec<T>, Vec<T>) = points.iter().copied().unzip();
    let expected: Vec<T> = points.iter().map(|&(x, y)| oracle(x, y)).collect();
    for level in Level::available() {
        let mut found = xs.clone();
        // SAFETY: picked for a level of this machine.
        unsafe { pick(level)(&mut found, &xs, &ys) };
        for (((x, y), e), f) in points.iter().zip(&expected).zip(&found) {
            let apart = e.distance(*f);
            assert!(apart <= ulps, "{name}({x:e}, {y:e}) at {level:?} is {f:e}, not {e:e}: {apart} apart");
        }
    }
}

/// The loop of a function of one argument: its picker, for [`assert_unary`].
macro_rules! unary {
    ($type:ty, $function:ident) => {{
        #[inline(always)]
        fn body<I: $crate::kernels::simd::Isa>(dst: &mut [$type], src: &[$type]) {
            for (d, &x) in dst.iter_mut().zip(src) {
                *d = $function::<I>(x);
            }
        }
        $crate::kernels::simd::at_levels! { fn pick(dst: &mut [$type], src: &[$type]) = body }
        pick
    }};
}
pub(super) use unary;

/// The loop of a function of two arguments: its picker, for [`assert_binary`].
macro_rules! binary {
    ($type:ty, $function:ident) => {{
        #[inline(always)]
        fn body<I: $crate::kernels::simd::Isa>(dst: &mut [$type], a: &[$type], b: &[$type]) {
            for ((d, &x), &y) in dst.iter_mut().zip(a).zip(b) {
                *d = $function::<I>(x, y);
            }
        }
        $crate::kernels::simd::at_levels! { fn pick(dst: &mut [$type], a: &[$type], b: &[$type]) = body }
        pick
    }};
}
pub(super) use binary;
