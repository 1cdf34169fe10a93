//! Users' functions of blocks and of core axes.

use hyperslab::prelude::*;
use ndarray::{ArrayD, Axis, Ix2, IxDyn, arr1, arr2};
use proptest::prelude::*;

fn numbered(shape: &[usize]) -> ArrayD<i64> {
    let n: usize = shape.iter().product();
    ArrayD::from_shape_vec(IxDyn(shape), (0..n as i64).collect()).unwrap()
}

/// The product of two blocks that are matrices.
fn product(a: BlockView<'_, i64>, b: BlockView<'_, i64>) -> Result<BlockData<i64>> {
    let matrix = |x: BlockView<'_, i64>| x.to_dense().map(|x| x.into_dimensionality::<Ix2>().unwrap());
    Ok(matrix(a)?.dot(&matrix(b)?).into_dyn().into())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn contracted_letters_come_together(i in 1usize..5, j in 1usize..5, k in 1usize..5, p in 1u64..4, q in 1u64..4) {
        let (a, b) = (numbered(&[i, j]), numbered(&[j, k]));
        let x = Array::from_view(&a, Chunks::size(p)).unwrap();
        let y = Array::from_view(&b, Chunks::size(q)).unwrap();
        let z: Array<i64> = Blockwise::new("ik").map2((&x, "ij"), (&y, "jk"), product).unwrap();
        prop_assert_eq!(z.compute().unwrap(), matmul(&x, &y).unwrap().compute().unwrap());
        let swapped: Array<i64> = Blockwise::new("ji")
            .map1((&x, "ij"), |b| Ok(b.dense()?.t().to_owned().into()))
            .unwrap();
        prop_assert_eq!(swapped.compute().unwrap(), a.t().to_owned());
    }

    #[test]
    fn loop_axes_broadcast_and_core_axes_stay_whole(n in 1usize..4, m in 1usize..4, core in 1usize..5, p in 1u64..3) {
        let (a, b) = (numbered(&[n, 1, core]), numbered(&[m, core]));
        let x = Array::from_view(&a, Chunks::size(p)).unwrap();
        let y = Array::from_view(&b, Chunks::size(2)).unwrap();
        let dots: Array<i64> = Gufunc::new("(i),(i)->()").unwrap().allow_rechunk().map2(&x, &y, |a, b| {
            let products = &a.dense()? * &b.dense()?;
            let last = Axis(products.ndim() - 1);
            Ok(BlockData::from(products.sum_axis(last)))
        }).unwrap();
        let expected = (&a * &b).sum_axis(Axis(2));
        prop_assert_eq!(dots.compute().unwrap(), expected);
    }

    #[test]
    fn lanes_are_mapped(shape in prop::collection::vec(1usize..4, 1..4), axis in 0usize..3, chunk in 1u64..3) {
        let axis = axis % shape.len();
        let a = numbered(&shape);
        let x = Array::from_view(&a, Chunks::size(chunk)).unwrap();
        let sums: Array<i64> = x.reduce_along_axis(axis as isize, |lane| lane.sum()).unwrap();
        prop_assert_eq!(sums.compute().unwrap(), a.sum_axis(Axis(axis)));
        let running: Array<i64> = x
            .apply_along_axis(axis as isize, shape[axis] as u64, |lane| {
                lane.iter().scan(0, |sum, x| { *sum += x; Some(*sum) }).collect()
            })
            .unwrap();
        prop_assert_eq!(running.compute().unwrap(), x.cumsum(axis as isize).unwrap().compute().unwrap());
    }
}

#[test]
fn chunks_change_and_axes_appear() -> Result<()> {
    let x = Array::<i64>::arange(0, 10, 1, Chunks::size(4))?;
    let doubled: Array<i64> = Blockwise::new("i").adjust_chunks('i', |n| 2 * n).map1((&x, "i"), |b| {
        let b = b.dense()?;
        Ok(ndarray::concatenate(Axis(0), &[b.view(), b.view()]).unwrap().into())
    })?;
    assert_eq!(doubled.grid().axis(0).sizes().collect::<Vec<_>>(), [8, 8, 4]);
    assert_eq!(doubled.sum().scalar()?, 90);
    let raised: Array<i64> = Blockwise::new("zi").new_axis('z', 2).map1((&x, "i"), |b| {
        let b = b.dense()?;
        Ok(ndarray::stack(Axis(0), &[b.view(), b.view()]).unwrap().into())
    })?;
    assert_eq!(raised.known_shape()?, [2, 10]);
    assert_eq!(raised.sum_axis(0)?.compute()?, (&x * 2).compute()?);
    let by_block: Array<u64> = Blockwise::new("zi").new_axis_in_chunks('z', [1, 1]).map1((&x, "i"), |b| {
        let row = b.location().index()[0];
        Ok(ArrayD::from_elem(IxDyn(&[1, b.shape()[0]]), row).into())
    })?;
    assert_eq!(by_block.sum_axis(1)?.compute()?, arr1(&[0, 10]).into_dyn());
    let unknown = x.mask(&x.gt(4)?)?;
    let ones: Array<i64> = Blockwise::new("i")
        .adjust_chunks('i', |_| 1)
        .map1((&unknown, "i"), |b| Ok(arr1(&[b.dense()?.sum()]).into_dyn().into()))?;
    assert_eq!(ones.sum().scalar()?, 35);
    let whole: Array<i64> = Blockwise::new("")
        .map1((&unknown, "i"), |b| Ok(ndarray::arr0(b.dense()?.iter().fold(0, |n, x| n * 10 + x)).into_dyn().into()))?;
    assert_eq!(whole.scalar()?, 56789);
    Ok(())
}

#[test]
fn terms_that_do_not_fit_are_refused() -> Result<()> {
    let x = Array::<i64>::zeros([2, 3], Chunks::auto())?;
    let same = |b: BlockView<'_, i64>| Ok(b.to_dense()?.into());
    assert!(Blockwise::new("i").map1::<i64, i64>((&x, "i"), same).unwrap_err().is_shape());
    assert!(Blockwise::new("ijk").map1::<i64, i64>((&x, "ij"), same).unwrap_err().to_string().contains("new"));
    assert!(Blockwise::new("ii").map1::<i64, i64>((&x, "ij"), same).is_err());
    assert!(Blockwise::new("i").map2::<i64, i64, i64>((&x, "ij"), (&x, "ji"), product).unwrap_err().is_shape());
    let wrong = Blockwise::new("ij").adjust_chunks('i', |n| n + 1).map1::<i64, i64>((&x, "ij"), same)?;
    assert!(wrong.compute().unwrap_err().to_string().contains("shape (2, 3) where (3, 3) was promised"));
    Ok(())
}

#[test]
fn several_results_come_from_one_call() -> Result<()> {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let x = Array::from_view(&numbered(&[4, 3]), Chunks::from([2, 3]))?;
    let n_calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&n_calls);
    let (sum, square, sorted): (Array<i64>, Array<f64>, Array<i64>) =
        Gufunc::new("(i)->(),(),(i)")?.map1(&x, move |a| {
            counter.fetch_add(1, Ordering::Relaxed);
            let (a, last) = (a.dense()?, Axis(a.shape().len() - 1));
            let square = a.map_axis(last, |lane| lane.iter().map(|&x| (x * x) as f64).sum());
            let mut flipped = a.to_owned();
            flipped.invert_axis(last);
            Ok((BlockData::from(a.sum_axis(last)), BlockData::from(square), BlockData::from(flipped)))
        })?;
    let (sum, square, sorted) = compute!(sum, square, sorted)?;
    assert_eq!(n_calls.load(Ordering::Relaxed), 2);
    assert_eq!(sum, arr1(&[3, 12, 21, 30]).into_dyn());
    assert_eq!(square, arr1(&[5.0, 50.0, 149.0, 302.0]).into_dyn());
    assert_eq!(sorted.index_axis(Axis(0), 0), arr1(&[2, 1, 0]).into_dyn());
    Ok(())
}

#[test]
fn signatures_are_checked() -> Result<()> {
    let x = Array::<i64>::zeros([2, 3], Chunks::size(2))?;
    let sum = |a: BlockView<'_, i64>| Ok(BlockData::from(a.dense()?.sum_axis(Axis(1))));
    let error = Gufunc::new("(i)->()")?.map1(&x, sum).unwrap_err();
    assert!(error.to_string().contains("has 2 chunks") && error.to_string().contains("allow_rechunk"), "{error}");
    for wrong in ["(i)", "i->()", "(i)->(j", "(i))->()", "(i,)->()"] {
        assert!(Gufunc::new(wrong).is_err(), "{wrong}");
    }
    let whole = x.rechunk([2, 3])?;
    assert!(Gufunc::new("(i)->(k)")?.map1(&whole, sum).unwrap_err().to_string().contains("output_size"));
    assert!(Gufunc::new("(i),(i)->()")?.map1(&whole, sum).is_err());
    assert!(Gufunc::new("(4)->()")?.map1(&whole, sum).unwrap_err().is_shape());
    assert!(Gufunc::new("(a,b,c)->()")?.map1(&whole, sum).unwrap_err().is_shape());
    let add = |a: BlockView<'_, i64>, b: BlockView<'_, i64>| Ok(BlockData::from(&a.dense()? + &b.dense()?));
    let narrow = Array::<i64>::zeros([2, 1], Chunks::auto())?;
    assert!(Gufunc::new("(i),(i)->(i)")?.map2(&whole, &narrow, add).unwrap_err().is_shape());
    let cross = Gufunc::new("(n),(m)->(n,m)")?;
    let table: Array<i64> = cross.map2(&Array::from_vec(vec![1, 2], Chunks::auto())?, &narrow, |a, b| {
        let (a, b) = (a.dense()?, b.dense()?);
        let shape = [b.shape()[0], a.len(), b.shape()[1]];
        Ok(BlockData::from(ArrayD::from_shape_fn(IxDyn(&shape), |at| a[[at[1]]] + b[[at[0], at[2]]])))
    })?;
    assert_eq!(table.compute()?.index_axis(Axis(0), 1), arr2(&[[1], [2]]).into_dyn());
    Ok(())
}
