//! The line between a process and the one that started it: a socket in the place of standard input.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream as BlockingStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use crate::error::{Error, Result};

const OP: &str = "worker";

/// The pause between two beats.
const BEAT_INTERVAL: Duration = Duration::from_secs(1);

/// The two beats.
const STARTING: u8 = b's';
const JOINED: u8 = b'j';

/// Whether a worker has joined, as its beats tell it. Cloning copies a pointer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beats(Arc<AtomicBool>);

impl Beats {
    pub(crate) fn joined(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn byte(&self) -> u8 {
        if self.0.load(Ordering::Relaxed) { JOINED } else { STARTING }
    }
}

/// One end of a line.
#[derive(Debug)]
pub(crate) struct Line(UnixStream);

impl Line {
    /// The line to whoever started this process.
    pub(crate) fn to_parent() -> Result<Self> {
        Self::from_input(io::stdin().as_fd())
    }

    fn from_input(input: BorrowedFd<'_>) -> Result<Self> {
        let failed = |source: io::Error| {
            let error = Error::value(OP, format!("standard input is no line to a parent: {source}"));
            error.with_remedy("leave `--supervised` out: it is for processes that start workers").with_source(source)
        };
        let own: OwnedFd = input.try_clone_to_owned().map_err(failed)?;
        let stream = BlockingStream::from(own);
        stream.peer_addr().map_err(failed)?;
        Self::new(stream).map_err(failed)
    }

    /// Both ends of a new line: ours, and what a child gets as its standard input.
    pub(super) fn to_child() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = BlockingStream::pair()?;
        Ok((Self::new(ours)?, theirs.into()))
    }

    /// The end of a line that a child was given.
    #[cfg(test)]
    pub(super) fn of(own: OwnedFd) -> io::Result<Self> {
        Self::new(own.into())
    }

    fn new(stream: BlockingStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        UnixStream::from_std(stream).map(Self)
    }

    /// Sends beats until the other side ends the line.
    async fn beat(self, beats: &Beats, pause: Duration) {
        let (mut reader, mut writer) = self.0.into_split();
        let mut clock = interval(pause);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let send = async {
            // A parent that does not read is not waited for longer than the socket holds: minutes.
            while writer.write_all(&[beats.byte()]).await.is_ok() {
                clock.tick().await;
            }
            std::future::pending::<()>().await;
        };
        let mut byte = [0];
        let end = async { while reader.read(&mut byte).await.is_ok_and(|n| n > 0) {} };
        tokio::select! {
            () = send => {}
            () = end => {}
        }
    }

    /// The next beats of a child: whether it has joined. Nothing: the line has ended.
    pub(super) async fn heard(&mut self) -> Option<bool> {
        let mut bytes = [0; 64];
        let n = self.0.read(&mut bytes).await.ok().filter(|&n| n > 0)?;
        Some(bytes[..n].contains(&JOINED))
    }
}

/// Waits until somebody wants this process to leave: by a signal, or by the end of its line if it has one. Sends beats
/// meanwhile.
pub(crate) async fn asked_to_leave(line: Option<Line>, beats: &Beats) -> Result<()> {
    let failed = |source: io::Error| {
        Error::remote(OP, "this process", format!("signals cannot be heard: {source}")).with_source(source)
    };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let line_ends = async {
        match line {
            Some(line) => line.beat(beats, BEAT_INTERVAL).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = line_ends => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_are_heard_and_the_end_of_the_line_too() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut ours, theirs) = Line::to_child().unwrap();
            let theirs = Line::of(theirs).unwrap();
            let beats = Beats::default();
            let listen = async {
                assert_eq!(ours.heard().await, Some(false));
                beats.joined();
                while ours.heard().await != Some(true) {}
                drop(ours);
            };
            tokio::join!(theirs.beat(&beats, Duration::from_millis(1)), listen);
        });
    }

    #[test]
    fn what_is_no_socket_is_no_line() {
        let nothing = std::fs::File::open("/dev/null").unwrap();
        let error = Line::from_input(nothing.as_fd()).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("--supervised"), "{error}");
    }

    #[test]
    fn a_child_that_is_gone_is_silent() {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let (mut ours, theirs) = Line::to_child().unwrap();
            drop(theirs);
            assert_eq!(ours.heard().await, None);
        });
    }
}
