//! Sparse results put together entry by entry, and the counting of positions that this takes.

use crate::element::Element;
use crate::error::Result;
use crate::sparse::Coo;

/// The entries of a sparse block under construction: one row of coordinates per axis.
pub(crate) struct Entries<T> {
    coords: Vec<Vec<u64>>,
    values: Vec<T>,
}

impl<T: Element> Entries<T> {
    pub(crate) fn new(ndim: usize) -> Self {
        Self { coords: vec![Vec::new(); ndim], values: Vec::new() }
    }

    pub(crate) fn push(&mut self, coords: impl Iterator<Item = u64>, value: T) {
        self.coords.iter_mut().zip(coords).for_each(|(row, coord)| row.push(coord));
        self.values.push(value);
    }

    /// The block; no two entries may have the same place.
    pub(crate) fn into_coo(self, shape: &[u64], fill: T) -> Result<Coo<T>> {
        Coo::from_coords_with_fill(&self.coords, self.values, shape, fill)
    }
}

/// The position of number `number` in a row-major array of `counts`.
pub(crate) fn position(number: usize, counts: &[usize]) -> Vec<usize> {
    let mut rest = number;
    let mut position = Vec::with_capacity(counts.len());
    for &count in counts.iter().rev() {
        position.push(rest % count);
        rest /= count;
    }
    position.reverse();
    position
}

/// All index tuples below `counts` in row-major order.
pub(crate) struct Combinations {
    counts: Vec<usize>,
    next: Option<Vec<usize>>,
}

impl Combinations {
    pub(crate) fn new(counts: Vec<usize>) -> Self {
        let next = (!counts.contains(&0)).then(|| vec![0; counts.len()]);
        Self { counts, next }
    }
}

impl Iterator for Combinations {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Vec<usize>> {
        let current = self.next.take()?;
        let mut following = current.clone();
        for (slot, &count) in following.iter_mut().zip(&self.counts).rev() {
            *slot += 1;
            if *slot < count {
                self.next = Some(following);
                break;
            }
            *slot = 0;
        }
        Some(current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_counted_in_row_major_order() {
        let all: Vec<Vec<usize>> = Combinations::new(vec![2, 1, 3]).collect();
        assert_eq!(all.len(), 6);
        for (number, at) in all.iter().enumerate() {
            assert_eq!(position(number, &[2, 1, 3]), *at);
        }
        assert_eq!(Combinations::new(vec![]).count(), 1);
        assert_eq!(Combinations::new(vec![4, 0]).count(), 0);
    }
}
