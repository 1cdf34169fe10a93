//! The parsers as functions of any bytes, with what must always hold. For fuzzing and for tests; never compiled otherwise.
//!
//! Each panics if a promise is broken, and is silent otherwise: whether bytes are read or refused is up to the bytes.

use bytes::Bytes;

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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

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
    }
}
