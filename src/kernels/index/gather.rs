//! One block from strided parts of several blocks.
//!
//! Along each axis the result is made of *pieces*; the whole is their product. Two pieces on each axis:
//!
//! ```text
//!             input 0 │ input 1              axes[1]: [{ input: 0, dst: 0, len: 2, .. },
//!            ┌────────┼─────┐ · ·                      { input: 1, dst: 2, len: 1, .. }]
//!   input 0  │ block 0│ b 1 │  fill          axes[0]: likewise
//!            ├────────┼─────┤ · ·
//!   input 1  │ block 2│ b 3 │                inputs: blocks 0 1 2 3, row-major
//!            └────────┴─────┘ · ·
//! ```

use std::ops::Range;

use ndarray::{ArcArray, ArrayViewD, ArrayViewMutD, Axis, IxDyn, Slice};
use serde::{Deserialize, Serialize};

use crate::block::{Block, Value};
use crate::chunks::AxisRange;
use crate::element::dispatch::dispatch;
use crate::element::{Element, Scalar};
use crate::error::{Error, Result, Shown};
use crate::kernels::context::KernelContext;
use crate::kernels::copy::{copied, copy_into};
use crate::kernels::entries::{Combinations, position};
use crate::kernels::operands::{Operands, blocks, lengths};
use crate::sparse::Coo;

const OP: &str = "gather";

/// Consecutive elements of the result along one axis: elements `start`, `start + step`, … of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Piece {
    /// Which of the inputs along this axis.
    pub(crate) input: u32,
    /// The position of the first element in the input.
    pub(crate) start: u64,
    /// From one element to the next; 0 repeats the first.
    pub(crate) step: i64,
    /// How many elements.
    pub(crate) len: u64,
    /// The position of the first element in the result.
    pub(crate) dst: u64,
}

/// Assembles a block from the product of pieces along each axis.
///
/// Inputs: a row-major array of blocks, along each axis as many as its pieces name (numbered from 0).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Gather {
    /// The shape of the result.
    pub(crate) shape: Vec<u64>,
    /// The pieces of each axis; they do not overlap in the result.
    pub(crate) axes: Vec<Vec<Piece>>,
    /// The value where no piece lies; without pieces it also tells the element type.
    pub(crate) fill: Option<Scalar>,
}

impl Piece {
    /// All of input `input`, which has length `len`, at `dst`.
    pub(crate) fn whole(input: u32, len: u64, dst: u64) -> Self {
        Self { input, start: 0, step: 1, len, dst }
    }

    fn targets(&self) -> Range<usize> {
        self.dst as usize..(self.dst + self.len) as usize
    }

    /// The lowest and the highest position in the input; `None` if there is no element.
    fn bounds(&self) -> Option<(i128, i128)> {
        let first = self.start as i128;
        let last = first + self.len.checked_sub(1)? as i128 * self.step as i128;
        Some((first.min(last), first.max(last)))
    }

    /// Restricts a view of the input along `axis` to this piece.
    fn narrow<T>(&self, view: &mut ArrayViewD<'_, T>, axis: Axis) {
        view.slice_axis_inplace(axis, self.slice());
    }

    /// The part as ndarray names it; a repeated element counts once.
    fn slice(&self) -> Slice {
        let (low, high) = self.bounds().unwrap_or((0, -1));
        let step = if self.step == 0 { 1 } else { self.step };
        Slice::new(low as isize, Some(high as isize + 1), step as isize)
    }
}

impl Gather {
    /// The length of an axis that one input gives as it is, however long it turns out to be.
    pub(crate) const WHOLE: u64 = u64::MAX;

    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Value> {
        let blocks = blocks(inputs)?;
        if self.shape.contains(&Self::WHOLE) {
            return self.with_lengths_of(&blocks)?.assemble(blocks, ctx);
        }
        self.assemble(blocks, ctx)
    }

    /// The same with the lengths of the first input where axes are handed on whole.
    fn with_lengths_of(&self, blocks: &[Block]) -> Result<Gather> {
        let first = blocks.first().ok_or_else(|| Error::bug(OP, "no input tells the length of an axis"))?.shape();
        let mut known = self.clone();
        for (axis, len) in known.shape.iter_mut().enumerate().filter(|(_, len)| **len == Self::WHOLE) {
            *len = first.get(axis).map_or(0, |&len| len as u64);
            known.axes[axis] = vec![Piece::whole(0, *len, 0)];
        }
        Ok(known)
    }

    fn assemble(&self, blocks: Vec<Block>, ctx: &KernelContext<'_>) -> Result<Value> {
        let counts = self.counts();
        if blocks.len() != counts.iter().product::<usize>() {
            return Err(Error::bug(OP, format!("{} blocks where {} were due", blocks.len(), Shown(&counts))));
        }
        let Some(dtype) = blocks.first().map(Block::dtype).or(self.fill.map(Scalar::dtype)) else {
            return Err(Error::bug(OP, "neither an input nor a fill value tells the element type"));
        };
        for (number, block) in blocks.iter().enumerate() {
            self.check(&block.shape(), &position(number, &counts))?;
        }
        dispatch!(dtype, T => match Operands::<T>::of(blocks)? {
            Operands::Dense(arrays) => self.dense(arrays, &counts, ctx),
            Operands::Sparse(inputs) => self.sparse(&inputs, &counts).map(|coo| Block::new::<T>(coo).into()),
        })
    }

    /// The number of inputs along each axis.
    fn counts(&self) -> Vec<usize> {
        let count = |pieces: &Vec<Piece>| pieces.iter().map(|piece| piece.input as usize + 1).max().unwrap_or(0);
        self.axes.iter().map(count).collect()
    }

    /// Whether an input is long enough for all pieces of it.
    fn check(&self, shape: &[usize], at: &[usize]) -> Result<()> {
        if shape.len() != self.axes.len() || self.shape.len() != self.axes.len() {
            return Err(Error::block(OP, "a number of axes", self.axes.len(), shape.len()));
        }
        for (axis, pieces) in self.axes.iter().enumerate() {
            for piece in pieces.iter().filter(|piece| piece.input as usize == at[axis]) {
                let Some((low, high)) = piece.bounds() else { continue };
                if low < 0 || high >= shape[axis] as i128 || piece.dst + piece.len > self.shape[axis] {
                    let what = format!("along axis {axis} a length of");
                    return Err(Error::block(OP, &what, format_args!("at least {}", high + 1), shape[axis]));
                }
            }
        }
        Ok(())
    }

    fn dense<T: Element>(
        &self,
        mut inputs: Vec<ArcArray<T, IxDyn>>,
        counts: &[usize],
        ctx: &KernelContext<'_>,
    ) -> Result<Value> {
        if let (Some(pieces), 1) = (self.single_pieces(), inputs.len()) {
            return single(inputs.swap_remove(0), &pieces, ctx).map(|array| Block::new::<T>(array).into());
        }
        let result = ctx.dense_result::<T>(&lengths(&self.shape), |out| self.write(&inputs, counts, out))?;
        ctx.recycle(inputs.into_iter().map(Block::new));
        Ok(result)
    }

    /// Writes every element of a dense result.
    fn write<T: Element>(
        &self,
        inputs: &[ArcArray<T, IxDyn>],
        counts: &[usize],
        mut out: ArrayViewMutD<'_, T>,
    ) -> Result<()> {
        self.fill_gaps(&mut out)?;
        for combination in Combinations::new(self.axes.iter().map(Vec::len).collect()) {
            let pieces: Vec<Piece> = combination.iter().zip(&self.axes).map(|(&i, pieces)| pieces[i]).collect();
            let number = pieces.iter().zip(counts).fold(0, |n, (piece, count)| n * count + piece.input as usize);
            let mut dst = out.view_mut();
            let mut src = inputs[number].view();
            for (axis, piece) in pieces.iter().enumerate() {
                dst.slice_axis_inplace(Axis(axis), Slice::from(piece.targets()));
                piece.narrow(&mut src, Axis(axis));
            }
            if let Some(src) = src.broadcast(dst.raw_dim()) {
                copy_into(dst, src);
            }
        }
        Ok(())
    }

    /// The one piece of each axis, if there is one that covers the result and repeats nothing.
    fn single_pieces(&self) -> Option<Vec<Piece>> {
        let one = |(pieces, &len): (&Vec<Piece>, &u64)| match pieces.as_slice() {
            [piece] if piece.dst == 0 && piece.len == len && (piece.step != 0 || len == 1) => Some(*piece),
            _ => None,
        };
        self.axes.iter().zip(&self.shape).map(one).collect()
    }

    /// Writes the fill value where no piece lies.
    fn fill_gaps<T: Element>(&self, out: &mut ArrayViewMutD<'_, T>) -> Result<()> {
        for (axis, (pieces, &len)) in self.axes.iter().zip(&self.shape).enumerate() {
            for gap in gaps(pieces, len as usize) {
                let mut slab = out.slice_axis_mut(Axis(axis), Slice::from(gap));
                if slab.is_empty() {
                    continue;
                }
                let fill = self.fill.ok_or_else(|| Error::bug(OP, "a part of the result is covered by nothing"))?;
                slab.fill(T::from_scalar(fill));
            }
        }
        Ok(())
    }

    /// Slices of the inputs and constant gaps, put together axis by axis. The result has the inputs' fill.
    fn sparse<T: Element>(&self, inputs: &[Coo<T>], counts: &[usize]) -> Result<Coo<T>> {
        let fill = inputs.first().map_or(T::zero(), Coo::fill);
        let gap = self.fill.map_or(fill, T::from_scalar);
        let axes: Vec<Vec<Segment>> = self.axes.iter().zip(&self.shape).map(|(p, &len)| segments(p, len)).collect();
        let mut parts = Vec::new();
        for choice in Combinations::new(axes.iter().map(Vec::len).collect()) {
            let segments: Vec<Segment> = choice.iter().zip(&axes).map(|(&i, segments)| segments[i]).collect();
            let pieces: Option<Vec<Piece>> = segments.iter().map(|segment| segment.piece).collect();
            let lens: Vec<u64> = segments.iter().map(|segment| segment.len).collect();
            parts.push(match pieces {
                Some(pieces) => {
                    let number =
                        pieces.iter().zip(counts).fold(0, |n, (piece, n_along)| n * n_along + piece.input as usize);
                    sparse_part(&inputs[number], &pieces, &lens)?
                }
                None => Coo::empty(&lens, gap)?.refill(fill)?,
            });
        }
        for (axis, segments) in axes.iter().enumerate().rev().filter(|(_, segments)| segments.len() > 1) {
            let joined = parts.chunks(segments.len()).map(|parts| Coo::concatenate(parts, axis as isize));
            parts = joined.collect::<Result<_>>()?;
        }
        match parts.pop() {
            Some(whole) => Ok(whole),
            None => Coo::empty(&self.shape, fill),
        }
    }
}

/// Consecutive elements of a sparse result: a piece, or a gap.
#[derive(Clone, Copy)]
struct Segment {
    piece: Option<Piece>,
    len: u64,
}

/// The pieces of an axis in the order of the result, with gaps between them.
fn segments(pieces: &[Piece], len: u64) -> Vec<Segment> {
    let mut sorted: Vec<Piece> = pieces.iter().copied().filter(|piece| piece.len > 0).collect();
    sorted.sort_by_key(|piece| piece.dst);
    let mut segments = Vec::with_capacity(sorted.len());
    let mut at = 0;
    for piece in sorted {
        if piece.dst > at {
            segments.push(Segment { piece: None, len: piece.dst - at });
        }
        segments.push(Segment { piece: Some(piece), len: piece.len });
        at = piece.dst + piece.len;
    }
    if at < len {
        segments.push(Segment { piece: None, len: len - at });
    }
    segments
}

/// The part of a sparse input that one piece of each axis names.
fn sparse_part<T: Element>(input: &Coo<T>, pieces: &[Piece], lens: &[u64]) -> Result<Coo<T>> {
    let range = |piece: &Piece| match piece.step {
        0 => AxisRange::contiguous(piece.start..piece.start + 1),
        step => AxisRange::canonical(piece.start, step, piece.len),
    };
    let ranges: Vec<AxisRange> = pieces.iter().map(range).collect();
    // Stretches what a piece repeats.
    input.slice(&ranges)?.broadcast_to(lens)
}

/// A part of one block: a view that shares its memory if it keeps at least half of it alive, else a copy, so that a
/// small part does not hold a large block in memory.
fn single<T: Element>(
    mut array: ArcArray<T, IxDyn>,
    pieces: &[Piece],
    ctx: &KernelContext<'_>,
) -> Result<ArcArray<T, IxDyn>> {
    let held = span(&array);
    let mut part = array.view();
    for (axis, piece) in pieces.iter().enumerate() {
        piece.narrow(&mut part, Axis(axis));
    }
    if part.len() * 2 < held {
        let copy = copied(&part, ctx)?;
        ctx.recycle([Block::new(array)]);
        return Ok(copy);
    }
    for (axis, piece) in pieces.iter().enumerate() {
        array.slice_axis_inplace(Axis(axis), piece.slice());
    }
    Ok(array)
}

/// The elements of memory from the lowest to the highest address of an array.
fn span<T>(array: &ArcArray<T, IxDyn>) -> usize {
    if array.is_empty() {
        return 0;
    }
    let lens_strides = array.shape().iter().zip(array.strides());
    1 + lens_strides.map(|(&len, &stride)| (len - 1) * stride.unsigned_abs()).sum::<usize>()
}

/// The ranges of `0..len` that no piece covers.
fn gaps(pieces: &[Piece], len: usize) -> Vec<Range<usize>> {
    let mut covered: Vec<Range<usize>> = pieces.iter().map(Piece::targets).collect();
    covered.sort_by_key(|range| range.start);
    let mut gaps = Vec::new();
    let mut at = 0;
    for range in covered {
        if range.start > at {
            gaps.push(at..range.start);
        }
        at = at.max(range.end);
    }
    if at < len {
        gaps.push(at..len);
    }
    gaps
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;
    use proptest::prelude::*;

    use super::*;
    use crate::block::BufferPool;
    use crate::kernels::testing::{Kind, assert_same, check_all_types, drawn, shapes};

    fn run(gather: &Gather, inputs: Vec<Block>) -> Block {
        let pool = BufferPool::new(1 << 20);
        gather
            .run(inputs.into_iter().map(Value::from).collect(), &KernelContext::new(&pool))
            .unwrap()
            .into_block()
            .unwrap()
    }

    /// One axis: the lengths of its inputs and pieces of them with gaps between, drawn from a seed.
    #[derive(Clone, Debug)]
    struct AxisCase {
        inputs: Vec<usize>,
        pieces: Vec<Piece>,
        len: u64,
    }

    fn axis_case() -> impl Strategy<Value = AxisCase> {
        let piece = (any::<u32>(), any::<u64>(), -3i64..4, 0u64..5, 0u64..2);
        (prop::collection::vec(1usize..6, 1..4), prop::collection::vec(piece, 1..5)).prop_map(|(inputs, raw)| {
            let mut dst = 0;
            // Every input is named, the last by an empty piece.
            let mut pieces = vec![Piece { input: inputs.len() as u32 - 1, start: 0, step: 1, len: 0, dst: 0 }];
            for (input, start, step, len, gap) in raw {
                let input = input % inputs.len() as u32;
                let n = inputs[input as usize] as u64;
                let start = start % n;
                let room = match step {
                    0 => 4,
                    step if step > 0 => (n - 1 - start) / step as u64 + 1,
                    step => start / step.unsigned_abs() + 1,
                };
                let len = len.min(room);
                pieces.push(Piece { input, start, step, len, dst: dst + gap });
                dst += gap + len;
            }
            AxisCase { inputs, pieces, len: dst + 1 }
        })
    }

    /// What `Gather` means, one element after the other.
    fn slow<T: Element>(gather: &Gather, inputs: &[ArrayD<T>], fill: T) -> ArrayD<T> {
        let counts = gather.counts();
        ArrayD::from_shape_fn(IxDyn(&lengths(&gather.shape)), |at| {
            let mut number = 0;
            let mut local = Vec::new();
            for (axis, pieces) in gather.axes.iter().enumerate() {
                let at = at[axis] as u64;
                let Some(piece) = pieces.iter().find(|piece| piece.dst <= at && at < piece.dst + piece.len) else {
                    return fill;
                };
                number = number * counts[axis] + piece.input as usize;
                local.push((piece.start as i64 + (at - piece.dst) as i64 * piece.step) as usize);
            }
            inputs[number][local.as_slice()]
        })
    }

    proptest! {
        #[test]
        fn any_product_of_pieces_is_assembled(cases in prop::collection::vec(axis_case(), 0..3), seed in any::<u64>()) {
            let gather = Gather {
                shape: cases.iter().map(|case| case.len).collect(),
                axes: cases.iter().map(|case| case.pieces.clone()).collect(),
                fill: Some(Scalar::I64(1)),
            };
            let counts = gather.counts();
            let shape_of = |number: usize| -> Vec<usize> {
                position(number, &counts).iter().zip(&cases).map(|(&i, case)| case.inputs[i]).collect()
            };
            let n_inputs = counts.iter().product::<usize>();
            check_all_types!(T => {
                for kind in Kind::ALL {
                    let inputs: Vec<(Block, ArrayD<T>)> =
                        (0..n_inputs).map(|i| drawn::<T>(&shape_of(i), seed + i as u64, kind)).collect();
                    let (blocks, dense): (Vec<Block>, Vec<ArrayD<T>>) = inputs.into_iter().unzip();
                    let expected = slow(&gather, &dense, T::one());
                    let found = run(&gather, blocks);
                    prop_assert_eq!(found.is_sparse(), kind.is_sparse());
                    assert_same(&found, &expected);
                }
            });
        }

        #[test]
        fn one_whole_piece_is_the_input_itself(shape in shapes()) {
            let gather = Gather {
                shape: shape.iter().map(|&len| len as u64).collect(),
                axes: shape.iter().map(|&len| vec![Piece::whole(0, len as u64, 0)]).collect(),
                fill: None,
            };
            let (block, dense) = drawn::<f64>(&shape, 7, Kind::Transposed);
            let address = block.dense::<f64>().unwrap().as_ptr();
            let found = run(&gather, vec![block]);
            prop_assert_eq!(found.dense::<f64>().unwrap().as_ptr(), address);
            assert_same(&found, &dense);
        }
    }

    fn part(start: u64, step: i64, len: u64) -> Gather {
        Gather { shape: vec![len], axes: vec![vec![Piece { input: 0, start, step, len, dst: 0 }]], fill: None }
    }

    #[test]
    fn a_large_part_is_a_view_and_a_small_one_a_copy() {
        let array = ArrayD::from_shape_vec(IxDyn(&[10]), (0..10).collect::<Vec<i32>>()).unwrap().into_shared();
        let memory = array.as_ptr() as usize..array.as_ptr() as usize + 40;
        let block = Block::new(array);
        for (gather, is_view) in [(part(9, -1, 10), true), (part(0, 2, 5), true), (part(3, 1, 4), false)] {
            let found = run(&gather, vec![block.clone()]);
            assert_eq!(memory.contains(&(found.dense::<i32>().unwrap().as_ptr() as usize)), is_view);
        }
        // A view of a view still knows how much memory it holds.
        let half = run(&part(0, 2, 5), vec![block]);
        let quarter = run(&part(0, 2, 3), vec![half]);
        assert!(!memory.contains(&(quarter.dense::<i32>().unwrap().as_ptr() as usize)));
        assert_eq!(quarter.dense::<i32>().unwrap().as_slice(), Some(&[0, 4, 8][..]));
    }

    #[test]
    fn inputs_that_are_too_short_or_missing_are_errors() {
        let pool = BufferPool::new(0);
        let ctx = KernelContext::new(&pool);
        let block = Value::from(Block::from_dense(ArrayD::<f64>::zeros(IxDyn(&[3]))));
        let error = part(0, 1, 4).run(vec![block.clone()], &ctx).unwrap_err();
        assert_eq!(error.to_string(), "gather: a block has along axis 0 a length of 3 where at least 4 was promised");
        assert!(part(2, -1, 4).run(vec![block.clone()], &ctx).is_err());
        assert!(part(0, 1, 3).run(vec![block.clone(), block.clone()], &ctx).is_err());
        let gap = Gather { shape: vec![4], ..part(0, 1, 3) };
        assert!(gap.run(vec![block], &ctx).unwrap_err().to_string().contains("covered by nothing"));
    }
}
