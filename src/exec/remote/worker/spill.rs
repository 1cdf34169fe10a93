//! Values on disk.
//!
//! A file belongs to one value and has no name: it is removed from its folder before anything is written to it, so that it
//! ends with the process, however that ends. What is read back is checked against a sum of what was written.

use std::fs::{File, OpenOptions, remove_file};
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};

const OP: &str = "spill";

/// Nobody else on the machine may look into a file.
const OWNER_ONLY: u32 = 0o600;

/// The content of one value, on disk.
#[derive(Debug)]
pub(crate) struct SpillFile {
    file: File,
    n_bytes: usize,
    sum: u64,
}

impl SpillFile {
    /// Writes a new file; `folder` is where.
    pub(crate) fn write(folder: &Path, content: &[u8]) -> Result<Self> {
        static N_FILES: AtomicU64 = AtomicU64::new(0);
        let n = N_FILES.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("hyperslab-spill-{}-{n}", std::process::id()));
        let failed = |source| Error::io(OP, &path, source);
        let mut options = OpenOptions::new();
        // A file of that name, or a link somebody has put there, is an error and never followed.
        let options = options.read(true).write(true).create_new(true).mode(OWNER_ONLY);
        let mut file = options.open(&path).map_err(failed)?;
        remove_file(&path).map_err(failed)?;
        file.write_all(content).map_err(failed)?;
        Ok(Self { file, n_bytes: content.len(), sum: xxh3_64(content) })
    }

    pub(crate) fn read(&self) -> Result<Bytes> {
        let mut content = vec![0; self.n_bytes];
        let read = self.file.read_exact_at(&mut content, 0);
        read.map_err(|source| Error::format(OP, "a value on disk cannot be read").with_source(source))?;
        if xxh3_64(&content) == self.sum {
            return Ok(content.into());
        }
        Err(Error::format(OP, format!("{} bytes of a value on disk are not what was written", self.n_bytes)))
    }

    pub(crate) fn n_bytes(&self) -> u64 {
        self.n_bytes as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_no_name_and_keep_their_content() {
        let folder = tempfile::tempdir().unwrap();
        let file = SpillFile::write(folder.path(), b"a block").unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(file.read().unwrap(), "a block");
        assert_eq!(file.n_bytes(), 7);
    }

    #[test]
    fn what_has_changed_on_disk_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let file = SpillFile::write(folder.path(), b"a block").unwrap();
        file.file.write_all_at(b"B", 2).unwrap();
        assert!(file.read().unwrap_err().to_string().contains("not what was written"));
        file.file.set_len(3).unwrap();
        assert!(file.read().unwrap_err().to_string().contains("cannot be read"));
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = SpillFile::write(Path::new("/nowhere/at/all"), b"").unwrap_err();
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    }
}
