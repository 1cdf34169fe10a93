//! Shards: many inner chunks in one file, found through an index.

use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;

use super::super::file::{PositionedFile, ReadAt};
use super::OP;
use super::codec::Scratch;
use super::meta::Sharding;
use super::store::Store;
use crate::element::bytes::Bytes;
use crate::error::{Error, Result};

/// How many indices, in bytes, and files are kept.
const MAX_INDEX_BYTES: usize = 16 << 20;
const MAX_FILES: usize = 128;
/// Offset and length of an inner chunk that is not stored.
const ABSENT: u64 = u64::MAX;

/// An open shard with its index.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) file: PositionedFile,
    /// Offset and length of each inner chunk in row-major order.
    index: Vec<u64>,
}

/// Shards that were read from lately: their indices are read once.
#[derive(Debug, Default)]
pub(super) struct Shards(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    shards: HashMap<String, Arc<Shard>>,
    index_bytes: usize,
}

impl Shards {
    /// The shard under a key, if there is one.
    pub(super) fn get(&self, store: &Store, sharding: &Sharding, key: &str) -> Result<Option<Arc<Shard>>> {
        if let Some(shard) = self.lock().shards.get(key) {
            return Ok(Some(Arc::clone(shard)));
        }
        // Two threads may open a shard at the same time; the second one's work is lost, and nobody waits for a disk.
        let Some(file) = store.file(key)? else { return Ok(None) };
        let shard = Arc::new(Shard::open(file, sharding)?);
        let mut kept = self.lock();
        let index_bytes = size_of_val(&shard.index[..]);
        if kept.index_bytes + index_bytes > MAX_INDEX_BYTES || kept.shards.len() >= MAX_FILES {
            *kept = Kept::default();
        }
        if kept.shards.insert(key.to_owned(), Arc::clone(&shard)).is_none() {
            kept.index_bytes += index_bytes;
        }
        Ok(Some(shard))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        // A panic between two insertions leaves a smaller count than there are shards, which costs memory and nothing else.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn open(file: PositionedFile, sharding: &Sharding) -> Result<Self> {
        let refuse = |detail: String| Error::format(OP, format!("{}: {detail}", file.path().display()));
        let index_bytes = sharding.index.max_encoded_bytes();
        // The length is checked before memory is asked for.
        let Some(before) = file.len_bytes().checked_sub(index_bytes) else {
            let detail = format!("a shard of {} bytes has no room for its index of {index_bytes}", file.len_bytes());
            return Err(refuse(detail));
        };
        let mut scratch = Scratch::default();
        scratch.input.resize(index_bytes as usize, 0);
        let start = if sharding.index_at_end { before } else { 0 };
        file.read_exact_at(&mut scratch.input, start).map_err(|error| Error::io(OP, file.path(), error))?;
        let entries = sharding.index.decode(&mut scratch).map_err(|error| refuse(format!("shard index: {error}")))?;
        let mut index = vec![0; entries.len() / size_of::<u64>()];
        u64::copy_from_bytes(&mut index, &entries);
        drop(entries);
        Ok(Self { file, index })
    }

    /// Where an inner chunk of at most `max_bytes` bytes lies: offset and length; `None` if it is not stored.
    pub(super) fn find(&self, number: u64, max_bytes: u64) -> Result<Option<(u64, u64)>, String> {
        let entry = self.index.as_chunks::<2>().0.get(number as usize);
        match *entry.ok_or_else(|| format!("no inner chunk {number} in the index"))? {
            [ABSENT, ABSENT] => Ok(None),
            [offset, n_bytes] if offset.checked_add(n_bytes).is_none_or(|end| end > self.file.len_bytes()) => {
                let len = self.file.len_bytes();
                Err(format!("bytes {offset} to {offset} + {n_bytes} lie outside the shard of {len} bytes"))
            }
            [_, n_bytes] if n_bytes > max_bytes => {
                Err(format!("{n_bytes} bytes where an inner chunk takes at most {max_bytes}"))
            }
            [offset, n_bytes] => Ok(Some((offset, n_bytes))),
        }
    }
}
