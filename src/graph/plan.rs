//! Which tasks on which blocks: layers, edges and the results that are wanted.
//!
//! A [`Plan`] takes memory for its layers, not for its tasks: what a task reads, who reads it and what it costs are
//! computed from its number. Only where part of a layer is not needed (and slices could not be pushed below it) a bit per
//! task says which part is.

use std::ops::Range;

use super::layer::{Edge, Layer, Producer};
use super::parts::Parts;
use super::task::{TaskGraph, TaskId};
use crate::block::Value;
use crate::error::Result;
use crate::kernels::Kernel;

/// Layers of tasks, ready to run.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<f64>::arange(0.0, 4.0, 1.0, Chunks::size(2))?;
/// assert_eq!(x.exp().plan()?.n_tasks(), 4);                       // two blocks are made, then changed
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Debug)]
pub struct Plan {
    layers: Vec<Layer>,
    /// For each layer, the edges that read it: (layer, number of the edge).
    readers: Vec<Vec<(u32, u32)>>,
    /// For each layer, what tells which of its edges a task has, if it has not all of them.
    parts: Vec<Option<Parts>>,
    demands: Vec<Demand>,
    /// Bytes from the start of a task to the end of the next task that reduces its result.
    path_bytes: Vec<u64>,
    outputs: Vec<u32>,
}

/// Which tasks of a layer are needed.
#[derive(Clone, Debug)]
enum Demand {
    All,
    Some(BitSet),
}

#[derive(Clone, Debug)]
pub(super) struct BitSet(Vec<u64>);

impl BitSet {
    pub(super) fn new(len: u64) -> Self {
        Self(vec![0; len.div_ceil(64) as usize])
    }

    pub(super) fn insert(&mut self, i: u64) {
        self.0[(i / 64) as usize] |= 1 << (i % 64);
    }

    pub(super) fn contains(&self, i: u64) -> bool {
        self.0[(i / 64) as usize] >> (i % 64) & 1 == 1
    }

    fn len(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

impl Demand {
    fn contains(&self, i: u64) -> bool {
        match self {
            Demand::All => true,
            Demand::Some(set) => set.contains(i),
        }
    }
}

impl Plan {
    /// A plan from layers in topological order. All results of the layers in `outputs` are wanted; a layer may stand
    /// there once only.
    pub(crate) fn new(layers: Vec<Layer>, outputs: Vec<u32>) -> Plan {
        let mut readers = vec![Vec::new(); layers.len()];
        for (number, layer) in layers.iter().enumerate() {
            for (edge_number, edge) in layer.edges.iter().enumerate() {
                if let Producer::Layer(from) = edge.from {
                    readers[from as usize].push((number as u32, edge_number as u32));
                }
            }
        }
        let parts = layers.iter().map(Parts::of).collect();
        let mut plan = Plan { demands: Vec::new(), path_bytes: Vec::new(), layers, readers, parts, outputs };
        plan.demands = plan.find_demands();
        plan.path_bytes = plan.find_path_bytes();
        plan
    }

    fn find_demands(&self) -> Vec<Demand> {
        let mut demands = vec![Demand::All; self.layers.len()];
        for number in (0..self.layers.len()).rev() {
            if self.outputs.contains(&(number as u32)) || self.is_read_whole(number, &demands) {
                continue;
            }
            demands[number] = Demand::Some(self.demanded_tasks(number, &demands));
        }
        demands
    }

    fn demanded_tasks(&self, number: usize, demands: &[Demand]) -> BitSet {
        let mut set = BitSet::new(self.layers[number].n_tasks());
        let (own, others): (Vec<_>, Vec<_>) = self.readers[number].iter().partition(|edge| edge.0 as usize == number);
        for &(reader, edge) in others {
            let map = &self.layers[reader as usize].edges[edge as usize].map;
            let demand = &demands[reader as usize];
            (0..self.layers[reader as usize].n_tasks())
                .filter(|&task| demand.contains(task))
                .for_each(|task| map.inputs(task, &mut |block| set.insert(block)));
        }
        // A task that reads its own layer reads lower numbers only, so one pass downwards finds them all.
        for &(_, edge) in own {
            let map = &self.layers[number].edges[edge as usize].map;
            for task in (0..self.layers[number].n_tasks()).rev() {
                if set.contains(task) {
                    map.inputs(task, &mut |block| set.insert(block));
                }
            }
        }
        set
    }

    /// Whether some edge of a wholly demanded reader reads every block.
    fn is_read_whole(&self, number: usize, demands: &[Demand]) -> bool {
        self.readers[number].iter().any(|&(reader, edge)| {
            let same_layer = reader as usize == number;
            !same_layer
                && matches!(demands[reader as usize], Demand::All)
                && self.layers[reader as usize].edges[edge as usize].map.reads_all()
        })
    }

    fn find_path_bytes(&self) -> Vec<u64> {
        let mut paths = vec![0u64; self.layers.len()];
        for number in (0..self.layers.len()).rev() {
            let onwards = self.readers[number].iter().filter(|(reader, _)| *reader as usize != number);
            let next = onwards.map(|&(reader, _)| match &self.layers[reader as usize] {
                layer if layer.reduces => layer.task_bytes,
                _ => paths[reader as usize],
            });
            paths[number] = self.layers[number].task_bytes.saturating_add(next.max().unwrap_or(0));
        }
        paths
    }

    /// The number of layers.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::arange(0.0, 4.0, 1.0, Chunks::size(2))?;
    /// assert_eq!(x.exp().plan()?.n_layers(), x.exp().sin().plan()?.n_layers());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn n_layers(&self) -> usize {
        self.layers.len()
    }

    /// The number of tasks that a run makes.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::arange(0.0, 4.0, 1.0, Chunks::size(2))?;
    /// assert_eq!(x.plan()?.n_tasks(), 2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn n_tasks(&self) -> u64 {
        self.layers
            .iter()
            .zip(&self.demands)
            .map(|(layer, demand)| match demand {
                Demand::All => layer.n_tasks(),
                Demand::Some(set) => set.len(),
            })
            .sum()
    }

    /// The largest bound of what one task allocates.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::arange(0.0, 4.0, 1.0, Chunks::size(2))?;
    /// assert_eq!(x.plan()?.max_task_bytes(), 16);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn max_task_bytes(&self) -> u64 {
        self.layers.iter().map(|layer| layer.task_bytes).max().unwrap_or(0)
    }

    /// Whether no task reads more than a little memory in place.
    pub(crate) fn has_small_inputs(&self) -> bool {
        const MAX_ELEMS: u64 = 16 << 10;
        let inline = self.layers.iter().flat_map(|layer| &layer.edges).filter_map(|edge| match &edge.from {
            Producer::Inline(source) => Some(source),
            Producer::Layer(_) => None,
        });
        inline.into_iter().all(|source| source.grid.max_block_elems().is_some_and(|n| n <= MAX_ELEMS))
    }

    pub(crate) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The number of tasks of a layer that a run makes.
    pub(crate) fn n_demanded(&self, layer: usize) -> u64 {
        match &self.demands[layer] {
            Demand::All => self.layers[layer].n_tasks(),
            Demand::Some(set) => set.len(),
        }
    }

    pub(crate) fn outputs(&self) -> &[u32] {
        &self.outputs
    }

    pub(crate) fn layer(&self, task: TaskId) -> &Layer {
        &self.layers[task.layer() as usize]
    }

    /// The edges of its layer that a task may have.
    pub(crate) fn edges_of(&self, task: TaskId) -> Range<usize> {
        let parts = &self.parts[task.layer() as usize];
        parts.as_ref().map_or(0..self.layer(task).edges.len(), |parts| parts.of_task(task.index()))
    }

    /// The kernel of a task, and its inputs: results of other tasks, given in the order of [`TaskGraph::deps`], joined
    /// with blocks that are read in place.
    pub(crate) fn call(&self, task: TaskId, results: Vec<Value>) -> Result<(Kernel, Vec<Value>)> {
        let layer = self.layer(task);
        let kernel = layer.body.kernel(task.index())?;
        let edges = &layer.edges[self.edges_of(task)];
        if edges.iter().all(|edge| matches!(edge.from, Producer::Layer(_))) {
            return Ok((kernel, results));
        }
        let mut results = results.into_iter();
        let mut inputs = Vec::new();
        for Edge { from, map } in edges {
            let mut failed = None;
            map.inputs(task.index(), &mut |block| match from {
                Producer::Layer(_) => inputs.extend(results.next()),
                Producer::Inline(source) => match source.read(block) {
                    Ok(block) => inputs.push(Value::Block(block)),
                    Err(error) => failed = Some(error),
                },
            });
            if let Some(error) = failed {
                return Err(error);
            }
        }
        Ok((kernel, inputs))
    }

    /// The position of a task along each axis of its layer, as text.
    pub(crate) fn block_text(&self, task: TaskId) -> String {
        let mut rest = task.index();
        let mut index: Vec<u64> = Vec::new();
        for &count in self.layer(task).counts.iter().rev() {
            index.push(rest % count);
            rest /= count;
        }
        index.reverse();
        crate::error::Shown(&index).to_string()
    }

    /// The tasks of output `i`, as numbers of roots.
    pub(crate) fn roots_of(&self, i: usize) -> Range<u64> {
        let before: u64 = self.outputs[..i].iter().map(|&layer| self.layers[layer as usize].n_tasks()).sum();
        before..before + self.layers[self.outputs[i] as usize].n_tasks()
    }
}

impl TaskGraph for Plan {
    fn deps(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
        for edge in &self.layer(task).edges[self.edges_of(task)] {
            if let Producer::Layer(from) = edge.from {
                edge.map.inputs(task.index(), &mut |block| visit(TaskId::new(from, block)));
            }
        }
    }

    fn n_users(&self, task: TaskId) -> u64 {
        self.readers[task.layer() as usize]
            .iter()
            .map(|&(reader, edge)| {
                let map = &self.layers[reader as usize].edges[edge as usize].map;
                match &self.demands[reader as usize] {
                    Demand::All => map.n_users(task.index()),
                    Demand::Some(set) => {
                        let mut n = 0;
                        map.users(task.index(), &mut |user| n += u64::from(set.contains(user)));
                        n
                    }
                }
            })
            .sum()
    }

    fn users(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
        for &(reader, edge) in &self.readers[task.layer() as usize] {
            let map = &self.layers[reader as usize].edges[edge as usize].map;
            let demand = &self.demands[reader as usize];
            map.users(task.index(), &mut |user| {
                if demand.contains(user) {
                    visit(TaskId::new(reader, user));
                }
            });
        }
    }

    fn bytes(&self, task: TaskId) -> u64 {
        self.layer(task).task_bytes
    }

    fn path_bytes(&self, task: TaskId) -> u64 {
        self.path_bytes[task.layer() as usize]
    }

    fn position(&self, task: TaskId) -> u64 {
        let n_tasks = self.layer(task).n_tasks().max(1);
        task.index() * (u64::MAX / n_tasks)
    }

    fn n_roots(&self) -> u64 {
        self.outputs.iter().map(|&layer| self.layers[layer as usize].n_tasks()).sum()
    }

    fn root(&self, i: u64) -> TaskId {
        let mut rest = i;
        for &layer in &self.outputs {
            let n_tasks = self.layers[layer as usize].n_tasks();
            if rest < n_tasks {
                return TaskId::new(layer, rest);
            }
            rest -= n_tasks;
        }
        unreachable!("root {i} of {}", self.n_roots())
    }

    fn is_root(&self, task: TaskId) -> bool {
        self.outputs.contains(&task.layer())
    }
}
