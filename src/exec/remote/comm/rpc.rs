//! Requests and answers over connections that are kept and used again.
//!
//! A connection carries one request at a time. When it has been answered, the connection goes back to the pool; when
//! anything went wrong, it is closed. The pool never holds more connections than its limit: at the limit idle ones are
//! closed, and then requests wait for each other.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::address::Address;
use super::channel::Comm;
use super::tcp::Transport;
use crate::error::{Error, Result};
use crate::exec::remote::wire::{Value, check_reply};

const OP: &str = "remote request";

/// Connections to other processes, for requests.
#[derive(Clone, Debug)]
pub(crate) struct RpcPool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    transport: Transport,
    permits: Arc<Semaphore>,
    idle: Mutex<HashMap<Address, Vec<Connection>>>,
    n_waiting: AtomicUsize,
}

/// A connection and its share of the limit.
#[derive(Debug)]
struct Connection {
    comm: Comm,
    _permit: OwnedSemaphorePermit,
}

impl RpcPool {
    /// A pool of at most `limit` connections.
    pub(crate) fn new(transport: Transport, limit: usize) -> Self {
        let permits = Arc::new(Semaphore::new(limit.clamp(1, Semaphore::MAX_PERMITS)));
        let shared = Shared { transport, permits, idle: Mutex::default(), n_waiting: AtomicUsize::new(0) };
        Self { shared: Arc::new(shared) }
    }

    /// Sends a request and waits for its answer; an answer that says that the other side failed is an error.
    pub(crate) async fn call(&self, address: &Address, request: &Value) -> Result<Value> {
        self.call_patiently(None, address, request).await
    }

    /// The same, with a limit on the time for all of it.
    pub(crate) async fn call_within(&self, limit: Duration, address: &Address, request: &Value) -> Result<Value> {
        match timeout(limit, self.call(address, request)).await {
            Ok(reply) => reply,
            Err(_) => Err(Error::remote(OP, address, format!("no answer within {limit:?} to {request:?}"))),
        }
    }

    /// As [`call`](Self::call), but the other side may be silent for so long only.
    pub(crate) async fn call_patiently(
        &self,
        patience: Option<Duration>,
        address: &Address,
        request: &Value,
    ) -> Result<Value> {
        let mut lease = self.lease(address).await?;
        lease.comm().set_patience(patience);
        let reply = lease.exchange(request).await?;
        lease.give_back();
        check_reply(request.get("op").and_then(Value::as_text).unwrap_or("request"), address, reply)
    }

    /// A connection for requests that take more than one message each way.
    pub(crate) async fn lease(&self, address: &Address) -> Result<Lease> {
        while let Some(mut connection) = self.shared.take_idle(address) {
            if connection.comm.reader.is_quiet().await {
                return Ok(self.shared.lend(address, connection));
            }
        }
        let permit = self.permit().await?;
        let comm = self.shared.transport.connect(address).await?;
        Ok(self.shared.lend(address, Connection { comm, _permit: permit }))
    }

    /// Room for one more connection; idle ones make room.
    async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        let shared = &self.shared;
        loop {
            if let Ok(permit) = shared.permits.clone().try_acquire_owned() {
                return Ok(permit);
            }
            if !shared.close_one() {
                break;
            }
        }
        // From here on connections that are given back are closed, as long as somebody waits.
        let _waiting = Waiting::new(&shared.n_waiting);
        let permit = shared.permits.clone().acquire_owned().await;
        permit.map_err(|_| Error::bug(OP, "the limit on connections has been withdrawn"))
    }

    /// Closes the idle connections to a process that is gone.
    pub(crate) fn forget(&self, address: &Address) {
        self.shared.idle().remove(address);
    }

    /// Connections that are open, in use or not.
    pub(crate) fn n_open(&self, limit: usize) -> usize {
        limit - self.shared.permits.available_permits().min(limit)
    }
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, HashMap<Address, Vec<Connection>>> {
        // A list of connections is whole at every moment, so a panic elsewhere does not spoil it.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_idle(&self, address: &Address) -> Option<Connection> {
        self.idle().get_mut(address)?.pop()
    }

    /// Closes any idle connection; false if there is none.
    fn close_one(&self) -> bool {
        let closed = self.idle().values_mut().find_map(Vec::pop);
        closed.is_some()
    }

    fn lend(self: &Arc<Self>, address: &Address, connection: Connection) -> Lease {
        Lease { connection, address: address.clone(), pool: self.clone() }
    }
}

/// Counts a request that waits for room, as long as it does.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A connection in use. Dropping it closes the connection; [`give_back`](Self::give_back) keeps it.
#[derive(Debug)]
pub(crate) struct Lease {
    connection: Connection,
    address: Address,
    pool: Arc<Shared>,
}

impl Lease {
    pub(crate) fn comm(&mut self) -> &mut Comm {
        &mut self.connection.comm
    }

    /// Sends a request and waits for its answer, whatever it says.
    pub(crate) async fn exchange(&mut self, request: &Value) -> Result<Value> {
        self.connection.comm.exchange(request).await
    }

    /// Keeps the connection for other requests. Nothing may be under way on it.
    pub(crate) fn give_back(mut self) {
        if self.pool.n_waiting.load(Ordering::SeqCst) > 0 {
            return;
        }
        self.comm().set_patience(None);
        let Self { connection, address, pool } = self;
        pool.idle().entry(address).or_default().push(connection);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::super::security::{Role, Security};
    use super::super::tcp::Listener;
    use super::*;

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, work)
    }

    fn transport() -> Transport {
        Transport::new(Security::new(), Role::Worker).unwrap()
    }

    async fn listen() -> Listener {
        transport().listen(&"tcp://127.0.0.1:0".parse().unwrap()).await.unwrap()
    }

    /// Answers requests with their own text, and counts the connections; "hang up" is answered by closing, "be silent" not
    /// at all, "fail" with an error.
    async fn serve(listener: &Listener, n_accepted: &Cell<usize>) {
        let serve_one = |mut comm: Comm| async move {
            while let Ok(Some(request)) = comm.reader.read().await {
                let reply = match request.text("op").unwrap() {
                    "hang up" => return,
                    "be silent" => continue,
                    "fail" => Value::map([("status", "uncaught-error".into()), ("exception_text", "no".into())]),
                    _ => request.clone(),
                };
                comm.writer.write(&reply).await.unwrap();
            }
        };
        loop {
            let incoming = listener.accept().await.unwrap();
            n_accepted.set(n_accepted.get() + 1);
            tokio::task::spawn_local(async move { serve_one(incoming.open().await.unwrap()).await });
        }
    }

    fn request(op: &str) -> Value {
        Value::map([("op", op.into())])
    }

    /// Runs `work` beside a server; gives the number of connections it accepted.
    fn with_server<W: Future<Output = ()>>(limit: usize, work: impl FnOnce(RpcPool, Address) -> W) -> usize {
        block_on(async {
            let listener = listen().await;
            let n_accepted = Cell::new(0);
            let pool = RpcPool::new(transport(), limit);
            tokio::select! {
                () = serve(&listener, &n_accepted) => unreachable!(),
                () = work(pool, listener.address().clone()) => n_accepted.get(),
            }
        })
    }

    #[test]
    fn a_connection_is_used_again() {
        let n_accepted = with_server(8, |pool, address| async move {
            for i in 0..20_i64 {
                let mut request = request("echo");
                request.put("i", i.into());
                assert_eq!(pool.call(&address, &request).await.unwrap(), request);
            }
            assert_eq!(pool.n_open(8), 1);
        });
        assert_eq!(n_accepted, 1);
    }

    #[test]
    fn an_error_of_the_other_side_is_an_error_and_no_broken_connection() {
        let n_accepted = with_server(8, |pool, address| async move {
            let error = pool.call(&address, &request("fail")).await.unwrap_err();
            assert!(error.is_remote() && error.to_string().starts_with("fail: tcp://127.0.0.1:"), "{error}");
            pool.call(&address, &request("echo")).await.unwrap();
        });
        assert_eq!(n_accepted, 1);
    }

    #[test]
    fn broken_and_unanswered_connections_are_not_kept() {
        let n_accepted = with_server(8, |pool, address| async move {
            assert!(pool.call(&address, &request("hang up")).await.unwrap_err().is_remote());
            assert_eq!(pool.n_open(8), 0);
            let limit = Duration::from_millis(20);
            let late = pool.call_within(limit, &address, &request("be silent")).await.unwrap_err();
            assert!(late.to_string().contains("no answer within 20ms"), "{late}");
            assert_eq!(pool.n_open(8), 0);
            pool.call(&address, &request("echo")).await.unwrap();
        });
        assert_eq!(n_accepted, 3);
    }

    #[test]
    fn the_limit_holds_and_everybody_gets_a_turn() {
        let n_accepted = with_server(2, |pool, address| async move {
            let ask = || async { pool.call(&address, &request("echo")).await.unwrap() };
            let asked = tokio::join!(ask(), ask(), ask(), ask(), ask(), ask());
            assert_eq!(asked.5, request("echo"));
            assert!(pool.n_open(2) <= 2);
        });
        assert!(n_accepted <= 6);
    }

    #[test]
    fn idle_connections_make_room() {
        block_on(async {
            let (first, second) = (listen().await, listen().await);
            let (n_first, n_second) = (Cell::new(0), Cell::new(0));
            let pool = RpcPool::new(transport(), 1);
            let work = async {
                pool.call(first.address(), &request("echo")).await.unwrap();
                pool.call(second.address(), &request("echo")).await.unwrap();
                assert_eq!(pool.n_open(1), 1);
                pool.forget(second.address());
                assert_eq!(pool.n_open(1), 0);
            };
            tokio::select! {
                () = serve(&first, &n_first) => unreachable!(),
                () = serve(&second, &n_second) => unreachable!(),
                () = work => (),
            }
            assert_eq!((n_first.get(), n_second.get()), (1, 1));
        });
    }
}
