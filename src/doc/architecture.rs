//! How the crate is built: words, layers, folders, what a change touches, and the decisions that carry the rest.
//!
//! This is the picture of the code as it is. A change that makes it wrong changes it too.
//!
//! # Words
//!
//! | word | meaning | where |
//! |---|---|---|
//! | *expr* | what the user asked: immutable, array by array, named by a hash of what it computes | `graph/expr.rs` `graph/ops/` |
//! | *pass* | expr to expr: the same result, cheaper | `graph/optimize/` |
//! | *plan* | which tasks on which blocks: layers and arithmetic between them, no data | `graph/lower.rs` `graph/plan.rs` |
//! | *state* | the scheduler: events in, actions out; no threads, no clock, no blocks | `exec/state.rs` |
//! | *driver* | a thin loop that turns actions into work | `exec/serial.rs` `exec/pool.rs` |
//! | *kernel* | an eager function on blocks; knows no graph and no threads | `kernels/` |
//!
//! *Block* is the data, *chunk* its extent in the grid, *task* one call of one kernel, *layer* the tasks of one kind.
//!
//! ```text
//!  Array<T> ── methods ──> Expr ──> Dag ── passes ──> Dag ── lowering ──> Plan
//!  (array/)               (graph/expr.rs, dag.rs)    (graph/optimize/)   (graph/lower.rs, plan.rs)
//!                                                                          │ asked on demand: what does task 7 read?
//!                                                                          v
//!                              Block  <── Kernel::run ──  driver  <── actions ── State
//!                              (block/)   (kernels/)      (exec/pool.rs) ── events ──> (exec/state.rs)
//! ```
//!
//! `explain` shows an expression at all these stages:
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::<f64>::arange(0.0, 8.0, 1.0, Chunks::size(2))?;
//! let text = (&x * 2.0 + 1.0).sum().explain()?;
//! let stages = ["expression", "optimized", "plan: "].map(|stage| text.find(stage).expect("a heading"));
//! assert!(stages.is_sorted());
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # Import order
//!
//! A module uses only modules to its left; neighbours between two signs do not order each other:
//!
//! ```text
//! error, config < element, chunks < sparse < block < kernels < graph < exec < array < io, diag
//! ```
//!
//! `tests/architecture.rs` reads every line of `src/` and fails on an arrow to the right. What each layer must not know:
//! `chunks` knows integers only; `sparse` knows no laziness and is usable alone; `kernels` know no graph; `graph` knows no
//! threads, files or sockets; `exec` knows no `Array`. The same test keeps files under 600 lines of code, functions under
//! 60, `unwrap()` out of the library, and foreign crates behind a door or two each (rayon in `exec/pool.rs` and, for eager
//! sparse arrays, `sparse/parallel.rs`; gemm in `kernels/contract/`, zarrs in `io/zarr/`).
//!
//! # Folders
//!
//! ```text
//! src/lib.rs        crate docs, module map, re-exports      src/prelude.rs   what most programs import
//! src/config.rs     settings; the only reader of the environment
//! src/doc/          these guides
//! src/error/        one opaque, one-word Error; constructors in one file per family (usage, data, resource, engine, bug)
//!
//! src/element/      Element (sealed), DType, promotion, casts; dispatch.rs is the only list of element types
//! src/chunks/       integers only: Extent, AxisChunks, Grid, Chunks; plans of slices, rechunks, reshapes, halos, trees
//! src/sparse/       Coo, eager and usable alone: keys.rs (positions as one integer), merges, groups, products, CSR and CSC
//! src/block/        one block, dense or sparse, of any element type; BlockSource, BlockSink; recycle.rs keeps buffers,
//!                   codec/ makes blocks bytes, spec.rs opens a source elsewhere
//! src/kernels/      functions on blocks
//!   ops/              table.rs is THE op table: a row is an elementwise operation
//!   program/          fused elementwise programs, run tile by tile       vmath/   vector math for all instruction sets
//!   reduce/           reductions: lift, combine, finish                  scan.rs  running sums
//!   index/ assign/ layout/ contract/ sort.rs generate.rs                 func.rs  users' functions and the registry
//!   named/            the crate's own functions of a few blocks, by name  sparse/ the op table's methods of Coo
//! src/graph/        expr.rs dag.rs name.rs; plan.rs layer.rs map.rs (arithmetic between layers) lower.rs; draw/
//!   ops/              one structural operation per file: its facts, its lowering, what may move through it
//!   optimize/         one pass per file, and the ordered list             wire/ plans as keys and bytes
//! src/exec/         runtime.rs options.rs future.rs observe.rs cancel.rs job.rs are what callers see
//!                   state.rs event.rs records.rs index.rs are the scheduler; memory.rs its account
//!                   driver.rs serial.rs pool.rs run it; plan_job.rs output.rs join it with plans and results
//!                   spill/ aside.rs lay results aside on disk
//!                   engine.rs asks threads or a cluster to run a plan; payload.rs runs one task of another process
//!   remote/           feature `remote`: wire/ pickle/ comm/ speak to a dask.distributed scheduler, worker/ runs its tasks
//!                   engine/ joins both to arrays, command.rs is the worker's command line (src/bin/)
//!                   nanny/ looks after workers, local_cluster/ starts all of it on this machine
//! src/array/        the public lazy arrays, thin: a file per family of methods, listed in the docs of the module
//! src/io/           a file or folder per format, all of them sources and sinks
//! src/diag/         progress, profiles, task streams: all observers
//! ```
//!
//! # What a change touches
//!
//! | change | places |
//! |---|---|
//! | elementwise operation | one row in `kernels/ops/table.rs`. Methods of both arrays, type rules, loops for every instruction set, fusion, sparse forms and documentation follow from it |
//! | reduction | one file in `kernels/reduce/`, its rows in `reduction.rs` there, one row in `array/reduce.rs` |
//! | structural operation | one file in `graph/ops/`, its place in the list there, a method in `array/`; a kernel only if none fits |
//! | function of a few blocks | one file in `kernels/named/` and a method in `array/` |
//! | optimisation pass | one file in `graph/optimize/` and a line in its ordered list |
//! | storage format | one file or folder in `io/`: a `BlockSource`, a `BlockSink`, a function to open and one to save |
//! | observer | one file in `diag/` |
//! | element type | one row in `element/dispatch.rs`, the promotion table, its scalar arithmetic |
//!
//! `CONTRIBUTING.md` works four of these out.
//!
//! # Types
//!
//! ```text
//! Array<T>   a typed skin, thirteen element types          DynArray   a pointer to an Expr; type and layout at run time
//! Block      one of thirteen BlockData<T>                  BlockData  Dense(ArcArray<T, IxDyn>) or Sparse(Coo<T>)
//! Extent     Known(u64) or Unknown(SizeVar)                Value      Block, Parts of an unfinished result, or Placed
//! ```
//!
//! Why a typed skin over an erased body: kernels are compiled once, here; expressions are one printable enum that passes
//! rewrite; dense and sparse blocks mix in one array; and a wrong element type still is an error of the compiler for whoever
//! uses `Array<T>`. Rejected: arrays that are generic in their blocks (every user's expression would compile the engine
//! anew and could not be rewritten), and erased arrays alone (every type error at run time). There is no rank parameter:
//! [`compute_into`](crate::Array::compute_into) gives the static rank where it is wanted.
//!
//! ```
//! use hyperslab::prelude::*;
//! let typed = Array::<f32>::zeros([2], Chunks::auto())?;
//! let erased: &DynArray = typed.as_dyn();                        // free
//! assert!(erased.try_typed::<f64>().unwrap_err().is_dtype());    // free, checked
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # Decisions that carry the rest
//!
//! 1. **Structural names.** An expression is named by 128 bits of its operation, parameters, inputs and promise. Equal names
//!    are computed once in a run; persisted blocks and lengths are named after what made them. Closures get a name of their
//!    own, named kernels share one. *Guard:* the tests of `graph/`, and this:
//!
//!    ```
//!    use hyperslab::prelude::*;
//!    let x = Array::<f64>::arange(0.0, 4.0, 1.0, Chunks::auto())?;
//!    assert_eq!((&x + 1.0).name(), (&x + 1.0).name());
//!    assert_ne!((&x + 1.0).name(), (&x + 2.0).name());
//!    # Ok::<(), hyperslab::Error>(())
//!    ```
//!
//! 2. **Unknown lengths are variables.** A mask makes an axis whose length is a `SizeVar`, derived from the name of the mask.
//!    Equal variables combine, different ones are an error when the expression is built, and what needs a number names the
//!    remedy. *Guard:* `tests/unknown_sizes.rs`.
//! 3. **Plans are arithmetic.** A layer is a count and a function from a task's number to the numbers it reads, so a plan
//!    takes memory for its layers, not for its tasks, and the scheduler keeps records of tasks in flight only. Nothing walks
//!    or drops an expression recursively, so chains may be as long as memory allows. *Guard:* property tests in `graph/map.rs`
//!    (who reads whom, both ways), and this:
//!
//!    ```
//!    use hyperslab::prelude::*;
//!    let zero = Array::<f64>::zeros([4], Chunks::size(2))?;
//!    let long = (0..20_000).fold(zero, |x, _| x + 1.0);
//!    drop(long);                                                 // a recursive drop would overflow the stack
//!    let huge = Array::<f64>::ones([1_000_000, 1_000_000], Chunks::size(1000))?;
//!    assert_eq!(huge.exp().sum().plan()?.n_layers(), (huge + 0.5).exp().sum().plan()?.n_layers());
//!    # Ok::<(), hyperslab::Error>(())
//!    ```
//!
//! 4. **Memory by promise.** A task starts with a reservation of an upper bound of its bytes; see [`memory`](super::memory).
//!    *Guard:* the driver tests check that no run exceeds its budget without counting it, and that all of it is returned.
//! 5. **One scheduler, thin drivers.** The machine in `exec/state.rs` is told what happened and answers what to do. Every
//!    driver delivers the same results and errors. No lock is held while a kernel runs, and nothing waits inside a pool
//!    thread. *Guard:* property tests of random plans over all drivers in `exec/runtime.rs`; `benches/scheduler.rs` measures
//!    what a task costs.
//! 6. **Layout is data.** An array may hold dense and sparse blocks, and results do not depend on it. *Guard:* the
//!    properties and the conformance cases run over layouts.
//! 7. **Determinism.** Reduction trees are fixed by the numbers of blocks, never by who is ready first: results are the same
//!    bits for any number of threads. *Guard:* the conformance cases run under every executor, and this:
//!
//!    ```
//!    use hyperslab::prelude::*;
//!    let x = Array::from_fn([1000], Chunks::size(7), |at: &[u64]| 1.0 / (at[0] + 1) as f64)?;
//!    let serial = Runtime::local().serial().enter(|| x.var().scalar())?;
//!    let threads = Runtime::local().threads(3).enter(|| x.var().scalar())?;
//!    assert_eq!(serial.to_bits(), threads.to_bits());
//!    # Ok::<(), hyperslab::Error>(())
//!    ```
//!
//! 8. **What crosses a process border is plain data** with a name and a version: grids, blocks, named kernels. Lengths are
//!    checked before memory is asked for, and what is read is checked to be sound. *Guard:* `tests/hostile_files.rs`, and
//!    tests of every `Deserialize` that has something to check.
//! 9. **Small work is not scheduled.** Plans of a few small tasks run on the caller's thread (`exec/plan_job.rs`).
//! 10. **Errors are found when the expression is built**, by whoever wrote it, and say the operation, the operands, the
//!     numbers and the remedy. Only what a run alone can find is an error of the run. *Guard:* `tests/errors.rs` compares
//!     the messages.
