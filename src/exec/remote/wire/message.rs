//! A value with its frames: what the maps with underscores in a message stand for.
//!
//! | in the first frame | stands for |
//! |---|---|
//! | `{"__Serialized__": i}` | frame `i` is a header, the `"num-sub-frames"` frames behind it belong to it; nobody opens them on the way |
//! | `{"__Pickled__": i}` | the same, with the pickle in the header under `"pickled-obj"`; Python unpickles it on arrival |
//! | `{"__Set__": true, "as-list": [..]}` | a set |
//! | `{"__Enum__": true, "name", "__module__", "__name__"}` | a member of an enumeration |

use bytes::Bytes;
use rmp::encode::ByteBuf;

use super::limits::Limits;
use super::msgpack::{self, Allowance, ReadMap, WriteMap};
use super::value::{EnumMember, Pickled, Serialized, Value};
use crate::error::{Error, Result};

const OP: &str = "remote message";
const SERIALIZED: &str = "__Serialized__";
const PICKLED: &str = "__Pickled__";
const SET: &str = "__Set__";
const ENUM: &str = "__Enum__";
const N_FRAMES: &str = "num-sub-frames";

/// Reads a message from its frames.
pub(crate) fn decode_message(frames: &[Bytes], limits: &Limits) -> Result<Value> {
    let first = frames.first().ok_or_else(|| Error::format(OP, "a message without frames"))?;
    msgpack::decode(first, &mut Conventions { frames }, &mut Allowance::new(limits))
}

/// Writes a message as frames.
pub(crate) fn encode_message(value: &Value) -> Result<Vec<Bytes>> {
    let mut frames = OutOfBand { frames: vec![Bytes::new()] };
    let first = encode_one(value, &mut frames)?;
    frames.frames[0] = first;
    Ok(frames.frames)
}

fn encode_one(value: &Value, maps: &mut dyn WriteMap) -> Result<Bytes> {
    let mut out = ByteBuf::new();
    msgpack::encode(value, maps, &mut out)?;
    Ok(out.into_vec().into())
}

/// Gives maps of the first frame their meaning; headers, which have no frames of their own, know only sets and
/// enumerations.
struct Conventions<'a> {
    frames: &'a [Bytes],
}

impl ReadMap for Conventions<'_> {
    fn read_map(&mut self, pairs: Vec<(Value, Value)>, allowance: &mut Allowance) -> Result<Value> {
        let map = Value::Map(pairs);
        if let Some(index) = self.reference(&map, SERIALIZED) {
            let (header, frames) = self.out_of_band(index, allowance)?;
            return Ok(Value::Serialized(Box::new(Serialized { header, frames })));
        }
        if let Some(index) = self.reference(&map, PICKLED) {
            let (header, buffers) = self.out_of_band(index, allowance)?;
            return pickled(header, buffers);
        }
        if map.get(ENUM).is_some() {
            return enum_member(&map);
        }
        if map.get(SET).is_some() {
            return set(map);
        }
        Ok(map)
    }
}

impl Conventions<'_> {
    /// The number of a frame under `name`; frames are counted from 1, for 0 is the message itself.
    fn reference(&self, map: &Value, name: &str) -> Option<usize> {
        let index = map.get(name)?.as_int().filter(|&index| index > 0 && !self.frames.is_empty())?;
        usize::try_from(index).ok()
    }

    /// The header at frame `index` and the frames that belong to it. They count as values, so that a message cannot name
    /// the same frames without end.
    fn out_of_band(&self, index: usize, allowance: &mut Allowance) -> Result<(Value, Vec<Bytes>)> {
        let header = self.frames.get(index).ok_or_else(|| no_frame(index, self.frames.len()))?;
        let header = msgpack::decode(header, &mut Conventions { frames: &[] }, allowance)?;
        let n_frames = usize::try_from(header.int(N_FRAMES)?).unwrap_or(usize::MAX);
        let end = (index + 1).saturating_add(n_frames);
        let frames = self.frames.get(index + 1..end).ok_or_else(|| no_frame(end, self.frames.len()))?;
        allowance.spend(n_frames)?;
        Ok((header, frames.to_vec()))
    }
}

fn no_frame(index: usize, n_frames: usize) -> Error {
    Error::format(OP, format!("frame {index} is referred to and the message has {n_frames}"))
}

fn pickled(mut header: Value, buffers: Vec<Bytes>) -> Result<Value> {
    let Some(Value::Bytes(pickle)) = header.take("pickled-obj") else {
        return Err(Error::format(OP, "a pickled value without a pickle"));
    };
    let compression = match header.take("compression") {
        Some(Value::Array(names)) => names,
        _ => Vec::new(),
    };
    Ok(Value::Pickled(Box::new(Pickled { pickle, compression, buffers })))
}

fn set(mut map: Value) -> Result<Value> {
    match map.take("as-list") {
        Some(Value::Array(items)) => Ok(Value::Set(items)),
        _ => Err(Error::format(OP, "a set without a list of items")),
    }
}

fn enum_member(map: &Value) -> Result<Value> {
    let text = |name: &str| map.text(name).map(str::to_owned);
    let member = EnumMember { module: text("__module__")?, class: text("__name__")?, name: text("name")? };
    Ok(Value::Enum(Box::new(member)))
}

/// Collects frames behind the first and leaves their numbers in their place.
struct OutOfBand {
    frames: Vec<Bytes>,
}

impl WriteMap for OutOfBand {
    fn stand_in(&mut self, value: &Value) -> Result<Value> {
        match value {
            Value::Serialized(value) => {
                let index = self.append(value.header.clone(), &value.frames)?;
                Ok(Value::map([(SERIALIZED, index)]))
            }
            Value::Pickled(value) => {
                let compression = Value::Array(value.compression.clone());
                let header = Value::map([("pickled-obj", value.pickle.clone().into()), ("compression", compression)]);
                let index = self.append(header, &value.buffers)?;
                Ok(Value::map([(PICKLED, index)]))
            }
            inline => InHeader.stand_in(inline),
        }
    }
}

impl OutOfBand {
    fn append(&mut self, mut header: Value, frames: &[Bytes]) -> Result<Value> {
        let index = self.frames.len() as i64;
        header.put(N_FRAMES, Value::Int(frames.len() as i64));
        self.frames.push(encode_one(&header, &mut InHeader)?);
        self.frames.extend_from_slice(frames);
        Ok(Value::Int(index))
    }
}

/// Inside a header only sets and enumerations have a stand-in.
struct InHeader;

impl WriteMap for InHeader {
    fn stand_in(&mut self, value: &Value) -> Result<Value> {
        match value {
            Value::Set(items) => Ok(Value::map([(SET, Value::Bool(true)), ("as-list", Value::Array(items.clone()))])),
            Value::Enum(member) => Ok(Value::map([
                (ENUM, Value::Bool(true)),
                ("name", member.name.as_str().into()),
                ("__module__", member.module.as_str().into()),
                ("__name__", member.class.as_str().into()),
            ])),
            _ => Err(Error::bug(OP, "a header holds an out-of-band value")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::plain_values;
    use super::*;

    fn bytes(bytes: &'static [u8]) -> Bytes {
        Bytes::from_static(bytes)
    }

    /// `dumps({"s": {1, 2}, "st": Status.running, "d": to_serialize(b"abc"), "p": ToPickle({"a": 1})})` of distributed
    /// 2026.8.0.
    fn from_python() -> Vec<Bytes> {
        vec![
            bytes(b"\x84\xa1s\x82\xa7__Set__\xc3\xa7as-list\x92\x01\x02\xa2st\x84\xa8__Enum__\xc3\xa4name\xa7running\xaa__module__\xb0distributed.core\xa8__name__\xa6Status\xa1d\x81\xae__Serialized__\x01\xa1p\x81\xab__Pickled__\x03"),
            bytes(b"\x88\xaasub-header\x80\xa4type\xa5bytes\xaftype-serialized\xc4!\x80\x05\x95\x16\x00\x00\x00\x00\x00\x00\x00\x8c\x08builtins\x94\x8c\x05bytes\x94\x93\x94.\xaaserializer\xa4dask\xb4split-num-sub-frames\x91\x01\xadsplit-offsets\x91\x00\xabcompression\x91\xc0\xaenum-sub-frames\x01"),
            bytes(b"abc"),
            bytes(b"\x83\xabpickled-obj\xc4\x15\x80\x05\x95\n\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01s.\xabcompression\x90\xaenum-sub-frames\x00"),
        ]
    }

    #[test]
    fn the_reference_form_is_read_and_written_again() {
        let frames = from_python();
        let value = decode_message(&frames, &Limits::default()).unwrap();
        assert_eq!(value.get("s"), Some(&Value::Set(vec![Value::Int(1), Value::Int(2)])));
        let Some(Value::Enum(status)) = value.get("st") else { panic!("{value:?}") };
        assert_eq!((&*status.module, &*status.class, &*status.name), ("distributed.core", "Status", "running"));
        let Some(Value::Serialized(data)) = value.get("d") else { panic!("{value:?}") };
        assert_eq!(data.header.text("type").unwrap(), "bytes");
        assert_eq!(data.frames, ["abc"]);
        let Some(Value::Pickled(pickled)) = value.get("p") else { panic!("{value:?}") };
        assert!(pickled.pickle.ends_with(b"K\x01s.") && pickled.buffers.is_empty());
        assert_eq!(encode_message(&value).unwrap(), frames);
    }

    #[test]
    fn references_to_frames_that_are_not_there_are_refused() {
        let frames = from_python();
        for n_kept in 1..frames.len() {
            assert!(decode_message(&frames[..n_kept], &Limits::default()).is_err());
        }
        assert!(decode_message(&[], &Limits::default()).is_err());
        let far = encode_one(&Value::map([(SERIALIZED, Value::Int(i64::MAX))]), &mut InHeader).unwrap();
        assert!(decode_message(&[far], &Limits::default()).is_err());
        let greedy = encode_one(&Value::map([(N_FRAMES, Value::Int(i64::MAX))]), &mut InHeader).unwrap();
        let reference = encode_one(&Value::map([(SERIALIZED, Value::Int(1))]), &mut InHeader).unwrap();
        assert!(decode_message(&[reference, greedy], &Limits::default()).is_err());
    }

    #[test]
    fn a_frame_named_again_and_again_uses_up_the_allowance() {
        let header = Value::map([(N_FRAMES, Value::Int(0)), ("fill", (0..50_i64).collect())]);
        let header = encode_one(&header, &mut InHeader).unwrap();
        let references = Value::Array(vec![Value::map([(SERIALIZED, Value::Int(1))]); 100]);
        let first = encode_one(&references, &mut InHeader).unwrap();
        let limits = |n_values| Limits { n_values, ..Limits::default() };
        assert!(decode_message(&[first.clone(), header.clone()], &limits(10_000)).is_ok());
        assert!(decode_message(&[first, header], &limits(5_000)).unwrap_err().to_string().contains("too many values"));
    }

    fn messages() -> impl Strategy<Value = Value> {
        let frames = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from), 0..4);
        let serialized = (plain_values(), frames.clone()).prop_map(|(inner, frames)| {
            let header = Value::map([("inner", inner), (N_FRAMES, Value::Int(frames.len() as i64))]);
            Value::Serialized(Box::new(Serialized { header, frames }))
        });
        let pickled = frames.prop_map(|buffers| {
            let pickle = Bytes::from_static(b"N.");
            let compression = vec![Value::Nil; buffers.len()];
            Value::Pickled(Box::new(Pickled { pickle, compression, buffers }))
        });
        let set = prop::collection::vec(plain_values(), 0..3).prop_map(Value::Set);
        prop::collection::vec(prop_oneof![plain_values(), serialized, pickled, set], 0..6).prop_map(Value::Array)
    }

    proptest! {
        #[test]
        fn messages_come_back(message in messages()) {
            let frames = encode_message(&message).unwrap();
            prop_assert_eq!(decode_message(&frames, &Limits::default()).unwrap(), message);
        }
    }
}
