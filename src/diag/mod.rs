//! Watching runs: progress, profiles, task streams.
//!
//! Each of them is an [`Observer`](crate::exec::Observer) that is given to a [`Runtime`](crate::exec::Runtime). A run without
//! observers reads no clock; one with them pays for two clock readings and a short lock a task.
//!
//! | what | answers |
//! |---|---|
//! | [`Progress`] (feature `progress`) | how far is it, when will it end? |
//! | [`Profile`] | which operations took the time, and how much memory was live? |
//! | [`TaskStream`] | what did each thread do when? A file for `chrome://tracing` or Perfetto |
//!
//! ```
//! use std::sync::Arc;
//! use hyperslab::diag::Profile;
//! use hyperslab::exec::Runtime;
//! let profile = Arc::new(Profile::new());
//! let runtime = Runtime::local().observer(profile.clone());
//! assert_eq!(profile.n_tasks(), 0);
//! # let _ = runtime;
//! ```

mod profile;
#[cfg(feature = "progress")]
mod progress;
mod task_stream;
#[cfg(test)]
mod testing;
mod units;

pub use profile::{OpStats, Profile};
#[cfg(feature = "progress")]
pub use progress::Progress;
pub use task_stream::TaskStream;
