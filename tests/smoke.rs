//! First steps through the public API.
use hyperslab::prelude::*;
use ndarray::{arr1, arr2};

#[test]
fn arithmetic_and_reductions() -> Result<()> {
    let x = Array::<f64>::arange(0.0, 12.0, 1.0, Chunks::size(5))?;
    let y = (&x + 1.0) * &x;
    assert_eq!(y.compute()?, arr1(&(0..12).map(|i| ((i + 1) * i) as f64).collect::<Vec<_>>()).into_dyn());
    assert_eq!(y.sum().scalar()?, (0..12).map(|i| ((i + 1) * i) as f64).sum::<f64>());
    let (lo, hi, mean) = compute!(x.min(), x.max(), x.mean())?;
    assert_eq!((lo[[]], hi[[]], mean[[]]), (0.0, 11.0, 5.5));
    Ok(())
}

#[test]
fn shapes() -> Result<()> {
    let x = Array::<i64>::arange(0, 12, 1, Chunks::size(5))?.reshape([3, 4])?;
    println!("{}", x.explain()?);
    let a = ndarray::Array::from_shape_vec((3, 4), (0..12).collect()).unwrap().into_dyn();
    assert_eq!(x.compute()?, a);
    assert_eq!(x.transpose().compute()?, a.t().to_owned());
    assert_eq!((&x + &x.transpose().transpose()).compute()?, &a + &a);
    assert_eq!(x.slice(s![1.., ..;-2])?.compute()?, arr2(&[[7, 5], [11, 9]]).into_dyn());
    assert_eq!(x.sum_axis(0)?.compute()?, arr1(&[12, 15, 18, 21]).into_dyn());
    assert_eq!(x.index(&idx![[2, 0, 0], 1..3])?.compute()?, arr2(&[[9, 10], [1, 2], [1, 2]]).into_dyn());
    assert_eq!(x.index(&idx![[0, 1], [2, 0]])?.compute()?, arr1(&[2, 4]).into_dyn());
    assert_eq!(x.argmax().scalar()?, 11);
    assert_eq!(concatenate(&[&x, &x], 1)?.known_shape()?, [3, 8]);
    assert_eq!(stack(&[&x, &x], 0)?.sum().scalar()?, 132);
    Ok(())
}

#[test]
fn masks() -> Result<()> {
    let x = Array::from_vec(vec![1.0, -2.0, 3.0, 4.0, -5.0], Chunks::size(2))?;
    let m = x.gt(0.0)?;
    let y = x.mask(&m)?;
    assert_eq!(y.compute()?, arr1(&[1.0, 3.0, 4.0]).into_dyn());
    let total: f64 = y.sum().scalar()?;
    assert_eq!(total, 8.0);
    println!("{}", y.sum().explain()?);
    let total: f64 = (&y + &y).sum().scalar()?;
    assert_eq!(total, 16.0);
    assert!(y.try_add(&x.mask(&x.lt(0.0)?)?).unwrap_err().is_unknown_chunks());
    let known = y.compute_chunk_sizes()?;
    assert_eq!(known.len()?, 3);
    Ok(())
}

#[test]
fn blocks_and_overlap() -> Result<()> {
    let x = Array::<i64>::arange(0, 5, 1, Chunks::size(2))?;
    let around = Overlap::depth(1).boundary(Boundary::Nearest).untrimmed();
    let sums: Array<i64> = x.map_overlap(around, |b| {
        let b = b.dense()?;
        Ok(ndarray::Array1::from_iter((1..b.len() - 1).map(|i| b[[i - 1]] + b[[i]] + b[[i + 1]])).into_dyn().into())
    })?;
    assert_eq!(sums.compute()?, arr1(&[1, 3, 6, 9, 11]).into_dyn());
    let s = Array::<f64>::eye(4, 4, 0, Chunks::size(2))?.to_sparse();
    assert_eq!(s.sum_axis(0)?.compute_sparse()?.nnz(), 4);
    assert_eq!((&s * 2.0).compute_sparse()?.nnz(), 4);
    println!("{s:?}");
    Ok(())
}

#[test]
fn assignment_contraction_scan() -> Result<()> {
    let mut x = Array::<i64>::zeros([2, 3], Chunks::size(2))?;
    let before = x.clone();
    x.assign(s![.., 1..], 5)?;
    assert_eq!(x.compute()?, arr2(&[[0, 5, 5], [0, 5, 5]]).into_dyn());
    assert_eq!(before.sum().scalar()?, 0);
    x.assign_index(&idx![[1, 0], ..], &Array::from_vec(vec![7, 8, 9], Chunks::auto())?)?;
    assert_eq!(x.compute()?, arr2(&[[7, 8, 9], [7, 8, 9]]).into_dyn());
    let a = Array::<f64>::arange(0.0, 20.0, 1.0, Chunks::size(7))?.reshape([4, 5])?.rechunk([3, 2])?;
    let e = ndarray::Array::from_shape_vec((4, 5), (0..20).map(f64::from).collect()).unwrap();
    assert_eq!(matmul(&a, &a.transpose())?.compute()?, e.dot(&e.t()).into_dyn());
    assert_eq!(tensordot(&a, &a, ([0, 1], [0, 1]))?.scalar()?, (0..20).map(|i| (i * i) as f64).sum::<f64>());
    let c = a.cumsum(0)?;
    assert_eq!(c.slice(s![3, ..])?.compute()?, e.sum_axis(ndarray::Axis(0)).into_dyn());
    assert_eq!(a.topk(2, 1)?.slice(s![0, ..])?.compute()?, arr1(&[4.0, 3.0]).into_dyn());
    Ok(())
}

#[test]
fn reduction_of_a_two_dimensional_mask_drops_both_masked_axes() -> Result<()> {
    let x = Array::<i64>::arange(0, 24, 1, Chunks::size(5))?.reshape([2, 3, 4])?.rechunk([1, 2, 3])?;
    let m = Array::<i64>::arange(0, 6, 1, Chunks::size(2))?.reshape([2, 3])?.gt(3)?;
    let picked = x.mask(&m)?;
    assert_eq!(picked.sum_axis(0)?.compute()?, arr1(&[36i64, 38, 40, 42]).into_dyn());
    assert_eq!(picked.sum_with(Reduce::axes([0]).keepdims())?.known_shape()?, [1, 4]);
    assert_eq!(picked.sum_with(Reduce::axes([0]).keepdims())?.compute()?.shape(), [1, 4]);
    let all = picked.compute()?;
    assert_eq!(all.sum_axis(ndarray::Axis(0)), arr1(&[36i64, 38, 40, 42]).into_dyn());
    assert_eq!(picked.sum().scalar()?, 156);
    Ok(())
}
