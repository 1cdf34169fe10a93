//! What a worker does not know: how to run a task, and what its values are.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::exec::CancelToken;

use super::names::Key;

/// The inputs of a task by name.
#[derive(Clone)]
pub(crate) struct Inputs<V> {
    values: BTreeMap<Key, V>,
}

impl<V> Inputs<V> {
    pub(crate) fn new(values: BTreeMap<Key, V>) -> Self {
        Self { values }
    }

    /// The value of one input.
    pub(crate) fn get(&self, key: &Key) -> Result<&V> {
        self.values.get(key).ok_or_else(|| Error::bug("task", format!("the input {key} was not ordered with the task")))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &V)> {
        self.values.iter()
    }
}

impl<V> fmt::Debug for Inputs<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

/// Runs tasks and knows their values. A worker has one.
pub(crate) trait TaskRunner: Send + Sync + 'static {
    /// A result; cloning copies a pointer.
    type Value: Clone + Send + Sync + 'static;

    /// What clients must know, too, for their tasks to be understood; one line each, nothing if anything goes.
    fn manifest(&self) -> Vec<String> {
        Vec::new()
    }

    /// How the payload of every task begins; other tasks are refused.
    fn magic(&self) -> &[u8];

    /// Runs one task. What comes of a cancelled one is thrown away, so it may end early with any error.
    fn run(&self, payload: &Bytes, inputs: &Inputs<Self::Value>, cancel: &CancelToken) -> Result<Self::Value>;

    /// The memory a value takes.
    fn n_bytes(&self, value: &Self::Value) -> u64;

    /// What the dashboard shows for a value.
    fn type_name(&self, value: &Self::Value) -> Arc<str>;

    /// The value as bytes, for other workers, for clients, for disk.
    fn encode(&self, value: &Self::Value) -> Result<Bytes>;

    /// The value of bytes that somebody sent: they are not to be trusted.
    fn decode(&self, content: Bytes) -> Result<Self::Value>;
}
