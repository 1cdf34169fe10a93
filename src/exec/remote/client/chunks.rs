//! Cutting a graph into the messages it travels in.
//!
//! The scheduler does nothing else while it reads a graph, so a large one goes in several messages. It also drops every
//! task of a message that nobody desires, and forgets results that are used up. So results that a later message needs are
//! desired for that long:
//!
//! ```text
//!   chunk 0:  a  b  c        lent: b, c      (a is used in chunk 0 only)
//!   chunk 1:  d(b)           spent: b
//!   chunk 2:  e(c, d)        spent: c; d was lent by chunk 1 and is spent here too
//! ```

use std::collections::{HashMap, HashSet};

use super::book::Name;
use crate::error::{Error, Result};
use crate::graph::wire::RemoteTask;

const OP: &str = "submit";

/// Payloads of one message together have about this size at most.
const CHUNK_BYTES: usize = 16 << 20;

/// The tasks of one message, and what else it desires than what the user wants.
#[derive(Debug, Default)]
pub(super) struct PlannedChunk {
    pub(super) tasks: Vec<RemoteTask>,
    pub(super) wanted: Vec<Name>,
    pub(super) lent: Vec<Name>,
    pub(super) spent: Vec<Name>,
}

/// Cuts tasks into chunks of at most `chunk_tasks`.
///
/// # Errors
///
/// Two tasks have one name, or a task comes long before one that it needs.
pub(super) fn plan_chunks(
    tasks: Vec<RemoteTask>,
    wanted: &HashSet<Name>,
    chunk_tasks: usize,
) -> Result<Vec<PlannedChunk>> {
    let chunk_of = assign(&tasks, chunk_tasks.max(1));
    let mut names: HashMap<Name, Use> = HashMap::with_capacity(tasks.len());
    for (task, &chunk) in tasks.iter().zip(&chunk_of) {
        if names.insert(task.key.as_str().into(), Use { made_in: chunk, last_in: chunk }).is_some() {
            return Err(Error::bug(OP, format!("two tasks have the name {}", task.key)));
        }
    }
    for (task, &chunk) in tasks.iter().zip(&chunk_of) {
        for dep in &task.deps {
            let Some(used) = names.get_mut(dep.as_str()) else { continue };
            if used.made_in > chunk {
                return Err(Error::bug(OP, format!("{} comes before {dep}, which it needs", task.key)));
            }
            used.last_in = used.last_in.max(chunk);
        }
    }
    let n_chunks = chunk_of.last().map_or(0, |&last| last + 1);
    let mut chunks: Vec<PlannedChunk> = (0..n_chunks).map(|_| PlannedChunk::default()).collect();
    for (task, chunk) in tasks.into_iter().zip(chunk_of) {
        // Every task has just been entered under its name.
        if let Some((name, used)) = names.get_key_value(task.key.as_str()) {
            if wanted.contains(name) {
                chunks[chunk].wanted.push(name.clone());
            } else if used.last_in > chunk {
                chunks[chunk].lent.push(name.clone());
                chunks[used.last_in].spent.push(name.clone());
            }
        }
        chunks[chunk].tasks.push(task);
    }
    Ok(chunks)
}

/// Where a result is made, and the last chunk that needs it.
struct Use {
    made_in: usize,
    last_in: usize,
}

/// The chunk of each task.
fn assign(tasks: &[RemoteTask], chunk_tasks: usize) -> Vec<usize> {
    let (mut chunk, mut n_tasks, mut n_bytes) = (0, 0, 0);
    let mut place = |task: &RemoteTask| {
        if n_tasks >= chunk_tasks || (n_tasks > 0 && n_bytes + task.payload.len() > CHUNK_BYTES) {
            (chunk, n_tasks, n_bytes) = (chunk + 1, 0, 0);
        }
        n_tasks += 1;
        n_bytes += task.payload.len();
        chunk
    };
    tasks.iter().map(&mut place).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn task(key: &str, deps: &[&str]) -> RemoteTask {
        let deps = deps.iter().map(|dep| (*dep).to_owned()).collect();
        RemoteTask { key: key.into(), deps, payload: b"#1".to_vec(), priority: 0 }
    }

    fn wanted(names: &[&str]) -> HashSet<Name> {
        names.iter().map(|name| Name::from(*name)).collect()
    }

    fn sorted(names: &[Name]) -> Vec<&str> {
        let mut names: Vec<&str> = names.iter().map(|name| &**name).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_later_chunks_need_is_lent_and_spent() {
        let tasks = vec![
            task("a", &[]),
            task("b", &["a"]),
            task("c", &[]),
            task("d", &["b"]),
            task("x", &[]),
            task("y", &["x"]),
            task("e", &["c", "d", "elsewhere"]),
        ];
        let chunks = plan_chunks(tasks, &wanted(&["e", "x"]), 3).unwrap();
        assert_eq!(chunks.len(), 3);
        assert_eq!(sorted(&chunks[0].lent), ["b", "c"]);
        assert_eq!((sorted(&chunks[1].lent), sorted(&chunks[1].spent)), (vec!["d"], vec!["b"]));
        assert_eq!(sorted(&chunks[1].wanted), ["x"]);
        assert_eq!((sorted(&chunks[2].spent), sorted(&chunks[2].wanted)), (vec!["c", "d"], vec!["e"]));
    }

    #[test]
    fn graphs_that_make_no_sense_are_refused() {
        let twice = plan_chunks(vec![task("a", &[]), task("a", &[])], &wanted(&[]), 9);
        assert!(twice.unwrap_err().to_string().contains("two tasks"));
        let tasks = || vec![task("b", &["a"]), task("a", &[])];
        assert!(plan_chunks(tasks(), &wanted(&["b"]), 1).unwrap_err().to_string().contains("b comes before a"));
        assert_eq!(plan_chunks(tasks(), &wanted(&["b"]), 2).unwrap().len(), 1);
        assert!(plan_chunks(Vec::new(), &wanted(&[]), 0).unwrap().is_empty());
    }

    #[test]
    fn large_payloads_travel_apart() {
        let large = |key: &str| RemoteTask { payload: vec![0; CHUNK_BYTES / 2 + 1], ..task(key, &[]) };
        let chunks = plan_chunks(vec![large("a"), task("b", &[]), large("c")], &wanted(&["a"]), 100).unwrap();
        assert_eq!(chunks.iter().map(|chunk| chunk.tasks.len()).collect::<Vec<_>>(), [2, 1]);
    }

    proptest! {
        /// Plays the scheduler: a message is culled to what it desires, and what is neither desired nor needed by a known
        /// task is forgotten.
        #[test]
        fn no_chunk_needs_what_has_been_forgotten(
            edges in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..4), 1..60),
            is_wanted in prop::collection::vec(prop::bool::weighted(0.2), 60),
            chunk_tasks in 1_usize..20,
        ) {
            let name = |i: usize| format!("t-{i}");
            let deps = |i: usize| edges[i].iter().filter(move |_| i > 0).map(move |index| name(index.index(i)));
            let tasks = (0..edges.len()).map(|i| RemoteTask { deps: deps(i).collect(), ..task(&name(i), &[]) });
            let tasks: Vec<RemoteTask> = tasks.collect();
            let wanted: HashSet<Name> =
                (0..tasks.len()).filter(|&i| is_wanted[i]).map(|i| name(i).into()).collect();
            let mut desired: HashSet<Name> = HashSet::new();
            for chunk in plan_chunks(tasks, &wanted, chunk_tasks).unwrap() {
                let inside: HashMap<&str, &RemoteTask> =
                    chunk.tasks.iter().map(|task| (task.key.as_str(), task)).collect();
                let mut work: Vec<&str> = chunk.wanted.iter().chain(&chunk.lent).map(|name| &**name).collect();
                let mut kept: HashSet<&str> = HashSet::new();
                while let Some(key) = work.pop() {
                    match inside.get(key) {
                        Some(task) if kept.insert(key) => work.extend(task.deps.iter().map(String::as_str)),
                        Some(_) => {}
                        None => prop_assert!(desired.contains(key), "{key} has been forgotten"),
                    }
                }
                desired.extend(chunk.wanted.into_iter().chain(chunk.lent));
                for name in chunk.spent {
                    prop_assert!(desired.remove(&name), "{name} was not lent");
                }
            }
            prop_assert_eq!(desired, wanted);
        }
    }
}
