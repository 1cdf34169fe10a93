//! Names of tasks, and what a scheduler may ask about them.

use std::fmt;

/// The name of one task inside a plan: its layer and its number in that layer.
///
/// One word: 24 bits of layer (16 million layers) over 40 bits of index (10^12 tasks a layer).
///
/// # Examples
/// ```
/// use hyperslab::graph::TaskId;
/// let task = TaskId::new(3, 7);
/// assert_eq!((task.layer(), task.index(), format!("{task:?}")), (3, 7, "3.7".into()));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(u64);

const INDEX_BITS: u32 = 40;

impl TaskId {
    /// The largest number of tasks in one layer.
    pub const MAX_TASKS: u64 = 1 << INDEX_BITS;
    /// The largest number of layers in one plan.
    pub const MAX_LAYERS: u32 = 1 << (64 - INDEX_BITS);

    /// Task `index` of layer `layer`; both must be below their maxima.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::graph::TaskId;
    /// assert!(TaskId::new(0, 9) < TaskId::new(1, 0));
    /// ```
    #[inline]
    pub fn new(layer: u32, index: u64) -> Self {
        debug_assert!(layer < Self::MAX_LAYERS && index < Self::MAX_TASKS);
        Self(u64::from(layer) << INDEX_BITS | index)
    }

    /// The number of the layer.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::graph::TaskId;
    /// assert_eq!(TaskId::new(3, 7).layer(), 3);
    /// ```
    #[inline]
    pub fn layer(self) -> u32 {
        (self.0 >> INDEX_BITS) as u32
    }

    /// The number of the task in its layer.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::graph::TaskId;
    /// assert_eq!(TaskId::new(3, 7).index(), 7);
    /// ```
    #[inline]
    pub fn index(self) -> u64 {
        self.0 & (Self::MAX_TASKS - 1)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.layer(), self.index())
    }
}

/// What a scheduler needs to know of a plan. Everything is computed from the [`TaskId`] on demand: a plan of a million
/// tasks holds no list of them.
///
/// Dependencies and users form multisets: a task that reads one block through two operands names it twice, and the block
/// names that user twice.
///
/// # Examples
/// See [`Job`](crate::exec::Job).
pub trait TaskGraph {
    /// Calls `visit` for each dependency of `task`, in the order in which its kernel takes them.
    fn deps(&self, task: TaskId, visit: &mut dyn FnMut(TaskId));

    /// How often the result of `task` is read by other tasks of this run; the run's own wish for it is not counted.
    fn n_users(&self, task: TaskId) -> u64;

    /// Calls `visit` for each task of this run that reads the result of `task`, [`n_users`](Self::n_users) times in all.
    fn users(&self, task: TaskId, visit: &mut dyn FnMut(TaskId));

    /// An upper bound of the bytes that `task` allocates: its result and its scratch memory.
    fn bytes(&self, task: TaskId) -> u64;

    /// For a task without dependencies: the bytes needed to bring its result to the next task that reduces it; at least
    /// [`bytes`](Self::bytes).
    fn path_bytes(&self, task: TaskId) -> u64 {
        self.bytes(task)
    }

    /// Where the task lies in a sweep through all data, from 0 to `u64::MAX`: tasks at near positions read near blocks.
    fn position(&self, task: TaskId) -> u64;

    /// The number of tasks whose results the run is asked for.
    fn n_roots(&self) -> u64;

    /// Task number `i` that the run is asked for. A task may be asked for once only.
    fn root(&self, i: u64) -> TaskId;

    /// Whether `task` is asked for.
    fn is_root(&self, task: TaskId) -> bool;

    /// The number of tasks that the run needs, if it is known without visiting them.
    fn n_tasks(&self) -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layer_and_index_come_back() {
        let id = TaskId::new(TaskId::MAX_LAYERS - 1, TaskId::MAX_TASKS - 1);
        assert_eq!((id.layer(), id.index()), (TaskId::MAX_LAYERS - 1, TaskId::MAX_TASKS - 1));
        assert_eq!(format!("{:?}", TaskId::new(3, 17)), "3.17");
    }
}
