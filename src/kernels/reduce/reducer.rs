//! A reduction of a given element type: the front door.

use serde::{Deserialize, Serialize};

use super::dense;
use super::family::{Family, Fills, LiftSpec};
use super::reduction::Reduction;
use super::sink::AnyLift;
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

    /// The element type of the result.
    pub(crate) fn output_dtype(self) -> Result<DType> {
        self.reduction.output_dtype(self.input)
    }

    /// A sink for the elements of one block.
    pub(crate) fn sink(self, spec: LiftSpec) -> Result<AnyLift> {
        self.family().lift(self.input, spec)
    }

    /// The partial result of a dense block. With a mask, `spec` must be [partial](LiftSpec::partial).
    pub(crate) fn lift(self, block: &Block, mask: Option<&Block>, spec: &LiftSpec) -> Result<Partial> {
        with_block!(block, T, data => {
            let view = data.dense()?;
            let take = mask.map(|mask| mask.dense::<bool>()).transpose()?;
            if let Some(take) = take.as_ref().filter(|take| take.shape() != view.shape()) {
                return Err(Error::bug("mask", format!("shape {:?} over shape {:?}", take.shape(), view.shape())));
            }
            let mut lift = self.sink(spec.clone())?.typed::<T>()?;
            dense::send(&view, take.as_ref(), &spec.frame, lift.as_sink());
            Ok(Partial(lift.into_parts()))
        })
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
    pub(super) fn from_parts(parts: Vec<Block>) -> Self {
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
