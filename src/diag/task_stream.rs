//! What each thread did when.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::exec::{Observer, RunId, TaskFinish};
use crate::graph::TaskId;

/// The most tasks that are recorded unless told otherwise: about 50 bytes each.
const MAX_TASKS: usize = 1 << 20;

/// Records when each task ran and on which thread, to be looked at in a trace viewer.
///
/// The file is Chrome's trace format: open it in `chrome://tracing` or <https://ui.perfetto.dev>. A run is shown as a process
/// with its threads below it, and every run starts at zero.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use hyperslab::diag::TaskStream;
/// use hyperslab::exec::Runtime;
/// let stream = Arc::new(TaskStream::new());
/// Runtime::local().observer(stream.clone()).enter(|| {
///     // What is computed here is recorded.
/// });
/// let mut text = Vec::new();
/// stream.write_to(&mut text).expect("memory takes everything");
/// assert_eq!(text, b"{\"traceEvents\":[\n]}\n");
/// ```
#[derive(Debug)]
pub struct TaskStream {
    max_tasks: usize,
    record: Mutex<Record>,
}

#[derive(Debug, Default)]
struct Record {
    /// Names of operations, and the number of each.
    ops: Vec<String>,
    numbers: HashMap<String, u32>,
    tasks: Vec<Span>,
    n_dropped: u64,
}

/// One task.
#[derive(Clone, Copy, Debug)]
struct Span {
    run: RunId,
    task: TaskId,
    op: u32,
    thread: u32,
    start_ns: u64,
    duration_ns: u64,
    result_bytes: u64,
}

impl Default for TaskStream {
    fn default() -> Self {
        Self { max_tasks: MAX_TASKS, record: Mutex::default() }
    }
}

impl TaskStream {
    /// An empty record with room for a million tasks.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::diag::TaskStream;
    /// assert_eq!(TaskStream::new().n_tasks(), 0);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Records at most `max_tasks` tasks; later ones are counted only.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use hyperslab::diag::TaskStream;
    /// use hyperslab::prelude::*;
    /// let stream = Arc::new(TaskStream::new().with_max_tasks(2));
    /// let x = Array::from_fn([6], Chunks::size(2), |at: &[u64]| at[0])?;
    /// Runtime::local().observer(stream.clone()).enter(|| x.compute())?;
    /// assert_eq!((stream.n_tasks(), stream.n_dropped()), (2, 1));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn with_max_tasks(mut self, max_tasks: usize) -> Self {
        self.max_tasks = max_tasks;
        self
    }

    /// Tasks that are recorded.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use hyperslab::diag::TaskStream;
    /// use hyperslab::prelude::*;
    /// let stream = Arc::new(TaskStream::new());
    /// let x = Array::from_fn([6], Chunks::size(2), |at: &[u64]| at[0])?;
    /// Runtime::local().observer(stream.clone()).enter(|| x.compute())?;
    /// assert_eq!(stream.n_tasks(), 3);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn n_tasks(&self) -> usize {
        self.lock().tasks.len()
    }

    /// Tasks that came when the record was full.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::diag::TaskStream;
    /// assert_eq!(TaskStream::new().n_dropped(), 0);
    /// ```
    pub fn n_dropped(&self) -> u64 {
        self.lock().n_dropped
    }

    /// Writes the record as Chrome trace JSON.
    ///
    /// # Errors
    /// The writer fails.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::diag::TaskStream;
    /// let mut text = Vec::new();
    /// TaskStream::new().write_to(&mut text).expect("memory takes everything");
    /// assert!(text.starts_with(b"{\"traceEvents\":["));
    /// ```
    pub fn write_to(&self, mut out: impl Write) -> io::Result<()> {
        let record = self.lock();
        out.write_all(b"{\"traceEvents\":[\n")?;
        for (i, span) in record.tasks.iter().enumerate() {
            let comma = if i == 0 { "" } else { ",\n" };
            write!(out, "{comma}{}", span.to_json(&record.ops[span.op as usize]))?;
        }
        out.write_all(if record.tasks.is_empty() { b"]}\n" } else { b"\n]}\n" })?;
        out.flush()
    }

    /// Writes the record to a file.
    ///
    /// # Errors
    /// The file cannot be written.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::diag::TaskStream;
    /// let dir = tempfile::tempdir().expect("a folder");
    /// TaskStream::new().save(dir.path().join("trace.json"))?;
    /// assert!(TaskStream::new().save(dir.path().join("no folder/trace.json")).is_err());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let write = || self.write_to(BufWriter::new(File::create(path)?));
        write().map_err(|error| Error::io("task_stream", path, error))
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        // A task is recorded by one push at the end; a panic before it leaves a complete record.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn number_of(&mut self, op: &str) -> u32 {
        if let Some(&number) = self.numbers.get(op) {
            return number;
        }
        let number = self.ops.len() as u32;
        self.ops.push(op.to_owned());
        self.numbers.insert(op.to_owned(), number);
        number
    }
}

impl Span {
    /// The task as one complete event.
    fn to_json(self, op: &str) -> String {
        let Span { run, task, thread, result_bytes, .. } = self;
        let (name, start, duration) = (escaped(op), micros(self.start_ns), micros(self.duration_ns));
        let what = format!("\"name\":\"{name}\",\"cat\":\"task\",\"ph\":\"X\"");
        let when = format!("\"pid\":{run},\"tid\":{thread},\"ts\":{start},\"dur\":{duration}");
        let args = format!("\"task\":\"{task:?}\",\"bytes\":{result_bytes}");
        format!("{{{what},{when},\"args\":{{{args}}}}}")
    }
}

/// Nanoseconds as microseconds, the unit of the format.
fn micros(n_ns: u64) -> String {
    format!("{}.{:03}", n_ns / 1000, n_ns % 1000)
}

/// The inside of a JSON string. Names may hold anything that a user chose.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out += &format!("\\u{:04x}", c as u32),
            c => out.push(c),
        }
    }
    out
}

impl Observer for TaskStream {
    fn task_finished(&self, task: &TaskFinish<'_>) {
        let mut record = self.lock();
        if record.tasks.len() >= self.max_tasks {
            record.n_dropped += 1;
            return;
        }
        let op = record.number_of(task.op);
        record.tasks.push(Span {
            run: task.run,
            task: task.task,
            op,
            thread: task.thread as u32,
            start_ns: task.start_ns,
            duration_ns: task.duration_ns,
            result_bytes: task.result_bytes,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::testing::{Events, Sum};
    use super::*;

    fn parsed(stream: &TaskStream) -> Vec<serde_json::Value> {
        let mut text = Vec::new();
        stream.write_to(&mut text).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
        value["traceEvents"].as_array().unwrap().clone()
    }

    #[test]
    fn times_are_microseconds_and_names_are_escaped() {
        let stream = TaskStream::new().with_max_tasks(1);
        let mut events = Events::start(&stream, None);
        events.task("my \"op\"\n\\", 5_500, 1_250, 64);
        events.task("more", 6_000, 10, 0);
        events.finish(7_000, None);
        assert_eq!((stream.n_tasks(), stream.n_dropped()), (1, 1));
        let event = &parsed(&stream)[0];
        assert_eq!((event["ts"].as_f64(), event["dur"].as_f64()), (Some(4.25), Some(1.25)));
        assert_eq!((event["name"].as_str(), event["tid"].as_u64()), (Some("my \"op\"\n\\"), Some(1)));
        assert_eq!((event["args"]["task"].as_str(), event["args"]["bytes"].as_u64()), (Some("3.0"), Some(64)));
    }

    #[test]
    fn every_task_of_a_run_is_in_the_file() {
        let stream = Arc::new(TaskStream::new());
        Sum { n: 100, fails: None }.watched_by(stream.clone()).unwrap();
        let events = parsed(&stream);
        assert_eq!(events.len(), 101);
        assert!(events.iter().all(|event| event["tid"].as_u64().unwrap() < 2));
        let dir = tempfile::tempdir().unwrap();
        stream.save(dir.path().join("trace.json")).unwrap();
        assert!(stream.save(dir.path()).unwrap_err().to_string().starts_with("task_stream: "));
    }
}
