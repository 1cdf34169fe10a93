//! What a message says: a tree of plain values.
//!
//! ```text
//! Value::map([("op", "heartbeat_worker".into()), ("now", 1.5.into()), ("keys", Value::Array(vec!["x".into()]))])
//! ```
//!
//! Maps are lists of pairs, because keys may be tuples. Lists and tuples are the same thing on the wire.

use std::fmt;

use bytes::Bytes;

use crate::error::{Error, Result};

const OP: &str = "remote message";

/// One value of a message.
#[derive(Clone, PartialEq)]
pub(crate) enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    /// An integer beyond the range of [`Value::Int`].
    Large(u64),
    Float(f64),
    Text(String),
    Bytes(Bytes),
    /// A list or a tuple.
    Array(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Set(Vec<Value>),
    Enum(Box<EnumMember>),
    Serialized(Box<Serialized>),
    Pickled(Box<Pickled>),
}

/// A member of a Python enumeration, such as `distributed.core.Status.running`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EnumMember {
    pub(crate) module: String,
    pub(crate) class: String,
    pub(crate) name: String,
}

/// A value that the scheduler passes on without opening it: a description and frames.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Serialized {
    pub(crate) header: Value,
    pub(crate) frames: Vec<Bytes>,
}

/// A value that every Python process unpickles at once when the message arrives.
#[derive(Clone, PartialEq)]
pub(crate) struct Pickled {
    pub(crate) pickle: Bytes,
    /// Names of the compression of each buffer, as in the header.
    pub(crate) compression: Vec<Value>,
    pub(crate) buffers: Vec<Bytes>,
}

impl Value {
    /// A map with text keys.
    pub(crate) fn map<const N: usize>(fields: [(&str, Value); N]) -> Self {
        Self::Map(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// An empty map.
    pub(crate) fn empty_map() -> Self {
        Self::Map(Vec::new())
    }

    /// Adds or replaces a field of a map; other values stay as they are.
    pub(crate) fn put(&mut self, name: &str, value: Value) {
        let Self::Map(pairs) = self else { return };
        match pairs.iter_mut().find(|(key, _)| key.as_text() == Some(name)) {
            Some((_, old)) => *old = value,
            None => pairs.push((name.into(), value)),
        }
    }

    /// The field of a map; nothing if this is no map or has no such field.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.as_map()?.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
    }

    /// Takes the field out of a map.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let Self::Map(pairs) = self else { return None };
        let at = pairs.iter().position(|(key, _)| key.as_text() == Some(name))?;
        Some(pairs.swap_remove(at).1)
    }

    /// The field of a map, or an error that names it.
    pub(crate) fn field(&self, name: &str) -> Result<&Value> {
        self.get(name).ok_or_else(|| Error::format(OP, format!("the field `{name}` is missing in {self:?}")))
    }

    /// A text field.
    pub(crate) fn text(&self, name: &str) -> Result<&str> {
        self.typed(name, "a text", Value::as_text)
    }

    /// An integer field.
    pub(crate) fn int(&self, name: &str) -> Result<i64> {
        self.typed(name, "an integer", Value::as_int)
    }

    /// A number field.
    pub(crate) fn float(&self, name: &str) -> Result<f64> {
        self.typed(name, "a number", Value::as_float)
    }

    /// A list field.
    pub(crate) fn array(&self, name: &str) -> Result<&[Value]> {
        self.typed(name, "a list", Value::as_array)
    }

    /// A map field.
    pub(crate) fn pairs(&self, name: &str) -> Result<&[(Value, Value)]> {
        self.typed(name, "a map", Value::as_map)
    }

    fn typed<'a, T>(&'a self, name: &str, wanted: &str, read: impl Fn(&'a Value) -> Option<T>) -> Result<T> {
        let value = self.field(name)?;
        read(value).ok_or_else(|| Error::format(OP, format!("the field `{name}` is {value:?} and not {wanted}")))
    }

    pub(crate) fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    pub(crate) fn as_int(&self) -> Option<i64> {
        if let Self::Int(value) = self { Some(*value) } else { None }
    }

    /// A number, integer or not.
    pub(crate) fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            Self::Int(value) => Some(*value as f64),
            Self::Large(value) => Some(*value as f64),
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Text(value) = self { Some(value) } else { None }
    }

    pub(crate) fn as_bytes(&self) -> Option<&Bytes> {
        if let Self::Bytes(value) = self { Some(value) } else { None }
    }

    /// The items of a list, a tuple or a set.
    pub(crate) fn as_array(&self) -> Option<&[Value]> {
        if let Self::Array(items) | Self::Set(items) = self { Some(items) } else { None }
    }

    pub(crate) fn as_map(&self) -> Option<&[(Value, Value)]> {
        if let Self::Map(pairs) = self { Some(pairs) } else { None }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::Large(value), Self::Int)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nil, Into::into)
    }
}

impl<T: Into<Value>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

/// How many characters of a value an error message shows.
const SHOWN_CHARS: usize = 300;

impl fmt::Debug for Value {
    /// As Python would show it, cut off where it gets long; the contents of bytes are not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        show(self, &mut text);
        f.write_str(&text)
    }
}

impl fmt::Debug for Pickled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<pickle of {} bytes, {} buffers>", self.pickle.len(), self.buffers.len())
    }
}

fn show(value: &Value, out: &mut String) {
    if out.len() > SHOWN_CHARS {
        return;
    }
    match value {
        Value::Nil => out.push_str("None"),
        Value::Bool(value) => out.push_str(if *value { "True" } else { "False" }),
        Value::Int(value) => out.push_str(&value.to_string()),
        Value::Large(value) => out.push_str(&value.to_string()),
        Value::Float(value) => out.push_str(&format!("{value:?}")),
        Value::Text(text) => show_text(text, out),
        Value::Bytes(bytes) => out.push_str(&format!("<{} bytes>", bytes.len())),
        Value::Array(items) => show_all("(", items, show, ")", out),
        Value::Map(pairs) => show_all("{", pairs, show_pair, "}", out),
        Value::Set(items) => show_all("{", items, show, "}", out),
        Value::Enum(member) => out.push_str(&format!("<{}.{}>", member.class, member.name)),
        Value::Serialized(value) => out.push_str(&format!("<serialized in {} frames>", value.frames.len())),
        Value::Pickled(value) => out.push_str(&format!("{value:?}")),
    }
}

fn show_text(text: &str, out: &mut String) {
    let shown: String = text.chars().take(SHOWN_CHARS).collect();
    out.push_str(&format!("{shown:?}"));
}

fn show_pair((key, value): &(Value, Value), out: &mut String) {
    show(key, out);
    out.push_str(": ");
    show(value, out);
}

fn show_all<T>(open: &str, items: &[T], show_one: fn(&T, &mut String), close: &str, out: &mut String) {
    out.push_str(open);
    for (i, item) in items.iter().enumerate() {
        if out.len() > SHOWN_CHARS {
            out.push_str(", ..");
            break;
        }
        out.push_str(if i > 0 { ", " } else { "" });
        show_one(item, out);
    }
    out.push_str(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_and_faults_name_them() {
        let mut value =
            Value::map([("op", "ping".into()), ("n", 3_i64.into()), ("keys", ["a", "b"].into_iter().collect())]);
        assert_eq!(value.text("op").unwrap(), "ping");
        assert_eq!(value.int("n").unwrap(), 3);
        assert_eq!(value.float("n").unwrap(), 3.0);
        assert_eq!(value.array("keys").unwrap().len(), 2);
        let missing = value.text("name").unwrap_err().to_string();
        assert!(missing.contains("`name` is missing"), "{missing}");
        let wrong = value.int("op").unwrap_err().to_string();
        assert!(wrong.contains("`op` is \"ping\" and not an integer"), "{wrong}");
        value.put("n", Value::Nil);
        assert!(value.get("n").unwrap().is_nil());
        assert_eq!(value.take("n"), Some(Value::Nil));
        assert_eq!(value.get("n"), None);
    }

    #[test]
    fn what_is_shown_is_short() {
        let deep = (0..100_000_i64).collect::<Value>();
        assert!(format!("{deep:?}").len() < 2 * SHOWN_CHARS);
        assert_eq!(format!("{:?}", Value::map([("a", vec![1_i64, 2].into_iter().collect())])), "{\"a\": (1, 2)}");
    }

    #[test]
    fn large_integers_keep_their_value() {
        assert_eq!(Value::from(7_u64), Value::Int(7));
        assert_eq!(Value::from(u64::MAX), Value::Large(u64::MAX));
    }
}
