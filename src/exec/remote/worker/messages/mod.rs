//! The messages between a worker, the scheduler and other workers, as typed values.
//!
//! What the scheduler says on its stream becomes events of the machine; what the machine reports becomes messages. A
//! malformed message to the scheduler would make it cut the connection, so all of them are written here and nowhere else.
//!
//! | file | role |
//! |---|---|
//! | `keys` | names of results |
//! | `orders` | the scheduler's stream, read |
//! | `reports` | the worker's stream, written |
//! | `membership` | registering, heartbeats, metrics |
//! | `data` | asking for values and handing them over |

mod data;
mod keys;
mod membership;
mod orders;
mod reports;

#[cfg(test)]
pub(crate) use data::data_found;
pub(crate) use data::{
    DataReply, data_busy, data_or_reasons, data_request, gather_request, is_busy, read_data, read_data_reply,
};
pub(crate) use keys::{key_to_value, keys_from_value, keys_to_value, read_holders};
pub(crate) use membership::{
    Heartbeat, HeartbeatReply, Metrics, Registration, Traffic, USUAL_BANDWIDTH_BPS, read_manifests,
};
pub(crate) use orders::{StreamMessage, read_stream_message};
pub(crate) use reports::report_to_value;
