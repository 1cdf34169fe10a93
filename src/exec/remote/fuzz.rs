//! The parsers as functions of any bytes, with what must always hold. For fuzzing and for tests; never compiled otherwise.
//!
//! Each panics if a promise is broken, and is silent otherwise: whether bytes are read or refused is up to the bytes.

use bytes::Bytes;

use crate::block::codec::{Encoded, decode_bytes};
use crate::block::{BufferPool, Value as BlockValue};
use crate::graph::wire::Payload;
use crate::kernels::Registry;

use super::pickle::{PickleLimits, exception_text, read_pickle};
use super::wire::{Limits, Value, decode_message, encode_message, join_frames, split_message, thrown_text};

/// Small enough that a fuzzer meets the limits.
fn limits() -> Limits {
    Limits { message_bytes: 1 << 20, n_frames: 64, decompressed_bytes: 1 << 20, n_values: 1 << 12, depth: 32 }
}

/// Frames come back as they were cut.
pub fn frame(bytes: &[u8]) {
    let Ok(frames) = split_message(&Bytes::copy_from_slice(bytes), &limits()) else { return };
    let again = split_message(&join_frames(&frames).concat().into(), &Limits::default());
    assert_eq!(again.ok(), Some(frames), "frames change when written and read");
}

/// A message that is read is written, and read again as the same message.
pub fn message(bytes: &[u8]) {
    let Ok(frames) = split_message(&Bytes::copy_from_slice(bytes), &limits()) else { return };
    let Ok(value) = decode_message(&frames, &limits()) else { return };
    assert!(format!("{value:?}").len() < 100_000, "what is shown is long");
    open(&value);
    let Ok(written) = encode_message(&value) else { return };
    let again = decode_message(&written, &Limits::default()).map(|again| format!("{again:?}"));
    assert_eq!(again.ok(), Some(format!("{value:?}")), "a message changes when written and read");
}

/// Opens what is out-of-band on the first two levels, as receivers do.
fn open(value: &Value) {
    let pairs = value.as_map().unwrap_or_default().iter().map(|(_, value)| value);
    for inner in pairs.chain(value.as_array().unwrap_or_default()).chain([value]) {
        thrown_text(inner);
        if let Value::Serialized(serialized) = inner
            && let Ok(bytes) = serialized.to_bytes(&limits())
        {
            assert!(bytes.len() <= 2 << 20, "a value is larger than its limit");
        }
    }
}

/// A tree is no larger than its pickle, and can be described.
pub fn pickle(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    exception_text(&bytes);
    let limits = PickleLimits { n_bytes: 1 << 20, n_nodes: 1 << 12, n_memo: 1 << 10, depth: 32 };
    let Ok(tree) = read_pickle(&bytes, std::slice::from_ref(&bytes), &limits) else { return };
    assert!(tree.describe(tree.root()).len() < 100_000, "a description is long");
    assert!(tree.bytes_with(b"").count() <= bytes.len(), "more objects than instructions");
}

/// A value is no larger than its bytes, and comes back as it was, whatever its order in memory.
pub fn block(bytes: &[u8]) {
    let pool = BufferPool::new(0);
    let Ok(value) = decode_bytes(bytes, &pool) else { return };
    assert!(value.n_bytes() <= bytes.len() as u64, "a value is larger than its bytes");
    let written = Encoded::of(&value).map(|encoded| encoded.to_bytes());
    let written = written.unwrap_or_else(|error| panic!("what was read cannot be written: {error}"));
    let again = decode_bytes(&written, &pool).unwrap_or_else(|error| panic!("and not read: {error}"));
    assert_eq!(again.n_bytes(), value.n_bytes());
    assert_eq!(Encoded::of(&again).map(|encoded| encoded.to_bytes()).ok(), Some(written), "a value changes");
    assert!(!matches!(value, BlockValue::Placed), "what lies elsewhere is no value");
}

/// What a task says of itself can be shown. The bytes are those behind the head, which depends on the registry.
pub fn task(bytes: &[u8]) {
    let registry = Registry::new();
    let bytes = [&Payload::head(&registry), bytes].concat();
    let Ok(payload) = Payload::read(&bytes, &registry) else { return };
    assert!(payload.label().len() + payload.block_text().len() < 100_000 + 4 * bytes.len(), "what is shown is long");
    assert!(payload.inputs().len() <= bytes.len(), "more inputs than bytes");
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;
    use std::path::Path;

    use ndarray::s;
    use proptest::prelude::*;

    use super::*;
    use crate::array::Array;
    use crate::chunks::Chunks;
    use crate::error::Result;
    use crate::graph::wire::RemotePlan;

    /// Test data that was captured from Python, by the end of their names.
    fn captured(ending: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/remote");
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = files.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
        files.sort();
        assert!(!files.is_empty());
        files.iter().map(|path| fs::read(path).unwrap()).collect()
    }

    fn mutate(seeds: &[Vec<u8>], which: usize, changes: &[(usize, u8)], n_cut: usize) -> Vec<u8> {
        let mut bytes = seeds[which % seeds.len()].clone();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = *byte;
        }
        let n_kept = bytes.len() - n_cut.min(bytes.len());
        bytes.truncate(n_kept);
        bytes
    }

    fn changes() -> impl Strategy<Value = (usize, Vec<(usize, u8)>, usize)> {
        let change = (any::<usize>(), prop_oneof![any::<u8>(), Just(0), Just(0xff), Just(0x7f)]);
        (any::<usize>(), prop::collection::vec(change, 0..8), prop_oneof![4 => Just(0_usize), 1 => 0_usize..600])
    }

    #[test]
    fn captured_bytes_keep_all_promises() {
        for bytes in captured(".message") {
            frame(&bytes);
            message(&bytes);
            assert!(decode_message(&split_message(&bytes.into(), &limits()).unwrap(), &limits()).is_ok());
        }
        captured(".pickle").iter().for_each(|bytes| pickle(bytes));
    }

    #[test]
    fn every_truncation_of_a_message_is_refused() {
        for bytes in captured(".message") {
            for n_kept in 0..bytes.len() {
                assert!(split_message(&bytes[..n_kept].to_vec().into(), &limits()).is_err());
            }
        }
    }

    fn seeds(target: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
        let files: BTreeSet<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!files.is_empty());
        files.iter().map(|path| fs::read(path).unwrap()).collect()
    }

    /// Values of all layouts, and tasks of many kernels.
    fn examples() -> Result<(Vec<Vec<u8>>, Vec<Vec<u8>>)> {
        let registry = Registry::new();
        let x = Array::<f64>::arange(0.0, 24.0, 1.0, Chunks::size(6))?.reshape([4, 6])?;
        let sparse = Array::<i32>::eye(5, 5, 0, Chunks::size(3))?.to_sparse();
        let mut assigned = x.clone();
        assigned.assign_mask(&x.gt(3.0)?, 0.5)?;
        let arrays = [
            (&x * 2.0 + 1.0).sqrt().into_dyn(),
            x.transpose().rechunk((3, 2))?.into_dyn(),
            x.slice(s![1.., ..;-2])?.var_axis(0)?.into_dyn(),
            x.matmul(&x.transpose())?.cumsum(0)?.into_dyn(),
            x.gt(7.0)?.into_dyn(),
            assigned.sort(1)?.into_dyn(),
            (&sparse * 3).into_dyn(),
            sparse.sum_axis(0)?.into_dyn(),
        ];
        let mut blocks = Vec::new();
        for array in &arrays {
            blocks.push(Encoded::of(&BlockValue::Block(array.compute_block()?))?.to_bytes());
        }
        let both =
            arrays[..2].iter().map(|array| array.compute_block().map(BlockValue::Block)).collect::<Result<_>>()?;
        blocks.push(Encoded::of(&BlockValue::Parts(both))?.to_bytes());
        // One of each kind.
        let mut tasks = BTreeMap::new();
        for array in &arrays {
            let plan = array.plan()?;
            for task in RemotePlan::new(&plan, &registry)?.tasks() {
                let payload = task?.payload;
                let label = Payload::read(&payload, &registry)?.label().to_owned();
                tasks.insert(label, payload[Payload::head(&registry).len()..].to_vec());
            }
        }
        Ok((blocks, tasks.into_values().collect()))
    }

    #[test]
    fn values_and_tasks_keep_all_promises() {
        let (blocks, tasks) = examples().unwrap();
        blocks.iter().chain(&seeds("block")).for_each(|bytes| block(bytes));
        tasks.iter().chain(&seeds("task")).for_each(|bytes| task(bytes));
        // Seeds that no parser takes any more are of no use.
        assert!(seeds("block").iter().all(|bytes| decode_bytes(bytes, &BufferPool::new(0)).is_ok()));
        let head = Payload::head(&Registry::new());
        let is_task = |bytes: &Vec<u8>| Payload::read(&[&head[..], bytes].concat(), &Registry::new()).is_ok();
        assert!(seeds("task").iter().all(is_task), "run the test that writes them");
    }

    #[test]
    #[ignore = "writes fuzz/seeds"]
    fn write_seeds() {
        let (blocks, tasks) = examples().unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
        for (target, examples) in [("block", blocks), ("task", tasks)] {
            fs::create_dir_all(folder.join(target)).unwrap();
            for (i, bytes) in examples.iter().enumerate() {
                fs::write(folder.join(target).join(format!("{i:02}")), bytes).unwrap();
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn damaged_messages_keep_all_promises((which, changes, n_cut) in changes()) {
            let bytes = mutate(&captured(".message"), which, &changes, n_cut);
            frame(&bytes);
            message(&bytes);
        }

        #[test]
        fn damaged_pickles_keep_all_promises((which, changes, n_cut) in changes()) {
            pickle(&mutate(&captured(".pickle"), which, &changes, n_cut));
        }

        #[test]
        fn damaged_values_and_tasks_keep_all_promises((which, changes, n_cut) in changes()) {
            block(&mutate(&seeds("block"), which, &changes, n_cut));
            task(&mutate(&seeds("task"), which, &changes, n_cut));
        }
    }
}
