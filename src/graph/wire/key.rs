//! The keys of tasks: text that a scheduler groups by operation.

use std::fmt::Write;

use crate::graph::Name;

/// What the keys of one layer have in common: operation and hash.
///
/// Schedulers group tasks by what stands before the last dash, so the operation is kept to letters, digits, dashes, dots
/// and underscores.
pub(super) fn group_name(label: &str, name: Name) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let label: String = label.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    format!("{label}-{:032x}", name.bits())
}

/// The key of block `number` of a layer with `counts` blocks along its axes: `('sum-0f..3c', 1, 0)`.
pub(super) fn task_key(group: &str, counts: &[u64], number: u64) -> String {
    let mut key = String::with_capacity(group.len() + 6 + 4 * counts.len());
    key.push_str("('");
    key.push_str(group);
    key.push('\'');
    let index = block_index(counts, number);
    for at in &index {
        // Writing to a text does not fail.
        let _ = write!(key, ", {at}");
    }
    if index.is_empty() {
        key.push(',');
    }
    key.push(')');
    key
}

/// The position of a block along each axis.
pub(super) fn block_index(counts: &[u64], mut number: u64) -> Vec<u64> {
    let mut index: Vec<u64> = counts
        .iter()
        .rev()
        .map(|&count| {
            let at = number % count.max(1);
            number /= count.max(1);
            at
        })
        .collect();
    index.reverse();
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_tuples_in_pythons_spelling() {
        let group = group_name("a <b>'", Name::of(&1));
        assert!(group.starts_with("a__b__-") && group.len() == 7 + 32, "{group}");
        assert_eq!(task_key("sum-1", &[2, 3], 5), "('sum-1', 1, 2)");
        assert_eq!(task_key("sum-1", &[4], 0), "('sum-1', 0)");
        assert_eq!(task_key("sum-1", &[], 0), "('sum-1',)");
    }
}
