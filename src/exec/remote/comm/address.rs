//! Addresses of processes: `tcp://10.0.0.1:8786`, `tls://[::1]:8786`.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use crate::error::{Error, Result};

const OP: &str = "address";

/// Whether a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scheme {
    Tcp,
    Tls,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

/// Where a process listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    pub(crate) scheme: Scheme,
    /// A name or an IP address; IPv6 without its brackets. Empty stands for every interface.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Address {
    pub(crate) fn of_socket(scheme: Scheme, socket: SocketAddr) -> Self {
        Self { scheme, host: socket.ip().to_canonical().to_string(), port: socket.port() }
    }
}

impl FromStr for Address {
    type Err = Error;

    /// Reads an address; without a scheme it is `tcp://`.
    fn from_str(text: &str) -> Result<Self> {
        let (scheme, rest) = match text.split_once("://") {
            Some(("tcp", rest)) => (Scheme::Tcp, rest),
            Some(("tls", rest)) => (Scheme::Tls, rest),
            Some((other, _)) => {
                let fault = fault(text, &format!("the scheme `{other}` is not spoken"));
                return Err(fault.with_remedy("`tcp://` and `tls://` are"));
            }
            None => (Scheme::Tcp, text),
        };
        let (host, port) = rest.rsplit_once(':').ok_or_else(|| fault(text, "the port is missing"))?;
        let host = match host.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']').ok_or_else(|| fault(text, "a bracket is missing"))?,
            None if host.contains(':') => return Err(fault(text, "IPv6 needs brackets, as in `[::1]:8786`")),
            None => host,
        };
        let port = port.parse().map_err(|_| fault(text, &format!("`{port}` is no port")))?;
        Ok(Self { scheme, host: host.to_owned(), port })
    }
}

fn fault(text: &str, reason: &str) -> Error {
    Error::value(OP, format!("{text:?}: {reason}"))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port } = self;
        let scheme = scheme.name();
        if host.contains(':') { write!(f, "{scheme}://[{host}]:{port}") } else { write!(f, "{scheme}://{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for text in ["tcp://127.0.0.1:8786", "tls://[::1]:80", "tls://head-node:1", "tcp://:0"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert_eq!("localhost:5".parse::<Address>().unwrap().to_string(), "tcp://localhost:5");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "tcp://", "tcp://a", "tcp://a:", "tcp://a:65536", "tcp://::1:5", "tcp://[::1:5", "ucx://a:1", "[::1]"]
        {
            assert!(text.parse::<Address>().unwrap_err().is_usage(), "{text}");
        }
    }

    #[test]
    fn mapped_addresses_are_shown_as_what_they_are() {
        let socket = "[::ffff:127.0.0.1]:9".parse().unwrap();
        assert_eq!(Address::of_socket(Scheme::Tls, socket).to_string(), "tls://127.0.0.1:9");
    }
}
