//! What stands beside a sparse array in an operation.

use ndarray::{ArrayD, ArrayViewD};

use super::coo::Coo;
use crate::element::Element;

/// What stands beside a sparse array in an operation: a value, another sparse array, or a dense one.
///
/// Shapes broadcast both ways. Beside a dense array the result is sparse only where the fill gives the same with every
/// element of it, as in a product with fill 0; anything else is an error that says so.
///
/// ```
/// use hyperslab::sparse::Coo;
/// let a = Coo::new(&[[1]], vec![4], [3])?;
/// let dense = ndarray::arr1(&[5, 6, 7]).into_dyn();
/// assert_eq!(a.multiply(2)?.values(), [8]);
/// assert_eq!(a.multiply(&a)?.values(), [16]);
/// assert_eq!(a.multiply(&dense)?.values(), [24]);
/// assert!(a.add(&dense).unwrap_err().to_string().contains("dense"), "{}", a.add(&dense).unwrap_err());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub trait CooOperand<T: Element> {
    #[doc(hidden)]
    fn into_beside(self) -> Beside<T>;
}

/// An operand, stored one way or the other.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub enum Beside<T: Element> {
    Sparse(Coo<T>),
    Dense(ArrayD<T>),
}

impl<T: Element> CooOperand<T> for Beside<T> {
    fn into_beside(self) -> Beside<T> {
        self
    }
}

impl<T: Element> CooOperand<T> for T {
    fn into_beside(self) -> Beside<T> {
        Beside::Sparse(Coo::of_scalar(self))
    }
}

impl<T: Element> CooOperand<T> for &Coo<T> {
    fn into_beside(self) -> Beside<T> {
        Beside::Sparse(self.clone())
    }
}

impl<T: Element> CooOperand<T> for Coo<T> {
    fn into_beside(self) -> Beside<T> {
        Beside::Sparse(self)
    }
}

impl<T: Element> CooOperand<T> for &ArrayD<T> {
    fn into_beside(self) -> Beside<T> {
        Beside::Dense(self.clone())
    }
}

impl<T: Element> CooOperand<T> for &ArrayViewD<'_, T> {
    fn into_beside(self) -> Beside<T> {
        Beside::Dense(self.to_owned())
    }
}
