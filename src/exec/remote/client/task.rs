//! What is submitted.

/// One task for a worker of this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteTask {
    /// Unique for what it computes: equal keys are one result.
    pub(crate) key: String,
    /// The keys of its inputs.
    pub(crate) deps: Vec<String>,
    /// What the worker runs.
    pub(crate) payload: Vec<u8>,
    /// Smaller ones first.
    pub(crate) priority: u64,
}
