//! Expressions: what the user asked, array by array.
//!
//! An [`Expr`] is an immutable node: an operation, its inputs, what is promised of the result ([`ArrayMeta`]) and a
//! [`Name`] that stands for what it computes. Arrays hold one `Arc<Expr>`; nothing runs before `compute`.
//!
//! Chains may be millions of nodes long, so nothing here recurses: walks keep their own stack, and so does `Drop` (a
//! derived one overflows a 2 MiB thread stack at about 50,000 links).

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::name::{DynHasher, Name};
use super::ops::Op;
use crate::block::ArrayMeta;

/// One node of an expression.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<f64>::arange(0.0, 4.0, 1.0, Chunks::size(2))?;
/// let y = &x + &x;
/// let expr = y.as_dyn().expr();
/// assert_eq!((expr.inputs().len(), expr.n_ops()), (2, 2));
/// assert_eq!(expr.inputs()[0].name(), x.name());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub struct Expr {
    op: Op,
    inputs: Vec<Arc<Expr>>,
    meta: ArrayMeta,
    name: Name,
}

impl Expr {
    /// A node whose name follows from the operation, its parameters, its inputs and its promise.
    pub(crate) fn new(op: Op, inputs: Vec<Arc<Expr>>, meta: ArrayMeta) -> Arc<Expr> {
        let name = name_of(&op, inputs.iter().map(|input| input.name), &meta);
        Arc::new(Expr { op, inputs, meta, name })
    }

    pub(crate) fn op(&self) -> &Op {
        &self.op
    }

    /// The expressions that this one reads.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::arange(0.0, 4.0, 1.0, Chunks::size(2))?;
    /// assert_eq!((&x + 1.0).as_dyn().expr().inputs().len(), 2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn inputs(&self) -> &[Arc<Expr>] {
        &self.inputs
    }

    /// What is promised of the result.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::arange(0.0, 4.0, 1.0, Chunks::size(2))?;
    /// assert_eq!(x.as_dyn().expr().meta().dtype, DType::F64);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn meta(&self) -> &ArrayMeta {
        &self.meta
    }

    /// The name: equal names compute equal arrays.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::arange(0.0, 4.0, 1.0, Chunks::size(2))?;
    /// assert_eq!(x.as_dyn().expr().name(), x.name());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn name(&self) -> Name {
        self.name
    }

    /// The number of different operations in the expression, this one included.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::arange(0.0, 4.0, 1.0, Chunks::size(2))?;
    /// assert_eq!((&x * &x + &x).as_dyn().expr().n_ops(), 3);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn n_ops(self: &Arc<Self>) -> usize {
        post_order(std::slice::from_ref(self)).len()
    }
}

/// The name of an operation on named inputs.
pub(crate) fn name_of(op: &Op, inputs: impl Iterator<Item = Name>, meta: &ArrayMeta) -> Name {
    struct Hashed<'a>(&'a Op, Vec<Name>, &'a ArrayMeta);
    impl std::hash::Hash for Hashed<'_> {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            let spec = self.0.spec();
            spec.name().hash(state);
            spec.hash_params(&mut DynHasher(state));
            self.1.hash(state);
            self.2.hash(state);
        }
    }
    Name::of(&Hashed(op, inputs.collect(), meta))
}

/// All nodes below `roots`, each once (by name), inputs before users.
pub(crate) fn post_order(roots: &[Arc<Expr>]) -> Vec<Arc<Expr>> {
    let mut seen = HashSet::new();
    let mut order = Vec::new();
    let mut stack: Vec<(&Arc<Expr>, usize)> = Vec::new();
    for root in roots {
        if seen.insert(root.name) {
            stack.push((root, 0));
        }
        while let Some((node, next)) = stack.pop() {
            match node.inputs.get(next) {
                Some(input) => {
                    stack.push((node, next + 1));
                    if seen.insert(input.name) {
                        stack.push((input, 0));
                    }
                }
                None => order.push(Arc::clone(node)),
            }
        }
    }
    order
}

impl Drop for Expr {
    fn drop(&mut self) {
        let mut stack = std::mem::take(&mut self.inputs);
        while let Some(node) = stack.pop() {
            if let Some(mut last) = Arc::into_inner(node) {
                stack.append(&mut last.inputs);
            }
        }
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({:?}) -> {}", self.op.spec().name(), self.name, self.meta)
    }
}
