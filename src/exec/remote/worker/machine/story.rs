//! What happened lately: the last changes of state, for error messages and tests.

use std::collections::VecDeque;
use std::sync::Arc;

use super::task::State;
use crate::exec::remote::worker::names::Key;

const N_STEPS: usize = 1_000;

/// One change of state.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) key: Key,
    pub(crate) old: State,
    pub(crate) new: State,
    pub(crate) stimulus_id: Arc<str>,
}

/// The last thousand changes.
#[derive(Debug, Default)]
pub(crate) struct Story {
    steps: VecDeque<Step>,
}

impl Story {
    pub(super) fn add(&mut self, key: &Key, old: State, new: State, stimulus_id: &Arc<str>) {
        if self.steps.len() == N_STEPS {
            self.steps.pop_front();
        }
        self.steps.push_back(Step { key: key.clone(), old, new, stimulus_id: stimulus_id.clone() });
    }

    /// What is remembered of a key, one line per change.
    pub(crate) fn of(&self, key: &Key) -> String {
        let steps = self.steps.iter().filter(|step| step.key == *key);
        let line = |step: &Step| format!("{} -> {} ({})\n", step.old.name(), step.new.name(), step.stimulus_id);
        steps.map(line).collect::<Vec<_>>().concat()
    }
}
