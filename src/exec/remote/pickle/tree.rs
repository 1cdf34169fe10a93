//! What a pickle says: nodes that name each other by number.
//!
//! Nodes may be shared and may even contain themselves, as Python's objects may. So nobody walks a tree by recursion
//! without a bound; most questions are answered by looking at all nodes in a row.

use std::borrow::Cow;

use bytes::Bytes;

/// The number of a node in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(pub(super) u32);

/// One object of a pickle.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    None,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits: its two's complement, the lowest byte first.
    BigInt(Bytes),
    Float(f64),
    /// Python allows what UTF-8 does not: lone surrogates.
    Text(Bytes),
    Bytes(Bytes),
    Tuple(Vec<NodeId>),
    List(Vec<NodeId>),
    Dict(Vec<(NodeId, NodeId)>),
    Set(Vec<NodeId>),
    /// Something Python would import: module and name.
    Name(NodeId, NodeId),
    /// Something Python would make by a call.
    Object {
        callable: NodeId,
        arguments: NodeId,
        /// What is put into it afterwards: keyword arguments, states, items, keys with values.
        parts: Vec<NodeId>,
    },
}

/// The objects of a pickle, and the one it stands for.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) root: NodeId,
}

/// How deep and how long a description gets.
const SHOWN_DEPTH: usize = 4;
const SHOWN_BYTES: usize = 4_000;

impl Tree {
    pub(crate) fn root(&self) -> NodeId {
        self.root
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        // Ids are made by the machine that also makes the node, and no tree hands out ids of another.
        &self.nodes[id.0 as usize]
    }

    /// The text of a node that is one.
    pub(crate) fn text(&self, id: NodeId) -> Option<Cow<'_, str>> {
        if let Node::Text(text) = self.node(id) { Some(String::from_utf8_lossy(text)) } else { None }
    }

    /// The bytes of a node that is some.
    pub(crate) fn bytes(&self, id: NodeId) -> Option<&Bytes> {
        if let Node::Bytes(bytes) = self.node(id) { Some(bytes) } else { None }
    }

    /// Module and name of a node that Python would import.
    pub(crate) fn name(&self, id: NodeId) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
        let Node::Name(module, name) = self.node(id) else { return None };
        Some((self.text(*module)?, self.text(*name)?))
    }

    /// The items of a tuple or a list.
    pub(crate) fn items(&self, id: NodeId) -> Option<&[NodeId]> {
        if let Node::Tuple(items) | Node::List(items) = self.node(id) { Some(items) } else { None }
    }

    /// The value of a text key in a dictionary.
    pub(crate) fn entry(&self, id: NodeId, key: &str) -> Option<NodeId> {
        let Node::Dict(pairs) = self.node(id) else { return None };
        pairs.iter().find(|(name, _)| self.text(*name).as_deref() == Some(key)).map(|(_, value)| *value)
    }

    /// All bytes that begin with `magic`, wherever they are, in the order of the pickle.
    pub(crate) fn bytes_with<'a>(&'a self, magic: &'a [u8]) -> impl Iterator<Item = &'a Bytes> {
        self.nodes.iter().filter_map(move |node| match node {
            Node::Bytes(bytes) if bytes.starts_with(magic) => Some(bytes),
            _ => None,
        })
    }

    /// The object as Python would print it, within bounds.
    pub(crate) fn describe(&self, id: NodeId) -> String {
        let mut out = String::new();
        self.show(id, SHOWN_DEPTH, &mut out);
        out
    }

    fn show(&self, id: NodeId, depth: usize, out: &mut String) {
        if depth == 0 || out.len() > SHOWN_BYTES {
            out.push_str("..");
            return;
        }
        match self.node(id) {
            Node::None => out.push_str("None"),
            Node::Bool(value) => out.push_str(if *value { "True" } else { "False" }),
            Node::Int(value) => out.push_str(&value.to_string()),
            Node::BigInt(bytes) => out.push_str(&format!("<integer of {} bytes>", bytes.len())),
            Node::Float(value) => out.push_str(&format!("{value:?}")),
            Node::Text(text) => show_text(text, out),
            Node::Bytes(bytes) => out.push_str(&format!("<{} bytes>", bytes.len())),
            Node::Tuple(items) => self.show_all("(", items, ")", depth, out),
            Node::List(items) => self.show_all("[", items, "]", depth, out),
            Node::Set(items) => self.show_all("{", items, "}", depth, out),
            Node::Dict(pairs) => out.push_str(&format!("<dict of {}>", pairs.len())),
            Node::Name(..) => self.show_name(id, out),
            Node::Object { callable, .. } => {
                out.push('<');
                self.show_name(*callable, out);
                out.push('>');
            }
        }
    }

    fn show_name(&self, id: NodeId, out: &mut String) {
        match self.name(id) {
            Some((_, name)) => out.extend(name.chars().take(SHOWN_BYTES)),
            None => out.push_str("object"),
        }
    }

    fn show_all(&self, open: &str, items: &[NodeId], close: &str, depth: usize, out: &mut String) {
        out.push_str(open);
        for (i, item) in items.iter().enumerate() {
            out.push_str(if i > 0 { ", " } else { "" });
            if out.len() > SHOWN_BYTES {
                out.push_str("..");
                break;
            }
            self.show(*item, depth - 1, out);
        }
        out.push_str(close);
    }
}

fn show_text(text: &[u8], out: &mut String) {
    let shown = &text[..text.len().min(SHOWN_BYTES)];
    out.push_str(&format!("{:?}", String::from_utf8_lossy(shown)));
}
