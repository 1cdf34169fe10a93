//! The line between a process and the one that started it: a socket in the place of standard input.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream as BlockingStream;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::error::{Error, Result};

const OP: &str = "worker";

/// The pause between two beats.
const BEAT_INTERVAL: Duration = Duration::from_secs(1);

/// Lines of text are no longer than this: an address.
const MOST_BYTES: usize = 512;

/// Where a worker has joined a cluster, as its beats tell it; empty before it has. Clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beats(watch::Sender<String>);

impl Beats {
    /// The worker has joined, and is reached at this address.
    pub(crate) fn joined(&self, address: &str) {
        self.0.send_replace(address.to_owned());
    }
}

/// One end of a line.
#[derive(Debug)]
pub(crate) struct Line {
    socket: UnixStream,
    /// What has been heard of a beat that has not been heard to its end.
    begun: Vec<u8>,
}

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
        Ok(Self { socket: UnixStream::from_std(stream)?, begun: Vec::new() })
    }

    /// Sends beats until the other side ends the line.
    async fn beat(self, beats: &Beats, pause: Duration) {
        let (mut reader, mut writer) = self.socket.into_split();
        let mut clock = interval(pause);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut address = beats.0.subscribe();
        let send = async {
            loop {
                let text = format!("{}\n", *address.borrow_and_update());
                // A parent that does not read is not waited for longer than the socket holds: minutes.
                if writer.write_all(text.as_bytes()).await.is_err() {
                    return std::future::pending::<()>().await;
                }
                tokio::select! {
                    _ = clock.tick() => {}
                    // News do not wait. The sender is borrowed here, so it is not gone.
                    _ = address.changed() => {}
                }
            }
        };
        let mut byte = [0];
        let end = async { while reader.read(&mut byte).await.is_ok_and(|n| n > 0) {} };
        tokio::select! {
            () = send => {}
            () = end => {}
        }
    }

    /// The newest beat of a child: where it has joined, empty if it has not. Nothing: the line has ended.
    ///
    /// Nothing is lost if the waiting is given up.
    pub(super) async fn heard(&mut self) -> Option<String> {
        loop {
            let mut bytes = [0; 64];
            let n = self.socket.read(&mut bytes).await.ok().filter(|&n| n > 0)?;
            self.begun.extend_from_slice(&bytes[..n]);
            if let Some(end) = self.begun.iter().rposition(|&byte| byte == b'\n') {
                let beats: Vec<u8> = self.begun.drain(..=end).collect();
                let newest = beats[..end].rsplit(|&byte| byte == b'\n').next();
                return Some(String::from_utf8_lossy(newest.unwrap_or_default()).into_owned());
            }
            if self.begun.len() > MOST_BYTES {
                self.begun.clear();
            }
        }
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
                assert_eq!(ours.heard().await.as_deref(), Some(""));
                for address in ["tcp://127.0.0.1:1", "tls://[2001:db8::1]:54321"] {
                    beats.joined(address);
                    while ours.heard().await.as_deref() != Some(address) {}
                }
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

    #[test]
    fn beats_are_heard_in_pieces_and_noise_is_forgotten() {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let (mut ours, theirs) = Line::to_child().unwrap();
            let mut theirs = Line::of(theirs).unwrap().socket;
            for (said, heard) in [("\n\na:1\nb", "a:1"), (":2\n", "b:2"), ("\n", "")] {
                theirs.write_all(said.as_bytes()).await.unwrap();
                assert_eq!(ours.heard().await.as_deref(), Some(heard));
            }
            theirs.write_all(&[b'x'; 4 * MOST_BYTES]).await.unwrap();
            theirs.write_all(b"\nc:3\n").await.unwrap();
            assert_eq!(ours.heard().await.as_deref(), Some("c:3"));
            assert!(ours.begun.is_empty());
        });
    }
}
