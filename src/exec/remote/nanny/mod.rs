//! A process that looks after a worker: starts it again when it dies, ends it when it hangs or takes too much memory.
//!
//! ```text
//!   who starts it ──line──> nanny ──line──> worker
//!                           looks at its memory, hears its beats
//! ```
//!
//! Two words: a *line* is a socket between a process and the one that started it, and its end means that the child should
//! leave; a *beat* is a byte that a worker's event loop sends over it every second. A worker without beats hangs, or has
//! been stopped: it is ended, and the scheduler, which otherwise waits for minutes, gives its tasks to others.
//!
//! | file | role |
//! |---|---|
//! | `policy` | what to do about what is seen; no clock, no processes |
//! | `line` | beats, and being told to leave |
//! | `process` | the nanny's loop |
//! | `program` | what a worker's program does with all this |
//!
//! It is no server: the scheduler cannot ask it for a restart.

mod line;
mod policy;
mod process;
mod program;

pub(crate) use line::Beats;
pub(crate) use {
    policy::NannyPolicy,
    program::{look_after_this_program, run_as_worker},
};
