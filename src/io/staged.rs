//! Files and folders that appear under their name when they are complete.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::{Error, Result};

/// A path to write to beside the one that is wanted. Renamed into place by [`commit`](Self::commit), removed with all it
/// holds if it is dropped before.
#[derive(Debug)]
pub(super) struct Staged {
    target: PathBuf,
    staging: PathBuf,
    done: AtomicBool,
}

impl Staged {
    /// Chooses a name in the folder of `target`; makes nothing.
    pub(super) fn new(op: &'static str, target: &Path) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name =
            target.file_name().ok_or_else(|| Error::value(op, format!("{} does not name a file", target.display())))?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let staging = format!(".{}.{}-{number}.partial", name.to_string_lossy(), std::process::id());
        Ok(Self { target: target.to_path_buf(), staging: target.with_file_name(staging), done: AtomicBool::new(false) })
    }

    /// Whether a path is where something is written to before it is complete.
    pub(super) fn is_staging(path: &Path) -> bool {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        name.starts_with('.') && name.ends_with(".partial")
    }

    /// Where to write.
    pub(super) fn path(&self) -> &Path {
        &self.staging
    }

    /// The path that is wanted.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Puts what was written in its place; a file that is there is replaced, in one step.
    pub(super) fn commit(&self, op: &'static str) -> Result<()> {
        fs::rename(&self.staging, &self.target).map_err(|error| Error::io(op, &self.target, error))?;
        self.done.store(true, Ordering::Release);
        Ok(())
    }

    /// Puts a folder in its place. One that is there is moved aside before, removed afterwards, and put back if the new one
    /// cannot take its place.
    #[cfg(feature = "zarr")]
    pub(super) fn commit_over_folder(&self, op: &'static str) -> Result<()> {
        if !self.target.exists() {
            return self.commit(op);
        }
        let old = self.staging.with_extension("old");
        let rename = |from: &Path, to: &Path| fs::rename(from, to).map_err(|error| Error::io(op, from, error));
        rename(&self.target, &old)?;
        if let Err(error) = self.commit(op) {
            rename(&old, &self.target)?;
            return Err(error);
        }
        fs::remove_dir_all(&old).map_err(|error| Error::io(op, &old, error))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.done.load(Ordering::Acquire) {
            return;
        }
        // What cannot be removed is left behind: there is nobody to tell.
        let _ = match fs::symlink_metadata(&self.staging) {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&self.staging),
            Ok(_) => fs::remove_file(&self.staging),
            Err(error) => Err(error),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn what_is_not_committed_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a");
        let staged = Staged::new("test", &target).unwrap();
        fs::create_dir(staged.path()).unwrap();
        fs::write(staged.path().join("part"), "x").unwrap();
        drop(staged);
        assert!(names(dir.path()).is_empty());
        let staged = Staged::new("test", &target).unwrap();
        fs::write(staged.path(), "whole").unwrap();
        staged.commit("test").unwrap();
        drop(staged);
        assert_eq!((names(dir.path()), fs::read(&target).unwrap()), (vec!["a".into()], b"whole".to_vec()));
        assert!(Staged::new("test", Path::new("/")).unwrap_err().is_usage());
    }

    #[cfg(feature = "zarr")]
    #[test]
    fn folders_are_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a");
        for round in ["one", "two"] {
            let staged = Staged::new("test", &target).unwrap();
            fs::create_dir(staged.path()).unwrap();
            fs::write(staged.path().join(round), round).unwrap();
            staged.commit_over_folder("test").unwrap();
            assert_eq!((names(dir.path()), names(&target)), (vec!["a".into()], vec![round.to_owned()]));
        }
    }
}
