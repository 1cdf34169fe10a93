//! How far a run is and when it will end.

use std::collections::HashMap;
use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::units::duration_text;
use crate::exec::{Observer, RunFinish, RunId, RunStart, Runtime, TaskFinish};

/// Runs that end sooner are not shown.
const MIN_SHOWN_NS: u64 = 250_000_000;
/// A line is printed for each of so many parts of a run.
const N_LINES: u64 = 10;

/// Shows how many tasks are done, how fast they go and when the run will end.
///
/// On a terminal each run that takes longer than a quarter of a second has a bar on standard error; elsewhere nothing is
/// shown, unless [`Progress::lines`] is asked for.
///
/// # Examples
/// ```
/// use hyperslab::exec::Runtime;
/// let runtime = Runtime::local().progress();
/// ```
pub struct Progress {
    runs: Mutex<HashMap<RunId, Run>>,
    output: Output,
}

enum Output {
    Bars(MultiProgress),
    Lines(Mutex<Box<dyn Write + Send>>),
}

/// A run that is going on.
struct Run {
    n_tasks: Option<u64>,
    n_done: u64,
    /// The bar, as soon as the run takes long enough to be shown.
    bar: Option<ProgressBar>,
    n_lines: u64,
}

impl Default for Progress {
    fn default() -> Self {
        Self { runs: Mutex::default(), output: Output::Bars(MultiProgress::new()) }
    }
}

impl Progress {
    /// Bars on standard error if that is a terminal, nothing otherwise.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use hyperslab::diag::Progress;
    /// use hyperslab::exec::Runtime;
    /// let runtime = Runtime::local().observer(Arc::new(Progress::new()));
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Lines of text, one for every tenth of a run, whatever `out` is.
    ///
    /// ```text
    /// 60 of 200 tasks (30%) in 1.20 s, about 2.80 s left
    /// ```
    pub fn lines(out: impl Write + Send + 'static) -> Self {
        Self { runs: Mutex::default(), output: Output::Lines(Mutex::new(Box::new(out))) }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Run>> {
        // A panic while drawing leaves counts that are right.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn print(&self, line: &str) {
        if let Output::Lines(out) = &self.output {
            let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
            // Nobody is told when progress cannot be shown: the run matters more.
            let _ = writeln!(out, "{line}").and_then(|()| out.flush());
        }
    }
}

impl Run {
    /// The line that is due after a task has ended at `now_ns`, if there is one.
    fn line(&mut self, now_ns: u64) -> Option<String> {
        let n_tasks = self.n_tasks.filter(|&n| n > 0)?;
        let n_lines = self.n_done.saturating_mul(N_LINES) / n_tasks;
        if n_lines <= self.n_lines || self.n_done >= n_tasks {
            return None;
        }
        self.n_lines = n_lines;
        let left_ns = now_ns as f64 / self.n_done as f64 * (n_tasks - self.n_done) as f64;
        let (done, percent) = (self.n_done, 100 * self.n_done / n_tasks);
        let (elapsed, left) = (duration_text(now_ns), duration_text(left_ns as u64));
        Some(format!("{done} of {n_tasks} tasks ({percent}%) in {elapsed}, about {left} left"))
    }

    fn draw(&mut self, bars: &MultiProgress, now_ns: u64) {
        let bar = self.bar.get_or_insert_with(|| {
            let bar = bars.add(self.n_tasks.map_or_else(ProgressBar::new_spinner, ProgressBar::new));
            bar.set_style(style(self.n_tasks.is_some()));
            bar.with_elapsed(Duration::from_nanos(now_ns))
        });
        bar.set_position(self.n_done);
    }
}

fn style(known_len: bool) -> ProgressStyle {
    let template = if known_len {
        "{bar:40} {pos}/{len} tasks, {per_sec}, {elapsed}, {eta} left {msg}"
    } else {
        "{spinner} {pos} tasks, {per_sec}, {elapsed} {msg}"
    };
    // The templates above are valid; the default style is as good as any other.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Observer for Progress {
    fn run_started(&self, run: &RunStart) {
        self.lock().insert(run.run, Run { n_tasks: run.n_tasks, n_done: 0, bar: None, n_lines: 0 });
    }

    fn task_finished(&self, task: &TaskFinish<'_>) {
        let now_ns = task.start_ns + task.duration_ns;
        let mut runs = self.lock();
        let Some(run) = runs.get_mut(&task.run) else { return };
        run.n_done += 1;
        if now_ns < MIN_SHOWN_NS {
            return;
        }
        match &self.output {
            Output::Bars(bars) => run.draw(bars, now_ns),
            Output::Lines(_) => {
                let line = run.line(now_ns);
                drop(runs);
                line.iter().for_each(|line| self.print(line));
            }
        }
    }

    fn run_finished(&self, finish: &RunFinish<'_>) {
        let Some(run) = self.lock().remove(&finish.run) else { return };
        let end = match finish.error {
            None => "done",
            Some(error) if error.is_cancelled() => "cancelled",
            Some(_) => "failed",
        };
        if let Some(bar) = &run.bar {
            bar.abandon_with_message(end);
        } else if finish.duration_ns >= MIN_SHOWN_NS {
            self.print(&format!("{end}: {} tasks in {}", run.n_done, duration_text(finish.duration_ns)));
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let output = match self.output {
            Output::Bars(_) => "bars",
            Output::Lines(_) => "lines",
        };
        write!(f, "Progress({output}, {} runs)", self.lock().len())
    }
}

impl Runtime {
    /// Shows the progress of runs on the terminal: see [`Progress`].
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::Runtime;
    /// let runtime = Runtime::local().progress();
    /// ```
    pub fn progress(self) -> Self {
        self.observer(Arc::new(Progress::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Events, Sum};
    use super::*;
    use crate::error::Error;

    /// A writer that others can look into.
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Page {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn one_line_for_each_tenth_and_one_at_the_end() {
        let page = Page::default();
        let progress = Progress::lines(page.clone());
        let mut events = Events::start(&progress, Some(200));
        (1..=200).for_each(|i| events.task("add", i * 20_000_000, 1, 8));
        events.finish(4_000_000_000, None);
        let text = page.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 10, "{text}");
        assert_eq!(lines[0], "20 of 200 tasks (10%) in 400 ms, about 3.60 s left");
        assert_eq!(lines[2], "60 of 200 tasks (30%) in 1.20 s, about 2.80 s left");
        assert_eq!(lines[9], "done: 200 tasks in 4.00 s");
    }

    #[test]
    fn short_runs_are_silent_and_failures_are_told() {
        let page = Page::default();
        let progress = Progress::lines(page.clone());
        let mut events = Events::start(&progress, Some(2));
        events.task("add", 1000, 1, 8);
        events.finish(2000, None);
        assert_eq!(page.text(), "");
        let mut events = Events::start(&progress, None);
        events.task("add", 300_000_000, 1, 8);
        events.finish(400_000_000, Some(&Error::value("add", "no")));
        let mut events = Events::start(&progress, Some(9));
        events.task("add", 1000, 1, 8);
        events.finish(400_000_000, Some(&Error::cancelled("run")));
        assert_eq!(page.text(), "failed: 1 tasks in 400 ms\ncancelled: 1 tasks in 400 ms\n");
        assert_eq!(format!("{progress:?}"), "Progress(lines, 0 runs)");
    }

    #[test]
    fn bars_follow_real_runs() {
        let progress = Arc::new(Progress::new());
        Sum { n: 50, fails: None }.watched_by(progress.clone()).unwrap();
        let mut events = Events::start(&*progress, Some(4));
        events.task("add", 300_000_000, 1, 8);
        events.task("add", 350_000_000, 1, 8);
        let bar = progress.lock().values().next().and_then(|run| run.bar.clone()).unwrap();
        assert_eq!((bar.position(), bar.length()), (2, Some(4)));
        events.finish(400_000_000, None);
        assert!(bar.is_finished() && progress.lock().is_empty());
    }
}
