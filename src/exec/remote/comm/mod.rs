//! Connections: sockets, encryption, requests and streams of messages.
//!
//! A [`Comm`] carries messages both ways. What it is used for is one of two things: requests, each with one answer, over
//! connections that a [`RpcPool`] keeps; or a stream, which carries lists of messages both ways without answers.
//!
//! | file | role |
//! |---|---|
//! | `address` | `tls://host:port` |
//! | `channel` | messages over any two-way flow of bytes |
//! | `tcp` | sockets: dialling, listening, liveness |
//! | `timeouts` | how long all that may take |
//! | `tls` | certificates and versions for rustls |
//! | `rpc` | requests and answers |
//! | `serve` | the other side of that: listening, and answering |
//! | `stream` | batches of messages without answers |

// The whole interface of this layer is listed here; not all of it has a user in the layers above yet.
#![allow(unused_imports)]

mod address;
mod channel;
mod rpc;
mod serve;
mod stream;
mod tcp;
#[cfg(test)]
pub(crate) mod testing;
mod timeouts;
mod tls;

pub(crate) use address::{Address, Scheme};
pub(crate) use channel::Comm;
pub(crate) use rpc::{Lease, RpcPool};
pub(crate) use serve::{Answer, Listening};
pub(crate) use stream::{StreamReceiver, StreamSender, open_stream};
pub(crate) use tcp::{Incoming, Listener, Transport};
pub(crate) use timeouts::{LONGEST, Timeouts, read_time};
