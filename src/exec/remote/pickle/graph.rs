//! The graph of tasks a scheduler is asked to run: the one thing it insists on having as a pickle.
//!
//! What is written stands for these calls, all of names that dask itself has:
//!
//! ```text
//! Expr._reconstruct(LLGExpr, {key: Task(key, identity, payload, TaskRef(input), ..), ..}, token, {})
//! ```
//!
//! The scheduler reads the keys and the references and never calls `identity`; the payload is what our workers run.
//! Calling the constructors does not depend on how their objects are laid out, which changes between releases.

use std::collections::HashMap;

use bytes::Bytes;

use super::write::PickleWriter;
use crate::error::Result;
use crate::exec::remote::wire::Value;

const TASKS: &str = "dask._task_spec";
const EXPRESSIONS: &str = "dask._expr";

/// Writes a graph task by task.
#[derive(Debug)]
pub(crate) struct GraphPickle {
    writer: PickleWriter,
    task: u32,
    reference: u32,
    identity: u32,
    /// Keys that were written before, so that each is one object in the scheduler's memory.
    keys: HashMap<Bytes, u32>,
}

impl GraphPickle {
    pub(crate) fn new() -> Self {
        let mut writer = PickleWriter::new();
        let mut preload = |name| {
            writer.name(TASKS, name);
            let index = writer.remember();
            writer.pop();
            index
        };
        let (task, reference, identity) = (preload("Task"), preload("TaskRef"), preload("identity"));
        writer.name(EXPRESSIONS, "Expr._reconstruct");
        writer.mark();
        writer.name(EXPRESSIONS, "LLGExpr");
        writer.empty_dict();
        writer.mark();
        Self { writer, task, reference, identity, keys: HashMap::new() }
    }

    /// Adds a task: its key, what our workers run, and the keys of its inputs, whose order only the payload knows.
    pub(crate) fn task(&mut self, key: &Value, payload: &[u8], inputs: &[Value]) -> Result<()> {
        self.key(key)?;
        self.writer.recall(self.task);
        self.writer.mark();
        self.key(key)?;
        self.writer.recall(self.identity);
        self.writer.bytes(payload);
        for input in inputs {
            self.writer.recall(self.reference);
            self.key(input)?;
            self.writer.tuple1();
            self.writer.call();
        }
        self.writer.tuple();
        self.writer.call();
        Ok(())
    }

    fn key(&mut self, key: &Value) -> Result<()> {
        let mut alone = PickleWriter::new();
        alone.value(key)?;
        let alone = alone.finish();
        if let Some(&index) = self.keys.get(&alone) {
            self.writer.recall(index);
            return Ok(());
        }
        self.writer.value(key)?;
        let index = self.writer.remember();
        self.keys.insert(alone, index);
        Ok(())
    }

    /// The pickle; `token` is any text that no other graph has.
    pub(crate) fn finish(mut self, token: &str) -> Bytes {
        self.writer.set_items();
        self.writer.text(token);
        self.writer.empty_dict();
        self.writer.tuple();
        self.writer.call();
        self.writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Node, PickleLimits, read_pickle};
    use super::*;

    fn sample() -> Bytes {
        let mut graph = GraphPickle::new();
        let leaf = |i: i64| Value::Array(vec!["leaf".into(), Value::Int(i)]);
        graph.task(&leaf(0), b"PAY0", &[]).unwrap();
        graph.task(&leaf(1), b"PAY1", &[]).unwrap();
        graph.task(&"sum".into(), b"PAY2", &[leaf(0), leaf(1), leaf(0)]).unwrap();
        graph.finish("0123")
    }

    #[test]
    fn a_graph_reads_back() {
        let tree = read_pickle(&sample(), &[], &PickleLimits::default()).unwrap();
        let Node::Object { callable, arguments, .. } = tree.node(tree.root()) else { panic!() };
        assert_eq!(tree.name(*callable).unwrap().1, "Expr._reconstruct");
        let arguments = tree.items(*arguments).unwrap();
        let Node::Dict(tasks) = tree.node(arguments[1]) else { panic!() };
        assert_eq!(tasks.len(), 3);
        assert_eq!(tree.text(arguments[2]).unwrap(), "0123");
        let payloads: Vec<_> = tree.bytes_with(b"PAY").collect();
        assert_eq!(payloads, ["PAY0", "PAY1", "PAY2"]);
        assert_eq!(tree.describe(tasks[0].0), "(\"leaf\", 0)");
        assert_eq!(tree.describe(tasks[2].1), "<Task>");
    }

    #[test]
    fn keys_are_written_once() {
        let pickle = sample();
        let times = pickle.windows(4).filter(|window| window == b"leaf").count();
        assert_eq!(times, 2);
    }

    #[test]
    fn python_finds_tasks_in_it() {
        let script = "
import sys, pickle
graph = pickle.load(sys.stdin.buffer).__dask_graph__()
for key, task in graph.items():
    print(type(task).__name__, key, task.args[0], sorted(task.dependencies))
";
        let Some(said) = super::super::testing::python_says(script, &sample()) else { return };
        let expected =
            "Task ('leaf', 0) b'PAY0' []\nTask ('leaf', 1) b'PAY1' []\nTask sum b'PAY2' [('leaf', 0), ('leaf', 1)]\n";
        assert_eq!(said, expected);
    }
}
