//! Floating point numbers taken apart and put together.

use ndarray::Zip;
use serde::{Deserialize, Serialize};

use crate::block::{Block, BlockLocation};
use crate::element::DType;
use crate::error::Result;
use crate::kernels::NamedKernel;

/// The mantissas of a block of `float32` or `float64`, from 0.5 to below 1.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Mantissa;

/// The exponents that go with [`Mantissa`], `int32`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Exponent;

/// Numbers times powers of two: blocks of `float32` or `float64` and of `int64`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Scale;

impl NamedKernel for Scale {
    const NAME: &'static str = "hyperslab.ldexp";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        let exponents = blocks[1].to_array::<i64>()?;
        Ok(match blocks[0].dtype() {
            // `f64` holds every product that is a normal `f32` exactly, and tells how to round the others.
            DType::F32 => {
                let scaled = |x: &f32, n: &i64| ldexp(f64::from(*x), *n) as f32;
                Block::from_dense(Zip::from(&blocks[0].to_array::<f32>()?).and(&exponents).map_collect(scaled))
            }
            _ => {
                let scaled = |x: &f64, n: &i64| ldexp(*x, *n);
                Block::from_dense(Zip::from(&blocks[0].to_array::<f64>()?).and(&exponents).map_collect(scaled))
            }
        })
    }
}

/// `x * 2^n`, rounded once.
fn ldexp(x: f64, n: i64) -> f64 {
    let power = |n: i64| f64::from_bits(((n + 1023) as u64) << 52);
    let (mantissa, exponent) = frexp(x);
    // Beyond these the result is an infinity or zero, whatever the mantissa.
    let exponent = n.saturating_add(i64::from(exponent)).clamp(-1100, 1100);
    // Only the last of these products can be inexact, and overflow.
    match exponent {
        1024.. => mantissa * power(1023) * power(exponent - 1023),
        ..-1021 => mantissa * power(exponent + 1000) * power(-1000),
        _ => mantissa * power(exponent),
    }
}

impl NamedKernel for Mantissa {
    const NAME: &'static str = "hyperslab.mantissa";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        Ok(match blocks[0].dtype() {
            // Exact: every `f32` is an `f64`, and its mantissa is an `f32`.
            DType::F32 => Block::from_dense(blocks[0].to_array::<f32>()?.map(|&x| frexp(f64::from(x)).0 as f32)),
            _ => Block::from_dense(blocks[0].to_array::<f64>()?.map(|&x| frexp(x).0)),
        })
    }
}

impl NamedKernel for Exponent {
    const NAME: &'static str = "hyperslab.exponent";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        Ok(match blocks[0].dtype() {
            DType::F32 => Block::from_dense(blocks[0].to_array::<f32>()?.map(|&x| frexp(f64::from(x)).1)),
            _ => Block::from_dense(blocks[0].to_array::<f64>()?.map(|&x| frexp(x).1)),
        })
    }
}

/// The mantissa and the exponent of a number.
fn frexp(x: f64) -> (f64, i32) {
    const EXPONENT: u64 = 0x7ff << 52;
    let exponent = ((x.to_bits() & EXPONENT) >> 52) as i32;
    match exponent {
        0x7ff => (x, 0),
        0 if x == 0.0 => (x, 0),
        // Subnormal numbers have leading zeros: scaled up, they have none.
        0 => {
            let (mantissa, exponent) = frexp(x * (1u64 << 54) as f64);
            (mantissa, exponent - 54)
        }
        _ => (f64::from_bits((x.to_bits() & !EXPONENT) | (1022 << 52)), exponent - 1022),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_up_the_number() {
        for x in [1.0, -0.1, 3e300, 5e-324, -2.2e-310, f64::MIN_POSITIVE, f64::MAX] {
            let (mantissa, exponent) = frexp(x);
            assert!((0.5..1.0).contains(&mantissa.abs()), "{x}");
            let half = exponent / 2;
            assert_eq!(mantissa * 2f64.powi(half) * 2f64.powi(exponent - half), x);
        }
        for x in [1.0, -0.1, 3e300, 5e-324, -2.2e-310, f64::MIN_POSITIVE, f64::MAX, 0.0, f64::INFINITY] {
            let (mantissa, exponent) = frexp(x);
            assert_eq!(ldexp(mantissa, i64::from(exponent)), x);
        }
        assert_eq!((ldexp(1.0, 5000), ldexp(-1.0, i64::MIN).to_bits()), (f64::INFINITY, (-0.0f64).to_bits()));
        // Halfway between 1 and 2 of the smallest numbers, and a little above: rounded once, to even.
        assert_eq!((ldexp(1.5, -1074), ldexp(2.5, -1074), ldexp(2.5 + 1e-10, -1074)), (1e-323, 1e-323, 1.5e-323));
        assert_eq!(frexp(f64::NEG_INFINITY), (f64::NEG_INFINITY, 0));
        assert!(frexp(-0.0).0.is_sign_negative() && frexp(f64::NAN).0.is_nan());
    }
}
