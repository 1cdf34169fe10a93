//! Running a task that has come from another process.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::driver::panic_text;
use crate::block::{BufferPool, Value};
use crate::error::{Error, Result};
use crate::graph::wire::Payload;
use crate::kernels::Registry;

/// What whoever runs tasks of other processes has and allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskRules<'a> {
    /// The kernels and formats that tasks may name.
    pub(crate) registry: &'a Registry,
    /// Where results take their memory from.
    pub(crate) pool: &'a BufferPool,
    /// The most that a task may promise to allocate.
    pub(crate) limit_bytes: Option<u64>,
}

impl TaskRules<'_> {
    /// Refuses a task that the process has no room for, before its inputs are looked at.
    fn check(&self, payload: &Payload<'_>) -> Result<()> {
        match self.limit_bytes {
            Some(limit_bytes) if payload.task_bytes() > limit_bytes => {
                let error = Error::memory("task", payload.task_bytes(), limit_bytes);
                let error = error.with_remedy("use smaller chunks, or workers with more memory");
                Err(error.at_block(payload.label(), &payload.block_text()))
            }
            _ => Ok(()),
        }
    }
}

/// Runs the bytes of a task; `input` gives the inputs by their keys.
///
/// # Errors
/// The bytes are no task of a process with an equal registry, an input is missing or not its own, the task promises more
/// memory than there is, or the kernel fails or panics.
pub(crate) fn run_payload(
    payload: &[u8],
    mut input: impl FnMut(&str) -> Result<Value>,
    rules: &TaskRules<'_>,
) -> Result<Value> {
    let payload = Payload::read(payload, rules.registry)?;
    rules.check(&payload)?;
    let inputs = payload.inputs().iter().map(|key| input(key)).collect::<Result<_>>()?;
    run(payload, inputs, rules)
}

/// Runs a task on its inputs, given in the order of [`Payload::inputs`].
fn run(payload: Payload<'_>, inputs: Vec<Value>, rules: &TaskRules<'_>) -> Result<Value> {
    let (label, block) = (payload.label().to_owned(), payload.block_text());
    // Kernels see no state but their inputs and the pool, whose lock is taken for moves of pointers only.
    catch_unwind(AssertUnwindSafe(|| payload.run(inputs, rules.registry, rules.pool)))
        .unwrap_or_else(|panic| Err(Error::task(&label, &block, &format!("it panicked: {}", panic_text(&*panic)))))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use ndarray::s;
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::array::*;
    use crate::block::codec::{Encoded, decode_bytes};
    use crate::block::testing::is_same;
    use crate::block::{Block, BlockLocation};
    use crate::chunks::Chunks;
    use crate::element::{DType, Element};
    use crate::graph::Expr;
    use crate::graph::wire::{RemotePlan, RemoteTask};
    use crate::io::{RawSpec, open_npy, open_raw, save_npy};
    use crate::kernels::NamedKernel;
    use crate::sparse::Coo;

    #[derive(Serialize, Deserialize)]
    struct Scale {
        by: f64,
    }

    impl NamedKernel for Scale {
        const NAME: &'static str = "test.scale";

        fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
            Ok(Block::from_dense(&blocks[0].dense::<f64>()? * self.by))
        }
    }

    #[derive(Serialize, Deserialize)]
    struct Panics;

    impl NamedKernel for Panics {
        const NAME: &'static str = "test.panics";

        fn run(&self, _blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
            panic!("too hot")
        }
    }

    fn registry() -> Registry {
        let mut registry = Registry::new();
        registry.register::<Scale>().unwrap();
        registry.register::<Panics>().unwrap();
        registry.register_files().unwrap();
        registry
    }

    /// Runs a task on inputs in their order.
    fn run_on(payload: &[u8], inputs: Vec<Value>, registry: &Registry, pool: &BufferPool) -> Result<Value> {
        let rules = TaskRules { registry, pool, limit_bytes: None };
        run(Payload::read(payload, registry)?, inputs, &rules)
    }

    /// All tasks of a plan, in their order.
    fn tasks_of(array: &DynArray) -> Result<Vec<RemoteTask>> {
        let plan = array.plan()?;
        let remote = RemotePlan::new(&plan, &registry())?;
        remote.tasks().collect()
    }

    /// The blocks of some arrays, computed with nothing but bytes between one task and the next.
    fn run_elsewhere(arrays: &[&DynArray]) -> Result<Vec<Vec<Block>>> {
        let (registry, pool) = (registry(), BufferPool::new(1 << 20));
        let exprs: Vec<Arc<Expr>> = arrays.iter().map(|array| Arc::clone(array.expr())).collect();
        let (plan, places) = crate::graph::plan(&exprs)?;
        let remote = RemotePlan::new(&plan, &registry)?;
        let mut store: HashMap<String, Vec<u8>> = HashMap::new();
        for (number, task) in remote.tasks().enumerate() {
            let task = task?;
            assert_eq!(task.priority, number as u64);
            let keys = Payload::read(&task.payload, &registry)?.inputs();
            let mut deps = keys.clone();
            deps.sort_unstable();
            deps.dedup();
            assert_eq!(deps, task.deps);
            // Looking up panics where a task is given before its inputs are.
            let rules = TaskRules { registry: &registry, pool: &pool, limit_bytes: None };
            let value = run_payload(&task.payload, |key| decode_bytes(&store[key], &pool), &rules)?;
            assert!(store.insert(task.key, Encoded::of(&value)?.to_bytes()).is_none(), "two tasks have one key");
        }
        let block = |key: String| decode_bytes(&store[&key], &pool)?.into_block();
        places.iter().map(|&place| remote.output_keys(place).map(block).collect()).collect()
    }

    fn assert_same(here: &Block, there: &Block, what: &str) {
        assert!(is_same(here, there), "{what}: {here:?} {there:?}");
    }

    /// The blocks that the local runtime makes.
    fn run_here(array: &DynArray) -> Result<Vec<Block>> {
        let persisted = array.persist()?;
        let source = persisted.expr().op().in_memory_source().unwrap();
        (0..persisted.n_blocks()).map(|number| source.read(&BlockLocation::new(persisted.grid(), number))).collect()
    }

    /// Arrays by the names of what they exercise.
    type Named = (&'static str, DynArray);

    fn named<T: Element>(name: &'static str, array: Result<Array<T>>) -> Named {
        (name, array.unwrap_or_else(|error| panic!("{name}: {error}")).into_dyn())
    }

    /// A 7 x 9 matrix of uneven numbers in 3 x 4 blocks.
    fn matrix() -> Array<f64> {
        let line = Array::<f64>::arange(0.0, 63.0, 1.0, Chunks::size(10)).unwrap();
        (line * 0.37 - 11.1).reshape([7, 9]).unwrap().rechunk((3, 4)).unwrap()
    }

    fn in_memory() -> Array<f64> {
        let values: Vec<f64> = (0..63).map(|i| f64::from(i * i % 17) - 8.25).collect();
        Array::from_vec(values, Chunks::size(63)).unwrap().reshape([7, 9]).unwrap().rechunk((4, 3)).unwrap()
    }

    fn sparse() -> Array<f64> {
        let coo = Coo::new(&[[0, 3, 3, 6], [1, 0, 8, 5]], vec![1.5, -2.0, 0.25, 4.0], [7, 9]).unwrap();
        DynArray::from_block(Block::new(coo), (3, 4)).unwrap().try_typed().unwrap()
    }

    fn elementwise() -> Vec<Named> {
        let (x, y) = (matrix(), in_memory());
        vec![
            named("fused", Ok((&x * &x + 1.0).sqrt() - x.sin())),
            named("memory", Ok(&y * 2.0 + &y)),
            named("two grids", x.try_add(&y.rechunk((3, 4)).unwrap())),
            named("broadcast", x.try_mul(&x.slice(s![0, ..]).unwrap())),
            named("comparison", x.gt(0.5)),
            named("choice", x.gt(0.5).and_then(|large| where_(&large, &x, -1.0))),
            named("cast", Ok(x.astype::<i16>())),
            named("transposed", Ok(x.transpose() + y.transpose().rechunk((4, 3)).unwrap())),
            named("full", Array::<i32>::full([5, 5], 7, Chunks::size(2))),
            named("eye", Array::<f32>::eye(5, 6, 1, Chunks::size(2))),
            named("linspace", Array::<f64>::linspace(0.0, 1.0, 11, Chunks::size(4))),
        ]
    }

    fn reductions() -> Vec<Named> {
        let (x, y, s) = (matrix(), in_memory(), sparse());
        vec![
            named("sum", Ok(x.sum())),
            named("sum of memory", Ok(y.sum())),
            named("mean of an axis", x.mean_axis(0)),
            named("variance", x.var_axis(1)),
            named("position", Ok(x.argmax())),
            named("fused sum", Ok((&x * &x).sum())),
            named("sum of columns in memory", y.transpose().sum_axis(0)),
            named("sum of sparse", s.sum_axis(0)),
            named("masked mean", x.mask(&x.gt(0.0).unwrap()).map(|positive| positive.mean())),
            named("any", x.gt(3.0).and_then(|large| large.any_axis(1))),
            named("largest", x.topk(3, 1)),
        ]
    }

    fn selections() -> Vec<Named> {
        let (x, y) = (matrix(), in_memory());
        let mut assigned = x.clone();
        assigned.assign(s![1..3, ..], &y.slice(s![..2, ..]).unwrap()).unwrap();
        let mut picked = x.clone();
        picked.assign_index(&crate::idx![[5, 0, 3], ..], -1.0).unwrap();
        let mut masked = x.clone();
        masked.assign_mask(&x.gt(0.0).unwrap(), 0.5).unwrap();
        vec![
            named("slice", y.slice(s![1..6;2, 2..])),
            named("reversed", x.slice(s![..;-1, ..;-2])),
            named("list", x.index(&crate::idx![[5, 0, 3], ..])),
            named("points", x.index(&crate::idx![[5, 0, 3], [1, 1, 8]])),
            named("mask", x.mask(&x.gt(0.5).unwrap())),
            named("rows by a mask", y.gt(1.0).and_then(|large| large.any_axis(1)).and_then(|rows| y.mask(&rows))),
            named("nonzero", y.gt(1.0).and_then(|large| large.nonzero()).map(|mut axes| axes.swap_remove(1))),
            named("assignment", Ok(assigned)),
            named("assignment by a list", Ok(picked)),
            named("assignment by a mask", Ok(masked)),
            named("diagonal", x.diagonal(1, [0, 1])),
        ]
    }

    fn structure() -> Vec<Named> {
        let (x, y, s) = (matrix(), in_memory(), sparse());
        let coarse = Chunks::from((2, 9));
        vec![
            named("rechunk", x.rechunk(coarse)),
            named("reshape", x.reshape([9, 7])),
            named("stack", stack(&[&x, &x], 0)),
            named("concatenate", concatenate(&[&x, &y], 0)),
            named("running sum", x.cumsum(0)),
            named("running maximum", y.cummax(1)),
            named("product", matmul(&x, &y.transpose())),
            named("product over two axes", tensordot(&x, &y, 2)),
            named("sparse product", matmul(&s, &y.transpose())),
            named("sparse sum", s.try_add(&s)),
            named("to sparse", Ok(x.gt(5.0).unwrap().to_sparse())),
            named("to dense", Ok(s.to_dense())),
            named("unique", Ok(y.ravel().unwrap().unique().unwrap())),
            named("histogram", x.histogram(&Bins::even(5, -10.0, 10.0).unwrap())),
            named("persisted", (&x + 1.0).persist().and_then(|x| x.sum_axis(1))),
        ]
    }

    #[test]
    fn plans_run_through_bytes_alone_and_give_every_bit() {
        for (name, array) in [elementwise(), reductions(), selections(), structure()].into_iter().flatten() {
            let here = run_here(&array).unwrap_or_else(|error| panic!("{name}: {error}"));
            let there = run_elsewhere(&[&array]).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(here.len(), there[0].len(), "{name}");
            here.iter().zip(&there[0]).for_each(|(here, there)| assert_same(here, there, name));
        }
    }

    #[test]
    fn several_results_of_one_plan_come_from_one_run() {
        let x = matrix();
        let (sum, mean) = (x.sum().into_dyn(), x.mean_axis(0).unwrap().into_dyn());
        let there = run_elsewhere(&[&sum, &mean, &sum]).unwrap();
        for (array, there) in [&sum, &mean, &sum].into_iter().zip(&there) {
            run_here(array).unwrap().iter().zip(there).for_each(|(here, there)| assert_same(here, there, "several"));
        }
    }

    #[test]
    fn files_are_read_where_the_task_runs() {
        let dir = tempfile::tempdir().unwrap();
        let (npy, raw) = (dir.path().join("a.npy"), dir.path().join("a.raw"));
        save_npy(&matrix(), &npy).unwrap();
        std::fs::write(&raw, (0..48).collect::<Vec<u8>>()).unwrap();
        let from_npy = open_npy(&npy, (3, 4)).unwrap();
        let from_raw = open_raw(&raw, RawSpec::new(DType::I16, [4, 6]).column_major(), (2, 5)).unwrap();
        let mut arrays = vec![from_npy.clone(), from_npy.slice(s![2.., 1..8]).unwrap(), from_raw];
        #[cfg(feature = "zarr")]
        {
            let zarr = dir.path().join("a.zarr");
            crate::io::save_zarr(&matrix(), &zarr).unwrap();
            arrays.push(crate::io::open_zarr(&zarr).unwrap());
        }
        for array in &arrays {
            let sum = array.sum_with(&Reduce::axes([0])).unwrap();
            for array in [array, &sum] {
                let there = run_elsewhere(&[array]).unwrap();
                run_here(array)
                    .unwrap()
                    .iter()
                    .zip(&there[0])
                    .for_each(|(here, there)| assert_same(here, there, "file"));
            }
            let n_bytes = tasks_of(array).unwrap().iter().map(|task| task.payload.len()).max().unwrap();
            assert!(n_bytes < 1 << 10, "{n_bytes} bytes to read a block");
        }
    }

    #[test]
    fn named_kernels_travel_and_closures_do_not() {
        let x = in_memory();
        let options = MapBlocks::new();
        let scaled = DynArray::map_named(&[x.as_dyn()], DType::F64, &options, &Scale { by: 2.0 }).unwrap();
        let there = run_elsewhere(&[&scaled]).unwrap();
        run_here(&scaled).unwrap().iter().zip(&there[0]).for_each(|(here, there)| assert_same(here, there, "named"));
        let closure = x.map_blocks(|block| Ok((&block.dense()? * 2.0).into())).unwrap().into_dyn();
        let error = run_elsewhere(&[&closure]).unwrap_err();
        assert!(error.is_usage() && error.op() == "map_blocks", "{error:?}");
        let text = error.to_string();
        assert!(text.contains("a closure runs locally only") && text.contains("`NamedKernel`"), "{text}");
    }

    #[test]
    fn panics_are_errors_that_name_operation_and_block() {
        let x = in_memory();
        let array = DynArray::map_named(&[x.as_dyn()], DType::F64, &MapBlocks::new(), &Panics).unwrap();
        let text = run_elsewhere(&[&array]).unwrap_err().to_string();
        assert!(text.contains("map_named") && text.contains("(0, 0)") && text.contains("too hot"), "{text}");
    }

    #[test]
    fn equal_work_has_equal_keys_and_other_work_others() {
        let keys = |array: &Array<f64>| -> Vec<String> {
            tasks_of(array.as_dyn()).unwrap().into_iter().map(|task| task.key).collect()
        };
        // Arrays in memory are known by their contents, wherever they lie.
        assert_eq!(keys(&(in_memory() + 1.0)), keys(&(in_memory() + 1.0)));
        let (plus, minus) = (keys(&(in_memory() + 1.0)), keys(&(in_memory() - 1.0)));
        let shared = plus.iter().filter(|key| minus.contains(key)).collect::<Vec<_>>();
        let own = keys(&in_memory());
        assert!(!shared.is_empty() && shared.iter().all(|key| own.contains(key)), "{shared:?}");
        assert_ne!(keys(&(in_memory() + 1.0)), keys(&(in_memory() + 2.0)));
        let (sum, mean) = (keys(&matrix().sum()), keys(&matrix().mean()));
        assert!(sum.last().unwrap().starts_with("('sum-") && sum.last() != mean.last(), "{sum:?}");
        // A part of a computation is the same work as the whole of it.
        let whole = keys(&(in_memory() * 3.0));
        assert!(
            keys(&(in_memory() * 3.0).sum())
                .iter()
                .filter(|key| key.starts_with("('memory"))
                .all(|key| whole.contains(key))
        );
    }

    #[test]
    fn payloads_are_small() {
        let x = matrix();
        for (name, array) in elementwise().into_iter().chain(reductions()) {
            for task in tasks_of(&array).unwrap().iter().filter(|task| !task.key.starts_with("('memory")) {
                println!("{name}: {} takes {} bytes", task.key, task.payload.len());
                assert!(task.payload.len() < 1 << 10, "{name}: {} bytes", task.payload.len());
            }
        }
        let long = Array::<f64>::ones([1000], Chunks::size(1)).unwrap().cumsum(0).unwrap();
        let wide = long.rechunk(Chunks::size(1000)).unwrap();
        let last = tasks_of(wide.as_dyn()).unwrap().pop().unwrap();
        assert!(last.deps.len() == 1000 && last.payload.len() < 20 << 10, "{} bytes", last.payload.len());
        assert!(!tasks_of(x.as_dyn()).unwrap().is_empty());
    }

    #[test]
    fn tasks_come_depth_first() {
        let x = Array::<f64>::ones([8], Chunks::size(1)).unwrap();
        let y = (x.cumsum(0).unwrap() + 1.0).into_dyn();
        let tasks = tasks_of(&y).unwrap();
        let place = |start: &str, block: u64| {
            tasks.iter().position(|t| t.key.starts_with(start) && t.key.ends_with(&format!(", {block})"))).unwrap()
        };
        assert!(place("('add", 0) < place("('full", 4), "a result is made before later inputs are");
    }

    #[test]
    fn another_registry_is_refused_with_its_contents() {
        let task = tasks_of(matrix().as_dyn()).unwrap().remove(0);
        let pool = BufferPool::new(0);
        let text = run_on(&task.payload, Vec::new(), &Registry::new(), &pool).unwrap_err().to_string();
        assert!(text.contains("hyperslab ") && text.contains("equal registries"), "{text}");
    }

    /// Payloads of every kind of kernel, with the inputs that their tasks were given.
    fn samples() -> Vec<(Vec<u8>, Vec<Value>)> {
        let (registry, pool) = (registry(), BufferPool::new(0));
        let mut samples = Vec::new();
        for (_, array) in [elementwise(), reductions(), selections(), structure()].into_iter().flatten() {
            let mut store: HashMap<String, Value> = HashMap::new();
            let mut labels = std::collections::HashSet::new();
            for task in tasks_of(&array).unwrap() {
                let payload = Payload::read(&task.payload, &registry).unwrap();
                let inputs: Vec<Value> = payload.inputs().iter().map(|key| store[key].clone()).collect();
                if labels.insert(payload.label().to_owned()) {
                    samples.push((task.payload.clone(), inputs.clone()));
                }
                store.insert(task.key, run_on(&task.payload, inputs, &registry, &pool).unwrap());
            }
        }
        samples
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn changed_payloads_give_errors_or_values(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let (registry, pool) = (registry(), BufferPool::new(0));
            for (payload, inputs) in samples() {
                let start = 21;
                let mut changed = payload.clone();
                for (at, byte, small) in &changes {
                    let at = start + at.index(payload.len() - start);
                    changed[at] = if *small { changed[at].wrapping_add(byte % 3) } else { *byte };
                }
                // What matters is that this returns, and asks for no memory that is not there.
                let _ = run_on(&changed, inputs.clone(), &registry, &pool);
                let cut = cut.index(payload.len());
                prop_assert!(run_on(&payload[..cut], inputs, &registry, &pool).is_err());
            }
        }
    }
}
