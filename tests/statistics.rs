//! Sets, counts, quantiles, differences, against plain loops over arrays in memory.

use hyperslab::prelude::*;
use ndarray::{ArrayD, Dimension, IxDyn, arr1, arr2};
use proptest::prelude::*;

fn list(values: Vec<i64>, chunk: u64) -> Array<i64> {
    Array::from_vec(values, Chunks::size(chunk)).unwrap()
}

fn flat<T: Element>(array: &Array<T>) -> Vec<T> {
    array.compute().unwrap().iter().copied().collect()
}

fn values() -> impl Strategy<Value = Vec<i64>> {
    prop::collection::vec(-3i64..4, 0..14)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn distinct_elements_tell_where_and_how_often(v in values(), chunk in 1u64..6) {
        let x = list(v.clone(), chunk);
        let unique = x.unique_all().unwrap();
        let mut expected = v.clone();
        expected.sort_unstable();
        expected.dedup();
        let found = flat(&unique.values);
        prop_assert_eq!(&found, &expected);
        let counts: Vec<i64> = expected.iter().map(|x| v.iter().filter(|y| *y == x).count() as i64).collect();
        prop_assert_eq!(flat(&unique.counts), counts);
        let first: Vec<i64> = expected.iter().map(|x| v.iter().position(|y| y == x).unwrap() as i64).collect();
        prop_assert_eq!(flat(&unique.index), first);
        let rebuilt: Vec<i64> = flat(&unique.inverse).iter().map(|&i| expected[i as usize]).collect();
        prop_assert_eq!(rebuilt, v.clone());
        // They share a length: they can be combined before anything is computed.
        let mass = (&unique.values * &unique.counts).sum().scalar().unwrap();
        prop_assert_eq!(mass, v.iter().sum::<i64>());
    }

    #[test]
    fn sets_of_masked_lists(v in values(), w in values(), chunk in 1u64..6) {
        let x = list(v.clone(), chunk);
        let positive = x.mask(x.gt(0).unwrap()).unwrap();
        let kept: Vec<i64> = v.iter().copied().filter(|&x| x > 0).collect();
        let mut distinct = kept.clone();
        distinct.sort_unstable();
        distinct.dedup();
        prop_assert_eq!(flat(&positive.unique().unwrap()), distinct.clone());
        let first: Vec<i64> = distinct.iter().map(|x| kept.iter().position(|y| y == x).unwrap() as i64).collect();
        prop_assert_eq!(flat(&positive.unique_all().unwrap().index), first);
        let tests = list(w.clone(), 2);
        let is_in: Vec<bool> = kept.iter().map(|x| w.contains(x)).collect();
        prop_assert_eq!(flat(&positive.isin(&tests).unwrap()), is_in);
        let is_in: Vec<bool> = w.iter().map(|x| kept.contains(x)).collect();
        prop_assert_eq!(flat(&tests.isin(&positive).unwrap()), is_in);
    }

    #[test]
    fn searches_find_the_place_that_keeps_the_order(mut v in values(), w in values(), chunk in 1u64..6) {
        v.sort_unstable();
        let (sorted, probes) = (list(v.clone(), chunk), list(w.clone(), 3));
        let left: Vec<i64> = w.iter().map(|x| v.iter().filter(|y| *y < x).count() as i64).collect();
        let right: Vec<i64> = w.iter().map(|x| v.iter().filter(|y| *y <= x).count() as i64).collect();
        prop_assert_eq!(flat(&sorted.searchsorted(&probes, Side::Left).unwrap()), left.clone());
        prop_assert_eq!(flat(&sorted.searchsorted(&probes, Side::Right).unwrap()), right.clone());
        prop_assert_eq!(flat(&probes.digitize(&v, Side::Left).unwrap()), right);
        prop_assert_eq!(flat(&probes.digitize(&v, Side::Right).unwrap()), left);
        let down: Vec<i64> = v.iter().rev().copied().collect();
        if down.first() != down.last() {
            let bins: Vec<i64> = w.iter().map(|x| v.iter().filter(|y| *y > x).count() as i64).collect();
            prop_assert_eq!(flat(&probes.digitize(&down, Side::Left).unwrap()), bins);
        }
    }

    #[test]
    fn histograms_count_each_element_once(rows in 0usize..5, columns in 0usize..5, seed in any::<u64>(), chunk in 1u64..4) {
        let a = ArrayD::from_shape_fn(IxDyn(&[rows, columns]), |at| ((seed >> (at[0] * 5 + at[1])) % 9) as f64 - 0.5);
        let x = Array::from_view(&a, Chunks::size(chunk)).unwrap();
        let edges = [0.0, 1.5, 2.5, 6.5];
        let bins = Bins::edges_at(edges).unwrap();
        let in_bin = |x: f64, i: usize| edges[i] <= x && (x < edges[i + 1] || (i == 2 && x == edges[3]));
        let counts: Vec<i64> = (0..3).map(|i| a.iter().filter(|x| in_bin(**x, i)).count() as i64).collect();
        prop_assert_eq!(flat(&x.histogram(&bins).unwrap()), counts.clone());
        let weights = x.rechunk([2, 1]).unwrap() * 2.0;
        let sums: Vec<f64> = (0..3).map(|i| a.iter().filter(|x| in_bin(**x, i)).map(|x| x * 2.0).sum()).collect();
        prop_assert_eq!(flat(&x.histogram_weighted(&bins, &weights).unwrap()), sums);
        let total: i64 = counts.iter().sum();
        if total > 0 {
            let density = flat(&x.histogram_density(&bins).unwrap());
            let integral: f64 = (0..3).map(|i| density[i] * (edges[i + 1] - edges[i])).sum();
            prop_assert!((integral - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn counts_by_value(v in prop::collection::vec(0i64..6, 0..12), min_len in 0u64..8, chunk in 1u64..5) {
        let x = list(v.clone(), chunk);
        let len = v.iter().max().map_or(0, |&x| x as usize + 1).max(min_len as usize);
        let expected: Vec<i64> = (0..len as i64).map(|i| v.iter().filter(|x| **x == i).count() as i64).collect();
        prop_assert_eq!(flat(&x.bincount(min_len).unwrap()), expected.clone());
        let weighted = x.bincount_weighted(min_len, &x.full_like(0.5)).unwrap();
        prop_assert_eq!(flat(&weighted), expected.iter().map(|&n| n as f64 / 2.0).collect::<Vec<_>>());
    }

    #[test]
    fn places_of_what_is_not_zero(shape in prop::collection::vec(0usize..4, 1..4), seed in any::<u64>(), chunk in 1u64..3) {
        let a = ArrayD::from_shape_fn(IxDyn(&shape), |at| {
            let place = (0..at.ndim()).fold(0, |n, axis| n * 4 + at[axis]);
            ((seed >> place) & 1) as i64 * (place as i64 + 1)
        });
        let x = Array::from_view(&a, Chunks::size(chunk)).unwrap();
        let places = x.nonzero().unwrap();
        for (axis, found) in places.iter().enumerate() {
            let expected: Vec<i64> =
                a.indexed_iter().filter(|(_, x)| **x != 0).map(|(at, _)| at[axis] as i64).collect();
            prop_assert_eq!(flat(found), expected);
        }
        let of_flat: Vec<i64> = a.iter().zip(0..).filter(|(x, _)| **x != 0).map(|(_, i)| i).collect();
        prop_assert_eq!(flat(&x.flatnonzero().unwrap()), of_flat);
        let kept: Vec<i64> = a.iter().copied().filter(|&x| x != 0).collect();
        prop_assert_eq!(flat(&x.extract(&x.ne(0).unwrap()).unwrap()), kept);
        let lens: Vec<usize> = x.argwhere().unwrap().compute().unwrap().shape().to_vec();
        prop_assert_eq!(lens, vec![places[0].compute().unwrap().len(), shape.len()]);
    }

    #[test]
    fn quantiles_lie_between_neighbours(shape in prop::collection::vec(1usize..5, 1..4), axis in 0usize..3, q in 0.0f64..=1.0, chunk in 1u64..4) {
        let axis = axis % shape.len();
        let a = ArrayD::from_shape_fn(IxDyn(&shape), |at| {
            let place = (0..at.ndim()).fold(1, |n, axis| n * 5 + at[axis]);
            ((place * 7919) % 31) as f64
        });
        let x = Array::from_view(&a, Chunks::size(chunk)).unwrap();
        let of_lane = |lane: ndarray::ArrayView1<'_, f64>, q: f64| {
            let mut sorted = lane.to_vec();
            sorted.sort_by(f64::total_cmp);
            let place = (sorted.len() - 1) as f64 * q;
            let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
            low + (high - low) * place.fract()
        };
        let expected = a.map_axis(ndarray::Axis(axis), |lane| of_lane(lane, q));
        let found = x.quantile_axis(q, axis as isize).unwrap().compute().unwrap();
        prop_assert!((&found - &expected).iter().all(|d| d.abs() < 1e-9), "{found} {expected}");
        let middle = a.map_axis(ndarray::Axis(axis), |lane| of_lane(lane, 0.5));
        prop_assert_eq!(x.median_axis(axis as isize).unwrap().compute().unwrap(), middle);
        let flat = ndarray::Array1::from_iter(a.iter().copied());
        prop_assert_eq!(x.median().unwrap().scalar().unwrap(), of_lane(flat.view(), 0.5));
        let kept = x.median_with(Reduce::axes([axis as isize]).keepdims()).unwrap();
        prop_assert_eq!(kept.known_shape().unwrap()[axis], 1);
    }

    #[test]
    fn differences_undo_running_sums(v in prop::collection::vec(-9i64..9, 1..9), chunk in 1u64..4) {
        let x = list(v.clone(), chunk);
        prop_assert_eq!(flat(&x.cumsum(0).unwrap().diff(1, 0).unwrap()), v[1..].to_vec());
        let twice: Vec<i64> = v.windows(3).map(|w| w[2] - 2 * w[1] + w[0]).collect();
        prop_assert_eq!(flat(&x.diff(2, 0).unwrap()), twice);
    }
}

#[test]
fn nan_is_one_element_and_the_last() -> Result<()> {
    let x = Array::from_vec(vec![f64::NAN, 1.0, f64::NAN, -0.0, 0.0], Chunks::size(2))?;
    let unique = x.unique_all()?;
    let values = unique.values.compute()?;
    assert!(values[[2]].is_nan() && values.len() == 3 && values[[0]].is_sign_negative());
    assert_eq!(unique.counts.compute()?, arr1(&[2, 1, 2]).into_dyn());
    assert_eq!(unique.index.compute()?, arr1(&[3, 1, 0]).into_dyn());
    assert_eq!(unique.inverse.compute()?, arr1(&[2, 1, 2, 0, 0]).into_dyn());
    assert_eq!(x.isin(&x)?.compute()?, arr1(&[false, true, false, true, true]).into_dyn());
    assert!(x.median()?.scalar()?.is_nan());
    assert_eq!(x.nanmedian()?.scalar()?, 0.0);
    assert!(Array::<f64>::zeros([0], Chunks::auto())?.median()?.scalar()?.is_nan());
    Ok(())
}

#[test]
fn quantiles_of_unknown_lengths_and_of_several_axes() -> Result<()> {
    let x = Array::<i64>::arange(0, 24, 1, Chunks::size(5))?.reshape([2, 3, 4])?.rechunk([1, 2, 3])?;
    let both = x.quantile_with(&[0.0, 0.5, 1.0], QuantileMethod::Linear, Reduce::axes([0, 2]))?;
    assert_eq!(both.compute()?, arr2(&[[0.0, 4.0, 8.0], [7.5, 11.5, 15.5], [15.0, 19.0, 23.0]]).into_dyn());
    let large = x.ravel()?.mask(&x.ravel()?.gt(18)?)?;
    assert_eq!(large.median()?.scalar()?, 21.0);
    assert!(x.quantile(1.5).unwrap_err().is_usage());
    Ok(())
}

#[test]
fn slopes_by_coordinates_and_at_edges() -> Result<()> {
    let places = vec![0.0, 1.0, 3.0, 4.0, 7.0];
    let parabola: Vec<f64> = places.iter().map(|x| x * x).collect();
    let x = Array::from_vec(parabola, Chunks::size(2))?;
    // Second order differences are exact for parabolas.
    let slope = &x.gradient(&[], &[Spacing::At(places)], EdgeOrder::Second)?[0];
    let error = (&slope.compute()? - &arr1(&[0.0, 2.0, 6.0, 8.0, 14.0])).mapv(f64::abs);
    assert!(error.iter().all(|&d| d < 1e-12), "{slope:?}");
    let table = Array::from_ndarray(arr2(&[[1.0, 2.0, 4.0], [3.0, 6.0, 12.0]]), Chunks::size(2))?;
    let both = table.gradient(&[], &[], EdgeOrder::First)?;
    assert_eq!(both[0].compute()?, arr2(&[[2.0, 4.0, 8.0], [2.0, 4.0, 8.0]]).into_dyn());
    assert_eq!(both[1].compute()?, arr2(&[[1.0, 1.5, 2.0], [3.0, 4.5, 6.0]]).into_dyn());
    assert!(table.gradient(&[0], &[], EdgeOrder::Second).unwrap_err().is_shape());
    Ok(())
}

#[test]
fn covariances_and_weighted_means() -> Result<()> {
    let rows = arr2(&[[1.0f64, 2.0, 4.0, 7.0], [2.0, 1.0, 0.0, 5.0], [3.0, 3.0, 1.0, 1.0]]);
    let x = Array::from_ndarray(rows.clone(), Chunks::size(2))?;
    let centred = &rows - &rows.mean_axis(ndarray::Axis(1)).unwrap().insert_axis(ndarray::Axis(1));
    let expected = centred.dot(&centred.t()) / 3.0;
    let found = x.cov(1.0)?.compute()?;
    assert!((&found - &expected).iter().all(|d: &f64| d.abs() < 1e-12));
    let correlated = x.corrcoef()?.compute()?;
    assert!((correlated[[0, 1]] - expected[[0, 1]] / (expected[[0, 0]] * expected[[1, 1]]).sqrt()).abs() < 1e-12);
    assert!((x.slice(s![0, ..])?.cov(1.0)?.scalar()? - expected[[0, 0]]).abs() < 1e-12);
    let mean = x.average(&x, Reduce::all())?.scalar()?;
    assert!((mean - rows.iter().map(|x| x * x).sum::<f64>() / rows.sum()).abs() < 1e-12);
    let weights = Array::from_vec(vec![1.0, 2.0], Chunks::auto())?;
    assert!(x.average(&weights, Reduce::axes([0])).unwrap_err().is_shape());
    Ok(())
}

#[test]
fn what_can_not_be_counted_is_refused() -> Result<()> {
    let x = Array::from_vec(vec![1.5, 2.0], Chunks::auto())?;
    assert!(x.as_dyn().bincount(0).unwrap_err().is_dtype());
    let negative = list(vec![1, -2], 1);
    assert!(negative.bincount(0)?.compute().unwrap_err().to_string().contains("-2 is negative"));
    assert!(x.histogram_weighted(&Bins::even(2, 0.0, 1.0)?, &list(vec![1], 1)).unwrap_err().is_shape());
    assert!(Bins::even(0, 0.0, 1.0).is_err() && Bins::edges_at(vec![1.0]).is_err());
    assert!(Array::from_scalar(1).nonzero().unwrap_err().is_shape());
    assert!(x.digitize(&[1.0, 3.0, 2.0], Side::Left).is_err());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn sorted_lanes_and_their_best(shape in prop::collection::vec(0usize..6, 1..4), axis in 0usize..3, k in -4i64..5, chunk in 1u64..4) {
        let axis = axis % shape.len();
        let a = ArrayD::from_shape_fn(IxDyn(&shape), |at| {
            let place = (0..at.ndim()).fold(1, |n, axis| n * 5 + at[axis]);
            ((place * 7919) % 7) as i64
        });
        let x = Array::from_view(&a, Chunks::size(chunk)).unwrap();
        let mut sorted = a.clone();
        for mut lane in sorted.lanes_mut(ndarray::Axis(axis)) {
            let mut values = lane.to_vec();
            values.sort_unstable();
            lane.iter_mut().zip(values).for_each(|(to, from)| *to = from);
        }
        prop_assert_eq!(x.sort(axis as isize).unwrap().compute().unwrap(), sorted.clone());
        let order = x.argsort(axis as isize).unwrap();
        prop_assert_eq!(x.take_along_axis(&order, axis as isize).unwrap().compute().unwrap(), sorted);
        if k != 0 {
            let best = x.argtopk(k, axis as isize).unwrap();
            let values = x.take_along_axis(&best, axis as isize).unwrap();
            prop_assert_eq!(values.compute().unwrap(), x.topk(k, axis as isize).unwrap().compute().unwrap());
            // Of equal elements the first ones: positions ascend among equals.
            let (best, values) = compute!(best, values).unwrap();
            for (places, lane) in best.lanes(ndarray::Axis(axis)).into_iter().zip(values.lanes(ndarray::Axis(axis))) {
                let equal_pairs = (1..lane.len()).filter(|&i| lane[i - 1] == lane[i]);
                prop_assert!(equal_pairs.into_iter().all(|i| places[i - 1] < places[i]));
            }
        }
    }
}

#[test]
fn running_sums_pass_over_nan() -> Result<()> {
    let x = Array::from_vec(vec![f64::NAN, 2.0, f64::NAN, 4.0, 0.5], Chunks::size(2))?;
    assert_eq!(x.nancumsum(0)?.compute()?, arr1(&[0.0, 2.0, 2.0, 6.0, 6.5]).into_dyn());
    assert_eq!(x.nancumprod(0)?.compute()?, arr1(&[1.0, 2.0, 2.0, 8.0, 4.0]).into_dyn());
    let sorted = x.sort(0)?.compute()?;
    assert_eq!(sorted.slice(s![..3]), arr1(&[0.5, 2.0, 4.0]).into_dyn().slice(s![..3]));
    assert!(sorted[[4]].is_nan());
    let known = x.mask(x.isnan().logical_not())?;
    assert!(known.argtopk(1, 0).unwrap_err().is_unknown_chunks());
    assert!(x.argtopk(0, 0).is_err());
    Ok(())
}
