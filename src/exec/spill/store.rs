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

/// How many names for a new file are tried.
#[cfg(unix)]
const MOST_NAMES: usize = 100;

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
        room.take(0).map_err(|source| Error::io(OP, &room.folder, source))?;
        let file = new_file(&room.folder)?;
        // From here on it gives back what it has taken, whatever happens.
        let mut handle = SpillHandle { file, content_bytes: content.len(), file_bytes: 0, room: room.clone() };
        let sink = InRoom { file: &handle.file, room, taken_bytes: &mut handle.file_bytes };
        let mut sink = BufWriter::with_capacity(BUFFER_BYTES, sink);
        let written = write_frames(content, &mut sink).and_then(|_| sink.flush());
        // What could not be written is not tried again.
        drop(sink.into_parts());
        written.map_err(|source| Error::io(OP, &room.folder, source))?;
        Ok(handle)
    }
}

impl Room {
    /// Takes room for some more bytes.
    fn take(&self, n_bytes: u64) -> std::io::Result<()> {
        let fits =
            |used: u64| used.checked_add(n_bytes).filter(|&sum| sum <= self.limit_bytes && used < self.limit_bytes);
        let taken = self.used_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        taken.map(drop).map_err(|used| {
            let limit = self.limit_bytes;
            let detail =
                format!("the limit of {limit} bytes on disk: {used} are in use and {n_bytes} more were to come");
            std::io::Error::new(std::io::ErrorKind::StorageFull, detail)
        })
    }
}

/// A file that takes room as it grows.
struct InRoom<'a> {
    file: &'a File,
    room: &'a Room,
    taken_bytes: &'a mut u64,
}

impl Write for InRoom<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.room.take(bytes.len() as u64)?;
        *self.taken_bytes += bytes.len() as u64;
        // A part of it may be written, and the rest then comes again: what was taken for it is given back.
        let written = (&*self.file).write(bytes);
        let unused_bytes = (bytes.len() - written.as_ref().map_or(0, |&n| n)) as u64;
        *self.taken_bytes -= unused_bytes;
        self.room.used_bytes.fetch_sub(unused_bytes, Ordering::Relaxed);
        written
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
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

    /// What a disk does that forgets.
    #[cfg(test)]
    pub(crate) fn damage(&self) {
        self.file.set_len(0).expect("the file is open for writing");
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
    static N_FILES: AtomicU64 = AtomicU64::new(0);
    let names = (0..MOST_NAMES).map(|_| {
        let n = N_FILES.fetch_add(1, Ordering::Relaxed);
        format!("hyperslab-spill-{}-{n}", std::process::id())
    });
    new_file_called(folder, names)
}

/// Under the first of the names that nothing has: a process of that number in another container, or one that was killed
/// between two steps, may have left the others.
#[cfg(unix)]
fn new_file_called(folder: &Path, mut names: impl Iterator<Item = String>) -> Result<File> {
    use std::fs::{OpenOptions, remove_file};
    use std::io::ErrorKind::AlreadyExists;
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    // A file of that name, or a link somebody has put there, is never opened or followed.
    let options = options.read(true).write(true).create_new(true).mode(OWNER_ONLY);
    let mut taken = Error::io(OP, folder, AlreadyExists.into());
    let mut next = || names.next().map(|name| folder.join(name));
    while let Some(path) = next() {
        match options.open(&path) {
            Ok(file) => return remove_file(&path).map(|()| file).map_err(|source| Error::io(OP, &path, source)),
            Err(source) if source.kind() == AlreadyExists => taken = Error::io(OP, &path, source),
            Err(source) => return Err(Error::io(OP, &path, source)),
        }
    }
    Err(taken)
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
    fn names_that_others_have_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let names = || ["left", "link", "free"].into_iter().map(str::to_owned);
        std::fs::write(folder.path().join("left"), "by another").unwrap();
        std::os::unix::fs::symlink(folder.path().join("left"), folder.path().join("link")).unwrap();
        assert_eq!(new_file_called(folder.path(), names()).unwrap().metadata().unwrap().len(), 0);
        assert_eq!(std::fs::read(folder.path().join("left")).unwrap(), b"by another");
        assert!(!folder.path().join("free").exists());
        let error = new_file_called(folder.path(), names().take(2)).unwrap_err().to_string();
        assert!(error.contains("link"), "{error}");
    }

    #[test]
    fn a_full_room_and_a_missing_folder_are_errors() {
        let (folder, room) = store(80);
        let first = room.write(&[7; 40]).unwrap();
        let used_bytes = first.file_bytes();
        let error = room.write(&[7; 40]).unwrap_err();
        assert!(error.to_string().contains("limit of 80 bytes"), "{error}");
        assert_eq!(room.used_bytes(), used_bytes, "what was begun with is given back");
        drop(first);
        assert!(room.write(&[7; 40]).is_ok() && room.used_bytes() == 0);
        let large: Vec<u8> = (0..1_000_000_u32).flat_map(|i| i.wrapping_mul(0x9e37_79b9).to_le_bytes()).collect();
        let (_folder, small) = store(3 << 20);
        assert!(small.write(&large).unwrap_err().to_string().contains("limit of 3145728 bytes"));
        assert_eq!(small.used_bytes(), 0);
        let nowhere = SpillStore::new(folder.path().join("nowhere"), u64::MAX);
        assert!(nowhere.write(b"x").unwrap_err().to_string().contains("nowhere"));
    }
}
