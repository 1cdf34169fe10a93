//! Memory for blocks, used again and again.
//!
//! Touching fresh memory costs ten times the write itself: the kernel hands out and clears a page at a time. So buffers
//! of blocks that are done are kept and handed out again, and fresh large ones ask for huge pages.
//!
//! Blocks that users' functions make come from the allocator and never from here. Were all of them kept, the allocator
//! would have to fetch fresh memory for each: a stencil took three times as long. So of each size no more buffers are
//! kept than were out at once, and a few.
//!
//! # Safety
//! The one unsafe call is `madvise(MADV_HUGEPAGE)`. It changes how the kernel backs a range of pages, never their
//! contents or their mapping. Invariant: the range lies inside one live allocation that this file has just made.
#![allow(unsafe_code)]

use std::any::Any;
use std::fmt;
use std::sync::Mutex;

use hashbrown::HashMap;
use ndarray::{ArcArray, IxDyn};

use super::erased::with_block;
use super::{Block, BlockData, Value};
use crate::element::alloc::reserved;
use crate::element::{DType, Element};
use crate::error::Result;

/// Buffers below this size are left to the allocator.
const MIN_BYTES: usize = 64 << 10;
/// Fresh buffers from this size on ask for huge pages.
#[cfg(target_os = "linux")]
const HUGE_BYTES: usize = 4 << 20;
/// Fresh buffers from this size on are asked for with a question first.
const VERY_LARGE_BYTES: usize = 1 << 30;

/// A free list of buffers, by element type and size class, with a cap on the bytes it keeps.
///
/// A buffer's contents are initialised but unspecified: zeros when fresh, old elements when used before.
///
/// # Examples
/// ```
/// use hyperslab::block::BufferPool;
/// let pool = BufferPool::new(1 << 20);
/// let buffer: Vec<f64> = pool.take(10_000)?;
/// pool.give(buffer);
/// assert!(pool.free_bytes() >= 80_000);
/// assert_eq!(pool.take::<f64>(10_000)?.len(), 10_000);
/// assert_eq!(pool.free_bytes(), 0);
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub struct BufferPool {
    max_bytes: usize,
    free: Mutex<Free>,
}

#[derive(Default)]
struct Free {
    bytes: usize,
    classes: HashMap<(DType, u32), Class>,
}

/// The buffers of one element type and size class.
#[derive(Default)]
struct Class {
    free: Vec<Box<dyn Any + Send>>,
    /// How many are out, as far as is known: some never come back, others come that were never here.
    n_out: usize,
    /// How many were out at once, lately.
    most_out: usize,
}

/// Buffers of a class that are kept beyond those that are wanted at once.
const SPARE: usize = 2;

impl BufferPool {
    /// A pool that keeps at most `max_bytes` of unused buffers.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::BufferPool;
    /// assert_eq!(BufferPool::new(1 << 20).free_bytes(), 0);
    /// ```
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes, free: Mutex::default() }
    }

    /// A buffer of `len` elements of unspecified value.
    ///
    /// # Errors
    /// The machine has no memory for a buffer of a gigabyte or more.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::BufferPool;
    /// assert_eq!(BufferPool::new(1 << 20).take::<i32>(100)?.len(), 100);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn take<T: Element>(&self, len: usize) -> Result<Vec<T>> {
        let bytes = len.saturating_mul(size_of::<T>());
        if bytes < MIN_BYTES {
            return Ok(vec![T::zero(); len]);
        }
        let class = class_of(bytes);
        let found = (class..=class + 1).find_map(|class| self.lock().take::<T>(class, len));
        if let Some(mut buffer) = found {
            buffer.resize(len, T::zero());
            return Ok(buffer);
        }
        let buffer = fresh(len)?;
        self.lock().lend::<T>(class);
        Ok(buffer)
    }

    /// Gives a buffer back.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::BufferPool;
    /// let pool = BufferPool::new(1 << 20);
    /// pool.give(vec![0u8; 100_000]);
    /// assert_eq!(pool.free_bytes(), 100_000);
    /// pool.give(vec![0u8; 10]);                       // too small to be worth keeping
    /// assert_eq!(pool.free_bytes(), 100_000);
    /// ```
    pub fn give<T: Element>(&self, buffer: Vec<T>) {
        let bytes = buffer.capacity() * size_of::<T>();
        if bytes < MIN_BYTES || bytes > self.max_bytes {
            return;
        }
        let not_kept = self.lock().give(buffer, self.max_bytes);
        // No lock is held while memory goes back to the allocator.
        drop(not_kept);
    }

    /// Gives back the buffers of a value that nobody else holds; anything else is just dropped.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::{BufferPool, Value};
    /// use hyperslab::prelude::*;
    /// let pool = BufferPool::new(1 << 20);
    /// let block = Block::from_dense(ndarray::ArrayD::<u8>::zeros(vec![100_000]));
    /// pool.give_value(Value::Parts(vec![Value::from(block.clone())]));
    /// assert_eq!(pool.free_bytes(), 0);               // `block` is another owner
    /// pool.give_value(Value::from(block));
    /// assert_eq!(pool.free_bytes(), 100_000);
    /// ```
    pub fn give_value(&self, value: Value) {
        match value {
            Value::Block(block) => self.give_block(block),
            Value::Parts(parts) => parts.into_iter().for_each(|part| self.give_value(part)),
            Value::Placed => {}
        }
    }

    /// Gives back the buffer of a block that nobody else holds.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::BufferPool;
    /// use hyperslab::prelude::*;
    /// let pool = BufferPool::new(1 << 20);
    /// pool.give_block(Block::from_dense(ndarray::ArrayD::<u8>::zeros(vec![100_000])));
    /// assert_eq!(pool.free_bytes(), 100_000);
    /// ```
    pub fn give_block(&self, block: Block) {
        with_block!(block, T, data => if let BlockData::Dense(array) = data {
            self.give_array(array);
        });
    }

    fn give_array<T: Element>(&self, array: ArcArray<T, IxDyn>) {
        if let Ok(owned) = array.try_into_owned_nocopy() {
            self.give(owned.into_raw_vec_and_offset().0);
        }
    }

    /// The bytes of unused buffers.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::BufferPool;
    /// let pool = BufferPool::new(1 << 20);
    /// pool.give(vec![0u8; 100_000]);
    /// assert_eq!(pool.free_bytes(), 100_000);
    /// ```
    pub fn free_bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Drops all unused buffers.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::BufferPool;
    /// let pool = BufferPool::new(1 << 20);
    /// pool.give(vec![0u8; 100_000]);
    /// pool.trim();
    /// assert_eq!(pool.free_bytes(), 0);
    /// ```
    pub fn trim(&self) {
        let old = std::mem::take(&mut *self.lock());
        drop(old);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Free> {
        // The critical sections below move pointers only; a poisoned lock guards a consistent list.
        self.free.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BufferPool({} of {} bytes free)", self.free_bytes(), self.max_bytes)
    }
}

impl Free {
    fn take<T: Element>(&mut self, class: u32, len: usize) -> Option<Vec<T>> {
        let list = &mut self.classes.get_mut(&(T::DTYPE, class))?.free;
        let at = list.iter().rposition(|item| item.downcast_ref::<Vec<T>>().is_some_and(|v| v.capacity() >= len))?;
        let buffer = *list.swap_remove(at).downcast::<Vec<T>>().ok()?;
        self.bytes -= buffer.capacity() * size_of::<T>();
        self.lend::<T>(class);
        Some(buffer)
    }

    /// Counts a buffer that goes out.
    fn lend<T: Element>(&mut self, class: u32) {
        let class = self.classes.entry((T::DTYPE, class)).or_default();
        class.n_out += 1;
        class.most_out = class.most_out.max(class.n_out);
    }

    /// Keeps a buffer, or returns it if there are enough.
    fn give<T: Element>(&mut self, buffer: Vec<T>, max_bytes: usize) -> Option<Vec<T>> {
        let bytes = buffer.capacity() * size_of::<T>();
        let class = self.classes.entry((T::DTYPE, class_of(bytes))).or_default();
        class.most_out -= (class.most_out - class.n_out) / 16;
        class.n_out = class.n_out.saturating_sub(1);
        if class.free.len() >= class.most_out + SPARE || self.bytes + bytes > max_bytes {
            return Some(buffer);
        }
        self.bytes += bytes;
        class.free.push(Box::new(buffer));
        None
    }
}

/// Size classes are quarters of powers of two, so that a buffer wastes at most a quarter of itself.
fn class_of(bytes: usize) -> u32 {
    let exponent = bytes.ilog2();
    exponent * 4 + ((bytes >> (exponent - 2)) & 3) as u32
}

/// A new zeroed buffer; large ones ask for huge pages before they are touched.
///
/// # Errors
/// There is no memory for a very large one: a failed allocation of zeros would end the process, so that is found out first.
/// Smaller ones are not worth the question.
pub(crate) fn fresh<T: Element>(len: usize) -> Result<Vec<T>> {
    if len.saturating_mul(size_of::<T>()) >= VERY_LARGE_BYTES {
        drop(reserved::<T>("block", len as u128).map_err(|error| error.with_remedy("use smaller chunks"))?);
    }
    let buffer = vec![T::zero(); len];
    advise_huge_pages(&buffer);
    Ok(buffer)
}

#[cfg(target_os = "linux")]
fn advise_huge_pages<T>(buffer: &[T]) {
    const HUGE_PAGE_BYTES: usize = 2 << 20;
    let start = buffer.as_ptr() as usize;
    let first = start.next_multiple_of(HUGE_PAGE_BYTES);
    let last = (start + size_of_val(buffer)) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    if size_of_val(buffer) < HUGE_BYTES || first >= last {
        return;
    }
    // SAFETY: first..last lies inside `buffer`, which is alive; the advice changes neither contents nor mapping, and a
    // failure is harmless.
    unsafe {
        libc::madvise(first as *mut libc::c_void, last - first, libc::MADV_HUGEPAGE);
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_huge_pages<T>(_buffer: &[T]) {}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;

    use super::*;

    #[test]
    fn a_buffer_that_is_given_back_is_handed_out_again() {
        let pool = BufferPool::new(64 << 20);
        let buffer = pool.take::<f64>(1 << 20).unwrap();
        let address = buffer.as_ptr();
        pool.give(buffer);
        assert_eq!(pool.free_bytes(), 8 << 20);
        let again = pool.take::<f64>((1 << 20) - 5).unwrap();
        assert_eq!((again.as_ptr(), again.len(), pool.free_bytes()), (address, (1 << 20) - 5, 0));
    }

    #[test]
    fn buffers_from_elsewhere_are_not_hoarded() {
        const BYTES: usize = 1 << 20;
        let pool = BufferPool::new(100 * BYTES);
        (0..10).for_each(|_| pool.give(vec![0u8; BYTES]));
        assert_eq!(pool.free_bytes(), SPARE * BYTES);
        let out: Vec<Vec<u8>> = (0..10).map(|_| pool.take(BYTES).unwrap()).collect();
        assert_eq!(pool.free_bytes(), 0);
        out.into_iter().for_each(|buffer| pool.give(buffer));
        assert_eq!(pool.free_bytes(), 10 * BYTES);
        (0..100).for_each(|_| pool.give(vec![0u8; BYTES]));
        assert_eq!(pool.free_bytes(), (10 + SPARE) * BYTES);
        // Another element type has its own.
        pool.give(vec![0u64; BYTES / 8]);
        assert_eq!(pool.free_bytes(), (11 + SPARE) * BYTES);
    }

    #[test]
    fn shared_blocks_and_overfull_pools_are_left_alone() {
        let pool = BufferPool::new(1 << 20);
        let block = Block::from_dense(ArrayD::from_elem(IxDyn(&[1 << 14]), 1.0));
        pool.give_block(block.clone());
        assert_eq!(pool.free_bytes(), 0);
        pool.give_block(block);
        assert_eq!(pool.free_bytes(), 8 << 14);
        pool.give(vec![0u8; 1 << 20]);
        assert_eq!(pool.free_bytes(), 8 << 14);
        pool.trim();
        assert_eq!(pool.free_bytes(), 0);
    }
}
