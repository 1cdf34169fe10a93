//! The order in which NumPy sorts: numbers ascending, NaN behind all of them; complex numbers by real part, then by
//! imaginary part.

use std::cmp::Ordering;

use crate::element::{C32, C64, Element, Real};

/// Element types as sorting sees them: all NaN are equal, and so are the two zeros.
pub(crate) trait Ordered: Element {
    /// How the element stands to another one.
    fn order(&self, other: &Self) -> Ordering;
}

impl<T: Real> Ordered for T {
    #[inline]
    fn order(&self, other: &Self) -> Ordering {
        self.partial_cmp(other).unwrap_or_else(|| self.is_nan().cmp(&other.is_nan()))
    }
}

impl Ordered for C32 {
    fn order(&self, other: &Self) -> Ordering {
        self.is_nan().cmp(&other.is_nan()).then_with(|| self.re.order(&other.re)).then_with(|| self.im.order(&other.im))
    }
}

impl Ordered for C64 {
    fn order(&self, other: &Self) -> Ordering {
        self.is_nan().cmp(&other.is_nan()).then_with(|| self.re.order(&other.re)).then_with(|| self.im.order(&other.im))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_comes_last_and_complex_numbers_go_by_parts() {
        assert_eq!(f64::NAN.order(&f64::INFINITY), Ordering::Greater);
        assert_eq!(f32::NAN.order(&-f32::NAN), Ordering::Equal);
        assert_eq!((-0.0f64).order(&0.0), Ordering::Equal);
        assert_eq!(C64::new(1.0, 5.0).order(&C64::new(2.0, 0.0)), Ordering::Less);
        assert_eq!(C64::new(1.0, 5.0).order(&C64::new(1.0, 4.0)), Ordering::Greater);
        assert_eq!(C64::new(f64::NAN, 5.0).order(&C64::new(1.0, 4.0)), Ordering::Greater);
    }
}
