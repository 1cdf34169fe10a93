//! Elements chosen among arrays: `choose`, `select`, `piecewise`.

use super::elementwise::{Operand, select as where_dyn};
use super::{Array, DynArray};
use crate::block::ArrayMeta;
use crate::element::{DType, Element, Int, Scalar, promote, promote_all};
use crate::error::{Error, Result};
use crate::kernels::named::Choose;

impl DynArray {
    /// See [`select`]; element types are promoted.
    pub fn select(pieces: &[(&DynArray, &DynArray)], default: &DynArray) -> Result<Self> {
        let dtype = pieces.iter().map(|piece| piece.1.dtype()).fold(default.dtype(), promote);
        pieces.iter().rev().try_fold(default.astype(dtype), |rest, (condition, choice)| {
            if condition.dtype() != DType::Bool {
                let detail = format!("a condition holds {}", condition.dtype());
                return Err(Error::dtype("select", detail).with_remedy("compare it with something"));
            }
            where_dyn(condition, &choice.astype(dtype), &rest).map_err(|error| error.of_op("select"))
        })
    }

    /// See [`choose`]; element types are promoted.
    pub fn choose(&self, choices: &[&DynArray]) -> Result<Self> {
        const OP: &str = "choose";
        let dtype = promote_all(choices.iter().map(|choice| choice.dtype()))
            .ok_or_else(|| Error::shape(OP, "no arrays are given to choose from"))?;
        if !self.dtype().is_integral() {
            return Err(Error::dtype(OP, format!("numbers of arrays are integers, not {}", self.dtype())));
        }
        let choices: Vec<DynArray> = choices.iter().map(|choice| choice.astype(dtype).to_dense()).collect();
        let numbers = self.astype(DType::I64).to_dense();
        let all: Vec<&DynArray> = std::iter::once(&numbers).chain(&choices).collect();
        let inputs = DynArray::broadcast_arrays(&all).map_err(|error| error.of_op(OP))?;
        let meta = ArrayMeta::dense(dtype, inputs[0].grid().clone());
        let same: Vec<Option<usize>> = (0..meta.grid.ndim()).map(Some).collect();
        let operands: Vec<_> = inputs.iter().map(|input| (input, same.clone())).collect();
        Self::map_kernel(OP, &Choose, &operands, meta)
    }
}

/// Of each element the first choice whose condition is true, or a default.
///
/// # Errors
/// The shapes do not broadcast.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<i64>::arange(0, 6, 1, Chunks::size(4))?;
/// let y = select(&[(&x.lt(2)?, &x), (&x.lt(4)?, &(&x * 10))], -1)?;
/// assert_eq!(y.compute()?, ndarray::arr1(&[0, 1, 20, 30, -1, -1]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn select<T: Element>(pieces: &[(&Array<bool>, &Array<T>)], default: impl Operand<T>) -> Result<Array<T>> {
    let pieces: Vec<_> = pieces.iter().map(|(condition, choice)| (condition.as_dyn(), choice.as_dyn())).collect();
    Array::try_wrap(DynArray::select(&pieces, &default.into_operand()))
}

/// Each element from the array whose number stands at its place.
///
/// # Errors
/// No arrays are given, or the shapes do not broadcast. When run: a number names no array.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let which = Array::from_vec(vec![0i64, 1, 0], Chunks::size(2))?;
/// let a = Array::from_vec(vec![1, 2, 3], Chunks::auto())?;
/// let b = Array::from_vec(vec![10, 20, 30], Chunks::auto())?;
/// assert_eq!(choose(&which, &[&a, &b])?.compute()?, ndarray::arr1(&[1, 20, 3]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn choose<I: Int, T: Element>(numbers: &Array<I>, choices: &[&Array<T>]) -> Result<Array<T>> {
    Array::try_wrap(numbers.as_dyn().choose(&super::stack::as_dyns(choices)))
}

/// A condition and the function that [`piecewise`] applies where it is true.
/// See there for an example.
pub type Piece<'a, T, U> = (&'a Array<bool>, &'a dyn Fn(&Array<T>) -> Result<Array<U>>);

/// A function given in pieces: of each element what the last function makes of it whose condition is true there, zero
/// where no condition is.
///
/// Functions take and give whole lazy arrays; all of them fuse into one pass.
///
/// # Errors
/// A function fails, or shapes do not broadcast.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<i64>::arange(-2, 3, 1, Chunks::size(2))?;
/// let (below, above) = (x.lt(0)?, x.gt(0)?);
/// let y = piecewise(&x, &[(&below, &|x| Ok(-x)), (&above, &|x| Ok(x * 10))])?;
/// assert_eq!(y.compute()?, ndarray::arr1(&[2, 1, 0, 10, 20]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn piecewise<T: Element, U: Element>(x: &Array<T>, pieces: &[Piece<'_, T, U>]) -> Result<Array<U>> {
    let start = x.as_dyn().full_like(Scalar::zero(U::DTYPE));
    let made = pieces
        .iter()
        .try_fold(start, |rest, (condition, function)| where_dyn(condition.as_dyn(), function(x)?.as_dyn(), &rest));
    Array::try_wrap(made)
}
