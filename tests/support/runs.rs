//! Runtimes of every kind, and comparing what they compute.

use std::sync::OnceLock;

use hyperslab::element::Element;
use hyperslab::prelude::*;
use ndarray::ArrayD;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

/// The number of cases of a property, unless `PROPTEST_CASES` says otherwise.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(cases), failure_persistence: None, ..ProptestConfig::default() }
}

/// The caller's thread alone, pools of 1, 2, 3 and 8 threads, and the same with next to no memory. Threads are shared by
/// all tests; budgets and recycled memory belong to the test that asks.
pub(crate) fn runtimes() -> Vec<Runtime> {
    static POOLS: OnceLock<Vec<Runtime>> = OnceLock::new();
    thread_local!(static OWN: Vec<Runtime> = {
        let pools = POOLS.get_or_init(|| [1, 2, 3, 8].map(|n| Runtime::local().threads(n)).to_vec());
        let every = || std::iter::once(Runtime::local().serial()).chain(pools.iter().cloned());
        let roomy = every().map(|runtime| runtime.memory(1 << 30));
        let tight = every().zip([0, 200, 64, 1000, 500]).map(|(runtime, bytes)| runtime.memory(bytes));
        roomy.chain(tight).collect()
    });
    OWN.with(Clone::clone)
}

/// The number of one of the [`runtimes`].
pub(crate) fn any_run() -> impl Strategy<Value = usize> {
    0..10usize
}

/// The elements of a lazy array as one dense array; no memory stays reserved.
pub(crate) fn computed<T: Element>(run: usize, array: &Array<T>) -> Result<ArrayD<T>> {
    let runtime = &runtimes()[run];
    let result = runtime.enter(|| array.to_dense().compute());
    assert_eq!(runtime.budget().used_bytes(), 0, "{array}");
    result
}

/// Whether two values are equal; NaN equals NaN.
pub(crate) fn equal<T: Element>(a: T, b: T) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

/// Whether a lazy array has the shape and the elements of an eager one, before and after it runs.
pub(crate) fn check<T: Element>(run: usize, array: &Array<T>, expected: &ArrayD<T>) -> Result<(), TestCaseError> {
    let promised = array.shape().iter().zip(expected.shape()).all(|(a, &b)| a.known().is_none_or(|a| a == b as u64));
    prop_assert!(promised && array.ndim() == expected.ndim(), "{} promised for {:?}", array, expected.shape());
    let found = computed(run, array);
    prop_assert!(found.is_ok(), "{}: {}", array, found.unwrap_err());
    let found = found.unwrap();
    prop_assert_eq!(found.shape(), expected.shape());
    let same = found.iter().zip(expected).all(|(&a, &b)| equal(a, b));
    prop_assert!(same, "found\n{}\nexpected\n{}\nfrom {}\n{}", found, expected, array, array.explain().unwrap());
    Ok(())
}

/// Whether a lazy array of floats has the elements of an eager one within a relative tolerance.
pub(crate) fn check_close(
    run: usize,
    array: &Array<f64>,
    expected: &ArrayD<f64>,
    tolerance: f64,
) -> Result<(), TestCaseError> {
    let found = computed(run, array);
    prop_assert!(found.is_ok(), "{}: {}", array, found.unwrap_err());
    let found = found.unwrap();
    prop_assert_eq!(found.shape(), expected.shape());
    let close = |a: f64, b: f64| equal(a, b) || (a - b).abs() <= tolerance * b.abs().max(1.0);
    let same = found.iter().zip(expected).all(|(&a, &b)| close(a, b));
    prop_assert!(same, "found\n{}\nexpected\n{}\nfrom {}", found, expected, array);
    Ok(())
}
