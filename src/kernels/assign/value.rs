//! What the kernels of this folder share: the target, and the value that is written.

use ndarray::{ArcArray, ArrayViewD, Axis, IxDyn};

use crate::block::{Block, BlockData, with_block};
use crate::element::{DType, DTypeKind, Element};
use crate::error::{Error, Result, Shown};
use crate::kernels::entries::Entries;
use crate::kernels::operands::dense;
use crate::sparse::Coo;

/// Target and value of an assignment, in the element type of the target.
pub(super) enum Assignment<T: Element> {
    /// Both dense.
    Dense(ArcArray<T, IxDyn>, ArcArray<T, IxDyn>),
    /// The target is sparse, and so is the value, with the same fill.
    Sparse(Coo<T>, SparseValue<T>),
}

/// What is written into a sparse target.
pub(super) enum SparseValue<T: Element> {
    One(T),
    Coo(Coo<T>),
}

impl<T: Element> Assignment<T> {
    pub(super) fn new(op: &'static str, target: BlockData<T>, value: Block) -> Result<Self> {
        let value = cast::<T>(op, value)?;
        match (target, value) {
            (BlockData::Sparse(target), value) if value.n_elems() == 1 => {
                let one = value.to_dense()?.first().copied().unwrap_or_default();
                Ok(Assignment::Sparse(target, SparseValue::One(one)))
            }
            // The array promises sparse blocks, whatever is written into them.
            (BlockData::Sparse(target), value) => {
                let value = match value {
                    BlockData::Sparse(value) => value.refill(target.fill())?,
                    BlockData::Dense(value) => Coo::from_dense_with_fill(&value.view(), target.fill())?,
                };
                Ok(Assignment::Sparse(target, SparseValue::Coo(value)))
            }
            (BlockData::Dense(target), value) => Ok(Assignment::Dense(target, dense(value)?)),
        }
    }
}

impl<T: Element> SparseValue<T> {
    /// The value broadcast to the shape of a selection, over the fill of its target.
    pub(super) fn expand(&self, op: &'static str, shape: &[u64], fill: T) -> Result<Coo<T>> {
        match self {
            // A value that is not the fill becomes an entry of every selected element.
            SparseValue::One(one) => Coo::empty(shape, *one)?.refill(fill),
            SparseValue::Coo(coo) => {
                let n_leading = coo.shape().len().saturating_sub(shape.len());
                let own = &coo.shape()[n_leading..];
                if coo.shape()[..n_leading].iter().any(|&len| len != 1) || !broadcasts(own, shape) {
                    return Err(mismatch(op, coo.shape(), shape));
                }
                coo.reshape(own)?.broadcast_to(shape)
            }
        }
    }

    /// The length of the value along an axis of a selection with `ndim` axes; 1 where it is broadcast.
    pub(super) fn len_along(&self, axis: usize, ndim: usize) -> u64 {
        match self {
            SparseValue::One(_) => 1,
            SparseValue::Coo(coo) => len_along(coo.shape(), axis, ndim),
        }
    }
}

/// The length of a value along an axis of a selection with `ndim` axes, aligned at the right; 1 where it is broadcast.
pub(super) fn len_along<N: Copy + From<bool>>(shape: &[N], axis: usize, ndim: usize) -> N {
    (axis + shape.len()).checked_sub(ndim).map_or(N::from(true), |own| shape[own])
}

fn broadcasts(own: &[u64], to: &[u64]) -> bool {
    own.iter().rev().zip(to.iter().rev()).all(|(own, to)| own == to || *own == 1)
}

fn mismatch<N: std::fmt::Display>(op: &'static str, value: &[N], selection: &[N]) -> Error {
    Error::broadcast(
        op,
        &format_args!("{} (the value)", Shown(value)),
        &format_args!("{} (what it is written to)", Shown(selection)),
    )
}

/// A value without the leading axes of length 1 that a selection with `ndim` axes does not have.
pub(super) fn without_leading<T: Element>(mut value: ArcArray<T, IxDyn>, ndim: usize) -> ArcArray<T, IxDyn> {
    while value.ndim() > ndim && value.shape()[0] == 1 {
        value = value.index_axis_move(Axis(0), 0);
    }
    value
}

/// A dense value broadcast to the shape of a selection.
pub(super) fn broadcast<'a, T: Element>(
    op: &'static str,
    value: &'a ArcArray<T, IxDyn>,
    shape: &[usize],
) -> Result<ArrayViewD<'a, T>> {
    value.broadcast(IxDyn(shape)).ok_or_else(|| mismatch(op, value.shape(), shape))
}

/// Writes a value into the selected elements of a sparse array, whose other entries are kept.
///
/// `value` has the shape of the selection, and `place` tells where an element of it goes.
pub(super) fn write_sparse<T: Element>(
    target: &Coo<T>,
    value: &Coo<T>,
    is_selected: impl Fn(&[u64]) -> bool,
    place: impl Fn(&[u64]) -> Vec<u64>,
) -> Result<Coo<T>> {
    let mut entries = Entries::new(target.ndim());
    let mut at = vec![0; target.ndim()];
    let coords = target.coords();
    for (column, &kept) in coords.columns().into_iter().zip(target.values()) {
        at.iter_mut().zip(column).for_each(|(to, from)| *to = *from);
        if !is_selected(&at) {
            entries.push(at.iter().copied(), kept);
        }
    }
    let coords = value.coords();
    for (column, &written) in coords.columns().into_iter().zip(value.values()) {
        entries.push(place(&column.to_vec()).into_iter(), written);
    }
    entries.into_coo(target.shape(), target.fill())
}

/// The value in the element type of its target.
fn cast<T: Element>(op: &'static str, value: Block) -> Result<BlockData<T>> {
    if value.dtype() == T::DTYPE {
        return value.typed::<T>().cloned();
    }
    with_block!(&value, U, data => {
        let is_int = matches!(T::DTYPE.kind(), DTypeKind::Signed | DTypeKind::Unsigned);
        let convert = |x: U| T::from_scalar(x.to_scalar());
        match data {
            BlockData::Dense(array) if is_int && array.iter().any(|x| x.is_nan()) => Err(nan_error(op, T::DTYPE)),
            BlockData::Sparse(coo) if is_int && (coo.fill().is_nan() || coo.values().iter().any(|x| x.is_nan())) => {
                Err(nan_error(op, T::DTYPE))
            }
            BlockData::Dense(array) => Ok(array.mapv(convert).into_shared().into()),
            BlockData::Sparse(coo) => Ok(coo.map(convert).into()),
        }
    })
}

fn nan_error(op: &'static str, dtype: DType) -> Error {
    Error::value(op, format!("NaN cannot be written into an array of {dtype}"))
        .with_remedy("cast the array to a floating point type first")
}
