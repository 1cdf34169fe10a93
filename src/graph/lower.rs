//! From operations to layers of tasks.

use std::sync::Arc;

use super::dag::{Dag, Node, NodeId};
use super::expr::name_of;
use super::layer::{Edge, InlineSource, Layer, LayerBody, Producer, SameKernel};
use super::map::{BlockMap, Link};
use super::name::Name;
use super::plan::Plan;
use crate::block::ArrayMeta;
use crate::chunks::Grid;
use crate::error::Result;
use crate::kernels::Kernel;

/// How the blocks of a node are had.
#[derive(Clone, Debug)]
pub(crate) struct Lowered {
    pub producer: Producer,
    /// An upper bound of the elements of one block, also where chunk sizes are unknown.
    pub max_block_elems: u64,
}

/// The layers made so far, and how each node of the arena is had.
pub(crate) struct Lowering<'a> {
    dag: &'a Dag,
    layers: Vec<Layer>,
    lowered: Vec<Lowered>,
    /// The operation that is being lowered, and the layers made for it so far.
    current: (Name, u32),
}

/// What [`Lowering::push`] needs to make a layer.
pub(crate) struct NewLayer {
    pub label: String,
    pub counts: Vec<u64>,
    pub edges: Vec<Edge>,
    pub body: Arc<dyn LayerBody>,
    pub task_bytes: u64,
    pub reduces: bool,
}

impl<'a> Lowering<'a> {
    /// The plan that computes the outputs of an arena; also tells which output of the plan holds each output of the arena.
    pub(crate) fn plan(dag: &'a Dag) -> Result<(Plan, Vec<usize>)> {
        let lowered = Vec::with_capacity(dag.len());
        let mut lowering = Lowering { dag, layers: Vec::new(), lowered, current: (Name::of(&"nothing"), 0) };
        for (_, node) in dag.nodes() {
            lowering.current = (lowering.op_name(node), 0);
            let lowered = node.op.spec().lower(node, &mut lowering)?;
            lowering.lowered.push(lowered);
        }
        let mut outputs: Vec<u32> = Vec::new();
        let mut places = Vec::new();
        for &id in dag.outputs() {
            let layer = lowering.output_layer(id);
            let place = outputs.iter().position(|&other| other == layer).unwrap_or_else(|| {
                outputs.push(layer);
                outputs.len() - 1
            });
            places.push(place);
        }
        Ok((Plan::new(lowering.layers, outputs), places))
    }

    /// The layer whose tasks give the blocks of an output.
    fn output_layer(&mut self, id: NodeId) -> u32 {
        if let Producer::Layer(layer) = self.lowered[id.index()].producer {
            return layer;
        }
        let node = self.dag.node(id);
        self.current = (Name::of(&("output", &node.meta)), 0);
        let lowered = self.push(
            node,
            NewLayer {
                label: "read".into(),
                counts: node.meta.grid.block_counts(),
                edges: vec![self.edge(id, BlockMap::Identity)],
                body: Arc::new(SameKernel(Kernel::Pass)),
                task_bytes: 0,
                reduces: false,
            },
        );
        let Producer::Layer(layer) = lowered.producer else { unreachable!("push makes a layer") };
        self.lowered[id.index()] = lowered;
        layer
    }

    /// Stands for the operation of a node without where its inputs come from.
    fn op_name(&self, node: &Node) -> Name {
        let inputs = node.inputs.iter().map(|&input| Name::of(self.meta(input)));
        name_of(&node.op, inputs, &node.meta)
    }

    /// The number of the layer that is pushed next.
    pub(crate) fn next_layer(&self) -> u32 {
        self.layers.len() as u32
    }

    /// What is promised of an input of the node that is being lowered.
    pub(crate) fn meta(&self, input: NodeId) -> &'a ArrayMeta {
        self.dag.meta(input)
    }

    /// An upper bound of the elements of one block of an input.
    pub(crate) fn max_block_elems(&self, input: NodeId) -> u64 {
        self.lowered[input.index()].max_block_elems
    }

    /// An edge from an input.
    pub(crate) fn edge(&self, input: NodeId, map: BlockMap) -> Edge {
        Edge { from: self.lowered[input.index()].producer.clone(), map }
    }

    /// Edges from all inputs of a node on the grid `out`, of which output axis `k` shows axis `operands[i][k]` of input `i`.
    pub(crate) fn operand_edges(&self, inputs: &[NodeId], out: &Grid, operands: &[Vec<Option<usize>>]) -> Vec<Edge> {
        let map = |input: NodeId, axes: &[Option<usize>]| operand_map(out, &self.meta(input).grid, axes);
        inputs.iter().zip(operands).map(|(&input, axes)| self.edge(input, map(input, axes))).collect()
    }

    /// The blocks of an input, handed on as they are.
    pub(crate) fn same_as(&self, input: NodeId) -> Lowered {
        self.lowered[input.index()].clone()
    }

    /// Blocks that are read in place.
    pub(crate) fn inline(source: InlineSource, max_block_elems: u64) -> Lowered {
        let max_block_elems = source.grid.max_block_elems().unwrap_or(max_block_elems);
        Lowered { producer: Producer::Inline(source), max_block_elems }
    }

    /// Adds a layer that gives the blocks of `node`.
    pub(crate) fn push(&mut self, node: &Node, layer: NewLayer) -> Lowered {
        let bound =
            node.inputs.iter().map(|input| self.lowered.get(input.index()).map_or(0, |l| l.max_block_elems)).max();
        let max_block_elems = node.meta.grid.max_block_elems().or(bound).unwrap_or(1);
        self.push_layer(layer);
        Lowered { producer: Producer::Layer(self.next_layer() - 1), max_block_elems }
    }

    /// Adds a layer with one task for each block of `node`, which is called as the operation is; `task_bytes` is an upper
    /// bound of what one task allocates.
    pub(crate) fn push_blocks(
        &mut self,
        node: &Node,
        edges: Vec<Edge>,
        body: impl LayerBody + 'static,
        task_bytes: u64,
    ) -> Lowered {
        let (label, counts) = (node.op.spec().name().into(), node.meta.grid.block_counts());
        self.push(node, NewLayer { label, counts, edges, body: Arc::new(body), task_bytes, reduces: false })
    }

    /// Adds a layer and tells its number.
    pub(crate) fn push_layer(&mut self, layer: NewLayer) -> u32 {
        let NewLayer { label, counts, edges, body, task_bytes, reduces } = layer;
        let op = Name::of(&self.current);
        self.current.1 += 1;
        self.layers.push(Layer { label, op, counts, edges, body, task_bytes, reduces });
        self.next_layer() - 1
    }

    /// Adds a layer in which each block of `node` is the last of a line of `n_steps` consecutive tasks.
    pub(crate) fn push_lines(&mut self, node: &Node, layer: NewLayer, n_steps: u64) -> Lowered {
        if n_steps == 1 {
            return self.push(node, layer);
        }
        let label = layer.label.clone();
        let steps = self.push_layer(layer);
        self.push(
            node,
            NewLayer {
                label,
                counts: node.meta.grid.block_counts(),
                edges: vec![Edge {
                    from: Producer::Layer(steps),
                    map: BlockMap::Strided { stride: n_steps, offset: n_steps - 1 },
                }],
                body: Arc::new(SameKernel(Kernel::Pass)),
                task_bytes: 0,
                reduces: false,
            },
        )
    }

    /// The bytes of the largest block of `node`, stored densely.
    pub(crate) fn block_bytes(&self, node: &Node) -> u64 {
        let bound = node.inputs.iter().map(|&input| self.max_block_elems(input)).max().unwrap_or(1);
        let elems = node.meta.grid.max_block_elems().unwrap_or(bound);
        elems.saturating_mul(node.meta.dtype.size_bytes() as u64)
    }
}

/// How the blocks of an operand follow those of a result of which output axis `k` shows the operand's axis `axes[k]`.
///
/// An operand axis that is not shown, or that has one block where the result has more, is read at its one block.
pub(crate) fn operand_map(out: &Grid, operand: &Grid, axes: &[Option<usize>]) -> BlockMap {
    let link = |axis: usize| {
        let shown_at = axes.iter().position(|&shown| shown == Some(axis));
        match shown_at {
            Some(o) if operand.axis(axis).n_blocks() == out.axis(o).n_blocks() => Link::Same(o),
            Some(_) | None => Link::At(0),
        }
    };
    BlockMap::separable(out.block_counts(), operand.block_counts(), (0..operand.ndim()).map(link).collect())
}
