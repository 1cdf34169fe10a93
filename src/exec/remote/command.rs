//! The command line of a worker.
//!
//! A worker is a program: a `main` that gives its [`Registry`] to [`worker_main`]. The program `hyperslab-worker` knows what
//! the crate knows; a user's own program also knows the user's kernels and formats.
//!
//! Options are called as those of `dask worker`, so that deployments need another program and nothing else.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;

use super::client::read_scheduler_file;
use super::comm::Timeouts;
use super::engine::BlockRunner;
use super::nanny::{NannyPolicy, look_after_this_program, run_as_worker};
use super::security::Security;
use super::wire::Compression;
use super::worker::{MemoryLimits, WorkerOptions};
use crate::config;
use crate::error::{Error, Result};
use crate::exec::{limit_kernel_threads, parse_bytes};
use crate::kernels::Registry;

const OP: &str = "worker";

/// The `main` of a worker: reads the command line, joins a cluster, and runs the tasks that it is given until it is asked
/// to leave. A worker that loses its scheduler joins again when there is one.
///
/// Tasks name kernels and formats of `registry`, which must be equal to that of the clients. `--help` lists the options,
/// which are called as those of `dask worker`.
///
/// # Examples
/// A worker that knows a kernel of one's own:
/// ```no_run
/// use hyperslab::block::{Block, BlockLocation};
/// use hyperslab::exec::remote::worker_main;
/// use hyperslab::kernel::{NamedKernel, Registry};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Scale { factor: f64 }
///
/// impl NamedKernel for Scale {
///     const NAME: &'static str = "example.scale";
///     fn run(&self, blocks: &[Block], _at: &BlockLocation) -> hyperslab::Result<Block> {
///         Ok(Block::from_dense(&blocks[0].dense::<f64>()? * self.factor))
///     }
/// }
///
/// fn main() -> std::process::ExitCode {
///     let mut registry = Registry::new();
///     let known = registry.register::<Scale>().and_then(|()| registry.register_files());
///     known.expect("no two kernels have one name");
///     worker_main(registry)
/// }
/// ```
pub fn worker_main(registry: Registry) -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(shown) => {
            // Help is no error; nobody is left to tell if it cannot be printed.
            drop(shown.print());
            return ExitCode::from(if shown.use_stderr() { 2 } else { 0 });
        }
    };
    match arguments.run(registry) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hyperslab worker: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A worker of hyperslab on a dask.distributed scheduler.
#[derive(Debug, Parser)]
#[command(name = "hyperslab-worker", version)]
// What stands over the fields is printed by `--help`, as it is.
#[allow(clippy::doc_markdown)]
struct Arguments {
    /// Where the scheduler listens, such as tcp://10.0.0.1:8786; otherwise DASK_SCHEDULER_ADDRESS says.
    scheduler: Option<String>,
    /// A file in which a scheduler has written where it listens.
    #[arg(long, value_name = "PATH", conflicts_with = "scheduler")]
    scheduler_file: Option<PathBuf>,
    /// Tasks at one time; as many as there are cores unless set.
    #[arg(long, value_name = "N")]
    nthreads: Option<usize>,
    /// A name that no other worker of the cluster has.
    #[arg(long)]
    name: Option<String>,
    /// Memory of the process: bytes, 4GiB, a fraction such as 0.5 of the machine's, auto (its share by threads), 0 for no limit.
    #[arg(long, value_name = "BYTES", default_value = "auto")]
    memory_limit: String,
    /// Where values are kept when memory is short; the folder for temporary files unless set.
    #[arg(long, value_name = "PATH")]
    local_directory: Option<PathBuf>,
    /// Where to listen for other workers, such as tcp://10.0.0.2:0.
    #[arg(long, value_name = "ADDRESS")]
    listen_address: Option<String>,
    /// What the worker has to spare for tasks that ask for it, such as "GPU=2 MEM=10e9".
    #[arg(long, value_name = "NAME=AMOUNT", default_value = "")]
    resources: String,
    /// How many seconds to look for a scheduler that is not there before giving up; for ever unless set.
    #[arg(long, value_name = "SECONDS")]
    death_timeout: Option<f64>,
    /// Look after the worker from a process of its own, which starts it again when it dies; this is the rule.
    #[arg(long, overrides_with = "no_nanny")]
    nanny: bool,
    /// Nobody looks after the worker.
    #[arg(long)]
    no_nanny: bool,
    /// The port on which the nanny listens; any that is free unless set.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    nanny_port: u16,
    /// Standard input is a socket, and the process leaves when its other end does.
    #[arg(long, hide = true)]
    supervised: bool,
    /// Where the nanny of this worker listens.
    #[arg(long, hide = true, value_name = "ADDRESS")]
    nanny_address: Option<String>,
    /// Print what clients and workers must have in common, and leave.
    #[arg(long)]
    manifest: bool,
    /// The authorities whose certificates are trusted.
    #[arg(long, value_name = "PATH")]
    tls_ca_file: Option<String>,
    /// The certificate of this worker.
    #[arg(long, value_name = "PATH")]
    tls_cert: Option<String>,
    /// The key of that certificate.
    #[arg(long, value_name = "PATH")]
    tls_key: Option<String>,
    /// Speak to other machines without encryption: whoever reaches the port can then have tasks run.
    #[arg(long)]
    insecure: bool,
}

impl Arguments {
    fn run(self, registry: Registry) -> Result<()> {
        if self.manifest {
            println!("{}", registry.manifest().join("\n"));
            return Ok(());
        }
        let options = self.options()?;
        let limit_bytes = options.memory.limit_bytes;
        if !self.no_nanny {
            let usual = NannyPolicy::default();
            let terminate = fraction(config::dask_variable, "terminate", usual.terminate)?;
            let policy = NannyPolicy { limit_bytes, terminate, ..usual };
            return look_after_this_program(&options, policy, self.supervised);
        }
        limit_kernel_threads(options.n_threads);
        match run_as_worker(&options, Arc::new(BlockRunner::new(registry, limit_bytes)), self.supervised) {
            // There has been no scheduler for too long: the nanny, which hears of it by the end in peace, leaves, too.
            Err(error) if error.is_remote() && self.nanny_address.is_some() => {
                eprintln!("hyperslab worker: {error}");
                Ok(())
            }
            ended => ended,
        }
    }

    fn options(&self) -> Result<WorkerOptions> {
        let usual = WorkerOptions::new(self.scheduler_address(config::dask_variable)?);
        let n_threads = self.nthreads.unwrap_or(usual.n_threads).max(1);
        let machine_bytes = config::machine_memory_bytes();
        let limit_bytes = memory_limit(&self.memory_limit, machine_bytes, n_threads, usual.n_threads)?;
        Ok(WorkerOptions {
            listen: self.listen_address.clone(),
            name: self.name.clone(),
            n_threads,
            memory: MemoryLimits { limit_bytes, ..memory_rules(config::dask_variable)? },
            resources: read_resources(&self.resources)?,
            security: self.security(Security::from_env()?),
            timeouts: Timeouts::from_lookup(config::dask_variable)?,
            compression: Compression::from_lookup(config::dask_variable)?,
            folder: self.local_directory.clone().unwrap_or(usual.folder),
            death_timeout: self.death_timeout.map(read_seconds).transpose()?,
            nanny: self.nanny_address.clone(),
            nanny_port: self.nanny_port,
            ..usual
        })
    }

    fn scheduler_address(&self, lookup: impl Fn(&str) -> Option<String>) -> Result<String> {
        if let Some(path) = &self.scheduler_file {
            return read_scheduler_file(path);
        }
        let named = self.scheduler.clone().or_else(|| lookup("scheduler-address"));
        named.ok_or_else(|| {
            Error::value(OP, "no scheduler is named")
                .with_remedy("give its address, such as tcp://127.0.0.1:8786, or --scheduler-file")
        })
    }

    fn security(&self, mut security: Security) -> Security {
        if let Some(file) = &self.tls_ca_file {
            security = security.ca_file(file);
        }
        if let Some(file) = &self.tls_cert {
            security = security.worker_cert(file);
        }
        if let Some(file) = &self.tls_key {
            security = security.worker_key(file);
        }
        if self.insecure { security.allow_insecure(true) } else { security }
    }
}

/// The limit that a text stands for, on a machine of so much memory and so many cores.
fn memory_limit(text: &str, machine_bytes: u64, n_threads: usize, n_cores: usize) -> Result<Option<u64>> {
    let fraction = |part: f64| Ok(Some((machine_bytes as f64 * part.min(1.0)) as u64));
    match (text.trim(), text.trim().parse::<f64>()) {
        ("auto", _) => fraction(n_threads as f64 / n_cores.max(1) as f64),
        ("0" | "none", _) => Ok(None),
        (_, Ok(part)) if part > 0.0 && part <= 1.0 => fraction(part),
        (text, _) => parse_bytes(text).map(Some),
    }
}

/// The fractions of the limit at which something is done, under dask's names.
fn memory_rules(lookup: impl Fn(&str) -> Option<String>) -> Result<MemoryLimits> {
    let usual = MemoryLimits::default();
    Ok(MemoryLimits {
        target: fraction(&lookup, "target", usual.target)?,
        spill: fraction(&lookup, "spill", usual.spill)?,
        pause: fraction(&lookup, "pause", usual.pause)?,
        ..usual
    })
}

/// `distributed.worker.memory.` and a name: a fraction of the limit, or `false` for never.
fn fraction(lookup: impl Fn(&str) -> Option<String>, name: &str, usual: f64) -> Result<f64> {
    let name = format!("distributed.worker.memory.{name}");
    let read = |text: &str| {
        let number = if text.eq_ignore_ascii_case("false") { Some(f64::INFINITY) } else { text.parse().ok() };
        number.filter(|&number| number > 0.0)
    };
    let fault = ("which is no fraction of the memory limit", "one such as 0.7, or to false");
    Ok(config::dask_setting(lookup, &name, read, fault)?.unwrap_or(usual))
}

fn read_seconds(seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|_| Error::value(OP, format!("{seconds} seconds are no time to wait")))
}

/// `GPU=2 MEM=10e9`, with spaces or commas in between.
fn read_resources(text: &str) -> Result<BTreeMap<Arc<str>, f64>> {
    let words = text.split([' ', ',']).filter(|word| !word.is_empty());
    let resource = |word: &str| {
        let (name, amount) = word.split_once('=')?;
        let amount = amount.parse::<f64>().ok().filter(|amount| amount.is_finite() && *amount >= 0.0)?;
        (!name.is_empty()).then(|| (Arc::from(name), amount))
    };
    let faulty = |word: &str| {
        Error::value(OP, format!("{word:?} is no resource")).with_remedy("write names and amounts, such as GPU=2")
    };
    words.map(|word| resource(word).ok_or_else(|| faulty(word))).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::CommandFactory;

    use super::*;

    fn read(words: &[&str]) -> Arguments {
        let words = std::iter::once("hyperslab-worker").chain(words.iter().copied());
        Arguments::try_parse_from(words.map(OsString::from)).unwrap()
    }

    #[test]
    fn the_command_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_have_dasks_names() {
        let arguments = read(&[
            "tcp://127.0.0.1:8786",
            "--nthreads",
            "3",
            "--name",
            "alice",
            "--memory-limit",
            "2GiB",
            "--resources",
            "GPU=2,MEM=1e9",
            "--listen-address",
            "tcp://127.0.0.1:9000",
            "--local-directory",
            "/scratch",
            "--death-timeout",
            "30",
            "--no-nanny",
            "--nanny-port",
            "9001",
        ]);
        let options = arguments.options().unwrap();
        assert_eq!((&*options.scheduler, options.n_threads), ("tcp://127.0.0.1:8786", 3));
        assert_eq!(options.name.as_deref(), Some("alice"));
        assert_eq!(options.memory.limit_bytes, Some(2 << 30));
        assert_eq!(
            options.resources.iter().map(|(name, &n)| (&**name, n)).collect::<Vec<_>>(),
            [("GPU", 2.0), ("MEM", 1e9)]
        );
        assert_eq!((options.listen.as_deref(), options.nanny_port), (Some("tcp://127.0.0.1:9000"), 9001));
        assert_eq!((options.folder, options.death_timeout), ("/scratch".into(), Some(Duration::from_secs(30))));
        assert!(arguments.no_nanny && !read(&["x", "--no-nanny", "--nanny"]).no_nanny);
    }

    #[test]
    fn a_scheduler_is_named_by_address_file_or_environment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scheduler.json");
        std::fs::write(&path, r#"{"type": "Scheduler", "address": "tcp://10.0.0.1:8786"}"#).unwrap();
        let by_file = read(&["--scheduler-file", path.to_str().unwrap()]);
        assert_eq!(by_file.scheduler_address(|_| None).unwrap(), "tcp://10.0.0.1:8786");
        let by_environment = |name: &str| (name == "scheduler-address").then(|| "tcp://10.0.0.2:1".to_owned());
        assert_eq!(read(&[]).scheduler_address(by_environment).unwrap(), "tcp://10.0.0.2:1");
        let error = read(&[]).scheduler_address(|_| None).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("--scheduler-file"), "{error}");
        std::fs::write(&path, "{}").unwrap();
        assert!(by_file.scheduler_address(|_| None).unwrap_err().to_string().contains("scheduler.json"));
    }

    #[test]
    fn memory_is_bytes_a_fraction_a_share_or_without_limit() {
        let limit = |text| memory_limit(text, 1000, 2, 8);
        assert_eq!(limit("auto").unwrap(), Some(250));
        assert_eq!(limit("0.5").unwrap(), Some(500));
        assert_eq!(limit("4GiB").unwrap(), Some(4 << 30));
        assert_eq!(limit("12345").unwrap(), Some(12_345));
        assert_eq!(limit("0").unwrap(), None);
        assert!(limit("much").unwrap_err().is_usage());
        assert_eq!(memory_limit("auto", 1000, 64, 8).unwrap(), Some(1000));
    }

    #[test]
    fn rules_of_memory_have_dasks_names() {
        let lookup = |name: &str| match name {
            "distributed.worker.memory.spill" => Some("false".to_owned()),
            "distributed.worker.memory.pause" => Some("0.9".to_owned()),
            _ => None,
        };
        let rules = memory_rules(lookup).unwrap();
        assert_eq!((rules.target, rules.spill, rules.pause), (0.6, f64::INFINITY, 0.9));
        let rules = MemoryLimits { limit_bytes: Some(1_000), ..rules };
        assert_eq!(rules.advise(u64::MAX, 500).spill_bytes, 0, "never");
        for faulty in ["much", "0", "-1", "nan"] {
            let error = memory_rules(|_| Some(faulty.to_owned())).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains("MEMORY__TARGET"), "{error}");
        }
    }

    #[test]
    fn broken_resources_are_named() {
        for text in ["GPU", "=1", "GPU=x", "GPU=-1", "A=1 B=inf"] {
            assert!(read_resources(text).unwrap_err().is_usage(), "{text}");
        }
        assert!(read_resources("").unwrap().is_empty());
    }

    #[test]
    fn certificates_rule_plain_connections_out() {
        let tls = ["x", "--tls-ca-file", "ca.pem", "--tls-cert", "cert.pem", "--tls-key", "key.pem"];
        assert!(read(&tls).security(Security::new()).requires_encryption());
        assert_eq!(read(&["x"]).security(Security::new()), Security::new());
        assert_eq!(read(&["x", "--insecure"]).security(Security::new()), Security::new().allow_insecure(true));
    }
}
