//! Processes that end with this one, and the last lines of their logs.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

use super::board::Board;

const OP: &str = "local cluster";

/// Lines of a log that are kept for messages.
const LOG_LINES: usize = 200;
/// A line is cut there: nobody reads more of it.
const LINE_BYTES: u64 = 64 << 10;
/// The pause between two looks whether a process has ended.
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// The last lines that a process has written. Cloning copies a pointer.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(Arc<Mutex<VecDeque<String>>>);

impl Log {
    fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LOG_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// At most `n_lines` lines, the last ones.
    pub(super) fn tail(&self, n_lines: usize) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let skipped = lines.len().saturating_sub(n_lines);
        lines.iter().skip(skipped).map(|line| format!("{line}\n")).collect()
    }
}

/// A process with a line to this one: it is told to end by the end of the line.
#[derive(Debug)]
pub(super) struct ChildProcess {
    pub(super) name: String,
    process: Child,
    line: Option<UnixStream>,
    log: Log,
}

impl ChildProcess {
    /// Starts a process in a process group of its own, so that a Ctrl-C in the terminal reaches only this one.
    ///
    /// The first line of its output that `marker` starts goes to the board; what it writes is kept.
    pub(super) fn start(name: &str, mut command: Command, board: &Board, marker: Option<&'static str>) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let failed = |source: std::io::Error| {
            Error::remote(OP, name, format!("`{program}` could not be started: {source}")).with_source(source)
        };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        command.stdin(OwnedFd::from(theirs)).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut process = command.spawn().map_err(failed)?;
        let log = Log::default();
        if let Some(output) = process.stdout.take() {
            let (log, board) = (log.clone(), board.clone());
            read_lines(output, move |line| match marker.and_then(|marker| line.strip_prefix(marker)) {
                Some(rest) => board.change(|facts| facts.scheduler = Some(rest.trim().to_owned())),
                None => log.push(line),
            });
        }
        if let Some(errors) = process.stderr.take() {
            let (kept, board, id) = (log.clone(), board.clone(), process.id());
            let reader = read_lines(errors, move |line| kept.push(line));
            // The log ends with the process.
            thread::spawn(move || {
                drop(reader.join());
                board.change(|facts| facts.ended.push(id));
            });
        }
        Ok(Self { name: name.to_owned(), process, line: Some(ours), log })
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Tells the process to leave; it is not waited for.
    pub(super) fn dismiss(&mut self) {
        self.line = None;
    }

    /// Ends the process now, whatever it is doing.
    pub(super) fn kill(&mut self) {
        self.dismiss();
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }

    /// Waits for the process until `deadline`, and then ends it.
    pub(super) fn end_by(&mut self, deadline: Instant) {
        self.dismiss();
        while Instant::now() < deadline {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(LOOK_PAUSE);
        }
        self.kill();
    }

    pub(super) fn log(&self) -> &Log {
        &self.log
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Gives every line to `take`, on a thread of its own, so that the process never waits for a reader.
fn read_lines(
    source: impl Read + Send + 'static,
    mut take: impl FnMut(String) + Send + 'static,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut source = BufReader::new(source);
        let mut line = Vec::new();
        while source.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            take(String::from_utf8_lossy(&line).trim_end().to_owned());
            line.clear();
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_mins(1);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_process_is_told_to_leave_by_the_end_of_its_line() {
        let board = Board::default();
        let mut child =
            ChildProcess::start("it", shell("echo here; read x; echo gone >&2"), &board, Some("he")).unwrap();
        assert!(board.wait(LIMIT, |facts| facts.scheduler.as_deref() == Some("re")));
        assert!(board.look().ended.is_empty() && child.id() > 0);
        child.end_by(Instant::now() + LIMIT);
        assert!(board.wait(LIMIT, |facts| facts.ended == [child.id()]));
        assert_eq!(child.log().tail(10), "gone\n");
    }

    #[test]
    fn a_process_that_does_not_listen_is_ended() {
        let board = Board::default();
        let mut child = ChildProcess::start("it", shell("exec sleep 1000"), &board, None).unwrap();
        child.end_by(Instant::now());
        assert!(child.process.try_wait().unwrap().is_some());
    }

    #[test]
    fn the_last_lines_are_kept() {
        let log = Log::default();
        (0..300).for_each(|i| log.push(i.to_string()));
        assert_eq!(log.tail(2), "298\n299\n");
        assert_eq!(log.tail(1_000).lines().count(), LOG_LINES);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = ChildProcess::start("it", Command::new("/nowhere/program"), &Board::default(), None).unwrap_err();
        assert!(error.to_string().contains("/nowhere/program"), "{error}");
    }
}
