//! Reductions: axes, kept dimensions, degrees of freedom, trees of any width.

use hyperslab::prelude::*;
use ndarray::ArrayD;
use proptest::prelude::*;

use crate::support::eager::folded;
use crate::support::numbers::{Bits, Sample, random_inexact, random_with_nan};
use crate::support::runs::{any_run, check, check_close, config, equal, runtimes};
use crate::support::shapes::{Cut, any_cut, any_store};

/// How one reduction goes.
#[derive(Clone, Debug)]
struct How {
    axes: Vec<usize>,
    keepdims: bool,
    options: Reduce,
}

impl How {
    /// Some or all axes, in any order and counted from either end.
    fn new(ndim: usize, seed: u64) -> Self {
        let mut bits = Bits::new(seed);
        let all = bits.one_in(3);
        let mut axes: Vec<usize> = (0..ndim).filter(|_| all || bits.one_in(2)).collect();
        if bits.one_in(2) {
            axes.reverse();
        }
        let from_end = |axis: usize| axis as isize - ndim as isize;
        let named: Vec<isize> =
            axes.iter().map(|&axis| if bits.one_in(2) { from_end(axis) } else { axis as isize }).collect();
        let mut options = if all && bits.one_in(2) { Reduce::all() } else { Reduce::axes(named) };
        let keepdims = bits.one_in(3);
        if keepdims {
            options = options.keepdims();
        }
        if bits.one_in(2) {
            options = options.split_every(2 + bits.next() % 4);
        }
        Self { axes, keepdims, options }
    }

    fn fold<T: hyperslab::element::Element, U: Clone>(&self, array: &ArrayD<T>, f: impl Fn(&[T]) -> U) -> ArrayD<U> {
        folded(array, &self.axes, self.keepdims, f)
    }

    /// Whether some result is of no elements.
    fn has_empty_slices(&self, cut: &Cut) -> bool {
        let kept: usize =
            (0..cut.ndim()).filter(|axis| !self.axes.contains(axis)).map(|axis| cut.shape[axis]).product();
        kept > 0 && self.axes.iter().any(|&axis| cut.shape[axis] == 0)
    }
}

#[test]
fn sums_of_integers_are_exact() {
    proptest!(config(40), |(
        cut in any_cut(4, 5), store in any_store(), seed in 0u64..1000, run in any_run()
    )| {
        let (a, x) = cut.arrays::<i32>(store, seed);
        let how = How::new(cut.ndim(), seed);
        check(run, &x.sum_with(how.options.clone()).unwrap(), &how.fold(&a, |s| s.iter().map(|&x| i64::from(x)).sum::<i64>()))?;
        let product = |s: &[i32]| s.iter().fold(1i64, |p, &x| p.wrapping_mul(i64::from(x)));
        check(run, &x.prod_with(how.options.clone()).unwrap(), &how.fold(&a, product))?;
        check(run, &x.any_with(how.options.clone()).unwrap(), &how.fold(&a, |s| s.iter().any(|&x| x != 0)))?;
        check(run, &x.all_with(how.options.clone()).unwrap(), &how.fold(&a, |s| s.iter().all(|&x| x != 0)))?;
        let count = |s: &[i32]| s.iter().filter(|&&x| x != 0).count() as i64;
        check(run, &x.count_nonzero_with(how.options.clone()).unwrap(), &how.fold(&a, count))?;
        let mean = |s: &[i32]| s.iter().map(|&x| f64::from(x)).sum::<f64>() / s.len() as f64;
        check_close(run, &x.mean_with(how.options.clone()).unwrap(), &how.fold(&a, mean), 1e-14)?;
    });
}

fn sums_of<T: Sample<Sum = S>, S: Sample>(add: fn(S, S) -> S) {
    proptest!(config(10), |(cut in any_cut(3, 6), store in any_store(), seed in 0u64..1000, run in any_run())| {
        let (a, x) = cut.arrays::<T>(store, seed);
        let how = How::new(cut.ndim(), seed);
        let sum = |s: &[T]| s.iter().fold(S::zero(), |sum, &x| add(sum, S::from_scalar(x.to_scalar())));
        check(run, &x.sum_with(how.options.clone()).unwrap(), &how.fold(&a, sum))?;
    });
}

#[test]
fn sums_of_every_type() {
    sums_of::<bool, i64>(i64::wrapping_add);
    sums_of::<i8, i64>(i64::wrapping_add);
    sums_of::<u8, u64>(u64::wrapping_add);
    sums_of::<u64, u64>(u64::wrapping_add);
    sums_of::<f32, f32>(|a, b| a + b);
    sums_of::<C32, C32>(|a, b| a + b);
    sums_of::<C64, C64>(|a, b| a + b);
}

/// NumPy's choice between two candidates for an extreme: the first NaN, or the first better one.
fn arg_extreme(s: &[f64], better: fn(f64, f64) -> bool) -> Option<usize> {
    let nan = s.iter().position(|x| x.is_nan());
    nan.or_else(|| (0..s.len()).reduce(|best, i| if better(s[i], s[best]) { i } else { best }))
}

#[test]
fn extremes_and_their_positions() {
    proptest!(config(40), |(
        cut in any_cut(3, 6), store in any_store(), seed in 0u64..1000, run in any_run(), with_nan in any::<bool>()
    )| {
        let a = if with_nan { random_with_nan(&cut.shape, seed) } else { crate::support::numbers::random(&cut.shape, seed) };
        let x = cut.lazy(&a, store);
        let how = How::new(cut.ndim(), seed);
        let options = || how.options.clone();
        if how.has_empty_slices(&cut) {
            let of_all_axes = how.axes.len() == cut.ndim();
            let found = x.max_with(options()).and_then(|max| max.compute());
            prop_assert!(found.is_err_and(|error| error.is_usage()), "{} {:?} {of_all_axes}", x, how);
            return Ok(());
        }
        let largest = |s: &[f64]| s[arg_extreme(s, |a, b| a > b).unwrap()];
        let smallest = |s: &[f64]| s[arg_extreme(s, |a, b| a < b).unwrap()];
        check(run, &x.max_with(options()).unwrap(), &how.fold(&a, largest))?;
        check(run, &x.min_with(options()).unwrap(), &how.fold(&a, smallest))?;
        let first_largest = |s: &[f64]| arg_extreme(s, |a, b| a > b).unwrap() as i64;
        let first_smallest = |s: &[f64]| arg_extreme(s, |a, b| a < b).unwrap() as i64;
        check(run, &x.argmax_with(options()).unwrap(), &how.fold(&a, first_largest))?;
        check(run, &x.argmin_with(options()).unwrap(), &how.fold(&a, first_smallest))?;
        let known = |s: &[f64]| s.iter().copied().filter(|x| !x.is_nan()).collect::<Vec<f64>>();
        let nanmax = |s: &[f64]| known(s).into_iter().reduce(f64::max).unwrap_or(f64::NAN);
        check(run, &x.nanmax_with(options()).unwrap(), &how.fold(&a, nanmax))?;
    });
}

/// The variance in two passes.
fn variance(s: &[f64], ddof: f64) -> f64 {
    let n = s.len() as f64;
    let mean = s.iter().sum::<f64>() / n;
    let squares: f64 = s.iter().map(|x| (x - mean) * (x - mean)).sum();
    if n == 0.0 { f64::NAN } else { squares / (n - ddof) }
}

#[test]
fn means_and_variances() {
    proptest!(config(40), |(
        cut in any_cut(3, 6), store in any_store(), seed in 0u64..1000, run in any_run(), ddof in 0u8..3,
        with_nan in any::<bool>()
    )| {
        let ddof = f64::from(ddof);
        let a = if with_nan { random_with_nan(&cut.shape, seed) } else { random_inexact(&cut.shape, seed) };
        let x = cut.lazy(&a, store);
        let how = How::new(cut.ndim(), seed);
        let options = || how.options.clone().ddof(ddof);
        let mean = |s: &[f64]| s.iter().sum::<f64>() / s.len() as f64;
        check_close(run, &x.mean_with(options()).unwrap(), &how.fold(&a, mean), 1e-12)?;
        // Fewer elements than degrees of freedom give NaN or an infinity, as in NumPy; which one rounding may decide.
        let enough = how.axes.iter().map(|&axis| cut.shape[axis]).product::<usize>() as f64 > ddof;
        if enough {
            check_close(run, &x.var_with(options()).unwrap(), &how.fold(&a, |s| variance(s, ddof)), 1e-12)?;
            check_close(run, &x.std_with(options()).unwrap(), &how.fold(&a, |s| variance(s, ddof).sqrt()), 1e-12)?;
        } else {
            let found = crate::support::runs::computed(run, &x.var_with(options()).unwrap());
            prop_assert!(found.unwrap().iter().all(|x| !x.is_finite()));
        }
        let known = |s: &[f64]| s.iter().copied().filter(|x| !x.is_nan()).collect::<Vec<f64>>();
        check_close(run, &x.nansum_with(options()).unwrap(), &how.fold(&a, |s| known(s).iter().sum()), 1e-12)?;
        check_close(run, &x.nanmean_with(options()).unwrap(), &how.fold(&a, |s| mean(&known(s))), 1e-12)?;
    });
}

#[test]
fn reductions_of_expressions_need_no_array_in_between() {
    proptest!(config(30), |(
        cut in any_cut(3, 6), store in any_store(), seed in 0u64..1000, run in any_run()
    )| {
        let (a, x) = cut.arrays::<i64>(store, seed);
        let how = How::new(cut.ndim(), seed);
        let lazy = (&x * 3 + 1) * &x;
        let eager = a.mapv(|a| (a * 3 + 1) * a);
        check(run, &lazy.sum_with(how.options.clone()).unwrap(), &how.fold(&eager, |s| s.iter().sum::<i64>()))?;
        // Several reductions of one array in one run.
        let runtime = &runtimes()[run];
        let (x, eager) = (lazy.to_dense(), eager);
        let (sum, any) = runtime.enter(|| compute!(x.sum(), x.any())).unwrap();
        prop_assert_eq!((sum[[]], any[[]]), (eager.sum(), eager.iter().any(|&x| x != 0)));
        if !eager.is_empty() {
            let (low, high, mean) = runtime.enter(|| compute!(x.min(), x.max(), x.mean())).unwrap();
            prop_assert_eq!((low[[]], high[[]]), (*eager.iter().min().unwrap(), *eager.iter().max().unwrap()));
            prop_assert!(equal(mean[[]], eager.sum() as f64 / eager.len() as f64));
        }
    });
}

#[test]
fn a_reduction_broadcasts_back_over_its_array() {
    proptest!(config(20), |(cut in any_cut(3, 6), store in any_store(), seed in 0u64..1000, run in any_run())| {
        let (a, x) = cut.arrays::<i64>(store, seed);
        let how = How::new(cut.ndim(), seed);
        let kept = folded(&a, &how.axes, true, |s| s.iter().sum::<i64>());
        let lazy = &x - x.sum_with(how.options.clone().keepdims()).unwrap();
        check(run, &lazy, &crate::support::eager::zipped(&a, &kept, |a, sum| a - sum))?;
    });
}

#[test]
fn variances_far_from_zero_are_exact() {
    // 4, 7, 13, 16 around 1e9: the textbook case that cancels in one pass.
    let values: Vec<f64> = [4.0, 7.0, 13.0, 16.0].repeat(1000).iter().map(|x| x + 1e9).collect();
    for size in [1000, 333, 7] {
        let x = Array::from_vec(values.clone(), Chunks::size(size)).unwrap();
        let var = x.var().scalar().unwrap();
        assert!((var / 22.5 - 1.0).abs() <= 1e-13, "{var}");
    }
    let tenths = Array::from_vec(vec![0.1f32; 1_000_000], Chunks::size(30_000)).unwrap();
    let sum = f64::from(tenths.sum().scalar().unwrap());
    assert!((sum / 100_000.0 - 1.0).abs() <= 1.1e-7, "{sum}");
}

#[test]
fn a_masked_reduction_keeps_the_chunks_of_the_other_axes() -> Result<()> {
    let x = Array::<i64>::from_fn([3, 3], Chunks::size(1), |at| (at[0] * 3 + at[1]) as i64)?.rechunk([3, 1])?;
    let mask = Array::from_vec(vec![true, false, true], Chunks::size(1))?;
    let sums = x.mask_axis(&mask, 1)?.sum_axis(1)?;
    assert_eq!(sums.compute()?, ndarray::arr1(&[2, 8, 14]).into_dyn());
    Ok(())
}
