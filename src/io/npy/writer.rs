//! Writing blocks to an `.npy` file that another process has made.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::file::PositionedFile;
use super::super::raw::RawSpec;
use super::super::staged::Staged;
use super::super::store::{out_of_reach, written};
use super::header::OP;
use super::sink::NpyTarget;
use crate::block::{Block, BlockLocation};
use crate::error::{Error, Result};
use crate::kernel::NamedKernel;

/// Writes its block to the file of an array that is being saved. It makes no files, and writes to none that is complete.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) struct WriteNpy {
    path: PathBuf,
    spec: RawSpec,
}

impl WriteNpy {
    pub(super) fn new(path: &Path, spec: RawSpec) -> Self {
        Self { path: std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()), spec }
    }

    fn open(&self) -> Result<NpyTarget> {
        let file = PositionedFile::open_to_write(OP, &self.path).map_err(|error| out_of_reach(error, &self.path))?;
        if !Staged::is_staging(&self.path) || file.length() != self.spec.end_bytes()? {
            return Err(Error::format(OP, format!("{} is not the file of this array", self.path.display())));
        }
        Ok(NpyTarget::new(file, &self.path, self.spec.clone()))
    }
}

impl NamedKernel for WriteNpy {
    const NAME: &'static str = "hyperslab.npy.write";

    fn run(&self, blocks: &[Block], at: &BlockLocation) -> Result<Block> {
        written(OP, blocks, at, |block| self.open()?.write(at, block).map(|_| ()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunks::Grid;
    use crate::element::DType;

    fn write(path: &Path, shape: &[u64]) -> Result<Block> {
        let block = Block::from_dense(ndarray::arr1(&[1i16, 2]).into_dyn());
        let at = BlockLocation::new(&Grid::single(&[2]), 0);
        WriteNpy::new(path, RawSpec::new(DType::I16, shape).with_offset_bytes(4)).run(&[block], &at)
    }

    #[test]
    fn only_files_that_are_being_saved_are_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let (staging, complete) = (dir.path().join(".x.npy.1-0.partial"), dir.path().join("x.npy"));
        let error = write(&staging, &[2]).unwrap_err();
        assert!(error.to_string().contains("same folder under the same path"), "{error}");
        for path in [&staging, &complete] {
            std::fs::write(path, [7; 8]).unwrap();
        }
        let done = write(&staging, &[2]).unwrap();
        assert!(done.is_sparse() && done.shape() == [2] && done.dtype() == DType::Bool);
        assert_eq!(std::fs::read(&staging).unwrap(), [&[7; 4][..], &1i16.to_ne_bytes(), &2i16.to_ne_bytes()].concat());
        assert!(write(&complete, &[2]).unwrap_err().to_string().contains("is not the file of this array"));
        assert!(write(&staging, &[3]).unwrap_err().to_string().contains("is not the file of this array"));
        assert!(write(dir.path(), &[2]).unwrap_err().to_string().contains("not a regular file"));
        assert_eq!(std::fs::read(&complete).unwrap(), [7; 8]);
    }
}
