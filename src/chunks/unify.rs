//! Broadcasting of shapes and of grids.
//!
//! Operands of an elementwise operation must agree in shape and in chunks before their blocks can be paired. Shapes are
//! aligned from the right and lengths of 1 stretch; where chunks differ, all operands move to the *common refinement*,
//! the coarsest cut that cuts wherever one of them does:
//!
//! ```text
//! a   │     4     │     4     │ 2 │
//! b   │   3    │   3    │   3    │1│
//!     │   3    │1 │ 2   │  2  │1 │1│    common refinement
//! ```
//!
//! Lengths that only a run can tell agree only with themselves: two axes with one [`SizeVar`](super::SizeVar) come from
//! the same mask and agree block by block, any others are refused.

use super::axis::AxisChunks;
use super::grid::Grid;
use crate::error::{Error, Result, Shown};

/// The shape that two shapes broadcast to.
pub(crate) fn broadcast_shape(op: &'static str, lhs: &[u64], rhs: &[u64]) -> Result<Vec<u64>> {
    let ndim = lhs.len().max(rhs.len());
    let len_of = |shape: &[u64], axis: usize| (axis + shape.len()).checked_sub(ndim).map_or(1, |own| shape[own]);
    (0..ndim)
        .map(|axis| match (len_of(lhs, axis), len_of(rhs, axis)) {
            (a, b) if a == b => Ok(a),
            (1, b) => Ok(b),
            (a, 1) => Ok(a),
            _ => Err(Error::broadcast(op, &Shown(lhs), &Shown(rhs))),
        })
        .collect()
}

/// The grid on which all operands can be paired block by block.
///
/// An operand reaches it by [`operand_grid`] and by repeating its length-1 axes.
///
/// # Errors
/// Shapes that do not broadcast; lengths of different unknown origin on one axis.
pub(crate) fn broadcast_grids(op: &'static str, grids: &[&Grid]) -> Result<Grid> {
    let ndim = grids.iter().map(|grid| grid.ndim()).max().unwrap_or(0);
    (0..ndim).map(|axis| unify_axis(op, grids, axis, ndim)).collect::<Result<Vec<_>>>().map(Grid::new)
}

/// The grid that an operand is rechunked to before its blocks are paired with those of `unified`: the same cut, except
/// that an axis which stretches is one chunk of length 1.
pub(crate) fn operand_grid(operand: &Grid, unified: &Grid) -> Grid {
    let skipped = unified.ndim() - operand.ndim();
    let pairs = operand.axes().iter().zip(&unified.axes()[skipped..]);
    pairs.map(|(own, all)| if own.extent() == all.extent() { all.clone() } else { AxisChunks::whole(1) }).collect()
}

fn unify_axis(op: &'static str, grids: &[&Grid], axis: usize, ndim: usize) -> Result<AxisChunks> {
    // The unified chunks so far and the operand they come from, which a complaint names.
    let mut found: Option<(AxisChunks, usize)> = None;
    for (i, grid) in grids.iter().enumerate() {
        let Some(own_axis) = (axis + grid.ndim()).checked_sub(ndim) else { continue };
        let chunks = grid.axis(own_axis);
        found = Some(match found {
            None => (chunks.clone(), i),
            Some((so_far, from)) if chunks == &so_far => (so_far, from),
            Some((so_far, from)) => match (so_far.len(), chunks.len()) {
                (Some(a), Some(b)) if a == b => (refine(&so_far, chunks), from),
                (Some(1), _) => (chunks.clone(), i),
                (_, Some(1)) => (so_far, from),
                (Some(_), Some(_)) => {
                    return Err(Error::broadcast(op, &grids[from].shape_text(), &grid.shape_text()));
                }
                _ => return Err(different_origin(op, (grids[from], &so_far), (grid, chunks), ndim - axis)),
            },
        });
    }
    Ok(found.map_or_else(|| AxisChunks::whole(1), |(chunks, _)| chunks))
}

/// The coarsest cut that has every border of both; empty chunks are dropped unless both cuts are equal.
fn refine(a: &AxisChunks, b: &AxisChunks) -> AxisChunks {
    let (Some(mut borders), Some(more)) = (a.borders(), b.borders()) else { return a.clone() };
    borders.extend(more);
    borders.sort_unstable();
    borders.dedup();
    if borders.len() == 1 { AxisChunks::whole(0) } else { AxisChunks::from_borders(borders) }
}

fn different_origin(
    op: &'static str,
    (a_grid, a): (&Grid, &AxisChunks),
    (b_grid, b): (&Grid, &AxisChunks),
    from_end: usize,
) -> Error {
    let why = match (a.var(), b.var()) {
        (Some(_), Some(_)) => "come from different masks",
        _ => "may differ",
    };
    let (a_shape, b_shape) = (a_grid.shape_text(), b_grid.shape_text());
    let (a_axis, b_axis) = (a_grid.ndim() - from_end, b_grid.ndim() - from_end);
    Error::unknown_chunks(
        op,
        format_args!(
            "axis {a_axis} of shape {a_shape} and axis {b_axis} of shape {b_shape} have lengths {} and {}, which {why}",
            a.extent(),
            b.extent()
        ),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::extent::SizeVar;
    use super::super::testing::cut_of;
    use super::*;

    fn grid(axes: &[&[u64]]) -> Grid {
        axes.iter().map(|sizes| AxisChunks::from_sizes(sizes).unwrap()).collect()
    }

    fn text(grids: &[&Grid]) -> String {
        broadcast_grids("add", grids).map_or_else(|error| error.to_string(), |grid| grid.to_string())
    }

    #[test]
    fn lengths_of_one_stretch_also_to_nothing_and_to_unknown() {
        let unknown = Grid::new(vec![AxisChunks::unknown(SizeVar(0xa), 2)]);
        assert_eq!(text(&[&grid(&[&[1]]), &grid(&[&[0]])]), "(0) chunks (0)");
        assert_eq!(text(&[&grid(&[&[1]]), &unknown]), "(?000a) chunks (?000ax2)");
        assert_eq!(text(&[&unknown, &grid(&[]), &unknown]), "(?000a) chunks (?000ax2)");
        assert_eq!(text(&[&grid(&[&[2, 1], &[1]]), &grid(&[&[4]])]), "(3, 4) chunks (2, 4)");
        assert_eq!(text(&[]), "() chunks ()");
    }

    #[test]
    fn what_does_not_agree_is_named() {
        let error = text(&[&grid(&[&[2], &[3]]), &grid(&[&[4]])]);
        assert!(error.starts_with("add: shapes (2, 3) and (4) do not broadcast"), "{error}");
        let unknown = |var, n| Grid::new(vec![AxisChunks::unknown(SizeVar(var), n)]);
        let error = text(&[&unknown(1, 2), &unknown(2, 2)]);
        assert_eq!(
            error,
            "add: chunk sizes are unknown: axis 0 of shape (?0001) and axis 0 of shape (?0002) have lengths ?0001 and ?0002, \
             which come from different masks; call `compute_chunk_sizes()` on the operand first"
        );
        assert!(text(&[&unknown(1, 2), &unknown(1, 3)]).contains("unknown"));
        let error = text(&[&grid(&[&[2], &[2]]), &unknown(1, 1)]);
        assert!(
            error.contains("axis 1 of shape (2, 2) and axis 0 of shape (?0001) have lengths 2 and ?0001"),
            "{error}"
        );
    }

    #[test]
    fn stretched_axes_of_operands_become_one_chunk() {
        let a = grid(&[&[0, 1, 0], &[3, 1]]);
        let b = grid(&[&[2, 2], &[2, 2]]);
        let unified = broadcast_grids("add", &[&a, &b]).unwrap();
        assert_eq!(unified.chunks_text(), "(2, (2, 1, 1))");
        assert_eq!(operand_grid(&a, &unified).chunks_text(), "(1, (2, 1, 1))");
        assert_eq!(operand_grid(&b, &unified), unified);
        assert_eq!(operand_grid(&grid(&[&[4]]), &unified).chunks_text(), "((2, 1, 1))");
    }

    proptest! {
        #[test]
        fn refinement_has_every_border_and_no_other(
            (a, b, c) in (0u64..20).prop_flat_map(|len| (cut_of(len), cut_of(len), cut_of(len))),
        ) {
            let grids = [&a, &b, &c].map(|axis| Grid::new(vec![axis.clone()]));
            let unified = broadcast_grids("add", &[&grids[0], &grids[1], &grids[2]]).unwrap();
            let unified = unified.axis(0);
            prop_assert_eq!(unified.len(), a.len());
            let len = a.len().unwrap();
            for border in 0..=len {
                let cut = |axis: &AxisChunks| axis.borders().unwrap().contains(&border);
                prop_assert_eq!(cut(unified), cut(&a) || cut(&b) || cut(&c));
            }
            prop_assert!(unified == &a || len == 0 || unified.sizes().all(|size| size > 0));
        }

        #[test]
        fn shapes_broadcast_as_grids_do(
            a in prop::collection::vec(0u64..4, 0..4), b in prop::collection::vec(0u64..4, 0..4),
        ) {
            let by_shape = broadcast_shape("add", &a, &b);
            let by_grid = broadcast_grids("add", &[&Grid::single(&a), &Grid::single(&b)]);
            prop_assert_eq!(by_shape.as_ref().ok().cloned(), by_grid.ok().and_then(|grid| grid.known_shape()));
            let pairs: Vec<(u64, u64)> = a.iter().rev().copied().zip(b.iter().rev().copied()).collect();
            prop_assert_eq!(by_shape.is_ok(), pairs.iter().all(|&(x, y)| x == y || x == 1 || y == 1));
        }
    }
}
