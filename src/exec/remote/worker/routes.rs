//! Ways to other workers.
//!
//! Where the network lets a worker reach the scheduler but not a peer, the scheduler goes on naming that peer, and nobody
//! else may have what it has: such values come by way of the scheduler, which fetches them.
//!
//! | the last transfer from a peer | the next one |
//! |---|---|
//! | went well, or there was none | goes the same way |
//! | failed directly, at once and for the first time | direct |
//! | failed directly, after a silence or not for the first time | by way of the scheduler |
//! | failed by way of the scheduler | direct |
//!
//! What is known of a peer is forgotten after some minutes, so that a link that was mended is used again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::names::Address;

/// How long a peer counts as hard to reach.
const MEMORY: Duration = Duration::from_mins(5);
/// A transfer that fails sooner has met somebody who says no; one that fails later met silence.
const SILENCE: Duration = Duration::from_secs(1);

/// How a value comes here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Route {
    Direct,
    ByScheduler,
}

#[derive(Debug)]
struct Trouble {
    next: Route,
    since: Instant,
}

/// The peers with which there was trouble.
#[derive(Debug, Default)]
pub(super) struct Routes(HashMap<Address, Trouble>);

impl Routes {
    /// The way to take now.
    pub(super) fn to(&self, worker: &Address, now: Instant) -> Route {
        match self.0.get(worker) {
            Some(trouble) if now.saturating_duration_since(trouble.since) < MEMORY => trouble.next,
            _ => Route::Direct,
        }
    }

    /// A transfer that took so long has failed; true if one before it had, too.
    pub(super) fn failed(&mut self, worker: &Address, route: Route, took: Duration, now: Instant) -> bool {
        self.0.retain(|_, trouble| now.saturating_duration_since(trouble.since) < MEMORY);
        let again = self.0.contains_key(worker);
        let next = match route {
            Route::Direct if again || took >= SILENCE => Route::ByScheduler,
            Route::Direct | Route::ByScheduler => Route::Direct,
        };
        self.0.insert(worker.clone(), Trouble { next, since: now });
        again
    }

    /// A transfer has gone well.
    pub(super) fn came(&mut self, worker: &Address, route: Route) {
        if route == Route::Direct {
            self.0.remove(worker);
        }
    }

    /// The scheduler has given the peer up.
    pub(super) fn forget(&mut self, worker: &Address) {
        self.0.remove(worker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::ZERO;

    fn peer() -> Address {
        "tcp://10.0.0.1:1".into()
    }

    #[test]
    fn who_says_no_is_asked_twice_and_who_is_silent_once() {
        let (mut routes, now) = (Routes::default(), Instant::now());
        assert_eq!(routes.to(&peer(), now), Route::Direct);
        assert!(!routes.failed(&peer(), Route::Direct, QUICK, now));
        assert_eq!(routes.to(&peer(), now), Route::Direct);
        assert!(routes.failed(&peer(), Route::Direct, QUICK, now));
        assert_eq!(routes.to(&peer(), now), Route::ByScheduler);
        routes.forget(&peer());
        assert!(!routes.failed(&peer(), Route::Direct, SILENCE, now));
        assert_eq!(routes.to(&peer(), now), Route::ByScheduler);
        assert_eq!(routes.to(&"tcp://10.0.0.2:1".into(), now), Route::Direct);
    }

    #[test]
    fn ways_that_fail_take_turns_and_one_that_works_is_kept() {
        let (mut routes, now) = (Routes::default(), Instant::now());
        routes.failed(&peer(), Route::Direct, SILENCE, now);
        routes.came(&peer(), Route::ByScheduler);
        assert_eq!(routes.to(&peer(), now), Route::ByScheduler);
        assert!(routes.failed(&peer(), Route::ByScheduler, QUICK, now));
        assert_eq!(routes.to(&peer(), now), Route::Direct);
        assert!(routes.failed(&peer(), Route::Direct, QUICK, now));
        assert_eq!(routes.to(&peer(), now), Route::ByScheduler);
        routes.came(&peer(), Route::Direct);
        assert_eq!(routes.to(&peer(), now), Route::Direct);
    }

    #[test]
    fn trouble_is_forgotten() {
        let (mut routes, then) = (Routes::default(), Instant::now());
        routes.failed(&peer(), Route::Direct, SILENCE, then);
        assert_eq!(routes.to(&peer(), then + MEMORY / 2), Route::ByScheduler);
        assert_eq!(routes.to(&peer(), then + MEMORY), Route::Direct);
        assert!(!routes.failed(&peer(), Route::Direct, QUICK, then + MEMORY), "that is long ago");
    }
}
