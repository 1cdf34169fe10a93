//! Elements chosen, compared and taken apart.

use hyperslab::prelude::*;
use ndarray::{arr1, arr2};

#[test]
fn the_first_true_condition_chooses() -> Result<()> {
    let x = Array::<i64>::arange(0, 6, 1, Chunks::size(4))?;
    let y = select(&[(&x.lt(4)?, &x), (&x.lt(5)?, &(&x * 10))], -1)?;
    assert_eq!(y.compute()?, arr1(&[0, 1, 2, 3, 40, -1]).into_dyn());
    let nothing = select::<i64>(&[], 7)?;
    assert_eq!(nothing.scalar()?, 7);
    let dyns = DynArray::select(&[(x.lt(2)?.as_dyn(), Array::from_scalar(0.5).as_dyn())], x.as_dyn())?;
    assert_eq!(dyns.try_typed::<f64>()?.compute()?, arr1(&[0.5, 0.5, 2.0, 3.0, 4.0, 5.0]).into_dyn());
    assert!(DynArray::select(&[(x.as_dyn(), x.as_dyn())], x.as_dyn()).unwrap_err().is_dtype());
    Ok(())
}

#[test]
fn numbers_choose_among_arrays_that_broadcast() -> Result<()> {
    let which = Array::from_ndarray(arr2(&[[0i64, 1], [1, 0]]), Chunks::size(1))?;
    let row = Array::from_vec(vec![5, 6], Chunks::auto())?;
    let seven = Array::from_scalar(7);
    assert_eq!(choose(&which, &[&row, &seven])?.compute()?, arr2(&[[5, 7], [7, 6]]).into_dyn());
    let beyond = choose(&(&which + 1), &[&row, &seven])?;
    assert!(beyond.compute().unwrap_err().to_string().contains("number 2 names none of 2 arrays"));
    assert!(choose::<i64, i64>(&which, &[]).is_err());
    Ok(())
}

#[test]
fn the_last_true_piece_wins() -> Result<()> {
    let x = Array::<i64>::arange(-2, 3, 1, Chunks::size(2))?;
    let (all, large) = (x.ge(-1)?, x.ge(1)?);
    let y: Array<f64> =
        piecewise(&x, &[(&all, &|_| Ok(Array::from_scalar(0.5))), (&large, &|x| Ok(x.astype::<f64>() * 2.0))])?;
    assert_eq!(y.compute()?, arr1(&[0.0, 0.5, 0.5, 2.0, 4.0]).into_dyn());
    Ok(())
}

#[test]
fn closeness_is_relative_to_the_second() -> Result<()> {
    let nan = f64::NAN;
    let a = Array::from_vec(vec![1.0, 100.0, nan, f64::INFINITY, -f64::INFINITY, 0.0], Chunks::size(4))?;
    let b = Array::from_vec(vec![1.1, 110.0, nan, f64::INFINITY, f64::INFINITY, 1e-9], Chunks::size(3))?;
    let close = a.isclose(&b, Tolerance::new().rtol(0.1).atol(0.0))?;
    assert_eq!(close.compute()?, arr1(&[true, true, false, true, false, false]).into_dyn());
    let close = a.isclose(&b, Tolerance::new().equal_nan())?;
    assert_eq!(close.compute()?, arr1(&[false, false, true, true, false, true]).into_dyn());
    let n = Array::from_vec(vec![3u8, 4], Chunks::auto())?;
    assert!(n.allclose(&n, Tolerance::new())?.scalar()?);
    assert!(!n.allclose(4, Tolerance::new())?.scalar()?);
    assert!(n.allclose(&Array::<u8>::zeros([3], Chunks::auto())?, Tolerance::new()).unwrap_err().is_shape());
    Ok(())
}

#[test]
fn equality_of_whole_arrays() -> Result<()> {
    let x = Array::<i64>::arange(0, 4, 1, Chunks::size(3))?;
    assert!(x.array_equal(&x.rechunk([1])?)?.scalar()?);
    assert!(!x.array_equal(&(&x + 1))?.scalar()?);
    assert!(!x.array_equal(&x.reshape([2, 2])?)?.scalar()?);
    let zeros = Array::<i64>::zeros([2, 2], Chunks::auto())?;
    assert!(zeros.array_equiv(&Array::from_scalar(0))?.scalar()?);
    assert!(!zeros.array_equiv(&x)?.scalar()?);
    let part = x.mask(&x.gt(1)?)?;
    assert!(part.array_equal(&part)?.scalar()?);
    assert!(part.array_equal(&x.mask(&x.gt(2)?)?).unwrap_err().is_unknown_chunks());
    Ok(())
}

#[test]
fn parts_of_special_numbers() -> Result<()> {
    let x = Array::from_vec(vec![-3.5, f64::INFINITY, -0.0, f64::NAN, 5e-324], Chunks::size(2))?;
    let (fraction, whole) = x.modf();
    let (fraction, whole) = compute!(fraction, whole)?;
    assert_eq!((fraction[[0]], whole[[0]]), (-0.5, -3.0));
    assert_eq!((fraction[[1]], whole[[1]]), (0.0, f64::INFINITY));
    assert!(fraction[[2]].is_sign_negative() && fraction[[3]].is_nan());
    let (mantissa, exponent) = x.frexp()?;
    let (mantissa, exponent) = compute!(mantissa, exponent)?;
    assert_eq!((mantissa[[0]], exponent[[0]]), (-0.875, 2));
    assert_eq!((mantissa[[4]], exponent[[4]]), (0.5, -1073));
    let (quotient, rest) = Array::from_vec(vec![-7.5, 7.5], Chunks::auto())?.divmod(2.0)?;
    assert_eq!(quotient.compute()?, arr1(&[-4.0, 3.0]).into_dyn());
    assert_eq!(rest.compute()?, arr1(&[0.5, 1.5]).into_dyn());
    Ok(())
}

#[test]
fn rounding_to_decimals() -> Result<()> {
    let x = Array::from_vec(vec![0.125f32, 2.675, -1.5, 1234.5], Chunks::size(3))?;
    assert_eq!(x.round(2).compute()?, arr1(&[0.12, 2.68, -1.5, 1234.5]).into_dyn());
    assert_eq!(x.round(-2).compute()?, arr1(&[0.0, 0.0, -0.0, 1200.0]).into_dyn());
    let n = Array::from_vec(vec![-25i8, 15, 127], Chunks::auto())?;
    assert_eq!(n.round(-1).compute()?, arr1(&[-20, 20, 127]).into_dyn());
    assert_eq!(n.round(3).compute()?, n.compute()?);
    Ok(())
}
