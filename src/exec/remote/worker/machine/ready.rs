//! The tasks that can start, and the resources they need.
//!
//! Most tasks need nothing but a thread. Some need *resources*, amounts of named things such as GPUs that this worker said
//! it has when it registered; the scheduler only looks at the totals, so that who runs when is decided here. A task that
//! does not fit reserves what it needs against all that come after it: large requests are not starved by small ones, and
//! requests for other things pass.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::task::Slot;
use crate::exec::remote::worker::names::Priority;

/// Amounts are floating-point numbers that are taken and given back.
const TOLERANCE: f64 = 1e-9;

/// The queue of tasks that can start.
#[derive(Debug)]
pub(crate) struct ReadyQueue {
    pub(super) free: BTreeSet<(Priority, Slot)>,
    pub(super) constrained: BTreeSet<(Priority, Slot)>,
    pub(super) total: BTreeMap<Arc<str>, f64>,
    pub(super) available: BTreeMap<Arc<str>, f64>,
}

impl ReadyQueue {
    pub(crate) fn new(resources: BTreeMap<Arc<str>, f64>) -> Self {
        Self { free: BTreeSet::new(), constrained: BTreeSet::new(), available: resources.clone(), total: resources }
    }

    pub(crate) fn push(&mut self, priority: &Priority, slot: Slot, constrained: bool) {
        self.queue(constrained).insert((priority.clone(), slot));
    }

    pub(crate) fn remove(&mut self, priority: &Priority, slot: Slot, constrained: bool) {
        self.queue(constrained).remove(&(priority.clone(), slot));
    }

    /// The first task that can run now. It stays in the queue.
    pub(crate) fn first<'t>(&self, resources_of: impl Fn(Slot) -> &'t [(Arc<str>, f64)]) -> Option<Slot> {
        let fitting = self.first_fitting(resources_of);
        let free = self.free.first();
        [free, fitting].into_iter().flatten().min().map(|(_, slot)| *slot)
    }

    fn first_fitting<'t>(&self, resources_of: impl Fn(Slot) -> &'t [(Arc<str>, f64)]) -> Option<&(Priority, Slot)> {
        let mut reserved: BTreeSet<&str> = BTreeSet::new();
        for entry in &self.constrained {
            let needs = resources_of(entry.1);
            if needs.iter().all(|(name, amount)| !reserved.contains(&**name) && self.has(name, *amount)) {
                return Some(entry);
            }
            reserved.extend(needs.iter().map(|(name, _)| &**name));
            if self.total.keys().all(|name| reserved.contains(&**name)) {
                return None;
            }
        }
        None
    }

    fn has(&self, name: &str, amount: f64) -> bool {
        self.available.get(name).is_some_and(|available| *available + TOLERANCE >= amount)
    }

    pub(crate) fn acquire(&mut self, resources: &[(Arc<str>, f64)]) {
        for (name, amount) in resources {
            if let Some(available) = self.available.get_mut(name) {
                *available -= amount;
            }
        }
    }

    pub(crate) fn release(&mut self, resources: &[(Arc<str>, f64)]) {
        for (name, amount) in resources {
            if let Some(available) = self.available.get_mut(name) {
                *available += amount;
            }
        }
    }

    fn queue(&mut self, constrained: bool) -> &mut BTreeSet<(Priority, Slot)> {
        if constrained { &mut self.constrained } else { &mut self.free }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Needs = Vec<Vec<(Arc<str>, f64)>>;

    fn queue(totals: &[(&str, f64)], needs: &[&[(&str, f64)]]) -> (ReadyQueue, Needs) {
        let named = |row: &[(&str, f64)]| row.iter().map(|(name, n)| (Arc::from(*name), *n)).collect::<Vec<_>>();
        let needs: Needs = needs.iter().map(|row| named(row)).collect();
        let mut queue = ReadyQueue::new(named(totals).into_iter().collect());
        for (i, row) in needs.iter().enumerate() {
            queue.push(&Priority::new(&[i as f64]), Slot(i as u32), !row.is_empty());
        }
        (queue, needs)
    }

    fn take(queue: &mut ReadyQueue, needs: &Needs) -> Option<u32> {
        let slot = queue.first(|slot| &needs[slot.0 as usize])?;
        queue.remove(&Priority::new(&[slot.0 as f64]), slot, !needs[slot.0 as usize].is_empty());
        queue.acquire(&needs[slot.0 as usize]);
        Some(slot.0)
    }

    #[test]
    fn resources_hold_tasks_back_and_are_given_back() {
        let (mut queue, needs) = queue(&[("GPU", 1.0)], &[&[("GPU", 1.0)], &[("GPU", 1.0)], &[]]);
        assert_eq!(take(&mut queue, &needs), Some(0));
        assert_eq!(take(&mut queue, &needs), Some(2), "a task without needs passes");
        assert_eq!(take(&mut queue, &needs), None);
        queue.release(&needs[0]);
        assert_eq!(take(&mut queue, &needs), Some(1));
    }

    #[test]
    fn a_large_request_is_not_starved_and_others_pass() {
        let gpu = |n| ("GPU", n);
        let (mut queue, needs) =
            queue(&[("GPU", 2.0), ("disk", 1.0)], &[&[gpu(1.0)], &[gpu(2.0)], &[gpu(1.0)], &[("disk", 1.0)]]);
        assert_eq!(take(&mut queue, &needs), Some(0));
        assert_eq!(take(&mut queue, &needs), Some(3), "the small request waits behind the large one");
        assert_eq!(take(&mut queue, &needs), None);
        queue.release(&needs[0]);
        assert_eq!(take(&mut queue, &needs), Some(1));
    }

    #[test]
    fn what_this_worker_does_not_have_never_runs() {
        let (mut queue, needs) = queue(&[("GPU", 2.0)], &[&[("TPU", 1.0)], &[("GPU", 1.0)]]);
        assert_eq!(take(&mut queue, &needs), Some(1));
        assert_eq!(take(&mut queue, &needs), None);
    }
}
