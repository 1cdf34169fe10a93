//! Asking a scheduler who it is, before anything depends on it.

use std::fmt;
use std::time::Duration;

use super::comm::{Address, RpcPool, Transport, open_stream};
use super::security::{Role, Security};
use super::wire::{Value, check_reply};
use crate::error::{Error, Result};

const OP: &str = "probe";

/// A first answer may take this long.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The oldest release of `distributed` whose graphs we write.
const OLDEST_RELEASE: (u64, u64) = (2025, 4);

/// What a scheduler says of itself.
///
/// # Examples
///
/// ```no_run
/// use hyperslab::exec::remote::{SchedulerInfo, Security};
/// let info = SchedulerInfo::ask("tcp://127.0.0.1:8786", &Security::from_env()?)?;
/// println!("{info}");
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchedulerInfo {
    /// Where it says it listens.
    pub address: String,
    /// Its name for itself, new with every start.
    pub id: String,
    /// The version of Python it runs on.
    pub python: String,
    /// The version of the `distributed` package.
    pub distributed: String,
    /// Workers that are registered.
    pub n_workers: u64,
    /// Threads of all workers together.
    pub n_threads: u64,
}

impl SchedulerInfo {
    /// Connects to a scheduler, asks for its versions, and registers as a client and leaves again.
    ///
    /// # Errors
    ///
    /// The address cannot be read, the settings rule the connection out, nobody answers in half a minute, or the scheduler
    /// is older than release 2025.4.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::{SchedulerInfo, Security};
    /// let error = SchedulerInfo::ask("tcp://192.0.2.1:8786", &Security::new()).unwrap_err();
    /// assert!(error.is_usage() && error.to_string().contains("would not be encrypted"));
    /// ```
    pub fn ask(address: &str, security: &Security) -> Result<Self> {
        let address: Address = address.parse()?;
        let transport = Transport::new(security.clone(), Role::Client)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| Error::threads(1, source))?;
        runtime.block_on(async {
            let (info, _) = ask(&RpcPool::new(transport.clone(), 1), &address, TIME_LIMIT).await?;
            let visit = visit(&address, &transport);
            let in_time = tokio::time::timeout(TIME_LIMIT, visit).await;
            in_time.unwrap_or_else(|_| Err(Error::remote(OP, &address, format!("no answer within {TIME_LIMIT:?}"))))?;
            Ok(info)
        })
    }
}

/// Asks who the scheduler is; also gives all its versions. Fails for releases whose graphs have another form.
pub(super) async fn ask(pool: &RpcPool, address: &Address, limit: Duration) -> Result<(SchedulerInfo, Value)> {
    let request = |op: &str| Value::map([("op", op.into())]);
    let versions = pool.call_within(limit, address, &request("versions")).await?;
    let (python, distributed) = read_versions(&versions)?;
    check_release(&distributed)?;
    let identity = pool.call_within(limit, address, &request("identity")).await?;
    let info = SchedulerInfo {
        address: identity.text("address")?.to_owned(),
        id: identity.text("id")?.to_owned(),
        python,
        distributed,
        n_workers: count_workers(&identity),
        n_threads: count_threads(&identity),
    };
    Ok((info, versions))
}

/// The versions of Python and of `distributed` in the answer to `versions`.
pub(crate) fn read_versions(versions: &Value) -> Result<(String, String)> {
    let host = versions.field("host")?;
    let packages = versions.field("packages")?;
    Ok((host.text("python")?.to_owned(), packages.text("distributed")?.to_owned()))
}

/// Fails for releases whose graphs have another form.
fn check_release(release: &str) -> Result<()> {
    let mut numbers = release.split('.').map(|number| number.parse::<u64>().ok());
    let found = numbers.next().flatten().zip(numbers.next().flatten());
    if found.is_some_and(|found| found >= OLDEST_RELEASE) {
        return Ok(());
    }
    let (year, month) = OLDEST_RELEASE;
    let detail = format!("the scheduler runs `distributed` {release}");
    Err(Error::value(OP, detail).with_remedy(format!("release {year}.{month} or newer is needed")))
}

fn count_workers(identity: &Value) -> u64 {
    let listed = || identity.pairs("workers").map_or(0, |workers| workers.len() as u64);
    identity.int("n_workers").map_or_else(|_| listed(), |n| n as u64)
}

fn count_threads(identity: &Value) -> u64 {
    let threads = |worker: &Value| worker.int("nthreads").unwrap_or(0) as u64;
    let listed = || identity.pairs("workers").map_or(0, |workers| workers.iter().map(|(_, one)| threads(one)).sum());
    identity.int("total_threads").map_or_else(|_| listed(), |n| n as u64)
}

/// Registers as a client, waits to be greeted, and leaves.
async fn visit(address: &Address, transport: &Transport) -> Result<()> {
    let mut comm = transport.connect(address).await?;
    let client = format!("probe-{:x}", std::process::id());
    let register = Value::map([
        ("op", "register-client".into()),
        ("client", client.into()),
        ("reply", false.into()),
        ("versions", Value::map([("host", Value::empty_map()), ("packages", Value::empty_map())])),
    ]);
    comm.writer.write(&register).await?;
    let (sender, mut receiver) = open_stream(comm, Duration::from_millis(10));
    let greeting = receiver.next().await?.ok_or_else(|| Error::remote(OP, address, "the connection was closed"))?;
    let greeting = greeting.into_iter().next().unwrap_or(Value::Nil);
    let greeting = check_reply("register-client", address, greeting)?;
    if greeting.text("op")? != "stream-start" {
        return Err(Error::remote(OP, address, format!("an unexpected greeting: {greeting:?}")));
    }
    sender.send(Value::map([("op", "close-stream".into())]))?;
    sender.close().await?;
    while receiver.next().await?.is_some() {}
    Ok(())
}

impl fmt::Display for SchedulerInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, distributed, python, n_workers, n_threads, .. } = self;
        write!(f, "{address}: distributed {distributed} on Python {python}, {n_workers} workers, {n_threads} threads")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_as_numbers() {
        for release in ["2025.4.0", "2025.10.1", "2026.8.0", "2027.1.0+dirty"] {
            assert!(check_release(release).is_ok(), "{release}");
        }
        for release in ["2025.3.0", "2024.12.1", "1.0", "unknown", ""] {
            assert!(check_release(release).unwrap_err().to_string().contains("2025.4"), "{release}");
        }
    }
}
