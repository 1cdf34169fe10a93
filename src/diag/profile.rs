//! Which operations take the time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::units::{bytes_text, duration_text};
use crate::exec::{Observer, RunFinish, RunStart, TaskFinish};

/// What the tasks of one operation took, over all runs that were watched.
/// [`Profile::ops`] gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpStats {
    /// Tasks that have ended.
    pub n_tasks: u64,
    /// Tasks among them that failed.
    pub n_failed: u64,
    /// The sum of their times.
    pub total_ns: u64,
    /// The longest of their times.
    pub longest_ns: u64,
    /// The bytes of their results.
    pub result_bytes: u64,
}

/// Adds up, operation by operation, what the tasks of the runs that it watches take.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use hyperslab::diag::Profile;
/// use hyperslab::exec::Runtime;
/// let profile = Arc::new(Profile::new());
/// Runtime::local().observer(profile.clone()).enter(|| {
///     // What is computed here is profiled.
/// });
/// println!("{}", profile.report());
/// ```
#[derive(Debug, Default)]
pub struct Profile(Mutex<Totals>);

#[derive(Debug, Default)]
struct Totals {
    ops: HashMap<String, OpStats>,
    n_runs: u64,
    n_failed_runs: u64,
    wall_ns: u64,
    n_threads: usize,
    limit_bytes: u64,
    peak_bytes: u64,
    over_budget_starts: u64,
}

impl Profile {
    /// A profile that has seen nothing yet.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::diag::Profile;
    /// assert_eq!(Profile::new().n_tasks(), 0);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Tasks that have ended.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use hyperslab::diag::Profile;
    /// use hyperslab::prelude::*;
    /// let profile = Arc::new(Profile::new());
    /// let x = Array::from_fn([6], Chunks::size(2), |at: &[u64]| at[0])?;
    /// Runtime::local().observer(profile.clone()).enter(|| x.compute())?;
    /// assert_eq!(profile.n_tasks(), 3);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn n_tasks(&self) -> u64 {
        self.lock().ops.values().map(|op| op.n_tasks).sum()
    }

    /// The operations with what they took, the one with the largest total first.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use hyperslab::diag::Profile;
    /// use hyperslab::prelude::*;
    /// let profile = Arc::new(Profile::new());
    /// let x = Array::from_fn([6], Chunks::size(2), |at: &[u64]| at[0])?;
    /// Runtime::local().observer(profile.clone()).enter(|| x.compute())?;
    /// let (name, stats) = &profile.ops()[0];
    /// assert_eq!((name.as_str(), stats.n_tasks, stats.result_bytes), ("from_block_fn", 3, 48));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn ops(&self) -> Vec<(String, OpStats)> {
        let mut ops: Vec<_> = self.lock().ops.iter().map(|(name, &op)| (name.clone(), op)).collect();
        ops.sort_by(|a, b| b.1.total_ns.cmp(&a.1.total_ns).then_with(|| a.0.cmp(&b.0)));
        ops
    }

    /// The largest sum of reserved bytes in any run.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use hyperslab::diag::Profile;
    /// use hyperslab::prelude::*;
    /// let profile = Arc::new(Profile::new());
    /// let x = Array::from_fn([6], Chunks::size(2), |at: &[u64]| at[0])?;
    /// Runtime::local().memory(1 << 20).observer(profile.clone()).enter(|| x.sum().scalar())?;
    /// assert!((16..=1 << 20).contains(&profile.peak_bytes()));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn peak_bytes(&self) -> u64 {
        self.lock().peak_bytes
    }

    /// Tasks that were started beyond the memory budget because nothing else could go on.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use hyperslab::diag::Profile;
    /// use hyperslab::prelude::*;
    /// let profile = Arc::new(Profile::new());
    /// let x = Array::from_fn([6], Chunks::size(2), |at: &[u64]| at[0])?;
    /// Runtime::local().memory(1).observer(profile.clone()).enter(|| x.sum().scalar())?;
    /// assert!(profile.over_budget_starts() > 0);                  // no block fits into one byte
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn over_budget_starts(&self) -> u64 {
        self.lock().over_budget_starts
    }

    /// A table of all operations and a line about the runs.
    ///
    /// ```text
    /// operation  tasks    total     mean  longest   results  share
    /// zarr         200   120 ms   600 us  2.10 ms   890 MiB    75%
    /// sum           25  40.0 ms  1.60 ms  3.00 ms  1.20 KiB    25%
    /// 1 run, 90.0 ms on 2 threads (89% busy); peak 24.0 MiB of 4.00 GiB, 0 starts over the budget
    /// ```
    pub fn report(&self) -> String {
        let ops = self.ops();
        let busy_ns: u64 = ops.iter().map(|(_, op)| op.total_ns).sum();
        let mut rows = vec![["operation", "tasks", "total", "mean", "longest", "results", "share"].map(String::from)];
        rows.extend(ops.iter().map(|(name, op)| row(name, op, busy_ns)));
        format!("{}{}\n", table(&rows), self.lock().summary(busy_ns))
    }

    fn lock(&self) -> MutexGuard<'_, Totals> {
        // Sums are sums: a panic between two additions leaves them a little short.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Totals {
    fn summary(&self, busy_ns: u64) -> String {
        let (n_runs, plural) = (self.n_runs, if self.n_runs == 1 { "" } else { "s" });
        let (wall, n_threads) = (duration_text(self.wall_ns), self.n_threads);
        let busy = percent(busy_ns, self.wall_ns.saturating_mul(n_threads as u64));
        let (peak, limit) = (bytes_text(self.peak_bytes), bytes_text(self.limit_bytes));
        let failed = if self.n_failed_runs > 0 { format!(", {} failed", self.n_failed_runs) } else { String::new() };
        let over = self.over_budget_starts;
        format!(
            "{n_runs} run{plural}{failed}, {wall} on {n_threads} threads ({busy} busy); \
             peak {peak} of {limit}, {over} starts over the budget"
        )
    }
}

fn row(name: &str, op: &OpStats, busy_ns: u64) -> [String; 7] {
    let failed = if op.n_failed > 0 { format!(" ({} failed)", op.n_failed) } else { String::new() };
    [
        format!("{name}{failed}"),
        op.n_tasks.to_string(),
        duration_text(op.total_ns),
        duration_text(op.total_ns / op.n_tasks.max(1)),
        duration_text(op.longest_ns),
        bytes_text(op.result_bytes),
        percent(op.total_ns, busy_ns),
    ]
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.0}%", 100.0 * part as f64 / whole.max(1) as f64)
}

/// Rows with aligned columns: the first to the left, the others to the right.
fn table(rows: &[[String; 7]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        text += &format!("{:<1$}", row[0], widths[0]);
        for (cell, width) in row.iter().zip(widths).skip(1) {
            text += &format!("  {cell:>width$}");
        }
        text.push('\n');
    }
    text
}

impl Observer for Profile {
    fn run_started(&self, run: &RunStart) {
        let mut totals = self.lock();
        totals.n_runs += 1;
        totals.n_threads = totals.n_threads.max(run.n_threads);
        totals.limit_bytes = totals.limit_bytes.max(run.limit_bytes);
    }

    fn task_finished(&self, task: &TaskFinish<'_>) {
        let mut totals = self.lock();
        // Only the first task of an operation pays for a copy of its name.
        if !totals.ops.contains_key(task.op) {
            totals.ops.insert(task.op.to_owned(), OpStats::default());
        }
        let Some(op) = totals.ops.get_mut(task.op) else { return };
        op.n_tasks += 1;
        op.n_failed += u64::from(task.failed);
        op.total_ns += task.duration_ns;
        op.longest_ns = op.longest_ns.max(task.duration_ns);
        op.result_bytes += task.result_bytes;
    }

    fn run_finished(&self, run: &RunFinish<'_>) {
        let mut totals = self.lock();
        totals.wall_ns += run.duration_ns;
        totals.n_failed_runs += u64::from(run.error.is_some());
        totals.peak_bytes = totals.peak_bytes.max(run.report.peak_bytes);
        totals.over_budget_starts += run.report.over_budget_starts;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::testing::{Events, Sum};
    use super::*;

    #[test]
    fn the_table_is_aligned_and_sorted_by_time() {
        let profile = Profile::new();
        let mut events = Events::start(&profile, Some(3));
        events.task("add", 3_000_000, 1_000_000, 1 << 20);
        events.task("tensordot", 9_000_000, 5_000_000, 3 << 20);
        events.task("add", 9_500_000, 3_000_000, 1 << 20);
        events.finish(10_000_000, None);
        let expected = "\
operation  tasks    total     mean  longest   results  share
tensordot      1  5.00 ms  5.00 ms  5.00 ms  3.00 MiB    56%
add            2  4.00 ms  2.00 ms  3.00 ms  2.00 MiB    44%
1 run, 10.0 ms on 2 threads (45% busy); peak 3.00 MiB of 4.00 GiB, 1 starts over the budget
";
        assert_eq!(profile.report(), expected);
        assert_eq!((profile.n_tasks(), profile.over_budget_starts()), (3, 1));
    }

    #[test]
    fn real_runs_and_failures_are_counted() {
        let profile = Arc::new(Profile::new());
        Sum { n: 10, fails: None }.watched_by(profile.clone()).unwrap();
        let ops: std::collections::HashMap<_, _> = profile.ops().into_iter().collect();
        assert_eq!((ops["number"].n_tasks, ops["number"].result_bytes, ops["sum \"all\""].n_tasks), (10, 80, 1));
        assert!(profile.peak_bytes() >= 80);
        assert!(Sum { n: 10, fails: Some(4) }.watched_by(profile.clone()).is_err());
        let report = profile.report();
        assert!(report.contains("number (1 failed)") && report.contains("2 runs, 1 failed"), "{report}");
    }
}
