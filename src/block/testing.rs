//! What tests compare blocks with.

use super::{Block, BlockData, with_block};
use crate::element::Element;

/// Whether type, layout, shape and every bit of two blocks are the same.
pub(crate) fn is_same(a: &Block, b: &Block) -> bool {
    let kind = |block: &Block| (block.dtype(), block.is_sparse(), block.shape());
    kind(a) == kind(b) && with_block!(a, T, data => bytes::<T>(data) == bytes::<T>(b.typed().expect("of one type")))
}

fn bytes<T: Element>(data: &BlockData<T>) -> Vec<u8> {
    match data {
        BlockData::Dense(array) => T::as_bytes(&array.iter().copied().collect::<Vec<_>>()).to_vec(),
        BlockData::Sparse(coo) => {
            let keys = format!("{:?}", coo.keys());
            [T::as_bytes(coo.values()), T::as_bytes(&[coo.fill()]), keys.as_bytes()].concat()
        }
    }
}
