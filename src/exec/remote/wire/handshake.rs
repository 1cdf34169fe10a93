//! The first message of a connection, sent by both sides at once.

use super::compress::Compression;
use super::value::Value;
use crate::error::{Error, Result};

const OP: &str = "remote handshake";

/// The newest pickle protocol we write.
pub(crate) const PICKLE_PROTOCOL: i64 = 5;

/// The oldest one that others may ask for: a scheduler that dials a worker says 4, whatever it can read.
const OLDEST_PICKLE_PROTOCOL: i64 = 4;

/// What a side says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handshake {
    /// The name of the compression this side wants to use, if any.
    pub(crate) compression: Option<String>,
    pub(crate) pickle_protocol: i64,
    /// The version of Python, which nobody checks; empty for others.
    pub(crate) python: Vec<i64>,
}

impl Handshake {
    /// What we say.
    pub(crate) fn ours(compression: Option<Compression>) -> Self {
        let compression = compression.map(|compression| compression.name().to_owned());
        Self { compression, pickle_protocol: PICKLE_PROTOCOL, python: vec![3, 11, 0] }
    }

    pub(crate) fn to_value(&self) -> Value {
        Value::map([
            ("compression", self.compression.clone().into()),
            ("python", self.python.iter().copied().collect()),
            ("pickle-protocol", self.pickle_protocol.into()),
        ])
    }

    /// Reads what the other side says.
    pub(crate) fn from_value(value: &Value) -> Result<Self> {
        let compression = match value.field("compression")? {
            Value::Nil => None,
            Value::Text(name) => Some(name.clone()),
            other => return Err(Error::format(OP, format!("the compression is {other:?}"))),
        };
        let python = value.get("python").and_then(Value::as_array).unwrap_or_default();
        let python = python.iter().filter_map(Value::as_int).collect();
        let handshake = Self { compression, pickle_protocol: value.int("pickle-protocol")?, python };
        if handshake.pickle_protocol < OLDEST_PICKLE_PROTOCOL {
            let detail = format!("the other side reads pickles up to protocol {}", handshake.pickle_protocol);
            return Err(Error::format(OP, detail).with_remedy("Python 3.8 or newer is needed there"));
        }
        Ok(handshake)
    }

    /// The compression that both sides named, if they named the same.
    pub(crate) fn agreed_compression(&self, other: &Self) -> Option<Compression> {
        let ours = self.compression.as_deref().filter(|&name| Some(name) == other.compression.as_deref())?;
        Compression::from_name(ours)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::{Limits, decode_message};
    use super::*;

    /// The first frame of a scheduler's handshake, distributed 2026.8.0 on `CPython` 3.11.
    const FROM_PYTHON: &[u8] = b"\x83\xabcompression\xc0\xa6python\x93\x03\x0b\x07\xafpickle-protocol\x05";

    #[test]
    fn the_reference_form_is_read() {
        let value = decode_message(&[Bytes::from_static(FROM_PYTHON)], &Limits::handshake()).unwrap();
        let handshake = Handshake::from_value(&value).unwrap();
        assert_eq!(handshake, Handshake { compression: None, pickle_protocol: 5, python: vec![3, 11, 7] });
    }

    #[test]
    fn what_is_required_is_missed() {
        let complete = Handshake::ours(None).to_value();
        for name in ["compression", "pickle-protocol"] {
            let mut value = complete.clone();
            value.take(name);
            assert!(Handshake::from_value(&value).unwrap_err().to_string().contains(name));
        }
        let mut old = complete.clone();
        old.put("pickle-protocol", Value::Int(4));
        assert_eq!(Handshake::from_value(&old).unwrap().pickle_protocol, 4);
        old.put("pickle-protocol", Value::Int(3));
        assert!(Handshake::from_value(&old).unwrap_err().to_string().contains("protocol 3"));
        assert_eq!(Handshake::from_value(&complete).unwrap(), Handshake::ours(None));
    }

    #[test]
    fn compression_needs_both_sides() {
        let (plain, lz4) = (Handshake::ours(None), Handshake::ours(Some(Compression::Lz4)));
        assert_eq!(lz4.agreed_compression(&lz4), Some(Compression::Lz4));
        assert_eq!(lz4.agreed_compression(&plain), None);
        assert_eq!(plain.agreed_compression(&lz4), None);
        let zstd = Handshake { compression: Some("zstd".into()), ..Handshake::ours(None) };
        assert_eq!(zstd.agreed_compression(&zstd), None);
    }
}
