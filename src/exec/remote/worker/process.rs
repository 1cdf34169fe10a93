//! What the operating system says of this process: memory, processor time, traffic.
//!
//! Read from `/proc`; where there is none, all numbers are zero.

use std::fs;
use std::time::Instant;

use super::messages::Traffic;

/// A reading of the counters, and what has changed since the one before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ProcessUse {
    pub(crate) cpu_percent: f64,
    pub(crate) n_files: u64,
    pub(crate) network: Traffic,
    pub(crate) disk: Traffic,
}

/// Ever-growing sums.
#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    cpu_s: f64,
    received_bytes: u64,
    sent_bytes: u64,
    read_bytes: u64,
    written_bytes: u64,
}

/// Takes readings.
#[derive(Debug)]
pub(crate) struct ProcessProbe {
    last: Counters,
    at: Instant,
}

/// Memory of this process in bytes.
pub(crate) fn process_bytes() -> u64 {
    resident_bytes("self")
}

/// What is seen of another process from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OtherProcess {
    /// Its memory.
    pub(crate) n_bytes: u64,
    /// Whether a signal has stopped it.
    pub(crate) is_stopped: bool,
}

/// Looks at another process; there is nothing to see if there is none of that number.
pub(crate) fn look_at(id: u32) -> OtherProcess {
    // The field after the name in parentheses, which may hold anything, is the state: T stands for stopped.
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().next());
    OtherProcess { n_bytes: resident_bytes(&id.to_string()), is_stopped: state == Some("T") }
}

fn resident_bytes(process: &str) -> u64 {
    let pages = fs::read_to_string(format!("/proc/{process}/statm")).ok();
    let pages: Option<u64> = pages.and_then(|text| text.split_whitespace().nth(1)?.parse().ok());
    pages.unwrap_or(0) * page_bytes()
}

/// Almost everywhere 4096; the kernel tells every process what it is.
fn page_bytes() -> u64 {
    const AT_PAGESZ: u64 = 6;
    const USUAL_BYTES: u64 = 4096;
    let Ok(entries) = fs::read("/proc/self/auxv") else { return USUAL_BYTES };
    let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_ne_bytes);
    let found = entries.chunks_exact(16).find(|entry| word(&entry[..8]) == AT_PAGESZ);
    found.map_or(USUAL_BYTES, |entry| word(&entry[8..]))
}

impl ProcessProbe {
    pub(crate) fn new() -> Self {
        Self { last: Counters::read(), at: Instant::now() }
    }

    /// What has been used since the last look, per second.
    pub(crate) fn look(&mut self) -> ProcessUse {
        let (now, counters) = (Instant::now(), Counters::read());
        let elapsed_s = now.duration_since(self.at).as_secs_f64().max(1e-3);
        let last = std::mem::replace(&mut self.last, counters);
        self.at = now;
        let rate = |new: u64, old: u64| new.saturating_sub(old) as f64 / elapsed_s;
        ProcessUse {
            cpu_percent: 100.0 * (counters.cpu_s - last.cpu_s).max(0.0) / elapsed_s,
            n_files: fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64),
            network: Traffic {
                read_bps: rate(counters.received_bytes, last.received_bytes),
                write_bps: rate(counters.sent_bytes, last.sent_bytes),
            },
            disk: Traffic {
                read_bps: rate(counters.read_bytes, last.read_bytes),
                write_bps: rate(counters.written_bytes, last.written_bytes),
            },
        }
    }
}

impl Counters {
    fn read() -> Self {
        let (received_bytes, sent_bytes) = network_counters();
        let (read_bytes, written_bytes) = disk_counters();
        Self { cpu_s: cpu_seconds(), received_bytes, sent_bytes, read_bytes, written_bytes }
    }
}

/// User and system time of all threads; the kernel counts in hundredths of a second.
fn cpu_seconds() -> f64 {
    const TICKS_PER_S: f64 = 100.0;
    let Ok(text) = fs::read_to_string("/proc/self/stat") else { return 0.0 };
    // The second field is the name in parentheses, which may hold anything; user and system time are the 14th and 15th.
    let Some((_, rest)) = text.rsplit_once(')') else { return 0.0 };
    let ticks: f64 = rest.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / TICKS_PER_S
}

/// Bytes through all network interfaces but the machine's own.
fn network_counters() -> (u64, u64) {
    let Ok(text) = fs::read_to_string("/proc/self/net/dev") else { return (0, 0) };
    let rows = text.lines().filter_map(|line| line.split_once(':')).filter(|(name, _)| name.trim() != "lo");
    let column = |fields: &str, i: usize| fields.split_whitespace().nth(i).and_then(|f| f.parse().ok()).unwrap_or(0);
    rows.fold((0, 0), |(received, sent), (_, fields)| (received + column(fields, 0), sent + column(fields, 8)))
}

/// Bytes this process has read from and written to disks.
fn disk_counters() -> (u64, u64) {
    let Ok(text) = fs::read_to_string("/proc/self/io") else { return (0, 0) };
    let field = |name| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or(0);
    (field("read_bytes:"), field("write_bytes:"))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_stopped_process_is_seen_to_be_stopped() {
        let mut child = Command::new("sleep").arg("1000").spawn().expect("as the test set it up");
        let signal = |name: &str| {
            Command::new("kill").args([name, &child.id().to_string()]).status().expect("as the test set it up")
        };
        assert!(!look_at(child.id()).is_stopped && look_at(child.id()).n_bytes > 0);
        signal("-STOP");
        while !look_at(child.id()).is_stopped {
            std::thread::yield_now();
        }
        signal("-CONT");
        while look_at(child.id()).is_stopped {
            std::thread::yield_now();
        }
        child.kill().expect("as the test set it up");
        child.wait().expect("as the test set it up");
        assert_eq!(look_at(child.id()), OtherProcess::default());
    }

    #[test]
    fn the_counters_count() {
        let mut probe = ProcessProbe::new();
        let mut sum = 0_u64;
        while cpu_seconds() < probe.last.cpu_s + 0.02 {
            sum = (0..100_000_u64).fold(sum, |sum, i| sum.wrapping_mul(3) ^ i);
        }
        assert!(probe.look().cpu_percent > 0.0, "{sum}");
        assert!(probe.look().n_files > 2);
        let before_bytes = process_bytes();
        let block = vec![1_u8; 64 << 20];
        assert!(process_bytes() > before_bytes + (32 << 20), "{}", block.len());
    }
}
