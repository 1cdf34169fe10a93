//! How memory is bounded, what the bound covers, and how to choose chunks for it.
//!
//! # The budget
//!
//! Every task of a plan promises an upper bound of the bytes it allocates: its result and its scratch memory. A run
//! *reserves* that bound before the task starts, replaces it by the true size of the result when the task ends, and
//! returns it when nobody reads the result any more. A task whose bound does not fit waits.
//!
//! ```text
//!          limit of the runtime's budget
//!   |==================================================|
//!   | blocks that are still read | bounds of running   |  free
//!   |                            | tasks               |
//!   |////////////////////////////|xxxxxxxxxx|··········|
//!                                           ^ a task starts if its bound fits here
//! ```
//!
//! Two rules keep a run from filling the budget with things that cannot be used yet:
//!
//! * a task that reads nothing (a file, a generator) starts only when there is room for the whole path from it to the next
//!   reduction, so inputs do not pile up in front of work that has no room;
//! * what was begun is finished before anything new is begun: plans are walked depth first.
//!
//! If nothing runs and nothing fits, one task starts anyway: a budget smaller than one block slows a run down and does not
//! stop it. Such starts are counted, and a profile tells their number.
//!
//! # Beyond the budget
//!
//! Some work needs everything twice: `&x - x.mean()` reads all of `x` for the mean and then once more. What cannot be made
//! again is kept until then, and may be more than the budget. [`Runtime::spill_to`](crate::exec::Runtime::spill_to) names a
//! folder for such results: when nothing runs and nothing fits, those that are needed last are laid aside there, in files
//! without names that vanish with the process, compressed and checked when they are read. Without a folder the run goes
//! beyond the budget, as above.
//!
//! ```
//! use hyperslab::prelude::*;
//! let runtime = Runtime::local().threads(2).memory_text("2MiB")?.spill_to(std::env::temp_dir(), 1 << 30);
//! let x = Array::<f64>::arange(0.0, 1e6, 1.0, Chunks::size(20_000))?.map_blocks(|b| Ok(b.dense()?.sqrt().into()))?;   // 8 MB
//! let above = runtime.enter(|| x.gt(x.mean())?.sum().scalar())?;
//! assert_eq!(above, 555_556);
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! ```
//! use std::sync::Arc;
//! use hyperslab::diag::Profile;
//! use hyperslab::prelude::*;
//! let profile = Arc::new(Profile::new());
//! let runtime = Runtime::local().threads(2).memory_text("2MiB")?.observer(profile.clone());
//! let x = Array::<f64>::arange(0.0, 1e6, 1.0, Chunks::size(20_000))?.reshape([1000, -1])?;       // 7.6 MiB
//! let total = runtime.enter(|| (x.rechunk([100, 100])? * 2.0).sum_axis(0)?.sum().scalar())?;
//! assert_eq!(total, 999_999e6);
//! assert!(profile.peak_bytes() <= 2 << 20);
//! assert_eq!(profile.over_budget_starts(), 0);
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! Reservations are a public type, for code of your own that shares a budget:
//!
//! ```
//! use hyperslab::exec::Budget;
//! let budget = Budget::new(100);
//! let block = budget.try_reserve(70).expect("70 of 100 are free");
//! assert!(budget.try_reserve(40).is_none());
//! drop(block);
//! assert_eq!(budget.free_bytes(), 100);
//! ```
//!
//! # What the budget does not cover
//!
//! | what | how much |
//! |---|---|
//! | arrays that you hold: `from_ndarray`, persisted ones | their size; blocks of them are views and cost nothing |
//! | the result of `compute` | its size; blocks are written straight into it. `store` and `save_npy` hold no result |
//! | buffers kept to be used again | at most an eighth of the limit |
//! | what your functions allocate beside the block they return | yours to keep small |
//! | the records of the scheduler | of the tasks in flight only; plans of any number of blocks take kilobytes |
//!
//! So the peak of a process is about: what you hold, plus the result, plus nine eighths of the limit. Where that is to be
//! a known number, set the limit: [`Runtime::memory`](crate::exec::Runtime::memory), or for the whole process the variable
//! `HYPERSLAB_MEMORY_BYTES`. Unless told otherwise it is half of the machine's memory.
//!
//! Sparse blocks reserve the bytes of a dense block while they are made, because nobody knows how many entries there will
//! be, and hold their true size afterwards.
//!
//! # What decides how much a run needs
//!
//! | work | blocks that live together |
//! |---|---|
//! | elementwise chains, masks and the reductions behind them | one a thread: they are one pass that stores nothing in between |
//! | reductions over blocks | one a thread, and partial results, which are small |
//! | stencils | a row of blocks and the row before it |
//! | sums of products | one block of the result and two operands a thread |
//! | running sums | one line of blocks |
//! | other chunks, from rows to columns | all of it in the worst case: see below |
//!
//! A change from rows to columns needs every old block for every new one:
//!
//! ```text
//!   rows                       columns
//!   ┌───────────────┐          ┌───┬───┬───┬───┐
//!   │       0       │          │   │   │   │   │   each column reads a piece
//!   ├───────────────┤          │   │   │   │   │   of all four rows
//!   │       1       │   --->   │   │   │   │   │
//!   ├───────────────┤          │ 0 │ 1 │ 2 │ 3 │
//!   │       2       │          │   │   │   │   │
//!   ├───────────────┤          │   │   │   │   │
//!   │       3       │          │   │   │   │   │
//!   └───────────────┘          └───┴───┴───┴───┘
//! ```
//!
//! What lies in memory is read in the new chunks at once, and a file can be: say the chunks that are wanted when it is
//! opened. What was computed goes through chunks in between where that saves small pieces. If it does not fit, write it
//! with `save_npy` or `save_zarr` and open that in the chunks you want.
//!
//! ```
//! use hyperslab::prelude::*;
//! # let dir = tempfile::tempdir().expect("a folder");
//! # let path = dir.path().join("rows.npy");
//! save_npy(&Array::<f64>::arange(0.0, 12.0, 1.0, Chunks::size(4))?.reshape([3, 4])?, &path)?;
//! let columns = open_npy(&path, Chunks::from((-1, 2)))?;           // two columns, each read for itself
//! assert_eq!(columns.plan()?.n_tasks(), 2);
//! let cut = open_npy(&path, Chunks::from((1, -1)))?.rechunk(Chunks::from((-1, 2)))?;
//! assert_eq!(cut.plan()?.n_tasks(), 3 + 2);                        // three rows, cut to two columns
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # Choosing chunks
//!
//! `Chunks::auto()` makes blocks near 8 MiB ([`Config`](crate::config::Config), variable `HYPERSLAB_CHUNK_BYTES`) that are
//! contiguous pieces of a row-major array where that makes no slivers. Choose your own when
//!
//! * **the file is chunked**: blocks made of whole stored chunks are decoded once. `open_zarr` does this by itself;
//! * **work runs along an axis** (`cumsum`, a median, a function that needs whole rows): few blocks on that axis,
//!   `Chunks::from((100, -1))`;
//! * **memory is short**: a thread holds a few blocks at a time, so blocks of at most a sixteenth of
//!   `limit / threads` leave room for every kind of work in the table above;
//! * **there are many threads**: several blocks for each, so that no thread waits for the last one.
//!
//! Blocks much smaller than 100 KiB cost more in bookkeeping than they gain; blocks much larger than the caches are fine
//! for fused work, which goes through a block in small tiles. Axes whose length is unknown keep the blocks of what they
//! were selected from, however few elements are left; `compute_chunk_sizes()` and `rechunk` join them.
//!
//! Results do not depend on any of this, apart from the last bits of floating point sums when the *grid* changes; they
//! never depend on the budget or on the number of threads.
