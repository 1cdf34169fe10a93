//! Results in flight, in memory or laid aside on disk.

use std::sync::Arc;

use super::job::Job;
use super::spill::{SpillHandle, SpillStore};
use crate::error::Result;

/// A result in flight. Cloning copies a pointer.
#[derive(Clone, Debug)]
pub(super) enum Held<V> {
    Here(V),
    Aside(Arc<SpillHandle>),
}

impl<V: Clone + Send> Held<V> {
    /// The value; may read from disk.
    pub(super) fn load<J: Job<Value = V>>(self, job: &J) -> Result<V> {
        match self {
            Self::Here(value) => Ok(value),
            Self::Aside(handle) => job.decode(handle.read()?),
        }
    }

    /// The value, if it is in memory.
    pub(super) fn here(self) -> Option<V> {
        match self {
            Self::Here(value) => Some(value),
            Self::Aside(_) => None,
        }
    }

    /// Writes the value to disk, and puts what was written in its place; gives the value back.
    ///
    /// # Errors
    ///
    /// It cannot be written, and stays what it is.
    pub(super) fn lay_aside<J: Job<Value = V>>(&mut self, job: &J, store: &SpillStore) -> Result<Option<V>> {
        let Self::Here(value) = &*self else { return Ok(None) };
        let handle = store.write(&job.encode(value)?)?;
        Ok(std::mem::replace(self, Self::Aside(Arc::new(handle))).here())
    }
}
