//! What runs allocate: nothing that fusion makes needless, never more than the budget, and not the same again and again.
//!
//! # Safety
//! The counting allocator hands every call on to the system's, with the arguments it was given, and returns what that
//! returns; it only adds up sizes.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};

use hyperslab::exec::RunReport;
use hyperslab::prelude::*;

/// The system's allocator, with counts of what it gives.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static TOTAL: AtomicUsize = AtomicUsize::new(0);
static LARGEST: AtomicUsize = AtomicUsize::new(0);
static N_LARGE: AtomicUsize = AtomicUsize::new(0);

/// Allocations of at least this many bytes count as blocks.
const LARGE_BYTES: usize = 64 << 10;

fn count(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(live, Relaxed);
    TOTAL.fetch_add(bytes, Relaxed);
    LARGEST.fetch_max(bytes, Relaxed);
    N_LARGE.fetch_add(usize::from(bytes >= LARGE_BYTES), Relaxed);
}

// SAFETY: every method hands its arguments on to `System` and returns its answer.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: `ptr` came from `System` by one of the other methods.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a piece of work allocated.
#[derive(Debug)]
struct Measured {
    /// The largest sum of living bytes beyond those that lived before.
    peak_bytes: usize,
    total_bytes: usize,
    largest_bytes: usize,
    n_large: usize,
}

/// The counts are the process's: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn measured<R>(work: impl FnOnce() -> R) -> (R, Measured) {
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    [&TOTAL, &LARGEST, &N_LARGE].iter().for_each(|counter| counter.store(0, Relaxed));
    let result = work();
    let found = Measured {
        peak_bytes: PEAK.load(Relaxed) - before,
        total_bytes: TOTAL.load(Relaxed),
        largest_bytes: LARGEST.load(Relaxed),
        n_large: N_LARGE.load(Relaxed),
    };
    (result, found)
}

/// A runtime of two threads that have run something before.
fn warm(limit_bytes: u64) -> Runtime {
    let runtime = Runtime::local().threads(2).memory(limit_bytes);
    let x = Array::<f64>::arange(0.0, 64.0, 1.0, Chunks::size(2)).unwrap();
    runtime.enter(|| (&x * 2.0).sum().scalar()).unwrap();
    runtime
}

const BLOCK_ELEMS: u64 = 32 << 10;
const BLOCK_BYTES: usize = BLOCK_ELEMS as usize * 8;
const N_BLOCKS: u64 = 40;

/// Random looking numbers of both signs in memory, 40 blocks of 256 KiB.
fn in_memory() -> Array<f64> {
    let values = (0..N_BLOCKS * BLOCK_ELEMS).map(|i| ((i * 7919) % 1013) as f64 - 500.0);
    Array::from_vec(values.collect(), Chunks::size(BLOCK_ELEMS)).unwrap()
}

#[test]
fn a_sum_of_selected_elements_stores_neither_the_mask_nor_the_selection() {
    let _alone = alone();
    let x = in_memory();
    let runtime = warm(1 << 30);
    let (total, found) = measured(|| runtime.enter(|| x.mask(x.gt(0.0).unwrap()).unwrap().sum().scalar()).unwrap());
    let expected: f64 =
        (0..N_BLOCKS * BLOCK_ELEMS).map(|i| ((i * 7919) % 1013) as f64 - 500.0).filter(|&x| x > 0.0).sum();
    assert_eq!(total, expected);
    assert!(found.largest_bytes <= BLOCK_BYTES / 4, "{found:?}");
    assert!(found.total_bytes <= 4 * BLOCK_BYTES, "{found:?}");
}

#[test]
fn a_reduction_of_a_long_expression_stores_nothing_in_between() {
    let _alone = alone();
    let x = in_memory();
    let runtime = warm(1 << 30);
    let ((), found) = measured(|| {
        let y = ((&x + 1.0) * &x - 3.0).absolute().sqrt();
        runtime.enter(|| compute!(y.sum(), y.max(), y.mean())).unwrap();
    });
    assert!(found.largest_bytes <= BLOCK_BYTES / 4, "{found:?}");
    assert!(found.total_bytes <= 4 * BLOCK_BYTES, "{found:?}");
}

#[test]
fn a_centred_array_is_never_stored() {
    let _alone = alone();
    let x = in_memory().reshape([40, -1]).unwrap();
    let runtime = warm(1 << 30);
    let (_, found) = measured(|| runtime.enter(|| (&x - x.mean()).square().sum().scalar()).unwrap());
    assert!(found.largest_bytes <= BLOCK_BYTES / 4, "{found:?}");
}

/// A matrix of 32 MiB that is made block by block, in 64 blocks of 512 KiB.
fn generated() -> Array<f64> {
    Array::<f64>::arange(0.0, (1u64 << 22) as f64, 1.0, Chunks::size(1 << 16)).unwrap().reshape([2048, 2048]).unwrap()
}

#[test]
fn work_far_larger_than_the_budget_stays_within_it() {
    let _alone = alone();
    const BUDGET_BYTES: u64 = 6 << 20;
    let rows = generated();
    let tiles = (&rows * 0.5 + 1.0).rechunk([128, 512]).unwrap();
    let held = Array::from_ndarray(rows.compute().unwrap(), [32, 2048]).unwrap();
    let columns = held.rechunk([2048, 32]).unwrap() + 1.0;
    let results = [
        ("sums of tiles", tiles.sum_axis(0).unwrap().sum()),
        ("spread of tiles", tiles.var_axis(1).unwrap().max()),
        ("spread of what is held", (&held - held.mean()).square().sum_axis(1).unwrap().max()),
        ("sums of turned rows", (rows.transpose() + 1.0).sqrt().sum_axis(0).unwrap().max()),
        ("columns of what is held", (&columns - columns.mean_axis(0).unwrap()).max_axis(0).unwrap().sum()),
        ("running totals", tiles.sum_axis(1).unwrap().cumsum(0).unwrap().max()),
    ];
    for (what, result) in results {
        let runtime = warm(BUDGET_BYTES);
        let (_, found) = measured(|| runtime.enter(|| result.scalar()).unwrap());
        assert!(
            found.peak_bytes as u64 <= BUDGET_BYTES + (1 << 20),
            "{what}: {found:?}\n{}",
            result.explain().unwrap()
        );
        assert_eq!(runtime.budget().used_bytes(), 0);
    }
}

#[test]
fn memory_of_finished_blocks_is_used_again() {
    let _alone = alone();
    let x = generated().rechunk([64, 1024]).unwrap();
    let runtime = warm(256 << 20);
    let (_, found) = measured(|| runtime.enter(|| x.sum_axis(0).unwrap().sum().scalar()).unwrap());
    // 64 generated blocks and as many rechunked ones would be 128 allocations.
    assert!(found.n_large <= 64, "{found:?}");
}

#[test]
fn a_run_that_ends_early_keeps_no_memory() {
    use std::sync::Arc;

    use hyperslab::exec::{CancelToken, Observer, TaskFinish};

    /// Cancels the run when fifty tasks have ended.
    struct Canceller(AtomicUsize, CancelToken);
    impl Observer for Canceller {
        fn task_finished(&self, _: &TaskFinish<'_>) {
            if self.0.fetch_add(1, Relaxed) == 50 {
                self.1.cancel();
            }
        }
    }
    let _alone = alone();
    let good = generated();
    let bad = good.map_blocks(|block| match block.location().number() {
        40 => Err(Array::<f64>::zeros([-1], 1).unwrap_err()),
        _ => Ok(block.dense()?.to_owned().into()),
    });
    let bad = bad.unwrap();
    for driver in [Runtime::serial, |runtime: Runtime| runtime.threads(1), |runtime: Runtime| runtime.threads(3)] {
        for (x, is_cancelled) in [(&good, true), (&bad, false)] {
            let before = LIVE.load(Relaxed);
            let runtime = driver(Runtime::local().memory(16 << 20));
            let token = CancelToken::new();
            let watched = runtime.observer(Arc::new(Canceller(0.into(), token.clone())));
            let runtime = if is_cancelled { watched.cancel_token(token) } else { watched };
            let (error, found) = measured(|| runtime.enter(|| (x.transpose().rechunk([64, 256])? + 1.0).compute()));
            assert_eq!(error.map_err(|error| error.is_cancelled()), Err(is_cancelled));
            assert!(found.peak_bytes > 32 << 20, "the result was begun: {found:?}");
            assert_eq!(runtime.budget().used_bytes(), 0);
            drop(runtime);
            let kept_bytes = LIVE.load(Relaxed).saturating_sub(before);
            assert!(kept_bytes < LARGE_BYTES, "{kept_bytes} bytes are still there");
        }
    }
}

#[test]
fn what_a_run_reports_is_what_it_took() {
    use std::sync::Arc;
    #[derive(Default)]
    struct Last(Mutex<Option<RunReport>>);
    impl hyperslab::exec::Observer for Last {
        fn run_finished(&self, run: &hyperslab::exec::RunFinish<'_>) {
            *self.0.lock().unwrap() = Some(*run.report);
        }
    }
    let _alone = alone();
    let last = Arc::new(Last::default());
    let runtime = warm(8 << 20).observer(last.clone());
    let x = generated().rechunk([128, 512]).unwrap() + 1.0;
    runtime.enter(|| x.sum_axis(0).unwrap().sum().scalar()).unwrap();
    let report = last.0.lock().unwrap().expect("the run has ended");
    assert!(report.peak_bytes <= 8 << 20, "{report:?}");
    assert_eq!((report.over_budget_starts, report.low_bounds), (0, 0), "{report:?}");
}
