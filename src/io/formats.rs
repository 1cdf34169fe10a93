//! Files as other processes open them.
//!
//! A format tells where a file is, as an absolute path, and what was found there: element type, shape, and how the numbers
//! lie. The process that opens it looks again and refuses a file that is another. Both must see the same file under the
//! same path, as on a shared file system.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::npy::{NpySource, WriteNpy};
use super::raw::{RawSource, RawSpec};
#[cfg(feature = "zarr")]
use super::zarr::{WriteZarr, ZarrSource};
use crate::block::{BlockSource, SourceFormat};
#[cfg(feature = "zarr")]
use crate::element::DType;
use crate::error::{Error, Result};
use crate::kernel::Registry;

impl Registry {
    /// Adds the crate's formats of files: `.npy`, raw, and Zarr where that feature is on.
    ///
    /// Peers can then have every such file read that this process may read, and blocks written to files that are being saved.
    ///
    /// # Errors
    /// A format has the name of one of them already.
    ///
    /// # Examples
    /// ```
    /// let mut registry = hyperslab::kernel::Registry::new();
    /// registry.register_files()?;
    /// assert!(registry.formats().any(|name| name == "hyperslab.npy"));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn register_files(&mut self) -> Result<()> {
        self.register_own::<WriteNpy>()?;
        #[cfg(feature = "zarr")]
        self.register_own::<WriteZarr>()?;
        self.register_format::<NpyFile>()?;
        self.register_format::<RawFile>()?;
        #[cfg(feature = "zarr")]
        self.register_format::<ZarrFolder>()?;
        Ok(())
    }
}

/// A path that means the same in every folder.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

fn changed(format: &'static str, path: &Path, what: &str) -> Error {
    Error::format(format, format!("{}: {what} here than where the array was opened", path.display()))
        .with_remedy("every process must see the same file under the same path")
}

/// An `.npy` file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NpyFile {
    path: PathBuf,
    len_bytes: u64,
    spec: RawSpec,
}

impl NpyFile {
    pub(super) fn new(path: &Path, len_bytes: u64, spec: &RawSpec) -> Self {
        Self { path: absolute(path), len_bytes, spec: spec.clone() }
    }
}

impl SourceFormat for NpyFile {
    const NAME: &'static str = "hyperslab.npy";

    fn open(&self) -> Result<Arc<dyn BlockSource>> {
        let source = NpySource::open(&self.path)?;
        if *source.raw().spec() != self.spec || source.raw().len_bytes() != self.len_bytes {
            return Err(changed("npy", &self.path, "the file has another header or length"));
        }
        Ok(Arc::new(source))
    }
}

/// Numbers in a file and nothing else.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RawFile {
    path: PathBuf,
    len_bytes: u64,
    spec: RawSpec,
}

impl RawFile {
    pub(super) fn new(path: &Path, len_bytes: u64, spec: &RawSpec) -> Self {
        Self { path: absolute(path), len_bytes, spec: spec.clone() }
    }
}

impl SourceFormat for RawFile {
    const NAME: &'static str = "hyperslab.raw";

    fn open(&self) -> Result<Arc<dyn BlockSource>> {
        let source = RawSource::open(&self.path, self.spec.clone())?;
        if source.len_bytes() != self.len_bytes {
            return Err(changed("raw", &self.path, "the file has another length"));
        }
        Ok(Arc::new(source))
    }
}

/// The folder of a Zarr array.
#[cfg(feature = "zarr")]
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ZarrFolder {
    path: PathBuf,
    dtype: DType,
    shape: Vec<u64>,
}

#[cfg(feature = "zarr")]
impl ZarrFolder {
    pub(super) fn new(path: &Path, dtype: DType, shape: &[u64]) -> Self {
        Self { path: absolute(path), dtype, shape: shape.to_vec() }
    }
}

#[cfg(feature = "zarr")]
impl SourceFormat for ZarrFolder {
    const NAME: &'static str = "hyperslab.zarr";

    fn open(&self) -> Result<Arc<dyn BlockSource>> {
        let source = ZarrSource::open(&self.path)?;
        if source.dtype() != self.dtype || source.shape() != self.shape {
            return Err(changed("zarr", &self.path, "the array has another element type or shape"));
        }
        Ok(Arc::new(source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Array;
    use crate::chunks::Chunks;
    use crate::io::save_npy;

    #[test]
    fn a_file_that_has_changed_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npy");
        let save = |n: i64| save_npy(&Array::<i64>::arange(0, n, 1, Chunks::auto()).unwrap(), &path);
        save(4).unwrap();
        let spec = NpySource::open(&path).unwrap().spec().unwrap();
        let mut registry = Registry::new();
        assert!(registry.open(&spec).unwrap_err().to_string().contains("hyperslab.npy"));
        registry.register_files().unwrap();
        assert!(registry.open(&spec).is_ok());
        std::fs::remove_file(&path).unwrap();
        save(5).unwrap();
        let error = registry.open(&spec).unwrap_err().to_string();
        assert!(error.contains("another header") && error.contains("same file"), "{error}");
        std::fs::remove_file(&path).unwrap();
        assert!(registry.open(&spec).is_err());
    }
}
