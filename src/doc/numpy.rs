//! For who knows NumPy, dask.array or the Python package `sparse`: what is called how, and where the meaning differs.
//!
//! The rule: NumPy's names in Rust spelling, NumPy's meaning, and an error where NumPy would guess. Whatever can be wrong
//! with arguments is an error when the expression is built; what a run finds (a file that ends too early, a function that
//! fails) is an error of `compute`.
//!
//! # Names
//!
//! ## Making arrays
//!
//! | there | here |
//! |---|---|
//! | `da.from_array(a, chunks=…)` | [`Array::from_ndarray(a, chunks)`][from_ndarray], no copy; `from_vec`, `from_coo` |
//! | `np.zeros(shape, dtype=np.float32)` | `Array::<f32>::zeros(shape, chunks)`; `ones`, `full`, [`full_like`] |
//! | `np.arange`, `linspace`, `eye`, `tri`, `diag`, `indices`, `meshgrid` | the same; chunks are the last argument |
//! | `rng = np.random.default_rng(7)`, `rng.normal(0, 1, shape)` | [`Rng::seeded(7)`][Rng], `rng.normal(0.0, 1.0, shape, chunks)?`: equal for all chunks |
//! | `np.fromfunction(f, shape)` | [`Array::from_fn(shape, chunks, f)`][from_fn] |
//! | `da.map_blocks(f, chunks=…)` without an array | [`Array::from_block_fn(shape, chunks, f)`][from_block_fn] |
//! | `np.load("x.npy", mmap_mode="r")` | [`open_npy(path, chunks)`][open_npy], a [`DynArray`] |
//! | `da.from_zarr(path)` | `open_zarr(path)` |
//! | `chunks="auto"`, `chunks=(100, -1)`, `chunks="64MiB"` | `Chunks::auto()`, `(100, -1)`, `Chunks::bytes(64 << 20)`: see [`Chunks`] |
//!
//! ## What an array knows
//!
//! | there | here |
//! |---|---|
//! | `x.shape` | [`x.shape()`][shape] with unknown lengths as variables; `x.known_shape()?` for numbers |
//! | `x.dtype`, `x.ndim`, `x.size`, `len(x)` | `x.dtype()`, `x.ndim()`, `x.n_elems()?`, `x.len()?` |
//! | `x.chunks`, `x.numblocks`, `x.npartitions` | `x.grid()`, `x.grid().block_counts()`, `x.n_blocks()` |
//! | `x.name` (dask) | [`x.name()`][name]: equal names compute equal arrays |
//! | `x.dask`, `x.visualize()` | [`x.plan()?`][plan], [`x.explain()?`][explain], `x.as_dyn().to_svg()?` |
//!
//! ## Elements
//!
//! | there | here |
//! |---|---|
//! | `x + y`, `x * 2.0`, `1.0 - x` | `&x + &y`, `&x * 2.0`, `1.0 - &x`; [`try_add`] and its like return errors |
//! | `x == y`, `x < y` | [`x.eq(&y)?`][eq], `x.lt(&y)?`: Rust's operators must give one `bool` |
//! | `x ** 2`, `x ** y` | [`x.powi(2)`][powi], `x.power(&y)?` |
//! | `x // y`, `x % y` | [`x.floor_divide(&y)?`][floor_divide], `x.remainder(&y)?` or `&x % &y` |
//! | `np.log`, `np.arcsin`, `np.arctan2(y, x)` | [`x.ln()`][ln], `x.asin()`, `y.atan2(&x)?`; `arcsin` finds it in the search |
//! | `np.where(c, x, y)` | [`where_(&c, &x, &y)?`][where_] |
//! | `np.clip(x, a, b)`, `np.round(x, 2)` | [`x.clip(a, b)?`][clip], `x.round(2)` |
//! | `x.astype(np.float32)` | [`x.astype::<f32>()`][astype]; `try_astype` refuses what may lose values |
//! | `np.select`, `np.choose`, `np.piecewise` | [`select`](crate::array::select), `choose`, `piecewise` |
//!
//! ## Reductions
//!
//! | there | here |
//! |---|---|
//! | `x.sum()` | [`x.sum()`][sum], a 0-d array; `.scalar()?` runs it and gives the number |
//! | `x.sum(axis=0)`, `x.sum(axis=(0, 2))` | `x.sum_axis(0)?`, `x.sum_axes([0, 2])?` |
//! | `x.std(axis=-1, keepdims=True, ddof=1)` | [`x.std_with(Reduce::axes([-1]).keepdims().ddof(1.0))?`][Reduce] |
//! | `np.nanmean`, `np.argmax`, `np.count_nonzero`, `np.ptp` | `x.nanmean()`, `x.argmax()`, `x.count_nonzero()`, `x.ptp()` |
//! | `np.median`, `np.quantile(x, 0.9, axis=0)` | [`x.median()?`][median], `x.quantile_axis(0.9, 0)?`: exact, also in blocks |
//! | `np.average(x, weights=w)`, `np.cov`, `np.corrcoef` | [`x.average(&w, Reduce::all())?`][average], `x.cov(1.0)?`, `x.corrcoef()?` |
//! | `np.cumsum(x, axis=0)`, `np.maximum.accumulate` | [`x.cumsum(0)?`][cumsum], `x.cummax(0)?` |
//! | `da.topk(x, 3)` | [`x.topk(3, axis)?`][topk]; `-3` for the smallest; `argtopk` for positions |
//! | `np.sort(x, axis=0)`, `np.argsort` | [`x.sort(0)?`][sort], `x.argsort(0)?` |
//! | `np.histogram(x, bins=10, range=(0, 1))` | [`x.histogram(&Bins::even(10, 0.0, 1.0)?)?`][histogram]: bins never depend on data |
//! | `np.histogram2d(x, y, bins)`, `np.histogramdd` | [`histogramdd(&[&x, &y], &bins)?`](crate::array::histogramdd) |
//! | `da.coarsen(np.mean, x, {0: 2})` | [`x.coarsen(&[(0, 2)], false, Array::mean_with)?`](crate::Array::coarsen) |
//! | `np.unravel_index(i, shape)` | [`i.unravel_index(shape)?`](crate::Array::unravel_index) |
//! | `np.unique(x, return_counts=True)` | [`x.unique()?`][unique], `x.unique_all()?` |
//!
//! ## Indexing and assignment
//!
//! | there | here |
//! |---|---|
//! | `x[10:20, ::2]` | [`x.slice(s![10..20, ..;2])?`][slice], with ndarray's `s!` |
//! | `x[::-1]` | `x.slice(s![..;-1])?` or [`x.flip(&[0])?`][flip] |
//! | `x[[3, 1, 1], 1:3]`, `x[None]`, `x[..., 0]` | [`x.index(&idx![[3, 1, 1], 1..3])?`][index], `idx![NewAxis]`, `idx![Ellipsis, 0]` |
//! | `x[rows, columns]`, dask's `x.vindex[…]` | `x.index(&idx![rows, columns])?`: several lists are always taken pointwise |
//! | `x[x > 0]` | [`x.mask(&x.gt(0.0)?)?`][mask]; over a later axis `mask_axis` |
//! | `x.blocks[0, 1:]` | [`x.blocks(&idx![0, 1..])?`][blocks] |
//! | `np.take(x, [2, 0], axis=1)`, `np.compress`, `np.extract` | [`x.take(&[2, 0], 1)?`][take], `x.compress(..)?`, `x.extract(&c)?` |
//! | `x[2:5] = 0`, `x[x < 0] = 0`, `x[[1, 2]] = y` | [`x.assign(s![2..5], 0.0)?`][assign], `x.assign_mask(&m, 0.0)?`, `x.assign_index(&idx![[1, 2]], &y)?` |
//! | `np.nonzero`, `np.argwhere`, `np.searchsorted` | [`x.nonzero()?`][nonzero], `x.argwhere()?`, `list.searchsorted(&x, Side::Left)?` |
//!
//! ## Shapes
//!
//! | there | here |
//! |---|---|
//! | `x.T`, `np.transpose(x, (2, 0, 1))`, `np.moveaxis` | [`x.transpose()`][transpose], `x.permute_axes(&[2, 0, 1])?`, `x.move_axis(0, -1)?` |
//! | `x.reshape(-1, 3)`, `x.ravel()` | [`x.reshape([-1, 3])?`][reshape], `x.ravel()?` |
//! | `np.concatenate([x, y])`, `np.stack`, `np.block` | [`concatenate(&[&x, &y], 0)?`][concatenate], `stack`, `block` |
//! | `np.pad(x, 1, mode="edge")`, `np.tile`, `np.repeat`, `np.roll` | [`x.pad(1, PadMode::Edge)?`][pad], `x.tile(&[2])?`, `x.repeat(2, 0)?`, `x.roll(1, 0)?` |
//! | `x.rechunk({1: -1})` | [`x.rechunk(Chunks::keep().with_axis(1, -1))?`][rechunk] |
//! | `x.compute_chunk_sizes()` | [`x.compute_chunk_sizes()?`][compute_chunk_sizes], which keeps the blocks it has made |
//!
//! ## Blocks, products, running
//!
//! | there | here |
//! |---|---|
//! | `x.map_blocks(f)`, `chunks=`, `drop_axis=` | [`x.map_blocks(f)?`][map_blocks], `x.map_blocks_with(MapBlocks::new().chunks(..), f)?` |
//! | `x.map_overlap(f, depth=1, boundary="reflect")` | [`x.map_overlap(Overlap::depth(1).boundary(Boundary::Reflect), f)?`][map_overlap] |
//! | `x @ y`, `np.dot`, `da.tensordot(x, y, axes=…)`, `np.einsum` | [`matmul(&x, &y)?`][matmul], `dot`, `tensordot(&x, &y, ([1], [0]))?`, `einsum("ij,jk->ik", &[&x, &y])?` |
//! | `x.compute()` | [`x.compute()?`][compute], an [`ndarray::ArrayD`]; `x.compute_into::<ndarray::Ix2>()?` with a static rank |
//! | `dask.compute(a, b)` | [`compute!(a, b)?`](crate::compute) |
//! | `x.persist()`, `da.store`, `x.to_zarr(path)`, `np.save` | [`x.persist()?`][persist], `x.as_dyn().store(sink)?`, `save_zarr(&x, path)?`, [`save_npy`](crate::io::save_npy) |
//! | `ProgressBar()`, `Profiler()` | `runtime.progress()`, [`Profile`](crate::diag::Profile), both of a [`Runtime`] |
//! | `dask.config.set(num_workers=4)` | `Runtime::local().threads(4).enter(\|\| …)` |
//!
//! ## The package `sparse`
//!
//! | there | here |
//! |---|---|
//! | `COO(coords, data, shape)`, `COO.from_numpy(a)` | [`Coo::new(&coords, values, shape)?`](crate::sparse::Coo::new), `Coo::from_dense(&a.view())?` |
//! | `s.todense()`, `s.nnz`, `s.fill_value` | `coo.to_dense()?`, `coo.nnz()`, `coo.fill()` |
//! | `np.sqrt(s)`, `s + t`, `s > 0` | `coo.sqrt()`, `coo.add(&t)?`, `coo.greater(0.0)?`: the names of lazy arrays |
//! | `sparse.einsum`, `tensordot`, `s @ t` | `Coo::einsum("ij,jk->ik", &[&s, &t])?`, `coo.tensordot(..)?`, `coo.matmul(&t)?` |
//! | `DOK` | [`CooBuilder`](crate::sparse::CooBuilder) |
//! | `GCXS`, `s.tocsr()` | [`Compressed`](crate::sparse::Compressed), `coo.to_csr()?`, `coo.to_compressed(&[0])?` |
//! | `x.map_blocks(COO.from_numpy)` | [`x.to_sparse()`][to_sparse], or `x.map_blocks_sparse(f)?` |
//! | `x.map_blocks(lambda b: b.todense())` | [`x.to_dense()`][to_dense] |
//! | `x.compute()` of sparse blocks | [`x.compute_sparse()?`][compute_sparse] |
//!
//! # Where the meaning differs
//!
//! **Unknown lengths are variables, not NaN.** Two selections by one mask have equal lengths and combine; selections by
//! different masks are an error when the expression is built, whatever their lengths turn out to be.
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::<i64>::arange(0, 6, 1, Chunks::size(2))?;
//! let even = (&x % 2).eq(0)?;
//! assert_eq!((x.mask(&even)? + x.mask(&even)?).compute()?, ndarray::arr1(&[0, 4, 8]).into_dyn());
//! assert!(x.mask(&even)?.try_add(&x.mask(&x.ge(3)?)?).is_err());     // both have three elements
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! **Operators need equal element types.** What NumPy promotes silently is written out, once:
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::<i32>::arange(0, 3, 1, Chunks::auto())?;
//! let y = Array::<f64>::ones([3], Chunks::auto())?;
//! assert_eq!((x.astype::<f64>() + &y).sum().scalar()?, 6.0);
//! assert_eq!((x.as_dyn() + y.as_dyn()).dtype(), DType::F64);         // run-time types promote as NumPy 2 does
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! **Integers.** `/` gives `f64`. Arithmetic wraps and never panics. `//` and `%` by 0 give 0. An integer to a negative
//! power is an error. Sums of integers are made in 64 bits, means of integers in `f64`, without overflow in between.
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::from_vec(vec![200u8, 100], Chunks::auto())?;
//! assert_eq!((&x + &x).compute()?, ndarray::arr1(&[144u8, 200]).into_dyn());
//! assert_eq!((x.sum().scalar()?, x.mean().scalar()?), (300u64, 150.0));
//! assert_eq!((&x / 0).compute()?[[0]], f64::INFINITY);
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! **Arrays are values.** Assigning to an array changes that variable, not the arrays it was made from, and no slice of it
//! that was taken before.
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::<i64>::zeros([4], Chunks::size(2))?;
//! let mut part = x.slice(s![1..3])?;
//! part.assign(s![..], 7)?;
//! assert_eq!((part.sum().scalar()?, x.sum().scalar()?), (14, 0));
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! **Two kinds of slices.** [`slice`] takes ndarray's `s!`, where a negative step reverses a range that is written
//! forwards; [`index`] takes `idx!` with NumPy's rules. Where it matters:
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::<i64>::arange(0, 6, 1, Chunks::size(4))?;
//! assert_eq!(x.slice(s![1..4;-1])?.compute()?, ndarray::arr1(&[3, 2, 1]).into_dyn());
//! let numpy = Index::Slice { start: Some(3), stop: Some(0), step: -1 };        // x[3:0:-1]
//! assert_eq!(x.index(&[numpy])?.compute()?, ndarray::arr1(&[3, 2, 1]).into_dyn());
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! **The first of equal extremes.** `argmin` and `argmax` over several axes give the first position in row-major order,
//! however the array is cut. Extremes of nothing are an error only where there is nothing: the maximum of shape `(0, 3)`
//! along axis 1 has shape `(0)`.
//!
//! **Reductions neither depend on threads nor lose precision.** Sums and moments of `f32` are accumulated in `f64`,
//! variances by a method that does not cancel. Results are the same bits for any number of threads.
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::<f32>::arange(0.0, 4.0, 1.0, Chunks::size(3))?;
//! let far = &x + 1e6;
//! assert_eq!((x.var().scalar()?, far.var().scalar()?), (1.25, 1.25));
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! **Sparse with dense.** Results are sparse where all operands are sparse or constant; the fill value follows from the
//! operation. With a dense operand blocks may be either; `to_sparse` and `to_dense` say what is wanted.
//!
//! ```
//! use hyperslab::prelude::*;
//! let s = Array::<f64>::eye(3, 3, 0, Chunks::size(2))?.to_sparse();
//! let shifted = &s + 1.0;
//! assert_eq!(shifted.compute_sparse()?.fill(), 1.0);
//! assert!(s.compute().unwrap_err().to_string().contains("compute_sparse"));
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! **Nothing runs behind your back.** No function is called on made-up data to learn its element type, `len` and shapes of
//! unknown arrays are errors rather than runs, and printing an array computes nothing.
//!
//! # What has no counterpart
//!
//! Object, string, date and record arrays; arrays of half precision; writing into a view of another array; `np.matrix`.
//!
//! [`DynArray`]: crate::DynArray
//! [`Chunks`]: crate::Chunks
//! [`Runtime`]: crate::exec::Runtime
//! [`ndarray::ArrayD`]: ndarray::ArrayD
//! [Reduce]: crate::array::Reduce
//! [Rng]: crate::array::Rng
//! [from_ndarray]: crate::Array::from_ndarray
//! [`full_like`]: crate::Array::full_like
//! [from_fn]: crate::Array::from_fn
//! [from_block_fn]: crate::Array::from_block_fn
//! [open_npy]: crate::io::open_npy
//! [shape]: crate::Array::shape
//! [name]: crate::Array::name
//! [plan]: crate::Array::plan
//! [explain]: crate::Array::explain
//! [`try_add`]: crate::Array::try_add
//! [eq]: crate::Array::eq
//! [powi]: crate::Array::powi
//! [floor_divide]: crate::Array::floor_divide
//! [ln]: crate::Array::ln
//! [where_]: crate::array::where_
//! [clip]: crate::Array::clip
//! [astype]: crate::Array::astype
//! [sum]: crate::Array::sum
//! [median]: crate::Array::median
//! [average]: crate::Array::average
//! [cumsum]: crate::Array::cumsum
//! [topk]: crate::Array::topk
//! [sort]: crate::Array::sort
//! [histogram]: crate::Array::histogram
//! [unique]: crate::Array::unique
//! [slice]: crate::Array::slice
//! [`slice`]: crate::Array::slice
//! [flip]: crate::Array::flip
//! [index]: crate::Array::index
//! [`index`]: crate::Array::index
//! [mask]: crate::Array::mask
//! [blocks]: crate::Array::blocks
//! [take]: crate::Array::take
//! [assign]: crate::Array::assign
//! [nonzero]: crate::Array::nonzero
//! [transpose]: crate::Array::transpose
//! [reshape]: crate::Array::reshape
//! [concatenate]: crate::array::concatenate
//! [pad]: crate::Array::pad
//! [rechunk]: crate::Array::rechunk
//! [compute_chunk_sizes]: crate::Array::compute_chunk_sizes
//! [map_blocks]: crate::Array::map_blocks
//! [map_overlap]: crate::Array::map_overlap
//! [matmul]: crate::array::matmul
//! [compute]: crate::Array::compute
//! [persist]: crate::Array::persist
//! [to_sparse]: crate::Array::to_sparse
//! [to_dense]: crate::Array::to_dense
//! [compute_sparse]: crate::Array::compute_sparse
