//! `var`, `std`, `nanvar` and `nanstd`.
//!
//! Computed in `f64`, whatever the element type, as [`moments`](super::moments) tells; of complex numbers the variance
//! is the mean of the squared magnitudes of the deviations, and real. The divisor is `n - ddof`, or 0 where that is
//! negative: the result is then infinite or NaN.

use super::counts::Counts;
use super::family::{Family, Fills, LiftSpec};
use super::moments::{Moments, MomentsCells, Sample};
use super::moments_loops::{Choice, MomentsLoops};
use super::sink::{AnyLift, Cast, Direct, Lifter, Via};
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

fn lift_via<T: Element, S: Sample, V: Via<T, S>>(spec: LiftSpec, choice: Choice) -> AnyLift {
    let LiftSpec { machine, frame, .. } = spec;
    let loops = MomentsLoops::<S>::new(machine, frame.n_cells(), frame.line_len(), choice);
    AnyLift::new::<T>(Lifter::<T, _, V>::new(machine, frame, loops, Counts::Unneeded))
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

    fn lift(&self, input: DType, spec: LiftSpec) -> Result<AnyLift> {
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
