//! Quantiles of whole lanes.

use ndarray::{ArrayD, ArrayViewMut1, Axis, IxDyn};
use serde::{Deserialize, Serialize};

use super::order::Ordered;
use crate::block::{Block, BlockLocation};
use crate::element::cast::CastTo;
use crate::element::dispatch::dispatch_real;
use crate::element::{DType, Element};
use crate::error::{Error, Result};
use crate::kernels::NamedKernel;

/// How a quantile that falls between two elements is had from them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum QuantileMethod {
    /// On the line between them. NumPy's default.
    #[default]
    Linear,
    /// The lower one.
    Lower,
    /// The higher one.
    Higher,
    /// Halfway between them.
    Midpoint,
    /// The nearer one; halfway, the one at the even place.
    Nearest,
}

/// The quantiles `q`, between 0 and 1, of each lane along the last axis of a block. They become the first axis of the
/// result, in `dtype` (`float32` or `float64`). A lane with NaN gives NaN, unless NaN is skipped; one without elements, too.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Quantile {
    pub(crate) q: Vec<f64>,
    pub(crate) method: QuantileMethod,
    pub(crate) skips_nan: bool,
    pub(crate) dtype: DType,
}

impl NamedKernel for Quantile {
    const NAME: &'static str = "hyperslab.quantile";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        let block = &blocks[0];
        let answers = dispatch_real!(block.dtype(), T => {
            let data = block.to_array::<T>()?;
            let lanes = data.lanes(Axis(data.ndim() - 1));
            let shape: Vec<usize> = [self.q.len()].iter().chain(&data.shape()[..data.ndim() - 1]).copied().collect();
            let mut out = ArrayD::<f64>::zeros(IxDyn(&shape));
            let mut lane: Vec<T> = Vec::new();
            for (from, to) in lanes.into_iter().zip(out.lanes_mut(Axis(0))) {
                lane.clear();
                lane.extend(from.iter().filter(|x| !(self.skips_nan && x.is_nan())));
                self.answer(&mut lane, to);
            }
            out
        }, else return Err(Error::dtype("quantile", format!("elements of {} have no order", block.dtype()))));
        Ok(match self.dtype {
            DType::F32 => Block::from_dense(answers.mapv(|x| x as f32)),
            _ => Block::from_dense(answers),
        })
    }
}

impl Quantile {
    fn answer<T: Ordered + CastTo<f64>>(&self, lane: &mut [T], mut to: ArrayViewMut1<'_, f64>) {
        lane.sort_unstable_by(Ordered::order);
        // NaN sorts last.
        if lane.last().is_none_or(|last| last.is_nan()) {
            return to.fill(f64::NAN);
        }
        for (to, &q) in to.iter_mut().zip(&self.q) {
            *to = self.at(lane, q);
        }
    }

    fn at<T: Element + CastTo<f64>>(&self, sorted: &[T], q: f64) -> f64 {
        let place = (sorted.len() - 1) as f64 * q;
        let (low, part) = (place.floor(), place.fract());
        let low_at = low as usize;
        let high_at = (low_at + usize::from(part > 0.0)).min(sorted.len() - 1);
        let (a, b): (f64, f64) = (sorted[low_at].cast_to(), sorted[high_at].cast_to());
        match self.method {
            QuantileMethod::Linear => between(a, b, part),
            QuantileMethod::Lower => a,
            QuantileMethod::Higher => b,
            QuantileMethod::Midpoint => between(a, b, if part > 0.0 { 0.5 } else { 0.0 }),
            QuantileMethod::Nearest => {
                let goes_up = if part == 0.5 { low_at % 2 == 1 } else { part > 0.5 };
                if goes_up { b } else { a }
            }
        }
    }
}

/// The number a part of the way from `a` to `b`; exactly `a` and `b` at the ends, also where they are infinite.
fn between(a: f64, b: f64, part: f64) -> f64 {
    if a == b || part == 0.0 {
        return a;
    }
    let way = b - a;
    if part < 0.5 { a + way * part } else { b - way * (1.0 - part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_differ_between_elements_only() {
        let at = |method, q| {
            Quantile { q: vec![], method, skips_nan: false, dtype: DType::F64 }.at(&[1.0, 2.0, 4.0, 8.0], q)
        };
        use QuantileMethod::{Higher, Linear, Lower, Midpoint, Nearest};
        assert_eq!([Linear, Lower, Higher, Midpoint, Nearest].map(|method| at(method, 0.5)), [3.0, 2.0, 4.0, 3.0, 4.0]);
        assert_eq!([Linear, Lower, Higher, Midpoint, Nearest].map(|method| at(method, 0.0)), [1.0; 5]);
        assert_eq!([Linear, Lower, Higher, Midpoint, Nearest].map(|method| at(method, 1.0)), [8.0; 5]);
        assert_eq!(between(f64::INFINITY, f64::INFINITY, 0.25), f64::INFINITY);
    }
}
