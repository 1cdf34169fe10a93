//! Sockets: dialling, listening, and finding out that the other side is gone.
//!
//! A machine that loses power or its network says nothing. Two timers of the kernel notice: keep-alive probes while a
//! connection is idle, the user timeout while sent bytes are not acknowledged. Both are set so that an error comes after
//! [`Timeouts::tcp`].

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::address::{Address, Scheme};
use super::channel::{BoxedFlow, Comm};
use super::timeouts::Timeouts;
use super::tls::{TlsConfigs, refused_later};
use crate::error::{Error, Result};
use crate::exec::remote::security::{Role, Security};
use crate::exec::remote::wire::{Compression, Handshake, Limits};

const OP: &str = "remote connection";

/// The first pause between two attempts to connect is up to this long, and each next one up to twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// And the longest one: whoever comes back is found soon.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Connections that have arrived and wait to be accepted.
const BACKLOG: u32 = 2048;

/// How this process reaches others and is reached.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    pub(crate) security: Security,
    pub(crate) timeouts: Timeouts,
    pub(crate) limits: Limits,
    /// What is offered to processes on other machines.
    pub(crate) compression: Option<Compression>,
    /// Others are members of a cluster already; see [`Transport::towards_members`].
    to_members: bool,
    tls: Option<TlsConfigs>,
}

impl Transport {
    /// Reads the certificates that the settings name.
    pub(crate) fn new(security: Security, role: Role) -> Result<Self> {
        let tls = TlsConfigs::load(&security, role)?;
        Ok(Self {
            security,
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            compression: None,
            to_members: false,
            tls,
        })
    }

    /// The same towards processes whose address a scheduler gave: they listened before they told it, so where nothing
    /// listens any more the process has died, and there is nothing to wait for.
    pub(crate) fn towards_members(mut self) -> Self {
        self.to_members = true;
        self
    }

    fn tls(&self) -> Result<&TlsConfigs> {
        self.tls.as_ref().ok_or_else(|| {
            let remedy = "set `ca_file` and the certificate and key of this role";
            Error::value("security", "`tls://` needs certificates and there are none").with_remedy(remedy)
        })
    }

    /// Connects within [`Timeouts::connect`].
    pub(crate) async fn connect(&self, address: &Address) -> Result<Comm> {
        let deadline = Instant::now() + self.timeouts.connect;
        let (flow, ours) = self.dial_until(deadline, address).await?;
        let opened = timeout_at(deadline, Comm::open(flow, &address.to_string(), ours, self.limits)).await;
        match opened {
            Ok(opened) => opened.map_err(|error| refused_later(address, error)),
            Err(_) => Err(Error::remote(OP, address, format!("no handshake within {:?}", self.timeouts.connect))),
        }
    }

    /// Dials again and again, for the other side may still be starting. Final is a refusal of what is said, and, by the
    /// machine of a [member](Self::towards_members), of the connection.
    async fn dial_until(&self, deadline: Instant, address: &Address) -> Result<(BoxedFlow, Handshake)> {
        let mut pause = FIRST_PAUSE;
        // The first attempt gets a part of the time, because its packets may just have been lost.
        let mut share = self.timeouts.connect / 5;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let failure = match timeout(share.min(left), self.dial(address)).await {
                Ok(Err(error)) if self.to_members && nothing_listens(&error) => return Err(error),
                Ok(Err(error)) if error.is_remote() => error,
                Ok(dialled) => return dialled,
                Err(_) => Error::remote(OP, address, "no answer"),
            };
            share = self.timeouts.connect;
            let next = jitter(pause);
            if Instant::now() + next >= deadline {
                let detail = format!("not reached within {:?}; last: {failure}", self.timeouts.connect);
                return Err(Error::remote(OP, address, detail).with_source(failure));
            }
            sleep(next).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    /// One attempt: a socket, and encryption if the address asks for it. Also gives what to say first.
    async fn dial(&self, address: &Address) -> Result<(BoxedFlow, Handshake)> {
        let stream = self.dial_any(address).await?;
        prepare(&stream, self.timeouts.tcp).map_err(|source| failed(address, source))?;
        let ours = self.handshake(&stream);
        Ok(match address.scheme {
            Scheme::Tcp => (Box::new(stream), ours),
            Scheme::Tls => (Box::new(self.tls()?.connect(stream, address).await?), ours),
        })
    }

    /// The first of the machine's addresses that answers. What the settings rule out is not tried.
    async fn dial_any(&self, address: &Address) -> Result<TcpStream> {
        let found = tokio::net::lookup_host((&*address.host, address.port)).await;
        let sockets = found.map_err(|source| failed(address, source))?;
        let mut failure = Error::remote(OP, address, "the name stands for no address");
        for socket in sockets {
            if address.scheme == Scheme::Tcp {
                self.security.permit_plain(socket.ip())?;
            }
            match TcpStream::connect(socket).await {
                Ok(stream) => return Ok(stream),
                Err(source) => failure = failed(address, source),
            }
        }
        Err(failure)
    }

    /// What we say first; between processes of one machine nothing is compressed.
    fn handshake(&self, stream: &TcpStream) -> Handshake {
        let host = |socket: io::Result<SocketAddr>| socket.ok().map(|socket| socket.ip().to_canonical());
        let is_one_machine = host(stream.local_addr()) == host(stream.peer_addr());
        Handshake::ours(self.compression.filter(|_| !is_one_machine))
    }

    /// Listens; port 0 stands for any that is free.
    pub(crate) async fn listen(&self, address: &Address) -> Result<Listener> {
        let host = if address.host.is_empty() { "0.0.0.0" } else { &*address.host };
        let mut found =
            tokio::net::lookup_host((host, address.port)).await.map_err(|source| failed(address, source))?;
        let socket = found.next().ok_or_else(|| Error::remote(OP, address, "the name stands for no address"))?;
        match address.scheme {
            Scheme::Tcp => self.security.permit_plain(socket.ip())?,
            Scheme::Tls => drop(self.tls()?),
        }
        let inner = bind(socket).map_err(|source| failed(address, source))?;
        let local = inner.local_addr().map_err(|source| failed(address, source))?;
        let address = Address::of_socket(address.scheme, local);
        Ok(Listener { inner, address, transport: Arc::new(self.clone()) })
    }
}

fn bind(socket: SocketAddr) -> io::Result<TcpListener> {
    let listener = if socket.is_ipv4() { tokio::net::TcpSocket::new_v4()? } else { tokio::net::TcpSocket::new_v6()? };
    listener.set_reuseaddr(true)?;
    listener.bind(socket)?;
    listener.listen(BACKLOG)
}

/// Accepts connections.
#[derive(Debug)]
pub(crate) struct Listener {
    inner: TcpListener,
    address: Address,
    transport: Arc<Transport>,
}

/// A connection that has arrived and has not shown who it is.
#[derive(Debug)]
pub(crate) struct Incoming {
    stream: TcpStream,
    peer: Address,
    transport: Arc<Transport>,
}

impl Listener {
    /// The address with the port that was given.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// The next connection. What may take long, [`Incoming::open`], is for a task of its own.
    pub(crate) async fn accept(&self) -> Result<Incoming> {
        let (stream, peer) = self.inner.accept().await.map_err(|source| failed(&self.address, source))?;
        let peer = Address::of_socket(self.address.scheme, peer);
        Ok(Incoming { stream, peer, transport: self.transport.clone() })
    }
}

impl Incoming {
    pub(crate) fn peer(&self) -> &Address {
        &self.peer
    }

    /// Encryption and handshake, within [`Timeouts::handshake`].
    pub(crate) async fn open(self) -> Result<Comm> {
        let limit = self.transport.timeouts.handshake;
        let peer = self.peer.clone();
        match timeout(limit, self.open_in_time()).await {
            Ok(opened) => opened,
            Err(_) => Err(Error::remote(OP, peer, format!("no handshake within {limit:?}"))),
        }
    }

    async fn open_in_time(self) -> Result<Comm> {
        let Self { stream, peer, transport } = self;
        prepare(&stream, transport.timeouts.tcp).map_err(|source| failed(&peer, source))?;
        let ours = transport.handshake(&stream);
        let flow: BoxedFlow = match peer.scheme {
            Scheme::Tcp => Box::new(stream),
            Scheme::Tls => Box::new(transport.tls()?.accept(stream, &peer).await?),
        };
        Comm::open(flow, &peer.to_string(), ours, transport.limits).await
    }
}

fn nothing_listens(error: &Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::ConnectionRefused)
}

fn failed(address: &Address, source: io::Error) -> Error {
    Error::remote(OP, address, &source).with_source(source)
}

/// What the kernel's timers can do: probes count whole seconds, and no more than 15 bits of them.
const LEAST_SILENCE: Duration = Duration::from_secs(2);
const MOST_SILENCE: Duration = Duration::from_secs(32_767);

/// Small messages leave at once, and silence becomes an error after `limit`, or what comes near to it.
fn prepare(stream: &TcpStream, limit: Duration) -> io::Result<()> {
    let limit = limit.clamp(LEAST_SILENCE, MOST_SILENCE);
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let (idle, interval, n_probes) = probes(limit);
    let keepalive = TcpKeepalive::new().with_time(idle).with_interval(interval).with_retries(n_probes);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(limit))?;
    Ok(())
}

/// When probing begins, the pause between probes, and their number: together they take `limit`, in whole seconds.
fn probes(limit: Duration) -> (Duration, Duration, u32) {
    let limit_s = limit.as_secs();
    let n_probes = 10.min(limit_s - 1);
    let wanted_idle_s = (limit_s / 4).max(1);
    let interval_s = ((limit_s - wanted_idle_s) / n_probes).max(1);
    let idle_s = limit_s - interval_s * n_probes;
    (Duration::from_secs(idle_s), Duration::from_secs(interval_s), n_probes as u32)
}

/// A random part of a pause, so that processes that lost the same peer do not come back together.
fn jitter(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    pause.mul_f64(random as f64 / u64::MAX as f64)
}

#[cfg(test)]
mod tests {
    use super::super::super::wire::Value;
    use super::*;

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    fn plain() -> Transport {
        Transport::new(Security::new(), Role::Worker).unwrap()
    }

    #[test]
    fn probing_fills_the_time_limit() {
        for limit_s in (2..200).chain([MOST_SILENCE.as_secs()]) {
            let (idle, interval, n) = probes(Duration::from_secs(limit_s));
            assert!(idle.as_secs() >= 1 && interval.as_secs() >= 1 && n >= 1);
            assert_eq!((idle + interval * n).as_secs(), limit_s);
        }
        assert_eq!(probes(Duration::from_secs(30)), (Duration::from_secs(10), Duration::from_secs(2), 10));
    }

    #[test]
    fn a_connection_over_either_protocol_carries_messages() {
        block_on(async {
            for text in ["tcp://127.0.0.1:0", "tcp://[::1]:0"] {
                let transport = plain();
                let Ok(listener) = transport.listen(&text.parse().unwrap()).await else {
                    assert!(text.contains("::1"), "a machine without IPv6 still has IPv4");
                    continue;
                };
                let serve = async {
                    let mut comm = listener.accept().await.unwrap().open().await.unwrap();
                    let message = comm.reader.expect().await.unwrap();
                    comm.writer.write(&message).await.unwrap();
                };
                let ask = async {
                    let mut comm = transport.connect(listener.address()).await.unwrap();
                    comm.exchange(&Value::Int(7)).await.unwrap()
                };
                assert_eq!(tokio::join!(serve, ask).1, Value::Int(7));
            }
        });
    }

    #[test]
    fn a_member_that_listens_no_more_is_not_waited_for() {
        block_on(async {
            let transport = plain();
            let gone = transport.listen(&"tcp://127.0.0.1:0".parse().unwrap()).await.unwrap().address().clone();
            let error = transport.clone().towards_members().connect(&gone).await.unwrap_err();
            assert!(nothing_listens(&error), "{error}");
            let mut patient = transport;
            patient.timeouts.connect = Duration::from_millis(50);
            let error = patient.connect(&gone).await.unwrap_err();
            assert!(error.to_string().contains("not reached within 50ms"), "{error}");
        });
    }

    #[test]
    fn sockets_are_prepared() {
        block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            for (limit, expected) in [(30_000, 30_000), (0, 2_000), (100, 2_000), (u64::MAX, 32_767_000)] {
                prepare(&stream, Duration::from_millis(limit)).unwrap();
                let socket = SockRef::from(&stream);
                assert!(stream.nodelay().unwrap() && socket.keepalive().unwrap());
                #[cfg(target_os = "linux")]
                assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_millis(expected)));
            }
        });
    }

    #[test]
    fn what_the_settings_rule_out_is_not_tried() {
        block_on(async {
            let far: Address = "tcp://192.0.2.1:9".parse().unwrap();
            assert!(plain().connect(&far).await.unwrap_err().is_usage());
            assert!(plain().listen(&"tcp://0.0.0.0:0".parse().unwrap()).await.unwrap_err().is_usage());
            assert!(plain().listen(&"tcp://:0".parse().unwrap()).await.unwrap_err().is_usage());
            let encrypted = Security::new().require_encryption(true);
            let transport = Transport::new(encrypted, Role::Client).unwrap();
            assert!(transport.connect(&"tcp://127.0.0.1:9".parse().unwrap()).await.unwrap_err().is_usage());
            assert!(transport.connect(&"tls://127.0.0.1:9".parse().unwrap()).await.is_err());
            assert!(transport.listen(&"tls://127.0.0.1:0".parse().unwrap()).await.unwrap_err().is_usage());
        });
    }

    #[test]
    fn nobody_there_is_an_error_in_time() {
        block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = Address::of_socket(Scheme::Tcp, listener.local_addr().unwrap());
            drop(listener);
            let mut transport = plain();
            transport.timeouts.connect = Duration::from_millis(50);
            let error = transport.connect(&address).await.unwrap_err();
            assert!(error.is_remote() && error.to_string().contains("not reached within 50ms"), "{error}");
        });
    }

    #[test]
    fn a_peer_without_a_handshake_is_dropped_in_time() {
        block_on(async {
            let mut transport = plain();
            transport.timeouts.handshake = Duration::from_millis(20);
            let listener = transport.listen(&"tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
            let silent = TcpStream::connect(("127.0.0.1", listener.address().port)).await.unwrap();
            let error = listener.accept().await.unwrap().open().await.unwrap_err();
            assert!(error.to_string().contains("no handshake within 20ms"), "{error}");
            drop(silent);
        });
    }
}
