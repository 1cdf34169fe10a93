//! NumPy's `.npy`: one array in a file, a short header and the numbers behind it.
//!
//! Versions 1 to 3, little-endian and big-endian, row-major and column-major are read; row-major files in the machine's byte
//! order are written, as `numpy.save` does. Reading costs one block of memory, and usually one system call a block.
//!
//! What is not read: object arrays (they hold pickled Python, which runs code when it is loaded), records, strings, dates
//! and half precision floats. Headers above 64 KiB are refused.

mod header;
#[cfg(feature = "mmap")]
mod mapped;
mod sink;
mod source;
mod writer;

#[cfg(feature = "mmap")]
pub use mapped::open_npy_mapped;
pub use sink::{NpySink, save_npy};
pub use source::{NpySource, open_npy};
pub(super) use writer::WriteNpy;
