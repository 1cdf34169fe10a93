//! Which of two elements wins: the smaller one or the larger one.

use crate::element::Real;

/// The direction of an extreme.
pub(super) trait Order: Send + 'static {
    /// Whether `x` wins over `best`. False if either is NaN.
    fn beats<T: Real>(x: T, best: T) -> bool;

    /// The element that wins over no other.
    fn worst<T: Real>() -> T;
}

/// The smaller element wins.
pub(super) struct Smaller;

impl Order for Smaller {
    #[inline(always)]
    fn beats<T: Real>(x: T, best: T) -> bool {
        x < best
    }

    fn worst<T: Real>() -> T {
        T::highest()
    }
}

/// The larger element wins.
pub(super) struct Larger;

impl Order for Larger {
    #[inline(always)]
    fn beats<T: Real>(x: T, best: T) -> bool {
        x > best
    }

    fn worst<T: Real>() -> T {
        T::lowest()
    }
}
