//! Memory that was freed, given back to the machine.
//!
//! The scheduler and the nanny look at the memory of the process, and a worker pauses when that is too much. What values
//! took that were written to disk may stay with the C library's allocator, which keeps freed memory between what is still
//! in use: a worker could pause for ever with nothing in its memory.
//!
//! # Safety
//!
//! The one call of a foreign function takes a number and no pointer, and is safe beside any other thread: it locks the
//! allocator's arenas, and gives pages back that no allocation uses.

#![allow(unsafe_code)]

/// Gives back what the allocator holds and nobody uses. Takes milliseconds, during which allocations may wait.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) fn give_back_freed_memory() {
    // SAFETY: see the module documentation; the number is what to keep at the top of the heap.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators give memory back by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn give_back_freed_memory() {}
