//! Names of results as values of messages.

use crate::error::{Error, Result};
use crate::exec::remote::wire::Value;
use crate::exec::remote::worker::names::{Address, Key};

/// How deep tuples may be nested in a key.
const MAX_DEPTH: usize = 16;

/// Reads a key.
pub(crate) fn key_from_value(value: &Value) -> Result<Key> {
    read_key(value, MAX_DEPTH)
}

fn read_key(value: &Value, depth: usize) -> Result<Key> {
    match value {
        Value::Int(number) => Ok(Key::Int(*number)),
        Value::Float(number) => Ok(Key::Float(number.to_bits())),
        Value::Text(text) => Ok(Key::Text(text.as_str().into())),
        Value::Bytes(bytes) => Ok(Key::Bytes(bytes.as_ref().into())),
        Value::Array(items) if depth > 0 => {
            let items: Result<Vec<Key>> = items.iter().map(|item| read_key(item, depth - 1)).collect();
            Ok(Key::Tuple(items?.into()))
        }
        other => Err(Error::format("key", format!("{other:?} is no name of a result"))),
    }
}

/// Writes a list of keys.
pub(crate) fn keys_to_value(keys: &[Key]) -> Value {
    Value::Array(keys.iter().map(key_to_value).collect())
}

/// Writes a key.
pub(crate) fn key_to_value(key: &Key) -> Value {
    match key {
        Key::Int(number) => Value::Int(*number),
        Key::Float(bits) => Value::Float(f64::from_bits(*bits)),
        Key::Text(text) => Value::Text(text.to_string()),
        Key::Bytes(bytes) => Value::Bytes(bytes.to_vec().into()),
        Key::Tuple(items) => keys_to_value(items),
    }
}

/// Reads a list of keys.
pub(crate) fn keys_from_value(value: &Value) -> Result<Vec<Key>> {
    let items = value.as_array().ok_or_else(|| Error::format("key", format!("{value:?} is no list of keys")))?;
    items.iter().map(key_from_value).collect()
}

/// Reads who has what: `{key: [address, ..], ..}`.
pub(crate) fn read_holders(value: &Value) -> Result<Vec<(Key, Vec<Address>)>> {
    let pairs = value.as_map().ok_or_else(|| Error::format("key", format!("{value:?} is no map of holders")))?;
    let one = |(key, workers): &(Value, Value)| Ok((key_from_value(key)?, read_addresses(workers)?));
    pairs.iter().map(one).collect()
}

fn read_addresses(value: &Value) -> Result<Vec<Address>> {
    let items = value.as_array().ok_or_else(|| Error::format("address", format!("{value:?} is no list")))?;
    let one = |item: &Value| item.as_text().map(Address::from);
    let addresses: Option<Vec<Address>> = items.iter().map(one).collect();
    addresses.ok_or_else(|| Error::format("address", format!("{value:?} is no list of addresses")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_both_ways() {
        let tuple =
            Key::Tuple([Key::from("x-1"), Key::from(3), Key::Tuple([Key::Float(2.5_f64.to_bits())].into())].into());
        for key in [Key::from("y"), Key::from(-5), Key::Bytes([1, 2][..].into()), tuple] {
            assert_eq!(key_from_value(&key_to_value(&key)).unwrap(), key);
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let deep = (0..50).fold(Value::Int(1), |inner, _| Value::Array(vec![inner]));
        for value in [Value::Nil, Value::Bool(true), deep] {
            assert!(key_from_value(&value).is_err());
        }
    }

    #[test]
    fn holders() {
        let workers: Value = ["tcp://a:1", "tcp://b:1"].into_iter().collect();
        let value = Value::Map(vec![("x".into(), workers)]);
        assert_eq!(read_holders(&value).unwrap(), [("x".into(), vec!["tcp://a:1".into(), "tcp://b:1".into()])]);
        assert!(read_holders(&Value::map([("x", 3_i64.into())])).is_err());
    }
}
