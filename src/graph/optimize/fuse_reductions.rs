//! Elementwise programs and masks become part of the reduction that reads them.

use super::Pass;
use crate::graph::dag::{Dag, Node, NodeId};
use crate::graph::ops::{ElementwiseOp, MaskOp, MultiReduceOp, Op, PickOp, ReduceOp, compose_axes};
use crate::kernels::{LiftItem, ProgramBuilder, ProgramValue, Reducer};

/// Turns every reduction into a pass over the data and a pick of its answer, and lets the pass compute what it reads: the
/// program of an elementwise operation that only reductions read, and selections by a mask along reduced axes. Neither
/// the values nor the selection are ever stored.
///
/// A mask is left alone where positions are the answer, because they count selected elements only.
#[derive(Debug)]
pub(crate) struct FuseReductions;

impl Pass for FuseReductions {
    fn run(&self, dag: &Dag) -> Option<Dag> {
        let only_reduced = only_read_by_reductions(dag);
        dag.rewrite(|new, id, node| {
            let Op::Reduce(reduce) = &node.op else { return new.keep(node) };
            let reduce = reduce.clone();
            let input = dag.node(id).inputs[0];
            let fusable = |id: NodeId| only_reduced[id.index()];
            match fused_pass(dag, new, &reduce, input, node.inputs[0], &fusable) {
                Some(pass) => pick(new, pass, &node),
                None => new.keep(node),
            }
        })
    }
}

/// For each node whether reductions alone read it, masks that reductions alone read included.
fn only_read_by_reductions(dag: &Dag) -> Vec<bool> {
    let mut only_reduced = vec![true; dag.len()];
    for &output in dag.outputs() {
        only_reduced[output.index()] = false;
    }
    for (id, node) in dag.nodes().rev() {
        let passes_on = match &node.op {
            Op::Reduce(_) => true,
            Op::Mask(_) => only_reduced[id.index()],
            _ => false,
        };
        if !passes_on {
            node.inputs.iter().for_each(|input| only_reduced[input.index()] = false);
        }
    }
    only_reduced
}

/// A pass with its inputs in the new arena.
struct Fused {
    op: MultiReduceOp,
    inputs: Vec<NodeId>,
    /// The axes of the pass that the answer has not.
    dropped: Vec<usize>,
}

/// The pass that reduces `input` (`new_input` in the new arena) together with what can be computed on the way.
fn fused_pass(
    dag: &Dag,
    new: &Dag,
    reduce: &ReduceOp,
    input: NodeId,
    new_input: NodeId,
    fusable: &dyn Fn(NodeId) -> bool,
) -> Option<Fused> {
    let reducer = Reducer::new(reduce.reduction, dag.meta(input).dtype).ok()?;
    let masked = match &dag.node(input).op {
        Op::Mask(mask) if fusable(input) && !reduce.reduction.is_arg() && reduce.axes.contains(&mask.axis) => {
            Some(*mask)
        }
        _ => None,
    };
    if let Some(mask) = masked {
        let (values, selected) = unordered(new, new.node(new_input), mask);
        let ndim = new.meta(values).grid.ndim();
        let mask_axes = (0..ndim).map(|axis| axis.checked_sub(mask.axis).filter(|&a| a < mask.mask_ndim)).collect();
        let mut builder = Builder::new(new.meta(values).layout.is_dense() && new.meta(selected).layout.is_dense())?;
        let value = builder.operand(new, values, (0..ndim).map(Some).collect(), true);
        let taken = builder.operand(new, selected, mask_axes, true);
        let item = LiftItem { reducer, value: 0, mask: Some(1) };
        let expanded = |axes: &[usize]| axes.iter().flat_map(|&axis| expand(axis, mask)).collect::<Vec<usize>>();
        // The masked axes were one axis of the selection: the answer keeps one of them at most.
        let dropped = if reduce.keepdims { expand(mask.axis, mask).skip(1).collect() } else { expanded(&reduce.axes) };
        let pass = builder.finish(new.meta(values).grid.clone(), &[value, taken], item, expanded(&reduce.axes), reduce);
        return Some(Fused { dropped, ..pass });
    }
    let is_program = matches!(new.node(new_input).op, Op::Elementwise(_)) && fusable(input);
    if is_program && new.meta(new_input).layout.is_dense() {
        let ndim = new.meta(new_input).grid.ndim();
        let mut builder = Builder::new(true)?;
        let value = builder.operand(new, new_input, (0..ndim).map(Some).collect(), true);
        let item = LiftItem { reducer, value: 0, mask: None };
        let grid = new.meta(new_input).grid.clone();
        return Some(builder.finish(grid, &[value], item, reduce.axes.clone(), reduce));
    }
    let op = MultiReduceOp::single(reduce, reducer, new.meta(new_input));
    Some(Fused { op, inputs: vec![new_input], dropped: reduce.dropped_axes() })
}

/// The values and the mask of a selection before they were cut so that selected elements keep their order, which a
/// reduction has no use for.
fn unordered(new: &Dag, selection: &Node, mask: MaskOp) -> (NodeId, NodeId) {
    let [values, selected] = [selection.inputs[0], selection.inputs[1]];
    let before = |id: NodeId| match &new.node(id).op {
        Op::Rechunk(_) => new.node(id).inputs[0],
        _ => id,
    };
    let (first_values, first_selected) = (before(values), before(selected));
    let (grid, cut) = (&new.meta(first_values).grid, &new.meta(values).grid);
    let is_masked = |axis: usize| (mask.axis..mask.axis + mask.mask_ndim).contains(&axis);
    let masked_axes = grid.axes().iter().skip(mask.axis).take(mask.mask_ndim);
    let same_cut = masked_axes.eq(new.meta(first_selected).grid.axes());
    // The answer promises the chunks of the other axes: a cut of those must stay.
    let same_others = (0..grid.ndim()).all(|axis| is_masked(axis) || grid.axis(axis) == cut.axis(axis));
    if same_cut && same_others { (first_values, first_selected) } else { (values, selected) }
}

/// The axes of the array that axis `axis` of the selection stands for.
fn expand(axis: usize, mask: MaskOp) -> std::ops::Range<usize> {
    match axis {
        axis if axis < mask.axis => axis..axis + 1,
        axis if axis == mask.axis => axis..axis + mask.mask_ndim,
        axis => axis + mask.mask_ndim - 1..axis + mask.mask_ndim,
    }
}

/// Collects the operands of a pass and the program over them.
struct Builder {
    program: ProgramBuilder,
    inputs: Vec<NodeId>,
    operands: Vec<Vec<Option<usize>>>,
    leaves: Vec<ProgramValue>,
}

impl Builder {
    /// Programs are for dense operands; sparse ones are reduced by what they store.
    fn new(is_dense: bool) -> Option<Self> {
        let program = ProgramBuilder::new();
        is_dense.then_some(Self { program, inputs: Vec::new(), operands: Vec::new(), leaves: Vec::new() })
    }

    /// An array of which the pass shows `axes`: its program, if it is one that only the pass reads, or its elements.
    fn operand(&mut self, new: &Dag, id: NodeId, axes: Vec<Option<usize>>, inline: bool) -> ProgramValue {
        match &new.node(id).op {
            Op::Elementwise(ElementwiseOp { program, operands }) if inline => {
                let program = program.clone();
                let inputs = new.node(id).inputs.iter().zip(operands);
                let args: Vec<ProgramValue> =
                    inputs.map(|(&input, own)| self.leaf(new, input, compose_axes(&axes, own))).collect();
                // The program was checked against its operands when the expression was built.
                self.program.append(&program, &args).expect("a program fits its own operands")[0]
            }
            Op::Full(full) => self.program.constant(full.value),
            Op::View(view) => self.leaf(new, new.node(id).inputs[0], compose_axes(&axes, &view.axes)),
            _ => self.leaf(new, id, axes),
        }
    }

    fn leaf(&mut self, new: &Dag, id: NodeId, axes: Vec<Option<usize>>) -> ProgramValue {
        let known = self.inputs.iter().zip(&self.operands).position(|(&input, own)| input == id && *own == axes);
        if let Some(known) = known {
            return self.leaves[known];
        }
        let value = self.program.input(new.meta(id).dtype);
        self.inputs.push(id);
        self.operands.push(axes);
        self.leaves.push(value);
        value
    }

    fn finish(
        self,
        grid: crate::chunks::Grid,
        values: &[ProgramValue],
        item: LiftItem,
        axes: Vec<usize>,
        reduce: &ReduceOp,
    ) -> Fused {
        let program = Some(self.program.finish(values));
        let split_every = reduce.split_every;
        let op = MultiReduceOp { grid, program, operands: self.operands, items: vec![item], axes, split_every };
        Fused { op, inputs: self.inputs, dropped: reduce.dropped_axes() }
    }
}

fn pick(new: &mut Dag, pass: Fused, node: &Node) -> NodeId {
    let Fused { op, inputs, dropped } = pass;
    let meta = op.meta(&node.meta);
    let reducer = op.items[0].reducer;
    let partials = new.add(op.into(), inputs, meta);
    let pick = PickOp { item: 0, reducer, dropped };
    new.keep(Node { op: pick.into(), inputs: vec![partials], ..node.clone() })
}
