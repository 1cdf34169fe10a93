//! Names of expressions: a 128-bit hash of what they compute.
//!
//! Two expressions with one name compute the same array: the same operation with the same parameters on inputs of the
//! same names. That gives common subexpressions, the names of persisted blocks and the keys on a cluster. What cannot be
//! compared (a closure, an array that may be shared) gets a fresh name.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3Default;

/// The name of an expression.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<f64>::arange(0.0, 4.0, 1.0, Chunks::size(2))?;
/// assert_eq!(x.exp().name(), x.exp().name());
/// assert_ne!(x.exp().name(), x.sin().name());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Name(u128);

impl Name {
    /// The name of anything that can be hashed.
    pub(crate) fn of(value: &impl Hash) -> Name {
        let mut hasher = Xxh3Default::new();
        value.hash(&mut hasher);
        Name(hasher.digest128())
    }

    /// A name that no other expression has, of this process or of any other: names are keys on a cluster.
    pub(crate) fn fresh() -> Name {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        static PROCESS: OnceLock<[u64; 2]> = OnceLock::new();
        // The standard library seeds its hash maps from the system's random numbers; process numbers alone repeat.
        let process = PROCESS.get_or_init(|| [(); 2].map(|()| RandomState::new().hash_one(std::process::id())));
        Name::of(&("fresh", process, NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    /// The name as a number.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::arange(0.0, 4.0, 1.0, Chunks::size(2))?;
    /// assert_ne!(x.exp().name().bits(), x.name().bits());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn bits(self) -> u128 {
        self.0
    }

    /// The variable of a length that the expression of this name decides.
    pub(crate) fn size_var(self) -> crate::chunks::SizeVar {
        crate::chunks::SizeVar(self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0 as u32)
    }
}

/// Lets a `Hasher` be fed through a trait object.
pub(crate) struct DynHasher<'a>(pub &'a mut dyn Hasher);

impl Hasher for DynHasher<'_> {
    fn finish(&self) -> u64 {
        self.0.finish()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_a_name_and_fresh_ones_do_not() {
        assert_eq!(Name::of(&(1, "a")), Name::of(&(1, "a")));
        assert_ne!(Name::of(&(1, "a")), Name::of(&(1, "b")));
        assert_ne!(Name::fresh(), Name::fresh());
    }
}
