//! What the work of a case gives.

use hyperslab::array::DynArray;
use hyperslab::block::Block;
use hyperslab::element::{Element, Scalar};
use hyperslab::ndarray::{Array as NdArray, Dimension};
use hyperslab::prelude::*;

/// A result of any kind.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// A lazy array; the comparison computes it.
    Lazy(DynArray),
    /// An array in memory, dense or sparse.
    Eager(Block),
    /// Several results.
    Tuple(Vec<Outcome>),
}

/// What an entry of the table gives.
pub(crate) type Answer = Result<Outcome>;

impl From<DynArray> for Outcome {
    fn from(array: DynArray) -> Outcome {
        Outcome::Lazy(array)
    }
}

impl<T: Element> From<Array<T>> for Outcome {
    fn from(array: Array<T>) -> Outcome {
        Outcome::Lazy(array.into_dyn())
    }
}

impl<T: Element> From<Coo<T>> for Outcome {
    fn from(coo: Coo<T>) -> Outcome {
        Outcome::Eager(Block::new(coo))
    }
}

impl<T: Element, D: Dimension> From<NdArray<T, D>> for Outcome {
    fn from(array: NdArray<T, D>) -> Outcome {
        Outcome::Eager(Block::from_dense(array.into_dyn()))
    }
}

impl From<Block> for Outcome {
    fn from(block: Block) -> Outcome {
        Outcome::Eager(block)
    }
}

impl<T: Into<Outcome>> From<Vec<T>> for Outcome {
    fn from(items: Vec<T>) -> Outcome {
        Outcome::Tuple(items.into_iter().map(Into::into).collect())
    }
}

/// A single value.
pub(crate) fn value<T: Element>(value: T) -> Outcome {
    Outcome::Eager(Block::from_scalar(value.to_scalar()))
}

/// A length or a count, as Python's `int`.
pub(crate) fn count(n: usize) -> Outcome {
    Outcome::Eager(Block::from_scalar(Scalar::I64(n as i64)))
}

/// Python's `True` or `False`.
pub(crate) fn truth(holds: bool) -> Outcome {
    Outcome::Eager(Block::from_scalar(Scalar::Bool(holds)))
}

macro_rules! tuples {
    ($(($($name:ident),+);)*) => {$(
        impl<$($name: Into<Outcome>),+> From<($($name,)+)> for Outcome {
            #[allow(non_snake_case)]
            fn from(($($name,)+): ($($name,)+)) -> Outcome {
                Outcome::Tuple(vec![$($name.into()),+])
            }
        }
    )*};
}
tuples! { (A); (A, B); (A, B, C); (A, B, C, D); (A, B, C, D, E); (A, B, C, D, E, F); (A, B, C, D, E, F, G); }

/// The answer that consists of what converts to an [`Outcome`].
pub(crate) fn ok(outcome: impl Into<Outcome>) -> Answer {
    Ok(outcome.into())
}
