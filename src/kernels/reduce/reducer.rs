//! A reduction of a given element type: the front door.

use serde::{Deserialize, Serialize};

use super::dense;
use super::family::{Family, Fills, LiftSpec};
use super::frame::Frame;
use super::reduction::Reduction;
use super::sink::Lift;
use crate::block::{Block, Value, with_block};
use crate::element::DType;
use crate::error::{Error, Result};

/// A reduction of arrays of one element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Reducer {
    reduction: Reduction,
    input: DType,
}

/// What a block, or several, came to: parts that only the same [`Reducer`] understands.
#[derive(Clone, Debug)]
pub(crate) struct Partial(Vec<Block>);

impl Reducer {
    /// An error if the reduction has no meaning for the element type.
    pub(crate) fn new(reduction: Reduction, input: DType) -> Result<Reducer> {
        reduction.output_dtype(input)?;
        Ok(Reducer { reduction, input })
    }

    /// The reduction.
    pub(crate) fn reduction(self) -> Reduction {
        self.reduction
    }

    /// The element type of what is reduced.
    pub(crate) fn input(self) -> DType {
        self.input
    }

    /// The element type of the result.
    pub(crate) fn output_dtype(self) -> Result<DType> {
        self.reduction.output_dtype(self.input)
    }

    /// Takes the elements of one block.
    pub(super) fn lift_with(self, spec: LiftSpec) -> Result<Box<dyn Lift>> {
        self.family().lift(self.input, spec)
    }

    /// The partial result of a dense block, or of the elements of it that the mask takes.
    pub(crate) fn lift(self, block: &Block, mask: Option<&Block>, spec: &LiftSpec) -> Result<Partial> {
        let spec = if mask.is_some() { spec.clone().partial() } else { spec.clone() };
        let frame = spec.frame.clone();
        let mut lift = self.lift_with(spec)?;
        let take = mask.map(|mask| mask.dense::<bool>()).transpose()?;
        self.check(block, &frame)?;
        with_block!(block, T, data => dense::send(&data.dense()?, take.as_ref(), &frame, lift.as_mut()))?;
        Ok(Partial::of(lift))
    }

    /// An error if a block is not what the reduction was made for.
    pub(super) fn check(self, block: &Block, frame: &Frame) -> Result<()> {
        if block.dtype() != self.input || block.shape() != frame.shape() {
            return Err(self.bug(format!("{} of shape {:?} for {self:?} of {frame:?}", block.dtype(), block.shape())));
        }
        Ok(())
    }

    /// The partial result of several blocks, in their order.
    pub(crate) fn combine(self, partials: &[&Partial]) -> Result<Partial> {
        match partials {
            [] => Err(self.bug("no partial results to combine".into())),
            [one] => Ok((*one).clone()),
            [first, rest @ ..] => {
                let shape = first.shape()?;
                if let Some(other) = rest.iter().find(|other| other.shape().is_ok_and(|other| other != shape)) {
                    return Err(self.bug(format!("partial results of shapes {shape:?} and {:?}", other.shape())));
                }
                let parts: Vec<&[Block]> = partials.iter().map(|partial| partial.0.as_slice()).collect();
                self.family().combine(self.input, &parts).map(Partial)
            }
        }
    }

    /// The result, reduced axes kept with length 1.
    pub(crate) fn finish(self, partial: &Partial) -> Result<Block> {
        partial.shape()?;
        self.family().finish(self.input, &partial.0)
    }

    /// The partial result of fill values that a sparse block does not store; combine it with that of the stored ones.
    pub(crate) fn fills(self, fills: &Fills<'_>) -> Result<Partial> {
        self.family().fills(self.input, fills).map(Partial)
    }

    fn family(self) -> Box<dyn Family> {
        self.reduction.family()
    }

    fn bug(self, detail: String) -> Error {
        Error::bug(self.reduction.name(), detail)
    }
}

impl Partial {
    /// The same partial result in cells of another shape with as many of them.
    pub(super) fn reshaped(self, shape: &[usize]) -> Result<Partial> {
        let reshape = |part: Block| {
            with_block!(part, T, data => {
                let shaped = data.to_dense()?.into_shape_with_order(shape);
                shaped.map(Block::new::<T>).map_err(|error| Error::bug("reduce", error.to_string()))
            })
        };
        self.0.into_iter().map(reshape).collect::<Result<_>>().map(Partial)
    }

    pub(super) fn of(lift: Box<dyn Lift>) -> Partial {
        Partial(lift.into_parts())
    }

    /// A partial result made of its parts.
    pub(super) fn of_parts(parts: Vec<Block>) -> Partial {
        Partial(parts)
    }

    /// The shape of the cells.
    pub(crate) fn shape(&self) -> Result<Vec<usize>> {
        self.0.first().map(Block::shape).ok_or_else(|| Error::bug("reduce", "a partial result without parts"))
    }
}

impl From<Partial> for Value {
    fn from(partial: Partial) -> Value {
        Value::Parts(partial.0.into_iter().map(Value::Block).collect())
    }
}

impl TryFrom<&Value> for Partial {
    type Error = Error;

    fn try_from(value: &Value) -> Result<Partial> {
        value.parts()?.iter().map(|part| part.block().cloned()).collect::<Result<_>>().map(Partial)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, IxDyn};

    use super::*;
    use crate::element::Scalar;

    fn mean() -> Reducer {
        Reducer::new(Reduction::Mean, DType::I32).unwrap()
    }

    fn lifted(values: &[i32]) -> Partial {
        let array = ArrayD::from_shape_vec(IxDyn(&[values.len()]), values.to_vec()).unwrap();
        mean().lift(&Block::from_dense(array), None, &LiftSpec::new(&[values.len()], &[true])).unwrap()
    }

    #[test]
    fn partials_travel_as_values() {
        let value = Value::from(lifted(&[1, 2, 4]));
        let back = Partial::try_from(&value).unwrap();
        let both = mean().combine(&[&back, &lifted(&[5])]).unwrap();
        assert!(mean().finish(&both).unwrap().scalar().unwrap().is_same(Scalar::F64(3.0)));
        assert!(Partial::try_from(&Value::Block(Block::from_scalar(Scalar::I8(1)))).is_err());
    }

    #[test]
    fn what_has_no_meaning_is_refused_when_it_is_built() {
        for reduction in [Reduction::Min, Reduction::ArgMax, Reduction::NanMax] {
            let error = Reducer::new(reduction, DType::C64).unwrap_err();
            assert!(error.is_dtype() && error.to_string().contains("complex128 has no order"), "{error}");
        }
    }

    #[test]
    fn partials_that_do_not_fit_together_are_a_bug_not_a_wrong_answer() {
        let array = Block::from_dense(ArrayD::<i32>::zeros(vec![2, 3]));
        let wide = mean().lift(&array, None, &LiftSpec::new(&[2, 3], &[true, false])).unwrap();
        assert!(mean().combine(&[&wide, &lifted(&[1])]).is_err());
        assert!(mean().combine(&[]).is_err());
        assert!(mean().lift(&array, None, &LiftSpec::new(&[3, 2], &[true, false])).is_err());
        let other = Reducer::new(Reduction::Var { ddof: super::super::Ddof::new(0.0) }, DType::I32).unwrap();
        assert!(other.finish(&lifted(&[1])).is_err());
    }
}
