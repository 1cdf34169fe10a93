//! The machine that turns a pickle into a tree, and never imports or calls anything.
//!
//! What it keeps is bounded by the bytes of the pickle and by [`PickleLimits`]: every instruction makes one node at most,
//! lengths are checked against the bytes that are there, and the memo is a map, so that a large index in it costs nothing.

use std::collections::HashMap;

use bytes::Bytes;

use super::opcode as op;
use super::tree::{Node, NodeId, Tree};
use crate::error::{Error, Result};

const OP: &str = "pickle";

/// The newest protocol there is.
const NEWEST_PROTOCOL: u8 = 5;

/// Bounds on one pickle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PickleLimits {
    pub(crate) n_bytes: usize,
    pub(crate) n_nodes: usize,
    pub(crate) n_memo: usize,
    /// Marks that are open at the same time.
    pub(crate) depth: usize,
}

impl Default for PickleLimits {
    /// Large enough for any task we are sent, and for bytes of some gigabytes.
    fn default() -> Self {
        Self { n_bytes: 16 << 30, n_nodes: 1 << 22, n_memo: 1 << 22, depth: 1_000 }
    }
}

/// Reads a pickle and the buffers it refers to.
pub(crate) fn read_pickle(pickle: &Bytes, buffers: &[Bytes], limits: &PickleLimits) -> Result<Tree> {
    if pickle.len() > limits.n_bytes {
        return Err(fault(format!("a pickle of {} bytes; the limit is {}", pickle.len(), limits.n_bytes)));
    }
    let mut machine = Machine {
        pickle,
        at: 0,
        buffers: buffers.iter(),
        limits,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    loop {
        let code = machine.number::<1>()?[0];
        if code == op::STOP {
            let root = machine.pop()?;
            return Ok(Tree { nodes: machine.nodes, root });
        }
        machine.step(code)?;
    }
}

fn fault(detail: impl Into<String>) -> Error {
    Error::format(OP, detail)
}

struct Machine<'a> {
    pickle: &'a Bytes,
    at: usize,
    buffers: std::slice::Iter<'a, Bytes>,
    limits: &'a PickleLimits,
    nodes: Vec<Node>,
    stack: Vec<NodeId>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u32, NodeId>,
}

impl Machine<'_> {
    #[rustfmt::skip]
    fn step(&mut self, code: u8) -> Result<()> {
        match code {
            op::PROTO => self.protocol(),
            op::FRAME => self.number::<8>().map(drop),
            op::MARK => self.mark(),
            op::POP => self.drop_top(),
            op::POP_MARK => self.since_mark().map(drop),
            op::DUP => self.top().map(|id| self.stack.push(id)),
            op::BINPUT => { let index = self.number::<1>()?[0].into(); self.remember(index) }
            op::LONG_BINPUT => { let index = self.int32()?; self.remember(index) }
            op::MEMOIZE => self.remember(self.memo.len() as u32),
            op::BINGET => { let index = self.number::<1>()?[0].into(); self.recall(index) }
            op::LONG_BINGET => { let index = self.int32()?; self.recall(index) }
            op::NONE => self.push(Node::None),
            op::NEWTRUE => self.push(Node::Bool(true)),
            op::NEWFALSE => self.push(Node::Bool(false)),
            op::BININT => { let value = i32::from_le_bytes(self.number()?); self.push(Node::Int(value.into())) }
            op::BININT1 => { let value = self.number::<1>()?[0]; self.push(Node::Int(value.into())) }
            op::BININT2 => { let value = u16::from_le_bytes(self.number()?); self.push(Node::Int(value.into())) }
            op::LONG1 => { let length = self.number::<1>()?[0].into(); self.long(length) }
            op::LONG4 => { let length = self.int32()? as usize; self.long(length) }
            op::BINFLOAT => { let value = f64::from_be_bytes(self.number()?); self.push(Node::Float(value)) }
            op::SHORT_BINUNICODE | op::SHORT_BINBYTES => { let length = self.number::<1>()?[0].into(); self.run(code, length) }
            op::BINUNICODE | op::BINBYTES => { let length = self.int32()?.into(); self.run(code, length) }
            op::BINUNICODE8 | op::BINBYTES8 | op::BYTEARRAY8 => { let length = u64::from_le_bytes(self.number()?); self.run(code, length) }
            op::NEXT_BUFFER => self.buffer(),
            op::READONLY_BUFFER => self.top().map(drop),
            _ => self.step_object(code),
        }
    }

    #[rustfmt::skip]
    fn step_object(&mut self, code: u8) -> Result<()> {
        match code {
            op::EMPTY_TUPLE => self.push(Node::Tuple(Vec::new())),
            op::TUPLE => { let items = self.since_mark()?; self.push(Node::Tuple(items)) }
            op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => self.short_tuple((code - op::TUPLE1) as usize + 1),
            op::EMPTY_LIST => self.push(Node::List(Vec::new())),
            op::LIST => { let items = self.since_mark()?; self.push(Node::List(items)) }
            op::APPEND => { let item = self.pop()?; self.extend(vec![item]) }
            op::APPENDS | op::ADDITEMS => { let items = self.since_mark()?; self.extend(items) }
            op::EMPTY_DICT => self.push(Node::Dict(Vec::new())),
            op::DICT => { let items = self.since_mark()?; self.push(Node::Dict(Vec::new()))?; self.set_items(items) }
            op::SETITEM => { let value = self.pop()?; let key = self.pop()?; self.set_items(vec![key, value]) }
            op::SETITEMS => { let items = self.since_mark()?; self.set_items(items) }
            op::EMPTY_SET => self.push(Node::Set(Vec::new())),
            op::FROZENSET => { let items = self.since_mark()?; self.push(Node::Set(items)) }
            op::GLOBAL => self.global(),
            op::STACK_GLOBAL => { let name = self.pop()?; let module = self.pop()?; self.push(Node::Name(module, name)) }
            op::REDUCE | op::NEWOBJ => { let arguments = self.pop()?; self.object(arguments, Vec::new()) }
            op::NEWOBJ_EX => { let keywords = self.pop()?; let arguments = self.pop()?; self.object(arguments, vec![keywords]) }
            op::BUILD => self.build(),
            _ => Err(fault(format!("instruction {code:#04x} at byte {} is not read here", self.at - 1))),
        }
    }

    fn push(&mut self, node: Node) -> Result<()> {
        if self.nodes.len() >= self.limits.n_nodes {
            return Err(fault(format!("more than {} objects", self.limits.n_nodes)));
        }
        self.stack.push(NodeId(self.nodes.len() as u32));
        self.nodes.push(node);
        Ok(())
    }

    /// The height of the stack below which nothing may be taken.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<NodeId> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    fn top(&self) -> Result<NodeId> {
        let id = self.stack.last().filter(|_| self.stack.len() > self.floor());
        id.copied().ok_or_else(|| fault(format!("an instruction before byte {} finds nothing to work on", self.at)))
    }

    /// Python lets this instruction take a mark as well.
    fn drop_top(&mut self) -> Result<()> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    fn mark(&mut self) -> Result<()> {
        if self.marks.len() >= self.limits.depth {
            return Err(fault(format!("more than {} containers within containers", self.limits.depth)));
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn since_mark(&mut self) -> Result<Vec<NodeId>> {
        let height = self.marks.pop().ok_or_else(|| fault("a container has no beginning"))?;
        Ok(self.stack.split_off(height))
    }

    fn remember(&mut self, index: u32) -> Result<()> {
        let id = self.top()?;
        if self.memo.len() >= self.limits.n_memo {
            return Err(fault(format!("more than {} remembered objects", self.limits.n_memo)));
        }
        self.memo.insert(index, id);
        Ok(())
    }

    fn recall(&mut self, index: u32) -> Result<()> {
        let id = self.memo.get(&index).ok_or_else(|| fault(format!("object {index} has not been remembered")))?;
        self.stack.push(*id);
        Ok(())
    }

    fn protocol(&mut self) -> Result<()> {
        match self.number::<1>()?[0] {
            2..=NEWEST_PROTOCOL => Ok(()),
            other => Err(fault(format!("pickle protocol {other} is not read here"))),
        }
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.pickle.get(self.at..self.at + N).and_then(|bytes| bytes.try_into().ok());
        self.at += N;
        bytes.ok_or_else(|| fault("the pickle is cut off"))
    }

    fn int32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.number()?))
    }

    fn take(&mut self, length: u64) -> Result<Bytes> {
        let left = self.pickle.len() - self.at;
        match usize::try_from(length) {
            Ok(length) if length <= left => {
                self.at += length;
                Ok(self.pickle.slice(self.at - length..self.at))
            }
            _ => Err(fault(format!("{length} bytes are claimed where {left} are left"))),
        }
    }

    /// A run of bytes: text or bytes.
    fn run(&mut self, code: u8, length: u64) -> Result<()> {
        let bytes = self.take(length)?;
        let is_text = matches!(code, op::SHORT_BINUNICODE | op::BINUNICODE | op::BINUNICODE8);
        self.push(if is_text { Node::Text(bytes) } else { Node::Bytes(bytes) })
    }

    fn long(&mut self, length: usize) -> Result<()> {
        let bytes = self.take(length as u64)?;
        if bytes.len() > 8 {
            return self.push(Node::BigInt(bytes));
        }
        let is_negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut value = [if is_negative { 0xff } else { 0 }; 8];
        value[..bytes.len()].copy_from_slice(&bytes);
        self.push(Node::Int(i64::from_le_bytes(value)))
    }

    fn buffer(&mut self) -> Result<()> {
        let buffer = self.buffers.next().ok_or_else(|| fault("a buffer is missing"))?.clone();
        self.push(Node::Bytes(buffer))
    }

    fn short_tuple(&mut self, n: usize) -> Result<()> {
        let start = self.stack.len().checked_sub(n).filter(|&start| start >= self.floor());
        let start = start.ok_or_else(|| fault("a tuple has too few items"))?;
        let items = self.stack.split_off(start);
        self.push(Node::Tuple(items))
    }

    /// Module and name as two lines.
    fn global(&mut self) -> Result<()> {
        for _ in 0..2 {
            let rest = &self.pickle[self.at..];
            let length = rest.iter().position(|&byte| byte == b'\n').ok_or_else(|| fault("a name is cut off"))?;
            let line = self.take(length as u64)?;
            self.at += 1;
            self.push(Node::Text(line))?;
        }
        self.step_object(op::STACK_GLOBAL)
    }

    fn object(&mut self, arguments: NodeId, parts: Vec<NodeId>) -> Result<()> {
        let callable = self.pop()?;
        self.push(Node::Object { callable, arguments, parts })
    }

    fn build(&mut self) -> Result<()> {
        let state = self.pop()?;
        match self.top_node()? {
            Node::Object { parts, .. } => parts.push(state),
            other => return Err(fault(format!("{other:?} cannot be given a state"))),
        }
        Ok(())
    }

    fn top_node(&mut self) -> Result<&mut Node> {
        let id = self.top()?;
        Ok(&mut self.nodes[id.0 as usize])
    }

    fn extend(&mut self, items: Vec<NodeId>) -> Result<()> {
        match self.top_node()? {
            Node::List(list) | Node::Set(list) | Node::Object { parts: list, .. } => list.extend(items),
            _ => return Err(fault("items are added to what holds none")),
        }
        Ok(())
    }

    fn set_items(&mut self, items: Vec<NodeId>) -> Result<()> {
        if !items.len().is_multiple_of(2) {
            return Err(fault("a key has no value"));
        }
        match self.top_node()? {
            Node::Dict(pairs) => pairs.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1]))),
            Node::Object { parts, .. } => parts.extend(items),
            _ => return Err(fault("keys are set in what has none")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONTAINERS: &[u8] = include_bytes!("../../../../tests/data/remote/containers.pickle");
    const ORDER: &[u8] = include_bytes!("../../../../tests/data/remote/compute_task.message");

    fn read(pickle: &[u8]) -> Result<Tree> {
        read_pickle(&Bytes::copy_from_slice(pickle), &[], &PickleLimits::default())
    }

    fn entry(tree: &Tree, name: &str) -> String {
        tree.describe(tree.entry(tree.root(), name).unwrap())
    }

    #[test]
    fn containers_of_the_reference_are_read() {
        let tree = read(CONTAINERS).unwrap();
        assert_eq!(entry(&tree, "list"), "[1, -1, <integer of 9 bytes>, 1.5, None, True]");
        assert_eq!(entry(&tree, "set"), "{1}");
        assert_eq!(entry(&tree, "frozen"), "{2}");
        assert_eq!(entry(&tree, "tuple"), "((), (1, 2, 3, 4))");
        assert_eq!(entry(&tree, "bytearray"), "<2 bytes>");
    }

    #[test]
    fn a_payload_is_found_in_what_a_scheduler_sends() {
        use crate::exec::remote::wire::{Limits, Value, decode_message, split_message};
        let limits = Limits::default();
        let frames = split_message(&Bytes::from_static(ORDER), &limits).unwrap();
        let orders = decode_message(&frames, &limits).unwrap();
        let order = &orders.as_array().unwrap()[0];
        assert_eq!(order.int("run_id").unwrap(), 3);
        assert_eq!(order.pairs("who_has").unwrap()[1].0, Value::Array(vec!["leaf".into(), 0_i64.into(), 1_i64.into()]));
        let Some(Value::Pickled(run_spec)) = order.get("run_spec") else { panic!("{order:?}") };
        let tree = read_pickle(&run_spec.pickle, &run_spec.buffers, &PickleLimits::default()).unwrap();
        assert_eq!(tree.bytes_with(b"RSK1").collect::<Vec<_>>(), ["RSK1 payload"]);
        assert_eq!(tree.describe(tree.root()), "<Task>");
    }

    #[test]
    fn nothing_is_called_or_imported() {
        // What would run a shell in Python is two names and an object here.
        let tree = read(b"\x80\x04cos\nsystem\n\x8c\x04true\x85R.").unwrap();
        let Node::Object { callable, arguments, .. } = tree.node(tree.root()) else { panic!() };
        assert_eq!(tree.name(*callable).unwrap(), ("os".into(), "system".into()));
        assert_eq!(tree.describe(*arguments), "(\"true\")");
    }

    #[test]
    fn instructions_without_a_picture_are_refused() {
        for pickle in [
            &b"\x80\x02Pid\n."[..],
            b"\x80\x02K\x01Q.",
            b"\x80\x02\x82\x01.",
            b"\x80\x02I1\n.",
            b"\x80\x01N.",
            b"\x80\x06N.",
        ] {
            assert!(read(pickle).is_err(), "{pickle:?}");
        }
    }

    #[test]
    fn marks_are_a_floor() {
        for pickle in
            [&b"\x80\x02K\x01(0."[..], b"\x80\x02K\x01K\x02(\x86.", b"\x80\x02N(R.", b"\x80\x02t.", b"\x80\x02(N."]
        {
            let is_pop_of_mark = pickle.contains(&b'0');
            assert_eq!(read(pickle).is_ok(), is_pop_of_mark || pickle.ends_with(b"(N."), "{pickle:?}");
        }
    }

    #[test]
    fn claims_are_bounded() {
        let limits = PickleLimits { n_bytes: 100, n_nodes: 10, n_memo: 3, depth: 4 };
        let read = |pickle: &[u8]| read_pickle(&Bytes::copy_from_slice(pickle), &[], &limits);
        assert!(read(&[b'N'; 101]).unwrap_err().to_string().contains("101 bytes"));
        assert!(read(&[&[b'N'; 10][..], b"."].concat()).is_ok());
        assert!(read(&[b'N'; 11]).unwrap_err().to_string().contains("10 objects"));
        assert!(read(b"N\x94\x94\x94\x94.").unwrap_err().to_string().contains("3 remembered"));
        assert!(read(b"(((((N.").unwrap_err().to_string().contains("4 containers"));
        assert!(read(b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff").unwrap_err().to_string().contains("claimed"));
        assert!(read(b"Nr\xff\xff\xff\xff.").is_ok());
        assert!(read(b"j\xff\xff\xff\xff.").is_err());
        assert!(read(b"\x8b\xff\xff\xff\xff").is_err());
    }

    #[test]
    fn objects_may_contain_themselves() {
        // x = []; x.append(x)
        let tree = read(b"\x80\x04]\x94h\x00a.").unwrap();
        assert_eq!(tree.describe(tree.root()), "[[[[..]]]]");
    }

    #[test]
    fn sharing_does_not_grow() {
        // Thirty tuples, each of the one before twice: 2^30 items to whoever unfolds it.
        let doubled = [&b"\x80\x04N"[..], &b"2\x86".repeat(30), b"."].concat();
        let tree = read(&doubled).unwrap();
        assert_eq!(tree.nodes.len(), 31);
        assert!(tree.describe(tree.root()).len() < 100);
    }

    #[test]
    fn every_truncation_is_an_error() {
        for n_kept in 0..CONTAINERS.len() {
            assert!(read(&CONTAINERS[..n_kept]).is_err());
        }
    }

    proptest! {
        #[test]
        fn mutations_are_read_or_refused(changes in prop::collection::vec((0..CONTAINERS.len(), any::<u8>()), 1..10)) {
            let mut pickle = CONTAINERS.to_vec();
            for (at, byte) in changes {
                pickle[at] = byte;
            }
            if let Ok(tree) = read(&pickle) {
                prop_assert!(tree.nodes.len() <= pickle.len());
                tree.describe(tree.root());
            }
        }
    }
}
