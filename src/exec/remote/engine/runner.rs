//! A worker's part: bytes to kernels, blocks to bytes.

use std::sync::Arc;

use bytes::Bytes;

use crate::block::codec::{Encoded, decode_bytes};
use crate::block::{Block, BufferPool, Value};
use crate::error::{Error, Result};
use crate::exec::CancelToken;
use crate::exec::payload::{TaskRules, run_payload};
use crate::exec::remote::worker::{Inputs, Key, TaskRunner};
use crate::graph::wire::MAGIC;
use crate::kernels::Registry;

/// The part of a worker's memory that may be kept from finished blocks for new ones.
const POOLED_PART: u64 = 16;
/// What is kept where memory has no limit.
const USUAL_POOLED_BYTES: u64 = 256 << 20;

/// Runs tasks of this crate on blocks.
#[derive(Debug)]
pub(crate) struct BlockRunner {
    registry: Registry,
    buffers: BufferPool,
    limit_bytes: Option<u64>,
}

impl BlockRunner {
    /// Knows the kernels and formats of `registry`; a task that promises to take more than `limit_bytes` is refused.
    pub(crate) fn new(registry: Registry, limit_bytes: Option<u64>) -> Self {
        let pooled_bytes = limit_bytes.map_or(USUAL_POOLED_BYTES, |limit| limit / POOLED_PART);
        let buffers = BufferPool::new(usize::try_from(pooled_bytes).unwrap_or(usize::MAX));
        Self { registry, buffers, limit_bytes }
    }
}

impl TaskRunner for BlockRunner {
    type Value = Value;

    fn manifest(&self) -> Vec<String> {
        self.registry.manifest()
    }

    fn magic(&self) -> &[u8] {
        &MAGIC
    }

    fn run(&self, payload: &Bytes, inputs: &Inputs<Value>, cancel: &CancelToken) -> Result<Value> {
        if cancel.is_cancelled() {
            return Err(Error::cancelled("task"));
        }
        let rules = TaskRules { registry: &self.registry, pool: &self.buffers, limit_bytes: self.limit_bytes };
        run_payload(payload, |key| inputs.get(&Key::from(key)).cloned(), &rules)
    }

    fn n_bytes(&self, value: &Value) -> u64 {
        value.n_bytes()
    }

    fn type_name(&self, value: &Value) -> Arc<str> {
        match value {
            Value::Block(block) => block_name(block).into(),
            Value::Parts(_) => "hyperslab.Parts".into(),
            Value::Placed => "hyperslab.Placed".into(),
        }
    }

    fn encode(&self, value: &Value) -> Result<Bytes> {
        Ok(Encoded::of(value)?.to_bytes().into())
    }

    fn decode(&self, content: Bytes) -> Result<Value> {
        decode_bytes(&content, &self.buffers)
    }
}

fn block_name(block: &Block) -> String {
    let layout = if block.is_sparse() { "Sparse" } else { "Dense" };
    format!("hyperslab.{layout}<{}>", block.dtype())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::array::Array;
    use crate::chunks::Chunks;
    use crate::graph::wire::RemotePlan;

    /// Runs the tasks of the plan of an array as a worker does; gives the value of the last one.
    fn run_on(runner: &BlockRunner, array: &Array<f64>) -> Result<Value> {
        let plan = array.plan()?;
        let mut values: BTreeMap<Key, Value> = BTreeMap::new();
        let mut last = None;
        for task in RemotePlan::new(&plan, &runner.registry)?.tasks() {
            let task = task?;
            let inputs = task.deps.iter().map(|dep| Key::from(dep.as_str()));
            let inputs = inputs.map(|key| (key.clone(), values[&key].clone())).collect();
            let value = runner.run(&task.payload.into(), &Inputs::new(inputs), &CancelToken::new())?;
            // Values travel between workers, and to disk and back.
            let value = runner.decode(runner.encode(&value)?)?;
            values.insert(Key::from(task.key.as_str()), value.clone());
            last = Some(value);
        }
        Ok(last.unwrap())
    }

    #[test]
    fn a_worker_runs_what_a_plan_says() {
        let runner = BlockRunner::new(Registry::new(), Some(1 << 30));
        let sum = Array::<f64>::arange(0.0, 8.0, 1.0, Chunks::size(3)).unwrap().sum();
        let value = run_on(&runner, &sum).unwrap();
        assert_eq!(value.block().unwrap().dense::<f64>().unwrap().sum(), 28.0);
        assert_eq!((&*runner.type_name(&value), runner.n_bytes(&value)), ("hyperslab.Dense<float64>", 8));
    }

    #[test]
    fn what_memory_has_no_room_for_is_refused() {
        let runner = BlockRunner::new(Registry::new(), Some(1 << 20));
        let large = Array::<f64>::ones([1 << 20], Chunks::size(1 << 20)).unwrap();
        let error = run_on(&runner, &large).unwrap_err();
        assert!(error.is_memory() && error.to_string().contains("smaller chunks"), "{error}");
        assert!(run_on(&runner, &Array::<f64>::ones([1 << 20], Chunks::size(1 << 10)).unwrap()).is_ok());
    }

    #[test]
    fn a_cancelled_task_does_not_start() {
        let runner = BlockRunner::new(Registry::new(), None);
        let cancel = CancelToken::new();
        cancel.cancel();
        let inputs = Inputs::new(BTreeMap::new());
        assert!(runner.run(&Bytes::from_static(b"HSTK"), &inputs, &cancel).unwrap_err().is_cancelled());
    }
}
