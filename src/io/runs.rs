//! The contiguous runs of a rectangle inside a row-major array.
//!
//! ```text
//! array 4 x 5, rectangle 1..3 x 1..4      rectangle 1..3 x 0..5
//!   . . . . .                               . . . . .
//!   . a a a .   run a: 6..9                 a a a a a   one run: 5..15
//!   . b b b .   run b: 11..14               a a a a a
//!   . . . . .                               . . . . .
//! ```

use std::ops::Range;

/// The runs of a rectangle, in its own row-major order: all of one length, at rising positions of the array.
#[derive(Clone, Debug)]
pub(super) struct Runs {
    /// Elements of one run.
    run_elems: u64,
    /// Number of runs along each outer axis, and how far apart they are.
    outer: Vec<(u64, u64)>,
    /// Where the first run starts.
    start: u64,
}

impl Runs {
    /// The runs of the rectangle `ranges` in an array of lengths `shape`, whose product fits 64 bits.
    pub(super) fn new(shape: &[u64], ranges: &[Range<u64>]) -> Self {
        debug_assert!(ranges.iter().zip(shape).all(|(range, &len)| range.start <= range.end && range.end <= len));
        let mut runs = Self { run_elems: 1, outer: Vec::new(), start: 0 };
        let mut stride = 1;
        let mut whole = true;
        for (range, &len) in ranges.iter().zip(shape).rev() {
            let count = range.end - range.start;
            runs.start += range.start * stride;
            if whole {
                runs.run_elems *= count;
                whole = count == len;
            } else if count != 1 {
                runs.outer.push((count, stride));
            }
            stride *= len.max(1);
        }
        runs.outer.reverse();
        runs
    }

    /// Elements of each run.
    pub(super) fn run_elems(&self) -> u64 {
        self.run_elems
    }

    /// The runs of one rectangle as it lies in two arrays, cut to the shorter ones: their length, and where each starts in
    /// either array.
    #[cfg(any(feature = "zarr", test))]
    pub(super) fn zip<'a>(&'a self, other: &'a Runs) -> (u64, impl Iterator<Item = (u64, u64)> + 'a) {
        let step = self.run_elems.min(other.run_elems);
        // Runs join whole trailing axes, so the shorter run divides the longer one.
        let pieces = move |run_elems: u64| run_elems.checked_div(step).unwrap_or(0);
        let (n, m) = (pieces(self.run_elems), pieces(other.run_elems));
        let ours = self.starts().flat_map(move |start| (0..n).map(move |i| start + i * step));
        let theirs = other.starts().flat_map(move |start| (0..m).map(move |i| start + i * step));
        (step, ours.zip(theirs))
    }

    /// Where each run starts, in order. A rectangle without elements has no runs.
    pub(super) fn starts(&self) -> impl Iterator<Item = u64> + '_ {
        let n_runs: u64 = if self.run_elems == 0 { 0 } else { self.outer.iter().map(|axis| axis.0).product() };
        let mut index = vec![0; self.outer.len()];
        let mut at = self.start;
        (0..n_runs).map(move |_| {
            let current = at;
            for (i, &(count, stride)) in index.iter_mut().zip(&self.outer).rev() {
                *i += 1;
                at += stride;
                if *i < count {
                    break;
                }
                at -= stride * count;
                *i = 0;
            }
            current
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn positions(shape: &[u64], ranges: &[Range<u64>]) -> Vec<u64> {
        let runs = Runs::new(shape, ranges);
        runs.starts().flat_map(|start| start..start + runs.run_elems()).collect()
    }

    #[test]
    fn whole_trailing_axes_join() {
        let runs = Runs::new(&[4, 5], &[1..3, 0..5]);
        assert_eq!((runs.run_elems(), runs.starts().collect::<Vec<_>>()), (10, vec![5]));
        let runs = Runs::new(&[4, 5], &[1..3, 1..4]);
        assert_eq!((runs.run_elems(), runs.starts().collect::<Vec<_>>()), (3, vec![6, 11]));
        assert_eq!(Runs::new(&[], &[]).starts().collect::<Vec<_>>(), [0]);
        assert_eq!(Runs::new(&[0, 3], &[0..0, 1..2]).starts().count(), 0);
        assert_eq!(Runs::new(&[3, 0], &[0..3, 0..0]).starts().count(), 0);
    }

    #[test]
    fn one_rectangle_in_two_arrays() {
        let (whole, part) = (Runs::new(&[2, 3], &[0..2, 0..3]), Runs::new(&[4, 5], &[1..3, 2..5]));
        let (step, starts) = whole.zip(&part);
        assert_eq!((step, starts.collect::<Vec<_>>()), (3, vec![(0, 7), (3, 12)]));
        let empty = Runs::new(&[4, 5], &[1..1, 2..5]);
        assert_eq!(empty.zip(&Runs::new(&[0, 3], &[0..0, 0..3])).1.count(), 0);
    }

    proptest! {
        #[test]
        fn runs_visit_the_elements_of_the_rectangle_in_order(
            axes in prop::collection::vec((0u64..5).prop_flat_map(|len| (Just(len), 0..=len, 0..=len)), 0..5)
        ) {
            let shape: Vec<u64> = axes.iter().map(|axis| axis.0).collect();
            let ranges: Vec<Range<u64>> = axes.iter().map(|&(_, a, b)| a.min(b)..a.max(b)).collect();
            let n: u64 = shape.iter().product();
            let inside = |mut position: u64| shape.iter().zip(&ranges).rev().all(|(&len, range)| {
                let i = position % len;
                position /= len;
                range.contains(&i)
            });
            prop_assert_eq!(positions(&shape, &ranges), (0..n).filter(|&p| inside(p)).collect::<Vec<_>>());
        }
    }
}
