//! Messages over any two-way flow of bytes.
//!
//! The memory for a frame grows with the bytes that have arrived, whatever length was claimed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadHalf, WriteHalf};
use tokio::time::timeout;

use crate::block::fresh;
use crate::error::{Error, Result};
use crate::exec::remote::wire::{
    Compression, Handshake, LENGTH_BYTES, Limits, Value, cut_frames, decode_message, encode_message, join_frames,
    unsplit_bytes,
};

const OP: &str = "remote connection";

/// How much is reserved for a frame before any of it is there.
const RESERVED_BYTES: usize = 1 << 20;

/// How much more is reserved when that is full, in multiples of what has arrived. Fresh memory is not touched before it is
/// written, so this costs addresses; what it saves is copies, of which there are one eighth of the frame in all.
const GROWTH: usize = 8;

/// Small messages come out of a buffer of this size.
const BUFFER_BYTES: usize = 64 << 10;

/// A flow of bytes both ways.
pub(crate) trait Flow: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Flow for T {}

pub(crate) type BoxedFlow = Box<dyn Flow>;

/// A connection on which messages travel.
pub(crate) struct Comm {
    pub(crate) reader: MessageReader,
    pub(crate) writer: MessageWriter,
    peer: Arc<str>,
    compression: Option<Compression>,
}

/// The receiving half of a connection.
pub(crate) struct MessageReader {
    flow: BufReader<ReadHalf<BoxedFlow>>,
    limits: Limits,
    peer: Arc<str>,
    patience: Option<Duration>,
}

/// The sending half of a connection.
pub(crate) struct MessageWriter {
    flow: WriteHalf<BoxedFlow>,
    peer: Arc<str>,
    patience: Option<Duration>,
}

impl Comm {
    /// Exchanges handshakes over a fresh connection.
    pub(crate) async fn open(flow: BoxedFlow, peer: &str, ours: Handshake, limits: Limits) -> Result<Self> {
        let peer: Arc<str> = peer.into();
        let (read, write) = tokio::io::split(flow);
        let flow = BufReader::with_capacity(BUFFER_BYTES, read);
        let mut reader = MessageReader { flow, limits: Limits::handshake(), peer: peer.clone(), patience: None };
        let mut writer = MessageWriter { flow: write, peer: peer.clone(), patience: None };
        // Both sides speak first, so nobody waits here.
        writer.write(&ours.to_value()).await?;
        let theirs = Handshake::from_value(&reader.expect().await?)?;
        reader.limits = limits;
        let compression = ours.agreed_compression(&theirs);
        Ok(Self { reader, writer, peer, compression })
    }

    /// The other side, for messages to people.
    pub(crate) fn peer(&self) -> &str {
        &self.peer
    }

    /// How out-of-band bytes should be compressed on this connection.
    pub(crate) fn compression(&self) -> Option<Compression> {
        self.compression
    }

    /// How long to wait for the next byte, whichever way it goes: an error says then that the other side is silent.
    /// Without a limit a connection that is open is waited for.
    pub(crate) fn set_patience(&mut self, patience: Option<Duration>) {
        (self.reader.patience, self.writer.patience) = (patience, patience);
    }

    /// Sends a request and waits for the answer.
    pub(crate) async fn exchange(&mut self, request: &Value) -> Result<Value> {
        self.writer.write(request).await?;
        self.reader.expect().await
    }
}

impl MessageReader {
    /// The next message; nothing if the other side has closed the connection between two messages.
    ///
    /// A read that is given up half-way leaves the connection useless.
    pub(crate) async fn read(&mut self) -> Result<Option<Value>> {
        let mut head = [0; LENGTH_BYTES];
        let n_bytes = match self.receive(&mut head).await {
            Ok(0) => return Ok(None),
            // Python ends encrypted connections without a word. Between two messages nothing can have been cut off.
            Err(end) if end.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            Ok(n_bytes) => n_bytes,
            Err(source) => return Err(self.broken(source)),
        };
        self.fill(&mut head, n_bytes).await?;
        let unsplit = self.read_bytes(unsplit_bytes(head, &self.limits)?).await?;
        let mut cut = cut_frames(&unsplit, &self.limits)?;
        for n_bytes in cut.missing_bytes {
            cut.frames.push(self.read_bytes(n_bytes).await?);
        }
        decode_message(&cut.frames, &self.limits).map(Some)
    }

    /// The next message, which has to come.
    pub(crate) async fn expect(&mut self) -> Result<Value> {
        self.read().await?.ok_or_else(|| Error::remote(OP, &self.peer, "the other side closed the connection"))
    }

    async fn read_bytes(&mut self, n_bytes: usize) -> Result<Bytes> {
        let mut bytes = fresh::<u8>(n_bytes.min(RESERVED_BYTES))?;
        let mut n_read = 0;
        while n_read < n_bytes {
            if n_read == bytes.len() {
                let mut larger = fresh::<u8>(n_bytes.min(n_read.saturating_mul(GROWTH)))?;
                larger[..n_read].copy_from_slice(&bytes);
                bytes = larger;
            }
            n_read = self.fill_some(&mut bytes, n_read, n_bytes).await?;
        }
        Ok(bytes.into())
    }

    /// Fills bytes from `n_read` on.
    async fn fill(&mut self, bytes: &mut [u8], mut n_read: usize) -> Result<()> {
        while n_read < bytes.len() {
            n_read = self.fill_some(bytes, n_read, bytes.len()).await?;
        }
        Ok(())
    }

    /// Fills some of the bytes from `n_read` on, of `n_bytes` that have to come; gives how many there are then.
    async fn fill_some(&mut self, bytes: &mut [u8], n_read: usize, n_bytes: usize) -> Result<usize> {
        match self.receive(&mut bytes[n_read..]).await.map_err(|source| self.broken(source))? {
            0 => {
                let detail = format!("the connection ended {} bytes before the end of a message", n_bytes - n_read);
                Err(Error::remote(OP, &self.peer, detail))
            }
            n_more => Ok(n_read + n_more),
        }
    }

    async fn receive(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        in_time(self.patience, self.flow.read(bytes)).await
    }

    /// Whether the connection is open and nothing has arrived, as far as can be known without waiting.
    pub(crate) async fn is_quiet(&mut self) -> bool {
        std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut self.flow).poll_fill_buf(context).is_pending())).await
    }

    fn broken(&self, source: std::io::Error) -> Error {
        Error::remote(OP, &self.peer, &source).with_source(source)
    }
}

impl MessageWriter {
    /// Sends one message.
    ///
    /// A write that is given up half-way leaves the connection useless.
    pub(crate) async fn write(&mut self, message: &Value) -> Result<()> {
        let frames = encode_message(message)?;
        for part in join_frames(&frames) {
            let mut rest = &part[..];
            while !rest.is_empty() {
                let written = in_time(self.patience, self.flow.write(rest)).await.and_then(some_bytes);
                rest = &rest[written.map_err(|source| self.broken(source))?..];
            }
        }
        in_time(self.patience, self.flow.flush()).await.map_err(|source| self.broken(source))
    }

    /// Tells the other side that nothing will follow.
    pub(crate) async fn close(&mut self) -> Result<()> {
        self.flow.shutdown().await.map_err(|source| self.broken(source))
    }

    fn broken(&self, source: std::io::Error) -> Error {
        Error::remote(OP, &self.peer, &source).with_source(source)
    }
}

/// Waits for a step of a transfer, but not longer than `patience`.
async fn in_time<T>(patience: Option<Duration>, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let Some(patience) = patience else { return step.await };
    let silence = || io::Error::new(io::ErrorKind::TimedOut, format!("not a byte within {patience:?}"));
    timeout(patience, step).await.unwrap_or_else(|_| Err(silence()))
}

fn some_bytes(n_written: usize) -> io::Result<usize> {
    if n_written == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(n_written) }
}

impl std::fmt::Debug for Comm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Comm").field("peer", &self.peer).field("compression", &self.compression).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::wire::Serialized;
    use super::super::testing::pair;
    use super::*;

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    #[test]
    fn messages_travel_both_ways() {
        block_on(async {
            let (mut left, mut right) = pair().await;
            let large = Bytes::from((0..500_000_u32).map(|i| i as u8).collect::<Vec<_>>());
            let serialized = Value::Serialized(Box::new(Serialized::of_bytes(large.clone(), None)));
            let request = Value::map([("op", "put".into()), ("data", serialized)]);
            let answer = async {
                let message = right.reader.expect().await.unwrap();
                right.writer.write(&"OK".into()).await.unwrap();
                message
            };
            let (reply, received) = tokio::join!(left.exchange(&request), answer);
            assert_eq!(reply.unwrap(), "OK".into());
            let Some(Value::Serialized(data)) = received.get("data") else { panic!("{received:?}") };
            assert_eq!(data.to_bytes(&Limits::default()).unwrap(), large);
        });
    }

    #[test]
    fn the_end_of_a_connection_is_told_from_a_break() {
        block_on(async {
            let (mut left, mut right) = pair().await;
            right.writer.close().await.unwrap();
            assert_eq!(left.reader.read().await.unwrap(), None);
            let (flow, mut raw) = tokio::io::duplex(1 << 10);
            let ours = Handshake::ours(None);
            raw.write_all(&join_frames(&encode_message(&ours.to_value()).unwrap()).concat()).await.unwrap();
            let mut comm = Comm::open(Box::new(flow), "raw", ours, Limits::default()).await.unwrap();
            raw.write_all(&100_u64.to_le_bytes()).await.unwrap();
            drop(raw);
            let error = comm.reader.read().await.unwrap_err();
            assert!(error.is_remote() && error.to_string().contains("100 bytes before the end"), "{error}");
        });
    }

    #[test]
    fn a_peer_that_says_nothing_sensible_is_refused() {
        block_on(async {
            for nonsense in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 16], &[0; 8]] {
                let (flow, mut raw) = tokio::io::duplex(1 << 10);
                raw.write_all(nonsense).await.unwrap();
                assert!(Comm::open(Box::new(flow), "raw", Handshake::ours(None), Limits::default()).await.is_err());
            }
        });
    }

    #[test]
    fn silence_is_an_error_and_slowness_is_not() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (flow, mut raw) = tokio::io::duplex(1 << 20);
            let ours = Handshake::ours(None);
            raw.write_all(&join_frames(&encode_message(&ours.to_value()).unwrap()).concat()).await.unwrap();
            let mut comm = Comm::open(Box::new(flow), "raw", ours, Limits::default()).await.unwrap();
            comm.set_patience(Some(Duration::from_secs(30)));
            let message = join_frames(&encode_message(&"a message of some bytes".into()).unwrap()).concat();
            let slowly = async {
                for byte in &message {
                    tokio::time::sleep(Duration::from_secs(29)).await;
                    raw.write_all(std::slice::from_ref(byte)).await.unwrap();
                }
                raw.write_all(&message[..9]).await.unwrap();
            };
            let (read, ()) = tokio::join!(comm.reader.read(), slowly);
            assert_eq!(read.unwrap(), Some("a message of some bytes".into()));
            let error = comm.reader.read().await.unwrap_err();
            assert!(error.is_remote() && error.to_string().contains("raw: not a byte within 30s"), "{error}");
            // Nobody reads on the other side.
            let large = Value::from(Bytes::from(vec![0; 2 << 20]));
            let error = comm.writer.write(&large).await.unwrap_err();
            assert!(error.to_string().contains("not a byte within 30s"), "{error}");
        });
    }

    #[test]
    fn quiet_connections_are_known() {
        block_on(async {
            let (mut left, mut right) = pair().await;
            assert!(left.reader.is_quiet().await);
            right.writer.write(&"late".into()).await.unwrap();
            assert!(!left.reader.is_quiet().await);
            let (mut left, right) = pair().await;
            drop(right);
            assert!(!left.reader.is_quiet().await);
        });
    }
}
