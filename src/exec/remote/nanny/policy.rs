//! What to do about a worker: pure decisions.

use std::fmt;
use std::time::Duration;

/// When a worker is ended, and when it is given up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NannyPolicy {
    /// The memory a worker may take; without it, any.
    pub(crate) limit_bytes: Option<u64>,
    /// The fraction of it at which the worker is ended; it has written to disk and paused long before.
    pub(crate) terminate: f64,
    /// Looks in a row without a beat after which a worker hangs.
    pub(crate) most_silent_looks: u32,
    /// Looks in a row that show a worker that a signal has stopped, after which it is not expected to go on.
    pub(crate) most_stopped_looks: u32,
    /// Deaths in a row of workers that never joined: the next one would not either.
    pub(crate) most_early_deaths: u32,
    /// The pause before the second start after an early death; it doubles with every further one.
    pub(crate) first_pause: Duration,
    pub(crate) longest_pause: Duration,
}

/// The pause between two looks at a worker.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_millis(200);

impl Default for NannyPolicy {
    fn default() -> Self {
        Self {
            limit_bytes: None,
            terminate: 0.95,
            // Eight seconds; counted in looks, so that a machine that was asleep does not count. A healthy worker may be
            // silent for seconds where processors are few or memory is short.
            most_silent_looks: 40,
            // Three seconds: no machine is so busy that a process looks stopped.
            most_stopped_looks: 15,
            most_early_deaths: 5,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(5),
        }
    }
}

/// Why a worker is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Silent { looks: u32 },
    Stopped { looks: u32 },
    TooLarge { process_bytes: u64, limit_bytes: u64 },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent { looks } => write!(f, "it has given no sign of life for {:?}", LOOK_INTERVAL * *looks),
            Self::Stopped { looks } => write!(f, "a signal has stopped it, {:?} ago", LOOK_INTERVAL * *looks),
            Self::TooLarge { process_bytes, limit_bytes } => {
                write!(f, "it takes {process_bytes} bytes and its limit is {limit_bytes} bytes")
            }
        }
    }
}

/// What follows the end of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    StartAfter(Duration),
    /// It was asked to end, so there is nothing more to do.
    Done,
    GiveUp {
        n_deaths: u32,
    },
}

/// What is known of the worker of the moment, and of those before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Supervision {
    policy: NannyPolicy,
    silent_looks: u32,
    stopped_looks: u32,
    has_joined: bool,
    early_deaths: u32,
    /// The worker of the moment has been told to make room for the next one.
    is_replaced: bool,
    /// No worker follows the one of the moment.
    is_last: bool,
}

impl Supervision {
    pub(super) fn new(policy: NannyPolicy) -> Self {
        Self {
            policy,
            silent_looks: 0,
            stopped_looks: 0,
            has_joined: false,
            early_deaths: 0,
            is_replaced: false,
            is_last: false,
        }
    }

    /// A new worker has been started.
    pub(super) fn started(&mut self) {
        (self.silent_looks, self.stopped_looks) = (0, 0);
        (self.has_joined, self.is_replaced) = (false, false);
    }

    /// The worker has given a sign of life.
    pub(super) fn beat(&mut self, has_joined: bool) {
        self.silent_looks = 0;
        self.has_joined |= has_joined;
    }

    /// The worker is told to leave, and another one is to follow, however it ends.
    pub(super) fn replace(&mut self) {
        self.is_replaced = true;
    }

    /// No worker is to follow, however this one ends.
    pub(super) fn retire(&mut self) {
        self.is_last = true;
    }

    /// One look at the worker; what is wrong with it.
    pub(super) fn look(&mut self, process_bytes: u64, is_stopped: bool) -> Option<Fault> {
        self.silent_looks += 1;
        self.stopped_looks = if is_stopped { self.stopped_looks + 1 } else { 0 };
        let at = |limit_bytes: u64| (limit_bytes as f64 * self.policy.terminate) as u64;
        if self.silent_looks > self.policy.most_silent_looks {
            return Some(Fault::Silent { looks: self.silent_looks - 1 });
        }
        if self.stopped_looks > self.policy.most_stopped_looks {
            return Some(Fault::Stopped { looks: self.stopped_looks - 1 });
        }
        let limit_bytes = self.policy.limit_bytes.filter(|&limit_bytes| process_bytes > at(limit_bytes))?;
        Some(Fault::TooLarge { process_bytes, limit_bytes })
    }

    /// The worker has ended, by itself and in peace or not.
    pub(super) fn ended(&mut self, in_peace: bool) -> Next {
        if self.is_last || (in_peace && !self.is_replaced) {
            return Next::Done;
        }
        if self.has_joined || self.is_replaced {
            self.early_deaths = 0;
            return Next::StartAfter(Duration::ZERO);
        }
        self.early_deaths += 1;
        if self.early_deaths >= self.policy.most_early_deaths {
            return Next::GiveUp { n_deaths: self.early_deaths };
        }
        let pause = self.policy.first_pause.saturating_mul(1 << (self.early_deaths - 1).min(20));
        Next::StartAfter(pause.min(self.policy.longest_pause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supervision() -> Supervision {
        let policy = NannyPolicy { limit_bytes: Some(1_000), most_silent_looks: 3, ..NannyPolicy::default() };
        let mut supervision = Supervision::new(policy);
        supervision.started();
        supervision
    }

    #[test]
    fn a_worker_without_beats_hangs() {
        let mut supervision = supervision();
        for _ in 0..3 {
            assert_eq!(supervision.look(0, false), None);
        }
        supervision.beat(true);
        for _ in 0..3 {
            assert_eq!(supervision.look(0, false), None);
        }
        assert_eq!(supervision.look(0, false), Some(Fault::Silent { looks: 3 }));
        assert_eq!(Fault::Silent { looks: 40 }.to_string(), "it has given no sign of life for 8s");
    }

    #[test]
    fn a_stopped_worker_is_not_waited_for_as_long_as_a_silent_one() {
        let policy = NannyPolicy { most_silent_looks: 9, most_stopped_looks: 2, ..NannyPolicy::default() };
        let mut supervision = Supervision::new(policy);
        supervision.started();
        let looks = [true, true, false, true, true].map(|is_stopped| supervision.look(0, is_stopped));
        assert_eq!(looks, [None; 5], "it went on in between");
        assert_eq!(supervision.look(0, true), Some(Fault::Stopped { looks: 2 }));
        assert_eq!(Fault::Stopped { looks: 15 }.to_string(), "a signal has stopped it, 3s ago");
    }

    #[test]
    fn a_replaced_worker_is_followed_however_it_ends() {
        for in_peace in [false, true] {
            let mut supervision = supervision();
            // The first one had not even joined; that is held against nobody.
            supervision.replace();
            assert_eq!(supervision.ended(in_peace), Next::StartAfter(Duration::ZERO));
            supervision.started();
            assert_eq!(supervision.ended(true), Next::Done);
        }
    }

    #[test]
    fn nobody_follows_the_last_worker() {
        for is_replaced in [false, true] {
            let mut supervision = supervision();
            supervision.beat(true);
            supervision.retire();
            if is_replaced {
                supervision.replace();
            }
            assert_eq!(supervision.ended(false), Next::Done);
        }
    }

    #[test]
    fn a_worker_at_its_limit_is_ended() {
        let mut supervision = supervision();
        assert_eq!(supervision.look(950, false), None);
        assert_eq!(supervision.look(951, false), Some(Fault::TooLarge { process_bytes: 951, limit_bytes: 1_000 }));
        assert_eq!(Supervision::new(NannyPolicy::default()).look(u64::MAX, false), None);
    }

    #[test]
    fn who_has_joined_is_started_again_at_once_and_always() {
        let mut supervision = supervision();
        for _ in 0..100 {
            supervision.started();
            supervision.beat(false);
            supervision.beat(true);
            supervision.beat(false);
            assert_eq!(supervision.ended(false), Next::StartAfter(Duration::ZERO));
        }
        assert_eq!(supervision.ended(true), Next::Done);
    }

    #[test]
    fn who_never_joins_is_given_up_after_growing_pauses() {
        let mut supervision = supervision();
        let mut pauses_ms = Vec::new();
        let n_deaths = loop {
            supervision.started();
            supervision.beat(false);
            match supervision.ended(false) {
                Next::StartAfter(pause) => pauses_ms.push(pause.as_millis()),
                Next::GiveUp { n_deaths } => break n_deaths,
                Next::Done => unreachable!(),
            }
        };
        assert_eq!((pauses_ms, n_deaths), (vec![200, 400, 800, 1_600], 5));
    }

    #[test]
    fn joining_once_forgives_the_deaths_before() {
        let mut supervision = supervision();
        for _ in 0..4 {
            assert!(matches!(supervision.ended(false), Next::StartAfter(_)));
        }
        supervision.started();
        supervision.beat(true);
        assert_eq!(supervision.ended(false), Next::StartAfter(Duration::ZERO));
        supervision.started();
        assert_eq!(supervision.ended(false), Next::StartAfter(Duration::from_millis(200)));
    }
}
