//! Numbers as people read them.

/// A number of bytes with a binary unit: `7.45 GiB`.
pub(super) fn bytes_text(n_bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = n_bytes as f64;
    let mut unit = 0;
    // 1023.995 would be rounded up to 1024.00.
    while value >= 1023.995 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{n_bytes} B") } else { format!("{} {}", three_digits(value), UNITS[unit]) }
}

/// A duration with a unit that leaves one to three digits before the point: `1.25 ms`.
pub(super) fn duration_text(n_ns: u64) -> String {
    match n_ns as f64 {
        ns if ns < 1e3 => format!("{n_ns} ns"),
        ns if ns < 999.5e3 => format!("{} us", three_digits(ns / 1e3)),
        ns if ns < 999.5e6 => format!("{} ms", three_digits(ns / 1e6)),
        ns => format!("{} s", three_digits(ns / 1e9)),
    }
}

/// At least three digits in all.
fn three_digits(value: f64) -> String {
    match value {
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_fit_the_numbers() {
        assert_eq!([0, 1023, 1024, 8_000_000_000].map(bytes_text), ["0 B", "1023 B", "1.00 KiB", "7.45 GiB"]);
        assert_eq!(bytes_text((1 << 20) - 1), "1.00 MiB");
        assert_eq!(bytes_text(u64::MAX), "16384 PiB");
        let times = [999, 1250, 999_499, 1_250_000, 61_000_000_000].map(duration_text);
        assert_eq!(times, ["999 ns", "1.25 us", "999 us", "1.25 ms", "61.0 s"]);
    }
}
