//! Clients on real schedulers, and the book under random events.
