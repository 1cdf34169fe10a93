//! What is asked of whoever runs tasks.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::error::Result;
use crate::graph::wire::RemoteTask;

/// Runs tasks elsewhere and keeps their results.
pub(crate) trait Cluster: fmt::Debug + Send + Sync + 'static {
    /// A result that is kept as long as this lives. When the last one is gone, what is not computed yet is not computed.
    type Future: Send + Sync + 'static;

    /// Tells this cluster from others.
    fn id(&self) -> u128;

    /// Has tasks run, and gives the results of those whose keys are wanted, in the order of the keys. Inputs come before
    /// users; smaller priorities go first.
    fn submit(&self, tasks: Vec<RemoteTask>, wanted: &[String]) -> Result<Vec<Self::Future>>;

    /// The same before all other tasks that wait.
    fn submit_urgently(&self, tasks: Vec<RemoteTask>, wanted: &[String]) -> Result<Vec<Self::Future>>;

    /// How many tasks run at one time.
    fn n_threads(&self) -> Result<usize>;

    /// What the workers know beyond the crate's own kernels, those that are there: who they are, and their manifests.
    fn manifests(&self) -> Result<Vec<(String, Vec<String>)>>;

    /// A number that no run of any client of the cluster has had.
    fn fresh_id(&self) -> u128;

    /// Puts values where tasks find them under their keys, as long as their futures live. Nobody can make them again.
    fn scatter(&self, values: Vec<(String, Bytes)>) -> Result<Vec<Self::Future>>;

    /// Results that others have had computed and keep, in the order of their keys.
    fn join(&self, keys: &[String]) -> Result<Vec<Self::Future>>;

    /// Whether a result is there, after waiting for a while at most.
    ///
    /// # Errors
    /// It will never be there: the error says why.
    fn wait(&self, future: &Self::Future, limit: Duration) -> Result<bool>;

    /// The bytes of results that are there, in the order of their futures.
    fn gather(&self, futures: &[Self::Future]) -> Result<Vec<Bytes>>;
}
