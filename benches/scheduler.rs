//! What a task costs beyond its kernel: plans of trivial tasks, end to end.
//!
//! The result of a task is one `Arc<u64>`, allocated by the task, cloned to its users, counted down and dropped. Plans are
//! arithmetic on task numbers, as real ones are. Criterion's elements are tasks: `Melem/s` is tasks per microsecond.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hyperslab::Result;
use hyperslab::exec::{Job, RunOptions, Runtime};
use hyperslab::graph::{TaskGraph, TaskId};

/// Layers of tasks.
struct Layers {
    layers: Vec<Layer>,
    checksum: AtomicU64,
}

/// A task reads `fan_in` neighbouring tasks of the layer before, and `halo` more on either side.
#[derive(Clone, Copy)]
struct Layer {
    len: u64,
    fan_in: u64,
    halo: u64,
}

impl Layers {
    fn new(layers: impl IntoIterator<Item = Layer>) -> Self {
        Self { layers: layers.into_iter().collect(), checksum: AtomicU64::new(0) }
    }

    fn independent(n_tasks: u64) -> Self {
        Self::new([Layer { len: n_tasks, fan_in: 0, halo: 0 }])
    }

    /// Sources, layers like `maps` over them, and a tree.
    fn tree(n_leaves: u64, maps: &[Layer], split: u64) -> Self {
        let sources = Layer { len: n_leaves, fan_in: 0, halo: 0 };
        let lens = std::iter::successors(Some(n_leaves), |&len| (len > 1).then(|| len.div_ceil(split)));
        let nodes = lens.skip(1).map(|len| Layer { len, fan_in: split, halo: 0 });
        Self::new(std::iter::once(sources).chain(maps.iter().copied()).chain(nodes))
    }

    fn n_tasks(&self) -> u64 {
        self.layers.iter().map(|layer| layer.len).sum()
    }

    fn last_layer(&self) -> u32 {
        self.layers.len() as u32 - 1
    }

    /// The tasks of the next layer that read task `index` of `layer`.
    fn readers(&self, task: TaskId) -> std::ops::Range<u64> {
        let Some(next) = self.layers.get(task.layer() as usize + 1) else { return 0..0 };
        let first = task.index().saturating_sub(next.halo) / next.fan_in;
        let last = (task.index() + next.halo) / next.fan_in;
        first..(last + 1).min(next.len)
    }
}

impl TaskGraph for Layers {
    fn deps(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
        let Layer { fan_in, halo, .. } = self.layers[task.layer() as usize];
        if fan_in > 0 {
            let first = task.index() * fan_in;
            let last = (first + fan_in + halo).min(self.layers[task.layer() as usize - 1].len);
            (first.saturating_sub(halo)..last).for_each(|i| visit(TaskId::new(task.layer() - 1, i)));
        }
    }

    fn n_users(&self, task: TaskId) -> u64 {
        let readers = self.readers(task);
        readers.end - readers.start
    }

    fn users(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
        self.readers(task).for_each(|i| visit(TaskId::new(task.layer() + 1, i)));
    }

    fn bytes(&self, _: TaskId) -> u64 {
        8
    }

    fn position(&self, task: TaskId) -> u64 {
        task.index() * (u64::MAX / self.layers[task.layer() as usize].len)
    }

    fn n_roots(&self) -> u64 {
        self.layers[self.last_layer() as usize].len
    }

    fn root(&self, i: u64) -> TaskId {
        TaskId::new(self.last_layer(), i)
    }

    fn is_root(&self, task: TaskId) -> bool {
        task.layer() == self.last_layer()
    }
}

/// One task after the other; a layer each would make the list of layers the largest part.
struct Chain {
    n_tasks: u64,
    checksum: AtomicU64,
}

impl TaskGraph for Chain {
    fn deps(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
        if task.index() > 0 {
            visit(TaskId::new(0, task.index() - 1));
        }
    }

    fn n_users(&self, task: TaskId) -> u64 {
        u64::from(!self.is_root(task))
    }

    fn users(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
        if !self.is_root(task) {
            visit(TaskId::new(0, task.index() + 1));
        }
    }

    fn bytes(&self, _: TaskId) -> u64 {
        8
    }

    fn position(&self, task: TaskId) -> u64 {
        task.index()
    }

    fn n_roots(&self) -> u64 {
        1
    }

    fn root(&self, _: u64) -> TaskId {
        TaskId::new(0, self.n_tasks - 1)
    }

    fn is_root(&self, task: TaskId) -> bool {
        task.index() + 1 == self.n_tasks
    }
}

macro_rules! trivial_job {
    ($plan:ty) => {
        impl Job for $plan {
            type Value = Arc<u64>;

            fn run(&self, task: TaskId, inputs: Vec<Arc<u64>>) -> Result<Arc<u64>> {
                Ok(Arc::new(inputs.iter().fold(task.index(), |sum, input| sum.wrapping_add(**input))))
            }

            fn value_bytes(&self, _: &Arc<u64>) -> u64 {
                8
            }

            fn deliver(&self, _: TaskId, value: Arc<u64>) -> Result<()> {
                self.checksum.store(*value, Ordering::Relaxed);
                Ok(())
            }

            fn describe(&self, task: TaskId) -> (String, String) {
                ("trivial".into(), format!("{task:?}"))
            }
        }
    };
}

trivial_job!(Layers);
trivial_job!(Chain);

fn bench_plan<J: Job>(criterion: &mut Criterion, name: &str, n_tasks: u64, job: &J) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).throughput(Throughput::Elements(n_tasks));
    let serial = ("serial", Runtime::local().serial());
    let pools =
        [("1 thread", 1), ("2 threads", 2), ("8 threads", 8)].map(|(label, n)| (label, Runtime::local().threads(n)));
    for (label, runtime) in std::iter::once(serial).chain(pools) {
        let runtime = runtime.memory(1 << 30);
        group.bench_with_input(BenchmarkId::new(label, n_tasks), &runtime, |bencher, runtime| {
            bencher.iter(|| {
                let report = runtime.run_job(job, &RunOptions::new()).expect("trivial tasks do not fail");
                assert_eq!(black_box(report).n_tasks, n_tasks);
            });
        });
    }
    group.finish();
}

fn scheduler(criterion: &mut Criterion) {
    for n in [100_000, 1_000_000] {
        bench_plan(criterion, "independent", n, &Layers::independent(n));
        bench_plan(criterion, "chain", n, &Chain { n_tasks: n, checksum: AtomicU64::new(0) });
        let binary = Layers::tree(n / 2, &[], 2);
        bench_plan(criterion, "binary tree", binary.n_tasks(), &binary);
        let map = Layers::tree(n / 2, &[Layer { len: n / 2, fan_in: 1, halo: 0 }], 8);
        bench_plan(criterion, "map, elementwise, tree of 8", map.n_tasks(), &map);
        let stencil = Layers::tree(n / 2, &[Layer { len: n / 2, fan_in: 1, halo: 1 }], 8);
        bench_plan(criterion, "map, stencil, tree of 8", stencil.n_tasks(), &stencil);
    }
}

criterion_group!(benches, scheduler);
criterion_main!(benches);
