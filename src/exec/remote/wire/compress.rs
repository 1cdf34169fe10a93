//! Compressed frames.
//!
//! The only compression offered is LZ4 blocks with the length of the content in front. The length is a claim like any
//! other: it is checked against a limit and against what LZ4 can do at best, the content is decompressed into exactly that
//! many bytes, and a content that turns out shorter is an error.

use bytes::{BufMut, Bytes, BytesMut};

use super::value::Value;
use crate::config;
use crate::error::{Error, Result};

const OP: &str = "remote frame";
const NAME: &str = "lz4";
const PREFIX_BYTES: usize = 4;

/// Frames from this size up to [`MOST_BYTES`] are worth a try.
const LEAST_BYTES: usize = 10_000;
const MOST_BYTES: usize = 1 << 30;

/// A frame is sent compressed if that saves at least 30 %.
const MOST_TENTHS: usize = 7;

/// A byte of LZ4 stands for 255 bytes at most.
const BEST_RATIO: usize = 255;

/// How frames are compressed, as both sides of a connection agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    Lz4,
}

impl Compression {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lz4 => NAME,
        }
    }

    /// The compression of that name, if it is offered.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        (name == NAME).then_some(Self::Lz4)
    }

    /// What `distributed.comm.compression` asks for: nothing, unless it is `lz4` or `auto`.
    ///
    /// # Errors
    ///
    /// It asks for one that is not offered.
    pub(crate) fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let read = |text: &str| match text.to_lowercase().as_str() {
            "false" => Some(None),
            "auto" | NAME => Some(Some(Self::Lz4)),
            _ => None,
        };
        let fault = ("and only \"lz4\" is offered", "lz4, auto or false");
        config::dask_setting(lookup, "distributed.comm.compression", read, fault).map(Option::flatten)
    }

    /// The compressed frame, or nothing if it is too small or too large, or would not shrink enough.
    pub(crate) fn compress(self, frame: &Bytes) -> Option<Bytes> {
        if !(LEAST_BYTES..=MOST_BYTES).contains(&frame.len()) || !shrinks(&sample(frame)) {
            return None;
        }
        let compressed = match self {
            Self::Lz4 => lz4_flex::block::compress(frame),
        };
        let mut out = BytesMut::with_capacity(PREFIX_BYTES + compressed.len());
        out.put_u32_le(frame.len() as u32);
        out.extend_from_slice(&compressed);
        (out.len() * 10 <= frame.len() * MOST_TENTHS).then(|| out.freeze())
    }
}

/// Five pieces from all over the frame: trying these is cheap, and tells most frames that do not shrink.
fn sample(frame: &[u8]) -> Vec<u8> {
    const N_PIECES: usize = 5;
    const PIECE_BYTES: usize = 2_000;
    let last = frame.len() - PIECE_BYTES;
    let starts = (0..N_PIECES).map(|i| last * i / (N_PIECES - 1));
    starts.flat_map(|start| &frame[start..start + PIECE_BYTES]).copied().collect()
}

fn shrinks(sample: &[u8]) -> bool {
    lz4_flex::block::compress(sample).len() * 10 <= sample.len() * MOST_TENTHS
}

/// The content of a frame whose header names its compression: nothing, or the name of one.
pub(crate) fn decompress(name: &Value, frame: &Bytes, most_bytes: usize) -> Result<Bytes> {
    match name {
        Value::Nil => Ok(frame.clone()),
        Value::Text(name) if name == NAME => decompress_lz4(frame, most_bytes),
        other => {
            let detail = format!("frames compressed with {other:?} cannot be read");
            Err(Error::format(OP, detail).with_remedy("set `distributed.comm.compression` to `lz4` or `false`"))
        }
    }
}

fn decompress_lz4(frame: &[u8], most_bytes: usize) -> Result<Bytes> {
    let Some((prefix, compressed)) = frame.split_first_chunk::<PREFIX_BYTES>() else {
        return Err(Error::format(OP, "a compressed frame without its length"));
    };
    let claimed = u32::from_le_bytes(*prefix) as usize;
    if claimed > most_bytes.min(compressed.len().saturating_mul(BEST_RATIO)) {
        let detail = format!("{} compressed bytes claim to be {claimed}; the limit is {most_bytes}", compressed.len());
        return Err(Error::format(OP, detail));
    }
    let mut content = vec![0; claimed];
    let n_bytes = lz4_flex::block::decompress_into(compressed, &mut content)
        .map_err(|source| Error::format(OP, format!("a compressed frame is damaged: {source}")))?;
    if n_bytes != claimed {
        return Err(Error::format(OP, format!("a compressed frame holds {n_bytes} bytes and claims {claimed}")));
    }
    Ok(content.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lz4() -> Value {
        NAME.into()
    }

    #[test]
    fn the_reference_form_is_read() {
        // lz4.block.compress(b"abcabcabcabcabcabcabcabcabcabcabcabcabcabc" + b"xyz12")
        let frame = Bytes::from_static(b"\x2f\0\0\0\x3fabc\x03\x00\x14\x50xyz12");
        let content = decompress(&lz4(), &frame, 100).unwrap();
        assert_eq!(content, [b"abc".repeat(14), b"xyz12".to_vec()].concat());
    }

    #[test]
    fn false_lengths_are_refused() {
        let content = Bytes::from(vec![7_u8; 50_000]);
        let frame = Compression::Lz4.compress(&content).unwrap();
        let with_length = |length: u32| Bytes::from([&length.to_le_bytes(), &frame[4..]].concat());
        assert_eq!(decompress(&lz4(), &with_length(50_000), 50_000).unwrap(), content);
        assert!(decompress(&lz4(), &frame, 49_999).is_err());
        assert!(decompress(&lz4(), &with_length(50_001), 60_000).unwrap_err().to_string().contains("claims 50001"));
        assert!(decompress(&lz4(), &with_length(49_999), 60_000).is_err());
        assert!(decompress(&lz4(), &with_length(u32::MAX), usize::MAX).is_err());
        assert!(decompress(&lz4(), &Bytes::from_static(b"\x01\0"), 100).is_err());
    }

    #[test]
    fn small_and_dense_frames_stay_as_they_are() {
        assert_eq!(Compression::Lz4.compress(&vec![0; LEAST_BYTES - 1].into()), None);
        let mut state = 1_u64;
        let dense: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .take(20_000)
        .collect();
        assert_eq!(Compression::Lz4.compress(&dense.into()), None);
    }

    #[test]
    fn what_is_asked_for_is_offered_or_refused() {
        let asked = |text: &str| Compression::from_lookup(|_| Some(text.to_owned()));
        assert_eq!(Compression::from_lookup(|_| None).unwrap(), None);
        for (text, expected) in [("lz4", true), ("auto", true), ("'LZ4'", true), ("False", false), ("null", false)] {
            assert_eq!(asked(text).unwrap().is_some(), expected, "{text}");
        }
        let error = asked("zstd").unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("DASK_DISTRIBUTED__COMM__COMPRESSION"), "{error}");
    }

    #[test]
    fn other_compressions_are_named() {
        let error = decompress(&"zstd".into(), &Bytes::new(), 10).unwrap_err().to_string();
        assert!(error.contains("zstd"), "{error}");
    }

    proptest! {
        #[test]
        fn frames_come_back(byte in any::<u8>(), n in LEAST_BYTES..40_000, step in 1_usize..500) {
            let content: Bytes = (0..n).map(|i| byte.wrapping_add((i / step) as u8)).collect();
            if let Some(frame) = Compression::Lz4.compress(&content) {
                prop_assert!(frame.len() < content.len());
                prop_assert_eq!(decompress(&lz4(), &frame, n).unwrap(), content);
            }
        }

        #[test]
        fn damage_is_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), claimed in 0_u32..2_000) {
            let frame = Bytes::from([claimed.to_le_bytes().to_vec(), bytes].concat());
            if let Ok(content) = decompress(&lz4(), &frame, 1_000) {
                prop_assert_eq!(content.len(), claimed as usize);
            }
        }
    }
}
