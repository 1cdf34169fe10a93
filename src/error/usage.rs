//! Errors of the caller: shapes, axes, dtypes, indices, chunk sizes. They are found when the expression is built.

use std::fmt;

use super::{Error, Kind};

/// Shows a shape as `(2, 3)`.
pub(crate) struct Shown<'a, T>(pub &'a [T]);

impl<T: fmt::Display> fmt::Display for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, item) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{item}")?;
        }
        f.write_str(")")
    }
}

/// Anything that can show itself as the dimensions of an array; unknown extents print as `?a`.
pub(crate) type ShownDims<'a> = &'a dyn fmt::Display;

impl Error {
    /// Shapes of operands do not fit together in some way that `detail` tells.
    pub(crate) fn shape(op: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Kind::Shape, op, detail)
    }

    /// Two shapes do not broadcast.
    pub(crate) fn broadcast(op: &'static str, lhs: ShownDims<'_>, rhs: ShownDims<'_>) -> Self {
        Self::new(Kind::Shape, op, format!("shapes {lhs} and {rhs} do not broadcast"))
            .with_remedy("aligned from the right, each pair of lengths must be equal or contain a 1")
    }

    /// An axis lies outside the array.
    pub(crate) fn axis(op: &'static str, axis: isize, ndim: usize) -> Self {
        Self::new(Kind::Axis, op, format!("axis {axis} is out of range for an array with {ndim} axes"))
    }

    /// An axis is named more than once.
    pub(crate) fn repeated_axis(op: &'static str, axis: usize) -> Self {
        Self::new(Kind::Axis, op, format!("axis {axis} is named more than once"))
    }

    /// An element type does not fit.
    pub(crate) fn dtype(op: impl Into<std::borrow::Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(Kind::DType, op, detail)
    }

    /// An index lies outside its axis.
    pub(crate) fn index(op: &'static str, index: i64, axis: usize, len: u64) -> Self {
        Self::new(Kind::Index, op, format!("index {index} is out of bounds for axis {axis} with length {len}"))
    }

    /// Some other fault of an index expression.
    pub(crate) fn bad_index(op: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Kind::Index, op, detail)
    }

    /// A chunk specification does not fit.
    pub(crate) fn chunks(op: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Kind::Chunks, op, detail)
    }

    /// The operation needs sizes that only a run can tell.
    pub(crate) fn unknown_chunks(op: &'static str, detail: impl fmt::Display) -> Self {
        Self::new(Kind::UnknownChunks, op, format!("chunk sizes are unknown: {detail}"))
            .with_remedy("call `compute_chunk_sizes()` on the operand first")
    }

    /// Dense or sparse storage does not fit.
    pub(crate) fn layout(op: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Kind::Layout, op, detail)
    }

    /// An integer has no power that is an integer.
    pub(crate) fn negative_power(base: impl fmt::Display, exponent: impl fmt::Display) -> Self {
        Self::new(Kind::Value, "power", format!("the integer {base} to the negative power {exponent} is no integer"))
            .with_remedy("cast the base to a float type first")
    }

    /// Some other argument is out of its domain.
    pub(crate) fn value(op: impl Into<std::borrow::Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(Kind::Value, op, detail)
    }

    /// Something cannot leave the process.
    pub(crate) fn not_portable(op: &str, detail: impl Into<String>, remedy: &'static str) -> Self {
        Self::new(Kind::Value, op.to_owned(), detail).with_remedy(remedy)
    }

    /// A reduction that has no answer for no elements met cells without any.
    pub(crate) fn no_elements(op: &'static str, n_empty: usize, n_cells: usize) -> Self {
        let detail = match n_cells {
            1 => "there are no elements to choose from".to_owned(),
            _ => format!("{n_empty} of {n_cells} slices have no elements to choose from"),
        };
        Self::new(Kind::Value, op, detail).with_remedy("select non-empty slices first")
    }
}
