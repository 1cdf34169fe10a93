//! What long programs, failing functions, nested parallelism and many runs at a time may not break.

#![allow(clippy::reversed_empty_ranges)] // `s![1..-1]` counts from the end

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyperslab::prelude::*;
use rayon::prelude::*;

/// Operations of a long chain; without optimisation fewer, so that tests stay short.
const LONG: usize = if cfg!(debug_assertions) { 10_000 } else { 100_000 };

/// A recursion as deep as a chain is long would not fit.
fn on_a_small_stack<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    std::thread::Builder::new().stack_size(256 << 10).spawn(work).unwrap().join().unwrap()
}

/// The result of a chain of steps from 0..12 in a 3 by 4 matrix.
fn chain(step: impl Fn(Array<f64>, usize) -> Array<f64> + Send + 'static) -> ndarray::ArrayD<f64> {
    on_a_small_stack(move || {
        let start = Array::<f64>::arange(0.0, 12.0, 1.0, Chunks::size(4)).unwrap().reshape([3, 4]).unwrap();
        let end = (0..LONG).fold(start, step);
        end.compute().unwrap()
    })
}

fn first(matrix: &ndarray::ArrayD<f64>) -> (&[usize], f64) {
    (matrix.shape(), *matrix.iter().next().expect("the matrix has elements"))
}

#[test]
fn long_chains_of_elementwise_operations() {
    assert_eq!(first(&chain(|x, _| x + 1.0)), (&[3, 4][..], LONG as f64));
}

#[test]
fn long_chains_that_fuse_in_parts() {
    let found = chain(|x, i| if i % 2 == 0 { x.transpose() } else { x + 1.0 });
    assert_eq!(first(&found).1, (LONG / 2) as f64);
}

#[test]
fn long_chains_of_rechunks_below_a_slice() {
    let found = chain(|x, i| match i {
        i if i + 1 == LONG => x.slice(s![1.., 1..3]).unwrap(),
        i if i % 2 == 0 => x.rechunk(1 + i as u64 % 3).unwrap(),
        _ => x + 1.0,
    });
    assert_eq!(first(&found), (&[2, 2][..], 5.0 + (LONG / 2 - 1) as f64));
}

#[test]
fn long_chains_of_slices_meet_in_one() {
    let n = LONG as u64;
    let found = on_a_small_stack(move || {
        let start = Array::<f64>::arange(0.0, (2 * n + 3) as f64, 1.0, Chunks::whole()).unwrap();
        let end = (0..n).fold(start, |x, _| x.slice(s![1..-1]).unwrap() + 1.0);
        end.compute().unwrap()
    });
    assert_eq!(found, ndarray::arr1(&[0.0, 1.0, 2.0]).into_dyn() + 2.0 * n as f64);
}

#[test]
fn long_chains_of_assignments() {
    let found = chain(|mut x, i| {
        x.assign(s![(i % 3) as i32, ..], i as f64).unwrap();
        x
    });
    assert_eq!(found.sum(), 4.0 * ((LONG - 1) + (LONG - 2) + (LONG - 3)) as f64);
}

#[test]
fn long_chains_of_scans_and_reductions() {
    let found =
        chain(
            |x, i| if i % 2 == 0 { x.cumsum(1).unwrap() } else { &x - x.max_axis(1).unwrap().expand_dims(1).unwrap() },
        );
    assert!(found.iter().all(|x| x.is_finite() && *x <= 0.0));
}

#[test]
fn a_million_operations_are_dropped_one_by_one() {
    on_a_small_stack(|| {
        let mut x = Array::<f64>::zeros([3, 2], Chunks::size(2)).unwrap();
        let start = x.clone();
        for _ in 0..1_000_000 {
            x = x.transpose();
        }
        drop(x);
        assert_eq!(start.sum().scalar().unwrap(), 0.0);
    });
}

/// One runtime for each kind of driver, with little memory.
fn runtimes() -> Vec<Runtime> {
    let pools = [1, 2, 3, 8].map(|n| Runtime::local().threads(n).memory(4096));
    [vec![Runtime::local().serial().memory(4096)], pools.to_vec()].concat()
}

fn numbers(n: i64, size: u64) -> Array<i64> {
    Array::<i64>::arange(0, n, 1, Chunks::size(size)).unwrap()
}

#[test]
fn a_panic_of_a_function_becomes_an_error_that_names_the_place() {
    for runtime in runtimes() {
        let bad = Arc::new(AtomicU64::new(u64::MAX));
        let told = Arc::clone(&bad);
        let x = (numbers(60, 2) * 2)
            .map_blocks(move |block| {
                let number = block.location().number();
                assert!(number != told.load(Ordering::Relaxed), "block {number} was told to panic");
                Ok(block.dense()?.to_owned().into())
            })
            .unwrap();
        let total = (&x + 1).sum();
        for round in 0..60 {
            bad.store(round % 30, Ordering::Relaxed);
            let error = runtime.enter(|| total.scalar()).unwrap_err();
            let text = error.to_string();
            assert_eq!(error.op(), "map_blocks", "{text}");
            assert!(text.contains(&format!("block ({})", round % 30)), "{text}");
            assert!(text.contains(&format!("block {} was told to panic", round % 30)), "{text}");
            assert_eq!(error.family(), hyperslab::error::Family::Engine);
            assert_eq!(runtime.budget().used_bytes(), 0);
        }
        bad.store(u64::MAX, Ordering::Relaxed);
        assert_eq!(runtime.enter(|| total.scalar()).unwrap(), 60 * 59 + 60);
        assert_eq!(runtime.budget().used_bytes(), 0);
    }
}

#[test]
fn an_error_of_a_function_keeps_its_words_and_its_family() {
    for runtime in runtimes() {
        let x = numbers(40, 2)
            .map_blocks::<i64, _>(|block| match block.location().number() {
                7 => Err(numbers(2, 2).try_add(numbers(3, 3)).unwrap_err()),
                _ => Ok(block.dense()?.to_owned().into()),
            })
            .unwrap();
        let error = runtime.enter(|| x.sum().scalar()).unwrap_err();
        let text = error.to_string();
        assert!(error.is_usage() && text.contains("map_blocks") && text.contains("block (7)"), "{error:?}");
        assert!(text.contains("shapes (2) and (3) do not broadcast"), "{text}");
        assert_eq!(runtime.budget().used_bytes(), 0);
    }
}

#[test]
fn functions_may_be_parallel_themselves() {
    for runtime in runtimes() {
        for _ in 0..20 {
            let x = numbers(256, 8)
                .map_blocks(|block| {
                    let block = block.dense()?.to_owned();
                    let sum: i64 = block.as_slice().unwrap_or_default().par_iter().map(|&x| x * x).sum();
                    Ok(block.mapv(|_| sum).into())
                })
                .unwrap();
            let total = runtime.enter(|| x.sum().scalar()).unwrap();
            assert_eq!(total, 8 * (0..256i64).map(|x| x * x).sum::<i64>());
        }
        assert_eq!(runtime.budget().used_bytes(), 0);
    }
}

#[test]
fn functions_may_compute_arrays_themselves() {
    for runtime in runtimes() {
        let x = numbers(48, 3)
            .map_blocks(|block| {
                let own = Array::from_view(&block.dense()?, Chunks::size(1))?;
                Ok(((&own * &own).rechunk(2)? + own.sum()).compute()?.into())
            })
            .unwrap();
        let total = runtime.enter(|| x.sum().scalar()).unwrap();
        assert_eq!(total, (0..48i64).map(|x| x * x + 3 * x).sum::<i64>());
        assert_eq!(runtime.budget().used_bytes(), 0);
    }
}

#[test]
fn runs_of_many_threads_share_a_runtime() {
    for runtime in runtimes() {
        let failing = numbers(30, 3).map_blocks::<i64, _>(|block| match block.location().number() {
            5 => panic!("the fifth"),
            _ => Ok(block.dense()?.to_owned().into()),
        });
        let failing = failing.unwrap().sum();
        std::thread::scope(|scope| {
            for shift in 0..6i64 {
                let (runtime, failing) = (&runtime, &failing);
                scope.spawn(move || {
                    for _ in 0..10 {
                        let x = numbers(90, 4) + shift;
                        let found = runtime.enter(|| (&x * &x).rechunk(7).unwrap().sum().scalar()).unwrap();
                        assert_eq!(found, (0..90).map(|x| (x + shift) * (x + shift)).sum::<i64>());
                        assert!(runtime.enter(|| failing.scalar()).unwrap_err().to_string().contains("the fifth"));
                    }
                });
            }
        });
        assert_eq!(runtime.budget().used_bytes(), 0);
    }
}

#[test]
fn a_failed_run_of_several_results_returns_the_memory_of_all() {
    for runtime in runtimes() {
        let x = numbers(40, 2).persist().unwrap();
        let good = (&x + 1).rechunk(5).unwrap();
        let bad = x.map_blocks::<i64, _>(|block| match block.location().number() {
            19 => Err(Coo::<i64>::new(&[[9u64]], vec![1], [3]).unwrap_err()),
            _ => Ok(block.dense()?.to_owned().into()),
        });
        let bad = bad.unwrap();
        let error = runtime.enter(|| compute!(good, bad)).unwrap_err();
        assert!(error.to_string().contains("block (19)"), "{error}");
        assert_eq!(runtime.budget().used_bytes(), 0);
        assert_eq!(runtime.enter(|| good.sum().scalar()).unwrap(), 20 * 39 + 40);
    }
}
