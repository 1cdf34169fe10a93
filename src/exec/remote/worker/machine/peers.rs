//! The other workers: who has what, what is to be fetched from whom, and what is on its way.
//!
//! One transfer is open per peer at a time, and it carries as many small results as fit. Which peer comes first: the one
//! with the most urgent result, then one on this host, then the one with most to give, then any (a generator seeded by
//! this worker's address decides, so that workers that want the same copies do not all ask the same peer).
//!
//! A peer that answers *busy* is left alone for a time that doubles with each refusal.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::event::Ticket;
use super::task::Slot;
use crate::exec::remote::worker::names::{Address, Priority};

/// How long a peer is left alone after its first refusal, and at most.
const BUSY_DELAY_MS: u64 = 150;
const MAX_BUSY_DELAY_MS: u64 = 2_400;

/// How much may be on its way to this worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TransferLimits {
    /// Open transfers; they may be more while they are small together.
    pub(crate) max_transfers: usize,
    /// Below this sum the number of transfers does not matter.
    pub(crate) small_bytes: u64,
    /// The sum of all transfers, unless there is only one.
    pub(crate) max_bytes: u64,
    /// The size of one transfer, unless it is a single result.
    pub(crate) max_message_bytes: u64,
}

impl Default for TransferLimits {
    fn default() -> Self {
        Self { max_transfers: 10, small_bytes: 10_000_000, max_bytes: u64::MAX, max_message_bytes: 50_000_000 }
    }
}

/// Results on their way from one peer.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    pub(crate) ticket: Ticket,
    pub(crate) slots: Vec<Slot>,
    pub(crate) n_bytes: u64,
}

#[derive(Debug)]
pub(super) struct Peer {
    is_near: bool,
    pub(super) has: BTreeSet<Slot>,
    pub(super) needed: BTreeSet<(Priority, Slot)>,
    pub(super) flight: Option<Flight>,
    is_busy: bool,
    n_refusals: u32,
}

impl Peer {
    fn is_blank(&self) -> bool {
        self.has.is_empty() && self.flight.is_none() && !self.is_busy
    }
}

/// All other workers that matter now; see the module documentation.
#[derive(Debug)]
pub(crate) struct Peers {
    own: Address,
    limits: TransferLimits,
    pub(super) peers: BTreeMap<Address, Peer>,
    pub(super) incoming_bytes: u64,
    pub(super) n_incoming: usize,
    n_incoming_total: u64,
    seed: u64,
}

impl Peers {
    pub(crate) fn new(own: Address, limits: TransferLimits) -> Self {
        let seed = xxhash_rust::xxh3::xxh3_64(own.as_str().as_bytes());
        Self { own, limits, peers: BTreeMap::new(), incoming_bytes: 0, n_incoming: 0, n_incoming_total: 0, seed }
    }

    pub(crate) fn own(&self) -> &Address {
        &self.own
    }

    /// The bytes and the number of open transfers, and the number of all there ever were.
    pub(crate) fn traffic(&self) -> (u64, usize, u64) {
        (self.incoming_bytes, self.n_incoming, self.n_incoming_total)
    }

    pub(crate) fn add_holder(&mut self, worker: &Address, slot: Slot) {
        if let Some(peer) = self.peers.get_mut(worker) {
            peer.has.insert(slot);
            return;
        }
        let peer = Peer {
            is_near: worker.host() == self.own.host(),
            has: BTreeSet::from([slot]),
            needed: BTreeSet::new(),
            flight: None,
            is_busy: false,
            n_refusals: 0,
        };
        self.peers.insert(worker.clone(), peer);
    }

    pub(crate) fn remove_holder(&mut self, worker: &Address, slot: Slot) {
        self.change(worker, |peer| {
            peer.has.remove(&slot);
        });
    }

    /// Puts a result into the line of those to be fetched from a holder.
    pub(crate) fn need(&mut self, worker: &Address, priority: &Priority, slot: Slot) {
        self.change(worker, |peer| {
            peer.needed.insert((priority.clone(), slot));
        });
    }

    pub(crate) fn unneed(&mut self, worker: &Address, priority: &Priority, slot: Slot) {
        self.change(worker, |peer| {
            peer.needed.remove(&(priority.clone(), slot));
        });
    }

    /// What the worker is known to have.
    pub(crate) fn held_by(&self, worker: &Address) -> Vec<Slot> {
        self.peers.get(worker).map_or_else(Vec::new, |peer| peer.has.iter().copied().collect())
    }

    /// Whether one more transfer would be one too many.
    pub(crate) fn is_throttled(&self) -> bool {
        let many = self.n_incoming >= self.limits.max_transfers && self.incoming_bytes >= self.limits.small_bytes;
        many || (self.n_incoming > 0 && self.incoming_bytes >= self.limits.max_bytes)
    }

    /// Whether a result may join a message of `message_bytes`; the first one may always when nothing else is on its way.
    pub(crate) fn fits(&self, n_bytes: u64, message_bytes: u64, is_first: bool) -> bool {
        if is_first && self.n_incoming == 0 {
            return true;
        }
        let allowance = self.limits.max_bytes.saturating_sub(self.incoming_bytes);
        let allowance = if is_first { allowance } else { allowance.min(self.limits.max_message_bytes) };
        n_bytes <= allowance.saturating_sub(message_bytes)
    }

    /// The peer to fetch from next; `passed` are left out.
    pub(crate) fn best(&mut self, passed: &BTreeSet<Address>) -> Option<Address> {
        let mut seed = self.seed;
        let idle = self.peers.iter().filter(|(_, peer)| peer.flight.is_none() && !peer.is_busy);
        let candidates = idle.filter(|(address, _)| !passed.contains(*address)).filter_map(|(address, peer)| {
            let (priority, _) = peer.needed.first()?;
            seed = next_random(seed);
            Some(((priority, !peer.is_near, Reverse(peer.needed.len()), seed), address))
        });
        let best = candidates.min_by(|(a, _), (b, _)| a.cmp(b)).map(|(_, address)| address.clone());
        self.seed = seed;
        best
    }

    /// What there is to fetch from a peer, the most urgent first.
    pub(crate) fn needed_from(&self, worker: &Address) -> impl Iterator<Item = Slot> {
        self.peers.get(worker).into_iter().flat_map(|peer| peer.needed.iter().map(|(_, slot)| *slot))
    }

    pub(crate) fn begin(&mut self, worker: &Address, flight: Flight) {
        self.incoming_bytes += flight.n_bytes;
        self.n_incoming += 1;
        self.n_incoming_total += 1;
        self.change(worker, |peer| peer.flight = Some(flight));
    }

    /// The transfer that is under way from a peer.
    pub(crate) fn open_transfer(&self, worker: &Address) -> Option<Ticket> {
        self.peers.get(worker)?.flight.as_ref().map(|flight| flight.ticket)
    }

    /// Closes a transfer; none if there is no such.
    pub(crate) fn end(&mut self, worker: &Address, ticket: Ticket) -> Option<Flight> {
        let peer = self.peers.get_mut(worker)?;
        let flight = peer.flight.take_if(|flight| flight.ticket == ticket)?;
        self.incoming_bytes -= flight.n_bytes;
        self.n_incoming -= 1;
        self.change(worker, |_| ());
        Some(flight)
    }

    /// Leaves a peer alone, and says for how long.
    pub(crate) fn refused(&mut self, worker: &Address) -> u64 {
        let Some(peer) = self.peers.get_mut(worker) else { return BUSY_DELAY_MS };
        peer.is_busy = true;
        let delay_ms = BUSY_DELAY_MS.saturating_mul(1 << peer.n_refusals.min(10)).min(MAX_BUSY_DELAY_MS);
        peer.n_refusals += 1;
        delay_ms
    }

    pub(crate) fn is_busy(&self, worker: &Address) -> bool {
        self.peers.get(worker).is_some_and(|peer| peer.is_busy)
    }

    /// The time is over.
    pub(crate) fn retry(&mut self, worker: &Address) {
        self.change(worker, |peer| peer.is_busy = false);
    }

    /// The peer has answered, or is gone: its refusals are forgotten.
    pub(crate) fn clear_refusals(&mut self, worker: &Address) {
        self.change(worker, |peer| {
            peer.n_refusals = 0;
            peer.is_busy = false;
        });
    }

    fn change(&mut self, worker: &Address, change: impl FnOnce(&mut Peer)) {
        let Some(peer) = self.peers.get_mut(worker) else { return };
        change(peer);
        if peer.is_blank() {
            self.peers.remove(worker);
        }
    }
}

/// One step of xorshift64*; a seed of zero would stay zero.
fn next_random(seed: u64) -> u64 {
    let mut x = seed | 1;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(limits: TransferLimits) -> Peers {
        Peers::new("tcp://1.1.1.1:1".into(), limits)
    }

    fn give(peers: &mut Peers, worker: &str, priority: f64, slot: u32) {
        let worker = Address::from(worker);
        peers.add_holder(&worker, Slot(slot));
        peers.need(&worker, &Priority::new(&[priority]), Slot(slot));
    }

    #[test]
    fn urgency_then_nearness_then_plenty_choose_the_peer() {
        let mut p = peers(TransferLimits::default());
        give(&mut p, "tcp://2.2.2.2:1", 1.0, 0);
        assert_eq!(p.best(&BTreeSet::new()), Some("tcp://2.2.2.2:1".into()));
        give(&mut p, "tcp://1.1.1.1:2", 1.0, 0);
        assert_eq!(p.best(&BTreeSet::new()), Some("tcp://1.1.1.1:2".into()));
        give(&mut p, "tcp://1.1.1.1:3", 1.0, 0);
        give(&mut p, "tcp://1.1.1.1:3", 2.0, 1);
        assert_eq!(p.best(&BTreeSet::new()), Some("tcp://1.1.1.1:3".into()));
        give(&mut p, "tcp://3.3.3.3:3", 0.5, 2);
        assert_eq!(p.best(&BTreeSet::new()), Some("tcp://3.3.3.3:3".into()));
    }

    #[test]
    fn one_transfer_per_peer_and_limits_on_all() {
        let limits = TransferLimits { max_transfers: 1, small_bytes: 10, max_bytes: 100, max_message_bytes: 50 };
        let mut p = peers(limits);
        give(&mut p, "a", 1.0, 0);
        assert!(p.fits(1_000, 0, true), "the first goes however large it is");
        p.begin(&"a".into(), Flight { ticket: Ticket(1), slots: vec![Slot(0)], n_bytes: 5 });
        assert_eq!(p.best(&BTreeSet::new()), None);
        assert!(!p.is_throttled(), "small transfers may be many");
        assert!(p.fits(95, 0, true) && !p.fits(96, 0, true), "no message limit for the first, but the total");
        assert!(p.fits(40, 10, false) && !p.fits(41, 10, false));
        assert!(p.end(&"a".into(), Ticket(2)).is_none());
        assert!(p.end(&"a".into(), Ticket(1)).is_some());
        assert_eq!(p.traffic(), (0, 0, 1));
    }

    #[test]
    fn refusals_double_the_delay_and_are_forgotten() {
        let mut p = peers(TransferLimits::default());
        let worker = Address::from("a");
        give(&mut p, "a", 1.0, 0);
        let delays: Vec<u64> = (0..6).map(|_| p.refused(&worker)).collect();
        assert_eq!(delays, [150, 300, 600, 1_200, 2_400, 2_400]);
        assert!(p.is_busy(&worker) && p.best(&BTreeSet::new()).is_none());
        p.retry(&worker);
        assert!(p.best(&BTreeSet::new()).is_some());
        p.clear_refusals(&worker);
        p.remove_holder(&worker, Slot(0));
        assert!(p.peers.is_empty(), "nothing is left of a peer that does not matter");
    }
}
