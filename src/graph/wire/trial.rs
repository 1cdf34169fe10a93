//! Two tasks that show whether a cluster runs graphs as this release writes them.

use ndarray::arr1;

use super::payload::{About, of_constant};
use super::tasks::RemoteTask;
use crate::block::Block;
use crate::error::Result;
use crate::kernels::Registry;

/// What the second task gives, as the first one does with one number less.
const VALUES: [f64; 3] = [0.5, -2.0, f64::MAX];

/// A task, and one that waits for it; `id` is in their names.
pub(crate) fn trial_tasks(registry: &Registry, id: u128) -> Result<Vec<RemoteTask>> {
    let mut tasks: Vec<RemoteTask> = Vec::with_capacity(2);
    for (number, values) in [&VALUES[1..], &VALUES[..]].into_iter().enumerate() {
        let about =
            About { label: "self-test", block: &[number as u64], task_bytes: 1 << 10, registry: registry.hash() };
        let payload = of_constant(&about, Block::from_dense(arr1(values).into_dyn()))?;
        let deps = tasks.iter().map(|task| task.key.clone()).collect();
        tasks.push(RemoteTask { key: format!("self-test-{id:032x}-{number}"), deps, payload, priority: number as u64 });
    }
    Ok(tasks)
}

/// Whether a block is what the second task gives.
pub(crate) fn is_trial_result(block: &Block) -> bool {
    block.dense::<f64>().is_ok_and(|values| values.iter().map(|value| value.to_bits()).eq(VALUES.map(f64::to_bits)))
}
