//! The process of the scheduler.

use std::net::{IpAddr, ToSocketAddrs};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::exec::remote::Security;

use super::board::Board;
use super::child::ChildProcess;
use super::options::TlsFiles;

const OP: &str = "local cluster";
const NAME: &str = "scheduler";

/// What the process runs, and how the line begins with which it says where it listens.
const SCRIPT: &str = include_str!("scheduler.py");
const MARKER: &str = "hyperslab-scheduler ";

/// How the scheduler is started.
#[derive(Clone, Debug)]
pub(super) struct SchedulerSpec {
    pub(super) host: String,
    /// Zero stands for any that is free.
    pub(super) port: u16,
    /// Where the dashboard listens; nothing: there is none.
    pub(super) dashboard: Option<String>,
    /// Names of dask's configuration, and values.
    pub(super) settings: Vec<(String, String)>,
    pub(super) tls: Option<TlsFiles>,
}

/// Where a scheduler that has started listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listening {
    pub(super) address: String,
    pub(super) dashboard: Option<String>,
}

impl SchedulerSpec {
    /// Fails if the settings would let other machines in without encryption.
    pub(super) fn check(&self, security: &Security) -> Result<()> {
        let sockets = (&*self.host, self.port).to_socket_addrs();
        let sockets = sockets.map_err(|source| Error::remote(OP, NAME, &source).with_source(source))?;
        if self.tls.is_some() {
            return Ok(());
        }
        sockets.map(|socket| socket.ip()).try_for_each(|ip: IpAddr| security.permit_plain(ip))
    }

    fn command(&self, python: &Path) -> Command {
        let mut command = Command::new(python);
        command.args(["-c", SCRIPT, &self.host, &self.port.to_string(), self.dashboard.as_deref().unwrap_or("")]);
        match &self.tls {
            Some(files) => command.args([&files.ca, &files.cert, &files.key]),
            None => command.args(["", "", ""]),
        };
        command.envs(self.settings.iter().map(|(name, value)| (variable(name), value)));
        command
    }

    /// Starts the process and waits until it says where it listens.
    pub(super) fn start(&self, python: &Path, board: &Board, limit: Duration) -> Result<(ChildProcess, Listening)> {
        board.change(|facts| facts.scheduler = None);
        let child = ChildProcess::start(NAME, self.command(python), board, Some(MARKER))?;
        board.wait(limit, |facts| facts.scheduler.is_some() || facts.ended.contains(&child.id()));
        let facts = board.look();
        let Some(said) = facts.scheduler else {
            let log = child.log().tail(20);
            let detail = match facts.ended.contains(&child.id()) {
                true => "it ended while it started".to_owned(),
                false => format!("it did not start within {limit:?}"),
            };
            return Err(Error::remote(OP, NAME, format!("{detail}. It wrote:\n{log}")));
        };
        Ok((child, self.listening(&said)?))
    }

    /// Reads `tcp://127.0.0.1:40001 8787`.
    fn listening(&self, said: &str) -> Result<Listening> {
        let (address, port) =
            said.split_once(' ').ok_or_else(|| Error::remote(OP, NAME, format!("an unexpected line: {said:?}")))?;
        let dashboard = self.dashboard.as_deref().filter(|_| port != "0").map(|place| {
            let host = place.rsplit_once(':').map_or("", |(host, _)| host);
            let host = if host.is_empty() { "127.0.0.1" } else { host };
            format!("http://{host}:{port}/status")
        });
        Ok(Listening { address: address.to_owned(), dashboard })
    }
}

/// Where dask looks for a setting in the environment.
fn variable(setting: &str) -> String {
    format!("DASK_{}", setting.replace('.', "__").replace('-', "_").to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_the_names_that_dask_reads() {
        let name = variable("distributed.scheduler.worker-saturation");
        assert_eq!(name, "DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION");
    }

    fn spec() -> SchedulerSpec {
        let dashboard = Some("127.0.0.1:0".to_owned());
        SchedulerSpec { host: "127.0.0.1".into(), port: 0, dashboard, settings: Vec::new(), tls: None }
    }

    #[test]
    fn what_the_scheduler_says_is_read() {
        let listening = spec().listening("tcp://127.0.0.1:40001 8787").unwrap();
        assert_eq!(listening.address, "tcp://127.0.0.1:40001");
        assert_eq!(listening.dashboard.as_deref(), Some("http://127.0.0.1:8787/status"));
        assert_eq!(spec().listening("tcp://127.0.0.1:40001 0").unwrap().dashboard, None);
        assert!(spec().listening("what").is_err());
        let spec = SchedulerSpec { dashboard: Some(":8787".into()), ..spec() };
        let listening = spec.listening("tcp://127.0.0.1:40001 8787").unwrap();
        assert_eq!(listening.dashboard.as_deref(), Some("http://127.0.0.1:8787/status"));
    }

    #[test]
    fn one_that_does_not_start_is_told_from_one_that_ended() {
        let board = Board::default();
        // One that was there before.
        board.change(|facts| facts.ended.push(0));
        let start = |program: &str, limit| spec().start(Path::new(program), &board, limit).unwrap_err().to_string();
        let ended = start("false", Duration::from_mins(1));
        assert!(ended.contains("ended while it started"), "{ended}");
        // It reads its line and says nothing.
        let folder = tempfile::tempdir().unwrap();
        let silent = folder.path().join("silent");
        std::fs::write(&silent, "#!/bin/sh\nread line\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&silent, mode).unwrap();
        // Another test's new process may still hold the file that was written.
        let attempts = std::iter::repeat_with(|| start(silent.to_str().unwrap(), Duration::from_millis(1)));
        let late = attempts.take(1_000).find(|error| !error.contains("busy")).unwrap();
        assert!(late.contains("did not start within 1ms"), "{late}");
    }

    #[test]
    fn other_machines_are_let_in_only_when_that_is_said() {
        let open = SchedulerSpec { host: "0.0.0.0".into(), ..spec() };
        assert!(open.check(&Security::new()).unwrap_err().is_usage());
        assert!(open.check(&Security::new().allow_insecure(true)).is_ok());
        assert!(spec().check(&Security::new()).is_ok());
        let files = TlsFiles { ca: "ca.pem".into(), cert: "cert.pem".into(), key: "key.pem".into() };
        assert!(SchedulerSpec { tls: Some(files), ..open }.check(&Security::new()).is_ok());
    }
}
