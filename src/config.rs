//! Settings and their defaults; the only file that reads the environment.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `HYPERSLAB_THREADS` | threads of a run | the rayon pool's |
//! | `HYPERSLAB_MEMORY_BYTES` | memory budget of a run | half of the machine's memory |
//! | `HYPERSLAB_CHUNK_BYTES` | byte target of `Chunks::auto()` | 8 MiB |
//! | `HYPERSLAB_DASK_PYTHON` | the Python that runs schedulers (feature `remote`) | the first one found |

#[cfg(feature = "remote")]
use std::path::PathBuf;
use std::sync::OnceLock;

#[cfg(feature = "remote")]
use crate::error::{Error, Result};

/// Settings that hold for the whole process, read once.
#[derive(Clone, Debug)]
pub struct Config {
    threads: Option<usize>,
    memory_bytes: u64,
    chunk_bytes: u64,
}

impl Config {
    /// The process-wide settings: defaults overridden by the environment, read at the first call.
    pub fn global() -> &'static Config {
        static GLOBAL: OnceLock<Config> = OnceLock::new();
        GLOBAL.get_or_init(|| Config::from_lookup(|name| std::env::var(name).ok()))
    }

    /// Settings from any source of variables; values that do not parse are ignored.
    pub(crate) fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let number = |name: &str| lookup(name).and_then(|text| text.trim().parse::<u64>().ok()).filter(|&n| n > 0);
        Self {
            threads: number("HYPERSLAB_THREADS").map(|n| n as usize),
            memory_bytes: number("HYPERSLAB_MEMORY_BYTES").unwrap_or_else(|| machine_memory_bytes() / 2),
            chunk_bytes: number("HYPERSLAB_CHUNK_BYTES").unwrap_or(8 << 20),
        }
    }

    /// Threads of a run, if set.
    pub fn threads(&self) -> Option<usize> {
        self.threads
    }

    /// Memory budget of a run in bytes.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// Byte target of one block under `Chunks::auto()`.
    pub fn chunk_bytes(&self) -> u64 {
        self.chunk_bytes
    }
}

/// What the environment says about a setting of dask: `distributed.comm.tls.ca-file` is found under
/// `DASK_DISTRIBUTED__COMM__TLS__CA_FILE`.
#[cfg(feature = "remote")]
pub(crate) fn dask_variable(name: &str) -> Option<String> {
    std::env::var(dask_variable_name(name)).ok()
}

/// What a setting of dask says, if anything: quotes and the words for nothing are not part of it.
#[cfg(feature = "remote")]
pub(crate) fn dask_text(lookup: impl Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    let text = lookup(name)?;
    let text = text.trim().trim_matches(['"', '\'']);
    (!matches!(text, "" | "None" | "none" | "null")).then(|| text.to_owned())
}

/// What a setting of dask stands for; nothing if it is not set.
///
/// # Errors
/// Its text cannot be read: `complaint` goes on after the text, `remedy` says what to set it to.
#[cfg(feature = "remote")]
pub(crate) fn dask_setting<T>(
    lookup: impl Fn(&str) -> Option<String>,
    name: &str,
    read: impl Fn(&str) -> Option<T>,
    (complaint, remedy): (&str, &str),
) -> Result<Option<T>> {
    let Some(text) = dask_text(lookup, name) else { return Ok(None) };
    read(&text).map(Some).ok_or_else(|| {
        let error = Error::value("settings", format!("`{name}` is {text:?}, {complaint}"));
        error.with_remedy(format!("set {} to {remedy}", dask_variable_name(name)))
    })
}

/// The Python that runs schedulers, if one is named.
#[cfg(feature = "remote")]
pub(crate) fn dask_python() -> Option<PathBuf> {
    std::env::var_os("HYPERSLAB_DASK_PYTHON").filter(|name| !name.is_empty()).map(PathBuf::from)
}

/// Where this crate may keep what can be made again.
#[cfg(feature = "remote")]
pub(crate) fn cache_folder() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|name| !name.is_empty()).map(PathBuf::from);
    let caches = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")));
    caches.map(|caches| caches.join("hyperslab"))
}

#[cfg(any(feature = "remote", test))]
fn dask_variable_name(name: &str) -> String {
    format!("DASK_{}", name.to_uppercase().replace('.', "__").replace('-', "_"))
}

/// Total memory of the machine; 8 GiB where it cannot be read.
pub(crate) fn machine_memory_bytes() -> u64 {
    const FALLBACK_BYTES: u64 = 8 << 30;
    let Ok(text) = std::fs::read_to_string("/proc/meminfo") else { return FALLBACK_BYTES };
    text.lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|kib| kib.parse::<u64>().ok())
        .map_or(FALLBACK_BYTES, |kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_overrides_defaults_and_bad_values_are_ignored() {
        let config = Config::from_lookup(|name| match name {
            "HYPERSLAB_THREADS" => Some("3".into()),
            "HYPERSLAB_CHUNK_BYTES" => Some("many".into()),
            _ => None,
        });
        assert_eq!(config.threads(), Some(3));
        assert_eq!(config.chunk_bytes(), 8 << 20);
        assert!(config.memory_bytes() > 0);
    }

    #[test]
    fn settings_of_dask_have_its_variables() {
        assert_eq!(dask_variable_name("distributed.comm.tls.ca-file"), "DASK_DISTRIBUTED__COMM__TLS__CA_FILE");
    }
}
