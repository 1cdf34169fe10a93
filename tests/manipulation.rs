//! Shapes, axes and the order of elements, against plain loops over arrays in memory.

use hyperslab::prelude::*;
use ndarray::{ArrayD, IxDyn, arr1, arr2, arr3};
use proptest::prelude::*;

/// Numbers 0, 1, 2, … in row-major order.
fn numbered(shape: &[usize]) -> ArrayD<i64> {
    let n: usize = shape.iter().product();
    ArrayD::from_shape_vec(IxDyn(shape), (0..n as i64).collect()).unwrap()
}

fn chunked(array: &ArrayD<i64>, chunk: u64) -> Array<i64> {
    Array::from_view(array, Chunks::size(chunk)).unwrap()
}

/// A new array of which a function tells where each element comes from.
fn picked(shape: &[usize], from: &ArrayD<i64>, place: impl Fn(&[usize]) -> Vec<usize>) -> ArrayD<i64> {
    ArrayD::from_shape_fn(IxDyn(shape), |at| {
        let at: Vec<usize> = (0..shape.len()).map(|axis| at[axis]).collect();
        from[IxDyn(&place(&at))]
    })
}

fn shapes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0usize..5, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn rolls_move_elements_around(shape in shapes(), shift in -9i64..9, axis in 0usize..3, chunk in 1u64..4) {
        let axis = axis % shape.len();
        let a = numbered(&shape);
        let x = chunked(&a, chunk);
        let back = |i: usize, len: usize| (i as i64 - shift).rem_euclid(len as i64) as usize;
        let expected = picked(&shape, &a, |at| {
            let mut from = at.to_vec();
            from[axis] = back(at[axis], shape[axis]);
            from
        });
        prop_assert_eq!(x.roll(shift, axis as isize).unwrap().compute().unwrap(), expected);
        let flat = ArrayD::from_shape_vec(IxDyn(&[a.len()]), a.iter().copied().collect()).unwrap();
        let turned = picked(&[a.len()], &flat, |at| vec![back(at[0], a.len())]);
        let turned = turned.into_shape_with_order(IxDyn(&shape)).unwrap();
        prop_assert_eq!(x.roll_flat(shift).unwrap().compute().unwrap(), turned);
        let both = x.roll_axes(&[shift, 2], &[axis as isize, axis as isize]).unwrap();
        prop_assert_eq!(both.compute().unwrap(), x.roll(shift + 2, axis as isize).unwrap().compute().unwrap());
    }

    #[test]
    fn quarter_turns_add_up(rows in 0usize..5, columns in 0usize..5, k in -5i64..6, chunk in 1u64..4) {
        let a = numbered(&[rows, columns]);
        let x = chunked(&a, chunk);
        let turned = x.rot90(k, [0, 1]).unwrap();
        let once = x.rot90(1, [0, 1]).unwrap().compute().unwrap();
        prop_assert_eq!(once, picked(&[columns, rows], &a, |at| vec![at[1], columns - 1 - at[0]]));
        let back = turned.rot90(-k, [0, 1]).unwrap();
        prop_assert_eq!(back.compute().unwrap(), a.clone());
        let other_way = x.rot90(k, [1, 0]).unwrap().rot90(k, [0, 1]).unwrap();
        prop_assert_eq!(other_way.compute().unwrap(), a);
    }

    #[test]
    fn moved_axes_keep_the_others_in_order(shape in prop::collection::vec(1usize..4, 3), from in -3isize..3, to in -3isize..3) {
        let a = numbered(&shape);
        let x = chunked(&a, 2);
        let moved = x.move_axis(from, to).unwrap().compute().unwrap();
        let mut order: Vec<usize> = (0..3).collect();
        let axis = order.remove(from.rem_euclid(3) as usize);
        order.insert(to.rem_euclid(3) as usize, axis);
        prop_assert_eq!(moved, a.permuted_axes(IxDyn(&order)).as_standard_layout().into_owned());
    }
}

#[test]
fn stacks_raise_arrays_of_few_axes() -> Result<()> {
    let a = Array::from_vec(vec![1i64, 2, 3], Chunks::size(2))?;
    assert_eq!(hstack(&[&a, &a])?.compute()?, arr1(&[1, 2, 3, 1, 2, 3]).into_dyn());
    assert_eq!(vstack(&[&a, &a])?.compute()?, arr2(&[[1, 2, 3], [1, 2, 3]]).into_dyn());
    assert_eq!(dstack(&[&a, &a])?.compute()?, arr3(&[[[1, 1], [2, 2], [3, 3]]]).into_dyn());
    let m = a.atleast_2d();
    assert_eq!(hstack(&[&m, &m])?.known_shape()?, [1, 6]);
    assert_eq!(vstack(&[&a, &m])?.known_shape()?, [2, 3]);
    assert_eq!(column_stack(&[&a, &m.transpose()])?.known_shape()?, [3, 2]);
    let zero_d = Array::from_scalar(7i64);
    assert_eq!(hstack(&[&zero_d, &a])?.compute()?, arr1(&[7, 1, 2, 3]).into_dyn());
    assert!(hstack(&[&a, &m]).unwrap_err().is_shape());
    assert!(vstack::<i64>(&[]).unwrap_err().is_shape());
    Ok(())
}

#[test]
fn untyped_stacks_promote() -> Result<()> {
    let a = Array::from_vec(vec![1i32, 2], Chunks::auto())?;
    let b = Array::from_vec(vec![0.5f32], Chunks::auto())?;
    let joined = DynArray::hstack(&[a.as_dyn(), b.as_dyn()])?;
    assert_eq!(joined.try_typed::<f64>()?.compute()?, arr1(&[1.0, 2.0, 0.5]).into_dyn());
    Ok(())
}

#[test]
fn axes_come_and_go() -> Result<()> {
    let x = Array::<i64>::arange(0, 6, 1, Chunks::size(4))?.reshape([2, 3])?;
    assert_eq!(x.expand_axes(&[0, -1])?.squeeze().compute()?, x.compute()?);
    assert!(x.expand_axes(&[0, 0]).unwrap_err().is_shape());
    assert!(x.move_axes(&[0], &[0, 1]).unwrap_err().is_shape());
    assert_eq!(x.flip_all()?.compute()?, arr2(&[[5, 4, 3], [2, 1, 0]]).into_dyn());
    assert_eq!(x.append_flat(&x)?.n_elems()?, 12);
    assert_eq!(x.resize([4])?.compute()?, arr1(&[0, 1, 2, 3]).into_dyn());
    assert_eq!(x.resize([2, 4])?.compute()?, arr2(&[[0, 1, 2, 3], [4, 5, 0, 1]]).into_dyn());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn triangles_and_diagonals_follow_the_distance_of_row_and_column(
        shape in prop::collection::vec(0usize..5, 2..4), k in -5i64..6, chunk in 1u64..4
    ) {
        let a = numbered(&shape) + 1;
        let x = chunked(&a, chunk);
        let n = shape.len();
        let distance = |at: &IxDyn| at[n - 1] as i64 - at[n - 2] as i64;
        let kept = |keeps: &dyn Fn(i64) -> bool| {
            ArrayD::from_shape_fn(IxDyn(&shape), |at| if keeps(distance(&at)) { a[&at] } else { 0 })
        };
        prop_assert_eq!(x.tril(k).unwrap().compute().unwrap(), kept(&|d| d <= k));
        prop_assert_eq!(x.triu(k).unwrap().compute().unwrap(), kept(&|d| d >= k));
        let (rows, columns) = (shape[n - 2] as i64, shape[n - 1] as i64);
        let places: Vec<usize> = (0..rows).filter(|i| (0..columns).contains(&(i + k))).map(|i| i as usize).collect();
        let out: Vec<usize> = shape[..n - 2].iter().copied().chain([places.len()]).collect();
        let expected = picked(&out, &a, |at| {
            let row = places[at[n - 2]];
            at[..n - 2].iter().copied().chain([row, (row as i64 + k) as usize]).collect()
        });
        let diagonal = x.diagonal(k, [-2, -1]).unwrap();
        prop_assert_eq!(diagonal.compute().unwrap(), expected.clone());
        prop_assert_eq!(x.trace(k, [-2, -1]).unwrap().compute().unwrap(), expected.sum_axis(ndarray::Axis(n - 2)));
    }

    #[test]
    fn a_list_on_a_diagonal_comes_back(n in 0usize..6, k in -3i64..4, chunk in 1u64..4) {
        let a = numbered(&[n]) + 1;
        let x = chunked(&a, chunk);
        let square = x.diag(k).unwrap();
        let len = n as u64 + k.unsigned_abs();
        prop_assert_eq!(square.known_shape().unwrap(), [len, len]);
        prop_assert_eq!(square.sum().scalar().unwrap(), a.sum());
        prop_assert_eq!(square.diag(k).unwrap().compute().unwrap(), a);
    }

    #[test]
    fn repeats_and_tiles(shape in shapes(), n in 0u64..4, axis in 0usize..3, chunk in 1u64..4) {
        let axis = axis % shape.len();
        let a = numbered(&shape);
        let x = chunked(&a, chunk);
        let mut longer = shape.clone();
        longer[axis] *= n as usize;
        let along = |at: &[usize], from: usize| {
            let mut place = at.to_vec();
            place[axis] = from;
            place
        };
        let repeated = picked(&longer, &a, |at| along(at, at[axis] / n as usize));
        prop_assert_eq!(x.repeat(n, axis as isize).unwrap().compute().unwrap(), repeated.clone());
        let each = x.repeat_each(&vec![n; shape[axis]], axis as isize).unwrap();
        prop_assert_eq!(each.compute().unwrap(), repeated);
        let mut reps = vec![1; shape.len()];
        reps[axis] = n;
        let tiled = picked(&longer, &a, |at| along(at, at[axis] % shape[axis]));
        prop_assert_eq!(x.tile(&reps).unwrap().compute().unwrap(), tiled);
    }

    #[test]
    fn inserted_elements_are_deleted_again(
        n in 0usize..7, places in prop::collection::vec(0usize..8, 0..5), chunk in 1u64..4
    ) {
        let a = numbered(&[n]);
        let x = chunked(&a, chunk);
        let places: Vec<usize> = places.into_iter().map(|at| at % (n + 1)).collect();
        let values: Vec<i64> = (0..places.len() as i64).map(|i| -1 - i).collect();
        let mut expected: Vec<i64> = Vec::new();
        for at in 0..=n {
            expected.extend(places.iter().zip(&values).filter(|(place, _)| **place == at).map(|(_, value)| *value));
            expected.extend(a.iter().skip(at).take(1));
        }
        let positions: Vec<i64> = places.iter().map(|&at| at as i64).collect();
        let inserted = x.insert(&positions, Array::from_vec(values, Chunks::size(2)).unwrap(), 0).unwrap();
        prop_assert_eq!(inserted.compute().unwrap().into_raw_vec_and_offset().0, expected.clone());
        let new: Vec<i64> = (0..expected.len()).filter(|&i| expected[i] < 0).map(|i| i as i64).collect();
        prop_assert_eq!(inserted.delete(&new, 0).unwrap().compute().unwrap(), a);
    }

    #[test]
    fn padded_images_continue_an_axis(n in 1usize..6, before in 0u64..9, after in 0u64..9, chunk in 1u64..4) {
        let a = numbered(&[n]);
        let x = chunked(&a, chunk);
        let pad = |mode| x.pad((before, after), mode).unwrap().compute().unwrap().into_raw_vec_and_offset().0;
        let walked = |from: &dyn Fn(i64) -> i64| -> Vec<i64> {
            (-(before as i64)..n as i64 + after as i64).map(from).collect()
        };
        let len = n as i64;
        prop_assert_eq!(pad(PadMode::Wrap), walked(&|at| at.rem_euclid(len)));
        prop_assert_eq!(pad(PadMode::Edge), walked(&|at| at.clamp(0, len - 1)));
        prop_assert_eq!(pad(PadMode::constant(-7i64)), walked(&|at| if (0..len).contains(&at) { at } else { -7 }));
        // A mirror at each end: walk step by step.
        let bounce = |at: i64, step_on_edge: bool| {
            let (mut place, mut way) = (if at < 0 { 0 } else { len - 1 }, if at < 0 { 1 } else { -1 });
            let steps = if at < 0 { -at } else { at - len + 1 };
            let mut first = step_on_edge;
            for _ in 0..steps {
                if first {
                    first = false;
                } else if (0..len).contains(&(place + way)) {
                    place += way;
                } else {
                    way = -way;
                    if !step_on_edge && len > 1 { place += way; }
                }
            }
            place
        };
        let image = |step_on_edge| walked(&|at| if (0..len).contains(&at) { at } else { bounce(at, step_on_edge) });
        prop_assert_eq!(pad(PadMode::Reflect), image(false));
        prop_assert_eq!(pad(PadMode::Symmetric), image(true));
    }
}

#[test]
fn padding_with_numbers_of_the_axis() -> Result<()> {
    let x = Array::from_ndarray(arr2(&[[1i64, 2, 4], [9, 5, 7]]), Chunks::size(2))?;
    let widths = [(1, 0), (2, 1)];
    let pad = |mode| x.pad(widths, mode).unwrap().compute().unwrap();
    assert_eq!(pad(PadMode::Maximum), arr2(&[[9, 9, 9, 5, 7, 9], [4, 4, 1, 2, 4, 4], [9, 9, 9, 5, 7, 9]]).into_dyn());
    assert_eq!(pad(PadMode::Minimum), arr2(&[[1, 1, 1, 2, 4, 1], [1, 1, 1, 2, 4, 1], [5, 5, 9, 5, 7, 5]]).into_dyn());
    assert_eq!(pad(PadMode::Mean), arr2(&[[5, 5, 5, 4, 6, 5], [2, 2, 1, 2, 4, 2], [7, 7, 9, 5, 7, 7]]).into_dyn());
    assert_eq!(
        pad(PadMode::linear_ramp(0)),
        arr2(&[[0, 0, 0, 0, 0, 0], [0, 0, 1, 2, 4, 0], [0, 4, 9, 5, 7, 0]]).into_dyn()
    );
    let sides = x.pad([(1, 1), (0, 0)], PadMode::Constant(3i64.into(), 8i64.into()))?;
    assert_eq!(sides.compute()?, arr2(&[[3, 3, 3], [1, 2, 4], [9, 5, 7], [8, 8, 8]]).into_dyn());
    let empty = Array::<i64>::zeros([0], Chunks::auto())?;
    assert!(empty.pad(1, PadMode::Edge).unwrap_err().is_shape());
    assert_eq!(empty.pad(1, PadMode::constant(4i64))?.compute()?, arr1(&[4, 4]).into_dyn());
    assert!(x.pad([(1, 1), (1, 1), (1, 1)], PadMode::Edge).unwrap_err().is_shape());
    Ok(())
}

#[test]
fn unknown_lengths_where_they_can_be() -> Result<()> {
    let x = Array::<i64>::arange(0, 6, 1, Chunks::size(4))?;
    let odd = x.mask(&(&x % 2).eq(1)?)?;
    assert_eq!(odd.repeat(2, 0)?.compute()?, arr1(&[1, 1, 3, 3, 5, 5]).into_dyn());
    assert_eq!(odd.full_like(0.5).compute()?, arr1(&[0.5, 0.5, 0.5]).into_dyn());
    assert_eq!(odd.pad(1, PadMode::constant(0i64))?.compute()?, arr1(&[0, 1, 3, 5, 0]).into_dyn());
    assert!(odd.roll(1, 0).unwrap_err().is_unknown_chunks());
    assert!(odd.pad(1, PadMode::Wrap).unwrap_err().is_unknown_chunks());
    assert!(odd.diag(0).unwrap_err().is_unknown_chunks());
    Ok(())
}

#[test]
fn tables_of_positions_stand_where_lists_do() -> Result<()> {
    let a = numbered(&[3, 4, 5]);
    let x = chunked(&a, 2);
    let table = arr2(&[[0i64, 2], [-1, 1], [1, 1]]);
    let at = |i: usize, j: usize, len: usize| table[[i, j]].rem_euclid(len as i64) as usize;
    let middle = x.index(&idx![.., table.clone(), ..])?;
    assert_eq!(middle.compute()?, picked(&[3, 3, 2, 5], &a, |p| vec![p[0], at(p[1], p[2], 4), p[3]]));
    let last = x.index(&idx![Ellipsis, table.clone()])?;
    assert_eq!(last.compute()?, picked(&[3, 4, 3, 2], &a, |p| vec![p[0], p[1], at(p[2], p[3], 5)]));
    let both = x.index(&idx![table.clone(), [1, 2]])?;
    assert_eq!(both.compute()?, picked(&[3, 2, 5], &a, |p| vec![at(p[0], p[1], 3), 1 + p[1], p[2]]));
    let apart = x.index(&idx![table.clone(), .., [4, 0]])?;
    assert_eq!(apart.compute()?, picked(&[3, 2, 4], &a, |p| vec![at(p[0], p[1], 3), p[2], [4, 0][p[1]]]));
    let lazy = Array::from_ndarray(table.clone(), Chunks::size(2))?;
    assert_eq!(x.index(&idx![.., &lazy])?.compute()?, middle.compute()?);
    assert_eq!(x.index(&idx![.., ndarray::arr0(-1i64)])?.compute()?, x.index_axis(1, 3)?.compute()?);
    assert!(x.index(&idx![arr2(&[[3i64]])]).unwrap_err().is_index());
    Ok(())
}

#[test]
fn points_come_first() -> Result<()> {
    let a = numbered(&[3, 4, 5]);
    let x = chunked(&a, 2);
    let found = x.vindex(&idx![.., [3, 0], [1, 2]])?;
    assert_eq!(found.compute()?, picked(&[2, 3], &a, |p| vec![p[1], [3, 0][p[0]], [1, 2][p[0]]]));
    let scalar = x.vindex(&idx![0, [1, 2]])?;
    assert_eq!(scalar.compute()?, picked(&[2, 5], &a, |p| vec![0, 1 + p[0], p[1]]));
    assert!(x.vindex(&idx![[0], [4]]).unwrap_err().is_index());
    assert!(x.vindex(&idx![[0, 1], [0, 1, 2]]).unwrap_err().is_shape());
    assert!(x.vindex(&idx![..]).unwrap_err().is_index());
    Ok(())
}

#[test]
fn parts_put_together_again() -> Result<()> {
    let a = numbered(&[5, 3]);
    let x = chunked(&a, 2);
    for n in 1..7 {
        let parts = x.array_split(n, 0)?;
        assert_eq!(parts.len() as u64, n);
        assert_eq!(concatenate(&parts.iter().collect::<Vec<_>>(), 0)?.compute()?, a);
    }
    let lens: Vec<u64> = x.array_split(3, 0)?.iter().map(|part| part.len().unwrap()).collect();
    assert_eq!(lens, [2, 2, 1]);
    let columns = x.unstack(1)?;
    assert_eq!(stack(&columns.iter().collect::<Vec<_>>(), 1)?.compute()?, a);
    assert_eq!(x.split_at(&[2, 9], 1)?[2].known_shape()?, [5, 0]);
    assert!(x.array_split(0, 0).is_err());
    Ok(())
}

#[test]
fn lengths_on_trust_are_checked_when_run() -> Result<()> {
    let x = Array::<i64>::arange(0, 8, 1, Chunks::size(4))?.reshape([4, 2])?;
    let rows = |mask: Array<bool>| x.mask(&mask);
    let first = x.slice(s![.., 0])?;
    let (low, high) = (rows(first.lt(4)?)?, rows(first.ge(4)?)?);
    let side_by_side = concatenate(&[&low, &low.with_lengths_of(&low)?], 1)?;
    assert_eq!(side_by_side.compute()?, arr2(&[[0, 1, 0, 1], [2, 3, 2, 3]]).into_dyn());
    assert!(concatenate(&[&low, &high], 1).unwrap_err().is_unknown_chunks());
    let wrong = concatenate(&[&low, &high.with_lengths_of(&low)?], 1)?;
    let error = wrong.compute().unwrap_err().to_string();
    assert!(error.contains("has length"), "{error}");
    Ok(())
}
