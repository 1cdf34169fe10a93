//! Lengths that only a run can tell: what works without them, what does not and says so, and how they become known.

use hyperslab::prelude::*;
use ndarray::{arr0, arr1, arr2};

/// 0..12 in uneven chunks, and a mask of its multiples of three.
fn numbers() -> (Array<i64>, Array<bool>) {
    let x = Array::<i64>::arange(0, 12, 1, vec![vec![1u64, 4, 5, 2]]).unwrap();
    let mask = (&x % 3).eq(0).unwrap();
    (x, mask)
}

/// 12 rows of two numbers, with a mask of rows and one of elements.
fn rows() -> (Array<i64>, Array<bool>, Array<bool>) {
    let x = Array::<i64>::arange(0, 24, 1, Chunks::size(5)).unwrap().reshape([12, 2]).unwrap();
    let rows = x.index_axis(1, 0).unwrap().gt(13).unwrap();
    let elems = (&x % 5).eq(0).unwrap();
    (x, rows, elems)
}

fn is_refused<T>(result: Result<T>, parts: &[&str]) {
    let error = result.err().expect("the length is not known");
    let text = error.to_string();
    assert!(error.is_usage() && error.is_unknown_chunks(), "{error:?}");
    assert!(text.contains("chunk sizes are unknown") && text.contains("compute_chunk_sizes()"), "{text}");
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in `{text}`");
    }
}

#[test]
fn selections_by_one_mask_work_together() -> Result<()> {
    let (x, mask) = numbers();
    let y = &x * 10;
    let (a, b) = (x.mask(&mask)?, y.mask(&mask)?);
    assert_eq!((&a + &b).compute()?, arr1(&[0, 33, 66, 99]).into_dyn());
    assert_eq!(where_(&a.gt(3)?, &a, &b)?.compute()?, arr1(&[0, 30, 6, 9]).into_dyn());
    assert_eq!(dot(&a, &b)?.scalar()?, 10 * (9 + 36 + 81));
    assert_eq!(stack(&[&a, &b], 0)?.compute()?, arr2(&[[0, 3, 6, 9], [0, 30, 60, 90]]).into_dyn());
    // The same mask, made twice from the same operations.
    let again = (&x % 3).eq(0)?;
    assert_eq!((x.mask(&again)? - &a).compute()?, arr1(&[0; 4]).into_dyn());
    // A mask of the selection is a mask like any other.
    let large = a.gt(4)?;
    assert_eq!((a.mask(&large)? + b.mask(&large)?).compute()?, arr1(&[66, 99]).into_dyn());
    Ok(())
}

#[test]
fn selections_by_different_masks_are_refused_when_they_are_combined() -> Result<()> {
    let (x, mask) = numbers();
    let other = x.gt(7)?;
    let (a, b) = (x.mask(&mask)?, x.mask(&other)?);
    is_refused(a.try_add(&b), &["add", "different masks"]);
    is_refused(a.try_mul(&x), &["multiply", "may differ"]);
    is_refused(where_(&a.gt(1)?, &b, 0), &["where"]);
    is_refused(stack(&[&a, &b], 0), &["different masks"]);
    is_refused(dot(&a, &b), &["dot"]);
    is_refused(a.mask(&other), &["mask"]);
    let mut c = x.clone();
    is_refused(c.assign_mask(&mask, &b), &["assign"]);
    // The results are as many by chance: still refused, for the numbers are not known when the expression is built.
    assert_eq!(a.compute()?.len(), b.compute()?.len());
    Ok(())
}

#[test]
fn what_needs_no_lengths_works() -> Result<()> {
    let (x, rows, elems) = rows();
    let picked = x.mask(&rows)?;
    let expected = arr2(&[[14, 15], [16, 17], [18, 19], [20, 21], [22, 23]]).into_dyn();
    assert_eq!(picked.compute()?, expected);
    assert_eq!(picked.slice(s![.., 1])?.compute()?, arr1(&[15, 17, 19, 21, 23]).into_dyn());
    assert_eq!(picked.index(&idx![.., [1, 0, 1]])?.sum().scalar()?, 95 + 90 + 95);
    assert_eq!(picked.transpose().compute()?, expected.t().to_owned());
    assert_eq!(picked.rechunk(Chunks::keep().with_axis(1, 1))?.compute()?, expected);
    assert_eq!(picked.mean_axis(0)?.compute()?, arr1(&[18.0, 19.0]).into_dyn());
    assert_eq!(picked.var().scalar()?, 8.25);
    assert_eq!(picked.max_axis(1)?.compute()?, arr1(&[15, 17, 19, 21, 23]).into_dyn());
    assert_eq!(picked.cumsum(0)?.slice(s![.., 0])?.compute()?, arr1(&[14, 30, 48, 68, 90]).into_dyn());
    assert_eq!(picked.topk(2, 0)?.compute()?, arr2(&[[22, 23], [20, 21]]).into_dyn());
    assert_eq!(tensordot(&picked, &picked, ([0], [0]))?.compute()?, expected_gram(&expected));
    assert_eq!(concatenate(&[&picked, &x.slice(s![..1, ..])?], 0)?.sum().scalar()?, 185 + 1);
    let doubled: Array<i64> = picked.map_blocks(|block| Ok((&block.dense()? * 2).into()))?;
    assert_eq!(doubled.sum().scalar()?, 370);
    // Elements of any rank come in row-major order, whatever the chunks.
    assert_eq!(x.mask(&elems)?.compute()?, arr1(&[0, 5, 10, 15, 20]).into_dyn());
    assert_eq!(x.transpose().mask(elems.transpose())?.compute()?, arr1(&[0, 10, 20, 5, 15]).into_dyn());
    Ok(())
}

fn expected_gram(a: &ndarray::ArrayD<i64>) -> ndarray::ArrayD<i64> {
    let a = a.clone().into_dimensionality::<ndarray::Ix2>().unwrap();
    a.t().dot(&a).into_dyn()
}

#[test]
fn what_needs_lengths_says_so() -> Result<()> {
    let (x, rows, _) = rows();
    let picked = x.mask(&rows)?;
    is_refused(picked.len(), &["len"]);
    is_refused(picked.known_shape(), &["shape"]);
    is_refused(picked.n_elems(), &["size"]);
    is_refused(picked.slice(s![..3, ..]), &["slice", "axis 0"]);
    is_refused(picked.index(&idx![0]), &["index", "axis 0"]);
    is_refused(picked.take(&[0, 1], 0), &["take", "axis 0"]);
    is_refused(picked.reshape([-1i64]), &["reshape"]);
    is_refused(picked.ravel(), &["ravel"]);
    is_refused(picked.broadcast_to([2, 5, 2]), &["broadcast_to"]);
    is_refused(picked.rechunk(3), &["rechunk", "axis 0"]);
    is_refused(picked.flip(&[0]), &["flip", "axis 0"]);
    is_refused(picked.roll(1, 0), &["roll", "axis 0"]);
    is_refused(picked.argmax_axis(0), &["argmax", "axis 0"]);
    is_refused(
        picked.map_overlap::<i64, _>(Overlap::depth(1), |b| Ok(b.dense()?.to_owned().into())),
        &["map_overlap", "axis 0"],
    );
    is_refused(concatenate(&[&picked, &x], 1), &["concatenate"]);
    let mut changed = picked.clone();
    is_refused(changed.assign(s![..2, ..], 0), &["assign", "axis 0"]);
    Ok(())
}

#[test]
fn computed_sizes_are_exact_and_everything_works_with_them() -> Result<()> {
    let (x, mask) = numbers();
    let large = mask.try_bitand(&x.lt(7)?)?;
    let picked = x.mask(&large)?;
    let known = picked.compute_chunk_sizes()?;
    assert_eq!(known.grid().axis(0).sizes().collect::<Vec<u64>>(), [1, 1, 1, 0]);
    assert_eq!(known.len()?, 3);
    assert_eq!(known.slice(s![..;-1])?.compute()?, arr1(&[6, 3, 0]).into_dyn());
    assert_eq!(known.reshape([3, 1])?.compute()?, arr2(&[[0], [3], [6]]).into_dyn());
    assert_eq!(known.rechunk(2)?.compute()?, arr1(&[0, 3, 6]).into_dyn());
    assert_eq!(known.argmax().scalar()?, 2);
    assert_eq!((&known + Array::from_vec(vec![1, 1, 1], Chunks::size(2))?).compute()?, arr1(&[1, 4, 7]).into_dyn());
    let sums: Array<i64> = known.map_overlap(Overlap::depth(1), |block| {
        let b = block.dense()?;
        let at = |i: usize| b.get([i]).copied().unwrap_or(0);
        Ok(ndarray::Array1::from_iter((0..b.len()).map(|i| at(i.wrapping_sub(1)) + at(i) + at(i + 1)))
            .into_dyn()
            .into())
    })?;
    assert_eq!(sums.compute()?, arr1(&[3, 9, 9]).into_dyn());
    Ok(())
}

#[test]
fn counting_sizes_runs_the_expression_once() -> Result<()> {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    let calls = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&calls);
    let x = Array::<i64>::from_block_fn([6], Chunks::size(2), move |at| {
        counter.fetch_add(1, Ordering::Relaxed);
        let start = at.ranges()?[0].start as i64;
        Ok(arr1(&[start, start + 1]).into_dyn().into())
    })?;
    let known = x.mask(x.gt(2)?)?.compute_chunk_sizes()?;
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    assert_eq!(known.compute()?, arr1(&[3, 4, 5]).into_dyn());
    assert_eq!(known.sum().scalar()?, 12);
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    Ok(())
}

#[test]
fn selections_of_nothing() -> Result<()> {
    let (x, _) = numbers();
    let none = x.mask(x.lt(0)?)?;
    assert_eq!(none.compute()?, ndarray::Array1::<i64>::zeros(0).into_dyn());
    assert_eq!((none.sum().scalar()?, none.prod().scalar()?, none.any().scalar()?), (0, 1, false));
    assert!(none.mean().scalar()?.is_nan());
    assert!(none.max().compute().is_err_and(|error| error.is_usage()));
    assert_eq!(none.topk(3, 0)?.compute()?.len(), 0);
    assert_eq!(none.cumsum(0)?.compute()?.len(), 0);
    assert_eq!(none.compute_chunk_sizes()?.len()?, 0);
    // Blocks without selected elements do not spoil the others.
    let last = x.mask(x.gt(9)?)?;
    assert_eq!((last.min().scalar()?, last.max().scalar()?, last.mean().scalar()?), (10, 11, 10.5));
    assert_eq!(last.cumsum(0)?.compute()?, arr1(&[10, 21]).into_dyn());
    assert_eq!(last.cummax(0)?.compute()?, arr1(&[10, 11]).into_dyn());
    Ok(())
}

#[test]
fn assigning_through_the_mask_keeps_the_array_known() -> Result<()> {
    let (x, mask) = numbers();
    let mut y = x.clone();
    y.assign_mask(&mask, &(x.mask(&mask)? * -1))?;
    assert_eq!(y.len()?, 12);
    assert_eq!(y.compute()?, arr1(&[0, 1, 2, -3, 4, 5, -6, 7, 8, -9, 10, 11]).into_dyn());
    assert_eq!((&y + &x).sum_axis(0)?.compute()?, arr0(2 * (66 - 18)).into_dyn());
    Ok(())
}

#[test]
fn what_stretches_takes_the_lengths_that_a_run_finds() -> Result<()> {
    let (x, mask) = numbers();
    let (few, wide) = (x.mask(&mask)?, x.mask(x.ge(10)?)?.expand_dims(1)?);
    let row = Array::from_vec(vec![7], 1)?;
    let all = broadcast_arrays(&[&few, &wide, &Array::from_scalar(5), &row])?;
    assert_eq!(all[0].compute()?, arr2(&[[0, 3, 6, 9]; 2]).into_dyn());
    assert_eq!(all[1].compute()?, arr2(&[[10; 4], [11; 4]]).into_dyn());
    assert_eq!(all[2].compute()?, arr2(&[[5; 4]; 2]).into_dyn());
    assert_eq!(all[3].to_sparse().sum().scalar()?, 8 * 7);
    let which = (&few / 3 % 2.0).astype::<i64>();
    assert_eq!(choose(&which, &[&row, &few])?.compute()?, arr1(&[7, 3, 7, 9]).into_dyn());
    assert_eq!(choose(&Array::from_scalar(1), &[&row, &few])?.compute()?, arr1(&[0, 3, 6, 9]).into_dyn());
    Ok(())
}
