//! What a program reads and writes: strided views without their element type.

use std::marker::PhantomData;

use ndarray::{ArrayViewD, ArrayViewMutD, Dimension, IxDyn};

use crate::element::dispatch::for_each_dtype;
use crate::element::{DType, Element, Scalar};
use crate::error::{Error, Result, Shown};

/// A read-only view of any element type; a program broadcasts it to the shape it walks.
#[derive(Clone, Debug)]
pub(crate) struct Operand<'a> {
    dtype: DType,
    base: *const u8,
    shape: IxDyn,
    /// In elements; negative ones as two's complement.
    strides: IxDyn,
    /// Whether a run may write what is read here.
    is_output: bool,
    elements: PhantomData<&'a [u8]>,
}

impl<'a> Operand<'a> {
    /// The elements of a view.
    pub(crate) fn new<T: Element>(view: &ArrayViewD<'a, T>) -> Operand<'a> {
        Operand {
            dtype: T::DTYPE,
            base: view.as_ptr().cast(),
            shape: view.raw_dim(),
            strides: wrapped(view.strides()),
            is_output: false,
            elements: PhantomData,
        }
    }

    /// One value, for any shape.
    pub(crate) fn scalar(value: &'a Scalar) -> Operand<'a> {
        macro_rules! payload {
            ($(($variant:ident, $t:ty)),*) => { match value { $(Scalar::$variant(x) => std::ptr::from_ref(x).cast(),)* } };
        }
        let base = for_each_dtype!(payload);
        let (shape, strides) = (IxDyn(&[]), IxDyn(&[]));
        Operand { dtype: value.dtype(), base, shape, strides, is_output: false, elements: PhantomData }
    }

    /// The element type.
    pub(crate) fn dtype(&self) -> DType {
        self.dtype
    }

    /// The shape before broadcasting.
    pub(crate) fn shape(&self) -> &[usize] {
        self.shape.slice()
    }

    /// Whether the operand is the old contents of an output.
    pub(super) fn is_output(&self) -> bool {
        self.is_output
    }

    pub(super) fn base(&self) -> *const u8 {
        self.base
    }

    /// Appends the strides along the axes of `shape`, 0 where the operand is stretched.
    pub(super) fn broadcast(&self, op: &'static str, shape: &[usize], strides: &mut Vec<isize>) -> Result<()> {
        let own = self.shape();
        let fits = own.len() <= shape.len()
            && own.iter().rev().zip(shape.iter().rev()).all(|(&own, &wanted)| own == wanted || own == 1);
        if !fits {
            let detail = format!("an operand of shape {} does not broadcast to {}", Shown(own), Shown(shape));
            return Err(Error::shape(op, detail));
        }
        strides.extend((own.len()..shape.len()).map(|_| 0));
        let stretched = own.iter().zip(&shape[shape.len() - own.len()..]).map(|(own, wanted)| own != wanted);
        strides.extend(self.strides.slice().iter().zip(stretched).map(|(&s, zero)| if zero { 0 } else { s as isize }));
        Ok(())
    }
}

/// A view that a program writes: every element, once.
#[derive(Debug)]
pub(crate) struct OutputMut<'a> {
    dtype: DType,
    base: *mut u8,
    shape: IxDyn,
    strides: IxDyn,
    elements: PhantomData<&'a mut [u8]>,
}

impl<'a> OutputMut<'a> {
    /// The elements of a view; their old values do not matter.
    pub(crate) fn new<T: Element>(mut view: ArrayViewMutD<'a, T>) -> OutputMut<'a> {
        OutputMut {
            dtype: T::DTYPE,
            base: view.as_mut_ptr().cast(),
            shape: view.raw_dim(),
            strides: wrapped(view.strides()),
            elements: PhantomData,
        }
    }

    /// One value, which keeps its type.
    pub(crate) fn scalar(value: &'a mut Scalar) -> OutputMut<'a> {
        let dtype = value.dtype();
        macro_rules! payload {
            ($(($variant:ident, $t:ty)),*) => { match value { $(Scalar::$variant(x) => std::ptr::from_mut(x).cast(),)* } };
        }
        let base = for_each_dtype!(payload);
        let (shape, strides) = (IxDyn(&[]), IxDyn(&[]));
        OutputMut { dtype, base, shape, strides, elements: PhantomData }
    }

    /// The old contents as an operand, for programs that work in place.
    ///
    /// Reading it costs a copy within the first cache, and saves fetching other memory to write to.
    #[cfg(test)]
    pub(crate) fn as_operand(&self) -> Operand<'a> {
        Operand {
            dtype: self.dtype,
            base: self.base.cast_const(),
            shape: self.shape.clone(),
            strides: self.strides.clone(),
            is_output: true,
            elements: PhantomData,
        }
    }

    /// The element type.
    pub(crate) fn dtype(&self) -> DType {
        self.dtype
    }

    /// The shape.
    pub(crate) fn shape(&self) -> &[usize] {
        self.shape.slice()
    }

    pub(super) fn base(&mut self) -> *mut u8 {
        self.base
    }

    pub(super) fn strides(&self) -> impl Iterator<Item = isize> {
        self.strides.slice().iter().map(|&stride| stride as isize)
    }
}

fn wrapped(strides: &[isize]) -> IxDyn {
    let mut dim = IxDyn::zeros(strides.len());
    for (slot, &stride) in dim.slice_mut().iter_mut().zip(strides) {
        *slot = stride as usize;
    }
    dim
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, s};

    use super::*;

    #[test]
    fn operands_broadcast_from_the_right() {
        let a = ArrayD::<f64>::zeros(vec![3, 1, 2]);
        let operand = Operand::new(&a.view());
        let mut strides = Vec::new();
        operand.broadcast("add", &[4, 3, 5, 2], &mut strides).unwrap();
        assert_eq!(strides, [0, 2, 0, 1]);
        assert!(operand.broadcast("add", &[3, 5, 3], &mut strides).unwrap_err().is_shape());
        assert!(operand.broadcast("add", &[2], &mut strides).unwrap_err().is_shape());
    }

    #[test]
    fn strides_may_be_negative() {
        let mut a = ArrayD::<i16>::zeros(vec![4, 6]);
        let view = a.slice_mut(s![..;-1, ..;2]).into_dyn();
        assert!(OutputMut::new(view).strides().eq([-6, 2]));
    }
}
