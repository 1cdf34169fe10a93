//! Plans with an explicit list of tasks, for tests.

use std::collections::HashSet;
use std::sync::Mutex;

use proptest::prelude::*;

use crate::error::{Error, Result};
use crate::graph::{TaskGraph, TaskId};

use super::Job;

/// A plan as lists. Tasks are numbered; a task depends on smaller numbers only.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    pub(super) tasks: Vec<SampleTask>,
    pub(super) roots: Vec<usize>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct SampleTask {
    pub(super) deps: Vec<usize>,
    pub(super) users: Vec<usize>,
    pub(super) bytes: u64,
    pub(super) result_bytes: u64,
    pub(super) path_bytes: u64,
    pub(super) position: u64,
}

const LAYERS: usize = 3;

impl Sample {
    /// Adds a task and returns its number.
    pub(super) fn add(&mut self, deps: &[usize], bytes: u64, position: u64) -> usize {
        let deps = deps.to_vec();
        self.tasks.push(SampleTask {
            deps,
            bytes,
            result_bytes: bytes,
            path_bytes: bytes,
            position,
            ..Default::default()
        });
        self.tasks.len() - 1
    }

    /// A tree over `leaves` with groups of `split`; returns its root. A task lies where its first leaf lies.
    pub(super) fn add_tree(&mut self, leaves: &[usize], split: usize, bytes: u64) -> usize {
        let mut level = leaves.to_vec();
        while level.len() > 1 {
            level = level.chunks(split).map(|group| self.add(group, bytes, self.tasks[group[0]].position)).collect();
        }
        level[0]
    }

    /// Says what is asked for, and counts users among the tasks that this needs.
    pub(super) fn with_roots(mut self, roots: &[usize]) -> Self {
        self.roots = roots.to_vec();
        for task in self.needed() {
            for dep in self.tasks[task].deps.clone() {
                self.tasks[dep].users.push(task);
            }
        }
        self
    }

    /// The tasks that the roots need, in increasing order.
    pub(super) fn needed(&self) -> Vec<usize> {
        let mut is_needed = vec![false; self.tasks.len()];
        self.roots.iter().for_each(|&root| is_needed[root] = true);
        for task in (0..self.tasks.len()).rev() {
            if is_needed[task] {
                self.tasks[task].deps.iter().for_each(|&dep| is_needed[dep] = true);
            }
        }
        (0..self.tasks.len()).filter(|&task| is_needed[task]).collect()
    }

    pub(super) fn id(task: usize) -> TaskId {
        TaskId::new((task % LAYERS) as u32, (task / LAYERS) as u64)
    }

    pub(super) fn number(id: TaskId) -> usize {
        id.index() as usize * LAYERS + id.layer() as usize
    }

    fn task(&self, id: TaskId) -> &SampleTask {
        &self.tasks[Self::number(id)]
    }
}

impl TaskGraph for Sample {
    fn deps(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
        self.task(task).deps.iter().for_each(|&dep| visit(Self::id(dep)));
    }

    fn n_users(&self, task: TaskId) -> u64 {
        self.task(task).users.len() as u64
    }

    fn users(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
        self.task(task).users.iter().for_each(|&user| visit(Self::id(user)));
    }

    fn bytes(&self, task: TaskId) -> u64 {
        self.task(task).bytes
    }

    fn path_bytes(&self, task: TaskId) -> u64 {
        self.task(task).path_bytes
    }

    fn position(&self, task: TaskId) -> u64 {
        self.task(task).position
    }

    fn n_roots(&self) -> u64 {
        self.roots.len() as u64
    }

    fn root(&self, i: u64) -> TaskId {
        Self::id(self.roots[i as usize])
    }

    fn is_root(&self, task: TaskId) -> bool {
        self.roots.contains(&Self::number(task))
    }
}

/// Any plan of up to `max_tasks` tasks, with up to four dependencies each and any roots.
pub(super) fn any_sample(max_tasks: usize) -> impl Strategy<Value = Sample> {
    let deps = prop_oneof![
        2 => prop::collection::vec(any::<prop::sample::Index>(), 0..2).prop_map(Some),
        1 => prop::collection::vec(any::<prop::sample::Index>(), 0..5).prop_map(Some),
        // The task before and nothing else: chains.
        3 => Just(None),
    ];
    let sizes = (0..50_u64, 0..50_u64, 0..100_u64, 0..20_u64);
    prop::collection::vec((deps, sizes, prop::bool::weighted(0.2)), 1..max_tasks).prop_map(|rows| {
        let (mut sample, mut roots) = (Sample::default(), Vec::new());
        for (number, (deps, (result_bytes, scratch_bytes, more_bytes, position), is_root)) in
            rows.into_iter().enumerate()
        {
            let deps: Vec<usize> = match deps {
                Some(deps) => deps.iter().filter(|_| number > 0).map(|dep| dep.index(number)).collect(),
                None => number.checked_sub(1).into_iter().collect(),
            };
            sample.add(&deps, result_bytes + scratch_bytes, position);
            sample.tasks[number].result_bytes = result_bytes;
            sample.tasks[number].path_bytes += more_bytes;
            roots.extend(is_root.then_some(number));
        }
        if roots.is_empty() {
            roots.push(sample.tasks.len() - 1);
        }
        // The order in which roots are asked for is free.
        roots.sort_by_key(|&root| root.wrapping_mul(0x9e37_79b9) % 64);
        sample.with_roots(&roots)
    })
}

/// Runs a [`Sample`]: a result is a number made of the task's and its inputs.
#[derive(Debug)]
pub(super) struct SampleJob {
    pub(super) sample: Sample,
    /// Tasks that fail, and tasks that panic.
    pub(super) failing: HashSet<usize>,
    pub(super) panicking: HashSet<usize>,
    /// Whether the plan itself panics.
    pub(super) broken: bool,
    pub(super) ran: Mutex<Vec<usize>>,
    pub(super) delivered: Mutex<Vec<(usize, u64)>>,
}

impl SampleJob {
    pub(super) fn new(sample: Sample) -> Self {
        Self {
            sample,
            failing: HashSet::new(),
            panicking: HashSet::new(),
            broken: false,
            ran: Mutex::default(),
            delivered: Mutex::default(),
        }
    }

    /// What has to be delivered, in the order of task numbers.
    pub(super) fn expected(&self) -> Vec<(usize, u64)> {
        let mut values: Vec<u64> = Vec::new();
        for (number, task) in self.sample.tasks.iter().enumerate() {
            values.push(mix(number, task.deps.iter().map(|&dep| values[dep])));
        }
        let mut roots: Vec<_> = self.sample.roots.iter().map(|&root| (root, values[root])).collect();
        roots.sort_unstable();
        roots
    }

    pub(super) fn into_delivered(self) -> Vec<(usize, u64)> {
        let mut delivered = self.delivered.into_inner().expect("no task panics while it writes down");
        delivered.sort_unstable();
        delivered
    }
}

fn mix(number: usize, inputs: impl Iterator<Item = u64>) -> u64 {
    inputs.fold(number as u64 + 1, |sum, input| (sum ^ input).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29))
}

impl TaskGraph for SampleJob {
    fn deps(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
        if self.broken {
            std::panic::resume_unwind(Box::new("the plan is broken"));
        }
        self.sample.deps(task, visit);
    }

    fn n_users(&self, task: TaskId) -> u64 {
        self.sample.n_users(task)
    }

    fn users(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
        self.sample.users(task, visit);
    }

    fn bytes(&self, task: TaskId) -> u64 {
        self.sample.bytes(task)
    }

    fn path_bytes(&self, task: TaskId) -> u64 {
        self.sample.path_bytes(task)
    }

    fn position(&self, task: TaskId) -> u64 {
        self.sample.position(task)
    }

    fn n_roots(&self) -> u64 {
        self.sample.n_roots()
    }

    fn root(&self, i: u64) -> TaskId {
        self.sample.root(i)
    }

    fn is_root(&self, task: TaskId) -> bool {
        self.sample.is_root(task)
    }

    fn n_tasks(&self) -> Option<u64> {
        Some(self.sample.needed().len() as u64)
    }
}

impl Job for SampleJob {
    /// The number of the task with its value.
    type Value = (usize, u64);

    fn run(&self, task: TaskId, inputs: Vec<Self::Value>) -> Result<Self::Value> {
        let number = Sample::number(task);
        self.ran.lock().expect("no task panics while it writes down").push(number);
        if self.panicking.contains(&number) {
            // Unlike `panic!`, this prints nothing.
            std::panic::resume_unwind(Box::new(format!("task {number} was told to panic")));
        }
        if self.failing.contains(&number) {
            return Err(Error::value("sample", format!("task {number} was told to fail")));
        }
        let from: Vec<usize> = inputs.iter().map(|&(dep, _)| dep).collect();
        assert_eq!(from, self.sample.tasks[number].deps, "inputs come in the order of dependencies");
        Ok((number, mix(number, inputs.into_iter().map(|(_, value)| value))))
    }

    fn value_bytes(&self, &(number, _): &Self::Value) -> u64 {
        self.sample.tasks[number].result_bytes
    }

    fn deliver(&self, task: TaskId, (number, value): Self::Value) -> Result<()> {
        assert_eq!(Sample::number(task), number);
        self.delivered.lock().expect("no task panics while it writes down").push((number, value));
        Ok(())
    }

    fn encode(&self, &(number, value): &Self::Value) -> Result<Vec<u8>> {
        Ok([number as u64, value].iter().flat_map(|word| word.to_le_bytes()).collect())
    }

    fn decode(&self, content: Vec<u8>) -> Result<Self::Value> {
        let words: Vec<u64> =
            content.chunks(8).map(|word| u64::from_le_bytes(word.try_into().expect("pieces of eight"))).collect();
        Ok((words[0] as usize, words[1]))
    }

    fn describe(&self, task: TaskId) -> (String, String) {
        (format!("op{}", task.layer()), format!("({})", Sample::number(task)))
    }
}
