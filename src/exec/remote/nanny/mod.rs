//! A process that looks after a worker: starts it again when it dies, ends it when it hangs or takes too much memory, and
//! replaces it when the scheduler asks for that.
//!
//! ```text
//!   who starts it ──line──> nanny ──line──> worker
//!                           ^   looks at its memory, hears its beats
//!   scheduler ── requests ──┘
//! ```
//!
//! Three words: a *line* is a socket between a process and the one that started it, and its end means that the child should
//! leave; a *beat* is what a worker's event loop says over it every second: where the worker has joined; the *desk* is where
//! requests wait for the nanny's loop. A worker without beats hangs, one that a signal has stopped does not go on: both are
//! ended, and the scheduler, which otherwise waits for minutes, gives their tasks to others.
//!
//! The worker tells the scheduler where its nanny listens: on the same interface as the worker, under the same rules for
//! encryption. That is what `Client.restart` and `Client.restart_workers` of Python, and
//! [`Client::restart`](super::Client::restart), go through.
//!
//! | file | role |
//! |---|---|
//! | `policy` | what to do about what is seen; no clock, no processes |
//! | `line` | beats, and being told to leave |
//! | `desk` | what has been asked and is not done |
//! | `server` | the listener: what can be asked |
//! | `process` | the nanny's loop |
//! | `program` | what a worker's program does with all this |
//!
//! It runs no code that is sent to it, has no plugins, and tells nobody its environment.

mod desk;
mod line;
mod policy;
mod process;
mod program;
mod server;

pub(crate) use line::Beats;
pub(crate) use {
    policy::NannyPolicy,
    program::{look_after_this_program, run_as_worker},
};
