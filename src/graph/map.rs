//! Which blocks a task reads, and which tasks read a block: both computed from indices.
//!
//! A [`BlockMap`] stands on an edge between two layers. Almost every operation treats each axis by itself, so the blocks
//! that a task reads are a product of per-axis lists, and so are the tasks that read a block:
//!
//! ```text
//! output axes      (i, j)          out block (i, j) of a @ b, contracting k
//! lhs links        Same(0), All    reads lhs (i, every k);  lhs (i, k) is read by (i, every j)
//! rhs links        All, Same(1)    reads rhs (every k, j);  rhs (k, j) is read by (every i, j)
//! ```
//!
//! Memory is O(blocks along an axis) at most; [`Explicit`] lists serve what does not separate.

use std::ops::Range;
use std::sync::Arc;

use crate::chunks::slicing::{BlockSet, PieceTable};
use crate::chunks::tree::TreeLevel;
use crate::chunks::window::HaloAxis;

/// How the tasks of a layer read the blocks of one of its inputs.
#[derive(Clone, Debug)]
pub(crate) enum BlockMap {
    /// Task `i` reads block `i`.
    Identity,
    /// Each input axis follows one output axis, or none.
    Separable(Separable),
    /// Task `i` reads the result of task `i - stride` of the same layer, unless it is first in its line.
    Previous { stride: u64, count: u64 },
    /// Task `i` reads block `i * stride + offset`; `offset` is below `stride`.
    Strided { stride: u64, offset: u64 },
    /// Any lists.
    Explicit(Arc<Explicit>),
}

/// One link per input axis, over the numbers of blocks along each axis.
#[derive(Clone, Debug)]
pub(crate) struct Separable {
    out_counts: Vec<u64>,
    in_counts: Vec<u64>,
    links: Vec<Link>,
    /// For each output axis, the input axis that follows it.
    followers: Vec<Option<usize>>,
}

/// How one input axis follows the output.
#[derive(Clone, Debug)]
pub(crate) enum Link {
    /// The same position as on this output axis.
    Same(usize),
    /// Always this position.
    At(u64),
    /// Position `o` of the output axis covers `o * fan .. (o + 1) * fan`.
    Group { axis: usize, fan: u64 },
    /// Position `o` of the output axis reads position `o - start`, where there is one: one part of a concatenation.
    Shifted { axis: usize, start: u64 },
    /// Lists by position on the output axis.
    Table { axis: usize, table: Arc<Explicit> },
    /// The blocks that the pieces of an output chunk come from.
    Pieces { axis: usize, table: Arc<PieceTable> },
    /// A block and the neighbours that its margin reaches into.
    Halo { axis: usize, halo: Arc<HaloAxis> },
}

impl Link {
    fn out_axis(&self) -> Option<usize> {
        match self {
            Link::Same(axis)
            | Link::Group { axis, .. }
            | Link::Shifted { axis, .. }
            | Link::Table { axis, .. }
            | Link::Pieces { axis, .. }
            | Link::Halo { axis, .. } => Some(*axis),
            Link::At(_) => None,
        }
    }
}

/// Lists of inputs by output, and the inverse.
#[derive(Clone, Debug)]
pub(crate) struct Explicit {
    inputs: Lists,
    users: Lists,
}

/// Concatenated lists: list `i` is `items[starts[i]..starts[i + 1]]`.
#[derive(Clone, Debug)]
struct Lists {
    starts: Vec<u64>,
    items: Vec<u64>,
}

impl Lists {
    fn get(&self, i: u64) -> &[u64] {
        &self.items[self.starts[i as usize] as usize..self.starts[i as usize + 1] as usize]
    }

    fn has_no_empty_list(&self) -> bool {
        self.starts.windows(2).all(|w| w[0] < w[1])
    }

    fn inverse(&self, n_items: u64) -> Lists {
        let mut starts = vec![0u64; n_items as usize + 1];
        for &item in &self.items {
            starts[item as usize + 1] += 1;
        }
        for i in 0..n_items as usize {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut items = vec![0u64; self.items.len()];
        for list in 0..self.starts.len() as u64 - 1 {
            for &item in self.get(list) {
                items[next[item as usize] as usize] = list;
                next[item as usize] += 1;
            }
        }
        Lists { starts, items }
    }
}

impl Explicit {
    /// From the lists of inputs by output, with inputs numbered below `n_inputs`.
    pub(crate) fn new(lists: impl IntoIterator<Item = Vec<u64>>, n_inputs: u64) -> Self {
        let (mut starts, mut items) = (vec![0u64], Vec::new());
        for list in lists {
            items.extend(list);
            starts.push(items.len() as u64);
        }
        let inputs = Lists { starts, items };
        Self { users: inputs.inverse(n_inputs), inputs }
    }

    /// The inputs of output `out`, in order.
    pub(crate) fn inputs(&self, out: u64) -> &[u64] {
        self.inputs.get(out)
    }
}

/// The positions along one axis that take part.
enum Positions<'a> {
    Range(Range<u64>),
    List(&'a [u64]),
    Set(BlockSet<'a>),
}

impl Positions<'_> {
    fn len(&self) -> u64 {
        match self {
            Positions::Range(range) => range.end.saturating_sub(range.start),
            Positions::List(list) => list.len() as u64,
            Positions::Set(set) => set.len() as u64,
        }
    }

    fn for_each(&self, mut visit: impl FnMut(u64)) {
        match self {
            Positions::Range(range) => range.clone().for_each(visit),
            Positions::List(list) => list.iter().for_each(|&position| visit(position)),
            Positions::Set(set) => set.iter().for_each(visit),
        }
    }
}

/// Positions along each axis from a linear number, without an allocation for up to eight axes.
struct Coords {
    inline: [u64; 8],
    heap: Vec<u64>,
    n: usize,
}

impl Coords {
    fn new(mut linear: u64, counts: &[u64]) -> Self {
        let n = counts.len();
        let mut coords = Coords { inline: [0; 8], heap: if n > 8 { vec![0; n] } else { Vec::new() }, n };
        for (axis, &count) in counts.iter().enumerate().rev() {
            coords.as_mut()[axis] = linear % count;
            linear /= count;
        }
        coords
    }

    fn as_mut(&mut self) -> &mut [u64] {
        if self.n > 8 { &mut self.heap } else { &mut self.inline[..self.n] }
    }

    fn get(&self, axis: usize) -> u64 {
        if self.n > 8 { self.heap[axis] } else { self.inline[axis] }
    }
}

impl Separable {
    fn inputs_along(&self, axis: usize, out: &Coords) -> Positions<'_> {
        let count = self.in_counts[axis];
        match &self.links[axis] {
            Link::Same(o) => Positions::Range(out.get(*o)..out.get(*o) + 1),
            Link::At(position) => Positions::Range(*position..position + 1),
            Link::Group { axis: o, fan } => {
                let start = out.get(*o) * fan;
                Positions::Range(start..(start + fan).min(count))
            }
            Link::Shifted { axis: o, start } => match out.get(*o).checked_sub(*start) {
                Some(position) if position < count => Positions::Range(position..position + 1),
                Some(_) | None => Positions::Range(0..0),
            },
            Link::Table { axis: o, table } => Positions::List(table.inputs(out.get(*o))),
            Link::Pieces { axis: o, table } => Positions::Set(table.blocks_of(out.get(*o))),
            Link::Halo { axis: o, halo } => Positions::Set(halo.blocks_of(out.get(*o))),
        }
    }

    fn users_along(&self, out_axis: usize, input: &Coords) -> Positions<'_> {
        let Some(axis) = self.followers[out_axis] else { return Positions::Range(0..self.out_counts[out_axis]) };
        let position = input.get(axis);
        match &self.links[axis] {
            Link::Group { fan, .. } => Positions::Range(position / fan..position / fan + 1),
            Link::Shifted { start, .. } => {
                let end = (position + start + 1).min(self.out_counts[out_axis]);
                Positions::Range(position + start..end)
            }
            Link::Table { table, .. } => Positions::List(table.users.get(position)),
            Link::Pieces { table, .. } => Positions::Set(table.users_of(position)),
            Link::Halo { halo, .. } => Positions::Set(halo.users_of(position)),
            Link::Same(_) | Link::At(_) => Positions::Range(position..position + 1),
        }
    }

    fn reads_all_along(&self, axis: usize) -> bool {
        let in_count = self.in_counts[axis];
        match &self.links[axis] {
            Link::At(_) => in_count == 1,
            Link::Same(o) => self.out_counts[*o] == in_count,
            Link::Group { axis: o, fan } => self.out_counts[*o] * fan >= in_count,
            Link::Shifted { axis: o, start } => start + in_count <= self.out_counts[*o],
            Link::Table { table, .. } => table.users.has_no_empty_list(),
            Link::Pieces { table, .. } => (0..in_count).all(|block| table.users_of(block).len() > 0),
            Link::Halo { halo, .. } => (0..in_count).all(|block| halo.users_of(block).len() > 0),
        }
    }

    fn is_read(&self, input: &Coords) -> bool {
        let missed = |(axis, link): (usize, &Link)| matches!(link, Link::At(at) if input.get(axis) != *at);
        !self.links.iter().enumerate().any(missed)
    }

    fn for_each_input(&self, axis: usize, linear: u64, out: &Coords, visit: &mut dyn FnMut(u64)) {
        if axis == self.links.len() {
            return visit(linear);
        }
        let count = self.in_counts[axis];
        self.inputs_along(axis, out)
            .for_each(|position| self.for_each_input(axis + 1, linear * count + position, out, visit));
    }

    fn for_each_user(&self, axis: usize, linear: u64, input: &Coords, visit: &mut dyn FnMut(u64)) {
        if axis == self.out_counts.len() {
            return visit(linear);
        }
        let count = self.out_counts[axis];
        self.users_along(axis, input)
            .for_each(|position| self.for_each_user(axis + 1, linear * count + position, input, visit));
    }
}

impl BlockMap {
    /// A map from one link per input axis. An output axis may be followed by one input axis only: use
    /// [`BlockMap::explicit`] for diagonals.
    pub(crate) fn separable(out_counts: Vec<u64>, in_counts: Vec<u64>, links: Vec<Link>) -> Self {
        let same_everywhere = links.iter().enumerate().all(|(axis, link)| matches!(link, Link::Same(o) if *o == axis));
        if same_everywhere && out_counts == in_counts {
            return BlockMap::Identity;
        }
        let mut followers = vec![None; out_counts.len()];
        for (axis, link) in links.iter().enumerate() {
            if let Some(out_axis) = link.out_axis() {
                debug_assert!(followers[out_axis].is_none(), "two input axes follow output axis {out_axis}");
                followers[out_axis] = Some(axis);
            }
        }
        BlockMap::Separable(Separable { out_counts, in_counts, links, followers })
    }

    /// The map of one level of a reduction tree: neighbouring blocks go into one.
    pub(crate) fn of_level(level: &TreeLevel) -> Self {
        let link = |(axis, &fan): (usize, &u64)| if fan == 1 { Link::Same(axis) } else { Link::Group { axis, fan } };
        let links = level.groups().iter().enumerate().map(link).collect();
        BlockMap::separable(level.n_out(), level.n_in().to_vec(), links)
    }

    /// Any lists of inputs by output.
    pub(crate) fn explicit(lists: impl IntoIterator<Item = Vec<u64>>, n_inputs: u64) -> Self {
        BlockMap::Explicit(Arc::new(Explicit::new(lists, n_inputs)))
    }

    /// The output axis on which the input is one part of a concatenation, and the positions of the part.
    pub(crate) fn part(&self) -> Option<(usize, Range<u64>)> {
        let BlockMap::Separable(map) = self else { return None };
        map.links.iter().zip(&map.in_counts).find_map(|(link, count)| match link {
            Link::Shifted { axis, start } => Some((*axis, *start..start + count)),
            _ => None,
        })
    }

    /// Calls `visit` for each block that task `out` reads, in the order of its kernel.
    pub(crate) fn inputs(&self, out: u64, visit: &mut dyn FnMut(u64)) {
        match self {
            BlockMap::Identity => visit(out),
            BlockMap::Separable(map) => map.for_each_input(0, 0, &Coords::new(out, &map.out_counts), visit),
            BlockMap::Previous { stride, count } => {
                if !(out / stride).is_multiple_of(*count) {
                    visit(out - stride);
                }
            }
            BlockMap::Strided { stride, offset } => visit(out * stride + offset),
            BlockMap::Explicit(lists) => lists.inputs.get(out).iter().for_each(|&input| visit(input)),
        }
    }

    /// Calls `visit` for each task that reads block `input`, as often as it reads it.
    pub(crate) fn users(&self, input: u64, visit: &mut dyn FnMut(u64)) {
        match self {
            BlockMap::Identity => visit(input),
            BlockMap::Separable(map) => {
                let coords = Coords::new(input, &map.in_counts);
                if map.is_read(&coords) {
                    map.for_each_user(0, 0, &coords, visit);
                }
            }
            BlockMap::Previous { stride, count } => {
                if input / stride % count + 1 < *count {
                    visit(input + stride);
                }
            }
            BlockMap::Strided { stride, offset } => {
                if input % stride == *offset {
                    visit(input / stride);
                }
            }
            BlockMap::Explicit(lists) => lists.users.get(input).iter().for_each(|&user| visit(user)),
        }
    }

    /// Whether every block is read by some task, as far as that is cheap to tell.
    pub(crate) fn reads_all(&self) -> bool {
        match self {
            BlockMap::Identity => true,
            BlockMap::Separable(map) => (0..map.links.len()).all(|axis| map.reads_all_along(axis)),
            BlockMap::Previous { .. } => false,
            BlockMap::Strided { stride, .. } => *stride == 1,
            BlockMap::Explicit(lists) => lists.users.has_no_empty_list(),
        }
    }

    /// How many times block `input` is read.
    pub(crate) fn n_users(&self, input: u64) -> u64 {
        match self {
            BlockMap::Identity => 1,
            BlockMap::Separable(map) => {
                let coords = Coords::new(input, &map.in_counts);
                if !map.is_read(&coords) {
                    return 0;
                }
                (0..map.out_counts.len()).map(|axis| map.users_along(axis, &coords).len()).product()
            }
            BlockMap::Previous { stride, count } => u64::from(input / stride % count + 1 < *count),
            BlockMap::Strided { stride, offset } => u64::from(input % stride == *offset),
            BlockMap::Explicit(lists) => lists.users.get(input).len() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chunks::tree::ReductionTree;

    fn inputs_of(map: &BlockMap, out: u64) -> Vec<u64> {
        let mut found = Vec::new();
        map.inputs(out, &mut |i| found.push(i));
        found
    }

    fn check_inverse(map: &BlockMap, n_out: u64, n_in: u64) {
        let mut users = vec![Vec::new(); n_in as usize];
        for out in 0..n_out {
            for input in inputs_of(map, out) {
                users[input as usize].push(out);
            }
        }
        for input in 0..n_in {
            let mut found = Vec::new();
            map.users(input, &mut |user| found.push(user));
            found.sort_unstable();
            assert_eq!(found, users[input as usize], "users of {input} in {map:?}");
            assert_eq!(map.n_users(input), found.len() as u64);
        }
    }

    #[test]
    fn a_level_of_a_tree_reads_neighbours() {
        let tree = ReductionTree::new(&[2, 7], &[None, Some(3)]);
        let map = BlockMap::of_level(&tree.levels()[0]);
        assert_eq!(inputs_of(&map, 4), [10, 11, 12]);
        assert_eq!(inputs_of(&map, 5), [13]);
        check_inverse(&map, 6, 14);
        check_inverse(&BlockMap::of_level(&tree.levels()[1]), 2, 6);
    }

    #[test]
    fn previous_links_lines_along_an_axis() {
        let map = BlockMap::Previous { stride: 2, count: 3 };
        assert!(inputs_of(&map, 1).is_empty());
        assert_eq!(inputs_of(&map, 5), [3]);
        check_inverse(&map, 12, 12);
        check_inverse(&BlockMap::Strided { stride: 3, offset: 2 }, 4, 12);
    }

    fn link(axis: usize, out_count: u64, in_count: u64) -> BoxedStrategy<Link> {
        let lists = prop::collection::vec(prop::collection::vec(0..in_count, 0..4), out_count as usize);
        prop_oneof![
            (0..in_count).prop_map(Link::At),
            (0..3u64).prop_map(move |start| Link::Shifted { axis, start }),
            Just(Link::Group { axis, fan: in_count.div_ceil(out_count) }),
            lists.prop_map(move |lists| Link::Table { axis, table: Arc::new(Explicit::new(lists, in_count)) }),
        ]
        .boxed()
    }

    proptest! {
        #[test]
        fn users_are_the_inverse_of_inputs(
            (out, input, links, swap) in (1u64..4, 1u64..4, 1u64..4, 1u64..4, any::<bool>()).prop_flat_map(
                |(o0, o1, i0, i1, swap)| {
                    let (a, b) = if swap { (1, 0) } else { (0, 1) };
                    let out = [o0, o1];
                    (Just(vec![o0, o1]), Just(vec![i0, i1]), (link(a, out[a], i0), link(b, out[b], i1)), Just(swap))
                })
        ) {
            let _ = swap;
            let (n_out, n_in) = (out.iter().product(), input.iter().product());
            let map = BlockMap::separable(out, input, vec![links.0, links.1]);
            check_inverse(&map, n_out, n_in);
            if map.reads_all() {
                prop_assert!((0..n_in).all(|input| map.n_users(input) > 0));
            }
        }
    }
}
