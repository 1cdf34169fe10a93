//! Values as msgpack, within limits.
//!
//! A reader of msgpack that believes lengths can be made to allocate gigabytes with five bytes. This one never reserves
//! more than a few items for a claim, counts every value it makes, and bounds the depth.
//!
//! What the protocol does not use is refused: extension types, and text that is not UTF-8.

use std::convert::Infallible;

use bytes::Bytes;
use rmp::Marker;
use rmp::encode::{ByteBuf, ValueWriteError};

use super::limits::Limits;
use super::value::Value;
use crate::error::{Error, Result};

const OP: &str = "remote message";

/// Items that are reserved for on the word of a length.
const RESERVED_ITEMS: usize = 16;

/// What is left of the limits of one message.
#[derive(Debug)]
pub(crate) struct Allowance {
    n_values: usize,
    depth: usize,
}

impl Allowance {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { n_values: limits.n_values, depth: limits.depth }
    }

    /// Takes `n` values from the allowance.
    pub(crate) fn spend(&mut self, n: usize) -> Result<()> {
        match self.n_values.checked_sub(n) {
            Some(left) => {
                self.n_values = left;
                Ok(())
            }
            None => Err(Error::format(OP, "too many values in one message")),
        }
    }

    fn enter(&mut self) -> Result<()> {
        match self.depth.checked_sub(1) {
            Some(left) => {
                self.depth = left;
                Ok(())
            }
            None => Err(Error::format(OP, "too many containers within containers")),
        }
    }

    fn leave(&mut self) {
        self.depth += 1;
    }
}

/// Gives a map its meaning: some maps stand for something else.
pub(crate) trait ReadMap {
    fn read_map(&mut self, pairs: Vec<(Value, Value)>, allowance: &mut Allowance) -> Result<Value>;
}

/// Reads the one value that fills `bytes`.
pub(crate) fn decode(bytes: &Bytes, maps: &mut dyn ReadMap, allowance: &mut Allowance) -> Result<Value> {
    let mut reader = Reader { bytes, at: 0, maps, allowance };
    let value = reader.value()?;
    match bytes.len() - reader.at {
        0 => Ok(value),
        n_left => Err(Error::format(OP, format!("{n_left} bytes follow the value"))),
    }
}

struct Reader<'a> {
    bytes: &'a Bytes,
    at: usize,
    maps: &'a mut dyn ReadMap,
    allowance: &'a mut Allowance,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Value> {
        self.allowance.spend(1)?;
        let marker = Marker::from_u8(self.number::<1>()?[0]);
        match marker {
            Marker::Null => Ok(Value::Nil),
            Marker::False => Ok(Value::Bool(false)),
            Marker::True => Ok(Value::Bool(true)),
            Marker::FixStr(length) => self.text(length as usize),
            Marker::Str8 | Marker::Str16 | Marker::Str32 => self.length(marker).and_then(|length| self.text(length)),
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => {
                let length = self.length(marker)?;
                self.take(length).map(Value::Bytes)
            }
            Marker::FixArray(length) => self.array(length as usize),
            Marker::Array16 | Marker::Array32 => self.length(marker).and_then(|length| self.array(length)),
            Marker::FixMap(length) => self.map(length as usize),
            Marker::Map16 | Marker::Map32 => self.length(marker).and_then(|length| self.map(length)),
            _ => self.scalar(marker),
        }
    }

    fn scalar(&mut self, marker: Marker) -> Result<Value> {
        Ok(match marker {
            Marker::FixPos(value) => Value::Int(value.into()),
            Marker::FixNeg(value) => Value::Int(value.into()),
            Marker::U8 => Value::Int(self.number::<1>()?[0].into()),
            Marker::U16 => Value::Int(u16::from_be_bytes(self.number()?).into()),
            Marker::U32 => Value::Int(u32::from_be_bytes(self.number()?).into()),
            Marker::U64 => u64::from_be_bytes(self.number()?).into(),
            Marker::I8 => Value::Int(i8::from_be_bytes(self.number()?).into()),
            Marker::I16 => Value::Int(i16::from_be_bytes(self.number()?).into()),
            Marker::I32 => Value::Int(i32::from_be_bytes(self.number()?).into()),
            Marker::I64 => Value::Int(i64::from_be_bytes(self.number()?)),
            Marker::F32 => Value::Float(f32::from_be_bytes(self.number()?).into()),
            Marker::F64 => Value::Float(f64::from_be_bytes(self.number()?)),
            other => return Err(Error::format(OP, format!("msgpack marker {other:?} has no use here"))),
        })
    }

    fn length(&mut self, marker: Marker) -> Result<usize> {
        Ok(match marker {
            Marker::Str8 | Marker::Bin8 => self.number::<1>()?[0] as usize,
            Marker::Str16 | Marker::Bin16 | Marker::Array16 | Marker::Map16 => {
                u16::from_be_bytes(self.number()?) as usize
            }
            _ => u32::from_be_bytes(self.number()?) as usize,
        })
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.bytes.get(self.at..self.at + N).and_then(|bytes| bytes.try_into().ok());
        self.at += N;
        bytes.ok_or_else(cut_off)
    }

    fn take(&mut self, length: usize) -> Result<Bytes> {
        self.require(length)?;
        self.at += length;
        Ok(self.bytes.slice(self.at - length..self.at))
    }

    fn text(&mut self, length: usize) -> Result<Value> {
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| Error::format(OP, "a text is not UTF-8"))?;
        Ok(Value::Text(text.to_owned()))
    }

    fn array(&mut self, length: usize) -> Result<Value> {
        self.require(length)?;
        self.allowance.enter()?;
        let mut items = Vec::with_capacity(length.min(RESERVED_ITEMS));
        for _ in 0..length {
            items.push(self.value()?);
        }
        self.allowance.leave();
        Ok(Value::Array(items))
    }

    fn map(&mut self, length: usize) -> Result<Value> {
        self.require(length.saturating_mul(2))?;
        self.allowance.enter()?;
        let mut pairs = Vec::with_capacity(length.min(RESERVED_ITEMS));
        for _ in 0..length {
            pairs.push((self.value()?, self.value()?));
        }
        self.allowance.leave();
        self.maps.read_map(pairs, self.allowance)
    }

    /// Fails if fewer bytes are left; every item takes at least one.
    fn require(&self, n_bytes: usize) -> Result<()> {
        if n_bytes <= self.bytes.len() - self.at { Ok(()) } else { Err(cut_off()) }
    }
}

fn cut_off() -> Error {
    Error::format(OP, "a value is cut off")
}

/// Writes what msgpack has no word for as a map.
pub(crate) trait WriteMap {
    /// The map that stands for `value`, which is a set, an enumeration or out-of-band.
    fn stand_in(&mut self, value: &Value) -> Result<Value>;
}

/// Appends a value.
pub(crate) fn encode(value: &Value, maps: &mut dyn WriteMap, out: &mut ByteBuf) -> Result<()> {
    match value {
        Value::Nil => sure(rmp::encode::write_nil(out).map_err(ValueWriteError::InvalidMarkerWrite)),
        Value::Bool(value) => sure(rmp::encode::write_bool(out, *value).map_err(ValueWriteError::InvalidMarkerWrite)),
        Value::Int(value) => sure(rmp::encode::write_sint(out, *value)),
        Value::Large(value) => sure(rmp::encode::write_uint(out, *value)),
        Value::Float(value) => sure(rmp::encode::write_f64(out, *value)),
        Value::Text(text) => {
            sure(rmp::encode::write_str_len(out, length(text.len())?));
            out.as_mut_vec().extend_from_slice(text.as_bytes());
        }
        Value::Bytes(bytes) => {
            sure(rmp::encode::write_bin_len(out, length(bytes.len())?));
            out.as_mut_vec().extend_from_slice(bytes);
        }
        Value::Array(items) => {
            sure(rmp::encode::write_array_len(out, length(items.len())?));
            items.iter().try_for_each(|item| encode(item, maps, out))?;
        }
        Value::Map(pairs) => {
            sure(rmp::encode::write_map_len(out, length(pairs.len())?));
            for (key, value) in pairs {
                encode(key, maps, out)?;
                encode(value, maps, out)?;
            }
        }
        Value::Set(_) | Value::Enum(_) | Value::Serialized(_) | Value::Pickled(_) => {
            let map = maps.stand_in(value)?;
            encode(&map, maps, out)?;
        }
    }
    Ok(())
}

/// Writing to memory does not fail.
fn sure<T>(written: Result<T, ValueWriteError<Infallible>>) {
    match written {
        Ok(_) => (),
        Err(ValueWriteError::InvalidMarkerWrite(never) | ValueWriteError::InvalidDataWrite(never)) => match never {},
    }
}

fn length(n: usize) -> Result<u32> {
    u32::try_from(n)
        .map_err(|_| Error::format(OP, format!("a text, bytes or container of {n} does not fit into msgpack")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::plain_values;
    use super::*;

    struct Plain;

    impl ReadMap for Plain {
        fn read_map(&mut self, pairs: Vec<(Value, Value)>, _: &mut Allowance) -> Result<Value> {
            Ok(Value::Map(pairs))
        }
    }

    impl WriteMap for Plain {
        fn stand_in(&mut self, _: &Value) -> Result<Value> {
            Ok(Value::Nil)
        }
    }

    fn read(bytes: &[u8], limits: &Limits) -> Result<Value> {
        decode(&Bytes::copy_from_slice(bytes), &mut Plain, &mut Allowance::new(limits))
    }

    fn written(value: &Value) -> Vec<u8> {
        let mut out = ByteBuf::new();
        encode(value, &mut Plain, &mut out).unwrap();
        out.into_vec()
    }

    #[test]
    fn literal_bytes_of_the_reference_are_read_and_written() {
        // msgpack.dumps({"a": [1, -1, 300, 2**40, 1.5, None, True], ("k", 1): b"z"}, use_bin_type=True)
        let bytes = b"\x82\xa1a\x97\x01\xff\xcd\x01,\xcf\x00\x00\x01\x00\x00\x00\x00\x00\xcb?\xf8\x00\x00\x00\x00\x00\x00\xc0\xc3\x92\xa1k\x01\xc4\x01z";
        let list = [1_i64, -1, 300, 1 << 40].into_iter().map(Value::Int);
        let list = list.chain([Value::Float(1.5), Value::Nil, Value::Bool(true)]).collect();
        let key = Value::Array(vec!["k".into(), Value::Int(1)]);
        let value = Value::Map(vec![("a".into(), list), (key, Value::Bytes(Bytes::from_static(b"z")))]);
        assert_eq!(read(bytes, &Limits::default()).unwrap(), value);
        assert_eq!(written(&value), bytes);
    }

    #[test]
    fn claims_are_not_believed() {
        let limits = Limits::default();
        let claims: [&[u8]; 6] = [
            b"\xdd\xff\xff\xff\xff",
            b"\xdf\xff\xff\xff\xff",
            b"\xdb\xff\xff\xff\xffab",
            b"\xc6\xff\xff\xff\xffab",
            b"\xde\x00\x02\x01\x01\x01",
            b"\xdc\x00\x03\x01\x01",
        ];
        for claim in claims {
            assert!(read(claim, &limits).unwrap_err().to_string().contains("cut off"));
        }
        assert!(read(b"\xc1", &limits).is_err());
        assert!(read(b"\xd4\x01\x01", &limits).unwrap_err().to_string().contains("FixExt1"));
        assert!(read(b"\xa1\xff", &limits).unwrap_err().to_string().contains("UTF-8"));
        assert!(read(b"\x01\x02", &limits).unwrap_err().to_string().contains("follow"));
        assert!(read(b"", &limits).is_err());
    }

    #[test]
    fn depth_and_number_of_values_are_bounded() {
        let limits = Limits { depth: 10, n_values: 100, ..Limits::default() };
        let nested = |depth: usize| [vec![0x91; depth], vec![0xc0]].concat();
        assert!(read(&nested(10), &limits).is_ok());
        assert!(read(&nested(11), &limits).unwrap_err().to_string().contains("containers"));
        assert!(read(&nested(1_000_000), &Limits::default()).is_err());
        let many = |n: u16| [vec![0xdc], n.to_be_bytes().to_vec(), vec![0xc0; n as usize]].concat();
        assert!(read(&many(99), &limits).is_ok());
        assert!(read(&many(100), &limits).unwrap_err().to_string().contains("too many values"));
    }

    proptest! {
        #[test]
        fn values_come_back(value in plain_values()) {
            let bytes = written(&value);
            prop_assert_eq!(read(&bytes, &Limits::default()).unwrap(), value);
        }

        #[test]
        fn every_truncation_is_an_error(value in plain_values()) {
            let bytes = written(&value);
            for n_kept in 0..bytes.len() {
                prop_assert!(read(&bytes[..n_kept], &Limits::default()).is_err());
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(value) = read(&bytes, &Limits::default()) {
                prop_assert_eq!(read(&written(&value), &Limits::default()).is_ok(), true);
            }
        }
    }
}
