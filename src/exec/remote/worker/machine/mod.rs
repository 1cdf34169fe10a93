//! What a worker decides, without doing it.
//!
//! [`Machine`] is told [`Event`]s and answers with [`Instruction`]s. It has no threads, clocks or sockets, so that tests can
//! put any order of events to it; and it holds no values: the driver does, and drops what it is told to drop.
//!
//! Three words: an *order* is a task that the scheduler wants computed here, a *copy* is a result computed elsewhere that
//! is wanted here, a *ticket* numbers one execution or one transfer.
//!
//! | file | role |
//! |---|---|
//! | `event` | what the machine is told and answers |
//! | `task` `tasks` | what is known of a result, and how its state follows from that |
//! | `peers` `ready` | who has what, what can start |
//! | `state` `orders` `ends` `start` | the machine: its core, the scheduler's orders, the ends of work, what is started |
//! | `validate` `story` | what always holds; what happened lately |

mod ends;
mod event;
mod orders;
mod peers;
mod ready;
mod start;
mod state;
mod story;
mod task;
mod tasks;
mod validate;

#[cfg(test)]
mod tests;

pub(crate) use crate::exec::spill::MemoryLimits;
pub(crate) use event::{
    Delivery, Event, Failure, Input, Instruction, Order, Outcome, Payload, Product, Report, Span, Status, Ticket,
};
pub(crate) use peers::TransferLimits;
pub(crate) use state::{Machine, Setup};
