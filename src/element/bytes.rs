//! Elements as bytes in the machine's order: what files hold and pipes carry.
//!
//! The trait is a supertrait of `Element` that users cannot name. Every element can be seen as bytes. The way back is free
//! for numbers; a `bool` has only two valid bytes, so its bytes are looked at: zero is `false`, all others are `true`.

use super::{C32, C64, Element};

/// Views of elements as bytes, and copies from bytes.
pub trait Bytes: Sized {
    /// The bytes of some elements.
    fn as_bytes(elems: &[Self]) -> &[u8];

    /// The bytes of some elements, to be overwritten with any others; `None` for `bool`, which not every byte is.
    fn as_bytes_mut(elems: &mut [Self]) -> Option<&mut [u8]>;

    /// Overwrites elements with the ones that `bytes`, of the same length in all, stand for.
    fn copy_from_bytes(elems: &mut [Self], bytes: &[u8]);
}

macro_rules! number_bytes {
    ($($t:ty),*) => {$(
        impl Bytes for $t {
            #[inline]
            fn as_bytes(elems: &[Self]) -> &[u8] {
                bytemuck::cast_slice(elems)
            }
            #[inline]
            fn as_bytes_mut(elems: &mut [Self]) -> Option<&mut [u8]> {
                Some(bytemuck::cast_slice_mut(elems))
            }
            #[inline]
            fn copy_from_bytes(elems: &mut [Self], bytes: &[u8]) {
                bytemuck::cast_slice_mut(elems).copy_from_slice(bytes);
            }
        }
    )*};
}
number_bytes!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, C32, C64);

impl Bytes for bool {
    #[inline]
    fn as_bytes(elems: &[Self]) -> &[u8] {
        bytemuck::cast_slice(elems)
    }

    #[inline]
    fn as_bytes_mut(_elems: &mut [Self]) -> Option<&mut [u8]> {
        None
    }

    #[inline]
    fn copy_from_bytes(elems: &mut [Self], bytes: &[u8]) {
        assert_eq!(elems.len(), bytes.len(), "one byte for each bool");
        elems.iter_mut().zip(bytes).for_each(|(elem, &byte)| *elem = byte != 0);
    }
}

/// Reverses the bytes of each number, of each part of complex ones: from big-endian to little-endian and back.
pub(crate) fn swap_byte_order<T: Element>(elems: &mut [T]) {
    let part_bytes = size_of::<T::Real>();
    if let Some(bytes) = T::as_bytes_mut(elems).filter(|_| part_bytes > 1) {
        bytes.chunks_exact_mut(part_bytes).for_each(<[u8]>::reverse);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_the_same_elements() {
        let elems = [1.5f64, -0.0, f64::NAN];
        let mut copy = [0.0; 3];
        f64::copy_from_bytes(&mut copy, f64::as_bytes(&elems));
        assert!(elems.iter().zip(copy).all(|(a, b)| a.is_same(b)));
        let mut bools = [false; 4];
        bool::copy_from_bytes(&mut bools, &[0, 1, 2, 255]);
        assert_eq!(bools, [false, true, true, true]);
        assert_eq!(bool::as_bytes(&bools), [0, 1, 1, 1]);
    }

    #[test]
    fn byte_order_is_swapped_part_by_part() {
        let mut elems = [C32::new(1.0, -2.0)];
        swap_byte_order(&mut elems);
        let part = |x: f32| f32::from_le_bytes(x.to_be_bytes());
        assert_eq!((elems[0].re.to_bits(), elems[0].im.to_bits()), (part(1.0).to_bits(), part(-2.0).to_bits()));
        let mut ints = [0x0102u16, 0x0304];
        swap_byte_order(&mut ints);
        assert_eq!(ints, [0x0201, 0x0403]);
        let mut small = [true, false];
        swap_byte_order(&mut small);
        assert_eq!(small, [true, false]);
    }
}
