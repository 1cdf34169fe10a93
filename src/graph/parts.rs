//! Which of many inputs a task of a concatenation reads.
//!
//! Every task of a concatenation reads one block of one part. Asking all parts would make a stack of thousands of arrays
//! quadratic, so the part is found by where it starts:
//!
//! ```text
//! starts    0     2  3        6      along the axis of the concatenation
//! parts     [ 0  ][1 ][  2    ]      position 4 belongs to part 2
//! ```

use std::ops::Range;

use super::layer::Layer;

/// Fewer inputs than these are asked one by one.
const FEW: usize = 8;

/// The positions where the parts of a concatenation start.
#[derive(Debug)]
pub(super) struct Parts {
    /// Tasks between neighbouring positions on the axis, and positions on it.
    stride: u64,
    count: u64,
    starts: Vec<u64>,
}

impl Parts {
    /// For a layer of many inputs that follow each other on one axis.
    pub(super) fn of(layer: &Layer) -> Option<Self> {
        if layer.edges.len() < FEW {
            return None;
        }
        let parts: Vec<(usize, Range<u64>)> = layer.edges.iter().map(|edge| edge.map.part()).collect::<Option<_>>()?;
        let (axis, first) = &parts[0];
        let follow = |pair: &[(usize, Range<u64>)]| pair[0].0 == pair[1].0 && pair[0].1.end == pair[1].1.start;
        if first.start != 0 || !parts.windows(2).all(follow) {
            return None;
        }
        let starts = parts.iter().map(|(_, positions)| positions.start).collect();
        Some(Self { stride: layer.counts[axis + 1..].iter().product(), count: layer.counts[*axis], starts })
    }

    /// The number of the input that a task reads, as a range.
    pub(super) fn of_task(&self, task: u64) -> Range<usize> {
        let position = task / self.stride % self.count;
        // Parts of no blocks start where the next one does, which is the one that has the block.
        let after = self.starts.partition_point(|&start| start <= position);
        after - 1..after
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::layer::{Edge, Producer, SameKernel};
    use super::super::map::{BlockMap, Link};
    use super::super::name::Name;
    use super::*;
    use crate::kernels::Kernel;

    /// A concatenation of parts of so many blocks along the middle axis of three.
    fn layer(lens: &[u64]) -> Layer {
        let counts = vec![2, lens.iter().sum(), 3];
        let mut start = 0;
        let mut edges = Vec::new();
        for &len in lens {
            let links = vec![Link::Same(0), Link::Shifted { axis: 1, start }, Link::Same(2)];
            let map = BlockMap::separable(counts.clone(), vec![2, len, 3], links);
            edges.push(Edge { from: Producer::Layer(0), map });
            start += len;
        }
        let body = Arc::new(SameKernel(Kernel::Pass));
        Layer { label: String::new(), op: Name::of(&0), counts, edges, body, task_bytes: 0, reduces: false }
    }

    proptest! {
        #[test]
        fn the_part_is_the_one_that_has_the_block(lens in prop::collection::vec(0u64..4, FEW..20)) {
            let layer = layer(&lens);
            let parts = Parts::of(&layer).unwrap();
            for task in 0..layer.n_tasks() {
                let reads = |edge: &Edge| {
                    let mut n = 0;
                    edge.map.inputs(task, &mut |_| n += 1);
                    n > 0
                };
                let readers: Vec<usize> = (0..lens.len()).filter(|&i| reads(&layer.edges[i])).collect();
                prop_assert_eq!(parts.of_task(task).collect::<Vec<_>>(), readers);
            }
        }
    }

    #[test]
    fn few_parts_and_other_inputs_are_asked_one_by_one() {
        assert!(Parts::of(&layer(&[1, 2, 3])).is_none());
        let mut mixed = layer(&[1; FEW]);
        mixed.edges.push(Edge { from: Producer::Layer(0), map: BlockMap::Identity });
        assert!(Parts::of(&mixed).is_none());
    }
}
