//! Random elements, made from a seed: any shape can be filled, and shrinking a shape keeps the elements simple.

use hyperslab::element::Element;
use hyperslab::prelude::*;
use ndarray::{ArrayD, IxDyn};

/// A stream of random bits (`SplitMix64`).
#[derive(Clone, Debug)]
pub(crate) struct Bits(u64);

impl Bits {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which is not 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low + 1) as u64) as i64
    }

    /// True in one of `n` cases.
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }
}

/// Element types with random values whose sums and products of a few are exact.
pub(crate) trait Sample: Element {
    fn sample(bits: &mut Bits) -> Self;
}

/// Small numbers, a third of them zero.
fn small(bits: &mut Bits) -> i64 {
    if bits.one_in(3) { 0 } else { bits.between(-9, 9) }
}

macro_rules! sample_numbers {
    ($($t:ty: $value:expr;)*) => {$(
        impl Sample for $t {
            fn sample(bits: &mut Bits) -> Self {
                let value: fn(i64, i64) -> $t = $value;
                value(small(bits), small(bits))
            }
        }
    )*};
}
sample_numbers! {
    bool: |a, _| a > 2;
    i8: |a, _| a as i8;
    i16: |a, _| a as i16;
    i32: |a, _| a as i32;
    i64: |a, _| a;
    u8: |a, _| a.unsigned_abs() as u8;
    u16: |a, _| a.unsigned_abs() as u16;
    u32: |a, _| a.unsigned_abs() as u32;
    u64: |a, _| a.unsigned_abs();
    f32: |a, _| a as f32 / 2.0;
    f64: |a, _| a as f64 / 2.0;
    C32: |a, b| C32::new(a as f32, b as f32);
    C64: |a, b| C64::new(a as f64, b as f64);
}

/// An array of random elements.
pub(crate) fn random<T: Sample>(shape: &[usize], seed: u64) -> ArrayD<T> {
    let mut bits = Bits::new(seed);
    ArrayD::from_shape_simple_fn(IxDyn(shape), || T::sample(&mut bits))
}

/// An array of random elements with some NaN among them.
pub(crate) fn random_with_nan(shape: &[usize], seed: u64) -> ArrayD<f64> {
    let mut bits = Bits::new(seed);
    ArrayD::from_shape_simple_fn(IxDyn(shape), || if bits.one_in(6) { f64::NAN } else { f64::sample(&mut bits) })
}

/// An array of random elements whose sums depend on the order of additions.
pub(crate) fn random_inexact(shape: &[usize], seed: u64) -> ArrayD<f64> {
    let mut bits = Bits::new(seed);
    ArrayD::from_shape_simple_fn(IxDyn(shape), || (bits.next() >> 11) as f64 * (-60f64).exp2() - 3.0)
}
