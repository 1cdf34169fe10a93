//! What a worker is told when it starts.

use std::collections::BTreeMap;
use std::net::{ToSocketAddrs, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result};
use crate::exec::remote::Security;
use crate::exec::remote::comm::{Address, Scheme, Timeouts, Transport};
use crate::exec::remote::nanny::Beats;
use crate::exec::remote::security::Role;
use crate::exec::remote::wire::Compression;

use super::machine::{MemoryLimits, TransferLimits};

/// The fraction of the memory limit that may be on its way from other workers.
const TRANSFER_FRACTION: f64 = 0.1;

/// The settings of one worker.
#[derive(Clone, Debug)]
pub(crate) struct WorkerOptions {
    /// Where the scheduler listens.
    pub(crate) scheduler: String,
    /// Where to listen; otherwise on the interface that leads to the scheduler, on any port.
    pub(crate) listen: Option<String>,
    /// Unique in the cluster; otherwise the address.
    pub(crate) name: Option<String>,
    pub(crate) n_threads: usize,
    pub(crate) memory: MemoryLimits,
    pub(crate) resources: BTreeMap<Arc<str>, f64>,
    pub(crate) security: Security,
    pub(crate) timeouts: Timeouts,
    /// What is offered to processes on other machines.
    pub(crate) compression: Option<Compression>,
    /// Where values go when memory is short.
    pub(crate) folder: PathBuf,
    /// How long to look for a scheduler that is not there; without it, for ever.
    pub(crate) death_timeout: Option<Duration>,
    /// What whoever looks after this process hears of it.
    pub(crate) beats: Beats,
    /// Where whoever looks after this process can be asked to start it anew.
    pub(crate) nanny: Option<String>,
    /// The port on which whoever looks after this process listens; zero stands for any that is free.
    pub(crate) nanny_port: u16,
}

impl WorkerOptions {
    pub(crate) fn new(scheduler: impl Into<String>) -> Self {
        Self {
            scheduler: scheduler.into(),
            listen: None,
            name: None,
            n_threads: std::thread::available_parallelism().map_or(1, usize::from),
            memory: MemoryLimits::default(),
            resources: BTreeMap::new(),
            security: Security::new(),
            timeouts: Timeouts::default(),
            compression: None,
            folder: std::env::temp_dir(),
            death_timeout: None,
            beats: Beats::default(),
            nanny: None,
            nanny_port: 0,
        }
    }

    /// Where to listen for a scheduler at this address.
    pub(crate) fn listen_address(&self, scheduler: &Address) -> Result<Address> {
        if let Some(listen) = &self.listen {
            return listen.parse();
        }
        let host = own_host(scheduler)?;
        Ok(Address { scheme: scheduler.scheme, host, port: 0 })
    }

    /// How the worker, or its nanny, reaches others.
    pub(crate) fn transport(&self) -> Result<Transport> {
        let mut transport = Transport::new(self.security.clone(), Role::Worker)?;
        transport.timeouts = self.timeouts;
        transport.compression = self.compression;
        // One attempt to connect may not take longer than all of them.
        let limit = self.death_timeout.unwrap_or(Duration::MAX);
        transport.timeouts.connect = transport.timeouts.connect.min(limit);
        Ok(transport)
    }

    pub(crate) fn transfers(&self) -> TransferLimits {
        let limits = TransferLimits::default();
        match self.memory.limit_bytes {
            Some(limit_bytes) => {
                TransferLimits { max_bytes: (limit_bytes as f64 * TRANSFER_FRACTION) as u64, ..limits }
            }
            None => limits,
        }
    }
}

/// The address of the interface through which another machine is reached; nothing is sent.
fn own_host(peer: &Address) -> Result<String> {
    let failed = |source: std::io::Error| Error::remote("worker", peer, &source).with_source(source);
    let mut sockets = (&*peer.host, peer.port).to_socket_addrs().map_err(failed)?;
    let peer_socket = sockets.next().ok_or_else(|| Error::remote("worker", peer, "the name stands for no address"))?;
    let any = if peer_socket.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).map_err(failed)?;
    socket.connect(peer_socket).map_err(failed)?;
    let own = socket.local_addr().map_err(failed)?;
    Ok(Address::of_socket(Scheme::Tcp, own).host)
}

/// Seconds of Unix time.
pub(crate) fn unix_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |elapsed| elapsed.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_listens_where_the_scheduler_can_reach_it() {
        let scheduler: Address = "tcp://127.0.0.1:8786".parse().unwrap();
        let options = WorkerOptions::new("tcp://127.0.0.1:8786");
        assert_eq!(options.listen_address(&scheduler).unwrap().to_string(), "tcp://127.0.0.1:0");
        let options = WorkerOptions { listen: Some("tls://10.0.0.1:5".into()), ..options };
        assert_eq!(options.listen_address(&scheduler).unwrap().to_string(), "tls://10.0.0.1:5");
    }

    #[test]
    fn the_settings_of_connections_reach_them() {
        let timeouts = Timeouts { tcp: Duration::from_secs(5), ..Timeouts::default() };
        let compression = Some(Compression::Lz4);
        let options = WorkerOptions { timeouts, compression, ..WorkerOptions::new("tcp://127.0.0.1:1") };
        let transport = options.transport().unwrap();
        assert_eq!((transport.timeouts, transport.compression), (timeouts, compression));
        let hasty = WorkerOptions { death_timeout: Some(Duration::from_secs(2)), ..options };
        assert_eq!(hasty.transport().unwrap().timeouts.connect, Duration::from_secs(2));
    }

    #[test]
    fn a_tenth_of_memory_may_be_on_its_way() {
        let mut options = WorkerOptions::new("tcp://127.0.0.1:1");
        assert_eq!(options.transfers().max_bytes, u64::MAX);
        options.memory.limit_bytes = Some(1_000);
        assert_eq!(options.transfers().max_bytes, 100);
    }
}
