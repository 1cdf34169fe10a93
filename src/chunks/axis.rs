//! The chunks of one axis.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::extent::{Extent, SizeVar};
use crate::error::{Error, Result};

/// How one axis is cut into chunks.
///
/// Three forms, kept canonical so that equal cuts compare equal: regular (all chunks of one size, the last may be
/// shorter; constant memory), irregular (any sizes, zero included) and unknown (a number of chunks whose sizes a run
/// will tell). An axis of length zero has one chunk of size zero.
///
/// ```
/// use hyperslab::chunks::AxisChunks;
/// let axis = AxisChunks::regular(10, 4);
/// assert_eq!(axis.sizes().collect::<Vec<_>>(), [4, 4, 2]);
/// assert_eq!(axis.block_range(2), Some(8..10));
/// assert_eq!(AxisChunks::from_sizes(&[4, 4, 2])?, axis);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Form")]
pub struct AxisChunks(Form);

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Form {
    /// Chunks of `size` with a shorter last one; `size` is at most `len`, and at least 1 unless `len` is 0.
    Regular { len: u64, size: u64 },
    /// Chunk borders: `borders[i]..borders[i + 1]`, first 0, last the length; never expressible as regular.
    Irregular { borders: Arc<[u64]> },
    /// `n_blocks` chunks of unknown sizes.
    Unknown { var: SizeVar, n_blocks: u64 },
}

impl AxisChunks {
    /// Chunks of one size; the last may be shorter. A size of 0 or beyond the length means one chunk.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisChunks;
    /// assert_eq!(AxisChunks::regular(10, 4).sizes().collect::<Vec<_>>(), [4, 4, 2]);
    /// assert_eq!(AxisChunks::regular(3, 0).n_blocks(), 1);
    /// ```
    pub fn regular(len: u64, size: u64) -> Self {
        let size = if size == 0 { len } else { size.min(len) };
        Self(Form::Regular { len, size })
    }

    /// One chunk for the whole axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisChunks;
    /// assert_eq!(AxisChunks::whole(10).n_blocks(), 1);
    /// ```
    pub fn whole(len: u64) -> Self {
        Self::regular(len, len)
    }

    /// Chunks of the given sizes, zeros allowed; no sizes at all mean a length of zero.
    ///
    /// # Errors
    /// The sizes overflow 64 bits.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisChunks;
    /// let axis = AxisChunks::from_sizes(&[3, 0, 5])?;
    /// assert_eq!((axis.len(), axis.n_blocks()), (Some(8), 3));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn from_sizes(sizes: &[u64]) -> Result<Self> {
        let mut borders = Vec::with_capacity(sizes.len() + 1);
        borders.push(0u64);
        for &size in sizes {
            let last = borders[borders.len() - 1];
            let next = last.checked_add(size).ok_or_else(|| Error::chunks("chunks", "chunk sizes overflow 64 bits"))?;
            borders.push(next);
        }
        Ok(Self::from_borders(borders))
    }

    /// Chunks between consecutive borders, which start at 0 and never fall.
    pub(crate) fn from_borders(borders: Vec<u64>) -> Self {
        debug_assert!(borders.first() == Some(&0) && borders.is_sorted());
        let n = borders.len() - 1;
        let len = borders[n];
        if n <= 1 {
            return Self::whole(len);
        }
        let size = borders[1];
        let regular = size > 0
            && borders.windows(2).take(n - 1).all(|w| w[1] - w[0] == size)
            && (1..=size).contains(&(len - borders[n - 1]));
        if regular { Self::regular(len, size) } else { Self(Form::Irregular { borders: borders.into() }) }
    }

    /// `n_blocks` chunks whose sizes `var` stands for.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisChunks;
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 6, 1, Chunks::size(3))?;
    /// let selected = x.mask(&x.gt(1)?)?;
    /// let var = selected.grid().axis(0).var().expect("the length is unknown");
    /// assert_eq!(&AxisChunks::unknown(var, 2), selected.grid().axis(0));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn unknown(var: SizeVar, n_blocks: u64) -> Self {
        Self(Form::Unknown { var, n_blocks })
    }

    /// The length of the axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::{AxisChunks, Extent};
    /// assert_eq!(AxisChunks::regular(10, 4).extent(), Extent::Known(10));
    /// ```
    pub fn extent(&self) -> Extent {
        match &self.0 {
            Form::Regular { len, .. } => Extent::Known(*len),
            Form::Irregular { borders } => Extent::Known(borders[borders.len() - 1]),
            Form::Unknown { var, .. } => Extent::Unknown(*var),
        }
    }

    /// The length of the axis, if known.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisChunks;
    /// assert_eq!(AxisChunks::regular(10, 4).len(), Some(10));
    /// ```
    pub fn len(&self) -> Option<u64> {
        self.extent().known()
    }

    /// Whether the axis is known to have no elements.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisChunks;
    /// assert!(AxisChunks::whole(0).is_empty() && !AxisChunks::whole(1).is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Whether all chunk sizes are known.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 6, 1, Chunks::size(3))?;
    /// assert!(x.grid().axis(0).is_known() && !x.mask(&x.gt(1)?)?.grid().axis(0).is_known());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn is_known(&self) -> bool {
        self.extent().is_known()
    }

    /// Whether all chunks have one size, the last perhaps less.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisChunks;
    /// assert!(AxisChunks::from_sizes(&[4, 4, 2])?.is_regular() && !AxisChunks::from_sizes(&[2, 4])?.is_regular());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn is_regular(&self) -> bool {
        matches!(self.0, Form::Regular { .. })
    }

    /// The variable of an unknown axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 6, 1, Chunks::size(3))?;
    /// let (mask, y) = (x.gt(1)?, &x * 2);
    /// assert_eq!(x.grid().axis(0).var(), None);
    /// // One mask, one variable.
    /// assert_eq!(x.mask(&mask)?.grid().axis(0).var(), y.mask(&mask)?.grid().axis(0).var());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn var(&self) -> Option<SizeVar> {
        match &self.0 {
            Form::Unknown { var, .. } => Some(*var),
            Form::Regular { .. } | Form::Irregular { .. } => None,
        }
    }

    /// The number of chunks; at least one.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisChunks;
    /// assert_eq!((AxisChunks::regular(10, 4).n_blocks(), AxisChunks::whole(0).n_blocks()), (3, 1));
    /// ```
    pub fn n_blocks(&self) -> u64 {
        match &self.0 {
            Form::Regular { len: 0, .. } => 1,
            Form::Regular { len, size } => len.div_ceil(*size),
            Form::Irregular { borders } => borders.len() as u64 - 1,
            Form::Unknown { n_blocks, .. } => *n_blocks,
        }
    }

    /// The elements of chunk `block`, if known.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisChunks;
    /// assert_eq!(AxisChunks::regular(10, 4).block_range(1), Some(4..8));
    /// ```
    pub fn block_range(&self, block: u64) -> Option<Range<u64>> {
        match &self.0 {
            Form::Regular { len, size } => {
                let start = block * size;
                Some(start..start.saturating_add(*size).min(*len))
            }
            Form::Irregular { borders } => Some(borders[block as usize]..borders[block as usize + 1]),
            Form::Unknown { .. } => None,
        }
    }

    /// The length of chunk `block`, if known.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisChunks;
    /// assert_eq!(AxisChunks::regular(10, 4).block_len(2), Some(2));
    /// ```
    pub fn block_len(&self, block: u64) -> Option<u64> {
        self.block_range(block).map(|range| range.end - range.start)
    }

    /// The length of chunk `block`.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::{AxisChunks, Extent};
    /// assert_eq!(AxisChunks::regular(10, 4).block_extent(2), Extent::Known(2));
    /// ```
    pub fn block_extent(&self, block: u64) -> Extent {
        match self.0 {
            Form::Unknown { var, .. } => Extent::Unknown(var),
            Form::Regular { .. } | Form::Irregular { .. } => Extent::Known(self.block_len(block).unwrap_or(0)),
        }
    }

    /// The chunk that holds element `position` of a known axis; empty chunks never do.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisChunks;
    /// let axis = AxisChunks::from_sizes(&[3, 0, 5])?;
    /// assert_eq!((axis.block_of(2), axis.block_of(3), axis.block_of(8)), (Some(0), Some(2), None));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn block_of(&self, position: u64) -> Option<u64> {
        match &self.0 {
            Form::Regular { len, size } => (position < *len).then(|| position / size),
            Form::Irregular { borders } => {
                (position < borders[borders.len() - 1]).then(|| borders.partition_point(|&b| b <= position) as u64 - 1)
            }
            Form::Unknown { .. } => None,
        }
    }

    /// The sizes of all chunks; nothing for an unknown axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisChunks;
    /// assert_eq!(AxisChunks::regular(5, 2).sizes().collect::<Vec<_>>(), [2, 2, 1]);
    /// ```
    pub fn sizes(&self) -> impl Iterator<Item = u64> + '_ {
        let n = if self.is_known() { self.n_blocks() } else { 0 };
        (0..n).filter_map(|block| self.block_len(block))
    }

    /// The borders of all chunks, from 0 to the length; `None` for an unknown axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisChunks;
    /// assert_eq!(AxisChunks::regular(5, 2).borders(), Some(vec![0, 2, 4, 5]));
    /// ```
    pub fn borders(&self) -> Option<Vec<u64>> {
        let len = self.len()?;
        let starts = (0..self.n_blocks()).filter_map(|block| self.block_range(block)).map(|range| range.start);
        Some(starts.chain([len]).collect())
    }

    /// The size of the largest chunk, if known.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::AxisChunks;
    /// assert_eq!(AxisChunks::from_sizes(&[3, 0, 5])?.max_block_len(), Some(5));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn max_block_len(&self) -> Option<u64> {
        match &self.0 {
            Form::Regular { size, .. } => Some(*size),
            Form::Irregular { borders } => borders.windows(2).map(|w| w[1] - w[0]).max(),
            Form::Unknown { .. } => None,
        }
    }
}

impl TryFrom<Form> for AxisChunks {
    type Error = &'static str;

    /// Checks what comes from outside the process, and brings it to its canonical form.
    fn try_from(form: Form) -> Result<Self, Self::Error> {
        match form {
            Form::Regular { len, size } => Ok(Self::regular(len, size)),
            Form::Irregular { borders } if borders.first() == Some(&0) && borders.is_sorted() => {
                Ok(Self::from_borders(borders.to_vec()))
            }
            Form::Irregular { .. } => Err("chunk borders do not rise from 0"),
            Form::Unknown { n_blocks: 0, .. } => Err("an axis has no chunks"),
            Form::Unknown { var, n_blocks } => Ok(Self::unknown(var, n_blocks)),
        }
    }
}

impl fmt::Display for AxisChunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Regular { size, .. } => size.fmt(f),
            Form::Unknown { var, n_blocks } => write!(f, "{var}x{n_blocks}"),
            Form::Irregular { borders } => {
                const SHOWN: usize = 6;
                let sizes: Vec<u64> = borders.windows(2).take(SHOWN).map(|w| w[1] - w[0]).collect();
                let more = if borders.len() - 1 > SHOWN { ", …" } else { "" };
                write!(f, "({}{more})", sizes.iter().map(u64::to_string).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn empty_axis_has_one_empty_chunk() {
        for axis in [AxisChunks::regular(0, 3), AxisChunks::from_sizes(&[]).unwrap(), AxisChunks::whole(0)] {
            assert_eq!(axis.n_blocks(), 1);
            assert_eq!(axis.block_range(0), Some(0..0));
            assert_eq!(axis.block_of(0), None);
        }
    }

    #[test]
    fn sizes_that_are_regular_compare_equal_to_regular() {
        assert_eq!(AxisChunks::from_sizes(&[3, 3, 1]).unwrap(), AxisChunks::regular(7, 3));
        assert_ne!(AxisChunks::from_sizes(&[3, 3, 0]).unwrap(), AxisChunks::regular(6, 3));
        assert!(AxisChunks::from_sizes(&[u64::MAX, 1]).is_err());
    }

    #[test]
    fn only_sound_chunks_are_read() {
        let read = |text: &str| serde_json::from_str::<AxisChunks>(text);
        for bad in [
            r#"{"Irregular":{"borders":[]}}"#,
            r#"{"Irregular":{"borders":[0,3,2]}}"#,
            r#"{"Irregular":{"borders":[1]}}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read(r#"{"Unknown":{"var":1,"n_blocks":0}}"#).is_err());
        assert_eq!(read(r#"{"Regular":{"len":5,"size":0}}"#).unwrap(), AxisChunks::whole(5));
        assert_eq!(read(r#"{"Irregular":{"borders":[0,2,4]}}"#).unwrap(), AxisChunks::regular(4, 2));
        for axis in
            [AxisChunks::regular(7, 3), AxisChunks::from_sizes(&[1, 0, 2]).unwrap(), AxisChunks::unknown(SizeVar(3), 2)]
        {
            assert_eq!(read(&serde_json::to_string(&axis).unwrap()).unwrap(), axis);
        }
    }

    proptest! {
        #[test]
        fn every_position_lies_in_the_block_that_claims_it(sizes in prop::collection::vec(0u64..5, 0..8)) {
            let axis = AxisChunks::from_sizes(&sizes).unwrap();
            prop_assert_eq!(axis.len(), Some(sizes.iter().sum()));
            if !sizes.is_empty() {
                prop_assert_eq!(axis.sizes().collect::<Vec<_>>(), sizes.clone());
            }
            for position in 0..axis.len().unwrap() {
                let block = axis.block_of(position).unwrap();
                prop_assert!(axis.block_range(block).unwrap().contains(&position));
            }
            prop_assert_eq!(axis.block_of(axis.len().unwrap()), None);
        }
    }
}
