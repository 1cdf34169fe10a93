//! The list of reductions.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::arg_extreme::ArgExtreme;
use super::extreme::Extreme;
use super::family::Family;
use super::mean::Mean;
use super::order::{Larger, Smaller};
use super::prod::Prod;
use super::spread::Spread;
use super::sum::Sum;
use super::truth::{All, Any, CountNonzero};
use crate::element::DType;
use crate::error::Result;

/// A reduction: what is made of all elements of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Reduction {
    Sum,
    Prod,
    Min,
    Max,
    Any,
    All,
    CountNonzero,
    Mean,
    Var { ddof: Ddof },
    Std { ddof: Ddof },
    ArgMin,
    ArgMax,
    NanSum,
    NanProd,
    NanMin,
    NanMax,
    NanMean,
    NanVar { ddof: Ddof },
    NanStd { ddof: Ddof },
    NanArgMin,
    NanArgMax,
}

impl Reduction {
    /// NumPy's name, as the methods of arrays spell it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Reduction::Sum => "sum",
            Reduction::Prod => "prod",
            Reduction::Min => "min",
            Reduction::Max => "max",
            Reduction::Any => "any",
            Reduction::All => "all",
            Reduction::CountNonzero => "count_nonzero",
            Reduction::Mean => "mean",
            Reduction::Var { .. } => "var",
            Reduction::Std { .. } => "std",
            Reduction::ArgMin => "argmin",
            Reduction::ArgMax => "argmax",
            Reduction::NanSum => "nansum",
            Reduction::NanProd => "nanprod",
            Reduction::NanMin => "nanmin",
            Reduction::NanMax => "nanmax",
            Reduction::NanMean => "nanmean",
            Reduction::NanVar { .. } => "nanvar",
            Reduction::NanStd { .. } => "nanstd",
            Reduction::NanArgMin => "nanargmin",
            Reduction::NanArgMax => "nanargmax",
        }
    }

    /// What the reduction does: the one list of implementations.
    pub(super) fn family(self) -> Box<dyn Family> {
        let name = self.name();
        match self {
            Reduction::Sum => Box::new(Sum { skips_nan: false }),
            Reduction::Prod => Box::new(Prod { skips_nan: false }),
            Reduction::Min => Box::new(Extreme::<Smaller> { name, skips_nan: false, order: PhantomData }),
            Reduction::Max => Box::new(Extreme::<Larger> { name, skips_nan: false, order: PhantomData }),
            Reduction::Any => Box::new(Any),
            Reduction::All => Box::new(All),
            Reduction::CountNonzero => Box::new(CountNonzero),
            Reduction::Mean => Box::new(Mean { skips_nan: false }),
            Reduction::Var { ddof } => Box::new(Spread { ddof: ddof.get(), takes_root: false, skips_nan: false }),
            Reduction::Std { ddof } => Box::new(Spread { ddof: ddof.get(), takes_root: true, skips_nan: false }),
            Reduction::ArgMin => Box::new(ArgExtreme::<Smaller> { name, skips_nan: false, order: PhantomData }),
            Reduction::ArgMax => Box::new(ArgExtreme::<Larger> { name, skips_nan: false, order: PhantomData }),
            Reduction::NanSum => Box::new(Sum { skips_nan: true }),
            Reduction::NanProd => Box::new(Prod { skips_nan: true }),
            Reduction::NanMin => Box::new(Extreme::<Smaller> { name, skips_nan: true, order: PhantomData }),
            Reduction::NanMax => Box::new(Extreme::<Larger> { name, skips_nan: true, order: PhantomData }),
            Reduction::NanMean => Box::new(Mean { skips_nan: true }),
            Reduction::NanVar { ddof } => Box::new(Spread { ddof: ddof.get(), takes_root: false, skips_nan: true }),
            Reduction::NanStd { ddof } => Box::new(Spread { ddof: ddof.get(), takes_root: true, skips_nan: true }),
            Reduction::NanArgMin => Box::new(ArgExtreme::<Smaller> { name, skips_nan: true, order: PhantomData }),
            Reduction::NanArgMax => Box::new(ArgExtreme::<Larger> { name, skips_nan: true, order: PhantomData }),
        }
    }

    /// The element type of the result; an error where the reduction has no meaning for `input`.
    pub(crate) fn output_dtype(self, input: DType) -> Result<DType> {
        self.family().output_dtype(input)
    }

    /// Whether the answer is a position, so that the place of blocks matters.
    pub(crate) fn is_arg(self) -> bool {
        use Reduction::{ArgMax, ArgMin, NanArgMax, NanArgMin};
        matches!(self, ArgMin | ArgMax | NanArgMin | NanArgMax)
    }
}

impl fmt::Display for Reduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Delta degrees of freedom: variances divide by `n - ddof`. Any finite number; equal by its bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Ddof(u64);

impl Ddof {
    /// Variances divide by the number of elements.
    pub(crate) const ZERO: Ddof = Ddof(0);

    pub(crate) fn new(ddof: f64) -> Ddof {
        // -0.0 is no other ddof than 0.0.
        Ddof((ddof + 0.0).to_bits())
    }

    pub(crate) fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl fmt::Debug for Ddof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.get(), f)
    }
}
