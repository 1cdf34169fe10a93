//! Tests of the whole machine: documented races, random events, and a cluster of machines.

mod chaos;
mod cluster;
mod probe;
mod races;
mod scheduler;
mod transfers;
