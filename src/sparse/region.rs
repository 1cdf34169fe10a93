//! A box of evenly spaced elements inside an array: which entries lie in it, and where.
//!
//! ```text
//! shape (4, 6), ranges (1..3, ::2)        region (2, 3)
//!   . . . . . .
//!   x . x . x .        entry (2, 4)  ->   (1, 2)
//!   x . x . x .        entry (2, 3)  ->   outside
//!   . . . . . .
//! ```
//!
//! All elements of the box lie between its first and its last key, so two binary searches cut the other entries off
//! before any key is taken apart.

use std::ops::Range;

use super::keys::{Divisor, Key, Keys};
use super::remap::{Remap, c_strides};
use crate::chunks::AxisRange;
use crate::error::{Error, Result};

/// Keys that are worked on together.
const TILE: usize = 256;

/// A box inside a shape; see the module docs.
#[derive(Debug)]
pub(crate) struct Region {
    /// The lengths of the box.
    pub(crate) shape: Vec<u64>,
    outer: Vec<u64>,
    ranges: Vec<AxisRange>,
}

impl Region {
    /// The box of one range per axis; every range must lie inside its axis.
    pub(crate) fn new(op: &'static str, outer: &[u64], ranges: &[AxisRange]) -> Result<Region> {
        if ranges.len() != outer.len() {
            let detail = format!("{} ranges were given for an array with {} axes", ranges.len(), outer.len());
            return Err(Error::bad_index(op, detail));
        }
        if let Some(axis) = (0..outer.len()).find(|&axis| ranges[axis].span().end > outer[axis]) {
            let last = ranges[axis].span().end - 1;
            return Err(Error::index(op, last as i64, axis, outer[axis]));
        }
        let shape = ranges.iter().map(AxisRange::len).collect();
        Ok(Region { shape, outer: outer.to_vec(), ranges: ranges.to_vec() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// Whether the box is the whole array in its order.
    pub(crate) fn is_whole(&self) -> bool {
        self.ranges.iter().zip(&self.outer).all(|(range, &len)| range.is_full(len))
    }

    /// Whether entries of the box keep their order in it.
    pub(crate) fn is_ascending(&self) -> bool {
        self.ranges.iter().all(|range| range.step() > 0)
    }

    /// Whether the elements of the box are consecutive: single elements, then a range, then whole axes.
    fn is_run(&self) -> bool {
        let first_long = (0..self.outer.len()).find(|&axis| self.ranges[axis].len() != 1).unwrap_or(self.outer.len());
        let rest = (first_long + 1).min(self.outer.len());
        self.ranges.get(first_long).is_none_or(|range| range.step() == 1)
            && (rest..self.outer.len()).all(|axis| self.ranges[axis].is_full(self.outer[axis]))
    }

    /// The keys of the first and the last element, in the order of the array, of a box that is not empty.
    fn corner_keys(&self) -> (u128, u128) {
        let strides = c_strides(&self.outer);
        let corner = |edge: fn(Range<u64>) -> u64| {
            self.ranges.iter().zip(&strides).map(|(range, stride)| edge(range.span()) as u128 * stride).sum::<u128>()
        };
        (corner(|span| span.start), corner(|span| span.end - 1))
    }

    /// The entries among which all those of the box are.
    pub(crate) fn candidates(&self, keys: &Keys) -> Range<usize> {
        if self.is_empty() {
            return 0..0;
        }
        let (first, last) = self.corner_keys();
        keys.lower_bound(first)..keys.search(last).map_or_else(|at| at, |at| at + 1)
    }

    /// The map from positions in the box to positions in the array.
    pub(crate) fn placement<K: Key>(&self) -> Remap<K> {
        let strides = c_strides(&self.outer);
        let steps = self.ranges.iter().zip(&strides);
        let offset = steps
            .clone()
            .fold(0u128, |sum, (range, stride)| sum.wrapping_add((range.start() as u128).wrapping_mul(*stride)));
        let steps: Vec<u128> =
            steps.map(|(range, stride)| (range.step() as i128 as u128).wrapping_mul(*stride)).collect();
        Remap::new(&self.shape, &steps).with_offset(offset)
    }

    /// Tells for each key whether it lies inside, and its position there; an empty box holds nothing to tell of.
    ///
    /// `work` gets the index of the first key of a tile, and a truth and a position for each.
    pub(crate) fn classify<K: Key>(&self, keys: &[K], mut work: impl FnMut(usize, &[bool], &[K])) {
        if self.is_empty() {
            return;
        }
        let first_key = if self.is_run() { Some(K::truncate(self.corner_keys().0)) } else { None };
        let parts = if first_key.is_some() { Vec::new() } else { self.parts::<K>() };
        let mut rest = [K::zero(); TILE];
        for (n, tile) in keys.chunks(TILE).enumerate() {
            let (mut inside, mut position) = ([true; TILE], [K::zero(); TILE]);
            let (inside, position) = (&mut inside[..tile.len()], &mut position[..tile.len()]);
            if let Some(first_key) = first_key {
                position.iter_mut().zip(tile).for_each(|(position, &key)| *position = key - first_key);
            } else {
                rest[..tile.len()].copy_from_slice(tile);
                parts.iter().for_each(|part| part.take(&mut rest[..tile.len()], inside, position));
            }
            work(n * TILE, inside, position);
        }
    }

    /// The axes from the last to the first, neighbouring whole ones as one.
    fn parts<K: Key>(&self) -> Vec<Part<K>> {
        let strides = c_strides(&self.shape);
        let mut parts = Vec::with_capacity(self.outer.len());
        let mut axis = self.outer.len();
        while axis > 0 {
            axis -= 1;
            let (range, stride) = (self.ranges[axis], strides[axis]);
            if !range.is_full(self.outer[axis]) {
                parts.push(Part::cut(self.outer[axis], range, stride));
                continue;
            }
            let mut len = self.outer[axis] as u128;
            while axis > 0 && self.ranges[axis - 1].is_full(self.outer[axis - 1]) {
                axis -= 1;
                len *= self.outer[axis] as u128;
            }
            if len > 1 {
                parts.push(Part::whole(len, stride));
            }
        }
        parts
    }
}

/// One axis, or several whole ones.
struct Part<K> {
    len: Divisor<K>,
    stride: K,
    cut: Option<Cut<K>>,
}

/// A range of an axis.
struct Cut<K> {
    /// Minus the first coordinate, in two's complement.
    minus_first: K,
    span_len: K,
    step: Divisor<K>,
    /// Where the first coordinate stands in the box: 0, or the last place if the range runs backwards.
    offset: K,
}

impl<K: Key> Part<K> {
    fn whole(len: u128, stride: u128) -> Self {
        Self { len: Divisor::new(len), stride: K::truncate(stride), cut: None }
    }

    fn cut(len: u64, range: AxisRange, stride: u128) -> Self {
        let span = range.span();
        let (offset, stride) = match range.step() > 0 {
            true => (0, stride),
            false => (stride.wrapping_mul(range.len() as u128 - 1), stride.wrapping_neg()),
        };
        let cut = Cut {
            minus_first: K::truncate((span.start as u128).wrapping_neg()),
            span_len: K::truncate((span.end - span.start) as u128),
            step: Divisor::new(range.step().unsigned_abs() as u128),
            offset: K::truncate(offset),
        };
        Self { len: Divisor::new(len as u128), stride: K::truncate(stride), cut: Some(cut) }
    }

    fn take(&self, rest: &mut [K], inside: &mut [bool], position: &mut [K]) {
        for ((rest, inside), position) in rest.iter_mut().zip(inside).zip(position) {
            let (quotient, mut digit) = self.len.div_rem(*rest);
            *rest = quotient;
            if let Some(cut) = &self.cut {
                let distance = digit.wrapping_add(&cut.minus_first);
                let (index, between) = cut.step.div_rem(distance);
                *inside &= (distance < cut.span_len) & (between == K::zero());
                *position = position.wrapping_add(&cut.offset);
                digit = index;
            }
            *position = position.wrapping_add(&digit.wrapping_mul(&self.stride));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, step: i64, len: u64) -> AxisRange {
        AxisRange::canonical(start, step, len)
    }

    #[test]
    fn elements_are_inside_or_outside() {
        let region = Region::new("slice", &[4, 6], &[range(1, 1, 2), range(4, -2, 3)]).unwrap();
        let keys: Vec<u32> = (0..24).collect();
        let candidates = region.candidates(&u32::wrap(keys.clone()));
        assert_eq!(candidates, 6..17);
        let mut found = Vec::new();
        region.classify(&keys[candidates], |first, inside, positions| {
            for (i, (&inside, &position)) in inside.iter().zip(positions).enumerate() {
                if inside {
                    found.push((6 + first + i, position));
                }
            }
        });
        assert_eq!(found, [(6, 2), (8, 1), (10, 0), (12, 5), (14, 4), (16, 3)]);
        assert_eq!(region.placement::<u32>().apply(&[0, 1, 2, 3, 4, 5]), [10, 8, 6, 16, 14, 12]);
    }

    #[test]
    fn runs_are_recognised() {
        let run = |ranges: &[AxisRange]| Region::new("slice", &[4, 5, 6], ranges).unwrap().is_run();
        assert!(run(&[range(1, 1, 2), range(0, 1, 5), range(0, 1, 6)]));
        assert!(run(&[range(1, 1, 1), range(1, 1, 3), range(0, 1, 6)]));
        assert!(run(&[range(1, 1, 1), range(1, 1, 1), range(2, 1, 1)]));
        assert!(!run(&[range(1, 1, 2), range(0, 1, 4), range(0, 1, 6)]));
        assert!(!run(&[range(3, -1, 2), range(0, 1, 5), range(0, 1, 6)]));
    }

    #[test]
    fn ranges_must_fit() {
        assert!(Region::new("slice", &[4], &[]).unwrap_err().is_index());
        let error = Region::new("slice", &[4], &[range(3, 1, 2)]).unwrap_err();
        assert_eq!(error.to_string(), "slice: index 4 is out of bounds for axis 0 with length 4");
    }
}
