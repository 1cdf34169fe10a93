//! Short answers to common tasks. Every recipe runs as it stands.
//!
//! | files and memory | elements | blocks | running |
//! |---|---|---|---|
//! | [1. a file larger than memory](#1-a-file-larger-than-memory) | [4. standardise columns](#4-standardise-columns) | [11. stencils](#11-stencils) | [2. several results in one pass](#2-several-results-in-one-pass) |
//! | [15. write `.npy`](#15-write-npy) | [5. masks](#5-masks-and-unknown-sizes) | [12. a function of every block](#12-a-function-of-every-block) | [3. use a result twice](#3-use-a-result-twice) |
//! | [16. write and read Zarr](#16-write-and-read-zarr) | [6. replace elements](#6-replace-elements) | [13. blocks of other shapes](#13-blocks-of-other-shapes) | [18. progress and profile](#18-progress-and-profile) |
//! | [17. a memory budget](#17-a-memory-budget) | [7. rows by number](#7-rows-and-points-by-number) | [14. a source of your own](#14-a-source-of-your-own) | [19. cancel](#19-cancel-a-run) |
//! | [10. other chunks](#10-other-chunks) | [8. to sparse and back](#8-to-sparse-and-back), [9. sums of products](#9-sums-of-products) | | [20. look before you run](#20-look-before-you-run) |
//!
//! # 1. A file larger than memory
//!
//! Opening reads the header only. A run reads block by block, reduces each at once and keeps numbers, not blocks.
//!
//! ```
//! use hyperslab::prelude::*;
//! # let dir = tempfile::tempdir().expect("a folder");
//! # let path = dir.path().join("measured.npy");
//! # save_npy(&Array::<f32>::arange(0.0, 12.0, 1.0, Chunks::size(5))?.reshape([4, 3])?, &path)?;
//! let x: Array<f32> = open_npy(&path, Chunks::auto())?.try_typed()?;
//! assert_eq!(x.mean_axis(0)?.compute()?, ndarray::arr1(&[4.5, 5.5, 6.5]).into_dyn());
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! Where the element type is not known beforehand, stay with [`DynArray`](crate::DynArray) and ask it for
//! [`dtype`](crate::DynArray::dtype).
//!
//! # 2. Several results in one pass
//!
//! `compute!` runs expressions together. What they share is computed once, and reductions of the same data become one
//! pass over it.
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::<f64>::arange(0.0, 5.0, 1.0, Chunks::size(2))?;
//! let (low, high, mean) = compute!(x.min(), x.max(), x.mean())?;
//! assert_eq!((low[[]], high[[]], mean[[]]), (0.0, 4.0, 2.0));
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # 3. Use a result twice
//!
//! An expression is computed anew by every run. [`persist`](crate::Array::persist) runs it now and gives an array of the
//! blocks in memory.
//!
//! ```
//! use hyperslab::prelude::*;
//! let slow = Array::<f64>::arange(0.0, 6.0, 1.0, Chunks::size(4))?.square();
//! let kept = slow.persist()?;
//! assert_eq!(kept.sum().scalar()?, 55.0);
//! assert_eq!(kept.max().scalar()?, 25.0);
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # 4. Standardise columns
//!
//! Shapes broadcast from the right, as in NumPy. `keepdims` keeps a reduced axis with length 1 where the axis is not the
//! first.
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::<f64>::from_ndarray(ndarray::arr2(&[[1.0, 10.0], [3.0, 30.0]]), Chunks::size(1))?;
//! let columns = (&x - x.mean_axis(0)?) / x.std_axis(0)?;
//! assert_eq!(columns.compute()?, ndarray::arr2(&[[-1.0, -1.0], [1.0, 1.0]]).into_dyn());
//!
//! let rows = &x / x.sum_with(Reduce::axes([1]).keepdims())?;
//! assert_eq!(rows.sum_axis(1)?.compute()?, ndarray::arr1(&[1.0, 1.0]).into_dyn());
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # 5. Masks and unknown sizes
//!
//! How many elements a mask selects is known after a run only. The axis then has a *variable* as its length. Equal masks
//! give equal variables, so what they select can be combined; lengths of different masks cannot, and that is an error
//! when the expression is built.
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::from_vec(vec![3.0, -1.0, 4.0, -1.0, 5.0], Chunks::size(2))?;
//! let y = &x * 10.0;
//! let positive = x.gt(0.0)?;
//!
//! let both = x.mask(&positive)? + y.mask(&positive)?;
//! assert!(!both.shape()[0].is_known());
//! assert_eq!(both.compute()?, ndarray::arr1(&[33.0, 44.0, 55.0]).into_dyn());
//!
//! let error = x.mask(&positive)?.try_add(&y.mask(&x.lt(0.0)?)?).unwrap_err();
//! assert!(error.is_unknown_chunks() || error.is_shape());
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! Reductions do not need the length. What does, such as reshaping, says so and names the remedy:
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::<i64>::arange(0, 10, 1, Chunks::size(4))?;
//! let odd = x.mask(&(&x % 2).eq(1)?)?;
//! assert_eq!(odd.mean().scalar()?, 5.0);
//! assert!(odd.reshape([5, 1]).unwrap_err().is_unknown_chunks());
//!
//! let known = odd.compute_chunk_sizes()?;
//! assert_eq!(known.grid().to_string(), "(5) chunks (2)");          // blocks of 2, 2 and 1
//! assert_eq!(known.reshape([5, 1])?.known_shape()?, [5, 1]);
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # 6. Replace elements
//!
//! Arrays are values: assigning changes this variable, never a clone made before or anything derived from it.
//!
//! ```
//! use hyperslab::prelude::*;
//! let mut x = Array::<i64>::arange(0, 6, 1, Chunks::size(4))?.reshape([2, 3])?;
//! let before = x.clone();
//! x.assign(s![.., 0], -1)?;                       // a column
//! x.assign_index(&idx![[1], [2]], 9)?;            // the point (1, 2)
//! x.assign_mask(&x.eq(1)?, 0)?;                   // wherever it is 1
//! assert_eq!(x.compute()?, ndarray::arr2(&[[-1, 0, 2], [-1, 4, 9]]).into_dyn());
//! assert_eq!(before.sum().scalar()?, 15);
//!
//! // Without a variable: a choice between two arrays or values.
//! let clipped = where_(&before.gt(3)?, 3, &before)?;
//! assert_eq!(clipped.sum().scalar()?, 0 + 1 + 2 + 3 + 3 + 3);
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # 7. Rows and points by number
//!
//! One list takes positions along its axis, in that order and as often as they are named. Several lists are taken
//! pointwise.
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::<i64>::arange(0, 12, 1, Chunks::size(5))?.reshape([4, 3])?;
//! assert_eq!(x.take(&[-1, 0, 0], 0)?.index_axis(1, 0)?.compute()?, ndarray::arr1(&[9, 0, 0]).into_dyn());
//! assert_eq!(x.index(&idx![[0, 3], [2, 1]])?.compute()?, ndarray::arr1(&[2, 10]).into_dyn());
//! assert_eq!(x.index(&idx![1, ..])?.compute()?, ndarray::arr1(&[3, 4, 5]).into_dyn());
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # 8. To sparse and back
//!
//! An array may hold dense or sparse blocks; results do not depend on it. Elementwise work and reductions keep sparse
//! blocks sparse and work out the value of what is not stored: `cos` of a sparse array of zeros has fill value 1.
//!
//! ```
//! use hyperslab::prelude::*;
//! let coo = Coo::new(&[[0, 3], [1, 2]], vec![5.0, 7.0], [4, 4])?;       // (0, 1): 5 and (3, 2): 7
//! let x = Array::from_coo(coo, Chunks::size(2))?;
//! let doubled = &x * 2.0;
//! assert!(doubled.layout().is_sparse());
//! assert_eq!(doubled.compute_sparse()?.nnz(), 2);
//! assert_eq!(doubled.to_dense().compute()?[[3, 2]], 14.0);
//!
//! let dense = Array::<f64>::eye(4, 4, 0, Chunks::size(2))?;
//! let diagonal = dense.map_blocks_sparse(|block| Coo::from_dense(&block.dense()?))?;
//! assert_eq!((&x + &diagonal).sum().scalar()?, 16.0);
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # 9. Sums of products
//!
//! ```
//! use hyperslab::prelude::*;
//! let a = Array::<f64>::arange(0.0, 24.0, 1.0, Chunks::size(7))?.reshape([2, 3, 4])?;
//! let b = Array::<f64>::ones([4, 3, 5], Chunks::size(2))?;
//! let c = tensordot(&a, &b, ([1, 2], [1, 0]))?;         // sum over j, k of a[i, j, k] * b[k, j, l]
//! assert_eq!(c.known_shape()?, [2, 5]);
//! assert_eq!(c.index(&idx![0, 0])?.scalar()?, 66.0);    // 0 + 1 + … + 11
//!
//! let m = Array::<f64>::eye(3, 3, 0, Chunks::size(2))?;
//! assert_eq!(matmul(&m, &m)?.compute()?, m.compute()?);
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # 10. Other chunks
//!
//! Work along an axis goes best with few blocks on it. `Chunks::keep()` starts from the chunks that are there.
//!
//! ```
//! use hyperslab::prelude::*;
//! let rows = Array::<f64>::zeros([1000, 1000], Chunks::from((10, -1)))?;
//! let columns = rows.rechunk(Chunks::from((-1, 10)))?;
//! assert_eq!(columns.grid().block_counts(), [1, 100]);
//! let finer = rows.rechunk(Chunks::keep().with_axis(1, 100))?;
//! assert_eq!(finer.grid().block_counts(), [100, 10]);
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # 11. Stencils
//!
//! `map_overlap` gives the function each block with a margin from its neighbours, corners included:
//!
//! ```text
//!   blocks of 3 x 3, depth 1            what the function sees for block x
//!   ┌─────┬─────┬─────┐                 ┌─┬─────┬─┐
//!   │     │     │     │                 ├─┼─────┼─┤   the margin comes from up to
//!   ├─────┼─────┼─────┤                 │ │  x  │ │   eight neighbours, or at the
//!   │     │  x  │     │                 ├─┼─────┼─┤   edge from the Boundary
//!   ├─────┼─────┼─────┤                 └─┴─────┴─┘
//! ```
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::<f64>::from_vec(vec![0.0, 0.0, 9.0, 0.0, 0.0], Chunks::size(2))?;
//! let around = Overlap::depth(1).boundary(Boundary::Nearest).untrimmed();
//! let smooth: Array<f64> = x.map_overlap(around, |block| {
//!     let padded = block.dense()?;
//!     let means = padded.windows(ndarray::IxDyn(&[3])).into_iter().map(|w| w.sum() / 3.0).collect::<Vec<_>>();
//!     Ok(ndarray::Array1::from_vec(means).into_dyn().into())
//! })?;
//! assert_eq!(smooth.compute()?, ndarray::arr1(&[0.0, 3.0, 3.0, 3.0, 0.0]).into_dyn());
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! A function that returns the block with its margin needs no `untrimmed()`: the margin is cut off.
//!
//! # 12. A function of every block
//!
//! The function sees the data and where it lies. Its element types are known when compiling, so it is never called on
//! made-up data.
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::<i64>::zeros([4], Chunks::size(2))?;
//! let starts: Array<i64> = x.map_blocks(|block| {
//!     let start = block.location().ranges()?[0].start as i64;
//!     Ok((&block.dense()? + start).into())
//! })?;
//! assert_eq!(starts.compute()?, ndarray::arr1(&[0, 0, 2, 2]).into_dyn());
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! Two arrays go through [`map_blocks_zip`](crate::Array::map_blocks_zip), more of them through
//! [`DynArray::map_blocks_with`](crate::DynArray::map_blocks_with).
//!
//! # 13. Blocks of other shapes
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::<i64>::arange(0, 8, 1, Chunks::size(4))?;
//! let every_other = MapBlocks::new().chunks([vec![2]]);           // each block of 4 gives one of 2
//! let half: Array<i64> = x.map_blocks_with(every_other, |block| {
//!     Ok(block.dense()?.slice_axis(Axis(0), ndarray::Slice::new(0, None, 2)).to_owned().into())
//! })?;
//! assert_eq!(half.compute()?, ndarray::arr1(&[0, 2, 4, 6]).into_dyn());
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # 14. A source of your own
//!
//! From a function of the place of a block, or as a [`BlockSource`](crate::block::BlockSource) for a file format:
//!
//! ```
//! use std::sync::Arc;
//! use hyperslab::block::{ArrayMeta, BlockLocation, BlockSource};
//! use hyperslab::prelude::*;
//!
//! #[derive(Debug)]
//! struct Sevens;
//! impl BlockSource for Sevens {
//!     fn format(&self) -> &'static str { "sevens" }
//!     fn read(&self, at: &BlockLocation) -> Result<Block> {
//!         let lens: Vec<usize> = at.ranges()?.iter().map(|range| (range.end - range.start) as usize).collect();
//!         Ok(Block::from_dense(ndarray::ArrayD::from_elem(lens, 7i32)))
//!     }
//! }
//!
//! let grid = Chunks::size(2).grid_for(&[3, 5], 4)?;
//! let x = DynArray::from_source(Arc::new(Sevens), ArrayMeta::dense(DType::I32, grid), Some(7));
//! assert_eq!(x.try_typed::<i32>()?.sum().scalar()?, 105);
//!
//! let squares = Array::from_fn([5], Chunks::size(2), |at: &[u64]| at[0] * at[0])?;
//! assert_eq!(squares.sum().scalar()?, 30);
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # 15. Write `.npy`
//!
//! Blocks are written as they are made; the file appears under its name when it is complete.
//!
//! ```
//! use hyperslab::prelude::*;
//! # let dir = tempfile::tempdir().expect("a folder");
//! let path = dir.path().join("squares.npy");
//! save_npy(&Array::<f64>::arange(0.0, 9.0, 1.0, Chunks::size(4))?.square(), &path)?;
//! assert_eq!(open_npy(&path, Chunks::auto())?.try_typed::<f64>()?.max().scalar()?, 64.0);
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # 16. Write and read Zarr
//!
//! One stored chunk for each block, compressed; reading a part decodes only the chunks it touches. Feature `zarr`.
//!
//! ```
//! # #[cfg(feature = "zarr")] {
//! use hyperslab::prelude::*;
//! # let dir = tempfile::tempdir().expect("a folder");
//! let path = dir.path().join("grid.zarr");
//! save_zarr(&Array::<i32>::arange(0, 100, 1, Chunks::size(25))?.reshape([10, 10])?.rechunk(5)?, &path)?;
//! let corner: Array<i32> = open_zarr(&path)?.slice(s![8.., 8..])?.try_typed()?;
//! assert_eq!(corner.compute()?, ndarray::arr2(&[[88, 89], [98, 99]]).into_dyn());
//! # }
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # 17. A memory budget
//!
//! A runtime says how much memory tasks may hold together, and on how many threads. See [`memory`](super::memory).
//!
//! ```
//! use hyperslab::prelude::*;
//! let runtime = Runtime::local().threads(2).memory_text("64MiB")?;
//! let x = Array::<f64>::ones([4000, 4000], Chunks::size(500))?;          // 122 MiB
//! let total = runtime.enter(|| (&x + x.transpose()).sum().scalar())?;
//! assert_eq!(total, 32_000_000.0);
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # 18. Progress and profile
//!
//! ```
//! use std::sync::Arc;
//! use hyperslab::diag::Profile;
//! use hyperslab::prelude::*;
//! let profile = Arc::new(Profile::new());
//! let runtime = Runtime::local().observer(profile.clone());             // and .progress() for a bar
//! let x = Array::from_fn([1000], Chunks::size(100), |at: &[u64]| at[0] as f64)?;
//! runtime.enter(|| x.sum().scalar())?;
//! assert!(profile.n_tasks() >= 10);
//! println!("{}", profile.report());
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! [`TaskStream`](crate::diag::TaskStream) records what each thread did when, for a trace viewer.
//!
//! # 19. Cancel a run
//!
//! A token stops the runs of the runtimes it was given to, from any thread: no further task starts, running ones end, and
//! the run returns an error.
//!
//! ```
//! use hyperslab::exec::CancelToken;
//! use hyperslab::prelude::*;
//! let token = CancelToken::new();
//! let runtime = Runtime::local().cancel_token(token.clone());
//! let seen = token.clone();
//! let x = Array::from_block_fn([100], Chunks::size(1), move |_| {
//!     seen.cancel();                                                    // here by the first block itself
//!     Ok(ndarray::arr1(&[1.0]).into_dyn().into())
//! })?;
//! let error = runtime.enter(|| x.compute()).unwrap_err();
//! assert!(error.is_cancelled());
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # 20. Look before you run
//!
//! An array prints what is known of it, and `explain` what a run would do, before and after the passes that make it
//! cheaper. Neither computes anything.
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::<f64>::ones([1_000_000, 1000], Chunks::from((10_000, -1)))?.exp();
//! assert_eq!(
//!     x.to_string(),
//!     "Array<float64> (1000000, 1000) chunks (10000, 1000) = 100 blocks, 7.45 GiB, dense, 2 ops"
//! );
//! let one_row = x.slice(s![12_345, ..])?;
//! assert_eq!(x.plan()?.n_tasks(), 100);
//! assert!(one_row.plan()?.n_tasks() <= 2);                             // the slice has moved to the source
//! println!("{}", one_row.explain()?);
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! [`DynArray::to_svg`](crate::DynArray::to_svg) and [`to_dot`](crate::DynArray::to_dot) draw the same as pictures.
