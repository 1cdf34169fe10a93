//! From coordinates to keys and back.

use ndarray::Array2;

use super::keys::{Divisor, Key, Keys, with_keys};
use crate::error::{Error, Result};

/// The key of one coordinate tuple, which must lie inside the shape.
pub(crate) fn encode_one(op: &'static str, coords: &[u64], shape: &[u64]) -> Result<u128> {
    if coords.len() != shape.len() {
        let detail = format!("{} coordinates were given for an array with {} axes", coords.len(), shape.len());
        return Err(Error::bad_index(op, detail));
    }
    let mut key = 0u128;
    for (axis, (&coord, &len)) in coords.iter().zip(shape).enumerate() {
        if coord >= len {
            return Err(Error::index(op, coord as i64, axis, len));
        }
        key = key * len as u128 + coord as u128;
    }
    Ok(key)
}

/// The coordinates of one key.
pub(crate) fn decode_one(mut key: u128, shape: &[u64]) -> Vec<u64> {
    let mut coords = vec![0; shape.len()];
    for (coord, &len) in coords.iter_mut().zip(shape).rev() {
        *coord = (key % len as u128) as u64;
        key /= len as u128;
    }
    coords
}

/// The keys of coordinates given as one row per axis, in the order given; every coordinate must lie inside the shape.
pub(crate) fn encode<K: Key>(op: &'static str, rows: &[&[u64]], shape: &[u64], n_entries: usize) -> Result<Vec<K>> {
    let mut keys = vec![K::default(); n_entries];
    for (axis, (&row, &len)) in rows.iter().zip(shape).enumerate() {
        let factor = K::truncate(len as u128);
        let mut outside = false;
        for (key, &coord) in keys.iter_mut().zip(row) {
            outside |= coord >= len;
            // Wrapping: a coordinate outside of the shape is found out below, before the key is used.
            *key = key.wrapping_mul(&factor).wrapping_add(&K::truncate(coord as u128));
        }
        if outside {
            let coord = row.iter().copied().find(|&coord| coord >= len).unwrap_or(len);
            return Err(Error::index(op, coord as i64, axis, len));
        }
    }
    Ok(keys)
}

/// The coordinates of all keys, one row per axis.
pub(crate) fn decode(keys: &Keys, shape: &[u64]) -> Array2<u64> {
    let mut coords = Array2::zeros((shape.len(), keys.len()));
    if let Some(flat) = coords.as_slice_mut() {
        with_keys!(keys, keys => decode_into(keys, shape, flat));
    }
    coords
}

fn decode_into<K: Key>(keys: &[K], shape: &[u64], flat: &mut [u64]) {
    let mut rest = keys.to_vec();
    for (&len, row) in shape.iter().zip(flat.chunks_exact_mut(keys.len().max(1))).rev() {
        let divisor = Divisor::new(len as u128);
        for (coord, rest) in row.iter_mut().zip(&mut rest) {
            let (quotient, remainder) = divisor.div_rem(*rest);
            *coord = remainder.widen() as u64;
            *rest = quotient;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_row_major_positions() {
        assert_eq!(encode_one("get", &[1, 2], &[3, 4]).unwrap(), 6);
        assert_eq!(decode_one(6, &[3, 4]), [1, 2]);
        let keys = encode::<u32>("coo", &[&[0, 1, 2], &[3, 2, 0]], &[3, 4], 3).unwrap();
        assert_eq!(keys, [3, 6, 8]);
        assert_eq!(decode(&u32::wrap(keys), &[3, 4]), ndarray::arr2(&[[0, 1, 2], [3, 2, 0]]));
    }

    #[test]
    fn a_coordinate_outside_is_named() {
        let error = encode::<u32>("coo", &[&[0, 3]], &[3], 2).unwrap_err();
        assert!(error.is_index());
        assert_eq!(error.to_string(), "coo: index 3 is out of bounds for axis 0 with length 3");
        assert!(encode_one("get", &[0, u64::MAX], &[1, 9]).unwrap_err().to_string().contains("index -1"));
        assert!(encode_one("get", &[0], &[1, 9]).unwrap_err().is_index());
    }
}
