//! Einstein sums: products and sums named by the letters of axes.
//!
//! ```text
//! "ij,jk->ik"   a matrix product: j is summed, it is not in the result
//! "ii->i"       a diagonal         "ij->ji"    a transpose
//! "...i,i"      over the last axis, whatever comes before it
//! ```
//!
//! A letter stands for one length. Without `->` the result has the letters that occur once, in alphabetical order. The
//! axes behind `...` broadcast.
//!
//! Operands are taken two at a time, the pair with the smallest result first: what no later step needs is summed at once,
//! by [`tensordot`](super::tensordot) where both have it.

use super::elementwise::binary;
use super::reduce::Reduce;
use super::stack::as_dyns;
use super::{Array, DynArray};
use crate::chunks::unify::broadcast_grids;
use crate::element::{Element, promote_all};
use crate::error::{Error, Result};
use crate::kernels::{ElemOp, Reduction};
use crate::sparse::subscripts::{Label, Subscripts, unusable};

const OP: &str = "einsum";

/// An array whose axes have names, no two equal ones.
#[derive(Clone)]
struct Named {
    array: DynArray,
    labels: Vec<Label>,
}

impl Named {
    /// The operand of a term: an axis named twice becomes a diagonal.
    fn new(array: &DynArray, mut labels: Vec<Label>) -> Result<Self> {
        let mut array = array.clone();
        while let Some((first, second)) = repeated(&labels) {
            let lens = [first, second].map(|axis| array.shape()[axis]);
            if lens[0] != lens[1] {
                let detail = format!("axes {first} and {second} of shape {} share a name", array.grid().shape_text());
                return Err(Error::shape(OP, detail).with_remedy("only equal lengths have a diagonal"));
            }
            array = array.diagonal(0, [first as isize, second as isize])?;
            let label = labels.remove(second);
            labels.remove(first);
            labels.push(label);
        }
        Ok(Self { array, labels })
    }

    /// Drops axes of length 1 that stretch to the length of another operand.
    fn without_stretching(self, others: &[Named]) -> Self {
        let is_long = |label: &Label| others.iter().any(|other| other.len_of(label).is_some_and(|len| len != Some(1)));
        let kept: Vec<usize> = (0..self.labels.len())
            .filter(|&axis| self.array.grid().axis(axis).len() != Some(1) || !is_long(&self.labels[axis]))
            .collect();
        let labels = kept.iter().map(|&axis| self.labels[axis]).collect();
        Self { array: self.array.view(kept.into_iter().map(Some).collect()), labels }
    }

    /// The length of an axis by name: none if there is no such axis, and none inside if it is unknown.
    fn len_of(&self, label: &Label) -> Option<Option<u64>> {
        self.place(label).map(|axis| self.array.grid().axis(axis).len())
    }

    fn place(&self, label: &Label) -> Option<usize> {
        self.labels.iter().position(|own| own == label)
    }

    /// The same array with its axes in another order, or with new ones of length 1.
    fn arranged(&self, labels: &[Label]) -> DynArray {
        self.array.view(labels.iter().map(|label| self.place(label)).collect())
    }

    /// Sums over the axes that nobody needs any more, in the same element type.
    fn summed(self, is_needed: impl Fn(&Label) -> bool) -> Result<Self> {
        let gone: Vec<isize> =
            (0..self.labels.len()).filter(|&axis| !is_needed(&self.labels[axis])).map(|axis| axis as isize).collect();
        if gone.is_empty() {
            return Ok(self);
        }
        let array = self.array.reduce(Reduction::Sum, &Reduce::axes(gone))?.astype(self.array.dtype());
        Ok(Self { array, labels: self.labels.into_iter().filter(|label| is_needed(label)).collect() })
    }

    /// The product with another array, summed over what nobody else needs.
    fn times(self, other: Named, is_needed: &dyn Fn(&Label) -> bool) -> Result<Named> {
        let lhs = self.summed(|label| is_needed(label) || other.labels.contains(label))?;
        let rhs = other.summed(|label| is_needed(label) || lhs.labels.contains(label))?;
        let (shared, lhs_free): (Vec<Label>, Vec<Label>) =
            lhs.labels.iter().partition(|label| rhs.labels.contains(label));
        let rhs_free: Vec<Label> = rhs.labels.iter().copied().filter(|label| !shared.contains(label)).collect();
        let (batch, summed): (Vec<Label>, Vec<Label>) = shared.into_iter().partition(|label| is_needed(label));
        let labels = [&batch[..], &lhs_free, &rhs_free].concat();
        if summed.is_empty() {
            let array = binary(ElemOp::Multiply, &lhs.arranged(&labels), &rhs.arranged(&labels))?;
            return Ok(Named { array, labels });
        }
        let lhs_order = [&batch[..], &lhs_free, &summed].concat();
        let rhs_order = [&batch[..], &summed, &rhs_free].concat();
        let from = |first: usize| (first..first + summed.len()).collect();
        let (lhs_axes, rhs_axes) = (from(batch.len() + lhs_free.len()), from(batch.len()));
        let (lhs, rhs) = (lhs.arranged(&lhs_order), rhs.arranged(&rhs_order));
        Ok(Named { array: lhs.contract(OP, &rhs, lhs_axes, rhs_axes, batch.len())?, labels })
    }
}

/// The first two axes of one name.
fn repeated(labels: &[Label]) -> Option<(usize, usize)> {
    let second = (1..labels.len()).find(|&axis| labels[..axis].contains(&labels[axis]))?;
    let first = labels.iter().position(|label| *label == labels[second])?;
    Some((first, second))
}

/// Every name must stand for one length; 1 stretches.
fn check_lengths(operands: &[Named]) -> Result<()> {
    for (i, operand) in operands.iter().enumerate() {
        for (axis, label) in operand.labels.iter().enumerate() {
            let own = [operand.array.grid().axis(axis).clone()];
            for other in &operands[..i] {
                let Some(place) = other.place(label) else { continue };
                let grids = [other.array.grid().axis(place).clone()];
                if let (Some(a), Some(b)) = (grids[0].len(), own[0].len())
                    && a != b
                    && a != 1
                    && b != 1
                {
                    let shapes: Vec<String> = operands.iter().map(|named| named.array.grid().shape_text()).collect();
                    let detail = format!("{label} stands for lengths {a} and {b}; operands {}", shapes.join(", "));
                    return Err(Error::shape(OP, detail));
                }
                let grids = [grids, own.clone()].map(|axes| crate::chunks::Grid::new(axes.to_vec()));
                broadcast_grids(OP, &[&grids[0], &grids[1]])?;
            }
        }
    }
    Ok(())
}

/// The pair of operands whose product has the fewest elements; the first pair where lengths are unknown.
fn best_pair(operands: &[Named], result: &[Label]) -> (usize, usize) {
    let size = |i: usize, j: usize| {
        let is_needed = |label: &Label| {
            let others = operands.iter().enumerate().filter(|(k, _)| *k != i && *k != j);
            result.contains(label) || others.into_iter().any(|(_, other)| other.labels.contains(label))
        };
        let mut labels = [&operands[i].labels[..], &operands[j].labels].concat();
        labels.sort_unstable();
        labels.dedup();
        let len =
            |label: &Label| operands[i].len_of(label).or_else(|| operands[j].len_of(label)).flatten().unwrap_or(1);
        labels.iter().filter(|label| is_needed(label)).map(len).fold(1u64, u64::saturating_mul)
    };
    let pairs = (0..operands.len()).flat_map(|i| (i + 1..operands.len()).map(move |j| (i, j)));
    pairs.min_by_key(|&(i, j)| size(i, j)).unwrap_or((0, 1))
}

impl DynArray {
    /// See [`einsum`]; element types are promoted.
    pub fn einsum(subscripts: &str, arrays: &[&DynArray]) -> Result<Self> {
        let dtype =
            promote_all(arrays.iter().map(|array| array.dtype())).ok_or_else(|| unusable("no arrays are given"))?;
        let ndims: Vec<usize> = arrays.iter().map(|array| array.ndim()).collect();
        let terms = Subscripts::parse(subscripts, &ndims)?;
        if terms.sums_over_dots() {
            return Err(unusable(format!("the result of {subscripts:?} leaves out the ellipsis")));
        }
        let named = arrays.iter().zip(terms.operands).map(|(array, labels)| Named::new(&array.astype(dtype), labels));
        let named = named.collect::<Result<Vec<_>>>()?;
        check_lengths(&named)?;
        let mut operands: Vec<Named> = named.iter().map(|operand| operand.clone().without_stretching(&named)).collect();
        while operands.len() > 1 {
            let (i, j) = best_pair(&operands, &terms.result);
            let (second, first) = (operands.remove(j), operands.remove(i));
            let is_needed = |label: &Label| {
                terms.result.contains(label) || operands.iter().any(|operand| operand.labels.contains(label))
            };
            let product = first.times(second, &is_needed)?;
            operands.push(product);
        }
        let last = operands.pop().ok_or_else(|| unusable("no arrays are given"))?;
        Ok(last.summed(|label| terms.result.contains(label))?.arranged(&terms.result))
    }
}

/// Sums of products over axes named by letters, as NumPy's `einsum`.
///
/// Each array has a term of letters, one for each axis; equal letters stand for equal lengths (1 stretches). The result
/// has the axes behind `->`; all others are summed. Without `->` the result has the letters that occur once, in
/// alphabetical order. A letter twice in a term is a diagonal; `...` stands for all axes not named, which broadcast. The
/// element type stays, as for [`tensordot`](super::tensordot).
///
/// # Errors
/// The subscripts do not fit the arrays, or lengths of one letter differ.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let a = Array::from_ndarray(ndarray::arr2(&[[1, 2], [3, 4]]), Chunks::size(1))?;
/// assert_eq!(einsum("ij,jk->ik", &[&a, &a])?.compute()?, ndarray::arr2(&[[7, 10], [15, 22]]).into_dyn());
/// assert_eq!(einsum("ii", &[&a])?.scalar()?, 5);
/// assert_eq!(einsum("ii->i", &[&a])?.compute()?, ndarray::arr1(&[1, 4]).into_dyn());
/// assert_eq!(einsum("...j->j...", &[&a])?.compute()?, ndarray::arr2(&[[1, 3], [2, 4]]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn einsum<T: Element>(subscripts: &str, arrays: &[&Array<T>]) -> Result<Array<T>> {
    Array::try_wrap(DynArray::einsum(subscripts, &as_dyns(arrays)))
}
