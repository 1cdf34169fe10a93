//! Clients on stock schedulers, and the book under random events.

mod book;
mod cluster;
mod faults;
mod silence;
mod work;
