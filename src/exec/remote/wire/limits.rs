//! What a peer may claim before anything is allocated for it.

/// Limits on one message.
///
/// A length in a message is a claim. Nothing is allocated for a claim beyond these limits, and nothing for bytes that have
/// not arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// All frames of one message.
    pub(crate) message_bytes: u64,
    /// The frames of one message.
    pub(crate) n_frames: usize,
    /// Bytes that one compressed frame may become.
    pub(crate) decompressed_bytes: usize,
    /// Values in one message, out-of-band headers and frames included.
    pub(crate) n_values: usize,
    /// Containers within containers.
    pub(crate) depth: usize,
}

impl Default for Limits {
    /// Large enough for graphs of a million tasks and for blocks of some gigabytes.
    fn default() -> Self {
        Self { message_bytes: 16 << 30, n_frames: 1 << 20, decompressed_bytes: 1 << 30, n_values: 1 << 24, depth: 128 }
    }
}

impl Limits {
    /// For processes that are asked small things and keep no data.
    pub(crate) fn requests() -> Self {
        Self { message_bytes: 16 << 20, n_frames: 1 << 10, decompressed_bytes: 0, n_values: 1 << 16, depth: 128 }
    }

    /// For the first message of a connection, which says three things.
    pub(crate) fn handshake() -> Self {
        Self { message_bytes: 64 << 10, n_frames: 8, decompressed_bytes: 0, n_values: 1 << 10, depth: 8 }
    }
}
