//! Guides: what the reference of single items does not tell. All code in them is compiled and run by the tests.
//!
//! | guide | for whom |
//! |---|---|
//! | [`cookbook`] | who has a task and wants the lines that do it |
//! | [`numpy`] | who knows NumPy, dask.array or the Python package `sparse` |
//! | [`memory`] | who has more data than memory |
//! | `remote` (with the feature of that name) | who has a cluster, or several processes on one machine |
//! | [`features`] | who chooses cargo features |
//! | [`architecture`] | who reads or changes the code of this crate |

pub mod architecture;
pub mod cookbook;
pub mod features;
pub mod memory;
pub mod numpy;
#[cfg(feature = "remote")]
pub mod remote;
