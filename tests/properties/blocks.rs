//! Functions of blocks, with and without a margin.

use hyperslab::prelude::*;
use ndarray::{ArrayD, Axis, IxDyn};
use proptest::prelude::*;

use crate::support::numbers::Bits;
use crate::support::runs::{any_run, check, config};
use crate::support::shapes::{any_cut, any_dense_store, any_store};

#[test]
fn functions_see_every_block_once_and_in_place() {
    proptest!(config(40), |(cut in any_cut(3, 6), store in any_store(), seed in 0u64..1 << 20, run in any_run())| {
        let (a, x) = cut.arrays::<i64>(store, seed);
        let doubled = x.map_blocks(|block| Ok(block.to_dense()?.mapv(|a| a * 2).into())).unwrap();
        check(run, &doubled, &a.mapv(|a| a * 2))?;
        // The number of each element in row-major order, from the place of its block.
        let shape = cut.shape.clone();
        let numbers = x.map_blocks(move |block| {
            let ranges = block.location().ranges()?.to_vec();
            let number = |at: IxDyn| {
                let along = ranges.iter().zip(&shape).enumerate();
                along.fold(0i64, |n, (axis, (range, &len))| n * len as i64 + range.start as i64 + at[axis] as i64)
            };
            Ok(ArrayD::from_shape_fn(IxDyn(&block.shape()), number).into())
        });
        let expected = ArrayD::from_shape_vec(a.raw_dim(), (0..a.len() as i64).collect()).unwrap();
        check(run, &numbers.unwrap(), &expected)?;
        let y = (&x * 10).rechunk(cut.chunks.clone()).unwrap();
        let both = x.map_blocks_zip(&y, |a, b| Ok((&a.to_dense()? + &b.to_dense()?).into_dyn().into())).unwrap();
        check(run, &both, &a.mapv(|a| a * 11))?;
        let sparse = x.map_blocks_sparse(|block| Coo::from_dense(&block.to_dense()?.view())).unwrap();
        prop_assert!(sparse.layout().is_sparse());
        check(run, &sparse, &a)?;
    });
}

#[test]
fn functions_may_change_the_axes_and_the_sizes_of_blocks() {
    proptest!(config(30), |(cut in any_cut(3, 6), store in any_store(), seed in 0u64..1 << 20, run in any_run())| {
        if cut.ndim() == 0 {
            return Ok(());
        }
        let axis = Bits::new(seed).below(cut.ndim());
        let (a, x) = cut.arrays::<i64>(store, seed);
        let whole = x.rechunk(Chunks::keep().with_axis(axis as isize, -1)).unwrap();
        let dropping = MapBlocks::new().drop_axes([axis as isize]);
        let sums = whole.map_blocks_with(dropping, move |block| Ok(block.to_dense()?.sum_axis(Axis(axis)).into()));
        check(run, &sums.unwrap(), &a.sum_axis(Axis(axis)))?;
        let adding = MapBlocks::new().new_axes([axis as isize]);
        let raised = x.map_blocks_with(adding, move |block| {
            Ok(block.to_dense()?.to_owned().insert_axis(Axis(axis)).into())
        });
        check(run, &raised.unwrap(), &a.clone().insert_axis(Axis(axis)))?;
        // Every block twice, one behind the other.
        let mut sizes = cut.chunks.clone();
        sizes[axis].iter_mut().for_each(|size| *size *= 2);
        let twice = x.map_blocks_with(MapBlocks::new().chunks(sizes), move |block| {
            let block = block.to_dense()?;
            let both = ndarray::concatenate(Axis(axis), &[block.view(), block.view()]);
            Ok(both.expect("blocks of one shape join").into())
        });
        let sum = twice.unwrap().sum_axis(axis as isize).unwrap();
        check(run, &sum, &a.sum_axis(Axis(axis)).mapv(|a| a * 2))?;
    });
}

const BOUNDARIES: [Boundary; 5] =
    [Boundary::None, Boundary::Reflect, Boundary::Periodic, Boundary::Nearest, Boundary::Constant];

/// The position that stands at `at`, which may lie outside the axis; `None` for the constant, or nothing.
fn source(at: i64, len: i64, boundary: Boundary) -> Option<usize> {
    let position = match boundary {
        _ if (0..len).contains(&at) => at,
        Boundary::None | Boundary::Constant => return None,
        Boundary::Nearest => at.clamp(0, len - 1),
        Boundary::Periodic => at.rem_euclid(len),
        Boundary::Reflect => {
            let phase = at.rem_euclid(2 * len);
            if phase < len { phase } else { 2 * len - 1 - phase }
        }
    };
    Some(position as usize)
}

/// The margins of all axes.
#[derive(Clone, Debug)]
struct Margins(Vec<(u64, u64, Boundary)>);

impl Margins {
    fn new(shape: &[usize], seed: u64) -> Self {
        let mut bits = Bits::new(seed);
        let margin = |&len: &usize| {
            let boundary = BOUNDARIES[bits.below(5)];
            let boundary = if len == 0 { Boundary::Constant } else { boundary };
            (bits.next() % 4, bits.next() % 4, boundary)
        };
        Self(shape.iter().map(margin).collect())
    }

    fn overlap(&self) -> Overlap {
        let start = Overlap::depth(0).constant(9i64);
        let named = self.0.iter().enumerate();
        named.fold(start, |overlap, (axis, &(before, after, boundary))| {
            overlap.on_axis(axis as isize, before, after, boundary)
        })
    }

    /// For each element the sum of the elements around it, weighted by their distance.
    fn weighted(&self, a: &ArrayD<i64>) -> ArrayD<i64> {
        ArrayD::from_shape_fn(a.raw_dim(), |at| self.weigh(a, &at, &mut Vec::new(), 1))
    }

    fn weigh(&self, a: &ArrayD<i64>, at: &IxDyn, chosen: &mut Vec<Option<usize>>, weight: i64) -> i64 {
        let axis = chosen.len();
        let Some(&(before, after, boundary)) = self.0.get(axis) else {
            let position: Option<Vec<usize>> = chosen.iter().copied().collect();
            return weight * position.map_or(9, |position| a[IxDyn(&position)]);
        };
        let mut sum = 0;
        for shift in -(before as i64)..=after as i64 {
            let source = source(at[axis] as i64 + shift, a.shape()[axis] as i64, boundary);
            if source.is_none() && boundary == Boundary::None {
                continue;
            }
            chosen.push(source);
            sum += self.weigh(a, at, chosen, weight * (shift + 5));
            chosen.pop();
        }
        sum
    }
}

/// What [`Margins::weighted`] computes, from a block with its margins; elements of the margins get any value.
fn weighted_block(block: &ArrayD<i64>, margins: &[(u64, u64)]) -> ArrayD<i64> {
    let mut result = block.clone();
    for (axis, &(before, after)) in margins.iter().enumerate() {
        let len = result.shape()[axis] as i64;
        result = ArrayD::from_shape_fn(result.raw_dim(), |at| {
            let mut from = at.clone();
            (-(before as i64)..=after as i64)
                .filter(|shift| (0..len).contains(&(at[axis] as i64 + shift)))
                .map(|shift| {
                    from[axis] = (at[axis] as i64 + shift) as usize;
                    (shift + 5) * result[&from]
                })
                .sum()
        });
    }
    result
}

#[test]
fn margins_with_every_boundary() {
    proptest!(config(60), |(
        cut in any_cut(3, 5), store in any_dense_store(), seed in 0u64..1 << 20, run in any_run()
    )| {
        let (a, x) = cut.arrays::<i64>(store, seed);
        let margins = Margins::new(&cut.shape, seed);
        let expected = margins.weighted(&a);
        let depths: Vec<(u64, u64)> = margins.0.iter().map(|&(before, after, _)| (before, after)).collect();
        let lazy = x.map_overlap(margins.overlap(), move |block| {
            Ok(weighted_block(&block.dense()?.to_owned(), &depths).into())
        });
        check(run, &lazy.unwrap(), &expected)?;
    });
}

#[test]
fn sparse_blocks_have_margins_too() {
    proptest!(config(20), |(cut in any_cut(2, 6), seed in 0u64..1 << 20, run in any_run())| {
        let (a, x) = cut.arrays::<i64>(crate::support::shapes::Store::Sparse, seed);
        let sums = x.map_overlap(Overlap::depth(1).boundary(Boundary::Constant), |block| {
            Ok(weighted_block(&block.to_dense()?.to_owned(), &vec![(1, 1); block.shape().len()]).into())
        });
        let margins = Margins(vec![(1, 1, Boundary::Constant); cut.ndim()]);
        // The constant is zero, as the fill value is.
        let zeros = |a: &ArrayD<i64>| margins.weighted(a) - margins.weighted(&ArrayD::zeros(a.raw_dim()));
        check(run, &sums.unwrap(), &zeros(&a))?;
    });
}

#[test]
fn blocks_by_their_number() {
    proptest!(config(30), |(cut in any_cut(2, 6), store in any_store(), seed in 0u64..1 << 20, run in any_run())| {
        let mut bits = Bits::new(seed);
        if cut.ndim() == 0 || cut.n_elems() == 0 {
            return Ok(());
        }
        let (a, x) = cut.arrays::<i64>(store, seed);
        let counts = x.grid().block_counts();
        let n = 1 + bits.below(4);
        let picks = crate::support::index::any_list(counts[0] as usize, n, &mut bits);
        let ends: Vec<u64> = cut.chunks[0].iter().scan(0, |end, size| { *end += size; Some(*end) }).collect();
        let positions = picks.iter().flat_map(|&pick| {
            let block = pick.rem_euclid(counts[0] as i64) as usize;
            (ends[block] - cut.chunks[0][block]) as usize..ends[block] as usize
        });
        let expected = a.select(Axis(0), &positions.collect::<Vec<usize>>());
        check(run, &x.blocks(&[Index::List(picks)]).unwrap(), &expected)?;
    });
}
