//! Blocks of random numbers.
//!
//! The number of an element in its array, counted in row-major order, decides its value: arrays of one seed are equal in
//! whatever blocks they are made, and on however many threads.

use std::ops::Range;

use ndarray::{ArrayD, IxDyn};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::block::{Block, BlockLocation};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::kernels::NamedKernel;

/// The generator counts words of 32 bits.
const WORDS_PER_DRAW: u64 = 2;

/// How numbers are distributed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Law {
    /// `low + u * (high - low)` for `u` in `0..1`.
    Uniform { low: f64, high: f64 },
    /// The bell curve.
    Normal { mean: f64, deviation: f64 },
    /// `-scale * ln(1 - u)`.
    Exponential { scale: f64 },
    /// `n` integers from `low`, which may reach beyond `i64::MAX - low`.
    Integers { low: i64, n: u64 },
}

/// No blocks are read; each is made from its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Random {
    pub(crate) law: Law,
    pub(crate) seed: u64,
    /// Tells the arrays of one seed apart.
    pub(crate) stream: u64,
    /// The shape of the whole array.
    pub(crate) shape: Vec<u64>,
}

impl NamedKernel for Random {
    const NAME: &'static str = "hyperslab.random";

    fn run(&self, _blocks: &[Block], at: &BlockLocation) -> Result<Block> {
        let ranges = at.ranges()?;
        let fits = ranges.len() == self.shape.len() && ranges.iter().zip(&self.shape).all(|(r, &len)| r.end <= len);
        if !fits {
            return Err(Error::bug("random", format!("block {ranges:?} of an array of shape {:?}", self.shape)));
        }
        match self.law {
            Law::Uniform { low, high } => self.floats(ranges, |bits| low + unit(bits) * (high - low)),
            Law::Normal { mean, deviation } => self.floats(ranges, |bits| mean + deviation * bell(open_unit(bits))),
            Law::Exponential { scale } => self.floats(ranges, |bits| -scale * (-unit(bits)).ln_1p()),
            Law::Integers { low, n } => self.elements(ranges, 2, |generator| {
                let (first, second) = (generator.next_u64(), generator.next_u64());
                low.wrapping_add(below(n, first, second) as i64)
            }),
        }
    }
}

impl Random {
    /// A block of floats, each made of 64 bits.
    fn floats(&self, ranges: &[Range<u64>], of_bits: impl Fn(u64) -> f64) -> Result<Block> {
        self.elements(ranges, 1, |generator| of_bits(generator.next_u64()))
    }

    /// A block whose elements take `n_draws` numbers of 64 bits each.
    fn elements<T: Element>(
        &self,
        ranges: &[Range<u64>],
        n_draws: u64,
        mut draw: impl FnMut(&mut ChaCha8Rng) -> T,
    ) -> Result<Block> {
        // Any place in the numbers of a generator can be gone to at once.
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        generator.set_stream(self.stream);
        let lens: Vec<usize> = ranges.iter().map(|range| (range.end - range.start) as usize).collect();
        let mut out = ArrayD::from_elem(IxDyn(&lens), T::zero());
        let row_len = lens.last().copied().unwrap_or(1);
        if out.is_empty() {
            return Ok(Block::from_dense(out));
        }
        // Fresh arrays are row-major, so that rows are slices.
        for (row, elems) in out.as_slice_mut().unwrap_or_default().chunks_exact_mut(row_len).enumerate() {
            let first = self.first_of_row(ranges, row as u64);
            generator.set_word_pos(u128::from(first) * u128::from(n_draws * WORDS_PER_DRAW));
            elems.iter_mut().for_each(|elem| *elem = draw(&mut generator));
        }
        Ok(Block::from_dense(out))
    }

    /// The number of the first element of a row of a block.
    fn first_of_row(&self, ranges: &[Range<u64>], row: u64) -> u64 {
        let Some((last, outer)) = ranges.split_last() else { return 0 };
        let (mut rest, mut number, mut stride) = (row, last.start, self.shape[outer.len()]);
        for (range, &len) in outer.iter().zip(&self.shape).rev() {
            let n = range.end - range.start;
            number += (range.start + rest % n) * stride;
            (rest, stride) = (rest / n, stride * len);
        }
        number
    }
}

/// A number in `0.0..1.0`, one of 2^53.
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// A number between 0 and 1, neither of them: the middle of one of 2^52 intervals.
fn open_unit(bits: u64) -> f64 {
    ((bits >> 12) as f64 + 0.5) / (1u64 << 52) as f64
}

/// One of `0..n`: the high half of a product by 128 random bits, of which no number has noticeably more than its share.
fn below(n: u64, first: u64, second: u64) -> u64 {
    let (n, low) = (u128::from(n), u128::from(first));
    ((n * u128::from(second) + ((n * low) >> 64)) >> 64) as u64
}

/// Where the bell curve has the share `p` of its area to the left, to about 16 digits (Wichura, *Algorithm AS 241: the
/// percentage points of the normal distribution*, Applied Statistics 37, 1988).
fn bell(p: f64) -> f64 {
    let from_middle = p - 0.5;
    if from_middle.abs() <= 0.425 {
        return from_middle * quotient(&MIDDLE, 0.180_625 - from_middle * from_middle);
    }
    let r = (-p.min(1.0 - p).ln()).sqrt();
    let distance = if r <= 5.0 { quotient(&OUTER, r - 1.6) } else { quotient(&TAIL, r - 5.0) };
    distance.copysign(from_middle)
}

/// The quotient of two polynomials, whose coefficients ascend.
fn quotient(coefficients: &[[f64; 8]; 2], x: f64) -> f64 {
    let [above, below] = coefficients.map(|terms| terms.iter().rev().fold(0.0, |sum, term| sum * x + term));
    above / below
}

const MIDDLE: [[f64; 8]; 2] = [
    [
        3.387_132_872_796_366_5,
        1.331_416_678_917_843_8e2,
        1.971_590_950_306_551_3e3,
        1.373_169_376_550_946e4,
        4.592_195_393_154_987e4,
        6.726_577_092_700_87e4,
        3.343_057_558_358_813e4,
        2.509_080_928_730_122_7e3,
    ],
    [
        1.0,
        4.231_333_070_160_091e1,
        6.871_870_074_920_579e2,
        5.394_196_021_424_751e3,
        2.121_379_430_158_659_7e4,
        3.930_789_580_009_271e4,
        2.872_908_573_572_194_3e4,
        5.226_495_278_852_854e3,
    ],
];

const OUTER: [[f64; 8]; 2] = [
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        2.417_807_251_774_506e-1,
        2.272_384_498_926_918_4e-2,
        7.745_450_142_783_414e-4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        6.897_673_349_851e-1,
        1.481_039_764_274_800_8e-1,
        1.519_866_656_361_645_7e-2,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
];

const TAIL: [[f64; 8]; 2] = [
    [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        2.965_605_718_285_048_7e-1,
        2.653_218_952_657_612_4e-2,
        1.242_660_947_388_078_4e-3,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    [
        1.0,
        5.998_322_065_558_88e-1,
        1.369_298_809_227_358e-1,
        1.487_536_129_085_061_5e-2,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_7e-15,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunks::Chunks;

    #[test]
    fn percentage_points_of_the_bell_curve() {
        let known = [
            (0.25, -0.674_489_750_196_081_7),
            (0.01, -2.326_347_874_040_840_8),
            (1e-10, -6.361_340_902_404_056),
            (open_unit(0), -8.209_536_151_601_387),
            (open_unit(u64::MAX), 8.209_536_151_601_387),
        ];
        for (p, expected) in known {
            assert!((bell(p) - expected).abs() <= 1e-14 * expected.abs(), "{p}: {} for {expected}", bell(p));
        }
        assert_eq!((bell(0.5), bell(0.75)), (0.0, -bell(0.25)));
    }

    #[test]
    fn shares_of_integers_are_even() {
        assert_eq!((below(10, u64::MAX, u64::MAX), below(10, 0, 0), below(10, 0, 1 << 63)), (9, 0, 5));
        assert_eq!(below(u64::MAX, u64::MAX, u64::MAX), u64::MAX - 1);
        assert_eq!((unit(0), unit(u64::MAX)), (0.0, 1.0 - f64::EPSILON / 2.0));
    }

    #[test]
    fn elements_are_numbered_in_row_major_order() {
        let random = Random { law: Law::Integers { low: 0, n: 1000 }, seed: 3, stream: 5, shape: vec![3, 4, 5] };
        let block = |lens: &[u64], number: u64| {
            let grid = Chunks::from(lens.to_vec()).grid_for(&[3, 4, 5], 8).unwrap();
            random.run(&[], &BlockLocation::new(&grid, number)).unwrap().dense::<i64>().unwrap().to_owned()
        };
        let whole = block(&[3, 4, 5], 0);
        assert_eq!(block(&[1, 1, 1], 27)[[0, 0, 0]], whole[[1, 1, 2]]);
        assert_eq!(block(&[2, 3, 4], 7), whole.slice(ndarray::s![2.., 3.., 4..]).to_owned().into_dyn());
        assert_eq!(block(&[2, 3, 4], 0), whole.slice(ndarray::s![..2, ..3, ..4]).to_owned().into_dyn());
        let grid = Chunks::from([3]).grid_for(&[6], 8).unwrap();
        assert!(random.run(&[], &BlockLocation::new(&grid, 1)).is_err());
    }
}
