//! Random shapes, cuts into chunks, and the places blocks come from.

use hyperslab::chunks::AxisSpec;
use hyperslab::element::Element;
use hyperslab::prelude::*;
use ndarray::{ArrayD, SliceInfoElem};
use proptest::prelude::*;

use super::numbers::{Bits, Sample, random};

/// A shape and the sizes of the chunks along every axis.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    pub(crate) shape: Vec<usize>,
    pub(crate) chunks: Vec<Vec<u64>>,
}

/// Where blocks come from and how they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// An array in memory, read in place.
    Memory,
    /// A function that is called for every block.
    Function,
    /// The results of an earlier run.
    Persisted,
    /// An array in memory that is not in row-major order.
    Transposed,
    /// Sparse blocks with fill value zero.
    Sparse,
    /// Dense and sparse blocks in turn.
    Mixed,
}

const STORES: [Store; 6] =
    [Store::Memory, Store::Function, Store::Persisted, Store::Transposed, Store::Sparse, Store::Mixed];

pub(crate) fn any_store() -> impl Strategy<Value = Store> {
    proptest::sample::select(STORES.to_vec())
}

pub(crate) fn any_dense_store() -> impl Strategy<Value = Store> {
    proptest::sample::select(STORES[..4].to_vec())
}

/// A length: 0 and 1 now and then.
pub(crate) fn any_len(max: usize) -> impl Strategy<Value = usize> {
    prop_oneof![10 => 2..=max, 2 => Just(1usize), 1 => Just(0usize)]
}

pub(crate) fn any_shape(max_ndim: usize, max_len: usize) -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(any_len(max_len), 0..=max_ndim)
}

/// The chunk sizes of an axis: one chunk, chunks of 1, equal ones with a ragged last, or any, even empty ones.
pub(crate) fn axis_chunks(len: usize, bits: &mut Bits) -> Vec<u64> {
    let len = len as u64;
    if len == 0 {
        return vec![0];
    }
    let kind = bits.below(8);
    if kind < 2 {
        return vec![len];
    }
    let mut sizes = Vec::new();
    let regular = if kind == 2 { 1 } else { 1 + bits.next() % len };
    let mut left = len;
    while left > 0 {
        let size = if kind < 6 { regular } else { 1 + bits.next() % len.div_ceil(2) };
        sizes.push(size.min(left));
        left -= size.min(left);
        if kind == 7 && bits.one_in(4) {
            sizes.push(0);
        }
    }
    sizes
}

pub(crate) fn chunks_of(shape: &[usize], seed: u64) -> Vec<Vec<u64>> {
    let mut bits = Bits::new(seed ^ 0xc4a5_11e5);
    shape.iter().map(|&len| axis_chunks(len, &mut bits)).collect()
}

/// A cut of a random shape.
pub(crate) fn any_cut(max_ndim: usize, max_len: usize) -> impl Strategy<Value = Cut> {
    (any_shape(max_ndim, max_len), 0u64..1 << 20).prop_map(|(shape, seed)| Cut::new(&shape, seed))
}

impl Cut {
    pub(crate) fn new(shape: &[usize], seed: u64) -> Self {
        Self { shape: shape.to_vec(), chunks: chunks_of(shape, seed) }
    }

    pub(crate) fn ndim(&self) -> usize {
        self.shape.len()
    }

    pub(crate) fn n_elems(&self) -> usize {
        self.shape.iter().product()
    }

    /// Random elements, and the lazy array of them.
    pub(crate) fn arrays<T: Sample>(&self, store: Store, seed: u64) -> (ArrayD<T>, Array<T>) {
        let eager = random(&self.shape, seed);
        let lazy = self.lazy(&eager, store);
        (eager, lazy)
    }

    /// The lazy array of given elements.
    pub(crate) fn lazy<T: Element>(&self, eager: &ArrayD<T>, store: Store) -> Array<T> {
        lazy(eager, &self.chunks, store)
    }
}

/// The lazy array of given elements in given chunks.
pub(crate) fn lazy<T: Element>(eager: &ArrayD<T>, chunks: &[Vec<u64>], store: Store) -> Array<T> {
    let chunks: Vec<AxisSpec> = chunks.iter().cloned().map(AxisSpec::Sizes).collect();
    let in_memory = || Array::from_ndarray(eager.clone(), chunks.clone()).unwrap();
    match store {
        Store::Memory => in_memory(),
        Store::Persisted => in_memory().persist().unwrap(),
        Store::Transposed => {
            let columns = eager.t().as_standard_layout().into_owned().reversed_axes();
            Array::from_ndarray(columns, chunks).unwrap()
        }
        Store::Sparse => in_memory().to_sparse(),
        Store::Mixed => {
            let options = MapBlocks::new().mixed();
            let turn = |block: BlockView<'_, T>| match block.location().number() % 2 {
                0 => Ok(Coo::from_dense(&block.dense()?)?.into()),
                _ => Ok(block.dense()?.to_owned().into()),
            };
            in_memory().map_blocks_with(options, turn).unwrap()
        }
        Store::Function => {
            let eager = eager.clone();
            let shape = eager.shape().to_vec();
            Array::from_block_fn(shape, chunks, move |at| {
                let ranges =
                    at.ranges()?.iter().map(|range| SliceInfoElem::from(range.start as usize..range.end as usize));
                Ok(eager.slice_each_axis_by(ranges.collect()).into())
            })
            .unwrap()
        }
    }
}

trait SliceBy<T> {
    fn slice_each_axis_by(&self, ranges: Vec<SliceInfoElem>) -> ArrayD<T>;
}

impl<T: Clone> SliceBy<T> for ArrayD<T> {
    fn slice_each_axis_by(&self, ranges: Vec<SliceInfoElem>) -> ArrayD<T> {
        self.slice(ranges.as_slice()).to_owned()
    }
}
