//! Allocations whose size follows from shapes, not from data at hand: they fail with an error.

use super::Element;
use crate::config::Config;
use crate::error::{Error, Result};

/// An empty vector with room for `n_elems` elements, or an error where memory does not suffice.
pub(crate) fn reserved<T>(op: &'static str, n_elems: u128) -> Result<Vec<T>> {
    let mut vec = Vec::new();
    let n = usize::try_from(n_elems).unwrap_or(usize::MAX);
    match vec.try_reserve_exact(n) {
        Ok(()) => Ok(vec),
        Err(error) => {
            let need_bytes = n_elems.saturating_mul(size_of::<T>() as u128).min(u64::MAX as u128) as u64;
            Err(Error::memory(op, need_bytes, Config::global().memory_bytes()).with_source(error))
        }
    }
}

/// A vector of one value, or an error where memory does not suffice.
pub(crate) fn filled<T: Element>(op: &'static str, n_elems: u128, value: T) -> Result<Vec<T>> {
    // Reserved and given back first: `vec!` takes zeroed pages from the system, but ends the process when it fails.
    drop(reserved::<T>(op, n_elems)?);
    Ok(vec![value; n_elems as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_is_an_error() {
        assert!(filled("to_dense", 1 << 62, 0.0).unwrap_err().is_memory());
        assert!(reserved::<u8>("to_dense", 1 << 100).unwrap_err().is_memory());
        assert_eq!(filled("to_dense", 3, 7).unwrap(), [7; 3]);
    }
}
