//! The names the protocol uses: keys of results, priorities, addresses of workers.
//!
//! A [`Key`] names a result everywhere in the cluster: a text, a number, or a tuple of keys such as
//! `("sum-3fa", 0, 1)`. A [`Priority`] is a row of numbers, the smaller the sooner. Both come from the scheduler and are
//! only compared and passed on.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// The name of a result, as the scheduler says it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    Int(i64),
    /// The bits of a number.
    Float(u64),
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
    Tuple(Arc<[Key]>),
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for Key {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(bits) => write!(f, "{:?}", f64::from_bits(*bits)),
            Self::Text(text) => f.write_str(text),
            Self::Bytes(bytes) => write!(f, "{bytes:?}"),
            Self::Tuple(items) => {
                f.write_str("(")?;
                for (i, item) in items.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{item}")?;
                }
                f.write_str(")")
            }
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

/// When a task is due in comparison with others: rows of numbers in dictionary order, the smallest first.
#[derive(Clone, Debug)]
pub(crate) struct Priority(Arc<[f64]>);

impl Priority {
    pub(crate) fn new(numbers: &[f64]) -> Self {
        Self(numbers.into())
    }

    /// The same priority with one more number behind, which decides between equals.
    pub(crate) fn followed_by(&self, number: f64) -> Self {
        Self(self.0.iter().copied().chain([number]).collect())
    }
}

impl Ord for Priority {
    fn cmp(&self, other: &Self) -> Ordering {
        let pairs = self.0.iter().zip(other.0.iter());
        let first_difference = pairs.map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne());
        first_difference.unwrap_or_else(|| self.0.len().cmp(&other.0.len()))
    }
}

impl PartialOrd for Priority {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Priority {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Priority {}

/// Where a worker listens, `tcp://host:port`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Address(Arc<str>);

impl Address {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The address without its scheme and port.
    pub(crate) fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or(&*self.0, |(_, rest)| rest);
        rest.rsplit_once(':').map_or(rest, |(host, _)| host)
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_are_ordered_like_words() {
        let p = Priority::new;
        assert!(p(&[0.0, 5.0]) < p(&[1.0]));
        assert!(p(&[1.0]) < p(&[1.0, -3.0]));
        assert!(p(&[1.0]).followed_by(-2.0) < p(&[1.0]).followed_by(-1.0));
        assert_eq!(p(&[2.0]), p(&[2.0]));
    }

    #[test]
    fn hosts() {
        assert_eq!(Address::from("tcp://10.0.0.1:8786").host(), "10.0.0.1");
        assert_eq!(Address::from("tls://[::1]:80").host(), "[::1]");
        assert_eq!(Address::from("node").host(), "node");
    }

    #[test]
    fn keys_read_as_in_python() {
        let key = Key::Tuple([Key::from("sum-3fa"), Key::from(0), Key::from(1)].into());
        assert_eq!(key.to_string(), "(sum-3fa, 0, 1)");
    }
}
