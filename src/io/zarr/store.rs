//! The folder of an array: keys to files, and no way out of it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::super::file::{PositionedFile, ReadAt};
use super::OP;
use crate::error::{Error, Result};

/// The most metadata that is read: far above any array's, far below any memory.
const MAX_METADATA_BYTES: u64 = 1 << 20;

/// A folder that is only read.
#[derive(Debug)]
pub(super) struct Store {
    /// Without links and dots, so that paths can be compared with it.
    root: PathBuf,
}

impl Store {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let root = path.canonicalize().map_err(|error| Error::io(OP, path, error))?;
        if !root.is_dir() {
            return Err(Error::format(OP, format!("{} is not a folder", path.display())));
        }
        Ok(Self { root })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The file under a key, if there is one. A key or a link that leads out of the folder is an error.
    pub(super) fn file(&self, key: &str) -> Result<Option<PositionedFile>> {
        let path = self.root.join(key);
        let real = match path.canonicalize() {
            Ok(real) => real,
            // A file where a folder is due holds no chunks either.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(Error::io(OP, &path, error)),
        };
        if !real.starts_with(&self.root) {
            let detail = format!("{} leads out of the folder, to {}", path.display(), real.display());
            return Err(Error::format(OP, detail));
        }
        PositionedFile::open(OP, &real).map(Some)
    }

    /// The text under a key, if there is any.
    pub(super) fn metadata(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let path = self.root.join(key);
        let Some(file) = self.file(key)? else { return Ok(None) };
        if file.len_bytes() > MAX_METADATA_BYTES {
            let detail = format!("{}: more than {MAX_METADATA_BYTES} bytes of metadata", path.display());
            return Err(Error::format(OP, detail));
        }
        let mut text = vec![0; file.len_bytes() as usize];
        file.read_exact_at(&mut text, 0).map_err(|error| Error::io(OP, &path, error))?;
        Ok(Some(text))
    }
}
