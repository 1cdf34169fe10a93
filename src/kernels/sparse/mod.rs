//! What eager sparse arrays owe to the kernels: every operation of the op table, and reductions beyond plain folds.
//!
//! [`Coo`](crate::sparse::Coo) itself knows no op table. Its methods for single operations (`sin`, `add`, `less`) and for
//! variances and reductions that skip NaN stand here, and come from the same rows and the same loops as those of lazy
//! arrays: a sparse and a dense array of equal elements give equal results.
//!
//! ```
//! use hyperslab::sparse::Coo;
//! let a = Coo::new(&[[1, 3]], vec![4.0, 9.0], [5])?;
//! assert_eq!(a.sqrt().values(), [2.0, 3.0]);
//! assert_eq!(a.cos().fill(), 1.0);
//! assert_eq!(a.add(1.0)?.greater(5.0)?.count_nonzero(), 1);
//! # Ok::<(), hyperslab::Error>(())
//! ```

mod elementwise;
mod evaluate;
mod reduce;

pub(crate) use evaluate::evaluate_if_sparse;
pub(crate) use reduce::reduce_axes;
