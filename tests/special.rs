//! Functions made of others, against NumPy's answers and plain loops, over random chunks.

use hyperslab::array::{histogramdd, histogramdd_weighted, ravel_multi_index};
use hyperslab::prelude::*;
use ndarray::{ArrayD, IxDyn, arr1, arr2};
use proptest::prelude::*;

fn list(values: &[f64], chunk: u64) -> Array<f64> {
    Array::from_vec(values.to_vec(), Chunks::size(chunk)).unwrap()
}

fn bits(array: &Array<f64>) -> Vec<u64> {
    array.compute().unwrap().iter().map(|x| if x.is_nan() { 0 } else { x.to_bits() }).collect()
}

fn bits_of(values: &[f64]) -> Vec<u64> {
    values.iter().map(|x| if x.is_nan() { 0 } else { x.to_bits() }).collect()
}

#[test]
fn elementwise_functions_at_the_ends_of_the_numbers() -> Result<()> {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let x = list(&[0.0, -0.0, 1.0, -3.0, inf, nan, f64::MAX], 3);
    assert_eq!(bits(&x.spacing()), bits_of(&[5e-324, 5e-324, 2.0f64.powi(-52), -(2.0f64.powi(-51)), nan, nan, inf]));
    assert_eq!(x.astype::<f32>().spacing().compute()?[[2]], f32::EPSILON);
    let x = list(&[0.0, 1e-30, 0.5, inf, nan], 2);
    assert_eq!(bits(&x.sinc()), bits_of(&[1.0, 1.0, std::f64::consts::FRAC_2_PI, nan, nan]));
    let n = Array::from_vec(vec![2000, -1080, 1, 3, -5], Chunks::size(2))?;
    let x = list(&[1.0, -1.0, 5e-324, nan, inf], 3);
    assert_eq!(bits(&x.ldexp(&n)?), bits_of(&[inf, -0.0, 1e-323, nan, inf]));
    let powers = list(&[2.0, -2.0, 0.0], 2).float_power(&list(&[-1.0, 0.5, -1.0], 3))?;
    assert_eq!(bits(&powers), bits_of(&[0.5, nan, inf]));
    let x = list(&[inf, -inf, nan, 1.0], 3);
    assert_eq!(x.isposinf().compute()?, arr1(&[true, false, false, false]).into_dyn());
    assert_eq!(x.isneginf().compute()?, arr1(&[false, true, false, false]).into_dyn());
    assert!(Array::<i64>::ones([2], Chunks::auto())?.isreal().all().scalar()?);
    Ok(())
}

#[test]
fn moments_are_dasks() -> Result<()> {
    let x = Array::from_ndarray(arr2(&[[1.0, 2.0, 3.0], [4.0, 5.0, 9.0]]), Chunks::size(2))?;
    let all = [1.0, 0.0, 20.0 / 3.0, 15.0, 362.0 / 3.0];
    let by_row = [[1.0, 1.0], [0.0, 0.0], [1.0, 7.0], [0.0, 9.0], [1.0, 49.0]];
    for (order, (all, by_row)) in (0..).zip(all.into_iter().zip(by_row)) {
        let found: f64 = x.moment_with(order, Reduce::all())?.scalar()?;
        assert!((found - all).abs() < 1e-12, "order {order}: {found}");
        let found: ArrayD<f64> = x.moment_with(order, Reduce::axes([1]).ddof(1.0))?.compute()?;
        assert!((&found - &arr1(&by_row).into_dyn()).iter().all(|d| d.abs() < 1e-12), "order {order}: {found}");
    }
    assert_eq!(x.moment_with(2, Reduce::axes([5])).unwrap_err().op(), "moment");
    Ok(())
}

#[test]
fn boxes_have_numpys_edges() -> Result<()> {
    let nan = f64::NAN;
    let x = list(&[0.0, 1.0, 2.0, 2.0, nan, 3.0, -1.0], 2);
    let y = list(&[0.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0], 3);
    let bins = [Bins::edges_at([0.0, 1.0, 2.0])?, Bins::edges_at([0.0, 1.0, 1.0, 2.0])?];
    assert_eq!(histogramdd(&[&x, &y], &bins)?.compute()?, arr2(&[[1, 0, 0], [1, 0, 2]]).into_dyn());
    let weights = list(&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0], 4);
    let sums = histogramdd_weighted(&[&x, &y], &bins, &weights)?;
    assert_eq!(sums.compute()?, arr2(&[[1.0, 0.0, 0.0], [2.0, 0.0, 12.0]]).into_dyn());
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() -> Result<()> {
    let (x, y) = (list(&[1.0, 2.0, 3.0], 2), list(&[1.0], 2));
    let bins = || Bins::even(2, 0.0, 1.0).unwrap();
    let text = |error: Error| error.to_string();
    assert!(text(histogramdd(&[&x, &y], &[bins(), bins()]).unwrap_err()).contains("(3) and (1)"));
    assert!(text(histogramdd(&[&x], &[bins(), bins()]).unwrap_err()).contains("1 coordinates and 2"));
    let many = vec![Bins::even(1 << 20, 0.0, 1.0)?; 3];
    assert!(text(histogramdd(&[&x, &x, &x], &many).unwrap_err()).starts_with("histogramdd: "));
    let error = x.coarsen(&[(0, 2)], false, Array::mean_with).unwrap_err();
    assert!(text(error.clone()).contains("length 3") && text(error).contains("trim"));
    assert!(x.coarsen(&[(0, 0)], true, Array::mean_with).unwrap_err().is_shape());
    assert!(x.coarsen(&[(1, 2)], true, Array::mean_with).unwrap_err().is_usage());
    let at = Array::from_vec(vec![0, 6], Chunks::auto())?;
    assert!(text(at.unravel_index([2, 3])?[0].compute().unwrap_err()).contains("number 6 names none of the 6"));
    let beyond = ravel_multi_index(&[&at, &at], [9, 6])?.compute().unwrap_err();
    assert!(text(beyond).contains("position 6 is not in axis 1 of shape (9, 6)"));
    assert!(text(ravel_multi_index(&[&at], [9, 6]).unwrap_err()).contains("1 lists of positions"));
    assert!(text(at.unravel_index([1i64 << 40, 1 << 40]).unwrap_err()).contains("2^63"));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn windows_are_reduced_one_by_one(
        rows in 0usize..14, columns in 1usize..9, windows in (1u64..5, 1u64..4), chunks in (1u64..6, 1u64..6),
    ) {
        let dense = ArrayD::from_shape_fn(IxDyn(&[rows, columns]), |at| (at[0] * 31 + at[1] * 7) as i64 % 23);
        let x = Array::from_ndarray(dense.clone(), [chunks.0, chunks.1]).unwrap();
        let (high, wide) = (windows.0 as usize, windows.1 as usize);
        let found = x.coarsen(&[(0, windows.0), (-1, windows.1)], true, Array::sum_with).unwrap();
        let of_window = |at: IxDyn| {
            let inside = (0..high * wide).map(|i| dense[[at[0] * high + i / wide, at[1] * wide + i % wide]]);
            inside.sum::<i64>()
        };
        let expected = ArrayD::from_shape_fn(IxDyn(&[rows / high, columns / wide]), of_window);
        prop_assert_eq!(found.compute().unwrap(), expected);
    }

    #[test]
    fn numbers_of_elements_and_positions_are_inverse(
        shape in prop::collection::vec(1u64..5, 1..4), picks in prop::collection::vec(0u64..1000, 1..20), chunk in 1u64..7,
    ) {
        let n: u64 = shape.iter().product();
        let numbers: Vec<i64> = picks.iter().map(|pick| (pick % n) as i64).collect();
        let lazy = Array::from_vec(numbers.clone(), Chunks::size(chunk)).unwrap();
        let at = lazy.unravel_index(&shape[..]).unwrap();
        let back = ravel_multi_index(&at.iter().collect::<Vec<_>>(), &shape[..]).unwrap();
        prop_assert_eq!(back.compute().unwrap().into_raw_vec_and_offset().0, numbers.clone());
        let last = at[shape.len() - 1].compute().unwrap();
        let len = shape[shape.len() - 1] as i64;
        prop_assert!(last.iter().zip(&numbers).all(|(at, number)| *at == number % len));
    }

    #[test]
    fn points_are_counted_once(
        points in prop::collection::vec((0.0f64..4.0, -1.0f64..3.0), 1..40), chunk in 1u64..9,
    ) {
        let (xs, ys): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
        let (x, y) = (list(&xs, chunk), list(&ys, chunk + 1));
        let bins = [Bins::even(3, 0.0, 3.0).unwrap(), Bins::even(4, -1.0, 1.0).unwrap()];
        let mut expected = ArrayD::<i64>::zeros(IxDyn(&[3, 4]));
        let place = |value: f64, edges: &[f64]| (0..edges.len() - 1).find(|&i| {
            edges[i] <= value && (value < edges[i + 1] || (i + 2 == edges.len() && value == edges[i + 1]))
        });
        for (a, b) in points {
            if let (Some(i), Some(j)) = (place(a, bins[0].edges()), place(b, bins[1].edges())) {
                expected[[i, j]] += 1;
            }
        }
        prop_assert_eq!(histogramdd(&[&x, &y], &bins).unwrap().compute().unwrap(), expected);
    }
}
