//! `var`, `std`, `nanvar` and `nanstd`.
//!
//! Computed in `f64`, whatever the element type, as [`moments`](super::moments) tells; of complex numbers the variance
//! is the mean of the squared magnitudes of the deviations, and real. The divisor is `n - ddof`, or 0 where that is
//! negative: the result is then infinite or NaN.

use super::counts::Counts;
use super::family::{Family, Fills, LiftSpec};
use super::moments::{Moments, MomentsCells, Sample};
use super::moments_loops::{Choice, MomentsLoops};
use super::sink::{Cast, Direct, Lift, Lifter, Via};
use super::totals::block_of;
use crate::block::Block;
use crate::element::cast::CastTo;
use crate::element::dispatch::dispatch_real;
use crate::element::{C32, C64, DType, Element};
use crate::error::Result;

/// The variance or its square root; parts: see [`MomentsCells`].
pub(super) struct Spread {
    pub(super) ddof: f64,
    pub(super) takes_root: bool,
    pub(super) skips_nan: bool,
}

impl Spread {
    fn choice(&self, input: DType, spec: &LiftSpec) -> Choice {
        match (self.skips_nan && !input.is_integral(), spec.is_partial) {
            (true, _) => Choice::NotNan,
            (false, true) => Choice::Masked,
            (false, false) => Choice::All,
        }
    }

    fn answer<S: Sample, T: Element>(&self, parts: &[Block]) -> Result<Block>
    where
        f64: CastTo<T>,
    {
        let variances = MomentsCells::<S>::from_parts(parts)?;
        let variances = variances.values().map(|moments| moments.variance(self.ddof));
        let answers = variances.map(|variance| if self.takes_root { variance.sqrt() } else { variance }.cast_to());
        Ok(block_of::<T>(answers.collect(), &parts[0].shape()))
    }
}

fn lift_via<T: Element, S: Sample, V: Via<T, S>>(spec: LiftSpec, choice: Choice) -> Box<dyn Lift> {
    let LiftSpec { machine, frame, .. } = spec;
    let loops = MomentsLoops::<S>::new(machine, frame.n_cells(), frame.line_len(), choice);
    Box::new(Lifter::<T, _, V>::new(machine, frame, loops, Counts::Unneeded))
}

fn combine_moments<S: Sample>(partials: &[&[Block]]) -> Result<Vec<Block>> {
    let mut cells = MomentsCells::<S>::from_parts(partials[0])?;
    for partial in &partials[1..] {
        cells.join(&MomentsCells::from_parts(partial)?);
    }
    Ok(cells.into_parts(&partials[0][0].shape()))
}

fn fills_of<S: Sample>(fills: &Fills<'_>, skips_nan: bool) -> Vec<Block> {
    let fill = S::from_scalar(fills.fill);
    let is_skipped = skips_nan && fill.is_nan();
    let copies = fills.counts.iter().map(|&n| Moments::of_copies(fill, if is_skipped { 0 } else { n }));
    MomentsCells::from_values(copies).into_parts(fills.shape)
}

impl Family for Spread {
    fn output_dtype(&self, input: DType) -> Result<DType> {
        Ok(input.spread())
    }

    fn lift(&self, input: DType, spec: LiftSpec) -> Result<Box<dyn Lift>> {
        let choice = self.choice(input, &spec);
        if input == DType::F64 {
            return Ok(lift_via::<f64, f64, Direct>(spec, choice));
        }
        if input == DType::C32 {
            return Ok(lift_via::<C32, C64, Cast>(spec, choice));
        }
        Ok(dispatch_real!(input, T => lift_via::<T, f64, Cast>(spec, choice), else {
            lift_via::<C64, C64, Direct>(spec, choice)
        }))
    }

    fn combine(&self, input: DType, partials: &[&[Block]]) -> Result<Vec<Block>> {
        if input.is_complex() { combine_moments::<C64>(partials) } else { combine_moments::<f64>(partials) }
    }

    fn finish(&self, input: DType, parts: &[Block]) -> Result<Block> {
        let narrow = input.spread() == DType::F32;
        match (input.is_complex(), narrow) {
            (false, false) => self.answer::<f64, f64>(parts),
            (false, true) => self.answer::<f64, f32>(parts),
            (true, false) => self.answer::<C64, f64>(parts),
            (true, true) => self.answer::<C64, f32>(parts),
        }
    }

    fn fills(&self, input: DType, fills: &Fills<'_>) -> Result<Vec<Block>> {
        let parts = if input.is_complex() { fills_of::<C64> } else { fills_of::<f64> };
        Ok(parts(fills, self.skips_nan))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, IxDyn};

    use super::super::testing::{reduce, reduce_all, reduce_blocks};
    use super::super::{Ddof, Reduction};
    use super::*;
    use crate::element::Scalar;

    fn var(ddof: f64) -> Reduction {
        Reduction::Var { ddof: Ddof::new(ddof) }
    }

    #[test]
    fn variances_near_a_billion_do_not_cancel() {
        // 1000 different neighbours, each equally often: (1000^2 - 1) / 12.
        let exact = 83_333.25;
        let data: Vec<f64> = (0..1_000_000u64).map(|i| 1e9 + (i * 7919 % 1000) as f64).collect();
        for len in [1_000_000, 1000, 37_000] {
            let found = f64::from_scalar(reduce_blocks(var(0.0), &data, len).unwrap());
            assert!((found / exact - 1.0).abs() <= 1e-13, "{found} in blocks of {len}");
        }
        let square = ArrayD::from_shape_vec(IxDyn(&[1000, 1000]), data).unwrap();
        let columns = ArrayD::from_shape_fn(IxDyn(&[1000, 7]), |i| 1e9 + (i[0] * 7919 % 1000) as f64);
        for (array, reduced) in [(square, [false, true]), (columns, [true, false])] {
            for found in reduce(var(0.0), array, &reduced).unwrap().dense::<f64>().unwrap() {
                assert!((found / exact - 1.0).abs() <= 1e-13, "{found}");
            }
        }
    }

    #[test]
    fn an_outlier_in_front_costs_little() {
        for n in [20usize, 31, 40, 1000, 5000] {
            let mut data = vec![1.0; n];
            data[0] = 1e9;
            let p = 1.0 / n as f64;
            let exact = (1e9 - 1.0) * (1e9 - 1.0) * p * (1.0 - p);
            let found = f64::from_scalar(reduce_all(var(0.0), &data).unwrap());
            assert!((found / exact - 1.0).abs() <= 5e-14, "{found} of {n}");
            let column = ArrayD::from_shape_vec(IxDyn(&[n, 1, 1]), data).unwrap();
            let columns = column.broadcast(vec![n, 1, 9]).unwrap().to_owned();
            for found in reduce(var(0.0), columns, &[true, true, false]).unwrap().dense::<f64>().unwrap() {
                assert!((found / exact - 1.0).abs() <= 5e-14, "{found} of {n}");
            }
        }
    }

    #[test]
    fn small_cases_are_exact() {
        let near = [1_000_000_004.0, 1_000_000_007.0, 1_000_000_013.0, 1_000_000_016.0];
        for len in [1, 2, 4] {
            assert!(reduce_blocks(var(1.0), &near, len).unwrap().is_same(Scalar::F64(30.0)));
        }
        // Neighbouring single precision numbers at 1e8 are 8 apart.
        let single = reduce_all(var(0.0), &[1e8f32, 1e8 + 8.0, 1e8 + 16.0]).unwrap();
        assert!(single.is_same(Scalar::F32(128.0 / 3.0)), "{single:?}");
        let complex = [C64::new(0.0, 1.0), C64::new(0.0, -1.0), C64::new(2.0, 0.0), C64::new(-2.0, 0.0)];
        assert!(reduce_all(var(0.0), &complex).unwrap().is_same(Scalar::F64(2.5)));
        let std = Reduction::Std { ddof: Ddof::new(0.0) };
        assert!(reduce_all(std, &[1u8, 5, 1, 5]).unwrap().is_same(Scalar::F64(2.0)));
        assert!(reduce_all(var(0.0), &vec![1e-200; 3000]).unwrap().is_same(Scalar::F64(0.0)));
    }

    #[test]
    fn too_few_elements_give_nan_or_infinity() {
        assert!(reduce_all::<f64>(var(0.0), &[]).unwrap().is_nan());
        assert!(reduce_all(var(1.0), &[4.0]).unwrap().is_nan());
        assert!(reduce_all(var(5.0), &[4.0, 5.0]).unwrap().is_same(Scalar::F64(f64::INFINITY)));
        assert!(reduce_all(var(0.0), &[f64::INFINITY, 1.0]).unwrap().is_nan());
        assert!(
            reduce_all(Reduction::NanVar { ddof: Ddof::new(0.0) }, &[f64::NAN, 1.0, 3.0])
                .unwrap()
                .is_same(Scalar::F64(1.0))
        );
    }
}
