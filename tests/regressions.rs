//! What was wrong once.

use hyperslab::ndarray::{arr1, arr2};
use hyperslab::prelude::*;

/// An array whose first axis has a length that only a run tells, with the rows 0 to 3.
fn rows_of_unknown_number() -> Result<Array<i64>> {
    let x = Array::from_ndarray(arr2(&[[3, 9, 1, 1], [7, 7, 8, 0], [5, 5, 5, 5]]), Chunks::from((2, 2)))?;
    x.mask(x.index(&idx![.., 0])?.gt(0)?)
}

#[test]
fn positions_of_extremes_count_all_blocks_beside_an_unknown_length() -> Result<()> {
    let x = rows_of_unknown_number()?;
    assert_eq!(x.argmin_axis(1)?.compute()?, arr1(&[2, 3, 0]).into_dyn());
    assert_eq!(x.argmax_axis(1)?.compute()?, arr1(&[1, 2, 0]).into_dyn());
    Ok(())
}

#[test]
fn nothing_of_a_known_axis_beside_an_unknown_length() -> Result<()> {
    let x = rows_of_unknown_number()?;
    assert_eq!(x.slice(s![.., 2..2])?.compute()?.shape(), [3, 0]);
    let cut = Chunks::keep().with_axis(1, AxisSpec::Sizes(vec![2, 0, 2]));
    assert_eq!(x.rechunk(cut)?.sum().scalar()?, 56);
    Ok(())
}

#[test]
fn several_lists_that_stand_apart_in_an_assignment() -> Result<()> {
    let mut x = Array::<i64>::zeros([2, 3, 4], Chunks::size(2))?;
    let values = Array::from_ndarray(arr2(&[[1, 2], [3, 4]]), Chunks::auto())?;
    x.assign_index(&idx![[0, 1], 1.., [3, 0]], &values)?;
    let y = x.compute()?;
    assert_eq!((y[[0, 1, 3]], y[[0, 2, 3]], y[[1, 1, 0]], y[[1, 2, 0]]), (1, 2, 3, 4));
    assert_eq!(y.sum(), 10);
    Ok(())
}

#[test]
fn no_tiles_along_several_axes() -> Result<()> {
    let x = Array::<i64>::ones([2], Chunks::size(1))?;
    assert_eq!(x.tile(&[0, 0])?.compute()?.shape(), [0, 0]);
    Ok(())
}

#[test]
fn untrimmed_margins_beside_an_unknown_length() -> Result<()> {
    let before = Overlap::depth(0).on_axis(1, 1, 0, Boundary::Nearest).untrimmed();
    let doubled: Array<i64> = rows_of_unknown_number()?.map_overlap(before, |b| {
        let b = b.dense()?;
        Ok((&b.slice(s![.., 1..]) * 2).into_dyn().into())
    })?;
    assert_eq!(doubled.sum().scalar()?, 112);
    Ok(())
}

#[test]
fn the_sign_of_a_negative_zero_is_zero() -> Result<()> {
    let signs = Array::from_vec(vec![-0.0f64, -2.0], Chunks::auto())?.sign().compute()?;
    assert!(signs[0].is_sign_positive() && signs[1] == -1.0);
    Ok(())
}

#[test]
fn the_covariance_of_one_variable_is_a_number() -> Result<()> {
    let x = Array::from_ndarray(arr2(&[[1.0, 2.0, 3.0]]), Chunks::size(2))?;
    assert_eq!((x.cov(1.0)?.scalar()?, x.corrcoef()?.scalar()?), (1.0, 1.0));
    assert!(x.cov(1.0)?.known_shape()?.is_empty());
    Ok(())
}

#[test]
fn sparse_conjugates_have_products() -> Result<()> {
    let x = Array::<C64>::eye(2, 2, 0, Chunks::size(1))?.to_sparse();
    assert_eq!(dot(&x.conj(), &x)?.to_dense().compute()?, Array::<C64>::eye(2, 2, 0, Chunks::auto())?.compute()?);
    Ok(())
}

#[test]
fn lazy_masks_beside_slices_and_integers_in_an_assignment() -> Result<()> {
    let x = Array::<i64>::arange(0, 12, 1, Chunks::size(5))?.reshape([3, 4])?;
    let rows = Array::from_vec(vec![true, false, true], Chunks::size(2))?;
    let mut y = x.clone();
    y.assign_index(&idx![&rows, 1..3], &Array::from_vec(vec![-1, -2], Chunks::auto())?)?;
    assert_eq!(y.compute()?, arr2(&[[0, -1, -2, 3], [4, 5, 6, 7], [8, -1, -2, 11]]).into_dyn());
    let mut y = x.clone();
    y.assign_index(&idx![&rows, -1], -9)?;
    assert_eq!(y.compute()?, arr2(&[[0, 1, 2, -9], [4, 5, 6, 7], [8, 9, 10, -9]]).into_dyn());
    let mut y = x.clone();
    let doubled = &x.index(&idx![&rows, 2..])? * 2;
    y.assign_index(&idx![&rows, 2..], &doubled)?;
    assert_eq!(y.compute()?, arr2(&[[0, 1, 4, 6], [4, 5, 6, 7], [8, 9, 20, 22]]).into_dyn());
    let columns = Array::from_vec(vec![false, true, false, true], Chunks::size(3))?;
    let mut y = x.clone();
    y.assign_index(&idx![1.., &columns], &Array::from_ndarray(arr2(&[[7], [8]]), Chunks::auto())?)?;
    assert_eq!(y.compute()?, arr2(&[[0, 1, 2, 3], [4, 7, 6, 7], [8, 8, 10, 8]]).into_dyn());
    Ok(())
}

#[test]
fn padding_an_empty_axis_beside_an_unknown_length() -> Result<()> {
    let none = rows_of_unknown_number()?.slice(s![.., 2..2])?;
    let padded = none.pad(vec![(0, 0), (1, 2)], PadMode::constant(7i64))?;
    assert_eq!(padded.compute()?, ndarray::Array2::from_elem((3, 3), 7).into_dyn());
    Ok(())
}

#[test]
fn results_without_memory_for_them_are_errors_and_do_not_end_the_process() -> Result<()> {
    let row = Array::<f64>::zeros([1u64 << 40], Chunks::auto())?;
    let error = outer(&row, &row)?.compute().unwrap_err();
    assert!(error.is_memory() && error.to_string().contains("(1099511627776, 1099511627776)"), "{error}");
    assert!(row.diag(i64::MAX)?.compute().unwrap_err().is_memory());
    let block = Array::<f64>::zeros([1u64 << 25, 1 << 30], Chunks::whole())?;
    assert!(block.compute().unwrap_err().is_memory());
    assert!(kron(&row, &row).unwrap_err().to_string().contains("2^64"));
    assert!(row.tile(&[u64::MAX]).unwrap_err().is_memory());
    let small = Array::from_vec(vec![1i64, 2, 3], Chunks::size(2))?;
    assert!(small.repeat_each(&[u64::MAX, u64::MAX, 1], 0).unwrap_err().is_memory());
    assert!(small.resize([i64::MAX]).unwrap_err().is_memory());
    assert!(small.array_split(u64::MAX, 0).unwrap_err().is_memory());
    assert!(small.bincount(1 << 60).unwrap_err().is_memory());
    assert!((&small * (1 << 60)).bincount(0)?.compute().unwrap_err().is_memory());
    assert!(Bins::even(u64::MAX, 0.0, 1.0).unwrap_err().is_memory());
    Ok(())
}

#[test]
fn arguments_at_the_ends_of_their_types() -> Result<()> {
    let x = Array::from_vec(vec![1.5f64, -2.5], Chunks::size(1))?;
    assert_eq!(x.round(i32::MAX).compute()?, arr1(&[1.5, -2.5]).into_dyn());
    assert_eq!(x.round(400).compute()?, arr1(&[1.5, -2.5]).into_dyn());
    assert_eq!(x.round(i32::MIN).compute()?, arr1(&[0.0, 0.0]).into_dyn());
    assert_eq!(x.astype::<i64>().round(i32::MIN).compute()?, arr1(&[0, 0]).into_dyn());
    assert_eq!(x.diff(u32::MAX, 0)?.compute()?.len(), 0);
    assert!(Bins::even(3, f64::MIN, f64::MAX).is_err());
    let largest = Array::from_vec(vec![u64::MAX], Chunks::auto())?.bincount(0)?.compute().unwrap_err();
    assert!(largest.is_memory(), "{largest}");
    let endless = Array::<f64>::arange(0.0, f64::INFINITY, 1.0, Chunks::auto()).unwrap_err();
    assert!(endless.to_string().contains("from 0 to inf by 1"), "{endless}");
    Ok(())
}

#[test]
fn nothing_is_resized_to_zeros() -> Result<()> {
    assert_eq!(
        Array::<i64>::zeros([0u64], Chunks::auto())?.resize([2, 2])?.compute()?,
        arr2(&[[0, 0], [0, 0]]).into_dyn()
    );
    Ok(())
}

#[test]
fn extremes_of_nothing_are_refused_when_they_are_asked_for() -> Result<()> {
    let none = Array::<f64>::zeros([0u64], Chunks::auto())?;
    for (op, refused) in [("max", none.max_with(Reduce::all())), ("ptp", none.ptp_with(Reduce::all()))] {
        let error = refused.unwrap_err();
        assert!(error.to_string().starts_with(&format!("{op}: axes [0] of shape (0) have no elements")), "{error}");
    }
    Ok(())
}

#[test]
fn messages_name_what_was_called() -> Result<()> {
    let x = Array::<i64>::zeros([3, 4], Chunks::size(2))?;
    let text = |error: Error| error.to_string();
    assert!(text(stack::<i64>(&[], 0).unwrap_err()).starts_with("stack: no arrays"));
    assert!(text(x.insert(&[1], &Array::<i64>::zeros([5], Chunks::auto())?, 0).unwrap_err()).starts_with("insert: "));
    let coo = Coo::<i64>::zeros([3, 4])?;
    for error in [einsum("ij,jk", &[&x, &x]).unwrap_err(), Coo::einsum("ij,jk", &[&coo, &coo]).unwrap_err()] {
        assert!(text(error.clone()).contains("`j` stands for lengths 4 and 3; operands (3, 4), (3, 4)"), "{error}");
    }
    for error in [einsum("ij-ji", &[&x]).unwrap_err(), Coo::einsum("ij-ji", &[&coo]).unwrap_err()] {
        assert!(text(error.clone()).contains("'-'"), "{error}");
    }
    let error = x.astype::<f64>().percentile_with(&[101.0], QuantileMethod::Linear, Reduce::all()).unwrap_err();
    assert!(text(error.clone()).contains("the percentile 101 does not lie between 0 and 100"), "{error}");
    Ok(())
}
