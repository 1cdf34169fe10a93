//! How long connections may take, and may be silent.

use std::time::Duration;

use crate::config;
use crate::error::Result;

/// As in dask.
const USUAL: Duration = Duration::from_secs(30);

/// Clocks do not count further than some centuries, so longer times are as good as this one.
pub(crate) const LONGEST: Duration = Duration::from_hours(24 * 365);

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeouts {
    /// Until a connection stands, with as many attempts as fit.
    pub(crate) connect: Duration,
    /// Until an accepted connection has shown its certificate and its handshake.
    pub(crate) handshake: Duration,
    /// Until silence of the other machine is an error.
    pub(crate) tcp: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: USUAL, handshake: USUAL, tcp: USUAL }
    }
}

impl Timeouts {
    /// What is found under dask's names, `distributed.comm.timeouts.connect` and `.tcp`.
    ///
    /// # Errors
    ///
    /// A text stands for no time.
    pub(crate) fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let usual = Self::default();
        let time = |name: &str| read_time(&lookup, name);
        Ok(Self {
            connect: time("distributed.comm.timeouts.connect")?.unwrap_or(usual.connect),
            tcp: time("distributed.comm.timeouts.tcp")?.unwrap_or(usual.tcp),
            ..usual
        })
    }
}

/// A time under a name of dask's, as dask writes times: `5`, `30s`, `500ms`, `2 minutes`; nothing if it is not set.
pub(crate) fn read_time(lookup: impl Fn(&str) -> Option<String>, name: &str) -> Result<Option<Duration>> {
    config::dask_setting(lookup, name, duration_of, ("which is no time", "one such as `30s`"))
}

fn duration_of(text: &str) -> Option<Duration> {
    let n_digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(n_digits);
    let unit_s = match unit.trim() {
        "" | "s" | "sec" | "second" | "seconds" => 1.0,
        "us" => 1e-6,
        "ms" => 1e-3,
        "m" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        _ => return None,
    };
    let duration = number.parse::<f64>().ok().and_then(|number| Duration::try_from_secs_f64(number * unit_s).ok());
    duration.map(|duration| duration.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_dask_writes_them() {
        let seconds = |text| duration_of(text).map(|time| time.as_secs_f64());
        for (text, expected) in [
            ("5", 5.0),
            ("30s", 30.0),
            ("500ms", 0.5),
            ("20 ms", 0.02),
            ("2 minutes", 120.0),
            ("1.5 minutes", 90.0),
            ("1h", 3_600.0),
            ("1.5h", 5_400.0),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        assert_eq!(duration_of("900000000000000 hours"), Some(LONGEST));
        for faulty in ["", "s", "soon", "1 fortnight", "5 parsecs", "-1s", "1..5", "1e400", "1e999"] {
            assert_eq!(seconds(faulty), None, "{faulty}");
        }
    }

    #[test]
    fn settings_have_dasks_names() {
        let lookup = |name: &str| match name {
            "distributed.comm.timeouts.tcp" => Some("'3s'".to_owned()),
            "distributed.comm.timeouts.connect" => Some("None".to_owned()),
            _ => None,
        };
        let expected = Timeouts { tcp: Duration::from_secs(3), ..Timeouts::default() };
        assert_eq!(Timeouts::from_lookup(lookup).unwrap(), expected);
        let error = Timeouts::from_lookup(|_| Some("soon".into())).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("distributed.comm.timeouts.connect"), "{error}");
    }
}
