//! Files: where arrays come from and go to.
//!
//! Each format is a [`BlockSource`](crate::block::BlockSource) that reads blocks when a run needs them, and a
//! [`BlockSink`](crate::block::BlockSink) that writes blocks as they are made; nothing ever holds a whole array. A file is
//! believed only as far as it can be checked: sizes are compared with the length of the file before memory is asked for,
//! and a file that is not what it claims to be gives an error that names it.
//!
//! | file | format |
//! |---|---|
//! | `npy` | NumPy's `.npy`, all versions, either byte order, row-major or column-major |
//! | `raw` | numbers in a file and nothing else |
//! | `zarr` | Zarr versions 2 and 3, with sharding; feature `zarr` |
//!
//! `formats` opens the same files in other processes, and `connect` (feature `remote`) knows clusters of them.
//!
//! What is written appears under its name when it is complete, never in part.

#[cfg(feature = "remote")]
mod connect;
mod file;
mod formats;
mod npy;
mod raw;
mod runs;
mod staged;
mod store;
#[cfg(feature = "zarr")]
mod zarr;

#[cfg(feature = "mmap")]
pub use npy::open_npy_mapped;
pub use npy::{NpySink, NpySource, open_npy, save_npy};
pub use raw::{RawSource, RawSpec, open_raw};
#[cfg(feature = "zarr")]
pub use zarr::{ZarrOptions, ZarrSink, ZarrSource, open_zarr, open_zarr_with, save_zarr, save_zarr_with};
