//! From headers and frames to values.

use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};

use super::reader::Reader;
use super::{DENSE, MAGIC, MAX_DEPTH, PARTS, SPARSE, VERSION};
use crate::block::{Block, BufferPool, Value};
use crate::element::bytes::swap_byte_order;
use crate::element::dispatch::dispatch;
use crate::element::{DType, Element};
use crate::error::{Error, Result, Shown};
use crate::sparse::Coo;
use crate::sparse::keys::{Key, Keys, Width, n_elems, with_width};

const OP: &str = "decode";

/// The value that a header and its frames stand for, in memory of its own.
///
/// # Errors
/// The bytes are not what [`Encoded`](super::Encoded) makes, or frames are missing or left over.
#[cfg(test)]
pub(crate) fn decode<F: AsRef<[u8]>>(header: &[u8], frames: &[F], pool: &BufferPool) -> Result<Value> {
    let mut reader = Reader::new(OP, header);
    let node = read_header(&mut reader)?;
    reader.end("the header")?;
    let mut lens = Vec::new();
    node.frame_bytes(&mut lens);
    if lens.len() != frames.len() {
        return Err(fault(format!("{} frames where {} are due", frames.len(), lens.len())));
    }
    build(node, &mut frames.iter().map(AsRef::as_ref), pool)
}

/// The value that header and frames, one behind the other, stand for.
///
/// # Errors
/// The bytes are not what [`Encoded`](super::Encoded) makes, or there are too few or too many.
pub(crate) fn decode_bytes(bytes: &[u8], pool: &BufferPool) -> Result<Value> {
    let mut reader = Reader::new(OP, bytes);
    let node = read_header(&mut reader)?;
    let mut lens = Vec::new();
    node.frame_bytes(&mut lens);
    let frames = lens.iter().map(|&len| reader.bytes("a frame", len)).collect::<Result<Vec<_>>>()?;
    reader.end("the value")?;
    build(node, &mut frames.into_iter(), pool)
}

/// What a header tells of a value.
enum Node {
    Dense { dtype: DType, shape: Vec<usize>, order: Vec<usize>, n_bytes: usize },
    Sparse { shape: Vec<u64>, fill: Vec<u8>, dtype: DType, width: Width, key_bytes: usize, value_bytes: usize },
    Parts(Vec<Node>),
}

impl Node {
    /// The length of each frame, in order.
    fn frame_bytes(&self, lens: &mut Vec<usize>) {
        match self {
            Node::Dense { n_bytes, .. } => lens.push(*n_bytes),
            Node::Sparse { key_bytes, value_bytes, .. } => lens.extend([key_bytes, value_bytes]),
            Node::Parts(parts) => parts.iter().for_each(|part| part.frame_bytes(lens)),
        }
    }
}

fn fault(detail: impl Into<String>) -> Error {
    Error::format(OP, detail)
}

fn read_header(reader: &mut Reader<'_>) -> Result<Node> {
    if reader.bytes("the start", MAGIC.len())? != MAGIC {
        return Err(fault("the bytes do not start like a value"));
    }
    match reader.u8("the version")? {
        VERSION => read_node(reader, 0),
        other => Err(fault(format!("version {other} of the format is not known, only {VERSION}"))
            .with_remedy("run the same release of hyperslab everywhere")),
    }
}

fn read_node(reader: &mut Reader<'_>, depth: usize) -> Result<Node> {
    match reader.u8("a layout")? {
        DENSE => read_dense(reader),
        SPARSE => read_sparse(reader),
        PARTS if depth == MAX_DEPTH => Err(fault(format!("parts nest more than {MAX_DEPTH} deep"))),
        PARTS => {
            // The smallest node is a dense block without axes.
            let n = reader.count("parts", 3)?;
            (0..n).map(|_| read_node(reader, depth + 1)).collect::<Result<_>>().map(Node::Parts)
        }
        other => Err(fault(format!("layout {other} is not known"))),
    }
}

fn read_type_and_shape(reader: &mut Reader<'_>) -> Result<(DType, Vec<u64>)> {
    let code = reader.u8("an element type")?;
    let dtype = DType::all().nth(code as usize).ok_or_else(|| fault(format!("element type {code} is not known")))?;
    let n_axes = reader.u8("a number of axes")?;
    Ok((dtype, (0..n_axes).map(|_| reader.u64("the length of an axis")).collect::<Result<_>>()?))
}

fn read_dense(reader: &mut Reader<'_>) -> Result<Node> {
    let (dtype, lens) = read_type_and_shape(reader)?;
    let order: Vec<usize> = reader.bytes("the order of axes", lens.len())?.iter().map(|&axis| axis as usize).collect();
    let mut seen = vec![false; lens.len()];
    if !order.iter().all(|&axis| seen.get_mut(axis).is_some_and(|seen| !std::mem::replace(seen, true))) {
        return Err(fault(format!("{} is no order of {} axes", Shown(&order), lens.len())));
    }
    // An axis of length zero does not excuse the others: products of some of them must fit memory too.
    let bytes = lens.iter().filter(|&&len| len > 0).try_fold(dtype.size_bytes() as u64, |n, &len| n.checked_mul(len));
    let bytes = bytes.filter(|&n| isize::try_from(n).is_ok());
    let bytes =
        bytes.ok_or_else(|| fault(format!("a block of shape {} and type {dtype} fits no memory", Shown(&lens))))?;
    let n_bytes = if lens.contains(&0) { 0 } else { bytes as usize };
    Ok(Node::Dense { dtype, shape: lens.iter().map(|&len| len as usize).collect(), order, n_bytes })
}

fn read_sparse(reader: &mut Reader<'_>) -> Result<Node> {
    let (dtype, shape) = read_type_and_shape(reader)?;
    let nnz = reader.u64("a number of entries")?;
    let fill = reader.bytes("a fill", dtype.size_bytes())?.to_vec();
    let width = Width::of(n_elems(OP, &shape).map_err(|error| fault(error.to_string()))?);
    let key_size = with_width!(width, K => size_of::<K>());
    let bytes_of = |size: usize| usize::try_from(nnz).ok().and_then(|n| n.checked_mul(size));
    match (bytes_of(key_size), bytes_of(dtype.size_bytes())) {
        (Some(key_bytes), Some(value_bytes)) => Ok(Node::Sparse { shape, fill, dtype, width, key_bytes, value_bytes }),
        _ => Err(fault(format!("{nnz} entries fit no memory"))),
    }
}

fn build<'f>(node: Node, frames: &mut dyn Iterator<Item = &'f [u8]>, pool: &BufferPool) -> Result<Value> {
    let mut frame = |what: &str, n_bytes: usize| {
        let bytes: &'f [u8] = frames.next().unwrap_or_default();
        match bytes.len() == n_bytes {
            true => Ok(bytes),
            false => Err(fault(format!("{what} take {n_bytes} bytes and their frame has {}", bytes.len()))),
        }
    };
    match node {
        Node::Dense { dtype, shape, order, n_bytes } => {
            let bytes = frame("the elements", n_bytes)?;
            dispatch!(dtype, T => dense::<T>(&shape, &order, bytes, pool).map(Value::Block))
        }
        Node::Sparse { shape, fill, dtype, width, key_bytes, value_bytes } => {
            let keys = frame("the keys", key_bytes)?;
            let values = frame("the values", value_bytes)?;
            let keys = with_width!(width, K => {
                let mut wide: Vec<K> = vec![0; keys.len() / size_of::<K>()];
                bytemuck::cast_slice_mut(&mut wide).copy_from_slice(keys);
                wide.iter_mut().for_each(|key| *key = K::from_le(*key));
                K::wrap(wide)
            });
            dispatch!(dtype, T => sparse::<T>(shape, keys, values, &fill).map(Value::Block))
        }
        Node::Parts(nodes) => {
            let parts = nodes.into_iter().map(|node| build(node, &mut *frames, pool));
            parts.collect::<Result<_>>().map(Value::Parts)
        }
    }
}

fn dense<T: Element>(shape: &[usize], order: &[usize], bytes: &[u8], pool: &BufferPool) -> Result<Block> {
    let mut elems = pool.take::<T>(bytes.len() / size_of::<T>())?;
    read_elements(&mut elems, bytes)?;
    let stored: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
    let array = ArrayD::from_shape_vec(IxDyn(&stored), elems).map_err(|error| fault(error.to_string()))?;
    let mut places = vec![0; order.len()];
    order.iter().enumerate().for_each(|(place, &axis)| places[axis] = place);
    Ok(Block::from_dense(array.permuted_axes(places)))
}

fn sparse<T: Element>(shape: Vec<u64>, keys: Keys, values: &[u8], fill: &[u8]) -> Result<Block> {
    let mut elems = vec![T::zero(); values.len() / size_of::<T>()];
    read_elements(&mut elems, values)?;
    let mut fills = [T::zero()];
    read_elements(&mut fills, fill)?;
    Coo::from_foreign_parts(shape, keys, Arc::new(elems), fills[0]).map(Block::new)
}

/// Copies elements out of as many bytes; not every byte is a `bool`.
fn read_elements<T: Element>(elems: &mut [T], bytes: &[u8]) -> Result<()> {
    if let (DType::Bool, Some(byte)) = (T::DTYPE, bytes.iter().find(|&&byte| byte > 1)) {
        return Err(fault(format!("a bool is 0 or 1, not {byte}")));
    }
    T::copy_from_bytes(elems, bytes);
    if cfg!(target_endian = "big") {
        swap_byte_order(elems);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ndarray::{Axis, Slice};
    use proptest::prelude::*;

    use super::super::Encoded;
    use super::*;
    use crate::block::with_block;

    /// Elements of any bits.
    fn drawn<T: Element>(n: usize, mut seed: u64) -> Vec<T> {
        let mut elems = vec![T::zero(); n];
        let mut bytes = vec![0u8; n * size_of::<T>()];
        for byte in &mut bytes {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = if T::DTYPE == DType::Bool { (seed >> 63) as u8 } else { (seed >> 56) as u8 };
        }
        T::copy_from_bytes(&mut elems, &bytes);
        elems
    }

    /// Storage 0 to 3: dense, transposed, reversed, every other element; 4 and 5: sparse, sparse of a huge shape.
    fn block<T: Element>(shape: &[usize], storage: u8, seed: u64) -> Block {
        let n = shape.iter().product();
        let array = ArrayD::from_shape_vec(IxDyn(shape), drawn::<T>(n, seed)).unwrap();
        let axes = || (0..shape.len()).map(Axis);
        match storage {
            0 => Block::from_dense(array),
            1 => Block::from_dense(array.reversed_axes()),
            2 | 3 => {
                let mut array = array.into_shared();
                let step = if storage == 2 { -1 } else { 2 };
                axes().for_each(|axis| array.slice_axis_inplace(axis, Slice::new(0, None, step)));
                Block::new::<T>(array)
            }
            4 => Block::new(Coo::from_dense(&array.view()).unwrap().with_fill(drawn::<T>(1, seed ^ 5)[0])),
            _ => {
                let coords = [[3, 1 << 40], [u64::MAX - 1, seed]];
                Block::new(Coo::new(&coords, drawn::<T>(2, seed), [1 << 41, u64::MAX]).unwrap())
            }
        }
    }

    fn any_block() -> impl Strategy<Value = Block> {
        let shapes = prop::collection::vec(0..4usize, 0..4);
        (0..13usize, shapes, 0..6u8, any::<u64>()).prop_map(|(dtype, shape, storage, seed)| {
            let dtype = DType::all().nth(dtype).unwrap();
            dispatch!(dtype, T => block::<T>(&shape, storage, seed))
        })
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = any_block().prop_map(Value::Block);
        leaf.prop_recursive(3, 8, 3, |inner| prop::collection::vec(inner, 0..4).prop_map(Value::Parts))
    }

    /// Type, layout, shape, every bit of every element, and the order of axes in memory.
    fn assert_same(a: &Value, b: &Value) {
        match (a, b) {
            (Value::Block(a), Value::Block(b)) => {
                assert_eq!((a.dtype(), a.is_sparse(), a.shape()), (b.dtype(), b.is_sparse(), b.shape()));
                with_block!(a, T, data => same_data::<T>(data, b.typed::<T>().unwrap()));
            }
            (Value::Parts(a), Value::Parts(b)) => {
                assert_eq!(a.len(), b.len());
                a.iter().zip(b).for_each(|(a, b)| assert_same(a, b));
            }
            _ => panic!("{a:?} is not {b:?}"),
        }
    }

    fn same_data<T: Element>(a: &crate::block::BlockData<T>, b: &crate::block::BlockData<T>) {
        let bytes = |elems: &[T]| T::as_bytes(elems).to_vec();
        if let (Ok(a), Ok(b)) = (a.sparse(), b.sparse()) {
            assert_eq!((a.keys(), bytes(&[a.fill()])), (b.keys(), bytes(&[b.fill()])));
            return assert_eq!(bytes(a.values()), bytes(b.values()));
        }
        let (a, b) = (a.dense().unwrap(), b.dense().unwrap());
        let flat = |view: &ndarray::ArrayViewD<'_, T>| bytes(&view.iter().copied().collect::<Vec<_>>());
        assert_eq!(flat(&a), flat(&b));
        if a.shape().iter().all(|&len| len > 1) {
            let order = |view: &ndarray::ArrayViewD<'_, T>| {
                let mut axes: Vec<usize> = (0..view.ndim()).collect();
                axes.sort_by_key(|&axis| std::cmp::Reverse(view.strides()[axis].unsigned_abs()));
                axes
            };
            assert_eq!(order(&a), order(&b));
        }
    }

    fn pool() -> BufferPool {
        BufferPool::new(0)
    }

    #[test]
    fn every_type_and_layout_comes_back() {
        for dtype in DType::all() {
            for (storage, shape) in
                (0..6).flat_map(|s| [vec![], vec![0], vec![5], vec![3, 0, 2], vec![2, 3, 4]].map(|shape| (s, shape)))
            {
                let value = Value::Block(dispatch!(dtype, T => block::<T>(&shape, storage, 7)));
                let encoded = Encoded::of(&value).unwrap();
                assert_eq!(encoded.n_bytes(), encoded.to_bytes().len());
                assert_same(&value, &decode(&encoded.header, &encoded.frames, &pool()).unwrap());
                assert_same(&value, &decode_bytes(&encoded.to_bytes(), &pool()).unwrap());
            }
        }
    }

    #[test]
    fn elements_that_lie_together_are_not_copied() {
        let array = ArrayD::<f64>::zeros(IxDyn(&[3, 4])).into_shared();
        let address = array.as_ptr().cast::<u8>();
        for array in [array.clone(), array.reversed_axes()] {
            let encoded = Encoded::of(&Value::Block(Block::new::<f64>(array))).unwrap();
            assert_eq!(encoded.frames[0].as_ref().as_ptr(), address);
        }
    }

    #[test]
    fn what_no_memory_could_hold_is_refused_before_it_is_asked_for() {
        let header = |shape: &[u64], tag: u8| {
            let mut header = b"HSVB\x01".to_vec();
            header.extend([tag, DType::F64 as u8, shape.len() as u8]);
            shape.iter().for_each(|len| header.extend(len.to_le_bytes()));
            header.extend(match tag {
                DENSE => (0..shape.len() as u8).collect(),
                _ => [&u64::MAX.to_le_bytes()[..], &0f64.to_le_bytes()].concat(),
            });
            header
        };
        let hostile: [(&[u64], u8, &str); 6] = [
            (&[1 << 40, 1 << 40], DENSE, "fits no memory"),
            (&[u64::MAX, u64::MAX, 0], DENSE, "fits no memory"),
            (&[u64::MAX], DENSE, "fits no memory"),
            (&[1 << 40], DENSE, "a frame takes"),
            (&[4], SPARSE, "fit no memory"),
            (&[u64::MAX; 3], SPARSE, "2^128"),
        ];
        for (shape, tag, said) in hostile {
            let error = decode_bytes(&header(shape, tag), &pool()).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
        let parts = [&b"HSVB\x01\x02"[..], &u32::MAX.to_le_bytes()].concat();
        assert!(decode_bytes(&parts, &pool()).unwrap_err().to_string().contains("do not fit"));
        let deep = [&b"HSVB\x01"[..], &[2, 1, 0, 0, 0].repeat(1000)].concat();
        assert!(decode_bytes(&deep, &pool()).unwrap_err().to_string().contains("deep"));
    }

    #[test]
    fn elements_and_positions_are_checked() {
        let bools = Value::Block(Block::from_dense(ndarray::arr1(&[true, false]).into_dyn()));
        let mut bytes = Encoded::of(&bools).unwrap().to_bytes();
        *bytes.last_mut().unwrap() = 2;
        assert!(decode_bytes(&bytes, &pool()).unwrap_err().to_string().contains("a bool is 0 or 1, not 2"));
        let coo = Coo::new(&[[1, 3]], vec![1u8, 2], [4]).unwrap();
        let encoded = Encoded::of(&Value::Block(Block::new(coo))).unwrap();
        for keys in [[3u32, 1], [1, 1], [1, 4]] {
            let frames: [&[u8]; 2] = [bytemuck::cast_slice(&keys), &[1, 2]];
            assert!(decode(&encoded.header, &frames, &pool()).unwrap_err().to_string().contains("unsorted"));
        }
        let frames: [&[u8]; 1] = [&[1, 0, 0, 0, 3, 0, 0, 0]];
        assert!(decode(&encoded.header, &frames, &pool()).unwrap_err().to_string().contains("1 frames where 2"));
    }

    proptest! {
        #[test]
        fn values_come_back(value in any_value()) {
            let encoded = Encoded::of(&value).unwrap();
            assert_same(&value, &decode(&encoded.header, &encoded.frames, &pool()).unwrap());
            assert_same(&value, &decode_bytes(&encoded.to_bytes(), &pool()).unwrap());
        }

        #[test]
        fn a_cut_anywhere_is_an_error(value in any_value(), extra in any::<u8>()) {
            let mut bytes = Encoded::of(&value).unwrap().to_bytes();
            for cut in 0..bytes.len() {
                prop_assert!(decode_bytes(&bytes[..cut], &pool()).is_err(), "cut at {}", cut);
            }
            bytes.push(extra);
            prop_assert!(decode_bytes(&bytes, &pool()).is_err());
        }

        #[test]
        fn changed_bytes_give_an_error_or_a_value_of_their_size(
            value in any_value(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let mut bytes = Encoded::of(&value).unwrap().to_bytes();
            for (at, byte) in changes {
                // Half of the changes fall on the header, where they hurt most.
                let at = if byte % 2 == 0 { at.index(bytes.len()) } else { at.index(bytes.len().min(40)) };
                bytes[at] = byte;
            }
            if let Ok(value) = decode_bytes(&bytes, &pool()) {
                prop_assert!(value.n_bytes() <= bytes.len() as u64);
                prop_assert_eq!(Encoded::of(&value).unwrap().n_bytes(), bytes.len());
            }
        }

        #[test]
        fn any_bytes_give_an_error_or_a_value(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let framed = [&b"HSVB\x01"[..], &bytes].concat();
            for bytes in [&bytes, &framed] {
                if let Ok(value) = decode_bytes(bytes, &pool()) {
                    prop_assert!(value.n_bytes() <= bytes.len() as u64);
                }
            }
        }
    }
}
