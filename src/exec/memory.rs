//! Memory by promise: a budget that all runs of a runtime share, and reservations that give their bytes back.
//!
//! Nothing here allocates blocks. A run *reserves* the upper bound of a task's bytes before the task starts, keeps the
//! bytes of its result while somebody still reads it, and returns them. A [`Budget`] only counts, so it never waits:
//! whether to start a task that does not fit is the decision of the scheduler, which starts one when nothing else can
//! move. Two runs that share a budget therefore slow each other down, and cannot block each other.
//!
//! ```
//! use hyperslab::exec::Budget;
//! let budget = Budget::new(100);
//! let first = budget.try_reserve(70).expect("70 of 100 bytes are free");
//! assert!(budget.try_reserve(40).is_none());
//! drop(first);
//! assert_eq!(budget.used_bytes(), 0);
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// A number of bytes that may be reserved, shared by the runs of one [`Runtime`](super::Runtime).
///
/// Cloning copies a pointer: all clones count together.
///
/// # Examples
/// ```
/// use hyperslab::exec::Budget;
/// let budget = Budget::new(100);
/// let clone = budget.clone();
/// let held = clone.try_reserve(70).expect("70 of 100 are free");
/// assert_eq!((budget.used_bytes(), budget.free_bytes()), (70, 30));
/// drop(held);
/// assert_eq!(budget.used_bytes(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct Budget(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    limit_bytes: u64,
    used_bytes: AtomicU64,
}

impl Budget {
    /// A budget of `limit_bytes`, all of it free.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::Budget;
    /// assert_eq!(Budget::new(100).free_bytes(), 100);
    /// ```
    pub fn new(limit_bytes: u64) -> Self {
        Self(Arc::new(Counts { limit_bytes, used_bytes: AtomicU64::new(0) }))
    }

    /// The limit.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::Budget;
    /// assert_eq!(Budget::new(100).limit_bytes(), 100);
    /// ```
    #[inline]
    pub fn limit_bytes(&self) -> u64 {
        self.0.limit_bytes
    }

    /// The bytes reserved now; above the limit while a task runs that does not fit into it.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::Budget;
    /// let budget = Budget::new(100);
    /// let _held = budget.reserve_over(120);
    /// assert_eq!(budget.used_bytes(), 120);
    /// ```
    #[inline]
    pub fn used_bytes(&self) -> u64 {
        self.0.used_bytes.load(Ordering::Relaxed)
    }

    /// The bytes that can still be reserved.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::Budget;
    /// let budget = Budget::new(100);
    /// let _held = budget.reserve_over(120);
    /// assert_eq!(budget.free_bytes(), 0);
    /// ```
    #[inline]
    pub fn free_bytes(&self) -> u64 {
        self.limit_bytes().saturating_sub(self.used_bytes())
    }

    /// Reserves `bytes` if they fit.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::Budget;
    /// let budget = Budget::new(100);
    /// let _held = budget.try_reserve(70).expect("70 of 100 are free");
    /// assert!(budget.try_reserve(40).is_none());
    /// ```
    pub fn try_reserve(&self, bytes: u64) -> Option<Reservation> {
        self.try_take(bytes).then(|| Reservation { budget: self.clone(), bytes })
    }

    /// Reserves `bytes` even if they do not fit.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::Budget;
    /// let budget = Budget::new(100);
    /// assert_eq!(budget.reserve_over(120).bytes(), 120);
    /// ```
    pub fn reserve_over(&self, bytes: u64) -> Reservation {
        self.take(bytes);
        Reservation { budget: self.clone(), bytes }
    }

    fn try_take(&self, bytes: u64) -> bool {
        let fits = |used: u64| used.checked_add(bytes).filter(|&sum| sum <= self.limit_bytes());
        // Relaxed: the counter orders nothing but itself.
        self.0.used_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }

    fn take(&self, bytes: u64) {
        self.0.used_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: u64) {
        self.0.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Bytes taken from a [`Budget`]; dropping it gives them back.
///
/// # Examples
/// ```
/// use hyperslab::exec::Budget;
/// let budget = Budget::new(100);
/// let mut held = budget.try_reserve(70).expect("70 of 100 are free");
/// held.shrink(50);
/// assert_eq!((held.bytes(), budget.free_bytes()), (20, 80));
/// ```
#[derive(Debug)]
#[must_use = "dropping a reservation gives its bytes back"]
pub struct Reservation {
    budget: Budget,
    bytes: u64,
}

impl Reservation {
    /// The bytes held.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::Budget;
    /// assert_eq!(Budget::new(100).reserve_over(7).bytes(), 7);
    /// ```
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes `bytes` more if they fit; tells whether they did.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::Budget;
    /// let mut held = Budget::new(100).reserve_over(70);
    /// assert!(held.try_grow(30) && !held.try_grow(1));
    /// ```
    pub fn try_grow(&mut self, bytes: u64) -> bool {
        let taken = self.budget.try_take(bytes);
        if taken {
            self.bytes += bytes;
        }
        taken
    }

    /// Takes `bytes` more even if they do not fit.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::Budget;
    /// let mut held = Budget::new(100).reserve_over(70);
    /// held.grow_over(70);
    /// assert_eq!(held.bytes(), 140);
    /// ```
    pub fn grow_over(&mut self, bytes: u64) {
        self.budget.take(bytes);
        self.bytes += bytes;
    }

    /// Gives back `bytes`, at most all that is held.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::Budget;
    /// let mut held = Budget::new(100).reserve_over(70);
    /// held.shrink(60);
    /// assert_eq!(held.bytes(), 10);
    /// ```
    pub fn shrink(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.budget.give_back(bytes);
    }

    /// Cuts off a reservation of `bytes`, at most all that is held.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::Budget;
    /// let budget = Budget::new(100);
    /// let mut held = budget.reserve_over(70);
    /// let part = held.split(20);
    /// assert_eq!((held.bytes(), part.bytes(), budget.used_bytes()), (50, 20, 70));
    /// ```
    pub fn split(&mut self, bytes: u64) -> Reservation {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Reservation { budget: self.budget.clone(), bytes }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

/// What one run holds of the budget: the bytes of living results and of running tasks.
///
/// The run leases from the shared budget in steps, so that small tasks cost no atomic operation each; a step is a
/// thousandth of the limit, which is the accuracy with which concurrent runs see each other.
///
/// ```text
///     budget   |=====================================|·······|   ····· free for any run
///     lease    |-------- this run --------|-- other --|
///     live     |/////////////////////|xxxx|                      xxxx slack, less than two steps
/// ```
#[derive(Debug)]
pub(crate) struct Ledger {
    lease: Reservation,
    step_bytes: u64,
    live_bytes: u64,
    peak_bytes: u64,
    over_budget_starts: u64,
    low_bounds: u64,
}

impl Ledger {
    const STEPS: u64 = 1024;

    pub(crate) fn new(budget: &Budget) -> Self {
        let lease = budget.reserve_over(0);
        let step_bytes = budget.limit_bytes() / Self::STEPS;
        Self { lease, step_bytes, live_bytes: 0, peak_bytes: 0, over_budget_starts: 0, low_bounds: 0 }
    }

    /// The limit of the budget that the run shares.
    pub(crate) fn limit_bytes(&self) -> u64 {
        self.lease.budget.limit_bytes()
    }

    /// The bytes of living results and running tasks.
    pub(crate) fn live_bytes(&self) -> u64 {
        self.live_bytes
    }

    /// The largest value of [`live_bytes`](Self::live_bytes) so far.
    pub(crate) fn peak_bytes(&self) -> u64 {
        self.peak_bytes
    }

    /// How many tasks were started although they did not fit.
    pub(crate) fn over_budget_starts(&self) -> u64 {
        self.over_budget_starts
    }

    /// How many results were larger than the bound that their task had promised.
    pub(crate) fn low_bounds(&self) -> u64 {
        self.low_bounds
    }

    /// Whether `bytes` more would fit now.
    #[inline]
    pub(crate) fn fits(&self, bytes: u64) -> bool {
        let slack_bytes = self.lease.bytes() - self.live_bytes;
        bytes <= slack_bytes || bytes - slack_bytes <= self.lease.budget.free_bytes()
    }

    /// Adds `bytes` if they fit.
    #[inline]
    pub(crate) fn try_add(&mut self, bytes: u64) -> bool {
        let slack_bytes = self.lease.bytes() - self.live_bytes;
        if bytes > slack_bytes && !self.try_lease(bytes - slack_bytes) {
            return false;
        }
        self.count(bytes);
        true
    }

    /// Leases `short_bytes` and a step more if they fit, or else just those.
    #[cold]
    fn try_lease(&mut self, short_bytes: u64) -> bool {
        let with_step_bytes = short_bytes.saturating_add(self.step_bytes);
        self.lease.try_grow(with_step_bytes) || self.lease.try_grow(short_bytes)
    }

    /// Adds the bytes of a task that does not fit but has to start.
    pub(crate) fn add_over(&mut self, bytes: u64) {
        self.over_budget_starts += 1;
        self.add(bytes);
    }

    /// Puts the bytes of a result in the place of the bytes that its task had reserved.
    #[inline]
    pub(crate) fn settle(&mut self, reserved_bytes: u64, result_bytes: u64) {
        if result_bytes > reserved_bytes {
            self.low_bounds += 1;
            self.add(result_bytes - reserved_bytes);
        } else {
            self.remove(reserved_bytes - result_bytes);
        }
    }

    /// Takes out `bytes`.
    #[inline]
    pub(crate) fn remove(&mut self, bytes: u64) {
        self.live_bytes -= bytes;
        let slack_bytes = self.lease.bytes() - self.live_bytes;
        if slack_bytes > 2 * self.step_bytes {
            self.lease.shrink(slack_bytes - self.step_bytes);
        }
    }

    fn add(&mut self, bytes: u64) {
        let slack_bytes = self.lease.bytes() - self.live_bytes;
        self.lease.grow_over(bytes.saturating_sub(slack_bytes));
        self.count(bytes);
    }

    #[inline]
    fn count(&mut self, bytes: u64) {
        self.live_bytes += bytes;
        self.peak_bytes = self.peak_bytes.max(self.live_bytes);
    }
}

/// Reads a number of bytes such as `4096`, `64k`, `256 MiB` or `1.5GB`.
///
/// Units with an `i` and single letters are powers of 1024 (`KiB`, `k`), the others powers of 1000 (`kB`, `GB`); case
/// does not matter.
///
/// # Errors
/// If the text is no positive number followed by one of these units.
///
/// # Examples
/// ```
/// use hyperslab::exec::parse_bytes;
/// assert_eq!(parse_bytes("256MiB")?, 256 * 1024 * 1024);
/// assert_eq!(parse_bytes("1.5 GB")?, 1_500_000_000);
/// assert!(parse_bytes("lots").is_err());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn parse_bytes(text: &str) -> Result<u64> {
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let factor = unit_bytes(unit.trim()).ok_or_else(|| bad_bytes(text))?;
    let bytes = match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(factor),
        Err(_) => {
            number.parse::<f64>().ok().map(|n| n * factor as f64).filter(|n| *n < u64::MAX as f64).map(|n| n as u64)
        }
    };
    bytes.filter(|&bytes| bytes > 0).ok_or_else(|| bad_bytes(text))
}

fn unit_bytes(unit: &str) -> Option<u64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return None,
    })
}

fn bad_bytes(text: &str) -> Error {
    Error::value("memory", format!("\"{text}\" is not a number of bytes"))
        .with_remedy("write a positive number and a unit, such as 512MiB, 4GiB or 1.5GB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_grow_shrink_split_and_return() {
        let budget = Budget::new(100);
        let mut a = budget.try_reserve(40).unwrap();
        assert!(a.try_grow(60));
        assert!(!a.try_grow(1));
        a.shrink(50);
        let b = a.split(20);
        assert_eq!((a.bytes(), b.bytes(), budget.used_bytes()), (30, 20, 50));
        drop(b);
        assert_eq!(budget.used_bytes(), 30);
        a.grow_over(200);
        assert_eq!((budget.used_bytes(), budget.free_bytes()), (230, 0));
        drop(a);
        assert_eq!(budget.used_bytes(), 0);
    }

    #[test]
    fn absurd_requests_do_not_overflow() {
        let budget = Budget::new(u64::MAX);
        let held = budget.try_reserve(10).unwrap();
        assert!(budget.try_reserve(u64::MAX).is_none());
        let mut ledger = Ledger::new(&budget);
        assert!(!ledger.try_add(u64::MAX) && !ledger.fits(u64::MAX));
        drop(held);
        assert!(ledger.try_add(u64::MAX));
        ledger.remove(u64::MAX);
        assert_eq!(ledger.live_bytes(), 0);
    }

    #[test]
    fn a_ledger_never_exceeds_the_limit_and_returns_everything() {
        let budget = Budget::new(4096);
        let mut ledger = Ledger::new(&budget);
        for _ in 0..1000 {
            assert!(ledger.try_add(4));
        }
        assert!(ledger.fits(96) && !ledger.fits(97));
        assert!(!ledger.try_add(97) && ledger.try_add(96));
        assert_eq!((ledger.live_bytes(), budget.used_bytes()), (4096, 4096));
        ledger.settle(96, 100);
        assert_eq!((ledger.live_bytes(), ledger.low_bounds()), (4100, 1));
        ledger.remove(4100);
        // Two steps of a thousandth of the limit may stay leased until the run ends.
        assert!(ledger.live_bytes() == 0 && budget.used_bytes() <= 2 * 4);
        drop(ledger);
        assert_eq!(budget.used_bytes(), 0);
    }

    #[test]
    fn byte_texts() {
        let good = [
            ("1", 1),
            (" 64k ", 65536),
            ("2 KiB", 2048),
            ("3MB", 3_000_000),
            ("0.5g", 1 << 29),
            ("1tb", 1_000_000_000_000),
        ];
        for (text, bytes) in good {
            assert_eq!(parse_bytes(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "0", "-1", "MiB", "1.2.3k", "1 KB/s", "99999999999999999999", "99999999TiB", "nan", "1e400"] {
            let error = parse_bytes(text).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains("512MiB"), "{text}: {error}");
        }
    }
}
