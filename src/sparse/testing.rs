//! Strategies that the property tests of this folder share.

use ndarray::{ArrayD, IxDyn};
use proptest::prelude::*;

use crate::element::Element;

/// Shapes of up to four axes, lengths 0 and 1 included.
pub(crate) fn shapes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1 => Just(0usize), 2 => Just(1usize), 9 => 2usize..5], 0..5)
}

/// Element types that tests draw values of: mostly few distinct values, so that entries meet and cancel.
pub(crate) trait Drawn: Element {
    fn drawn(raw: i8) -> Self;
}

impl Drawn for i64 {
    fn drawn(raw: i8) -> Self {
        (raw % 4) as i64
    }
}

impl Drawn for f64 {
    fn drawn(raw: i8) -> Self {
        match raw {
            127 => f64::NAN,
            126 => f64::INFINITY,
            125 => -0.0,
            raw => (raw % 4) as f64 / 2.0,
        }
    }
}

impl Drawn for bool {
    fn drawn(raw: i8) -> Self {
        raw % 2 == 0
    }
}

impl Drawn for crate::element::C64 {
    fn drawn(raw: i8) -> Self {
        Self::new((raw % 3) as f64, (raw % 2) as f64)
    }
}

/// Dense arrays of a shape in which half of the elements are `fill`.
pub(crate) fn dense_with_fill<T: Drawn>(shape: Vec<usize>, fill: T) -> impl Strategy<Value = ArrayD<T>> {
    let n = shape.iter().product::<usize>();
    prop::collection::vec(prop_oneof![Just(None), any::<i8>().prop_map(Some)], n).prop_map(move |raw| {
        let flat = raw.into_iter().map(|raw| raw.map_or(fill, T::drawn)).collect();
        ArrayD::from_shape_vec(IxDyn(&shape), flat).expect("as the test set it up")
    })
}

/// Whether two dense arrays are the same in storage: NaN equals NaN, and `-0.0` differs from `0.0`.
pub(crate) fn same<T: Element>(a: &ArrayD<T>, b: &ArrayD<T>) -> bool {
    a.shape() == b.shape() && a.iter().zip(b.iter()).all(|(x, y)| x.is_same(*y))
}
