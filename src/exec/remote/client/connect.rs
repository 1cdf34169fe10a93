//! Reaching a scheduler and becoming a client of it.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::messages::{plain, register, subscribe};
use super::options::{ConnectOptions, Target};
use crate::error::{Error, Result};
use crate::exec::remote::comm::{Address, LONGEST, RpcPool, StreamReceiver, StreamSender, Transport, open_stream};
use crate::exec::remote::probe::{SchedulerInfo, ask};
use crate::exec::remote::security::Role;
use crate::exec::remote::wire::{Value, check_reply};

const OP: &str = "connect";

/// Messages of a client leave at least this long after each other.
const STREAM_INTERVAL: Duration = Duration::from_millis(2);
/// Connections to other processes, in use or idle.
const MAX_CONNECTIONS: usize = 512;
/// A worker that the scheduler has just named listens: it is not waited for as long as for a scheduler that may be starting.
const PEER_LIMIT: Duration = Duration::from_secs(3);
/// How often a scheduler file that is not there is looked for.
const FILE_PAUSE: Duration = Duration::from_millis(20);

/// A client that the scheduler has greeted.
pub(super) struct Connected {
    pub(super) id: String,
    pub(super) address: Address,
    pub(super) info: SchedulerInfo,
    pub(super) sender: StreamSender,
    pub(super) receiver: StreamReceiver,
    /// Requests to the scheduler.
    pub(super) pool: RpcPool,
    /// Requests to workers.
    pub(super) peers: RpcPool,
}

/// Connects within the limit that the options set.
pub(super) async fn connect(options: &ConnectOptions) -> Result<Connected> {
    let deadline = Instant::now() + options.timeout.min(LONGEST);
    let address = find(&options.target, deadline).await?;
    let late = || Error::remote(OP, &address, format!("not connected within {:?}", options.timeout));
    let connected = timeout_at(deadline, join(options, &address, deadline)).await;
    connected.unwrap_or_else(|_| Err(late()))
}

async fn join(options: &ConnectOptions, address: &Address, deadline: Instant) -> Result<Connected> {
    let mut transport = Transport::new(options.security.clone(), Role::Client)?;
    transport.timeouts.tcp = options.tcp_timeout;
    transport.compression = options.compression;
    // A little less than the whole, so that a failure can say what was tried.
    transport.timeouts.connect = deadline.saturating_duration_since(Instant::now()).mul_f64(0.9);
    let pool = RpcPool::new(transport.clone(), MAX_CONNECTIONS);
    let (info, versions) = ask(&pool, address, options.timeout).await?;
    let id = client_id(options.name.as_deref());
    let mut comm = transport.connect(address).await?;
    comm.writer.write(&register(&id, versions)).await?;
    let (sender, mut receiver) = open_stream(comm, STREAM_INTERVAL);
    greeted(address, &mut receiver).await?;
    sender.send(subscribe(&id))?;
    transport.timeouts.connect = options.timeout.min(PEER_LIMIT);
    let peers = RpcPool::new(transport.towards_members(), MAX_CONNECTIONS);
    Ok(Connected { id, address: address.clone(), info, sender, receiver, pool, peers })
}

async fn greeted(address: &Address, receiver: &mut StreamReceiver) -> Result<()> {
    let greeting = receiver.next().await?.ok_or_else(|| Error::remote(OP, address, "the connection was closed"))?;
    let greeting = greeting.into_iter().next().unwrap_or(Value::Nil);
    let greeting = check_reply("register-client", address, greeting)?;
    match greeting.text("op")? {
        "stream-start" => Ok(()),
        _ => Err(Error::remote(OP, address, format!("an unexpected greeting: {greeting:?}"))),
    }
}

/// A name that no other client has: of this process, of this moment, of this call.
fn client_id(name: Option<&str>) -> String {
    static N_CLIENTS: AtomicU64 = AtomicU64::new(0);
    let n = N_CLIENTS.fetch_add(1, Ordering::Relaxed);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let mixed = xxhash_rust::xxh3::xxh3_64_with_seed(&now.to_le_bytes(), u64::from(std::process::id()));
    format!("{}-{mixed:016x}-{n}", name.unwrap_or("hyperslab"))
}

async fn find(target: &Target, deadline: Instant) -> Result<Address> {
    let path = match target {
        Target::Address(address) => return address.parse(),
        Target::File(path) => path,
    };
    loop {
        match read_scheduler_file(path) {
            Ok(address) => return address.parse(),
            Err(error) if Instant::now() + FILE_PAUSE >= deadline => return Err(error),
            Err(_) => sleep(FILE_PAUSE).await,
        }
    }
}

/// The address in a file that a scheduler has written.
pub(in crate::exec::remote) fn read_scheduler_file(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::io(OP, path, source))?;
    let parsed: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    let address = parsed.as_ref().and_then(|file| file.get("address")).and_then(serde_json::Value::as_str);
    let unreadable = || Error::format(OP, format!("{}: no scheduler has written its address here", path.display()));
    address.map(str::to_owned).ok_or_else(unreadable)
}

/// `close-client` and the end of the stream; the scheduler then forgets what this client desired.
pub(super) async fn leave(sender: StreamSender) -> Result<()> {
    sender.send_all([plain("close-client"), plain("close-stream")])?;
    sender.close().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheduler_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scheduler.json");
        assert!(read_scheduler_file(&path).unwrap_err().to_string().contains("scheduler.json"));
        for broken in ["", "{", "[1]", "{\"address\": 5}"] {
            std::fs::write(&path, broken).unwrap();
            assert!(read_scheduler_file(&path).unwrap_err().to_string().contains("no scheduler"), "{broken}");
        }
        std::fs::write(&path, r#"{"type": "Scheduler", "address": "tcp://10.0.0.1:8786", "workers": {}}"#).unwrap();
        assert_eq!(read_scheduler_file(&path).unwrap(), "tcp://10.0.0.1:8786");
    }

    #[test]
    fn the_longest_times_are_no_panic() {
        let options = ConnectOptions::address("nowhere").timeout(Duration::MAX).heartbeat(Duration::MAX);
        let error = crate::exec::remote::Client::connect(&options).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("nowhere"), "{error}");
    }

    #[test]
    fn no_two_clients_have_one_name() {
        let ids = [client_id(None), client_id(None), client_id(Some("tides"))];
        assert!(ids[0] != ids[1] && ids[2].starts_with("tides-"));
    }
}
