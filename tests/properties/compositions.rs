//! Random programs of several operations: passes and fusion may not change what a program computes.

use hyperslab::prelude::*;
use ndarray::{ArrayD, Axis, IxDyn, concatenate as eager_concatenate, stack as eager_stack};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::support::eager::{broadcast_shape, folded, reshaped, scanned, stretched, zipped};
use crate::support::index::{Selection, advanced_items, any_mask, basic_items};
use crate::support::numbers::Bits;
use crate::support::runs::{any_run, check, computed, config, runtimes};
use crate::support::shapes::{Cut, any_cut, any_store, chunks_of, lazy};

/// A value of a program: computed eagerly, and as a lazy array.
#[derive(Clone)]
struct Pair {
    eager: ArrayD<i64>,
    lazy: Array<i64>,
}

/// The largest number of elements of a value: programs that grow stop growing.
const MAX_ELEMS: usize = 3000;

impl Pair {
    fn new(eager: ArrayD<i64>, lazy: Result<Array<i64>>) -> Option<Self> {
        let lazy = lazy.unwrap_or_else(|error| panic!("refused: {error}; eager shape {:?}", eager.shape()));
        (eager.len() <= MAX_ELEMS && eager.ndim() <= 6).then_some(Self { eager, lazy })
    }

    fn ndim(&self) -> usize {
        self.eager.ndim()
    }

    fn shape(&self) -> &[usize] {
        self.eager.shape()
    }

    /// A random axis, if there is one.
    fn axis(&self, bits: &mut Bits) -> Option<usize> {
        (self.ndim() > 0).then(|| bits.below(self.ndim()))
    }
}

/// The operations of programs: each makes a value of the last one, and perhaps of an earlier one.
const STEPS: [(&str, fn(&Pair, &Pair, &mut Bits) -> Option<Pair>); 30] = [
    ("affine", affine),
    ("square", |x, _, _| Pair::new(x.eager.mapv(|a| a.wrapping_mul(a)), Ok(&x.lazy * &x.lazy))),
    ("choice", choice),
    ("add", |x, y, _| binary(x, y, i64::wrapping_add, |x, y| x.try_add(y))),
    ("subtract", |x, y, _| binary(y, x, i64::wrapping_sub, |x, y| x.try_sub(y))),
    ("maximum", |x, y, _| binary(x, y, i64::max, |x, y| x.maximum(y))),
    ("types", types),
    ("transpose", |x, _, _| Pair::new(x.eager.t().to_owned(), Ok(x.lazy.transpose()))),
    ("permute", permute),
    ("reshape", reshape),
    ("expand", expand),
    ("squeeze", squeeze),
    ("flip", flip),
    ("roll", roll),
    ("rechunk", rechunk),
    ("slice", slice),
    ("slice", slice),
    ("select", select),
    ("mask", mask),
    ("concatenate", concatenate_both),
    ("stack", stack_both),
    ("broadcast", broadcast),
    ("sum", sum),
    ("centre", centre),
    ("largest", largest),
    ("cumsum", cumsum),
    ("assign", assign),
    ("store", store),
    ("map_blocks", |x, _, _| {
        let plus = x.lazy.to_dense().map_blocks(|block| Ok(block.dense()?.mapv(|a| a.wrapping_add(7)).into()));
        Pair::new(x.eager.mapv(|a| a.wrapping_add(7)), plus)
    }),
    ("overlap", overlap),
];

fn affine(x: &Pair, _: &Pair, bits: &mut Bits) -> Option<Pair> {
    let (factor, shift) = (bits.between(-3, 3), bits.between(-3, 3));
    let eager = x.eager.mapv(|a| a.wrapping_mul(factor).wrapping_add(shift));
    Pair::new(eager, Ok(&x.lazy * factor + shift))
}

fn choice(x: &Pair, _: &Pair, bits: &mut Bits) -> Option<Pair> {
    let bound = bits.between(-4, 4);
    let lazy = x.lazy.gt(bound).and_then(|large| where_(&large, &x.lazy, -1));
    Pair::new(x.eager.mapv(|a| if a > bound { a } else { -1 }), lazy)
}

fn binary(
    x: &Pair,
    y: &Pair,
    eager: fn(i64, i64) -> i64,
    lazy: impl Fn(&Array<i64>, &Array<i64>) -> Result<Array<i64>>,
) -> Option<Pair> {
    let shape = broadcast_shape(&[x.shape(), y.shape()]);
    let fits = [x, y].iter().all(|pair| pair.eager.broadcast(IxDyn(&shape)).is_some());
    if !fits || shape.iter().product::<usize>() > MAX_ELEMS {
        return None;
    }
    Pair::new(zipped(&x.eager, &y.eager, eager), lazy(&x.lazy, &y.lazy))
}

fn types(x: &Pair, _: &Pair, bits: &mut Bits) -> Option<Pair> {
    if bits.one_in(2) {
        return Pair::new(x.eager.mapv(|a| i64::from(a as i16)), Ok(x.lazy.astype::<i16>().astype()));
    }
    let halves = (x.lazy.astype::<i32>() / 2).floor().astype();
    Pair::new(x.eager.mapv(|a| (f64::from(a as i32) / 2.0).floor() as i64), Ok(halves))
}

fn permute(x: &Pair, _: &Pair, bits: &mut Bits) -> Option<Pair> {
    let mut axes: Vec<usize> = (0..x.ndim()).collect();
    for i in (1..axes.len()).rev() {
        axes.swap(i, bits.below(i + 1));
    }
    let order: Vec<isize> = axes.iter().map(|&axis| axis as isize).collect();
    Pair::new(x.eager.view().permuted_axes(IxDyn(&axes)).to_owned(), x.lazy.permute_axes(&order))
}

/// A random shape of as many elements.
fn other_shape(n_elems: usize, bits: &mut Bits) -> Vec<usize> {
    if n_elems == 0 {
        return if bits.one_in(2) { vec![0, 2] } else { vec![3, 0, 1] };
    }
    let mut left = n_elems;
    let mut shape = Vec::new();
    while left > 1 && shape.len() < 3 {
        let divisors: Vec<usize> = (1..=left).filter(|d| left.is_multiple_of(*d)).collect();
        let len = divisors[bits.below(divisors.len())];
        shape.push(len);
        left /= len;
    }
    shape.push(left);
    shape
}

fn reshape(x: &Pair, _: &Pair, bits: &mut Bits) -> Option<Pair> {
    let shape = other_shape(x.eager.len(), bits);
    Pair::new(reshaped(&x.eager, &shape), x.lazy.reshape(shape))
}

fn expand(x: &Pair, _: &Pair, bits: &mut Bits) -> Option<Pair> {
    let axis = bits.below(x.ndim() + 1);
    Pair::new(x.eager.clone().insert_axis(Axis(axis)), x.lazy.expand_dims(axis as isize))
}

fn squeeze(x: &Pair, _: &Pair, _: &mut Bits) -> Option<Pair> {
    let shape: Vec<usize> = x.shape().iter().copied().filter(|&len| len != 1).collect();
    Pair::new(reshaped(&x.eager, &shape), Ok(x.lazy.squeeze()))
}

fn flip(x: &Pair, _: &Pair, bits: &mut Bits) -> Option<Pair> {
    let axis = x.axis(bits)?;
    let mut eager = x.eager.clone();
    eager.invert_axis(Axis(axis));
    Pair::new(eager, x.lazy.flip(&[axis as isize]))
}

fn roll(x: &Pair, _: &Pair, bits: &mut Bits) -> Option<Pair> {
    let axis = x.axis(bits)?;
    let (shift, len) = (bits.between(-9, 9), x.shape()[axis] as i64);
    let positions: Vec<usize> = (0..len).map(|at| (at - shift).rem_euclid(len) as usize).collect();
    Pair::new(x.eager.select(Axis(axis), &positions), x.lazy.roll(shift, axis as isize))
}

fn rechunk(x: &Pair, _: &Pair, bits: &mut Bits) -> Option<Pair> {
    Pair::new(x.eager.clone(), x.lazy.rechunk(chunks_of(x.shape(), bits.next())))
}

fn slice(x: &Pair, _: &Pair, bits: &mut Bits) -> Option<Pair> {
    let items = basic_items(x.shape(), bits);
    Pair::new(Selection::new(&items, x.shape()).of(&x.eager), x.lazy.index(&items))
}

fn select(x: &Pair, _: &Pair, bits: &mut Bits) -> Option<Pair> {
    let items = advanced_items(x.shape(), 2, bits);
    Pair::new(Selection::new(&items, x.shape()).of(&x.eager), x.lazy.index(&items))
}

/// The elements that a lazy mask selects; their number is not known before a run, or counted in one.
fn mask(x: &Pair, _: &Pair, bits: &mut Bits) -> Option<Pair> {
    let axis = x.axis(bits)?;
    let ndim = 1 + bits.below(x.ndim() - axis);
    let cut = Cut::new(&x.shape()[axis..axis + ndim], bits.next());
    let mask = any_mask(&cut.shape, bits);
    let picked = x.lazy.mask_axis(lazy(&mask, &cut.chunks, crate::support::shapes::Store::Memory), axis as isize);
    let mut items = vec![Index::from(..); axis];
    items.push(Index::Mask(mask));
    let eager = Selection::new(&items, x.shape()).of(&x.eager);
    if bits.one_in(2) {
        return Pair::new(eager, picked.and_then(|picked| (picked * 3).compute_chunk_sizes()).map(|x| x - 1))
            .map(|pair| Pair { eager: pair.eager.mapv(|a| a.wrapping_mul(3).wrapping_sub(1)), ..pair });
    }
    let keepdims = Reduce::axes([axis as isize]).keepdims();
    let sums = folded(&eager, &[axis], true, |s| s.iter().fold(0i64, |sum, &a| sum.wrapping_add(a)));
    Pair::new(sums, picked.and_then(|picked| picked.sum_with(keepdims)))
}

fn concatenate_both(x: &Pair, y: &Pair, bits: &mut Bits) -> Option<Pair> {
    let axis = x.axis(bits)?;
    let fits = y.ndim() == x.ndim() && (0..x.ndim()).all(|a| a == axis || x.shape()[a] == y.shape()[a]);
    let y = if fits { y } else { x };
    let eager = eager_concatenate(Axis(axis), &[x.eager.view(), y.eager.view(), x.eager.view()]).ok()?;
    Pair::new(eager, concatenate(&[&x.lazy, &y.lazy, &x.lazy], axis as isize))
}

fn stack_both(x: &Pair, y: &Pair, bits: &mut Bits) -> Option<Pair> {
    let axis = bits.below(x.ndim() + 1);
    let y = if x.shape() == y.shape() { y } else { x };
    let eager = eager_stack(Axis(axis), &[x.eager.view(), y.eager.view()]).ok()?;
    Pair::new(eager, stack(&[&x.lazy, &y.lazy], axis as isize))
}

fn broadcast(x: &Pair, _: &Pair, bits: &mut Bits) -> Option<Pair> {
    let own = x.shape().iter().map(|&len| if len == 1 { bits.below(4) } else { len });
    let mut shape: Vec<usize> = own.collect();
    if bits.one_in(2) {
        shape.insert(0, bits.below(4));
    }
    Pair::new(stretched(&x.eager, &shape), x.lazy.broadcast_to(shape))
}

fn some_axes(ndim: usize, bits: &mut Bits) -> Vec<usize> {
    (0..ndim).filter(|_| bits.one_in(2)).collect()
}

fn wrapping_sum(s: &[i64]) -> i64 {
    s.iter().fold(0, |sum, &a| sum.wrapping_add(a))
}

fn sum(x: &Pair, _: &Pair, bits: &mut Bits) -> Option<Pair> {
    let axes = some_axes(x.ndim(), bits);
    let keepdims = bits.one_in(2);
    let mut options = Reduce::axes(axes.iter().map(|&axis| axis as isize)).split_every(2 + bits.next() % 3);
    if keepdims {
        options = options.keepdims();
    }
    Pair::new(folded(&x.eager, &axes, keepdims, wrapping_sum), x.lazy.sum_with(options))
}

fn centre(x: &Pair, _: &Pair, bits: &mut Bits) -> Option<Pair> {
    let axes = some_axes(x.ndim(), bits);
    let options = Reduce::axes(axes.iter().map(|&axis| axis as isize)).keepdims();
    let sums = folded(&x.eager, &axes, true, wrapping_sum);
    let lazy = x.lazy.sum_with(options).and_then(|sums| x.lazy.try_sub(&sums));
    Pair::new(zipped(&x.eager, &sums, i64::wrapping_sub), lazy)
}

fn largest(x: &Pair, _: &Pair, bits: &mut Bits) -> Option<Pair> {
    let axis = x.axis(bits)?;
    if x.shape()[axis] == 0 {
        return None;
    }
    let extreme = |s: &[i64]| s.iter().copied().max().unwrap_or(0);
    match bits.below(3) {
        0 => Pair::new(folded(&x.eager, &[axis], false, extreme), x.lazy.max_axis(axis as isize)),
        1 => {
            let first = |s: &[i64]| s.iter().position(|&a| a == extreme(s)).unwrap_or(0) as i64;
            Pair::new(folded(&x.eager, &[axis], false, first), x.lazy.argmax_axis(axis as isize))
        }
        _ => {
            let k = 1 + bits.below(3);
            let mut sorted = x.eager.clone();
            sorted.lanes_mut(Axis(axis)).into_iter().for_each(|mut lane| {
                let mut elems = lane.to_vec();
                elems.sort_unstable_by(|a, b| b.cmp(a));
                lane.assign(&ndarray::Array1::from_vec(elems));
            });
            let n = k.min(x.shape()[axis]);
            let top = sorted.select(Axis(axis), &(0..n).collect::<Vec<_>>());
            Pair::new(top, x.lazy.topk(k as i64, axis as isize))
        }
    }
}

fn cumsum(x: &Pair, _: &Pair, bits: &mut Bits) -> Option<Pair> {
    let axis = x.axis(bits)?;
    Pair::new(scanned(&x.eager, axis, 0, i64::wrapping_add), x.lazy.cumsum(axis as isize))
}

fn assign(x: &Pair, y: &Pair, bits: &mut Bits) -> Option<Pair> {
    let items = basic_items(x.shape(), bits);
    let selection = Selection::new(&items, x.shape());
    let fits = y.eager.broadcast(IxDyn(&selection.shape())).is_some();
    let mut changed = x.lazy.clone();
    if fits {
        let result = changed.assign_index(&items, &y.lazy);
        return Pair::new(selection.assigned(&x.eager, &y.eager), result.map(|()| changed));
    }
    let result = changed.assign_index(&items, 5);
    Pair::new(selection.assigned(&x.eager, &ndarray::arr0(5).into_dyn()), result.map(|()| changed))
}

fn store(x: &Pair, _: &Pair, bits: &mut Bits) -> Option<Pair> {
    let lazy = match bits.below(3) {
        0 => Ok(x.lazy.to_sparse()),
        1 => Ok(x.lazy.to_dense()),
        _ => x.lazy.persist(),
    };
    Pair::new(x.eager.clone(), lazy)
}

/// The sum of each element and its neighbours along an axis, with zeros beyond the array.
fn overlap(x: &Pair, _: &Pair, bits: &mut Bits) -> Option<Pair> {
    let axis = x.axis(bits)?;
    let len = x.shape()[axis];
    let eager = ArrayD::from_shape_fn(x.eager.raw_dim(), |at| {
        let mut at = at.clone();
        let middle = at[axis];
        let neighbours = middle.saturating_sub(1)..(middle + 2).min(len);
        neighbours.fold(0i64, |sum, position| {
            at[axis] = position;
            sum.wrapping_add(x.eager[&at])
        })
    });
    let around = Overlap::depth(0).on_axis(axis as isize, 1, 1, Boundary::Constant);
    let lazy = x.lazy.to_dense().map_overlap(around, move |block| {
        let block = block.dense()?;
        let n = block.len_of(Axis(axis));
        let part = |from: usize, to: usize| block.slice_axis(Axis(axis), ndarray::Slice::from(from..to));
        let mut sums = block.to_owned();
        if n > 2 {
            let (left, middle, right) = (part(0, n - 2), part(1, n - 1), part(2, n));
            let mut inner = sums.slice_axis_mut(Axis(axis), ndarray::Slice::from(1..n - 1));
            ndarray::Zip::from(&mut inner).and(left).and(middle).and(right).for_each(|sum, &a, &b, &c| {
                *sum = a.wrapping_add(b).wrapping_add(c);
            });
        }
        Ok(sums.into())
    });
    Pair::new(eager, lazy)
}

/// Runs a program: every value it makes, with what made it.
fn values_of(start: Pair, program: &[(usize, u64)]) -> Vec<(String, Pair)> {
    let mut values = vec![(format!("start {:?}", start.shape()), start)];
    for &(step, seed) in program {
        let mut bits = Bits::new(seed);
        let (name, step) = STEPS[step];
        let last = values[values.len() - 1].1.clone();
        let earlier = values[bits.below(values.len())].1.clone();
        if let Some(pair) = step(&last, &earlier, &mut bits) {
            values.push((format!("{name} {seed} {}", pair.lazy), pair));
        }
    }
    values
}

fn any_program(max_steps: usize) -> impl Strategy<Value = Vec<(usize, u64)>> {
    proptest::collection::vec((0..STEPS.len(), 0u64..1 << 16), 3..=max_steps)
}

fn trail(values: &[(String, Pair)]) -> String {
    values.iter().map(|(text, _)| format!("  {text}\n")).collect()
}

#[test]
fn programs_compute_what_their_steps_compute() {
    proptest!(config(250), |(
        cut in any_cut(3, 6), store in any_store(), seed in 0u64..1000, run in any_run(), program in any_program(8)
    )| {
        let (eager, lazy) = cut.arrays::<i64>(store, seed);
        let values = values_of(Pair { eager, lazy }, &program);
        let with_trail = |error: TestCaseError| TestCaseError::fail(format!("{error}\n{}", trail(&values)));
        let (_, last) = &values[values.len() - 1];
        check(run, &last.lazy, &last.eager).map_err(with_trail)?;
        // Values on the way together with the last one, in one run.
        let (_, middle) = &values[values.len() / 2];
        let (a, b) = (middle.lazy.to_dense(), last.lazy.to_dense());
        let (a, b) = runtimes()[run].enter(|| compute!(a, b)).unwrap();
        prop_assert!(a == middle.eager && b == last.eager, "{}", trail(&values));
    });
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    proptest!(config(40), |(
        cut in any_cut(3, 8), store in any_store(), seed in 0u64..1000, program in any_program(6)
    )| {
        let (eager, lazy) = cut.arrays::<i64>(store, seed);
        let values = values_of(Pair { eager, lazy }, &program);
        let (_, last) = &values[values.len() - 1];
        let inexact = last.lazy.to_dense().astype::<f64>() * 0.1 + 0.3;
        let results = [inexact.sum(), inexact.mean(), inexact.var(), inexact.clone(), (&inexact * &inexact).prod()];
        for result in results {
            let bits_on = |run: usize| {
                computed(run, &result).map(|a| a.iter().map(|x: &f64| x.to_bits()).collect::<Vec<u64>>())
            };
            let expected = bits_on(0).unwrap();
            for run in 1..runtimes().len() {
                prop_assert_eq!(&bits_on(run).unwrap(), &expected, "run {} of {}", run, &result);
            }
        }
    });
}
