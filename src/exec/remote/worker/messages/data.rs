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

use super::keys::{key_from_value, key_to_value};

/// What a worker answers.
#[derive(Debug)]
pub(crate) enum DataReply {
    /// What it has of what was asked for. Values that cannot be read are not in it.
    Found(Vec<(Key, Bytes)>),
    Busy,
}

/// The request for some values, on behalf of a worker or of somebody else.
pub(crate) fn data_request(keys: &[Key], who: Option<&str>) -> Value {
    let keys = Value::Array(keys.iter().map(key_to_value).collect());
    Value::map([("op", "get_data".into()), ("keys", keys), ("who", who.into())])
}

/// The answer with values.
pub(crate) fn data_found(values: Vec<(Key, Bytes)>, compression: Option<Compression>) -> Value {
    let one = |(key, content): (Key, Bytes)| {
        (key_to_value(&key), Value::Serialized(Box::new(Serialized::of_bytes(content, compression))))
    };
    Value::map([("status", "OK".into()), ("data", Value::Map(values.into_iter().map(one).collect()))])
}

/// The answer of a worker that is asked too much.
pub(crate) fn data_busy() -> Value {
    Value::map([("status", "busy".into())])
}

/// Reads an answer.
pub(crate) fn read_data_reply(reply: &Value, limits: &Limits) -> Result<DataReply> {
    match reply.text("status")? {
        "busy" => Ok(DataReply::Busy),
        "OK" => {
            let pairs = reply.pairs("data")?.iter();
            Ok(DataReply::Found(pairs.filter_map(|(key, value)| read_one(key, value, limits).ok()).collect()))
        }
        other => Err(Error::format("get_data", format!("an answer of status {other:?}"))),
    }
}

fn read_one(key: &Value, value: &Value, limits: &Limits) -> Result<(Key, Bytes)> {
    let content = match value {
        Value::Serialized(value) => value.to_bytes(limits)?,
        Value::Bytes(content) => content.clone(),
        other => return Err(Error::format("get_data", format!("{other:?} is no value of a task"))),
    };
    Ok((key_from_value(key)?, content))
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
    }
}
