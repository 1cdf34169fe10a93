//! How long to go on trying to reach a scheduler, with which pauses.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};

use super::options::unix_s;

/// The pause before the second attempt, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// Pauses that grow with every failure in a row and are never the same for two processes.
#[derive(Debug)]
pub(crate) struct Patience {
    pause: Duration,
    alone_since: Instant,
    limit: Option<Duration>,
}

impl Patience {
    /// Without a limit it never ends.
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        Self { pause: FIRST_PAUSE, alone_since: Instant::now(), limit }
    }

    /// There was a scheduler until now.
    pub(crate) fn renew(&mut self) {
        (self.pause, self.alone_since) = (FIRST_PAUSE, Instant::now());
    }

    /// An attempt has failed.
    ///
    /// # Errors
    ///
    /// No other attempt should follow: the failure is not one that passes, or there have been attempts for too long.
    pub(crate) fn spend(&mut self, failure: Error) -> Result<()> {
        if !failure.is_remote() || self.limit.is_some_and(|limit| self.alone_since.elapsed() >= limit) {
            return Err(failure);
        }
        self.pause = (2 * self.pause).min(LONGEST_PAUSE);
        Ok(())
    }

    /// Waits before the next attempt.
    pub(crate) async fn pause(&self) {
        tokio::time::sleep(self.pause.mul_f64(0.5 + share())).await;
    }
}

/// A number from 0 to 1 that differs between processes and moments.
fn share() -> f64 {
    let mixed = xxhash_rust::xxh3::xxh3_64_with_seed(&unix_s().to_ne_bytes(), u64::from(std::process::id()));
    mixed as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_there_was_a_scheduler_again() {
        let absent = || Error::remote("worker", "tcp://127.0.0.1:1", "absent");
        let mut patience = Patience::new(None);
        let pauses: Vec<u128> = (0..5)
            .map(|_| {
                patience.spend(absent()).unwrap();
                patience.pause.as_millis()
            })
            .collect();
        assert_eq!(pauses, [400, 800, 1_600, 3_000, 3_000]);
        patience.renew();
        assert_eq!(patience.pause, FIRST_PAUSE);
        assert!(patience.spend(Error::value("worker", "no such thing")).unwrap_err().is_usage());
        assert!(Patience::new(Some(Duration::ZERO)).spend(absent()).unwrap_err().is_remote());
    }
}
