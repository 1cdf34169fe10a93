//! Keys: the C-order position of an entry as one integer, in the narrowest of three widths.
//!
//! An array of shape `(3, 4)` numbers its elements 0 to 11; the entry at `(1, 2)` has key `1 * 4 + 2 = 6`. Sorted keys
//! are sorted coordinates, so merging, searching and grouping compare one integer instead of a tuple. The width follows
//! from the shape alone, hence arrays of one shape always have keys of one width:
//!
//! | elements of the shape | key |
//! |---|---|
//! | up to 2^32 | `u32` |
//! | up to 2^64 | `u64` |
//! | below 2^128 | `u128` |
//!
//! Kernels are written once over [`Key`] and entered through [`with_width!`].

use std::borrow::Cow;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use num_traits::{PrimInt, Unsigned, WrappingAdd, WrappingMul};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, Shown};

/// An unsigned integer that keys are made of.
pub(crate) trait Key:
    PrimInt + Unsigned + WrappingAdd + WrappingMul + Hash + Debug + Default + Send + Sync + 'static
{
    /// The width that arrays of these keys have.
    const WIDTH: Width;

    /// The low bits of a wider number.
    fn truncate(wide: u128) -> Self;
    fn widen(self) -> u128;
    fn to_usize_lossy(self) -> usize;
    fn from_usize_lossy(index: usize) -> Self;
    /// The high half of the product.
    fn mul_high(self, other: Self) -> Self;
    /// Wraps sorted keys.
    fn wrap(keys: Vec<Self>) -> Keys;
    /// The keys as this width: borrowed if they have it, converted if they are narrower.
    fn view(keys: &Keys) -> Cow<'_, [Self]>;
}

/// The width of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Width {
    U32,
    U64,
    U128,
}

/// The keys of all entries of an array, strictly ascending. Cloning copies a pointer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Keys {
    U32(Arc<Vec<u32>>),
    U64(Arc<Vec<u64>>),
    U128(Arc<Vec<u128>>),
}

/// Evaluates `body` with `$k` bound to the typed keys behind a `Keys`.
macro_rules! with_keys {
    ($keys:expr, $k:ident => $body:expr) => {
        match $keys {
            $crate::sparse::keys::Keys::U32($k) => $body,
            $crate::sparse::keys::Keys::U64($k) => $body,
            $crate::sparse::keys::Keys::U128($k) => $body,
        }
    };
}
pub(crate) use with_keys;

/// Evaluates `body` with the type alias `$K` for the key type of a `Width`.
macro_rules! with_width {
    ($width:expr, $K:ident => $body:expr) => {
        match $width {
            $crate::sparse::keys::Width::U32 => {
                type $K = u32;
                $body
            }
            $crate::sparse::keys::Width::U64 => {
                type $K = u64;
                $body
            }
            $crate::sparse::keys::Width::U128 => {
                type $K = u128;
                $body
            }
        }
    };
}
pub(crate) use with_width;

impl Width {
    /// The narrowest width that numbers `n_elems` elements.
    pub(crate) fn of(n_elems: u128) -> Width {
        match n_elems.saturating_sub(1) {
            last if last <= u32::MAX as u128 => Width::U32,
            last if last <= u64::MAX as u128 => Width::U64,
            _ => Width::U128,
        }
    }

    /// The width of the keys of a shape.
    pub(crate) fn of_shape(op: &'static str, shape: &[u64]) -> Result<Width> {
        n_elems(op, shape).map(Width::of)
    }
}

impl Keys {
    pub(crate) fn empty(width: Width) -> Keys {
        with_width!(width, K => K::wrap(Vec::new()))
    }

    pub(crate) fn len(&self) -> usize {
        with_keys!(self, keys => keys.len())
    }

    pub(crate) fn width(&self) -> Width {
        match self {
            Keys::U32(_) => Width::U32,
            Keys::U64(_) => Width::U64,
            Keys::U128(_) => Width::U128,
        }
    }

    pub(crate) fn n_bytes(&self) -> usize {
        with_keys!(self, keys => size_of_val(keys.as_slice()))
    }

    /// The key at a position.
    pub(crate) fn at(&self, index: usize) -> u128 {
        with_keys!(self, keys => keys[index].widen())
    }

    /// Where a key stands, or where it would stand.
    pub(crate) fn search(&self, key: u128) -> std::result::Result<usize, usize> {
        with_keys!(self, keys => keys.binary_search_by(|probe| probe.widen().cmp(&key)))
    }

    /// The first position whose key is not below `key`.
    pub(crate) fn lower_bound(&self, key: u128) -> usize {
        self.search(key).unwrap_or_else(|position| position)
    }

    /// Whether the keys are strictly ascending and below `n_elems`.
    pub(crate) fn is_canonical(&self, n_elems: u128) -> bool {
        with_keys!(self, keys => {
            keys.windows(2).all(|pair| pair[0] < pair[1]) && keys.last().is_none_or(|last| last.widen() < n_elems)
        })
    }

    /// Whether both are one allocation, which makes them equal without looking.
    pub(crate) fn is_shared_with(&self, other: &Keys) -> bool {
        match (self, other) {
            (Keys::U32(a), Keys::U32(b)) => Arc::ptr_eq(a, b),
            (Keys::U64(a), Keys::U64(b)) => Arc::ptr_eq(a, b),
            (Keys::U128(a), Keys::U128(b)) => Arc::ptr_eq(a, b),
            (Keys::U32(_) | Keys::U64(_) | Keys::U128(_), _) => false,
        }
    }
}

/// Wraps sorted keys in the width that their shape asks for.
pub(crate) fn pack<K: Key>(keys: Vec<K>, width: Width) -> Keys {
    if width == K::WIDTH {
        return K::wrap(keys);
    }
    with_width!(width, W => W::wrap(keys.iter().map(|key| W::truncate(key.widen())).collect()))
}

/// The number of elements of a shape.
///
/// # Errors
/// 2^128 elements or more: no key could number them.
pub(crate) fn n_elems(op: &'static str, shape: &[u64]) -> Result<u128> {
    if shape.contains(&0) {
        return Ok(0);
    }
    shape.iter().try_fold(1u128, |n, &len| n.checked_mul(len as u128)).ok_or_else(|| {
        Error::shape(op, format!("shape {} has 2^128 elements or more", Shown(shape)))
            .with_remedy("sparse arrays number their elements with at most 128 bits")
    })
}

macro_rules! impl_key {
    ($t:ty, $variant:ident, $mul_high:expr, $view:expr) => {
        impl Key for $t {
            const WIDTH: Width = Width::$variant;
            #[inline(always)]
            fn truncate(wide: u128) -> Self {
                wide as $t
            }
            #[inline(always)]
            fn widen(self) -> u128 {
                self as u128
            }
            #[inline(always)]
            fn to_usize_lossy(self) -> usize {
                self as usize
            }
            #[inline(always)]
            fn from_usize_lossy(index: usize) -> Self {
                index as $t
            }
            #[inline(always)]
            fn mul_high(self, other: Self) -> Self {
                let high: fn($t, $t) -> $t = $mul_high;
                high(self, other)
            }
            fn wrap(keys: Vec<Self>) -> Keys {
                Keys::$variant(Arc::new(keys))
            }
            fn view(keys: &Keys) -> Cow<'_, [Self]> {
                let view: fn(&Keys) -> Cow<'_, [$t]> = $view;
                view(keys)
            }
        }
    };
}

impl_key!(u32, U32, |a, b| ((a as u64 * b as u64) >> 32) as u32, |keys| match keys {
    Keys::U32(keys) => Cow::Borrowed(keys),
    Keys::U64(keys) => keys.iter().map(|&key| key as u32).collect(),
    Keys::U128(keys) => keys.iter().map(|&key| key as u32).collect(),
});
impl_key!(u64, U64, |a, b| ((a as u128 * b as u128) >> 64) as u64, |keys| match keys {
    Keys::U32(keys) => keys.iter().map(|&key| key as u64).collect(),
    Keys::U64(keys) => Cow::Borrowed(keys),
    Keys::U128(keys) => keys.iter().map(|&key| key as u64).collect(),
});
// The high half of a 128-bit product is never asked for: `Divisor` divides such keys outright.
impl_key!(u128, U128, |_, _| 0, |keys| match keys {
    Keys::U32(keys) => keys.iter().map(|&key| key as u128).collect(),
    Keys::U64(keys) => keys.iter().map(|&key| key as u128).collect(),
    Keys::U128(keys) => Cow::Borrowed(keys),
});

/// Division of keys by a number known beforehand: two multiplications instead of a division.
///
/// Granlund and Montgomery, "Division by invariant integers using multiplication" (1994), figure 4.1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Divisor<K> {
    by: K,
    magic: K,
    shift_before: usize,
    shift_after: usize,
}

impl<K: Key> Divisor<K> {
    /// Division by a length. Where there are no keys to divide, it may be zero or more than there are keys.
    pub(crate) fn new(len: u128) -> Self {
        let is_usual = len > 0 && len - 1 <= K::max_value().widen();
        let by = if is_usual { len } else { 1 };
        let bits = (8 * size_of::<K>()) as u32;
        let log = 128 - (by - 1).leading_zeros();
        // floor(2^N (2^log - by) / by) + 1, which needs no more than 96 + 32 or 64 + 64 bits; unused for 128-bit keys.
        let magic = if bits == 128 { 0 } else { ((((1u128 << log) - by) << bits) / by) + 1 };
        Self {
            by: K::truncate(by),
            magic: K::truncate(magic),
            shift_before: log.min(1) as usize,
            shift_after: log.saturating_sub(1) as usize,
        }
    }

    /// Quotient and remainder.
    #[inline(always)]
    pub(crate) fn div_rem(&self, key: K) -> (K, K) {
        if K::WIDTH == Width::U128 {
            return (key / self.by, key % self.by);
        }
        let high = self.magic.mul_high(key);
        let quotient = (high + ((key - high) >> self.shift_before)) >> self.shift_after;
        (quotient, key - quotient * self.by)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn width_follows_the_number_of_elements() {
        assert_eq!(Width::of(0), Width::U32);
        assert_eq!(Width::of(1 << 32), Width::U32);
        assert_eq!(Width::of((1 << 32) + 1), Width::U64);
        assert_eq!(Width::of(1 << 64), Width::U64);
        assert_eq!(Width::of((1 << 64) + 1), Width::U128);
        assert_eq!(n_elems("coo", &[u64::MAX, u64::MAX, 0, u64::MAX]).unwrap(), 0);
        assert!(n_elems("coo", &[u64::MAX, u64::MAX, 2]).unwrap_err().is_shape());
    }

    #[test]
    fn canonical_keys_ascend_strictly_and_stay_in_range() {
        assert!(u32::wrap(vec![0, 3, 5]).is_canonical(6));
        assert!(!u32::wrap(vec![0, 3, 5]).is_canonical(5));
        assert!(!u64::wrap(vec![3, 3]).is_canonical(6));
        assert!(!u128::wrap(vec![4, 3]).is_canonical(6));
    }

    fn divides<K: Key>(key: u128, by: u64) -> bool {
        let key = K::truncate(key);
        let divisor = Divisor::<K>::new(by as u128);
        let (quotient, remainder) = divisor.div_rem(key);
        (quotient.widen(), remainder.widen()) == (key.widen() / by as u128, key.widen() % by as u128)
    }

    proptest! {
        #[test]
        fn division_by_multiplication_is_exact(key in any::<u128>(), by in 1u64.., small in 1u64..70) {
            prop_assert!(divides::<u64>(key, by) && divides::<u64>(u64::MAX as u128, by) && divides::<u64>(key, small));
            prop_assert!(divides::<u128>(key, by));
            for key in [0, 7, u32::MAX as u128] {
                prop_assert_eq!(Divisor::<u32>::new(1 << 32).div_rem(key as u32), (0, key as u32));
            }
            let by = (by as u32).max(1) as u64;
            prop_assert!(divides::<u32>(key, by) && divides::<u32>(u32::MAX as u128, by) && divides::<u32>(key, small));
        }
    }
}
