//! The operations that an expression is made of, one file each.
//!
//! Each operation states its facts in its own file: what names it (its parameters), how it is lowered to layers of tasks,
//! and what a selection may do with it ([`OpSpec::push_slice`]). Passes ask these facts and never compare names.

mod assign;
mod blocks;
mod concat;
mod contract;
mod elementwise;
mod fold;
mod full;
mod generate;
mod halo;
mod map_blocks;
mod map_parts;
mod mask;
mod multi_reduce;
mod nonzero;
mod points;
mod rechunk;
mod reduce;
mod reshape;
mod scan;
mod slice;
mod sort;
mod source;
mod take;
mod take_at;
mod topk;
mod trim;
mod view;

use std::fmt::Debug;
use std::hash::Hasher;

pub(crate) use assign::{AssignMaskedOp, AssignOp, Target};
pub(crate) use blocks::BlocksOp;
pub(crate) use concat::ConcatOp;
pub(crate) use contract::ContractOp;
pub(crate) use elementwise::ElementwiseOp;
pub(crate) use fold::FoldOp;
pub(crate) use full::FullOp;
pub(crate) use generate::GenerateOp;
pub(crate) use halo::{HaloOp, Margin};
pub(crate) use map_blocks::MapBlocksOp;
pub(crate) use map_parts::{MapPartsOp, PartOp};
pub(crate) use mask::MaskOp;
pub(crate) use multi_reduce::{MultiReduceOp, PickOp};
pub(crate) use nonzero::NonzeroOp;
pub(crate) use points::PointsOp;
pub(crate) use rechunk::RechunkOp;
pub(crate) use reduce::ReduceOp;
pub(crate) use reshape::ReshapeOp;
pub(crate) use scan::{ScanOp, kind_name};
pub(crate) use slice::SliceOp;
pub(crate) use sort::SortOp;
pub(crate) use source::SourceOp;
pub(crate) use take::TakeOp;
pub(crate) use take_at::TakeAtOp;
pub(crate) use topk::TopkOp;
pub(crate) use trim::TrimOp;
pub(crate) use view::{ViewOp, compose_axes};

use super::dag::{Dag, Node, NodeId};
use super::lower::{Lowered, Lowering};
use crate::chunks::AxisRange;
use crate::error::Result;

/// What every operation tells about itself.
pub(crate) trait OpSpec: Debug {
    /// The operation as users know it.
    fn name(&self) -> &'static str;

    /// Feeds the parameters to the hash that names the expression.
    fn hash_params(&self, state: &mut dyn Hasher);

    /// The parameters as text, for drawings.
    fn params(&self) -> String {
        String::new()
    }

    /// The layers of tasks that compute the node.
    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered>;

    /// A node equal to `self` sliced by `ranges` (one per axis) but with the slice further down; `None` where that is not
    /// possible or not cheaper.
    fn push_slice(&self, _dag: &mut Dag, _node: &Node, _ranges: &[AxisRange]) -> Option<NodeId> {
        None
    }
}

macro_rules! define_op {
    ($($variant:ident($t:ty)),* $(,)?) => {
        /// An operation with its parameters.
        #[derive(Clone, Debug)]
        pub(crate) enum Op {
            $($variant($t),)*
        }

        impl Op {
            /// The source of an array whose blocks are in memory.
            #[cfg(test)]
            pub(crate) fn in_memory_source(&self) -> Option<&dyn crate::block::BlockSource> {
                match self {
                    Op::Source(source) => source.in_memory(),
                    _ => None,
                }
            }

            /// What the blocks of the array are read from, if they are.
            pub(crate) fn source(&self) -> Option<&std::sync::Arc<dyn crate::block::BlockSource>> {
                match self {
                    Op::Source(source) => Some(source.source()),
                    _ => None,
                }
            }

            /// The facts of the operation.
            pub(crate) fn spec(&self) -> &dyn OpSpec {
                match self { $(Op::$variant(op) => op,)* }
            }

            /// Whether two operations are of one kind, whatever their parameters.
            pub(crate) fn same_kind(&self, other: &Op) -> bool {
                std::mem::discriminant(self) == std::mem::discriminant(other)
            }
        }

        $(impl From<$t> for Op {
            fn from(op: $t) -> Op { Op::$variant(op) }
        })*
    };
}

define_op! {
    Source(SourceOp), Full(FullOp), Generate(GenerateOp), Elementwise(ElementwiseOp), View(ViewOp), Slice(SliceOp),
    Take(TakeOp), TakeAt(TakeAtOp), Points(PointsOp), Mask(MaskOp), Nonzero(NonzeroOp), Assign(AssignOp), AssignMasked(AssignMaskedOp),
    Concat(ConcatOp), Rechunk(RechunkOp), Reshape(ReshapeOp), Blocks(BlocksOp), Halo(HaloOp), Trim(TrimOp), MapBlocks(MapBlocksOp), MapParts(MapPartsOp), Part(PartOp),
    Contract(ContractOp), Reduce(ReduceOp), MultiReduce(MultiReduceOp), Pick(PickOp), Scan(ScanOp), Fold(FoldOp), Topk(TopkOp), Sort(SortOp),
}
