//! Operands brought to the axes of a result.

use ndarray::{ArrayViewD, Axis};

use super::context::KernelContext;
use super::layout::View;
use crate::block::Block;
use crate::error::Result;

/// A view whose axis `k` is axis `axes[k]` of a block, or new with length 1. Axes that are not shown have length 1.
pub(crate) fn arranged<'a, T>(view: ArrayViewD<'a, T>, axes: &[Option<usize>]) -> ArrayViewD<'a, T> {
    let is_identity = axes.len() == view.ndim() && axes.iter().copied().eq((0..view.ndim()).map(Some));
    if is_identity {
        return view;
    }
    let hidden = (0..view.ndim()).rev().filter(|axis| !axes.contains(&Some(*axis)));
    let hidden: Vec<usize> = hidden.collect();
    let order: Vec<usize> = axes
        .iter()
        .copied()
        .flatten()
        .map(|axis| axis - hidden.iter().filter(|&&dropped| dropped < axis).count())
        .collect();
    let shown = hidden.into_iter().fold(view, |view, axis| view.index_axis_move(Axis(axis), 0));
    let ordered = shown.permuted_axes(order);
    axes.iter().enumerate().fold(
        ordered,
        |view, (place, axis)| {
            if axis.is_none() { view.insert_axis(Axis(place)) } else { view }
        },
    )
}

/// The shape that operands with these axes broadcast to, where the plan does not know it.
pub(crate) fn result_shape(
    known: &[Option<u64>],
    shapes: &[Vec<usize>],
    operands: &[Vec<Option<usize>>],
) -> Vec<usize> {
    let along = |(place, known): (usize, &Option<u64>)| match known {
        Some(len) => *len as usize,
        None => {
            let lens = shapes.iter().zip(operands).filter_map(|(shape, axes)| axes[place].map(|axis| shape[axis]));
            lens.fold(1, |all, len| if all == 1 { len } else { all })
        }
    };
    known.iter().enumerate().map(along).collect()
}

/// A sparse block brought to the axes and the shape of a result.
pub(crate) fn arranged_sparse(
    block: Block,
    axes: &[Option<usize>],
    shape: &[usize],
    ctx: &KernelContext<'_>,
) -> Result<Block> {
    let is_identity = axes.iter().copied().eq((0..block.shape().len()).map(Some));
    if is_identity && block.shape() == shape {
        return Ok(block);
    }
    let view = View { axes: axes.to_vec(), shape: shape.iter().map(|&len| Some(len as u64)).collect() };
    view.run(vec![block.into()], ctx)
}

#[cfg(test)]
mod tests {
    use ndarray::Array;

    use super::*;

    #[test]
    fn axes_are_dropped_permuted_and_inserted() {
        let block = Array::from_shape_vec((1, 2, 3), (0..6).collect()).unwrap().into_dyn();
        let view = arranged(block.view(), &[Some(2), None, Some(1)]);
        assert_eq!(view.shape(), [3, 1, 2]);
        assert_eq!(view[[2, 0, 1]], block[[0, 1, 2]]);
    }

    #[test]
    fn unknown_lengths_follow_the_operands() {
        let operands = [vec![Some(0), Some(1)], vec![None, Some(0)]];
        assert_eq!(result_shape(&[None, None], &[vec![4, 1], vec![7]], &operands), [4, 7]);
        assert_eq!(result_shape(&[Some(4), None], &[vec![4, 1], vec![0]], &operands), [4, 0]);
    }
}
