//! The same elements in another arrangement: axes, shapes, chunks, arrays beside arrays.

use hyperslab::prelude::*;

#[test]
fn an_axis_of_length_1_may_have_empty_blocks() -> Result<()> {
    let x = Array::from_ndarray(ndarray::arr2(&[[1], [2]]), vec![vec![2u64], vec![0, 1, 0]])?;
    assert_eq!(x.broadcast_to([2, 3])?.compute()?, ndarray::arr2(&[[1, 1, 1], [2, 2, 2]]).into_dyn());
    assert_eq!(x.squeeze().compute()?, ndarray::arr1(&[1, 2]).into_dyn());
    assert_eq!((&x + x.squeeze()).compute()?, ndarray::arr2(&[[2, 3], [3, 4]]).into_dyn());
    assert_eq!(x.slice(s![1, ..])?.broadcast_to([2])?.compute()?, ndarray::arr1(&[2, 2]).into_dyn());
    assert_eq!(x.expand_dims(0)?.permute_axes(&[2, 0, 1])?.reshape([2])?.compute()?, ndarray::arr1(&[1, 2]).into_dyn());
    Ok(())
}

#[test]
fn a_slice_of_joined_arrays_with_empty_blocks() -> Result<()> {
    let x = Array::from_ndarray(ndarray::arr1(&[1, 2]), vec![vec![1u64, 0, 1, 0]])?
        .map_blocks(|block| Ok(block.dense()?.to_owned().into()))?;
    let joined: Array<i32> = concatenate(&[&x, &x, &x], 0)?;
    assert_eq!(joined.slice(s![1..])?.compute()?, ndarray::arr1(&[2, 1, 2, 1, 2]).into_dyn());
    assert_eq!(joined.roll(2, 0)?.compute()?, ndarray::arr1(&[1, 2, 1, 2, 1, 2]).into_dyn());
    Ok(())
}
