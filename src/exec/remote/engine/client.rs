//! A client of a scheduler as whoever runs tasks.

use std::time::Duration;

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_128;

use super::cluster::Cluster;
use crate::error::Result;
use crate::exec::remote::client::{Client, RemoteFuture, ScatterOptions};
use crate::graph::wire::RemoteTask;

/// Users' priorities are small.
const URGENT: i64 = 1 << 30;

impl Cluster for Client {
    type Future = RemoteFuture;

    fn submit(&self, tasks: Vec<RemoteTask>, wanted: &[String]) -> Result<Vec<RemoteFuture>> {
        Client::submit(self, tasks, wanted, self.options())
    }

    fn submit_urgently(&self, tasks: Vec<RemoteTask>, wanted: &[String]) -> Result<Vec<RemoteFuture>> {
        Client::submit(self, tasks, wanted, &self.options().clone().priority(URGENT))
    }

    fn n_threads(&self) -> Result<usize> {
        Ok(Client::workers(self)?.iter().map(|(_, n_threads)| n_threads).sum())
    }

    fn id(&self) -> u128 {
        xxh3_128(self.scheduler().id.as_bytes())
    }

    fn manifests(&self) -> Result<Vec<(String, Vec<String>)>> {
        Client::manifests(self)
    }

    fn fresh_id(&self) -> u128 {
        xxh3_128(format!("{} {}", Client::id(self), self.fresh_number()).as_bytes())
    }

    fn scatter(&self, values: Vec<(String, Bytes)>) -> Result<Vec<RemoteFuture>> {
        Client::scatter(self, values, &ScatterOptions::new())
    }

    fn join(&self, keys: &[String]) -> Result<Vec<RemoteFuture>> {
        Client::join(self, keys)
    }

    fn wait(&self, future: &RemoteFuture, limit: Duration) -> Result<bool> {
        if limit.is_zero() { future.check() } else { future.wait_within(limit) }
    }

    fn gather(&self, futures: &[RemoteFuture]) -> Result<Vec<Bytes>> {
        Client::gather(self, futures)
    }
}
