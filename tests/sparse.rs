//! Sparse arrays through the public API: eager ones against dense copies, lazy ones with dense and sparse blocks mixed.

use hyperslab::prelude::*;
use hyperslab::sparse::CooBuilder;
use ndarray::{ArrayD, IxDyn, arr1, arr2};
use proptest::prelude::*;

/// Dense arrays in which most elements are the fill.
fn dense(shape: Vec<usize>, fill: f64) -> impl Strategy<Value = ArrayD<f64>> {
    let n = shape.iter().product::<usize>();
    let element = prop_oneof![6 => Just(None), 1 => Just(Some(0.0)), 3 => (-4i8..5).prop_map(|x| Some(x as f64 / 2.0))];
    prop::collection::vec(element, n).prop_map(move |raw| {
        let flat = raw.into_iter().map(|x| x.unwrap_or(fill)).collect();
        ArrayD::from_shape_vec(IxDyn(&shape), flat).unwrap()
    })
}

fn fills() -> impl Strategy<Value = f64> {
    prop_oneof![3 => Just(0.0), 1 => Just(1.5), 1 => Just(f64::NAN)]
}

/// A dense array, its fill, and chunk sizes for it.
fn cases(ndim: std::ops::Range<usize>) -> impl Strategy<Value = (ArrayD<f64>, f64, Vec<u64>)> {
    (prop::collection::vec(1usize..7, ndim), fills()).prop_flat_map(|(shape, fill)| {
        let chunks = prop::collection::vec(1u64..5, shape.len());
        (dense(shape, fill), Just(fill), chunks)
    })
}

fn near(a: &ArrayD<f64>, b: &ArrayD<f64>) -> bool {
    a.shape() == b.shape()
        && a.iter()
            .zip(b)
            .all(|(x, y)| x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= 1e-12 * x.abs().max(1.0))
}

/// The same elements in every layout: dense, sparse, and every other block sparse.
fn layouts(a: &ArrayD<f64>, fill: f64, chunks: &[u64]) -> [Array<f64>; 3] {
    let plain = Array::from_ndarray(a.clone(), Chunks::from(chunks.to_vec())).unwrap();
    let coo = Coo::from_dense_with_fill(&a.view(), fill).unwrap();
    let sparse = Array::from_coo(coo, Chunks::from(chunks.to_vec())).unwrap();
    let mixed = plain.map_blocks_with(MapBlocks::new().mixed(), move |b| match b.location().number() % 2 {
        0 => Ok(b.to_dense()?.into()),
        _ => Ok(Coo::from_dense_with_fill(&b.dense()?, fill)?.into()),
    });
    [plain, sparse, mixed.unwrap()]
}

/// Computes whatever the layout of the result is.
fn dense_result<T: Element>(x: &Array<T>) -> Result<ArrayD<T>> {
    if x.layout().is_sparse() {
        let sparse = x.compute_sparse()?;
        assert_eq!(Some(true), x.layout().fill().map(|fill| fill.is_same(sparse.fill().to_scalar())));
        return sparse.to_dense();
    }
    x.compute()
}

/// A computation gives the same in every layout, with one to three threads, and only errors alike.
fn check<T: Element>(
    a: &ArrayD<f64>,
    fill: f64,
    chunks: &[u64],
    what: &str,
    f: impl Fn(&Array<f64>) -> Result<Array<T>>,
) {
    let [plain, sparse, mixed] = layouts(a, fill, chunks);
    let expected = f(&plain).and_then(|x| x.compute());
    for (layout, x) in [("sparse", sparse), ("mixed", mixed)] {
        for threads in 1..=3 {
            let found = Runtime::local().threads(threads).enter(|| f(&x).and_then(|x| dense_result(&x)));
            match (&found, &expected) {
                (Ok(found), Ok(expected)) => {
                    let as_floats = |a: &ArrayD<T>| a.mapv(|x| f64::from_scalar(x.to_scalar()));
                    assert!(near(&as_floats(found), &as_floats(expected)), "{what} {layout}: {found} for {expected}");
                }
                (Err(_), Err(_)) => {}
                (found, expected) => panic!("{what} {layout}: {found:?} for {expected:?}"),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn elementwise_work_does_not_depend_on_layout((a, fill, chunks) in cases(1..4)) {
        check(&a, fill, &chunks, "exp", |x| Ok(x.exp()));
        check(&a, fill, &chunks, "isnan", |x| Ok(x.isnan()));
        check(&a, fill, &chunks, "x + 1", |x| x.try_add(1.0));
        check(&a, fill, &chunks, "x * x - 2 x", |x| x.try_mul(x)?.try_sub(&x.try_mul(2.0)?));
        check(&a, fill, &chunks, "x > 0.5", |x| x.gt(0.5));
        check(&a, fill, &chunks, "where", |x| where_(&x.gt(0.0)?, x, -1.0));
        check(&a, fill, &chunks, "row", |x| x.try_mul(&x.index_axis(0, 0)?));
        let other = Array::from_ndarray(a.mapv(|x| if x.is_nan() { 3.0 } else { x + 1.0 }), Chunks::auto()).unwrap();
        check(&a, fill, &chunks, "sparse * dense", |x| x.try_mul(&other));
        check(&a, fill, &chunks, "dense + sparse", |x| other.try_add(x));
    }

    #[test]
    fn reductions_do_not_depend_on_layout((a, fill, chunks) in cases(1..4), axis in 0isize..3) {
        let axis = axis % a.ndim() as isize;
        check(&a, fill, &chunks, "sum", |x| Ok(x.sum()));
        check(&a, fill, &chunks, "sum_axis", |x| x.sum_axis(axis));
        check(&a, fill, &chunks, "prod_axis", |x| x.prod_axis(axis));
        check(&a, fill, &chunks, "mean", |x| x.mean_with(Reduce::axes([axis]).keepdims()));
        check(&a, fill, &chunks, "max", |x| x.max_axis(axis));
        check(&a, fill, &chunks, "min", |x| Ok(x.min()));
        check(&a, fill, &chunks, "any", |x| x.any_axis(axis));
        check(&a, fill, &chunks, "all", |x| x.all_axis(axis));
        check(&a, fill, &chunks, "count", |x| x.count_nonzero_axis(axis));
        check(&a, fill, &chunks, "var", |x| x.var_with(Reduce::axes([axis]).ddof(1.0)));
        check(&a, fill, &chunks, "std", |x| Ok(x.std()));
        check(&a, fill, &chunks, "argmax", |x| Ok(x.argmax()));
        check(&a, fill, &chunks, "argmin_axis", |x| x.argmin_axis(axis));
        check(&a, fill, &chunks, "nansum", |x| x.nansum_axis(axis));
        check(&a, fill, &chunks, "nanmax", |x| x.nanmax_axis(axis));
        check(&a, fill, &chunks, "nanmean", |x| Ok(x.nanmean()));
        check(&a, fill, &chunks, "cumsum", |x| x.cumsum(axis));
    }

    #[test]
    fn parts_and_shapes_do_not_depend_on_layout((a, fill, chunks) in cases(1..4), picks in any::<[i64; 4]>()) {
        let n = a.shape()[0] as i64;
        let list: Vec<i64> = picks.iter().map(|pick| pick.rem_euclid(n)).collect();
        check(&a, fill, &chunks, "step", |x| x.index(&[Index::Slice { start: None, stop: None, step: -2 }]));
        check(&a, fill, &chunks, "at", |x| x.index(&idx![list[0]]));
        check(&a, fill, &chunks, "list", |x| x.index(&idx![list.clone(), Ellipsis, NewAxis]));
        check(&a, fill, &chunks, "mask", |x| x.mask(&x.gt(0.0)?));
        check(&a, fill, &chunks, "transpose", |x| Ok(x.transpose()));
        check(&a, fill, &chunks, "reshape", |x| x.reshape([-1]));
        check(&a, fill, &chunks, "rechunk", |x| x.rechunk(Chunks::size(2)));
        check(&a, fill, &chunks, "flip", |x| x.flip(&[0]));
        check(&a, fill, &chunks, "roll", |x| x.roll(list[1], 0));
        check(&a, fill, &chunks, "concatenate", |x| concatenate(&[x, x], 0));
        check(&a, fill, &chunks, "stack", |x| stack(&[x, &x.exp()], -1));
        check(&a, fill, &chunks, "broadcast", |x| x.expand_dims(0)?.broadcast_to([vec![3i64], a.shape().iter().map(|&n| n as i64).collect()].concat()));
    }

    #[test]
    fn assignments_do_not_depend_on_layout((a, fill, chunks) in cases(1..4), picks in any::<[i64; 2]>()) {
        let n = a.shape()[0] as i64;
        let at = picks[0].rem_euclid(n);
        let assigned = |x: &Array<f64>, f: &dyn Fn(&mut Array<f64>) -> Result<()>| {
            let mut y = x.clone();
            f(&mut y)?;
            Ok(y)
        };
        check(&a, fill, &chunks, "slice", |x| assigned(x, &|y| y.assign_index(&idx![at..], 7.0)));
        check(&a, fill, &chunks, "fill", |x| assigned(x, &|y| y.assign_index(&idx![at], fill)));
        check(&a, fill, &chunks, "list", |x| assigned(x, &|y| y.assign_index(&idx![[at, 0]], -2.0)));
        check(&a, fill, &chunks, "mask", |x| assigned(x, &|y| y.assign_mask(&x.gt(0.0)?, 0.0)));
        check(&a, fill, &chunks, "own part", |x| assigned(x, &|y| y.assign_index(&idx![0], &x.index(&idx![at])?)));
    }

    #[test]
    fn products_do_not_depend_on_layout(
        ((a, b), (chunks, other)) in (1usize..6, 1usize..6, 1usize..6)
            .prop_flat_map(|(m, k, n)| (dense(vec![m, k], 0.0), dense(vec![k, n], 0.0)))
            .prop_flat_map(|both| (Just(both), (prop::collection::vec(1u64..4, 2), prop::collection::vec(1u64..4, 2)))),
    ) {
        let expected = matmul(
            &Array::from_ndarray(a.clone(), Chunks::auto()).unwrap(),
            &Array::from_ndarray(b.clone(), Chunks::auto()).unwrap(),
        ).unwrap().compute().unwrap();
        for x in layouts(&a, 0.0, &chunks) {
            for y in layouts(&b, 0.0, &other) {
                let product = matmul(&x, &y).unwrap();
                prop_assert_eq!(product.layout().is_sparse(), x.layout().is_sparse() && y.layout().is_sparse());
                prop_assert!(near(&dense_result(&product).unwrap(), &expected));
                let total = tensordot(&x, &y.transpose(), ContractAxes::from(([0], [1])));
                prop_assert_eq!(total.is_ok(), a.shape()[0] == b.shape()[0]);
            }
        }
    }

    #[test]
    fn chains_stay_sparse_and_equal_dense_ones((a, fill, chunks) in cases(2..4)) {
        check(&a, fill, &chunks, "chain", |x| {
            let y = x.try_mul(2.0)?.transpose();
            let z = y.index(&idx![.., 0..1])?.rechunk(Chunks::size(2))?.try_sub(1.0)?;
            z.max_with(Reduce::axes([0]))?.try_mul(&z)?.sum_axes([0, 1])
        });
    }
}

#[test]
fn what_is_known_at_build_time_is_said() {
    let coo = Coo::new(&[[0, 1], [1, 2]], vec![4.0, 8.0], [3, 4]).unwrap();
    let x = Array::from_coo(coo.clone(), Chunks::from([2, 2])).unwrap();
    let fill = |x: &Array<f64>| x.layout().fill().map(f64::from_scalar);
    assert_eq!(fill(&x.cos()), Some(1.0));
    assert_eq!(fill(&(&x + 1.0)), Some(1.0));
    assert_eq!(fill(&x.sum_axis(0).unwrap()), Some(0.0));
    assert_eq!(fill(&(&x + 1.0).sum_axis(0).unwrap()), Some(3.0));
    assert!(x.compute().unwrap_err().to_string().contains("compute_sparse"));
    assert_eq!(x.compute_sparse().unwrap(), coo);
    assert_eq!(x.to_dense().compute().unwrap(), coo.to_dense().unwrap());
    let shifted = &x + 1.0;
    assert!(matmul(&shifted, &x.transpose()).unwrap_err().to_string().contains("fill"));
}

#[test]
fn a_product_with_a_dense_array_stays_sparse() {
    let coo = Coo::new(&[[0, 1], [1, 2]], vec![4.0, 8.0], [3, 4]).unwrap();
    let x = Array::from_coo(coo, Chunks::from([2, 2])).unwrap();
    let d = Array::<f64>::arange(1.0, 13.0, 1.0, Chunks::size(5)).unwrap().reshape([3, 4]).unwrap();
    let product = (&x * &d).compute_sparse().unwrap();
    assert_eq!((product.values(), product.fill()), (&[8.0, 56.0][..], 0.0));
    assert!((&x + &d).compute_sparse().unwrap_err().to_string().contains("dense"));
    assert_eq!((&x + &d).compute().unwrap()[[1, 2]], 15.0);
}

#[test]
fn blocks_of_a_dense_array_become_sparse_ones() {
    let x = Array::<f64>::eye(6, 6, 1, Chunks::size(4)).unwrap();
    let s: Array<f64> = x.map_blocks_sparse(|b| Coo::from_dense(&b.dense()?)).unwrap();
    let t = tensordot(&s, &s, ContractAxes::from(([1], [0]))).unwrap();
    assert_eq!(t.compute_sparse().unwrap(), Coo::eye(6, 6, 2).unwrap());
    assert_eq!(s.sum_axis(0).unwrap().compute_sparse().unwrap().nnz(), 5);
    assert_eq!(s.argmax().scalar().unwrap(), 1);
    let doubled: Array<f64> =
        s.map_blocks_with(MapBlocks::new().sparse(0.0), |b| Ok((b.sparse()? * 2.0).into())).unwrap();
    assert_eq!(doubled.sum().scalar().unwrap(), 10.0);
}

#[test]
fn very_long_axes_in_chunks() {
    let n = 1u64 << 40;
    let coo = Coo::new(&[[5, n - 1], [7, 3]], vec![2.0, 3.0], [n, 8]).unwrap();
    let x = Array::from_coo(coo.clone(), Chunks::from([n / 4, 8])).unwrap();
    assert_eq!(x.sum().scalar().unwrap(), 5.0);
    assert_eq!(x.sum_axis(0).unwrap().compute_sparse().unwrap().values(), [3.0, 2.0]);
    assert_eq!(x.argmax().scalar().unwrap(), (8 * (n - 1) + 3) as i64);
    assert_eq!((&x * 2.0).compute_sparse().unwrap().values(), [4.0, 6.0]);
    assert_eq!(x.slice(s![-1.., ..]).unwrap().compute_sparse().unwrap().values(), [3.0]);
    assert!(x.max().scalar().unwrap() == 3.0 && x.mean().scalar().unwrap() > 0.0);
}

#[test]
fn a_session_with_eager_arrays() -> Result<()> {
    let a = Coo::from_entries([([0, 1], 5.0), ([0, 2], 3.0), ([1, 0], -2.0), ([2, 3], 7.0)], [3, 4], 0.0)?;
    assert_eq!(a.index(&idx![[2, 0, 0]])?.to_dense()?.sum(), 23.0);
    assert_eq!((&a * &arr1(&[1.0, 2.0, 3.0, 4.0]).into_dyn()).values(), [10.0, 9.0, -2.0, 28.0]);
    assert_eq!((&a + 1.0).fill(), 1.0);
    assert_eq!((!&a.greater(0.0)?).nnz(), 3);
    assert_eq!(a.matmul(&a.t())?.to_dense()?, arr2(&[[34.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 49.0]]).into_dyn());
    assert_eq!(Coo::einsum("ij,ij->", &[&a, &a])?.get(&[])?, 87.0);
    assert_eq!(a.var_axes(&[0])?.shape(), [4]);
    assert_eq!(a.tril(0)?.nnz() + a.triu(1)?.nnz(), a.nnz());
    let mut b = CooBuilder::new([3, 4], 0i64)?;
    b.set(&[0, 1], 5)?;
    b.assign_index(&idx![1..3, 2], 7)?;
    b.set(&[2, 2], 0)?;
    assert_eq!(b.build(), Coo::new(&[[0, 1], [1, 2]], vec![5, 7], [3, 4])?);
    Ok(())
}

#[test]
fn threads_do_not_change_a_bit() {
    let (a, b) =
        (Coo::random([400, 300], 0.6, 1, |x| x - 0.5).unwrap(), Coo::random([400, 300], 0.7, 2, |x| x).unwrap());
    // One array far behind the other, and one that lies in a few rows of it.
    let late = Coo::random([400, 300], 0.5, 3, |x| x).unwrap().triu(200).unwrap();
    let band = a.assign_index(&idx![10..350], 0.0).unwrap();
    let dense = b.t().to_dense().unwrap();
    let all = || {
        let sums = [&a + &b, &a * &b, &late + &a, &band + &late, &a + &band, &late * &b];
        let products = [a.dot(&b.t()).unwrap(), band.t().matmul(&a).unwrap()];
        (sums, products, a.matmul_dense(&dense.view()).unwrap())
    };
    let with_threads = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap().install(all);
    let one = with_threads(1);
    assert_eq!(one.0[0].to_dense().unwrap(), a.to_dense().unwrap() + b.to_dense().unwrap());
    assert_eq!(one.0[3].to_dense().unwrap(), band.to_dense().unwrap() + late.to_dense().unwrap());
    assert!(near(&one.1[0].to_dense().unwrap(), &one.2));
    assert_eq!(with_threads(2), one);
    assert_eq!(with_threads(3), one);
}
