//! What opens a source again in another process.

use std::fmt::Debug;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{BlockSource, SlicedSource};
use crate::error::{Error, Result};

/// A storage format whose arrays another process can open: plain data that tells where an array is and what it should be.
///
/// A source gives it away as a [`SourceSpec`] ([`BlockSource::spec`]); a [`Registry`](crate::kernel::Registry) that knows the
/// format turns it into a source again.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use hyperslab::block::{Block, BlockLocation, BlockSource, SourceFormat, SourceSpec};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize)]
/// struct Sevens;
///
/// impl SourceFormat for Sevens {
///     const NAME: &'static str = "example.sevens";
///     fn open(&self) -> hyperslab::Result<Arc<dyn BlockSource>> {
///         Ok(Arc::new(Sevens))
///     }
/// }
///
/// impl BlockSource for Sevens {
///     fn format(&self) -> &'static str { "sevens" }
///     fn read(&self, at: &BlockLocation) -> hyperslab::Result<Block> {
///         Ok(Block::from_dense(ndarray::ArrayD::from_elem(at.shape().unwrap_or_default(), 7i64)))
///     }
///     fn spec(&self) -> Option<SourceSpec> { SourceSpec::of(self).ok() }
/// }
///
/// assert_eq!(Sevens.spec().map(|spec| spec.format().to_owned()).as_deref(), Some("example.sevens"));
/// let mut registry = hyperslab::kernel::Registry::new();
/// registry.register_format::<Sevens>()?;
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub trait SourceFormat: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name under which every process knows the format; unique among the formats of a registry.
    const NAME: &'static str;

    /// Goes up whenever the meaning of the data changes.
    const VERSION: u32 = 1;

    /// Opens the array, and checks that it is the one that is meant as far as that can be told.
    fn open(&self) -> Result<Arc<dyn BlockSource>>;
}

/// What opens a source again: the name of its format, and what the format needs to know.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SourceSpec {
    format: String,
    version: u32,
    params: Vec<u8>,
    /// Where the part begins that is read; empty if all of it is.
    starts: Vec<u64>,
}

impl SourceSpec {
    /// The description of an array of some format.
    ///
    /// # Errors
    /// The format's data does not serialise, such as a path that is not text.
    pub fn of<F: SourceFormat>(format: &F) -> Result<Self> {
        let failed = |error: postcard::Error| Error::value(F::NAME, format!("the format does not serialise: {error}"));
        let params = postcard::to_allocvec(format).map_err(failed)?;
        Ok(Self { format: F::NAME.to_owned(), version: F::VERSION, params, starts: Vec::new() })
    }

    /// The name of the format.
    pub fn format(&self) -> &str {
        &self.format
    }

    /// The version of the format's data.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// What the format needs to know, as bytes.
    pub(crate) fn params(&self) -> &[u8] {
        &self.params
    }

    /// What the format needs to know, if it is this format and all of the array is meant.
    pub(crate) fn whole<F: SourceFormat>(&self) -> Option<F> {
        let is_whole = self.starts.is_empty() && self.format == F::NAME && self.version == F::VERSION;
        if is_whole { postcard::from_bytes(&self.params).ok() } else { None }
    }

    /// The part of the same array that starts at `starts`.
    pub(crate) fn shifted(mut self, starts: &[u64]) -> Self {
        if self.starts.is_empty() {
            self.starts = starts.to_vec();
        } else {
            self.starts.iter_mut().zip(starts).for_each(|(own, start)| *own += start);
        }
        self
    }

    /// The described part of an array that has been opened.
    pub(crate) fn part_of(&self, source: Arc<dyn BlockSource>) -> Arc<dyn BlockSource> {
        if self.starts.is_empty() { source } else { Arc::new(SlicedSource::new(source, self.starts.clone())) }
    }
}
