//! Sums of products by the letters of axes, against loops over all positions.

use std::collections::BTreeMap;

use hyperslab::prelude::*;
use ndarray::{ArrayD, IxDyn, arr1, arr2};
use proptest::prelude::*;

/// The length that a letter stands for.
fn len_of(letter: char) -> usize {
    match letter {
        'j' => 3,
        'k' => 4,
        'a' => 1,
        _ => 2,
    }
}

fn numbered(term: &str, seed: i64) -> ArrayD<i64> {
    let shape: Vec<usize> = term.chars().map(len_of).collect();
    let n: usize = shape.iter().product();
    let values = (0..n as i64).map(|x| (x * 7 + seed) % 11 - 5).collect();
    ArrayD::from_shape_vec(IxDyn(&shape), values).unwrap()
}

/// The sum of products over every position of every letter.
fn by_loops(terms: &[&str], result: &str, arrays: &[ArrayD<i64>]) -> ArrayD<i64> {
    let mut letters: Vec<char> = terms.concat().chars().collect();
    letters.sort_unstable();
    letters.dedup();
    let shape: Vec<usize> = result.chars().map(len_of).collect();
    let mut out = ArrayD::<i64>::zeros(IxDyn(&shape));
    let n: usize = letters.iter().map(|&letter| len_of(letter)).product();
    for mut number in 0..n {
        let mut at = BTreeMap::new();
        for &letter in &letters {
            at.insert(letter, number % len_of(letter));
            number /= len_of(letter);
        }
        let place = |term: &str| IxDyn(&term.chars().map(|letter| at[&letter]).collect::<Vec<_>>());
        let product: i64 = terms.iter().zip(arrays).map(|(term, array)| array[place(term)]).product();
        out[place(result)] += product;
    }
    out
}

fn term() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!['i', 'j', 'k', 'a', 'z']), 0..4)
        .prop_map(|letters| letters.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_subscripts(terms in prop::collection::vec(term(), 1..4), kept in any::<u32>(), turned in any::<bool>(), chunk in 1u64..4) {
        let mut letters: Vec<char> = terms.concat().chars().collect();
        letters.sort_unstable();
        letters.dedup();
        let mut result: Vec<char> = letters.iter().enumerate().filter(|(i, _)| kept >> i & 1 == 1).map(|(_, c)| *c).collect();
        if turned {
            result.reverse();
        }
        let result: String = result.into_iter().collect();
        let terms: Vec<&str> = terms.iter().map(String::as_str).collect();
        let dense: Vec<ArrayD<i64>> = terms.iter().zip(1..).map(|(term, seed)| numbered(term, seed)).collect();
        let lazy: Vec<Array<i64>> = dense
            .iter()
            .zip(0..)
            .map(|(array, i)| Array::from_view(array, Chunks::size((chunk + i) % 4 + 1)).unwrap())
            .collect();
        let subscripts = format!("{}->{result}", terms.join(", "));
        let found = einsum(&subscripts, &lazy.iter().collect::<Vec<_>>()).unwrap().compute().unwrap();
        prop_assert_eq!(found, by_loops(&terms, &result, &dense), "{}", subscripts);
    }
}

#[test]
fn results_without_an_arrow_are_sorted_letters_that_occur_once() -> Result<()> {
    let a = Array::from_view(&numbered("ij", 1), Chunks::size(2))?;
    let b = Array::from_view(&numbered("jk", 2), Chunks::size(3))?;
    assert_eq!(einsum("ij,jk", &[&a, &b])?.compute()?, matmul(&a, &b)?.compute()?);
    assert_eq!(einsum("ji", &[&a])?.compute()?, a.transpose().compute()?);
    assert_eq!(einsum("zx", &[&a])?.compute()?, a.transpose().compute()?);
    Ok(())
}

#[test]
fn axes_behind_dots_broadcast() -> Result<()> {
    let x = Array::<i64>::arange(0, 24, 1, Chunks::size(5))?.reshape([2, 3, 4])?.rechunk([1, 2, 3])?;
    let v = Array::<i64>::arange(1, 5, 1, Chunks::size(2))?;
    let along = einsum("...i,i", &[&x, &v])?;
    assert_eq!(along.compute()?, matmul(&x, &v)?.compute()?);
    let y = Array::<i64>::ones([3, 4, 2], Chunks::size(2))?;
    assert_eq!(einsum("...ij,...jk->...ik", &[&x, &y.slice(s![0, .., ..])?])?.known_shape()?, [2, 3, 2]);
    let stretched = einsum("...,...->...", &[&x, &Array::<i64>::full([2, 1, 1], 3, Chunks::auto())?])?;
    assert_eq!(stretched.compute()?, (&x * 3).compute()?);
    assert_eq!(einsum("i...->...", &[&x])?.compute()?, x.sum_axis(0)?.compute()?);
    assert_eq!(einsum("i...i->i...", &[&Array::<i64>::ones([2, 5, 2], Chunks::auto())?])?.known_shape()?, [2, 5]);
    Ok(())
}

#[test]
fn letters_of_length_one_stretch() -> Result<()> {
    let a = Array::<i64>::ones([1, 3], Chunks::auto())?;
    let b = Array::<i64>::arange(0, 6, 1, Chunks::size(2))?.reshape([2, 3])?;
    assert_eq!(einsum("ij,ij->i", &[&a, &b])?.compute()?, arr1(&[3, 12]).into_dyn());
    Ok(())
}

#[test]
fn element_types_stay_and_are_promoted() -> Result<()> {
    let a = Array::from_vec(vec![1i32, 2, 3], Chunks::size(2))?;
    let sum: Array<i32> = einsum("i->", &[&a])?;
    assert_eq!(sum.scalar()?, 6);
    let b = Array::from_vec(vec![0.5f64, 1.0, 1.5], Chunks::auto())?;
    let dot = DynArray::einsum("i,i", &[a.as_dyn(), b.as_dyn()])?;
    assert_eq!(dot.try_typed::<f64>()?.scalar()?, 7.0);
    Ok(())
}

#[test]
fn unknown_lengths_are_contracted() -> Result<()> {
    let x = Array::<i64>::arange(0, 12, 1, Chunks::size(2))?.reshape([6, 2])?;
    let rows = x.mask(&x.slice(s![.., 0])?.gt(3)?)?;
    let e = arr2(&[[4i64, 5], [6, 7], [8, 9], [10, 11]]);
    assert_eq!(einsum("ij,ik->jk", &[&rows, &rows])?.compute()?, e.t().dot(&e).into_dyn());
    let other = x.mask(&x.slice(s![.., 0])?.lt(3)?)?;
    assert!(einsum("ij,ik->jk", &[&rows, &other]).unwrap_err().is_unknown_chunks());
    Ok(())
}

#[test]
fn subscripts_that_do_not_fit_are_refused() -> Result<()> {
    let a = Array::<f64>::ones([2, 3], Chunks::auto())?;
    for wrong in ["ij,jk->ik", "ijk->i", "i->i", "ij->ijk", "ij->ii", "i?->i", "...ij->ij", "", "ij->k"] {
        let found = einsum(wrong, &[&a]);
        assert!(found.is_err() || wrong == "...ij->ij", "{wrong}");
    }
    assert!(einsum("ij,ij->ij", &[&a, &a.transpose()]).unwrap_err().is_shape());
    assert!(einsum("ii->i", &[&a]).unwrap_err().is_shape());
    Ok(())
}

#[test]
fn products_of_other_shapes() -> Result<()> {
    let a = Array::<i64>::arange(0, 6, 1, Chunks::size(2))?.reshape([2, 3])?;
    let b = Array::<i64>::arange(1, 5, 1, Chunks::size(3))?.reshape([2, 2])?;
    let product = kron(&a, &b)?;
    let (da, db) = (a.compute()?, b.compute()?);
    let expected = ArrayD::from_shape_fn(IxDyn(&[4, 6]), |at| da[[at[0] / 2, at[1] / 2]] * db[[at[0] % 2, at[1] % 2]]);
    assert_eq!(product.compute()?, expected);
    assert_eq!(kron(&a, &b.slice(s![0, ..])?)?.known_shape()?, [2, 6]);
    assert_eq!(outer(&a, &b)?.known_shape()?, [6, 4]);
    assert_eq!(inner(&a, &a)?.compute()?, matmul(&a, &a.transpose())?.compute()?);
    assert_eq!(inner(&a, &Array::from_scalar(2))?.compute()?, (&a * 2).compute()?);
    assert_eq!(vdot(&a, &a)?.scalar()?, 55);
    assert_eq!(vdot(&Array::from_scalar(3), &Array::from_scalar(4))?.scalar()?, 12);
    let sums = outer_with(&a, &b, |a, b| a.try_add(b))?;
    assert_eq!(sums.known_shape()?, [2, 3, 2, 2]);
    assert_eq!(sums.compute()?[[1, 2, 1, 1]], 5 + 4);
    Ok(())
}
