//! Messages over any two-way flow of bytes.
//!
//! The memory for a frame grows with the bytes that have arrived, whatever length was claimed.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadHalf, WriteHalf};

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
}

/// The sending half of a connection.
pub(crate) struct MessageWriter {
    flow: WriteHalf<BoxedFlow>,
    peer: Arc<str>,
}

impl Comm {
    /// Exchanges handshakes over a fresh connection.
    pub(crate) async fn open(flow: BoxedFlow, peer: &str, ours: Handshake, limits: Limits) -> Result<Self> {
        let peer: Arc<str> = peer.into();
        let (read, write) = tokio::io::split(flow);
        let flow = BufReader::with_capacity(BUFFER_BYTES, read);
        let mut reader = MessageReader { flow, limits: Limits::handshake(), peer: peer.clone() };
        let mut writer = MessageWriter { flow: write, peer: peer.clone() };
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
        let n_bytes = match self.flow.read(&mut head).await {
            Ok(0) => return Ok(None),
            // Python ends encrypted connections without a word. Between two messages nothing can have been cut off.
            Err(end) if end.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            Ok(n_bytes) => n_bytes,
            Err(source) => return Err(self.broken(source)),
        };
        self.flow.read_exact(&mut head[n_bytes..]).await.map_err(|source| self.broken(source))?;
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
            let n_more = self.flow.read(&mut bytes[n_read..]).await.map_err(|source| self.broken(source))?;
            if n_more == 0 {
                let detail = format!("the connection ended {} bytes before the end of a message", n_bytes - n_read);
                return Err(Error::remote(OP, &self.peer, detail));
            }
            n_read += n_more;
        }
        Ok(bytes.into())
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
            self.flow.write_all(&part).await.map_err(|source| self.broken(source))?;
        }
        self.flow.flush().await.map_err(|source| self.broken(source))
    }

    /// Tells the other side that nothing will follow.
    pub(crate) async fn close(&mut self) -> Result<()> {
        self.flow.shutdown().await.map_err(|source| self.broken(source))
    }

    fn broken(&self, source: std::io::Error) -> Error {
        Error::remote(OP, &self.peer, &source).with_source(source)
    }
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
