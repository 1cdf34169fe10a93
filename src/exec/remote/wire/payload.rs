//! Bytes as out-of-band values, in the form Python's own `bytes` have.
//!
//! ```text
//! {"sub-header": {}, "type": "bytes", "type-serialized": <pickle of the class>, "serializer": "dask",
//!  "compression": [nil or "lz4"], "split-num-sub-frames": [1], "split-offsets": [0], "num-sub-frames": 1}
//! ```
//!
//! Python cuts large bytes into several frames; they are put together again when read.

use bytes::{Bytes, BytesMut};

use super::compress::{Compression, decompress};
use super::limits::Limits;
use super::value::{Serialized, Value};
use crate::error::{Error, Result};
use crate::exec::remote::pickle::{CLASS_BYTES, PickleLimits, read_pickle};

const OP: &str = "remote value";

impl Serialized {
    /// Bytes, compressed if that pays.
    pub(crate) fn of_bytes(content: Bytes, compression: Option<Compression>) -> Self {
        let compressed =
            compression.and_then(|compression| Some((compression.name(), compression.compress(&content)?)));
        let (name, frame) = match compressed {
            Some((name, frame)) => (name.into(), frame),
            None => (Value::Nil, content),
        };
        let header = Value::map([
            ("sub-header", Value::empty_map()),
            ("type", "bytes".into()),
            ("type-serialized", Bytes::from_static(CLASS_BYTES).into()),
            ("serializer", "dask".into()),
            ("compression", Value::Array(vec![name])),
            ("split-num-sub-frames", Value::Array(vec![Value::Int(1)])),
            ("split-offsets", Value::Array(vec![Value::Int(0)])),
        ]);
        Self { header, frames: vec![frame] }
    }

    /// A pickle that only its receiver opens.
    pub(crate) fn of_pickle(pickle: Bytes) -> Self {
        let header = Value::map([("serializer", "pickle".into()), ("writeable", Value::Array(Vec::new()))]);
        Self { header, frames: vec![pickle] }
    }

    /// The place of a value that cannot be written, as Python marks it.
    pub(crate) fn of_error(error: &Error) -> Self {
        let header = Value::map([("serializer", "error".into())]);
        Self { header, frames: vec![error.to_string().into()] }
    }

    /// The bytes this stands for, if it stands for bytes.
    pub(crate) fn to_bytes(&self, limits: &Limits) -> Result<Bytes> {
        match self.header.text("serializer")? {
            "dask" if self.is_bytes() => Ok(concatenate(self.content(limits)?)),
            "pickle" => self.unpickle(limits),
            "error" => {
                let text: Vec<_> = self.frames.iter().map(|frame| String::from_utf8_lossy(frame)).collect();
                Err(Error::format(OP, format!("the sender could not write the value: {}", text.join("; "))))
            }
            _ => Err(self.foreign()),
        }
    }

    fn is_bytes(&self) -> bool {
        let class = self.header.get("type").and_then(Value::as_text).unwrap_or_default();
        matches!(class.strip_prefix("builtins.").unwrap_or(class), "bytes" | "bytearray")
    }

    fn foreign(&self) -> Error {
        let detail = format!("the value is no bytes but {:?}", self.header);
        Error::format(OP, detail).with_remedy("only results of tasks of this crate can be read")
    }

    fn unpickle(&self, limits: &Limits) -> Result<Bytes> {
        let content = self.content(limits)?;
        let (pickle, buffers) = content.split_first().ok_or_else(|| self.foreign())?;
        let tree = read_pickle(pickle, buffers, &PickleLimits::default())?;
        tree.bytes(tree.root()).cloned().ok_or_else(|| self.foreign())
    }

    /// The frames without their compression.
    fn content(&self, limits: &Limits) -> Result<Vec<Bytes>> {
        let names = self.header.get("compression").and_then(Value::as_array).unwrap_or_default();
        let mut left_bytes = limits.message_bytes;
        let mut content = Vec::with_capacity(self.frames.len());
        for (i, frame) in self.frames.iter().enumerate() {
            let most_bytes = limits.decompressed_bytes.min(usize::try_from(left_bytes).unwrap_or(usize::MAX));
            let frame = decompress(names.get(i).unwrap_or(&Value::Nil), frame, most_bytes)?;
            left_bytes = left_bytes.saturating_sub(frame.len() as u64);
            content.push(frame);
        }
        Ok(content)
    }
}

/// One run of bytes; copied only if there are several.
fn concatenate(mut frames: Vec<Bytes>) -> Bytes {
    if frames.len() == 1 {
        return frames.swap_remove(0);
    }
    let mut whole = BytesMut::with_capacity(frames.iter().map(Bytes::len).sum());
    frames.iter().for_each(|frame| whole.extend_from_slice(frame));
    whole.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_with_and_without_compression() {
        let content = Bytes::from(vec![3; 50_000]);
        for compression in [None, Some(Compression::Lz4)] {
            let value = Serialized::of_bytes(content.clone(), compression);
            assert_eq!(value.frames[0].len() < content.len(), compression.is_some());
            assert_eq!(value.to_bytes(&Limits::default()).unwrap(), content);
        }
    }

    #[test]
    fn pieces_are_put_together_within_the_limit() {
        let mut value = Serialized::of_bytes(vec![1; 20_000].into(), Some(Compression::Lz4));
        value.frames.push(value.frames[0].clone());
        value.frames.push(Bytes::from_static(b"end"));
        value.header.put("compression", Value::Array(vec!["lz4".into(), "lz4".into(), Value::Nil]));
        assert_eq!(value.to_bytes(&Limits::default()).unwrap().len(), 40_003);
        let limits = Limits { message_bytes: 39_999, ..Limits::default() };
        assert!(value.to_bytes(&limits).unwrap_err().to_string().contains("limit is 19999"));
    }

    #[test]
    fn pickled_bytes_are_read_and_nothing_else() {
        let pickled = Serialized::of_pickle(Bytes::from_static(b"\x80\x05C\x02ab."));
        assert_eq!(pickled.to_bytes(&Limits::default()).unwrap(), "ab");
        // pickle.dumps(bytearray(b"xyz"), 5, buffer_callback=..): the content is a buffer of its own.
        let buffer = Serialized {
            frames: vec![Bytes::from_static(b"\x80\x05\x97."), Bytes::from_static(b"xyz")],
            ..pickled.clone()
        };
        assert_eq!(buffer.to_bytes(&Limits::default()).unwrap(), "xyz");
        let number = Serialized::of_pickle(Bytes::from_static(b"\x80\x05K\x01."));
        assert!(number.to_bytes(&Limits::default()).unwrap_err().to_string().contains("no bytes"));
        let mut array = pickled.clone();
        array.header.put("serializer", "dask".into());
        array.header.put("type", "numpy.ndarray".into());
        assert!(array.to_bytes(&Limits::default()).unwrap_err().to_string().contains("numpy.ndarray"));
        let mut failed = pickled;
        failed.header.put("serializer", "error".into());
        failed.frames = vec![Bytes::from_static(b"Could not serialize object of type lock")];
        assert!(failed.to_bytes(&Limits::default()).unwrap_err().to_string().contains("type lock"));
    }
}
