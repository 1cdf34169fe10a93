//! Connections in memory for the tests.

use tokio::io::DuplexStream;

use super::channel::Comm;
use crate::exec::remote::wire::{Handshake, Limits};

/// Two ends of a connection.
pub(crate) async fn pair() -> (Comm, Comm) {
    let (left, right) = tokio::io::duplex(1 << 16);
    let open = |flow: DuplexStream, peer| Comm::open(Box::new(flow), peer, Handshake::ours(None), Limits::default());
    let (left, right) = tokio::join!(open(left, "right"), open(right, "left"));
    (left.expect("as the test set it up"), right.expect("as the test set it up"))
}
