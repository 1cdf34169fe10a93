//! Reduction trees over blocks.
//!
//! A reduction combines the partial results of neighbouring blocks, a few at a time, until one is left along each reduced
//! axis. Which blocks meet is decided by their numbers alone, so results are the same bits for any number of threads:
//!
//! ```text
//! 7 blocks, 3 at a time      0 1 2   3 4 5   6
//! level 0                      0       1     2
//! level 1                              0
//! ```
//!
//! The tree knows numbers of blocks only, for all axes at once; an axis that is not reduced stays as it is.

use super::normalize::root;

/// The levels that reduce a grid of blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReductionTree {
    levels: Vec<TreeLevel>,
}

/// One level: groups of neighbouring blocks become one block each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TreeLevel {
    n_in: Vec<u64>,
    group: Vec<u64>,
}

impl ReductionTree {
    /// The tree over `n_blocks` blocks along each axis. `split_every` says how many blocks are combined at a time along
    /// each reduced axis, at least 2, and `None` for the axes that are not reduced.
    pub(crate) fn new(n_blocks: &[u64], split_every: &[Option<u64>]) -> Self {
        let mut levels = Vec::new();
        let mut n_in = n_blocks.to_vec();
        let unfinished = |n: &[u64]| n.iter().zip(split_every).any(|(&n, split)| split.is_some() && n > 1);
        while unfinished(&n_in) {
            let level =
                TreeLevel { group: split_every.iter().map(|split| split.map_or(1, |k| k.max(2))).collect(), n_in };
            n_in = level.n_out();
            levels.push(level);
        }
        Self { levels }
    }

    /// The levels, the one that reads the blocks first. None if there is one block already.
    pub(crate) fn levels(&self) -> &[TreeLevel] {
        &self.levels
    }
}

impl TreeLevel {
    /// The number of blocks that the level reads along each axis.
    pub(crate) fn n_in(&self) -> &[u64] {
        &self.n_in
    }

    /// The number of blocks that the level makes along each axis.
    pub(crate) fn n_out(&self) -> Vec<u64> {
        self.n_in.iter().zip(&self.group).map(|(&n, &group)| n.div_ceil(group)).collect()
    }

    /// How many neighbouring blocks become one along each axis: 1 where the axis stays as it is.
    pub(crate) fn groups(&self) -> &[u64] {
        &self.group
    }
}

/// How many blocks to combine along each of `n_axes` axes, so that about `split_every` are combined in all; at least 2.
pub(crate) fn split_per_axis(split_every: u64, n_axes: usize) -> u64 {
    root(split_every, n_axes.max(1) as u32).max(2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn levels_of_seven_by_three() {
        let tree = ReductionTree::new(&[7, 5], &[Some(3), None]);
        assert_eq!(tree.levels().iter().map(TreeLevel::n_out).collect::<Vec<_>>(), [[3, 5], [1, 5]]);
        assert_eq!(tree.levels().iter().map(TreeLevel::groups).collect::<Vec<_>>(), [[3, 1], [3, 1]]);
    }

    #[test]
    fn one_block_needs_no_level_and_huge_counts_few() {
        assert!(ReductionTree::new(&[1, 9], &[Some(2), None]).levels().is_empty());
        assert!(ReductionTree::new(&[], &[]).levels().is_empty());
        assert_eq!(ReductionTree::new(&[u64::MAX], &[Some(0)]).levels().len(), 64);
        let tree = ReductionTree::new(&[u64::MAX], &[Some(u64::MAX - 1)]);
        assert_eq!(tree.levels().iter().map(TreeLevel::n_out).collect::<Vec<_>>(), [[2], [1]]);
    }

    #[test]
    fn split_is_shared_by_the_axes() {
        assert_eq!([1, 2, 3].map(|n| split_per_axis(16, n)), [16, 4, 2]);
        assert_eq!(split_per_axis(0, 0), 2);
    }

    proptest! {
        #[test]
        fn levels_follow_each_other_down_to_one_block(n in 1u64..200, m in 1u64..20, split in 2u64..9) {
            let tree = ReductionTree::new(&[n, m], &[Some(split), Some(2)]);
            let mut n_in = vec![n, m];
            for level in tree.levels() {
                prop_assert_eq!(level.n_in(), &n_in[..]);
                let last_groups = level.n_out().into_iter().zip(level.groups()).map(|(n_out, group)| (n_out - 1) * group);
                prop_assert!(last_groups.zip(&n_in).all(|(before, &n)| before < n), "an empty group");
                n_in = level.n_out();
            }
            prop_assert_eq!(n_in, vec![1, 1]);
        }
    }
}
