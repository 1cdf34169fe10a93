//! The lazy arrays that users hold.
//!
//! An [`Array<T>`] is a typed skin over a [`DynArray`], which is one pointer to an expression. Methods build larger
//! expressions; nothing runs before [`compute`](Array::compute), [`persist`](Array::persist) or a store. Shapes and element
//! types are checked when an expression is built, so a mistake shows where it was made.
//!
//! | file | what users find there |
//! |---|---|
//! | `create` | `from_ndarray`, `zeros`, `full`, `arange`, `linspace`, `eye`, `from_block_fn`, `from_source` |
//! | `random` | [`Rng`]: random arrays from a seed |
//! | `elementwise` `operators` | NumPy's functions of single elements, `+` and friends, `where_`, `clip`, `astype` |
//! | `reduce` | `sum`, `mean`, `var`, `argmax`, … over all or some axes |
//! | `index` `points` `assign` | slices, integers, lists, masks; `vindex`; the same on the left of an assignment |
//! | `manipulate` `axes` `stack` `split` `rechunk` | transpose, reshape, concatenate, broadcast; roll, rot90; hstack; `array_split`; other chunks |
//! | `blocks` `overlap` `blockwise` `gufunc` | `map_blocks`, `map_overlap`, `blocks`; `Blockwise`, `Gufunc`, `apply_along_axis` |
//! | `diagonal` `pad` `repeat` `insert` `like` | `tril`, `diag`; `pad`; `repeat`, `tile`; `insert`, `delete`; `full_like`, `meshgrid` |
//! | `contract` `einsum` `products` | `tensordot`, `matmul`, `dot`; `einsum`; `outer`, `kron` |
//! | `scan` `sort` `quantile` | `cumsum`; `sort`, `topk`; `median`, `percentile` |
//! | `sets` `histogram` `histogramdd` `statistics` `differences` | `unique`, `isin`; `histogram`, `bincount`; `cov`; `diff`, `gradient` |
//! | `coarsen` `flat` `special` | windows reduced; `unravel_index` and its inverse; `sinc`, `ldexp`, `isposinf` |
//! | `nonzero` `choose` `compare` `parts` | `argwhere`, `extract`; `select`, `piecewise`; `allclose`; `divmod`, `modf` |
//! | `coo` | index expressions and reductions with options for eager sparse arrays |
//! | `compute` `format` | running, persisting, explaining; `Debug` |
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::<f64>::arange(0.0, 12.0, 1.0, Chunks::size(5))?.reshape([3, 4])?;
//! let centred = &x - x.mean_axis(0)?;
//! assert_eq!(centred.compute()?.sum(), 0.0);
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # Functions of single elements
//!
//! NumPy's elementwise functions are methods of both arrays, made from one table: their documentation is the table's. Those
//! of one operand cannot fail on a typed array; those of several take values or arrays that broadcast, and fail when shapes
//! do not fit. What an operation makes of element types is NumPy 2's: integers give `f64` where a function needs it, parts
//! of complex numbers are real, comparisons are `bool`. Neighbouring ones run as one pass over the data.
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::from_vec(vec![1.0, 4.0, 9.0], Chunks::size(2))?;
//! assert_eq!(x.sqrt().compute()?, ndarray::arr1(&[1.0, 2.0, 3.0]).into_dyn());
//! assert_eq!(x.maximum(5.0)?.compute()?, ndarray::arr1(&[5.0, 5.0, 9.0]).into_dyn());
//! assert_eq!(x.clip(2.0, 8.0)?.compute()?, ndarray::arr1(&[2.0, 4.0, 8.0]).into_dyn());
//! assert_eq!(x.less(&x.sqrt())?.compute()?, ndarray::arr1(&[false, false, false]).into_dyn());
//!
//! let n = Array::from_vec(vec![1i32, 4, 9], Chunks::size(2))?;
//! assert_eq!(n.sqrt().compute()?, ndarray::arr1(&[1.0f64, 2.0, 3.0]).into_dyn());
//! assert_eq!(n.power(2)?.sum().scalar()?, 1 + 16 + 81);
//!
//! let erased = n.as_dyn();                                     // types are checked at run time
//! assert_eq!(erased.sqrt()?.dtype(), DType::F64);
//! assert!(erased.gcd(x.as_dyn()).unwrap_err().is_dtype());
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! # Operators
//!
//! `+ - * / % & | ^ !` and unary `-` work on references and values, with a value on either side. They stop the
//! program where shapes do not broadcast; [`try_add`](Array::try_add) and its like return the error.
//!
//! ```
//! use hyperslab::prelude::*;
//! let x = Array::from_vec(vec![1i64, 2, 3], Chunks::size(2))?;
//! let y = 10 - &x * &x;
//! assert_eq!(y.compute()?, ndarray::arr1(&[9, 6, 1]).into_dyn());
//! assert_eq!((-&y % 4).compute()?, ndarray::arr1(&[3, 2, 3]).into_dyn());
//! assert_eq!((&x & 1).compute()?, ndarray::arr1(&[1, 0, 1]).into_dyn());
//! let pair = Array::from_vec(vec![1, 2], Chunks::auto())?;
//! assert!(x.try_mul(&pair).unwrap_err().is_shape());
//! # Ok::<(), hyperslab::Error>(())
//! ```

mod assign;
mod axes;
mod blocks;
mod blockwise;
mod choose;
mod coarsen;
mod compare;
mod compute;
mod contract;
mod coo;
mod create;
mod diagonal;
mod differences;
mod dynamic;
mod einsum;
mod elementwise;
mod flat;
mod format;
mod gufunc;
mod histogram;
mod histogramdd;
mod index;
mod insert;
mod like;
mod manipulate;
mod nonzero;
mod operators;
mod overlap;
mod pad;
mod parts;
mod points;
mod products;
mod quantile;
mod random;
mod rechunk;
mod reduce;
mod repeat;
mod scan;
mod sets;
mod sort;
mod special;
mod split;
mod stack;
mod statistics;
pub(crate) mod typed;

pub use blocks::MapBlocks;
pub use blockwise::Blockwise;
pub use choose::{Piece, choose, piecewise, select};
pub use compare::Tolerance;
pub use compute::Computed;
pub use contract::{ContractAxes, dot, matmul, tensordot};
pub use create::{IntoShape, IntoSharedArray};
pub use differences::{EdgeOrder, Spacing};
pub use dynamic::DynArray;
pub use einsum::einsum;
pub use elementwise::Operand;
pub use elementwise::where_;
pub use flat::ravel_multi_index;
pub use gufunc::{BlockResults, Gufunc};
pub use histogram::Bins;
pub use histogramdd::{histogramdd, histogramdd_weighted};
pub use index::{Ellipsis, Index, NewAxis};
pub use like::{Indexing, meshgrid};
pub use manipulate::{concatenate, stack};
pub use overlap::{Boundary, Overlap};
pub use pad::{PadMode, PadWidths};
pub use products::{inner, kron, outer, outer_with, vdot};
pub use quantile::QuantileMethod;
pub use random::Rng;
pub use reduce::Reduce;
pub use sets::{Side, Unique};
pub use stack::{block, broadcast_arrays, column_stack, dstack, hstack, vstack};
pub use typed::Array;
