//! Blocks that a cluster keeps.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::block::{BlockSource, SourceFormat, SourceSpec};
use crate::error::{Error, Result};
use crate::kernels::{Kernel, Read};

/// The results of a layer that stay where they were computed: tasks of the same cluster read them by their keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldBlocks {
    /// Tells clusters apart.
    pub(crate) cluster: u128,
    /// What the keys of the blocks begin with.
    pub(crate) group: String,
}

impl SourceFormat for HeldBlocks {
    const NAME: &'static str = "hyperslab.held";

    fn open(&self) -> Result<Arc<dyn BlockSource>> {
        Err(Error::format("open", format!("{} is known by its keys alone", self.group)))
    }
}

impl HeldBlocks {
    /// The blocks that a kernel reads, if `cluster` keeps them.
    ///
    /// # Errors
    /// Another cluster keeps them; `op` is what the user called.
    pub(super) fn read_by(op: &str, kernel: &Kernel, cluster: Option<u128>) -> Result<Option<Self>> {
        let Kernel::Read(Read { source, .. }) = kernel else { return Ok(None) };
        let spec: Option<SourceSpec> = source.spec();
        let Some(held) = spec.and_then(|spec| spec.whole::<Self>()) else { return Ok(None) };
        if Some(held.cluster) == cluster {
            return Ok(Some(held));
        }
        Err(Error::not_portable(
            op,
            "the blocks are kept by another cluster",
            "compute the array in that cluster's runtime, or persist it in a runtime of threads first",
        ))
    }
}
