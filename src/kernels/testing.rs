//! What the tests of kernels that move elements share: drawn blocks of every kind of storage, and comparison.

use ndarray::{ArrayD, Axis, IxDyn, Slice};
use proptest::prelude::*;

use crate::block::{Block, BlockData};
use crate::element::{C64, Element};
use crate::sparse::Coo;

/// How a drawn block is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Dense, row-major.
    Plain,
    /// Dense, axes in memory in reverse order.
    Transposed,
    /// Dense, every axis backwards.
    Reversed,
    /// Dense, every other element of a larger block.
    Stepped,
    /// Sparse with fill one.
    Sparse,
}

impl Kind {
    pub(crate) const ALL: [Kind; 5] = [Kind::Plain, Kind::Transposed, Kind::Reversed, Kind::Stepped, Kind::Sparse];

    pub(crate) fn is_sparse(self) -> bool {
        self == Kind::Sparse
    }
}

/// Shapes of up to four axes, lengths 0 and 1 included.
pub(crate) fn shapes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1 => Just(0usize), 2 => Just(1usize), 9 => 2usize..6], 0..4)
}

/// Element types that tests draw elements of; few distinct values, so that some equal the fill of sparse blocks.
pub(crate) trait Drawn: Element {
    fn drawn(raw: u64) -> Self;
}

impl Drawn for bool {
    fn drawn(raw: u64) -> Self {
        raw.is_multiple_of(2)
    }
}

impl Drawn for i32 {
    fn drawn(raw: u64) -> Self {
        (raw % 7) as i32 - 2
    }
}

impl Drawn for i64 {
    fn drawn(raw: u64) -> Self {
        (raw % 7) as i64 - 2
    }
}

impl Drawn for u8 {
    fn drawn(raw: u64) -> Self {
        (raw % 200) as u8
    }
}

impl Drawn for f32 {
    fn drawn(raw: u64) -> Self {
        f64::drawn(raw) as f32
    }
}

impl Drawn for f64 {
    fn drawn(raw: u64) -> Self {
        match raw % 11 {
            9 => f64::NAN,
            10 => -0.0,
            small => small as f64 / 2.0 - 1.0,
        }
    }
}

impl Drawn for C64 {
    fn drawn(raw: u64) -> Self {
        C64::new((raw % 3) as f64, (raw / 3 % 2) as f64)
    }
}

/// Evaluates statements for one element type of each kind and size.
macro_rules! check_all_types {
    ($T:ident => $body:block) => {{
        {
            type $T = bool;
            $body
        }
        {
            type $T = i32;
            $body
        }
        {
            type $T = f64;
            $body
        }
        {
            type $T = $crate::element::C64;
            $body
        }
    }};
}
pub(crate) use check_all_types;

/// A stream of numbers from a seed (Steele, Lea, Flood: splitmix64).
pub(crate) fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    (1u64..).map(move |i| {
        let z = seed.wrapping_add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

/// A drawn dense array.
pub(crate) fn drawn_dense<T: Drawn>(shape: &[usize], seed: u64) -> ArrayD<T> {
    let n = shape.iter().product::<usize>();
    ArrayD::from_shape_vec(IxDyn(shape), numbers(seed).take(n).map(T::drawn).collect()).expect("a valid case")
}

/// A drawn block and the same as a plain array.
pub(crate) fn drawn<T: Drawn>(shape: &[usize], seed: u64, kind: Kind) -> (Block, ArrayD<T>) {
    let dense = drawn_dense::<T>(shape, seed);
    (stored(&dense, kind), dense)
}

/// A block with given elements, stored in some way.
pub(crate) fn stored<T: Element>(dense: &ArrayD<T>, kind: Kind) -> Block {
    let mut frame_shape = dense.shape().to_vec();
    let data: BlockData<T> = match kind {
        Kind::Plain => dense.clone().into(),
        Kind::Transposed => {
            frame_shape.reverse();
            let mut frame = ArrayD::from_elem(IxDyn(&frame_shape), T::zero()).reversed_axes();
            frame.assign(dense);
            frame.into()
        }
        Kind::Reversed => {
            let mut frame = dense.clone();
            (0..dense.ndim()).for_each(|axis| frame.invert_axis(Axis(axis)));
            frame.assign(dense);
            frame.into()
        }
        Kind::Stepped => {
            frame_shape.iter_mut().for_each(|len| *len = *len * 2 + 1);
            let mut frame = ArrayD::from_elem(IxDyn(&frame_shape), T::one());
            for (axis, &len) in dense.shape().iter().enumerate() {
                frame.slice_axis_inplace(Axis(axis), Slice::new(1, Some(2 * len as isize + 1), 2));
            }
            frame.assign(dense);
            frame.into()
        }
        Kind::Sparse => Coo::from_dense_with_fill(&dense.view(), T::one()).expect("a valid case").into(),
    };
    Block::new(data)
}

/// Fails unless the block has exactly these elements, in storage.
#[track_caller]
pub(crate) fn assert_same<T: Element>(block: &Block, expected: &ArrayD<T>) {
    let found = block.to_array::<T>().expect("a valid case");
    let same = found.shape() == expected.shape() && found.iter().zip(expected).all(|(a, b)| a.is_same(*b));
    assert!(same, "found {found:?}, expected {expected:?}");
}
