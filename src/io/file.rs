//! Files that are read and written at given positions, by any number of threads at once.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::graph::Name;

/// Bytes that can be read at any position: a file, or a map of one.
pub(super) trait ReadAt: Debug + Send + Sync {
    /// Where the bytes come from.
    fn path(&self) -> &Path;

    /// The number of bytes when it was opened; it may have shrunk since.
    fn len_bytes(&self) -> u64;

    /// Fills a buffer with the bytes from a position on.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

/// An open file without a cursor.
#[derive(Debug)]
pub(super) struct PositionedFile {
    file: File,
    path: PathBuf,
    len_bytes: u64,
}

impl PositionedFile {
    /// Opens a regular file for reading; anything else (a directory, a pipe) is refused before it can block.
    pub(super) fn open(op: &'static str, path: &Path) -> Result<Self> {
        let metadata = std::fs::metadata(path).map_err(|error| Error::io(op, path, error))?;
        if !metadata.is_file() {
            return Err(Error::format(op, format!("{} is not a regular file", path.display())));
        }
        let open = || -> io::Result<(File, u64)> {
            let file = File::open(path)?;
            let len_bytes = file.metadata()?.len();
            Ok((file, len_bytes))
        };
        let (file, len_bytes) = open().map_err(|error| Error::io(op, path, error))?;
        Ok(Self { file, path: path.to_path_buf(), len_bytes })
    }

    /// A number that differs for files that differ in path, length or time of change.
    pub(super) fn key(&self) -> u128 {
        let path = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        let changed = self.file.metadata().and_then(|metadata| metadata.modified()).ok();
        Name::of(&(path, self.len_bytes, changed)).bits()
    }

    /// Creates a file of a given length that does not exist yet.
    pub(super) fn create(op: &'static str, path: &Path, len_bytes: u64) -> Result<Self> {
        let create = || -> io::Result<File> {
            let file = OpenOptions::new().write(true).create_new(true).open(path)?;
            file.set_len(len_bytes)?;
            Ok(file)
        };
        let file = create().map_err(|error| Error::io(op, path, error))?;
        Ok(Self { file, path: path.to_path_buf(), len_bytes })
    }

    /// Opens a regular file that is there for writing.
    pub(super) fn open_to_write(op: &'static str, path: &Path) -> Result<Self> {
        let metadata = std::fs::symlink_metadata(path).map_err(|error| Error::io(op, path, error))?;
        if !metadata.is_file() {
            return Err(Error::format(op, format!("{} is not a regular file", path.display())));
        }
        let file = OpenOptions::new().write(true).open(path).map_err(|error| Error::io(op, path, error))?;
        Ok(Self { file, path: path.to_path_buf(), len_bytes: metadata.len() })
    }

    /// The number of bytes when it was opened.
    pub(super) fn length(&self) -> u64 {
        self.len_bytes
    }

    /// Writes all bytes at a position.
    pub(super) fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        write_all_at(&self.file, bytes, offset)
    }

    /// Waits until the bytes are on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    pub(super) fn into_shared(self) -> Arc<dyn ReadAt> {
        Arc::new(self)
    }
}

impl ReadAt for PositionedFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        read_exact_at(&self.file, buffer, offset)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                buffer = &mut buffer[n..];
                offset += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_write(file, bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => {
                bytes = &bytes[n..];
                offset += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_independent_and_ends_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bytes");
        let file = PositionedFile::create("test", &path, 6).unwrap();
        file.write_all_at(b"cd", 2).unwrap();
        file.write_all_at(b"ab", 0).unwrap();
        file.sync().unwrap();
        assert!(PositionedFile::create("test", &path, 1).unwrap_err().to_string().starts_with("test: "));
        let file = PositionedFile::open("test", &path).unwrap();
        let mut buffer = [0; 3];
        file.read_exact_at(&mut buffer, 1).unwrap();
        assert_eq!((&buffer, file.len_bytes()), (b"bcd", 6));
        let error = file.read_exact_at(&mut buffer, 4).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(PositionedFile::open("test", dir.path()).unwrap_err().to_string().contains("not a regular file"));
    }
}
