//! Named kernels of the crate's own: functions of a few blocks that need no operation of their own.
//!
//! They go through the same door as users' kernels ([`NamedKernel`](super::NamedKernel)): plain parameters, a name, and a
//! function of dense blocks. Equal kernels on equal arrays have one name, and another process can run them.

mod choose;
mod count;
mod flat;
mod frexp;
mod join;
mod order;
mod quantile;
mod random;
mod relayout;
mod repeat;
mod same_lengths;
mod search;
mod take_along;

pub(crate) use choose::Choose;
pub(crate) use count::{Bincount, Histogram, SumPadded};
pub(crate) use flat::{Flatten, Unflatten};
pub(crate) use frexp::{Exponent, Mantissa, Scale};
pub(crate) use join::Join;
pub(crate) use quantile::Quantile;
pub use quantile::QuantileMethod;
pub(crate) use random::{Law, Random};
pub(crate) use relayout::Relayout;
pub(crate) use repeat::Repeat;
pub(crate) use same_lengths::SameLengths;
pub(crate) use search::{Distinct, InSorted, SearchSorted, Tally, TallyDistinct};
pub(crate) use take_along::TakeAlong;

use super::NamedKernel;
use super::registry::Maker;

/// All of them: their names, and how to make one from its parameters.
pub(super) const ALL: [(&str, Maker); 20] = [
    row::<Choose>(),
    row::<Bincount>(),
    row::<Histogram>(),
    row::<SumPadded>(),
    row::<Flatten>(),
    row::<Unflatten>(),
    row::<Exponent>(),
    row::<Mantissa>(),
    row::<Scale>(),
    row::<Join>(),
    row::<Quantile>(),
    row::<Random>(),
    row::<Relayout>(),
    row::<Repeat>(),
    row::<SameLengths>(),
    row::<Distinct>(),
    row::<InSorted>(),
    row::<SearchSorted>(),
    row::<TallyDistinct>(),
    row::<TakeAlong>(),
];

const fn row<K: NamedKernel>() -> (&'static str, Maker) {
    (K::NAME, super::func::make_call::<K>)
}
