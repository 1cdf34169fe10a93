//! Clusters of this machine's own processes, with a stock scheduler, which needs a Python with `distributed`.
//!
//! `HYPERSLAB_DASK_PYTHON` names it; without that variable the tests say that they are skipped.

#![cfg(feature = "remote")]

mod clusters;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use hyperslab::exec::remote::{ClusterOptions, LocalCluster, SchedulerInfo, Security};

use clusters::{has_python, private, signal};

/// A cluster without workers; nothing if no Python is named.
fn options() -> Option<ClusterOptions> {
    has_python().then(|| LocalCluster::options().workers(0).no_dashboard())
}

/// The processes that this one has started, and those that they have.
fn descendants(process: &str) -> Vec<String> {
    let Ok(tasks) = std::fs::read_dir(Path::new("/proc").join(process).join("task")) else { return Vec::new() };
    let lists = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default());
    let children = lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    children.flat_map(|child| [vec![child.clone()], descendants(&child)].concat()).collect()
}

fn with_workers(options: ClusterOptions, n_workers: usize) -> LocalCluster {
    options.workers(n_workers).worker_program(env!("CARGO_BIN_EXE_hyperslab-worker"), []).start().unwrap()
}

#[test]
fn a_scheduler_starts_answers_and_ends() {
    let Some(options) = options() else { return };
    let cluster = options.start().unwrap();
    assert!(cluster.address().starts_with("tcp://127.0.0.1:"), "{}", cluster.address());
    assert_eq!((cluster.dashboard(), cluster.worker_ids().len()), (None, 0));
    let info = SchedulerInfo::ask(cluster.address(), &cluster.security()).unwrap();
    assert_eq!((info.address.as_str(), info.n_workers), (cluster.address(), 0));
    cluster.wait_for_workers(0, Duration::ZERO).unwrap();
    let error = cluster.wait_for_workers(1, Duration::from_millis(1)).unwrap_err();
    assert!(error.is_remote() && error.to_string().contains("0 of 1 workers"), "{error}");
    let address = cluster.address().to_owned();
    drop(cluster);
    assert!(std::net::TcpStream::connect(address.trim_start_matches("tcp://")).is_err());
}

#[test]
fn a_worker_that_cannot_start_is_told_with_its_words() {
    let Some(options) = options() else { return };
    let missing = options.clone().workers(1).worker_program("/nowhere/worker", []).start().unwrap_err();
    assert!(missing.to_string().contains("/nowhere/worker"), "{missing}");
    let silent = options.workers(1).worker_program("sh", ["-c", "echo I am broken >&2; exit 3"]).start().unwrap_err();
    assert!(silent.to_string().contains("I am broken") && silent.to_string().contains("has ended"), "{silent}");
}

#[test]
fn nothing_listens_beyond_this_machine() {
    let Some(options) = options() else { return };
    let cluster = with_workers(options.dashboard("127.0.0.1:0"), 2);
    let listening = listening_hosts(&descendants("self"));
    assert!(listening.len() >= 3, "{listening:?}");
    // 127.0.0.1 as the kernel writes it.
    assert!(listening.iter().all(|host| host == "0100007F"), "{listening:?}");
    drop(cluster);
}

/// The hosts of all listening sockets of some processes, as the kernel writes them.
fn listening_hosts(processes: &[String]) -> Vec<String> {
    let mut sockets = Vec::new();
    for process in processes {
        let Ok(files) = std::fs::read_dir(Path::new("/proc").join(process).join("fd")) else { continue };
        let links = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
        let inode =
            |link: std::path::PathBuf| Some(link.to_str()?.strip_prefix("socket:[")?.trim_end_matches(']').to_owned());
        sockets.extend(links.filter_map(inode));
    }
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| std::fs::read_to_string(table).unwrap_or_default());
    let rows = tables.iter().flat_map(|table| table.lines().skip(1));
    let fields = rows.map(|row| row.split_whitespace().collect::<Vec<_>>());
    // The fields: number, local address, remote address, state, .., the tenth is the inode. State 0A is listening.
    let ours = fields.filter(|row| row[3] == "0A" && sockets.iter().any(|inode| inode == row[9]));
    ours.map(|row| row[1].split(':').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_scheduler_starts_again_at_its_address() {
    let Some(options) = options() else { return };
    let mut cluster = options.start().unwrap();
    let before = SchedulerInfo::ask(cluster.address(), &cluster.security()).unwrap();
    cluster.restart_scheduler().unwrap();
    let after = SchedulerInfo::ask(cluster.address(), &cluster.security()).unwrap();
    assert_eq!(before.address, after.address);
    assert_ne!(before.id, after.id);
}

#[test]
fn with_certificates_nothing_is_spoken_without_encryption() {
    let Some(options) = options() else { return };
    let folder = tempfile::tempdir().unwrap();
    let [ca, cert, key] = ["ca.pem", "leaf.pem", "leaf.key"].map(|name| private(folder.path(), name));
    let cluster = with_workers(options.tls(ca, cert, key), 1);
    assert!(cluster.address().starts_with("tls://127.0.0.1:"), "{}", cluster.address());
    assert!(SchedulerInfo::ask(cluster.address(), &cluster.security()).is_ok());
    let plain = cluster.address().replace("tls://", "tcp://");
    assert!(SchedulerInfo::ask(&plain, &Security::default()).is_err());
    assert!(SchedulerInfo::ask(cluster.address(), &Security::default()).unwrap_err().is_usage());
}

#[test]
fn workers_join_and_more_can_be_added() {
    let Some(options) = options() else { return };
    let mut cluster = with_workers(options.threads(2), 1);
    assert_eq!(cluster.worker_ids().len(), 1);
    // The scheduler knows the worker before the worker has said so.
    let deadline = Instant::now() + Duration::from_mins(1);
    while !cluster.log().contains("Registered to") {
        assert!(Instant::now() < deadline, "{}", cluster.log());
        std::thread::sleep(Duration::from_millis(5));
    }
    cluster.add_worker().unwrap();
    cluster.wait_for_workers(2, Duration::from_mins(1)).unwrap();
    let info = SchedulerInfo::ask(cluster.address(), &cluster.security()).unwrap();
    assert_eq!((info.n_workers, info.n_threads), (2, 4));
}

#[test]
fn a_worker_that_ended_can_be_replaced() {
    let Some(options) = options() else { return };
    let mut cluster = with_workers(options.nanny(false), 1);
    let first = cluster.worker_ids()[0];
    assert!(signal(first, "KILL"));
    let error = cluster.wait_for_workers(2, Duration::from_mins(1)).unwrap_err();
    assert!(error.to_string().contains("worker-0 has ended"), "{error}");
    let deadline = Instant::now() + Duration::from_mins(1);
    while cluster.worker_ids().contains(&first) {
        assert!(Instant::now() < deadline, "{}", cluster.log());
        std::thread::sleep(Duration::from_millis(5));
    }
    cluster.add_worker().unwrap();
    cluster.wait_for_workers(1, Duration::from_mins(1)).unwrap();
    assert_ne!(cluster.worker_ids(), [first]);
}

#[test]
fn a_python_client_has_rust_workers_compute() {
    let Some(options) = options() else { return };
    let python = std::env::var_os("HYPERSLAB_DASK_PYTHON").unwrap();
    let has_packages = Command::new(&python).args(["-c", "import numpy, xxhash"]).output().unwrap().status.success();
    if !has_packages {
        eprintln!("skipped: this Python has no numpy or no xxhash");
        return;
    }
    let cluster = with_workers(options, 2);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/python_client.py");
    let worker = env!("CARGO_BIN_EXE_hyperslab-worker");
    let output = Command::new(&python).arg(script).args([cluster.address(), worker]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.ends_with("the same as numpy.frexp\n"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
