//! An elementwise program on sparse operands: once on the fills, once on the values where entries can come out.
//!
//! An operand is *inert* if its entries, meeting the fills of the others, all give the fill of the result: a product with
//! fill 0 is the usual case. A position at which only an inert operand has an entry needs no look, so the longest inert
//! operand does not add its positions; it is only read at those of the others:
//!
//! ```text
//! a (1000000 entries) * b (3 entries)      the program runs on 3 pairs
//! a (1000000, 4)      * row (4)            row is read where a has entries, not copied a million times
//! ```
//!
//! The entries themselves are asked, not the operation: an infinity times a fill of zero is NaN.

use ndarray::{ArrayD, ArrayView1, ArrayViewMutD, Axis, IxDyn, Slice};

use crate::block::{Block, BlockData, with_block};
use crate::element::{Element, Scalar};
use crate::error::{Error, Result, Shown};
use crate::kernels::program::{Operand, OutputMut, Program};
use crate::sparse::Coo;
use crate::sparse::align::{from_aligned, union};
use crate::sparse::broadcast::{Stretch, broadcast_shapes};
use crate::sparse::keys::{Keys, Width};

/// Elements that are tried before all are.
const PROBE: usize = 16;

/// The result of a program on blocks that broadcast, at least one of them sparse, in the shape `shape`.
///
/// # Errors
/// Dense blocks give different results where nothing is stored, or the result does not fit in memory.
pub(crate) fn evaluate<V: Element>(program: &Program, blocks: &[Block], shape: &[u64]) -> Result<Coo<V>> {
    match FillResult::new(program, blocks)? {
        FillResult::One { fill, fills } => on_entries(program, blocks, shape, fill, &fills),
        FillResult::Several(one, other) => {
            let detail =
                format!("what is not stored gives {one} with one element of a dense operand and {other} with another");
            Err(Error::layout(program.name(), detail)
                .with_remedy("take the sparse operand with `to_dense()` for a dense result"))
        }
    }
}

/// Like [`evaluate`]; `None` where dense blocks give different results where nothing is stored.
pub(crate) fn evaluate_if_sparse<V: Element>(
    program: &Program,
    blocks: &[Block],
    shape: &[u64],
) -> Result<Option<Coo<V>>> {
    match FillResult::new(program, blocks)? {
        FillResult::One { fill, fills } => on_entries(program, blocks, shape, fill, &fills).map(Some),
        FillResult::Several(..) => Ok(None),
    }
}

/// The result, whose fill is known.
fn on_entries<V: Element>(
    program: &Program,
    blocks: &[Block],
    shape: &[u64],
    fill: V,
    fills: &[Option<Scalar>],
) -> Result<Coo<V>> {
    let stretches: Vec<Stretch> = blocks.iter().map(|block| Stretch::new(&shape_of(block), shape)).collect();
    let positions = positions(program, blocks, shape, &stretches, fill, fills)?;
    let aligned = blocks.iter().zip(&stretches).map(|(block, stretch)| values_at(block, stretch, &positions));
    let aligned = aligned.collect::<Result<Vec<Option<Block>>>>()?;
    let operands = blocks.iter().zip(&aligned).map(|(block, aligned)| match aligned {
        Some(aligned) => with_block!(aligned, T, data => Ok(Operand::new(&data.dense()?))),
        None => with_block!(block, T, data => Ok(run_of(data.sparse()?.values()))),
    });
    let values = run::<V>(program, &operands.collect::<Result<Vec<_>>>()?, positions.len())?;
    Ok(from_aligned(shape.into(), positions, values, fill))
}

/// The shape that blocks broadcast to.
pub(crate) fn broadcast(op: &'static str, blocks: &[Block]) -> Result<Vec<u64>> {
    blocks.iter().try_fold(Vec::new(), |shape, block| broadcast_shapes(op, &shape, &shape_of(block)))
}

fn shape_of(block: &Block) -> Vec<u64> {
    block.shape().iter().map(|&len| len as u64).collect()
}

/// What the program makes of elements that are not stored.
enum FillResult<V> {
    /// The same everywhere; with the fills of the operands, `None` for dense ones.
    One { fill: V, fills: Vec<Option<Scalar>> },
    /// Not the same with two elements of dense operands.
    Several(V, V),
}

impl<V: Element> FillResult<V> {
    fn new(program: &Program, blocks: &[Block]) -> Result<Self> {
        let fills: Vec<Option<Scalar>> = blocks.iter().map(Block::fill).collect();
        if let Some(all) = fills.iter().copied().collect::<Option<Vec<Scalar>>>() {
            return Ok(FillResult::One { fill: V::from_scalar(program.on_scalars(&all)?[0]), fills });
        }
        let dense: Vec<Block> = blocks.iter().filter(|block| !block.is_sparse()).cloned().collect();
        let shape: Vec<usize> = broadcast(program.name(), &dense)?.iter().map(|&len| len as usize).collect();
        let mut fill = V::zero();
        // A few elements tell of most operations that nothing stays sparse.
        let last = shape.len().saturating_sub(1);
        let probe =
            shape.iter().enumerate().map(|(axis, &len)| len.min(if axis == last { PROBE } else { 1 })).collect();
        for shape in [probe, shape] {
            let results = on_fills::<V>(program, blocks, &fills, &shape)?;
            fill = results.first().copied().unwrap_or(fill);
            if let Some(&other) = results.iter().find(|&&other| !other.is_same(fill)) {
                return Ok(FillResult::Several(fill, other));
            }
        }
        Ok(FillResult::One { fill, fills })
    }
}

/// The results for fills beside the first elements of the dense blocks, in this shape.
fn on_fills<V: Element>(
    program: &Program,
    blocks: &[Block],
    fills: &[Option<Scalar>],
    shape: &[usize],
) -> Result<ArrayD<V>> {
    let operands = blocks.iter().zip(fills).map(|(block, fill)| match fill {
        Some(fill) => Ok(Operand::scalar(fill)),
        None => with_block!(block, T, data => {
            let mut view = data.dense()?;
            let first = shape.len() - view.ndim();
            for axis in 0..view.ndim() {
                let len = view.len_of(Axis(axis)).min(shape[first + axis]);
                view.slice_axis_inplace(Axis(axis), Slice::from(0..len));
            }
            Ok(Operand::new(&view))
        }),
    });
    let mut results = ArrayD::from_elem(IxDyn(shape), V::zero());
    let operands = operands.collect::<Result<Vec<_>>>()?;
    program.evaluate(&operands, shape, &mut [OutputMut::new(results.view_mut())])?;
    Ok(results)
}

/// Where entries can come out.
fn positions<V: Element>(
    program: &Program,
    blocks: &[Block],
    shape: &[u64],
    stretches: &[Stretch],
    fill: V,
    fills: &[Option<Scalar>],
) -> Result<Keys> {
    let op = program.name();
    let n_stored = |i: usize| match blocks[i].fill() {
        Some(_) => with_block!(&blocks[i], T, data => data.sparse().map_or(0, Coo::nnz)) as u128,
        None => 0,
    };
    let mut takes_part: Vec<usize> = (0..blocks.len()).filter(|&i| n_stored(i) > 0).collect();
    if fills.iter().all(Option::is_some) {
        let cost = |i: usize| n_stored(i).saturating_mul(stretches[i].n_copies());
        takes_part.sort_by_key(|&i| std::cmp::Reverse(cost(i)));
        for at in 0..takes_part.len() {
            if is_inert(program, blocks, takes_part[at], fill, fills)? {
                takes_part.remove(at);
                break;
            }
        }
    }
    let keys = takes_part
        .iter()
        .map(|&i| with_block!(&blocks[i], T, data => stretches[i].positions(op, data.sparse()?)))
        .collect::<Result<Vec<Keys>>>()?;
    match keys.is_empty() {
        true => Ok(Keys::empty(Width::of_shape(op, shape)?)),
        false => Ok(union(&keys.iter().collect::<Vec<_>>())),
    }
}

/// Whether the entries of operand `i` give the fill of the result where they stand alone.
fn is_inert<V: Element>(
    program: &Program,
    blocks: &[Block],
    i: usize,
    fill: V,
    fills: &[Option<Scalar>],
) -> Result<bool> {
    with_block!(&blocks[i], T, data => {
        let values = data.sparse()?.values();
        for values in [&values[..values.len().min(PROBE)], values] {
            let operands = fills.iter().enumerate().map(|(k, fill)| match fill {
                Some(fill) if k != i => Operand::scalar(fill),
                _ => run_of(values),
            });
            let results = run::<V>(program, &operands.collect::<Vec<_>>(), values.len())?;
            if results.iter().any(|result| !result.is_same(fill)) {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

/// The values of an operand at positions of the result; `None` if they are those that it stores.
fn values_at(block: &Block, stretch: &Stretch, positions: &Keys) -> Result<Option<Block>> {
    with_block!(block, T, data => match data {
        BlockData::Sparse(coo) if coo.nnz() == positions.len() && coo.keys().is_shared_with(positions) && stretch.is_identity() => Ok(None),
        BlockData::Sparse(coo) if coo.nnz() == 0 => Ok(Some(Block::from_scalar(coo.fill().to_scalar()))),
        BlockData::Sparse(coo) => Ok(Some(row(stretch.values_at(coo, positions)?))),
        BlockData::Dense(array) => {
            let array = array.as_standard_layout();
            Ok(Some(row(stretch.dense_values_at(array.as_slice().unwrap_or_default(), positions))))
        }
    })
}

fn row<T: Element>(values: Vec<T>) -> Block {
    Block::from_dense(ndarray::Array1::from_vec(values).into_dyn())
}

fn run_of<T: Element>(values: &[T]) -> Operand<'_> {
    Operand::new(&ArrayView1::from(values).into_dyn())
}

/// The results of a program on runs of `n` values.
fn run<V: Element>(program: &Program, operands: &[Operand<'_>], n: usize) -> Result<Vec<V>> {
    let mut results = vec![V::zero(); n];
    let view = ArrayViewMutD::from_shape(IxDyn(&[n]), &mut results)
        .map_err(|error| Error::bug("evaluate", format!("{error} for {}", Shown(&[n]))))?;
    program.evaluate(operands, &[n], &mut [OutputMut::new(view)])?;
    Ok(results)
}
