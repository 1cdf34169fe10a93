//! Cargo features: what each adds and what it costs.
//!
//! Features only add: code that compiles without one compiles with it, and results are the same.
//!
//! | feature | default | adds | costs |
//! |---|---|---|---|
//! | `zarr` | yes | [`io::open_zarr`](crate::io), `save_zarr` and their like: Zarr 2 and 3 read, 3 written | about 85 crates, C and C++ builds (zstd, blosc), about a minute to compile |
//! | `progress` | yes | [`diag::Progress`](crate::diag), `Runtime::progress()` | five small crates |
//! | `mmap` | no | `io::open_npy_mapped`, an `unsafe fn` | one small crate; a file that is cut under a map kills the process |
//! | `remote` | no | `exec::remote`: runs on a dask.distributed scheduler | about 30 crates (clap among them, for the command line of workers), a C and assembly build (ring), half a minute to compile |
//!
//! Without any:
//!
//! ```toml
//! [dependencies]
//! hyperslab = { version = "0.1", default-features = false }
//! ```
//!
//! there are arrays, sparse arrays, all operations, runtimes with budgets and observers, `.npy` and raw files, profiles
//! and task streams; pure Rust but for the allocator of the system.
//!
//! What is always there and often is a feature elsewhere: serde for element types, grids, blocks and sparse arrays;
//! vector math for AVX2 and AVX-512, chosen when the program runs; [`ndarray`](mod@crate::ndarray), which is re-exported, so
//! that its types are those of the version in use:
//!
//! ```
//! use hyperslab::ndarray::arr1;
//! use hyperslab::{Array, Chunks};
//! let x = Array::from_ndarray(arr1(&[1.0, 2.0]), Chunks::auto())?;
//! assert_eq!(x.compute()?, arr1(&[1.0, 2.0]).into_dyn());
//! # Ok::<(), hyperslab::Error>(())
//! ```
