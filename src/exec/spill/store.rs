//! Files for contents, and the room they may take.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

use super::frame::{read_frames, write_frames};

const OP: &str = "spill";

/// Nobody else on the machine may look into a file.
#[cfg(unix)]
const OWNER_ONLY: u32 = 0o600;

/// Bytes go to and come from the operating system in such portions.
const BUFFER_BYTES: usize = 256 << 10;

/// A folder for contents, and how many bytes they may take there. Cloning copies a pointer.
#[derive(Clone, Debug)]
pub(crate) struct SpillStore(Arc<Room>);

#[derive(Debug)]
struct Room {
    folder: PathBuf,
    limit_bytes: u64,
    used_bytes: AtomicU64,
}

/// A content on disk; dropping it gives its room back.
#[derive(Debug)]
pub(crate) struct SpillHandle {
    file: File,
    content_bytes: usize,
    file_bytes: u64,
    room: Arc<Room>,
}

impl SpillStore {
    pub(crate) fn new(folder: impl Into<PathBuf>, limit_bytes: u64) -> Self {
        Self(Arc::new(Room { folder: folder.into(), limit_bytes, used_bytes: AtomicU64::new(0) }))
    }

    /// The bytes that contents take on disk now.
    pub(crate) fn used_bytes(&self) -> u64 {
        self.0.used_bytes.load(Ordering::Relaxed)
    }

    /// Writes a content.
    ///
    /// # Errors
    ///
    /// The disk or the room is full, or the folder cannot be written to. Nothing is left behind then.
    pub(crate) fn write(&self, content: &[u8]) -> Result<SpillHandle> {
        let room = &self.0;
        if room.used_bytes.load(Ordering::Relaxed) >= room.limit_bytes {
            let detail = format!("the limit of {} bytes on disk is reached", room.limit_bytes);
            return Err(Error::io(OP, &room.folder, std::io::Error::new(std::io::ErrorKind::StorageFull, detail)));
        }
        let file = new_file(&room.folder)?;
        let mut sink = BufWriter::with_capacity(BUFFER_BYTES, &file);
        let written = write_frames(content, &mut sink).and_then(|n_bytes| sink.flush().map(|()| n_bytes));
        drop(sink.into_parts());
        let file_bytes = written.map_err(|source| Error::io(OP, &room.folder, source))?;
        room.used_bytes.fetch_add(file_bytes, Ordering::Relaxed);
        Ok(SpillHandle { file, content_bytes: content.len(), file_bytes, room: room.clone() })
    }
}

impl SpillHandle {
    /// The content.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or holds anything but what was written.
    pub(crate) fn read(&self) -> Result<Vec<u8>> {
        let source = FromStart { file: &self.file, at: 0 };
        read_frames(self.content_bytes, &mut BufReader::with_capacity(BUFFER_BYTES, source))
    }

    /// The bytes of the content.
    pub(crate) fn content_bytes(&self) -> u64 {
        self.content_bytes as u64
    }

    /// The bytes it takes on disk.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }
}

impl Drop for SpillHandle {
    fn drop(&mut self) {
        self.room.used_bytes.fetch_sub(self.file_bytes, Ordering::Relaxed);
    }
}

/// A file that has lost its name before anything is written to it.
#[cfg(unix)]
fn new_file(folder: &Path) -> Result<File> {
    use std::fs::{OpenOptions, remove_file};
    use std::os::unix::fs::OpenOptionsExt;
    static N_FILES: AtomicU64 = AtomicU64::new(0);
    let n = N_FILES.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!("hyperslab-spill-{}-{n}", std::process::id()));
    let failed = |source| Error::io(OP, &path, source);
    let mut options = OpenOptions::new();
    // A file of that name, or a link somebody has put there, is an error and never followed.
    let options = options.read(true).write(true).create_new(true).mode(OWNER_ONLY);
    let file = options.open(&path).map_err(failed)?;
    remove_file(&path).map_err(failed)?;
    Ok(file)
}

/// Where files keep their names as long as they are open, nothing is laid aside.
#[cfg(not(unix))]
fn new_file(folder: &Path) -> Result<File> {
    Err(Error::io(OP, folder, std::io::ErrorKind::Unsupported.into()))
}

/// Reads a file from its start, whoever else reads it: several threads may want the same content.
struct FromStart<'a> {
    file: &'a File,
    at: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        #[cfg(unix)]
        let n_bytes = std::os::unix::fs::FileExt::read_at(self.file, buffer, self.at)?;
        #[cfg(not(unix))]
        let n_bytes = (&*self.file).read(buffer)?;
        self.at += n_bytes as u64;
        Ok(n_bytes)
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    fn store(limit_bytes: u64) -> (tempfile::TempDir, SpillStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = SpillStore::new(folder.path(), limit_bytes);
        (folder, store)
    }

    #[test]
    fn what_is_written_is_read_and_leaves_no_name_behind() {
        let (folder, store) = store(u64::MAX);
        let content: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let handle = store.write(&content).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(handle.read().unwrap() == content && handle.read().unwrap() == content);
        assert_eq!(store.used_bytes(), handle.file_bytes());
        drop(handle);
        assert_eq!(store.used_bytes(), 0);
        assert_eq!(store.write(&[]).unwrap().read().unwrap(), b"");
    }

    #[test]
    fn a_file_belongs_to_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, store) = store(u64::MAX);
        let mode = store.write(b"secret").unwrap().file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn damage_is_found() {
        let (_folder, store) = store(u64::MAX);
        let handle = store.write(b"content").unwrap();
        handle.file.write_at(b"X", handle.file_bytes() - 1).unwrap();
        assert!(handle.read().unwrap_err().to_string().contains("damaged"));
        handle.file.set_len(5).unwrap();
        assert!(handle.read().is_err());
    }

    #[test]
    fn a_full_room_and_a_missing_folder_are_errors() {
        let (folder, store) = store(40);
        let first = store.write(&[7; 40]).unwrap();
        let error = store.write(&[7; 40]).unwrap_err();
        assert!(error.to_string().contains("limit of 40 bytes"), "{error}");
        drop(first);
        assert!(store.write(&[7; 40]).is_ok());
        let nowhere = SpillStore::new(folder.path().join("nowhere"), u64::MAX);
        assert!(nowhere.write(b"x").unwrap_err().to_string().contains("nowhere"));
    }
}
