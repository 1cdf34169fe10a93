//! From values to headers and frames.

use std::fmt;
use std::sync::Arc;

use ndarray::{ArcArray, IxDyn};

use super::{DENSE, MAGIC, MAX_DEPTH, PARTS, SPARSE, VERSION};
use crate::block::{BlockData, Value, with_block};
use crate::element::bytes::swap_byte_order;
use crate::element::{DType, Element};
use crate::error::{Error, Result};
use crate::sparse::Coo;
use crate::sparse::keys::with_keys;

const OP: &str = "encode";

/// A run of bytes that holds what it points into: it can outlive the value that it was made from. Cloning copies a pointer.
#[derive(Clone)]
pub(crate) struct Frame(Arc<dyn AsRef<[u8]> + Send + Sync>);

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} bytes)", self.as_ref().len())
    }
}

/// A value as bytes.
#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    pub(crate) header: Vec<u8>,
    pub(crate) frames: Vec<Frame>,
}

impl Encoded {
    /// The bytes of a value. Elements are copied only where they do not lie together in memory.
    ///
    /// # Errors
    /// The value was written to its destination already, has more than 255 axes, or is nested too deeply.
    pub(crate) fn of(value: &Value) -> Result<Encoded> {
        let mut encoded = Encoded { header: Vec::with_capacity(64), frames: Vec::new() };
        encoded.header.extend_from_slice(&MAGIC);
        encoded.header.push(VERSION);
        encoded.value(value, 0)?;
        Ok(encoded)
    }

    /// The bytes of header and frames.
    pub(crate) fn n_bytes(&self) -> usize {
        self.header.len() + self.frames.iter().map(|frame| frame.as_ref().len()).sum::<usize>()
    }

    /// Header and frames, one behind the other.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.n_bytes());
        bytes.extend_from_slice(&self.header);
        self.frames.iter().for_each(|frame| bytes.extend_from_slice(frame.as_ref()));
        bytes
    }

    fn value(&mut self, value: &Value, depth: usize) -> Result<()> {
        match value {
            Value::Block(block) => with_block!(block, T, data => match data {
                BlockData::Dense(array) => self.dense::<T>(array),
                BlockData::Sparse(coo) => self.sparse::<T>(coo),
            }),
            Value::Parts(_) if depth == MAX_DEPTH => Err(Error::bug(OP, "parts are nested too deeply")),
            Value::Parts(parts) => {
                let n = u32::try_from(parts.len()).map_err(|_| Error::bug(OP, "2^32 parts or more"))?;
                self.header.push(PARTS);
                self.header.extend_from_slice(&n.to_le_bytes());
                parts.iter().try_for_each(|part| self.value(part, depth + 1))
            }
            Value::Placed => Err(Error::bug(OP, "a block that was written to its destination has no bytes")),
        }
    }

    fn dense<T: Element>(&mut self, array: &ArcArray<T, IxDyn>) -> Result<()> {
        self.start(DENSE, T::DTYPE, array.shape().iter().map(|&len| len as u64))?;
        let order = memory_order(array);
        self.header.extend(order.iter().map(|&axis| axis as u8));
        let stored = array.clone().permuted_axes(order);
        let stored = match stored.is_standard_layout() {
            true => stored,
            false => stored.as_standard_layout().into_owned().into_shared(),
        };
        self.frames.push(match cfg!(target_endian = "little") {
            true => Frame(Arc::new(Elements(stored))),
            false => swapped(stored.iter().copied().collect()),
        });
        Ok(())
    }

    fn sparse<T: Element>(&mut self, coo: &Coo<T>) -> Result<()> {
        self.start(SPARSE, T::DTYPE, coo.shape().iter().copied())?;
        self.header.extend_from_slice(&(coo.nnz() as u64).to_le_bytes());
        let mut fill = [coo.fill()];
        if cfg!(target_endian = "little") {
            self.frames.extend([Frame(Arc::new(KeysOf(coo.clone()))), Frame(Arc::new(ValuesOf(coo.clone())))]);
        } else {
            swap_byte_order(&mut fill);
            let keys =
                with_keys!(coo.keys(), keys => keys.iter().flat_map(|key| key.to_le_bytes()).collect::<Vec<u8>>());
            self.frames.extend([Frame(Arc::new(keys)), swapped(coo.values().to_vec())]);
        }
        self.header.extend_from_slice(T::as_bytes(&fill));
        Ok(())
    }

    fn start(&mut self, tag: u8, dtype: DType, shape: impl ExactSizeIterator<Item = u64>) -> Result<()> {
        let n_axes = shape.len();
        let n_axes =
            u8::try_from(n_axes).map_err(|_| Error::shape(OP, format!("{n_axes} axes, at most 255 can be sent")))?;
        self.header.extend_from_slice(&[tag, dtype as u8, n_axes]);
        shape.for_each(|len| self.header.extend_from_slice(&len.to_le_bytes()));
        Ok(())
    }
}

/// The axes from the one that varies slowest in memory to the one that varies fastest.
fn memory_order<T>(array: &ArcArray<T, IxDyn>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..array.ndim()).collect();
    if !array.is_standard_layout() {
        order.sort_by_key(|&axis| std::cmp::Reverse(array.strides()[axis].unsigned_abs()));
    }
    order
}

/// Elements in this machine's byte order, which is not that of the format.
fn swapped<T: Element>(mut elems: Vec<T>) -> Frame {
    swap_byte_order(&mut elems);
    Frame(Arc::new(T::as_bytes(&elems).to_vec()))
}

/// The elements of a row-major array.
struct Elements<T>(ArcArray<T, IxDyn>);

impl<T: Element> AsRef<[u8]> for Elements<T> {
    fn as_ref(&self) -> &[u8] {
        // `Encoded::dense` makes no other ones.
        T::as_bytes(self.0.as_slice().expect("the array is row-major"))
    }
}

struct KeysOf<T: Element>(Coo<T>);

impl<T: Element> AsRef<[u8]> for KeysOf<T> {
    fn as_ref(&self) -> &[u8] {
        with_keys!(self.0.keys(), keys => bytemuck::cast_slice(keys.as_slice()))
    }
}

struct ValuesOf<T: Element>(Coo<T>);

impl<T: Element> AsRef<[u8]> for ValuesOf<T> {
    fn as_ref(&self) -> &[u8] {
        T::as_bytes(self.0.values())
    }
}
