//! The tasks of a plan, one by one, in the order in which they should run.

use std::collections::{BinaryHeap, HashMap, HashSet};

use xxhash_rust::xxh3::Xxh3Default;

use super::held::HeldBlocks;
use super::key::{block_index, group_name, task_key};
use super::payload::{About, InputRun, of_constant, of_kernel};
use crate::block::Value;
use crate::block::codec::Encoded;
use crate::error::Result;
use crate::graph::Name;
use crate::graph::layer::{InlineSource, Layer, Producer};
use crate::graph::plan::{BitSet, Plan};
use crate::graph::task::{TaskGraph, TaskId};
use crate::kernels::{Portable, Registry};

/// One task as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteTask {
    /// Stands for what is computed.
    pub(crate) key: String,
    /// The keys of what is read, each once.
    pub(crate) deps: Vec<String>,
    /// What runs the task.
    pub(crate) payload: Vec<u8>,
    /// The place in the order of running: smaller ones first.
    pub(crate) priority: u64,
}

/// Where a plan is to run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Site {
    /// The cluster, which may keep some of the blocks.
    pub(crate) cluster: Option<u128>,
    /// Whether blocks in memory travel apart from the tasks, and which.
    pub(crate) apart: Option<Apart>,
}

/// Arrays in memory whose blocks are put where tasks find them, instead of travelling as tasks.
///
/// Such a block cannot be made again where it is lost, and neither can what is made of it. So its key, and with it the keys
/// of all that depends on it, belong to one run: no other run comes to rely on it, and a second attempt at the same run has
/// nothing in common with the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Apart {
    /// Different for all runs and attempts.
    pub(crate) run: u128,
    /// Arrays none of whose blocks has so many bytes travel with the tasks.
    pub(crate) least_bytes: u64,
}

/// A plan whose tasks have keys.
#[derive(Debug)]
pub(crate) struct RemotePlan<'a> {
    plan: &'a Plan,
    registry: u128,
    apart: Option<Apart>,
    /// What the keys of each layer begin with.
    groups: Vec<String>,
    /// The layers whose blocks the cluster keeps.
    held: Vec<bool>,
    constants: Vec<Constant<'a>>,
    /// For each layer the constants behind its edges.
    constant_of: Vec<Vec<Option<u32>>>,
}

/// Blocks in memory that tasks read in place.
#[derive(Debug)]
struct Constant<'a> {
    source: &'a InlineSource,
    group: String,
    counts: Vec<u64>,
    is_apart: bool,
}

/// A block in memory that travels apart from the tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockApart {
    constant: u32,
    number: u64,
}

/// A task of the plan, or a block in memory.
#[derive(Clone, Copy, Debug)]
enum Item {
    Task(TaskId),
    Constant(u32, u64),
}

impl<'a> RemotePlan<'a> {
    /// Names the tasks of a plan. Every block in memory that the plan reads is looked at, because its contents are part of
    /// what is computed.
    ///
    /// # Errors
    /// A layer calls a closure or reads a source that cannot be described, or a block in memory cannot be read.
    #[cfg(test)]
    pub(crate) fn new(plan: &'a Plan, registry: &Registry) -> Result<Self> {
        Self::on(Site::default(), plan, registry)
    }

    /// The same for a cluster that may keep some of the blocks, and may be given others apart from the tasks.
    ///
    /// # Errors
    /// As [`new`](Self::new), and another cluster keeps blocks.
    pub(crate) fn on(site: Site, plan: &'a Plan, registry: &Registry) -> Result<Self> {
        let mut remote = Self {
            plan,
            registry: registry.hash(),
            apart: site.apart,
            groups: Vec::with_capacity(plan.layers().len()),
            held: Vec::with_capacity(plan.layers().len()),
            constants: Vec::new(),
            constant_of: Vec::with_capacity(plan.layers().len()),
        };
        let mut names: Vec<Name> = Vec::with_capacity(plan.layers().len());
        let mut constants: HashMap<(usize, Name), (u32, Name)> = HashMap::new();
        for (number, layer) in plan.layers().iter().enumerate() {
            let held = remote.look_at(number, site.cluster)?;
            let mut inputs = Vec::with_capacity(layer.edges.len());
            let mut constant_of = Vec::with_capacity(layer.edges.len());
            for edge in &layer.edges {
                match &edge.from {
                    // A layer that reads itself is named by all that its first tasks read.
                    Producer::Layer(from) => {
                        inputs.push(names.get(*from as usize).copied());
                        constant_of.push(None);
                    }
                    Producer::Inline(source) => {
                        let address = std::sync::Arc::as_ptr(&source.source).cast::<()>() as usize;
                        let (place, name) = match constants.entry((address, Name::of(&source.grid))) {
                            std::collections::hash_map::Entry::Occupied(found) => *found.get(),
                            std::collections::hash_map::Entry::Vacant(free) => {
                                *free.insert(remote.add_constant(source)?)
                            }
                        };
                        inputs.push(Some(name));
                        constant_of.push(Some(place));
                    }
                }
            }
            let (name, group) = match &held {
                Some(held) => (Name::of(&("held", &held.group)), held.group.clone()),
                None => {
                    let name = Name::of(&("layer", remote.registry, layer.op, inputs));
                    (name, group_name(&layer.label, name))
                }
            };
            names.push(name);
            remote.groups.push(group);
            remote.held.push(held.is_some());
            remote.constant_of.push(constant_of);
        }
        Ok(remote)
    }

    /// The blocks of a layer if the cluster keeps them; otherwise its tasks must be able to leave the process.
    fn look_at(&self, number: usize, cluster: Option<u128>) -> Result<Option<HeldBlocks>> {
        if self.plan.n_demanded(number) == 0 {
            return Ok(None);
        }
        let layer = &self.plan.layers()[number];
        let kernel = layer.body.kernel(0)?;
        let held = HeldBlocks::read_by(&layer.label, &kernel, cluster)?;
        if held.is_none() {
            Portable::of(&layer.label, &kernel)?;
        }
        Ok(held)
    }

    fn add_constant(&mut self, source: &'a InlineSource) -> Result<(u32, Name)> {
        let counts = source.grid.block_counts();
        let place = self.constants.len() as u32;
        let apart = match self.apart {
            Some(apart) if largest_bytes(source)? >= apart.least_bytes => Some(apart),
            _ => None,
        };
        let name = match apart {
            // What the run is called stands for the contents, too.
            Some(apart) => Name::of(&("apart", self.registry, &counts, apart.run, place)),
            None => Name::of(&("constant", self.registry, &counts, contents_hash(source)?)),
        };
        let group = group_name(source.source.format(), name);
        self.constants.push(Constant { source, group, counts, is_apart: apart.is_some() });
        Ok((place, name))
    }

    /// The key and the bytes of a block that travels apart from the tasks.
    pub(crate) fn block_apart(&self, block: BlockApart) -> Result<(String, Vec<u8>)> {
        let Constant { source, group, counts, .. } = &self.constants[block.constant as usize];
        let encoded = Encoded::of(&Value::Block(source.read(block.number)?))?;
        Ok((task_key(group, counts, block.number), encoded.to_bytes()))
    }

    /// The key of a task.
    pub(crate) fn key(&self, task: TaskId) -> String {
        task_key(&self.groups[task.layer() as usize], &self.plan.layer(task).counts, task.index())
    }

    /// Whether the cluster keeps the result of a task, so that there is no such task.
    pub(crate) fn is_held(&self, task: TaskId) -> bool {
        self.held[task.layer() as usize]
    }

    /// What the keys of output `i` of the plan begin with.
    pub(crate) fn output_group(&self, i: usize) -> &str {
        &self.groups[self.plan.outputs()[i] as usize]
    }

    /// The keys of the results of output `i` of the plan, in the order of their blocks.
    #[cfg(test)]
    pub(crate) fn output_keys(&self, i: usize) -> impl Iterator<Item = String> + '_ {
        self.plan.roots_of(i).map(|root| self.key(self.plan.root(root)))
    }

    /// The tasks, inputs before users, depth first from each result: what is made is used soon.
    #[cfg(test)]
    pub(crate) fn tasks(&self) -> Tasks<'_> {
        self.tasks_of((0..self.plan.n_roots()).map(|i| self.plan.root(i)).collect())
    }

    /// Those that some of the results need.
    pub(crate) fn tasks_of(&self, wanted: HashSet<TaskId>) -> Tasks<'_> {
        Tasks {
            remote: self,
            wanted,
            apart: Vec::new(),
            seen_tasks: self.plan.layers().iter().map(|layer| BitSet::new(layer.n_tasks())).collect(),
            seen_constants: self.constants.iter().map(|c| BitSet::new(c.counts.iter().product())).collect(),
            roots: (0..self.plan.outputs().len()).filter_map(|i| Root::first(self.plan, i)).collect(),
            stack: Vec::new(),
            n_given: 0,
        }
    }

    /// What an item reads, in the order of its kernel.
    fn inputs(&self, item: Item) -> Vec<Item> {
        let mut inputs = Vec::new();
        if let Item::Task(task) = item {
            let edges = self.plan.edges_of(task);
            let constants = &self.constant_of[task.layer() as usize][edges.clone()];
            for (edge, constant) in self.plan.layer(task).edges[edges].iter().zip(constants) {
                edge.map.inputs(task.index(), &mut |block| {
                    inputs.push(match (&edge.from, constant) {
                        (_, Some(constant)) => Item::Constant(*constant, block),
                        (Producer::Layer(from), None) => Item::Task(TaskId::new(*from, block)),
                        (Producer::Inline(_), None) => unreachable!("blocks in memory are constants"),
                    });
                });
            }
        }
        inputs
    }

    /// The group, the counts and the number of an item.
    fn place(&self, item: Item) -> (&str, &[u64], u64) {
        match item {
            Item::Task(task) => (&self.groups[task.layer() as usize], &self.plan.layer(task).counts, task.index()),
            Item::Constant(place, number) => {
                let constant = &self.constants[place as usize];
                (&constant.group, &constant.counts, number)
            }
        }
    }

    fn make(&self, item: Item, inputs: &[Item], priority: u64) -> Result<RemoteTask> {
        let (group, counts, number) = self.place(item);
        let block = block_index(counts, number);
        let runs = self.input_runs(inputs);
        let about = |label, task_bytes| About { label, block: &block, task_bytes, registry: self.registry };
        let payload = match item {
            Item::Task(task) => {
                let Layer { label, body, task_bytes, .. } = self.plan.layer(task);
                let kernel = body.kernel(task.index())?;
                of_kernel(&about(label, *task_bytes), &runs, Portable::of(label, &kernel)?)?
            }
            Item::Constant(place, number) => {
                let source = self.constants[place as usize].source;
                let read = source.read(number)?;
                of_constant(&about(source.source.format(), read.n_bytes()), read)?
            }
        };
        let mut deps: Vec<String> = Vec::new();
        for run in &runs {
            deps.extend(run.numbers.iter().map(|&number| task_key(&run.group, &run.counts, number)));
        }
        deps.sort_unstable();
        deps.dedup();
        Ok(RemoteTask { key: task_key(group, counts, number), deps, payload, priority })
    }

    /// Inputs with neighbours of one layer together.
    fn input_runs(&self, inputs: &[Item]) -> Vec<InputRun<'_>> {
        let mut runs: Vec<InputRun<'_>> = Vec::new();
        for &input in inputs {
            let (group, counts, number) = self.place(input);
            match runs.last_mut() {
                Some(run) if run.group == group => run.numbers.push(number),
                _ => runs.push(InputRun { group: group.into(), counts: counts.into(), numbers: vec![number] }),
            }
        }
        runs
    }
}

/// The bytes of the largest block.
fn largest_bytes(source: &InlineSource) -> Result<u64> {
    (0..source.grid.n_blocks()).try_fold(0, |most, number| Ok(source.read(number)?.n_bytes().max(most)))
}

/// Stands for the contents of all blocks.
fn contents_hash(source: &InlineSource) -> Result<u128> {
    let mut hasher = Xxh3Default::new();
    for number in 0..source.grid.n_blocks() {
        let encoded = Encoded::of(&Value::Block(source.read(number)?))?;
        hasher.update(&encoded.header);
        encoded.frames.iter().for_each(|frame| hasher.update(frame.as_ref()));
    }
    Ok(hasher.digest128())
}

/// The next result of one output; those that come first in their array come first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Root {
    position: std::cmp::Reverse<(u64, usize)>,
    next: u64,
    end: u64,
}

impl Root {
    fn first(plan: &Plan, output: usize) -> Option<Root> {
        let range = plan.roots_of(output);
        Root { position: std::cmp::Reverse((0, output)), next: range.start, end: range.end }.at_next(plan)
    }

    fn at_next(self, plan: &Plan) -> Option<Root> {
        (self.next < self.end).then(|| {
            let std::cmp::Reverse((_, output)) = self.position;
            Root { position: std::cmp::Reverse((plan.position(plan.root(self.next)), output)), ..self }
        })
    }
}

/// A task whose inputs are being given.
#[derive(Debug)]
struct Visit {
    item: Item,
    inputs: Vec<Item>,
    n_done: usize,
}

/// The tasks of a [`RemotePlan`]; takes a bit of memory per task.
#[derive(Debug)]
pub(crate) struct Tasks<'p> {
    remote: &'p RemotePlan<'p>,
    wanted: HashSet<TaskId>,
    apart: Vec<BlockApart>,
    seen_tasks: Vec<BitSet>,
    seen_constants: Vec<BitSet>,
    roots: BinaryHeap<Root>,
    stack: Vec<Visit>,
    n_given: u64,
}

impl Tasks<'_> {
    /// The blocks that travel apart and that the tasks given so far need.
    pub(crate) fn into_apart(self) -> Vec<BlockApart> {
        self.apart
    }

    /// Begins with an item that has not been begun with before.
    fn enter(&mut self, item: Item) {
        if matches!(item, Item::Task(task) if self.remote.is_held(task)) {
            return;
        }
        let (seen, number) = match item {
            Item::Task(task) => (&mut self.seen_tasks[task.layer() as usize], task.index()),
            Item::Constant(place, number) => (&mut self.seen_constants[place as usize], number),
        };
        if !seen.contains(number) {
            seen.insert(number);
            if let Item::Constant(constant, number) = item
                && self.remote.constants[constant as usize].is_apart
            {
                self.apart.push(BlockApart { constant, number });
                return;
            }
            self.stack.push(Visit { item, inputs: self.remote.inputs(item), n_done: 0 });
        }
    }
}

impl Iterator for Tasks<'_> {
    type Item = Result<RemoteTask>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(visit) = self.stack.last_mut() else {
                let root = self.roots.pop()?;
                let task = self.remote.plan.root(root.next);
                self.roots.extend(Root { next: root.next + 1, ..root }.at_next(self.remote.plan));
                if self.wanted.contains(&task) {
                    self.enter(Item::Task(task));
                }
                continue;
            };
            if let Some(&input) = visit.inputs.get(visit.n_done) {
                visit.n_done += 1;
                self.enter(input);
                continue;
            }
            let Visit { item, inputs, .. } = self.stack.pop()?;
            self.n_given += 1;
            return Some(self.remote.make(item, &inputs, self.n_given - 1));
        }
    }
}
