//! Runs beyond their memory budget, with results laid aside on disk.

use std::sync::{Arc, Mutex};

use hyperslab::array::where_;
use hyperslab::exec::{Observer, RunFinish, RunReport};
use hyperslab::prelude::*;

/// Keeps the report of the last run.
#[derive(Debug, Default)]
struct LastReport(Mutex<RunReport>);

impl Observer for LastReport {
    fn run_finished(&self, run: &RunFinish<'_>) {
        *self.0.lock().unwrap() = *run.report;
    }
}

/// Runs something within 2 MiB, with and without a disk: the answers, and the report of the run with a disk.
fn both_ways(work: impl Fn() -> Result<Vec<u64>>) -> (Vec<u64>, Vec<u64>, RunReport) {
    let folder = tempfile::tempdir().unwrap();
    let report = Arc::new(LastReport::default());
    let small = Runtime::local().threads(2).memory(2 << 20).observer(report.clone());
    let without = small.enter(&work).unwrap();
    let with = small.spill_to(folder.path(), 1 << 30).enter(&work).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let report = *report.0.lock().unwrap();
    (without, with, report)
}

fn bits(values: &ndarray::ArrayD<f64>) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// 8 MB that are expensive to make: a function of the user's is run once.
fn noise() -> Result<Array<f64>> {
    Array::<f64>::arange(0.0, 1e6, 1.0, Chunks::size(20_000))?
        .map_blocks(|b| Ok(b.dense()?.mapv(|x| (x * 12.9898).sin() * 43758.5453 % 1.0).into()))
}

#[test]
fn a_mean_taken_off_its_own_data() {
    let (without, with, report) = both_ways(|| {
        let x = noise()?;
        Ok(bits(&(&x - x.mean()).absolute().max().compute()?))
    });
    assert_eq!(without, with);
    assert!(report.spilled_bytes > 4 << 20, "{report:?}");
    assert_eq!(report.over_budget_starts, 0, "{report:?}");
    assert!(report.peak_bytes <= 2 << 20, "{report:?}");
}

#[test]
fn sparse_blocks_come_back_as_they_were() {
    let (without, with, report) = both_ways(|| {
        let x = noise()?;
        let sparse = where_(&x.gt(0.5)?, &x, 0.0)?.to_sparse();
        Ok(bits(&(&sparse / sparse.sum()).sum().compute()?))
    });
    assert_eq!(without, with);
    assert!(report.spilled_bytes > 0, "{report:?}");
}
