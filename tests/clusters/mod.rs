//! What tests on clusters of this machine's own processes share.

#![allow(dead_code, reason = "every test binary uses a part")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use hyperslab::exec::remote::{ClusterOptions, LocalCluster};
use hyperslab::kernel::Registry;

/// Longer than this nothing may take.
pub(crate) const WATCHDOG: Duration = Duration::from_mins(2);

/// Whether there is a Python with `distributed`; says so if there is none.
pub(crate) fn has_python() -> bool {
    let is_named = std::env::var_os("HYPERSLAB_DASK_PYTHON").is_some();
    if !is_named {
        eprintln!("skipped: HYPERSLAB_DASK_PYTHON names no Python with `distributed`");
    }
    is_named
}

/// Three workers with nannies; nothing if no Python is named.
pub(crate) fn options() -> Option<ClusterOptions> {
    has_python().then(|| {
        let options = LocalCluster::options().workers(3).threads(1).no_dashboard();
        options.worker_program(env!("CARGO_BIN_EXE_hyperslab-worker"), [])
    })
}

/// What `hyperslab-worker` knows.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.register_files().unwrap();
    registry
}

/// What the scheduler knows of results, and of bytes that workers have in memory and on disk; all nothing if nothing leaks.
const LEFTOVERS: &str = r#"
import sys, time
from distributed import Client

def left(dask_scheduler):
    workers = dask_scheduler.workers.values()
    held = [ws.metrics["managed_bytes"] + sum(ws.metrics["spilled_bytes"].values()) for ws in workers]
    return len(dask_scheduler.tasks), sum(ws.nbytes for ws in workers), sum(held)

with Client(sys.argv[1], set_as_default=False) as client:
    deadline = time.monotonic() + 60
    while any(client.run_on_scheduler(left)) and time.monotonic() < deadline:
        time.sleep(0.1)
    print(*client.run_on_scheduler(left))
"#;

/// What a Python program says that is given the address of a scheduler.
pub(crate) fn python_says(program: &'static str, scheduler: &str) -> String {
    let python = std::env::var_os("HYPERSLAB_DASK_PYTHON").unwrap();
    let mut command = Command::new(python);
    command.args(["-c", program, scheduler]);
    let output = in_time(move || command.output().unwrap());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// Waits until nothing is left of any run; panics if something stays.
pub(crate) fn assert_nothing_is_known(scheduler: &str) {
    assert_eq!(python_says(LEFTOVERS, scheduler), "0 0 0\n");
}

/// Sends a signal; false if there is no such process any more.
pub(crate) fn signal(process: u32, name: &str) -> bool {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status();
    sent.is_ok_and(|status| status.success())
}

/// Runs `work` on a thread of its own; panics if it takes longer than the watchdog allows.
pub(crate) fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, is_done) = channel();
    thread::spawn(move || done.send(work()));
    match is_done.recv_timeout(WATCHDOG) {
        Ok(value) => value,
        Err(RecvTimeoutError::Timeout) => panic!("nothing for {WATCHDOG:?}"),
        Err(RecvTimeoutError::Disconnected) => panic!("the work panicked"),
    }
}

/// Pseudo-random numbers from a seed (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// A number above 0 and below 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64 + f64::MIN_POSITIVE
    }
}

/// A file of the tests, in a folder of its own and with a mode that keys must have.
pub(crate) fn private(folder: &Path, name: &str) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls").join(name);
    let target = folder.join(name);
    std::fs::copy(source, &target).unwrap();
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o600)).unwrap();
    target.to_str().unwrap().to_owned()
}
