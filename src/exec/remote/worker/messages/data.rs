//! Asking a worker for values, and handing them over.
//!
//! ```text
//!   {"op": "get_data", "keys": ["x", "y"], "who": "tcp://..."}   ->
//!                                                               <-   {"status": "OK", "data": {"x": .., "y": ..}}
//!   "OK"                                                        ->   now the sender may take the next request
//! ```

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::exec::remote::wire::{Compression, Limits, Serialized, Value};
use crate::exec::remote::worker::names::Key;

use super::keys::{key_from_value, key_to_value, keys_to_value};

/// What a worker answers.
#[derive(Debug)]
pub(crate) enum DataReply {
    /// What it has of what was asked for. Values that cannot be read are not in it.
    Found(Vec<(Key, Bytes)>),
    Busy,
}

/// The request for some values, on behalf of a worker or of somebody else.
pub(crate) fn data_request(keys: &[Key], who: Option<&str>) -> Value {
    Value::map([("op", "get_data".into()), ("keys", keys_to_value(keys)), ("who", who.into())])
}

/// The request to a scheduler to fetch values from whoever has them.
pub(crate) fn gather_request(keys: &[Key]) -> Value {
    Value::map([("op", "gather".into()), ("keys", keys_to_value(keys))])
}

/// The answer with values.
pub(crate) fn data_found(values: Vec<(Key, Bytes)>, compression: Option<Compression>) -> Value {
    data_or_reasons(values.into_iter().map(|(key, content)| (key, Ok(content))).collect(), compression)
}

/// The answer with values, and with the reason where one cannot be written.
pub(crate) fn data_or_reasons(values: Vec<(Key, Result<Bytes>)>, compression: Option<Compression>) -> Value {
    let one = |(key, content): (Key, Result<Bytes>)| {
        let serialized = match content {
            Ok(content) => Serialized::of_bytes(content, compression),
            Err(error) => Serialized::of_error(&error),
        };
        (key_to_value(&key), Value::Serialized(Box::new(serialized)))
    };
    Value::map([("status", "OK".into()), ("data", Value::Map(values.into_iter().map(one).collect()))])
}

/// The answer of a worker that is asked too much.
pub(crate) fn data_busy() -> Value {
    Value::map([("status", "busy".into())])
}

/// Reads an answer.
pub(crate) fn read_data_reply(reply: &Value, limits: &Limits) -> Result<DataReply> {
    if is_busy(reply)? {
        return Ok(DataReply::Busy);
    }
    let found = read_data(reply, limits)?.into_iter();
    Ok(DataReply::Found(found.filter_map(|(key, content)| Some((key, content.ok()?))).collect()))
}

/// Whether an answer has no values because the worker is asked too much.
pub(crate) fn is_busy(reply: &Value) -> Result<bool> {
    match reply.text("status")? {
        "busy" => Ok(true),
        "OK" => Ok(false),
        other => Err(Error::format("get_data", format!("an answer of status {other:?}"))),
    }
}

/// The values of an answer, or what is wrong with them. May take long: they may be compressed. The limit on a message holds
/// for all of them together.
pub(crate) fn read_data(reply: &Value, limits: &Limits) -> Result<Vec<(Key, Result<Bytes>)>> {
    let mut left = *limits;
    let mut one = |(key, value): &(Value, Value)| {
        let content = read_one(value, &left);
        left.message_bytes = left.message_bytes.saturating_sub(content.as_ref().map_or(0, |bytes| bytes.len() as u64));
        // What has another kind of name has not been asked for.
        Some((key_from_value(key).ok()?, content))
    };
    Ok(reply.pairs("data")?.iter().filter_map(&mut one).collect())
}

fn read_one(value: &Value, limits: &Limits) -> Result<Bytes> {
    match value {
        Value::Serialized(value) => value.to_bytes(limits),
        Value::Bytes(content) => Ok(content.clone()),
        other => Err(Error::format("get_data", format!("{other:?} is no value of a task"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_both_ways() {
        let values = vec![(Key::from("x"), Bytes::from_static(b"123")), (Key::from("y"), Bytes::new())];
        let reply = data_found(values.clone(), None);
        let DataReply::Found(read) = read_data_reply(&reply, &Limits::default()).unwrap() else { panic!() };
        assert_eq!(read, values);
        assert!(matches!(read_data_reply(&data_busy(), &Limits::default()), Ok(DataReply::Busy)));
    }

    #[test]
    fn unreadable_values_are_left_out() {
        let foreign = Serialized { header: Value::map([("serializer", "cuda".into())]), frames: Vec::new() };
        let data = Value::map([("x", Value::Serialized(Box::new(foreign))), ("y", Bytes::from_static(b"1").into())]);
        let reply = Value::map([("status", "OK".into()), ("data", data)]);
        let DataReply::Found(read) = read_data_reply(&reply, &Limits::default()).unwrap() else { panic!() };
        assert_eq!(read, [(Key::from("y"), Bytes::from_static(b"1"))]);
        let reasons = read_data(&reply, &Limits::default()).unwrap();
        assert!(reasons[0].1.as_ref().unwrap_err().to_string().contains("cuda"), "{reasons:?}");
    }

    #[test]
    fn the_reason_why_a_value_cannot_be_written_arrives() {
        let values = vec![
            (Key::from("x"), Err(Error::value("encode", "it has no words"))),
            (Key::from("y"), Ok(Bytes::from_static(b"1"))),
        ];
        let read = read_data(&data_or_reasons(values, None), &Limits::default()).unwrap();
        assert!(read[0].1.as_ref().unwrap_err().to_string().contains("it has no words"), "{read:?}");
        assert_eq!(read[1].1.as_ref().unwrap(), "1");
    }

    #[test]
    fn all_values_of_a_message_share_its_limit() {
        let content = Bytes::from(vec![1; 20_000]);
        let values = ["x", "y", "z"].map(|key| (Key::from(key), content.clone())).to_vec();
        let reply = data_found(values, Some(Compression::Lz4));
        let limits = Limits { message_bytes: 50_000, ..Limits::default() };
        let read: Vec<bool> = read_data(&reply, &limits).unwrap().iter().map(|(_, read)| read.is_ok()).collect();
        assert_eq!(read, [true, true, false]);
    }
}
