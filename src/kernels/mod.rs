//! Eager functions on blocks; no kernel knows a graph, and none starts a thread of its own.
//!
//! A task is one call of one [`Kernel`]: plain data with a `run` method, given the blocks of its inputs.
//!
//! | file | kernels |
//! |---|---|
//! | `ops` | THE op table: every elementwise operation is one row |
//! | `program` `evaluate` `arrange` | fused elementwise programs, run tile by tile |
//! | `reduce` `lift` | reductions: lift a block, combine partial results, finish |
//! | `index` `take_at` `layout` `assign` | slices, lists, masks, views, reshapes, assignments |
//! | `contract` `scan` `sort` | sums of products, running sums, sorts and largest elements |
//! | `sparse` | operations and reductions of eager sparse arrays |
//! | `generate` `func` `parts` | blocks from their place, users' functions of one or several results |
//! | `registry` | the named kernels and the formats that a process knows |
//! | `portable` `check` | kernels as data of other processes, and what is asked of those |
//! | `named` | the crate's own functions of a few blocks, by name |
//! | `vmath` `simd` | vector math and instruction sets |

mod arrange;
mod assign;
mod check;
pub(crate) mod context;
mod contract;
mod copy;
mod entries;
mod evaluate;
pub(crate) mod func;
pub(crate) mod generate;
pub(crate) mod index;
mod kernel;
pub(crate) mod layout;
mod lift;
pub(crate) mod named;
mod operands;
mod ops;
pub(crate) mod parts;
mod portable;
mod prefetch;
pub(crate) mod program;
pub(crate) mod reduce;
pub(crate) mod registry;
mod scan;
mod scan_rows;
pub(crate) mod simd;
mod sort;
mod sparse;
mod take_at;
#[cfg(test)]
mod testing;
pub(crate) mod vmath;

pub(crate) use arrange::arranged;
pub(crate) use assign::{AssignMasked, AssignPicks, AssignRegion};
pub(crate) use check::Promise;
pub(crate) use context::{Destination, KernelContext};
pub(crate) use contract::Contract;
pub(crate) use copy::copy_into;
pub(crate) use evaluate::Evaluate;
pub(crate) use func::{BlockFunction, Function, NamedKernel};
pub(crate) use generate::Generate;
pub(crate) use index::{Gather, Mask, Nonzero, Piece, PointTake, Take};
pub(crate) use kernel::{Kernel, Read};
pub(crate) use layout::{Reshape, View};
pub(crate) use lift::{CombinePartials, FinishPartial, Lift, LiftItem, reduce_fill};
pub(crate) use ops::{ElemOp, for_each_elementwise, with_bounds, with_trait};
pub(crate) use parts::{NamedGufunc, PartsFunction, TakePart};
pub(crate) use portable::Portable;
pub(crate) use program::{Program, ProgramBuilder, Value as ProgramValue};
pub(crate) use reduce::{Ddof, Reducer, Reduction};
pub(crate) use registry::Registry;
pub(crate) use scan::{Scan, ScanApply, ScanOp as ScanKind, ScanSpec, ScanTotal};
pub(crate) use sort::{ArgTopk, Argsort, Sort, Topk};
pub(crate) use sparse::reduce_axes;
pub(crate) use take_at::TakeAt;
