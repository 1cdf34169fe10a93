//! Which of two elements wins: the smaller one or the larger one.

use super::fold::LANES;
use crate::element::Real;
use crate::kernels::prefetch::Ahead;

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

/// The winner of each lane over the elements that enter it, or `None` if there is a NaN among these.
///
/// To look for NaN apart from the comparisons, two elements at a time, takes half as long as to let NaN win: the winner
/// of two numbers is one instruction.
#[inline(always)]
pub(super) fn winners<T: Real, O: Order>(
    mut best: [T; LANES],
    groups: &[[T; LANES]],
    ahead: Ahead,
) -> Option<[T; LANES]> {
    let mut has_nan = [false; LANES / 2];
    for group in groups {
        ahead.ask(group);
        for lane in 0..LANES {
            best[lane] = if O::beats(group[lane], best[lane]) { group[lane] } else { best[lane] };
        }
        mark_nan(&mut has_nan, group);
    }
    if is_any(&has_nan) { None } else { Some(best) }
}

/// Marks the pairs of lanes into which a NaN enters.
#[inline(always)]
pub(super) fn mark_nan<T: Real>(has_nan: &mut [bool; LANES / 2], group: &[T; LANES]) {
    for lane in 0..LANES / 2 {
        has_nan[lane] |= group[lane].is_nan() | group[lane + LANES / 2].is_nan();
    }
}

#[inline(always)]
pub(super) fn is_any(marks: &[bool]) -> bool {
    marks.iter().fold(false, |any, &mark| any | mark)
}
