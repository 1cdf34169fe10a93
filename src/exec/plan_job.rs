//! Running a plan of block tasks.

use std::sync::Arc;

use super::job::Job;
use super::output::Output;
use crate::block::codec::{Encoded, decode_bytes};
use crate::block::{BufferPool, Value};
use crate::error::Result;
use crate::graph::{Plan, TaskGraph, TaskId};
use crate::kernels::KernelContext;

/// A plan, where its results go, and the memory its blocks come from.
#[derive(Debug)]
pub(crate) struct PlanJob<'a> {
    plan: &'a Plan,
    outputs: Vec<Output<'a>>,
    pool: Arc<BufferPool>,
}

impl<'a> PlanJob<'a> {
    /// `outputs[i]` takes the blocks of output `i` of the plan.
    pub(crate) fn new(plan: &'a Plan, outputs: Vec<Output<'a>>, pool: Arc<BufferPool>) -> Self {
        Self { plan, outputs, pool }
    }

    pub(crate) fn plan(&self) -> &'a Plan {
        self.plan
    }

    /// Where results take their memory from.
    pub(crate) fn buffers(&self) -> &BufferPool {
        &self.pool
    }

    /// What the outputs have taken.
    pub(crate) fn into_outputs(self) -> Vec<Output<'a>> {
        self.outputs
    }

    /// Whether the whole run is so small that waking another thread costs more than it gains.
    pub(crate) fn is_small(&self) -> bool {
        const MAX_TASKS: u64 = 8;
        const MAX_TASK_BYTES: u64 = 128 << 10;
        self.plan.n_tasks() <= MAX_TASKS && self.plan.max_task_bytes() <= MAX_TASK_BYTES && self.plan.has_small_inputs()
    }

    fn output(&self, task: TaskId) -> Option<&Output<'a>> {
        let place = self.plan.outputs().iter().position(|&layer| layer == task.layer())?;
        self.outputs.get(place)
    }
}

impl TaskGraph for PlanJob<'_> {
    fn deps(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
        self.plan.deps(task, visit);
    }

    fn n_users(&self, task: TaskId) -> u64 {
        self.plan.n_users(task)
    }

    fn users(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
        self.plan.users(task, visit);
    }

    fn bytes(&self, task: TaskId) -> u64 {
        self.plan.bytes(task)
    }

    fn path_bytes(&self, task: TaskId) -> u64 {
        self.plan.path_bytes(task)
    }

    fn position(&self, task: TaskId) -> u64 {
        self.plan.position(task)
    }

    fn n_roots(&self) -> u64 {
        self.plan.n_roots()
    }

    fn root(&self, i: u64) -> TaskId {
        self.plan.root(i)
    }

    fn is_root(&self, task: TaskId) -> bool {
        self.plan.is_root(task)
    }
}

impl Job for PlanJob<'_> {
    type Value = Value;

    fn run(&self, task: TaskId, inputs: Vec<Value>) -> Result<Value> {
        let (kernel, inputs) = self.plan.call(task, inputs)?;
        let ctx = KernelContext::new(&self.pool);
        let is_last = self.plan.n_users(task) == 0;
        let destination = self.output(task).filter(|_| is_last).and_then(|output| output.destination(task.index()));
        kernel.run(inputs, &destination.map_or(ctx, |destination| ctx.with_destination(destination)))
    }

    fn value_bytes(&self, value: &Value) -> u64 {
        value.n_bytes()
    }

    fn deliver(&self, task: TaskId, value: Value) -> Result<()> {
        match self.output(task) {
            Some(output) => output.put(task.index(), value, &self.pool),
            None => Ok(()),
        }
    }

    fn recycle(&self, value: Value) {
        self.pool.give_value(value);
    }

    fn encode(&self, value: &Value) -> Result<Vec<u8>> {
        Ok(Encoded::of(value)?.to_bytes())
    }

    fn decode(&self, content: Vec<u8>) -> Result<Value> {
        decode_bytes(&content, &self.pool)
    }

    fn describe(&self, task: TaskId) -> (String, String) {
        (self.plan.layer(task).label.clone(), self.plan.block_text(task))
    }
}
