//! Selections along one axis, brought to one form.
//!
//! Users write slices as NumPy has them: signed, clamped, with holes. Everything behind the public API sees an
//! [`AxisRange`]: element `i` of the result is element `start + i * step` of the axis, all of them inside. Selections of
//! selections compose to one ([`AxisRange::compose`]), so a chain of slices costs as much as a single slice.
//!
//! Axis numbers and integer indices are normalised here too. Lists of indices are not ranges: see `slicing`.

use std::collections::HashSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A normalised slice of an axis: element `i` is element `start + i * step` of the axis, for `i` below `len`.
///
/// Equal selections compare equal: an empty one is `0, 1, 0`, one of a single element has step 1.
///
/// ```
/// use hyperslab::chunks::AxisRange;
/// let every_other = AxisRange::from_slice(Some(1), None, 2, 10)?;
/// assert_eq!(every_other.positions().collect::<Vec<_>>(), [1, 3, 5, 7, 9]);
/// let last_two_reversed = AxisRange::from_slice(None, Some(-3), -1, every_other.len())?;
/// assert_eq!(every_other.compose(last_two_reversed).positions().collect::<Vec<_>>(), [9, 7]);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "(u64, i64, u64)", into = "(u64, i64, u64)")]
pub struct AxisRange {
    start: u64,
    step: i64,
    len: u64,
}

impl std::fmt::Display for AxisRange {
    /// As a slice: `start:end` or `start:end:step`, the end beyond the last element.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let end = i128::from(self.start) + i128::from(self.step) * i128::from(self.len);
        write!(f, "{}:{end}", self.start)?;
        if self.step == 1 { Ok(()) } else { write!(f, ":{}", self.step) }
    }
}

impl AxisRange {
    /// All elements of an axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisRange;
    /// assert_eq!(AxisRange::full(3).positions().collect::<Vec<_>>(), [0, 1, 2]);
    /// ```
    pub fn full(len: u64) -> Self {
        Self { start: 0, step: 1, len }
    }

    /// The elements `range`, one after the other.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisRange;
    /// assert_eq!(AxisRange::contiguous(2..4).positions().collect::<Vec<_>>(), [2, 3]);
    /// ```
    pub fn contiguous(range: Range<u64>) -> Self {
        Self::canonical(range.start, 1, range.end.saturating_sub(range.start))
    }

    /// `len` elements from `start` on, `step` apart; the caller knows that they lie in the axis and that `step` is not 0.
    pub(crate) fn canonical(start: u64, step: i64, len: u64) -> Self {
        debug_assert!(step != 0);
        match len {
            0 => Self { start: 0, step: 1, len },
            1 => Self { start, step: 1, len },
            _ => Self { start, step, len },
        }
    }

    /// The slice `start:stop:step` of an axis with `len` elements: negative borders count from the end, borders beyond
    /// the axis are clamped, missing ones mean the end that `step` comes from or goes to.
    ///
    /// # Errors
    /// The step is zero, or the axis has 2^63 or more elements.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisRange;
    /// let reversed = AxisRange::from_slice(None, None, -1, 4)?;
    /// assert_eq!((reversed.start(), reversed.step(), reversed.len()), (3, -1, 4));
    /// assert!(AxisRange::from_slice(Some(7), Some(100), 1, 4)?.is_empty());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn from_slice(start: Option<i64>, stop: Option<i64>, step: i64, len: u64) -> Result<Self> {
        if step == 0 {
            return Err(
                Error::bad_index("slice", "the step of a slice is 0").with_remedy("use 1, -1 or any other step")
            );
        }
        let Ok(signed_len) = i64::try_from(len) else {
            return Err(Error::bad_index("slice", format!("an axis of {len} elements is too long to be sliced")));
        };
        let n = i128::from(signed_len);
        // Backwards, a slice ends before element 0: the borders lie one lower.
        let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
        let border = |given: Option<i64>, missing: i128| match given {
            None => missing,
            Some(at) if at < 0 => (i128::from(at) + n).clamp(low, high),
            Some(at) => i128::from(at).clamp(low, high),
        };
        let (first, end) = if step > 0 { (low, high) } else { (high, low) };
        let (first, end) = (border(start, first), border(stop, end));
        let (way, stride) = (if step > 0 { end - first } else { first - end }, i128::from(step).abs());
        let count = if way > 0 { (way - 1) / stride + 1 } else { 0 };
        Ok(Self::canonical(first.max(0) as u64, step, count as u64))
    }

    /// The positions as a range, where they are evenly spaced and no two are equal.
    pub(crate) fn from_positions(positions: &[u64]) -> Option<Self> {
        let step = match positions {
            [] | [_] => 1,
            [first, second, ..] => i64::try_from(i128::from(*second) - i128::from(*first)).ok()?,
        };
        let even = positions.windows(2).all(|w| i128::from(w[1]) - i128::from(w[0]) == i128::from(step));
        let start = positions.first().copied().unwrap_or(0);
        (step != 0 && even).then(|| Self::canonical(start, step, positions.len() as u64))
    }

    /// The position of the first element; 0 if there is none.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisRange;
    /// assert_eq!(AxisRange::contiguous(2..4).start(), 2);
    /// ```
    pub fn start(&self) -> u64 {
        self.start
    }

    /// The distance from one element to the next; never 0.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisRange;
    /// assert_eq!(AxisRange::from_slice(None, None, -2, 5)?.step(), -2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn step(&self) -> i64 {
        self.step
    }

    /// The number of elements.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisRange;
    /// assert_eq!(AxisRange::from_slice(None, None, 2, 5)?.len(), 3);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing is selected.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisRange;
    /// assert!(AxisRange::contiguous(2..2).is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether this selects all of an axis with `axis_len` elements in their order.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisRange;
    /// assert!(AxisRange::full(3).is_full(3) && !AxisRange::full(3).reversed().is_full(3));
    /// ```
    pub fn is_full(&self, axis_len: u64) -> bool {
        *self == Self::full(axis_len)
    }

    /// The position of element `i`, which is below the length.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisRange;
    /// assert_eq!(AxisRange::from_slice(Some(1), None, 3, 9)?.at(2), 7);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn at(&self, i: u64) -> u64 {
        // Wraps to the right answer for negative steps; the caller keeps `i` below the length.
        self.start.wrapping_add((self.step as u64).wrapping_mul(i))
    }

    /// The positions of all elements, in order.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisRange;
    /// assert_eq!(AxisRange::from_slice(None, None, -2, 5)?.positions().collect::<Vec<_>>(), [4, 2, 0]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn positions(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.len).map(|i| self.at(i))
    }

    /// The same elements, last first.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisRange;
    /// assert_eq!(AxisRange::contiguous(2..5).reversed().positions().collect::<Vec<_>>(), [4, 3, 2]);
    /// ```
    pub fn reversed(&self) -> Self {
        match self.len {
            0 => *self,
            len => Self::canonical(self.at(len - 1), -self.step, len),
        }
    }

    /// The smallest range of positions that holds all elements.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisRange;
    /// assert_eq!(AxisRange::from_slice(None, None, -2, 6)?.span(), 1..6);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn span(&self) -> Range<u64> {
        if self.is_empty() {
            return 0..0;
        }
        let (first, last) = (self.start, self.at(self.len - 1));
        first.min(last)..first.max(last) + 1
    }

    /// The selection `inner` of what this one selects.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisRange;
    /// let odd = AxisRange::from_slice(Some(1), None, 2, 10)?;                  // 1, 3, 5, 7, 9
    /// let last_two = AxisRange::from_slice(Some(-2), None, 1, odd.len())?;
    /// assert_eq!(odd.compose(last_two).positions().collect::<Vec<_>>(), [7, 9]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn compose(&self, inner: AxisRange) -> Self {
        debug_assert!(inner.span().end <= self.len);
        if inner.is_empty() {
            return inner;
        }
        // With two elements or more, the product is the distance of two positions, which are below 2^63.
        Self::canonical(self.at(inner.start), self.step.wrapping_mul(inner.step), inner.len)
    }

    /// The indices `i` whose positions lie in `span`; they are consecutive.
    pub(crate) fn indices_in(&self, span: Range<u64>) -> Range<u64> {
        let stride = self.step.unsigned_abs();
        // The number of leading elements before `border`, seen in the direction of the step.
        let before = |distance: u64| distance.div_ceil(stride).min(self.len);
        let indices = if self.step > 0 {
            before(span.start.saturating_sub(self.start))..before(span.end.saturating_sub(self.start))
        } else {
            before((self.start + 1).saturating_sub(span.end))..before((self.start + 1).saturating_sub(span.start))
        };
        if indices.start < indices.end && !span.is_empty() { indices } else { 0..0 }
    }
}

impl TryFrom<(u64, i64, u64)> for AxisRange {
    type Error = &'static str;

    fn try_from((start, step, len): (u64, i64, u64)) -> Result<Self, Self::Error> {
        let last = i128::from(start) + i128::from(step) * i128::from(len.saturating_sub(1));
        if step == 0 || !(0..=i128::from(i64::MAX)).contains(&last) || start > i64::MAX as u64 {
            return Err("a range of positions leaves its axis");
        }
        Ok(Self::canonical(start, step, len))
    }
}

impl From<AxisRange> for (u64, i64, u64) {
    fn from(range: AxisRange) -> Self {
        (range.start, range.step, range.len)
    }
}

/// The position that `index` means on `axis`; negative indices count from the end.
pub(crate) fn normalize_index(op: &'static str, axis: usize, index: i64, len: u64) -> Result<u64> {
    let position = if index < 0 { i128::from(index) + i128::from(len) } else { i128::from(index) };
    u64::try_from(position).ok().filter(|&p| p < len).ok_or_else(|| Error::index(op, index, axis, len))
}

/// The axis that `axis` means in an array with `ndim` axes; negative numbers count from the end.
pub(crate) fn normalize_axis(op: &'static str, axis: isize, ndim: usize) -> Result<usize> {
    let from_start = if axis < 0 { axis.checked_add(ndim as isize) } else { Some(axis) };
    from_start.and_then(|a| usize::try_from(a).ok()).filter(|&a| a < ndim).ok_or_else(|| Error::axis(op, axis, ndim))
}

/// The axes that `axes` mean, in their order; none may be named twice.
pub(crate) fn normalize_axes(op: &'static str, axes: &[isize], ndim: usize) -> Result<Vec<usize>> {
    let normal = axes.iter().map(|&axis| normalize_axis(op, axis, ndim)).collect::<Result<Vec<_>>>()?;
    let mut seen = HashSet::with_capacity(normal.len());
    match normal.iter().find(|&&axis| !seen.insert(axis)) {
        Some(&axis) => Err(Error::repeated_axis(op, axis)),
        None => Ok(normal),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Python's slice, element by element.
    fn python_slice(start: Option<i64>, stop: Option<i64>, step: i64, len: i64) -> Vec<u64> {
        let absolute = |at: i64| if at < 0 { at + len } else { at };
        let mut at = match start.map(absolute) {
            Some(at) if step > 0 => at.max(0),
            Some(at) => at.min(len - 1),
            None if step > 0 => 0,
            None => len - 1,
        };
        let stop = stop.map(|stop| if stop < -len { -1 } else { absolute(stop) });
        let mut positions = Vec::new();
        while (0..len).contains(&at) && stop.is_none_or(|stop| if step > 0 { at < stop } else { at > stop }) {
            positions.push(at as u64);
            at += step;
        }
        positions
    }

    fn border() -> impl Strategy<Value = Option<i64>> {
        prop::option::of(-14i64..15)
    }

    fn step() -> impl Strategy<Value = i64> {
        (-5i64..6).prop_filter("a step is not 0", |&step| step != 0)
    }

    #[test]
    fn extreme_slices_do_not_overflow() {
        let range = |start, stop, step, len| AxisRange::from_slice(start, stop, step, len).unwrap();
        assert_eq!(range(Some(i64::MIN), Some(i64::MAX), i64::MAX, 5).positions().collect::<Vec<_>>(), [0]);
        assert_eq!(range(Some(i64::MAX), Some(i64::MIN), i64::MIN, 5).positions().collect::<Vec<_>>(), [4]);
        assert_eq!(range(None, None, i64::MAX, i64::MAX as u64).len(), 1);
        assert_eq!(range(None, None, -1, i64::MAX as u64).reversed(), AxisRange::full(i64::MAX as u64));
        assert!(AxisRange::from_slice(None, None, 1, u64::MAX).unwrap_err().is_index());
        assert!(AxisRange::from_slice(None, None, 0, 5).unwrap_err().to_string().contains("step of a slice is 0"));
    }

    #[test]
    fn indices_and_axes_wrap_and_name_what_is_wrong() {
        assert_eq!(normalize_index("index", 1, -1, 4).unwrap(), 3);
        for index in [4, -5, i64::MIN, i64::MAX] {
            let text = normalize_index("index", 1, index, 4).unwrap_err().to_string();
            assert_eq!(text, format!("index: index {index} is out of bounds for axis 1 with length 4"));
        }
        assert_eq!(normalize_axes("sum", &[-1, 0], 3).unwrap(), [2, 0]);
        assert_eq!(normalize_axes("sum", &[-1, 2], 3).unwrap_err().to_string(), "sum: axis 2 is named more than once");
        assert!(normalize_axis("sum", isize::MIN, 3).unwrap_err().is_shape());
        assert!(normalize_axis("sum", 0, 0).unwrap_err().is_shape());
    }

    #[test]
    fn lists_that_are_ranges_are_found() {
        assert_eq!(AxisRange::from_positions(&[7, 4, 1]), Some(AxisRange::canonical(7, -3, 3)));
        assert_eq!(AxisRange::from_positions(&[5]), Some(AxisRange::contiguous(5..6)));
        assert_eq!(AxisRange::from_positions(&[]), Some(AxisRange::full(0)));
        assert_eq!(AxisRange::from_positions(&[3, 3]), None);
        assert_eq!(AxisRange::from_positions(&[1, 2, 4]), None);
    }

    #[test]
    fn ranges_that_leave_the_axis_are_not_read() {
        for bad in ["[0,0,3]", "[1,-1,3]", "[9223372036854775807,1,2]", "[9223372036854775808,1,1]"] {
            assert!(serde_json::from_str::<AxisRange>(bad).is_err(), "{bad}");
        }
        let range = AxisRange::canonical(9, -2, 4);
        assert_eq!(serde_json::from_str::<AxisRange>(&serde_json::to_string(&range).unwrap()).unwrap(), range);
    }

    proptest! {
        #[test]
        fn slices_are_pythons(start in border(), stop in border(), step in step(), len in 0u64..12) {
            let range = AxisRange::from_slice(start, stop, step, len).unwrap();
            let expected = python_slice(start, stop, step, len as i64);
            prop_assert_eq!(range.positions().collect::<Vec<_>>(), expected.clone());
            prop_assert_eq!(range.reversed().positions().collect::<Vec<_>>(), expected.iter().rev().copied().collect::<Vec<_>>());
            prop_assert_eq!(range.is_full(len), expected.iter().copied().eq(0..len));
            prop_assert!(expected.iter().all(|p| range.span().contains(p)));
            prop_assert_eq!(AxisRange::from_positions(&expected), Some(range));
        }

        #[test]
        fn composition_selects_from_the_selection(
            (a, b, c) in (border(), border(), step()), (d, e, f) in (border(), border(), step()), len in 0u64..12,
        ) {
            let outer = AxisRange::from_slice(a, b, c, len).unwrap();
            let inner = AxisRange::from_slice(d, e, f, outer.len()).unwrap();
            let expected: Vec<u64> = inner.positions().map(|i| outer.at(i)).collect();
            prop_assert_eq!(outer.compose(inner).positions().collect::<Vec<_>>(), expected);
        }

        #[test]
        fn indices_in_a_span_are_exactly_those(
            start in border(), stop in border(), step in step(), len in 0u64..12, low in 0u64..12, width in 0u64..12,
        ) {
            let range = AxisRange::from_slice(start, stop, step, len).unwrap();
            let span = low..low + width;
            let expected: Vec<u64> = (0..range.len()).filter(|&i| span.contains(&range.at(i))).collect();
            prop_assert_eq!(range.indices_in(span).collect::<Vec<_>>(), expected);
        }
    }
}
