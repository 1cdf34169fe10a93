//! Linear maps of keys: the coordinates of an entry times new strides.
//!
//! Transposition, flips, projection onto some axes and placing an array inside a larger one all compute
//! `offset + coordinate[0] * stride[0] + coordinate[1] * stride[1] + …`; they differ in the strides only. Neighbouring
//! axes that stay neighbours are split off the key as one, so that a map costs a division per *group* of axes:
//!
//! ```text
//! shape (3, 4, 5) onto axis 0:   strides (1, 0, 0)   groups (3) and (4 * 5), one division
//! ```

use super::keys::{Divisor, Key};

/// Keys that are worked on together, so that intermediate numbers stay in the first-level cache.
const TILE: usize = 512;

/// A linear map of keys; see the module docs.
#[derive(Debug)]
pub(crate) struct Remap<K> {
    /// Groups of axes from the last to the second, each with its new stride.
    groups: Vec<(Divisor<K>, K)>,
    /// The stride of the first group, which is what remains of a key after the others.
    first_stride: K,
    offset: K,
}

impl<K: Key> Remap<K> {
    /// The map that gives axis `i` of `shape` the stride `strides[i]`.
    ///
    /// Strides count modulo 2^128: a negative one is its two's complement. Keys of shapes and results must fit `K`.
    pub(crate) fn new(shape: &[u64], strides: &[u128]) -> Self {
        let mut groups = group_axes(shape, strides);
        let first = groups.pop().map_or(0, |group| group.1);
        Self {
            groups: groups.into_iter().map(|(len, stride)| (Divisor::new(len), K::truncate(stride))).collect(),
            first_stride: K::truncate(first),
            offset: K::zero(),
        }
    }

    /// Adds a constant to every result, modulo 2^128.
    pub(crate) fn with_offset(self, offset: u128) -> Self {
        Self { offset: K::truncate(offset), ..self }
    }

    /// The images of keys, in their order.
    pub(crate) fn apply(&self, keys: &[K]) -> Vec<K> {
        let mut images = Vec::with_capacity(keys.len());
        self.for_each_tile(keys, |_, tile| images.extend_from_slice(tile));
        images
    }

    /// Calls `work` with the images of consecutive keys and the index of the first of them.
    pub(crate) fn for_each_tile(&self, keys: &[K], mut work: impl FnMut(usize, &[K])) {
        let mut rest = [K::zero(); TILE];
        let mut image = [K::zero(); TILE];
        for (n, tile) in keys.chunks(TILE).enumerate() {
            let (rest, image) = (&mut rest[..tile.len()], &mut image[..tile.len()]);
            rest.copy_from_slice(tile);
            image.fill(self.offset);
            self.apply_tile(rest, image);
            work(n * TILE, image);
        }
    }

    fn apply_tile(&self, rest: &mut [K], image: &mut [K]) {
        for &(divisor, stride) in &self.groups {
            for (rest, image) in rest.iter_mut().zip(image.iter_mut()) {
                let (quotient, digit) = divisor.div_rem(*rest);
                *image = image.wrapping_add(&digit.wrapping_mul(&stride));
                *rest = quotient;
            }
        }
        for (rest, image) in rest.iter().zip(image.iter_mut()) {
            *image = image.wrapping_add(&rest.wrapping_mul(&self.first_stride));
        }
    }
}

/// Groups of axes with their lengths and strides, from the last to the first. Axes of length 1 vanish.
fn group_axes(shape: &[u64], strides: &[u128]) -> Vec<(u128, u128)> {
    let mut groups: Vec<(u128, u128)> = Vec::with_capacity(shape.len());
    if shape.contains(&0) {
        return groups;
    }
    for (&len, &stride) in shape.iter().zip(strides).rev().filter(|&(&len, _)| len != 1) {
        match groups.last_mut() {
            Some((group_len, group_stride)) if stride == group_stride.wrapping_mul(*group_len) => {
                *group_len *= len as u128;
            }
            _ => groups.push((len as u128, stride)),
        }
    }
    groups
}

/// The strides of a shape in C order.
pub(crate) fn c_strides(shape: &[u64]) -> Vec<u128> {
    let mut strides = vec![1u128; shape.len()];
    for axis in (1..shape.len()).rev() {
        // Wraps only for shapes with a zero length, which have no keys.
        strides[axis - 1] = strides[axis].wrapping_mul(shape[axis] as u128);
    }
    strides
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sparse::coords::decode_one;

    #[test]
    fn neighbours_that_stay_neighbours_form_one_group() {
        assert_eq!(group_axes(&[3, 4, 5], &c_strides(&[3, 4, 5])), [(60, 1)]);
        assert_eq!(group_axes(&[3, 4, 5], &[1, 0, 0]), [(20, 0), (3, 1)]);
        assert_eq!(group_axes(&[3, 1, 5], &[5, 77, 1]), [(15, 1)]);
        assert!(group_axes(&[3, 0, 5], &[5, 77, 1]).is_empty());
    }

    fn images<K: Key>(keys: &[u128], shape: &[u64], strides: &[u128], offset: u128) -> Vec<u128> {
        let keys: Vec<K> = keys.iter().map(|&key| K::truncate(key)).collect();
        let images = Remap::<K>::new(shape, strides).with_offset(offset).apply(&keys);
        images.into_iter().map(K::widen).collect()
    }

    proptest! {
        #[test]
        fn images_are_sums_of_coordinates_times_strides(
            axes in prop::collection::vec((1u64..6, 0u128..50), 0..5),
            picks in prop::collection::vec(any::<u128>(), 0..40),
            offset in 0u128..9,
        ) {
            let (shape, strides): (Vec<u64>, Vec<u128>) = axes.into_iter().unzip();
            let n: u128 = shape.iter().map(|&len| len as u128).product();
            let keys: Vec<u128> = picks.iter().map(|pick| pick % n).collect();
            let expected: Vec<u128> = keys
                .iter()
                .map(|&key| decode_one(key, &shape).iter().zip(&strides).map(|(&c, s)| c as u128 * s).sum::<u128>() + offset)
                .collect();
            prop_assert_eq!(images::<u32>(&keys, &shape, &strides, offset), expected.clone());
            prop_assert_eq!(images::<u64>(&keys, &shape, &strides, offset), expected.clone());
            prop_assert_eq!(images::<u128>(&keys, &shape, &strides, offset), expected);
        }

        #[test]
        fn negative_strides_wrap(len in 2u64..9, rows in 1u64..5) {
            // Flips the last axis: coordinate c becomes len - 1 - c.
            let keys: Vec<u128> = (0..(len * rows) as u128).collect();
            let flipped = images::<u32>(&keys, &[rows, len], &[len as u128, 1u128.wrapping_neg()], len as u128 - 1);
            for (key, image) in keys.iter().zip(flipped) {
                let (row, column) = (key / len as u128, key % len as u128);
                prop_assert_eq!(image, row * len as u128 + len as u128 - 1 - column);
            }
        }
    }
}
