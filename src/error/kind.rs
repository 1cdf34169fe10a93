//! The closed list of kinds behind [`Error`](super::Error), and the family each belongs to.

use super::Family;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Shapes of operands do not fit together.
    Shape,
    /// An axis is out of range or named twice.
    Axis,
    /// An element type does not fit.
    DType,
    /// An index lies outside its axis.
    Index,
    /// A chunk specification does not fit its array.
    Chunks,
    /// Chunk sizes are needed and not known yet.
    UnknownChunks,
    /// Dense or sparse storage does not fit.
    Layout,
    /// Some other argument is out of its domain.
    Value,
    /// A file or a block is not what it claims to be.
    Format,
    /// The operating system failed to read or write.
    Io,
    /// Memory or the memory budget is short.
    Memory,
    /// A task failed.
    Task,
    /// The run was cancelled.
    Cancelled,
    /// Another process is out of reach, went away, or answered with an error.
    Remote,
    /// A result that other processes had or were to make is gone, and nobody there can make it.
    Lost,
    /// An invariant of this crate does not hold.
    Bug,
}

impl Kind {
    pub(crate) fn family(self) -> Family {
        match self {
            Kind::Shape
            | Kind::Axis
            | Kind::DType
            | Kind::Index
            | Kind::Chunks
            | Kind::UnknownChunks
            | Kind::Layout
            | Kind::Value => Family::Usage,
            Kind::Format => Family::Data,
            Kind::Io | Kind::Memory => Family::Resource,
            Kind::Task | Kind::Cancelled | Kind::Remote | Kind::Lost => Family::Engine,
            Kind::Bug => Family::Bug,
        }
    }
}
