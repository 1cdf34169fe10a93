//! When memory is short: what to write to disk, and when to stop starting work.
//!
//! ```text
//!    0 %              target 60 %    spill 70 %    pause 80 %           100 %
//!    |------------------|--------------|-------------|--------------------|
//!                       <- spilling ends             no new tasks, no new transfers
//!                                      spilling begins ->
//! ```
//!
//! The numbers are fractions of the worker's memory limit, and what is compared with them is the memory of the process:
//! what values are thought to weigh is only used to know how much could be written at most.

/// The fractions; infinity switches a rule off.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct MemoryLimits {
    /// All there is; none means no rule applies.
    pub(crate) limit_bytes: Option<u64>,
    pub(crate) target: f64,
    pub(crate) spill: f64,
    pub(crate) pause: f64,
}

impl Default for MemoryLimits {
    fn default() -> Self {
        Self { limit_bytes: None, target: 0.6, spill: 0.7, pause: 0.8 }
    }
}

/// What a look at the memory means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Advice {
    pub(crate) pause: bool,
    /// Zero: nothing is to be written.
    pub(crate) spill_bytes: u64,
}

impl MemoryLimits {
    /// What to do when the process has `process_bytes`, of which `spillable_bytes` are values.
    pub(crate) fn advise(&self, process_bytes: u64, spillable_bytes: u64) -> Advice {
        let Some(limit_bytes) = self.limit_bytes else { return Advice { pause: false, spill_bytes: 0 } };
        let at = |fraction: f64| (limit_bytes as f64 * fraction) as u64;
        let excess_bytes = process_bytes.saturating_sub(at(self.target));
        let spill_bytes = if process_bytes > at(self.spill) { excess_bytes.min(spillable_bytes) } else { 0 };
        Advice { pause: process_bytes > at(self.pause), spill_bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds() {
        let limits = MemoryLimits { limit_bytes: Some(1_000), ..MemoryLimits::default() };
        let advice = |process, spillable| {
            let advice = limits.advise(process, spillable);
            (advice.pause, advice.spill_bytes)
        };
        assert_eq!(advice(700, 500), (false, 0));
        assert_eq!(advice(701, 500), (false, 101));
        assert_eq!(advice(850, 500), (true, 250));
        assert_eq!(advice(850, 30), (true, 30));
        assert_eq!(MemoryLimits::default().advise(u64::MAX, 1), Advice { pause: false, spill_bytes: 0 });
    }
}
