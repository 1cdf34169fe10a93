//! Values as pickles.

use bytes::Bytes;

use super::opcode as op;
use crate::error::{Error, Result};
use crate::exec::remote::wire::Value;

/// The pickle of the class `bytes`: the type of every result we report.
pub(crate) const CLASS_BYTES: &[u8] = b"\x80\x05\x8c\x08builtins\x8c\x05bytes\x93.";

/// Writes the instructions of a pickle one after the other.
#[derive(Debug)]
pub(crate) struct PickleWriter {
    out: Vec<u8>,
    n_memo: u32,
}

impl PickleWriter {
    pub(crate) fn new() -> Self {
        Self { out: vec![op::PROTO, 5], n_memo: 0 }
    }

    /// The pickle of what has been written.
    pub(crate) fn finish(mut self) -> Bytes {
        self.out.push(op::STOP);
        self.out.into()
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.run(text.as_bytes(), [op::SHORT_BINUNICODE, op::BINUNICODE, op::BINUNICODE8]);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.run(bytes, [op::SHORT_BINBYTES, op::BINBYTES, op::BINBYTES8]);
    }

    fn run(&mut self, bytes: &[u8], [short, middle, long]: [u8; 3]) {
        let length = bytes.len();
        if let Ok(length) = u8::try_from(length) {
            self.out.extend([short, length]);
        } else if let Ok(length) = u32::try_from(length) {
            self.out.push(middle);
            self.out.extend(length.to_le_bytes());
        } else {
            self.out.push(long);
            self.out.extend((length as u64).to_le_bytes());
        }
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn int(&mut self, value: i64) {
        if let Ok(value) = u8::try_from(value) {
            self.out.extend([op::BININT1, value]);
        } else if let Ok(value) = u16::try_from(value) {
            self.out.push(op::BININT2);
            self.out.extend(value.to_le_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.out.push(op::BININT);
            self.out.extend(value.to_le_bytes());
        } else {
            self.out.extend([op::LONG1, 8]);
            self.out.extend(value.to_le_bytes());
        }
    }

    /// Something to import; the module and the name, which may have dots.
    pub(crate) fn name(&mut self, module: &str, name: &str) {
        self.text(module);
        self.text(name);
        self.out.push(op::STACK_GLOBAL);
    }

    /// Remembers what was written last; [`recall`](Self::recall) writes it again.
    pub(crate) fn remember(&mut self) -> u32 {
        self.out.push(op::MEMOIZE);
        self.n_memo += 1;
        self.n_memo - 1
    }

    pub(crate) fn recall(&mut self, index: u32) {
        if let Ok(index) = u8::try_from(index) {
            self.out.extend([op::BINGET, index]);
        } else {
            self.out.push(op::LONG_BINGET);
            self.out.extend(index.to_le_bytes());
        }
    }

    /// Forgets what was written last; the memo still has it.
    pub(crate) fn pop(&mut self) {
        self.out.push(op::POP);
    }

    pub(crate) fn mark(&mut self) {
        self.out.push(op::MARK);
    }

    /// Makes a tuple of all since the mark.
    pub(crate) fn tuple(&mut self) {
        self.out.push(op::TUPLE);
    }

    /// Makes a tuple of the last value.
    pub(crate) fn tuple1(&mut self) {
        self.out.push(op::TUPLE1);
    }

    pub(crate) fn empty_dict(&mut self) {
        self.out.push(op::EMPTY_DICT);
    }

    /// Puts all keys and values since the mark into the dictionary below it.
    pub(crate) fn set_items(&mut self) {
        self.out.push(op::SETITEMS);
    }

    /// Calls what lies below the tuple of arguments.
    pub(crate) fn call(&mut self) {
        self.out.push(op::REDUCE);
    }

    /// Plain data: lists become tuples; what is out-of-band has no pickle.
    pub(crate) fn value(&mut self, value: &Value) -> Result<()> {
        match value {
            Value::Nil => self.out.push(op::NONE),
            Value::Bool(value) => self.out.push(if *value { op::NEWTRUE } else { op::NEWFALSE }),
            Value::Int(value) => self.int(*value),
            Value::Large(value) => {
                self.out.extend([op::LONG1, 9]);
                self.out.extend(value.to_le_bytes());
                self.out.push(0);
            }
            Value::Float(value) => {
                self.out.push(op::BINFLOAT);
                self.out.extend(value.to_be_bytes());
            }
            Value::Text(text) => self.text(text),
            Value::Bytes(bytes) => self.bytes(bytes),
            Value::Array(items) => self.values(items, op::TUPLE)?,
            Value::Set(items) => self.values(items, op::FROZENSET)?,
            Value::Map(pairs) => {
                self.empty_dict();
                self.mark();
                for (key, value) in pairs {
                    self.value(key)?;
                    self.value(value)?;
                }
                self.set_items();
            }
            Value::Enum(_) | Value::Serialized(_) | Value::Pickled(_) => {
                return Err(Error::bug("pickle", format!("{value:?} is not plain data")));
            }
        }
        Ok(())
    }

    fn values(&mut self, items: &[Value], container: u8) -> Result<()> {
        self.mark();
        items.iter().try_for_each(|item| self.value(item))?;
        self.out.push(container);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Node, NodeId, PickleLimits, Tree, read_pickle};
    use super::*;

    fn read(pickle: &Bytes) -> Tree {
        read_pickle(pickle, &[], &PickleLimits::default()).unwrap()
    }

    fn written(value: &Value) -> Bytes {
        let mut writer = PickleWriter::new();
        writer.value(value).unwrap();
        writer.finish()
    }

    /// The value a tree stands for, for plain data.
    fn value_of(tree: &Tree, id: NodeId) -> Value {
        let all = |items: &[NodeId]| items.iter().map(|&item| value_of(tree, item)).collect();
        match tree.node(id) {
            Node::None => Value::Nil,
            Node::Bool(value) => Value::Bool(*value),
            Node::Int(value) => Value::Int(*value),
            Node::BigInt(bytes) => Value::Large(u64::from_le_bytes(bytes[..8].try_into().unwrap())),
            Node::Float(value) => Value::Float(*value),
            Node::Text(text) => Value::Text(String::from_utf8(text.to_vec()).unwrap()),
            Node::Bytes(bytes) => Value::Bytes(bytes.clone()),
            Node::Tuple(items) => Value::Array(all(items)),
            Node::Set(items) => Value::Set(all(items)),
            Node::Dict(pairs) => {
                Value::Map(pairs.iter().map(|(key, value)| (value_of(tree, *key), value_of(tree, *value))).collect())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_come_back() {
        let mut value = Value::map([
            ("integers", [0, 255, 256, 65_535, 65_536, -1, i64::MIN, i64::MAX].into_iter().collect()),
            ("large", u64::MAX.into()),
            ("float", (-0.1).into()),
            ("set", Value::Set(vec![true.into(), Value::Nil])),
        ]);
        value.put("bytes", Bytes::from(vec![7; 300]).into());
        value.put("key", Value::Array(vec!["sum-1".into(), 0_i64.into(), 70_000_i64.into()]));
        value.put("text", "ä".repeat(200).into());
        let tree = read(&written(&value));
        assert_eq!(value_of(&tree, tree.root()), value);
    }

    #[test]
    fn the_bytes_are_those_of_the_reference() {
        // pickletools.optimize(pickle.dumps(("a", 1, 300), 5)) without its frame
        let value = Value::Array(vec!["a".into(), Value::Int(1), Value::Int(300)]);
        assert_eq!(written(&value), &b"\x80\x05(\x8c\x01aK\x01M,\x01t."[..]);
        assert_eq!(read(&Bytes::from_static(CLASS_BYTES)).describe(NodeId(2)), "bytes");
    }

    proptest! {
        #[test]
        fn integers_come_back(value in any::<i64>()) {
            let tree = read(&written(&Value::Int(value)));
            prop_assert_eq!(tree.node(tree.root()), &Node::Int(value));
        }
    }
}
