//! How late the event loop is.
//!
//! A loop that is busy, or whose machine is, comes late to a clock that has ticked. Dask's dashboards know this as the
//! *event loop interval*: the mean time between ticks that are due every 20 ms.

use std::time::Duration;

use tokio::time::Instant;

/// What the interval is where nothing is late.
const USUAL_S: f64 = 0.02;

/// How late ticks were since the last heartbeat.
#[derive(Debug, Default)]
pub(super) struct LoopLatency {
    late: Duration,
    n_ticks: u32,
}

impl LoopLatency {
    /// A tick that was due is seen now.
    pub(super) fn tick(&mut self, due: Instant, now: Instant) {
        self.late += now.saturating_duration_since(due);
        self.n_ticks += 1;
    }

    /// The event loop interval in seconds since the last call.
    pub(super) fn take_interval_s(&mut self) -> f64 {
        let Self { late, n_ticks } = std::mem::take(self);
        USUAL_S + late.as_secs_f64() / f64::from(n_ticks.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_what_was_late_is_added() {
        let (mut latency, due) = (LoopLatency::default(), Instant::now());
        assert_eq!(latency.take_interval_s(), USUAL_S);
        latency.tick(due, due + Duration::from_millis(30));
        latency.tick(due, due + Duration::from_millis(10));
        latency.tick(due, due);
        assert!((latency.take_interval_s() - (USUAL_S + 0.04 / 3.0)).abs() < 1e-12);
        latency.tick(due + Duration::from_secs(1), due);
        assert_eq!(latency.take_interval_s(), USUAL_S, "nothing is early");
    }
}
