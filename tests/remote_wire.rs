//! The wire against a stock scheduler, which needs a Python with `distributed`.
//!
//! `HYPERSLAB_DASK_PYTHON` names it; without that variable the tests say that they are skipped.

#![cfg(feature = "remote")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use hyperslab::exec::remote::{SchedulerInfo, Security};

/// A scheduler that ends with the test.
struct Scheduler {
    process: Child,
    address: String,
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The Python to use; nothing if none is named.
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("HYPERSLAB_DASK_PYTHON").map(PathBuf::from);
    if named.is_none() {
        eprintln!("skipped: HYPERSLAB_DASK_PYTHON names no Python with `distributed`");
    }
    named
}

/// Starts a scheduler on a free port of this machine, and waits until it says where it listens.
fn start(python: &Path, options: &[&str]) -> Scheduler {
    let mut process = Command::new(python)
        .args(["-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"])
        .args(options)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(process.stderr.take().unwrap());
    let (found, address) = mpsc::channel();
    // Reads to the end, so that the scheduler never waits for a reader of its log.
    std::thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            if let Some((_, address)) = line.split_once("Scheduler at:") {
                let _ = found.send(address.trim().to_owned());
            }
        }
    });
    let address = address.recv_timeout(Duration::from_mins(2));
    let mut scheduler = Scheduler { process, address: String::new() };
    scheduler.address = address.expect("a scheduler tells where it listens");
    scheduler.process.try_wait().unwrap().inspect(|status| panic!("the scheduler ended: {status}"));
    scheduler
}

#[test]
fn a_scheduler_is_asked_who_it_is() {
    let Some(python) = python() else { return };
    let scheduler = start(&python, &[]);
    assert!(scheduler.address.starts_with("tcp://127.0.0.1:"));
    let info = SchedulerInfo::ask(&scheduler.address, &Security::new()).unwrap();
    assert_eq!(info.address, scheduler.address);
    assert!(info.id.starts_with("Scheduler-"));
    assert!(info.python.starts_with("3."));
    assert_eq!((info.n_workers, info.n_threads), (0, 0));
    assert_eq!(SchedulerInfo::ask(&scheduler.address, &Security::new()).unwrap(), info);
    let error = SchedulerInfo::ask(&scheduler.address, &Security::new().require_encryption(true)).unwrap_err();
    assert!(error.is_usage(), "{error}");
}

/// A file of the tests, in a folder of its own and with a mode that keys must have.
fn private(folder: &Path, name: &str) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls").join(name);
    let target = folder.join(name);
    std::fs::copy(source, &target).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    target.to_str().unwrap().to_owned()
}

#[test]
fn a_scheduler_with_certificates_is_spoken_to_with_certificates() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| private(folder.path(), name);
    let (ca, cert, key) = (file("ca.pem"), file("leaf.pem"), file("leaf.key"));
    let scheduler =
        start(&python, &["--protocol", "tls", "--tls-ca-file", &ca, "--tls-cert", &cert, "--tls-key", &key]);
    assert!(scheduler.address.starts_with("tls://"), "{}", scheduler.address);
    let security = Security::new().ca_file(&ca).client_cert(&cert).client_key(&key);
    let info = SchedulerInfo::ask(&scheduler.address, &security).unwrap();
    assert_eq!(info.address, scheduler.address);
    let strangers = [
        Security::new().ca_file(&ca).client_cert(file("other_leaf.pem")).client_key(&key),
        Security::new().ca_file(file("other_ca.pem")).client_cert(&cert).client_key(&key),
        Security::new().ca_file(&ca).client_cert(file("expired.pem")).client_key(&key),
        Security::new(),
    ];
    for stranger in strangers {
        let error = SchedulerInfo::ask(&scheduler.address, &stranger).unwrap_err();
        assert!(error.is_usage(), "{error}");
    }
    let plain = scheduler.address.replace("tls://", "tcp://");
    assert!(SchedulerInfo::ask(&plain, &Security::new()).is_err());
}
