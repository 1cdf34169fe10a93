//! The nanny's listener: what the scheduler and clients ask of it.
//!
//! | request | answer |
//! |---|---|
//! | `kill` | the worker makes room for the next one; answered when it is gone and the scheduler knows |
//! | `restart` | the same, answered when the next one has joined: `OK`, or `timed out` |
//! | `instantiate` | answered when there is a worker that has joined |
//! | `close_gracefully` | no worker follows the one of the moment |
//! | `terminate` | the nanny leaves with its worker |
//! | `ping` `identity` `get_logs` | who this is; no logs |
//!
//! Everything else, above all running code that is sent along, is refused.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::error::{Error, Result};
use crate::exec::remote::comm::{Address, Answer, Comm, Listening, RpcPool};
use crate::exec::remote::wire::{EnumMember, Limits, Value};
use crate::exec::remote::worker::{Patience, WorkerOptions};

use super::desk::{Desk, Registry, Request};

const OP: &str = "nanny";

/// How long a restart may take unless the request says otherwise.
const RESTART_LIMIT_S: f64 = 30.0;
/// Connections to the scheduler.
const MAX_CONNECTIONS: usize = 4;

/// A nanny that can be asked.
#[derive(Debug)]
pub(super) struct Reception {
    pub(super) address: String,
    pub(super) desk: Desk,
    /// Requests are heard as long as this is there.
    pub(super) listening: Listening,
}

impl Reception {
    /// Listens where the worker will, on a port of its own. Tries as long as a worker would.
    ///
    /// # Errors
    ///
    /// The settings are wrong, or for too long there was no way to the scheduler.
    pub(super) async fn open(options: &WorkerOptions) -> Result<Self> {
        let mut patience = Patience::new(options.death_timeout);
        loop {
            match Self::try_open(options).await {
                Ok(reception) => return Ok(reception),
                Err(error) => patience.spend(error)?,
            }
            patience.pause().await;
        }
    }

    async fn try_open(options: &WorkerOptions) -> Result<Self> {
        let scheduler: Address = options.scheduler.parse()?;
        let mut transport = options.transport()?;
        transport.limits = Limits::requests();
        let place = Address { port: options.nanny_port, ..options.listen_address(&scheduler)? };
        let listener = transport.listen(&place).await?;
        let address = listener.address().to_string();
        let registry = Registry { pool: RpcPool::new(transport, MAX_CONNECTIONS), scheduler };
        let (desk, requests) = Desk::new(Some(registry));
        let server = Server { requests, address: address.clone(), scheduler: options.scheduler.clone() };
        Ok(Self { address, desk, listening: Listening::start(listener, Arc::new(server)) })
    }
}

struct Server {
    requests: UnboundedSender<Request>,
    address: String,
    scheduler: String,
}

impl Answer for Server {
    async fn answer(&self, op: &str, request: &Value, comm: &mut Comm) -> Result<Option<Value>> {
        let answer = match op {
            "ping" => Bytes::from_static(b"pong").into(),
            "identity" => self.identity(),
            "get_logs" => Value::Array(Vec::new()),
            "kill" => self.ask(Request::Replace).await.map(|()| Value::Nil)?,
            "instantiate" => self.ask(Request::Await).await.map(|()| running())?,
            "restart" => self.restart(request).await?,
            "close_gracefully" => self.tell(Request::Retire).map(|()| Value::Nil)?,
            "terminate" => return self.terminate(request, comm).await.map(|()| None),
            other => return Err(refusal(other)),
        };
        Ok(Some(answer))
    }
}

impl Server {
    fn leaving(&self) -> Error {
        Error::remote(OP, &self.address, "it is leaving")
    }

    fn tell(&self, request: Request) -> Result<()> {
        self.requests.send(request).map_err(|_| self.leaving())
    }

    /// Asks the loop, and waits until it is done.
    async fn ask(&self, request: impl FnOnce(oneshot::Sender<()>) -> Request) -> Result<()> {
        let (done, is_done) = oneshot::channel();
        self.tell(request(done))?;
        is_done.await.map_err(|_| self.leaving())
    }

    /// The restart goes on when the time is over.
    async fn restart(&self, request: &Value) -> Result<Value> {
        let limit_s = request.get("timeout").and_then(Value::as_float).unwrap_or(RESTART_LIMIT_S);
        let limit = Duration::try_from_secs_f64(limit_s)
            .map_err(|_| Error::value(OP, format!("{limit_s} seconds are no time to wait")))?;
        let restarted = async {
            self.ask(Request::Replace).await?;
            self.ask(Request::Await).await
        };
        match timeout(limit, restarted).await {
            Ok(restarted) => restarted.map(|()| "OK".into()),
            Err(_) => Ok("timed out".into()),
        }
    }

    /// Answers first: afterwards there is nobody to do it.
    async fn terminate(&self, request: &Value, comm: &mut Comm) -> Result<()> {
        if request.get("reply").and_then(Value::as_bool) != Some(false) {
            comm.writer.write(&"OK".into()).await?;
        }
        self.tell(Request::Dismiss)
    }

    fn identity(&self) -> Value {
        Value::map([
            ("type", "Nanny".into()),
            ("id", self.address.as_str().into()),
            ("scheduler", self.scheduler.as_str().into()),
        ])
    }
}

/// What Python's nanny says of a worker that has joined.
fn running() -> Value {
    let member = EnumMember { module: "distributed.core".into(), class: "Status".into(), name: "running".into() };
    Value::Enum(Box::new(member))
}

fn refusal(op: &str) -> Error {
    Error::value(OP, format!("the request `{op}` is not answered"))
        .with_remedy("this nanny starts and ends a worker and runs nothing else")
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::Mutex;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::super::policy::NannyPolicy;
    use super::super::process::look_after;
    use super::*;
    use crate::exec::remote::Security;
    use crate::exec::remote::comm::Transport;
    use crate::exec::remote::security::Role;

    /// A worker that joins and then waits for the end of its line.
    const JOINS: &str = "echo tcp://127.0.0.1:7 >&0; read x";

    /// A scheduler that takes note of workers that are struck off.
    #[derive(Default)]
    struct Scheduler(Mutex<Vec<String>>);

    impl Answer for Scheduler {
        async fn answer(&self, op: &str, request: &Value, _comm: &mut Comm) -> Result<Option<Value>> {
            assert_eq!(op, "unregister");
            self.0.lock().unwrap().push(request.text("address")?.to_owned());
            Ok(Some("OK".into()))
        }
    }

    fn transport() -> Transport {
        Transport::new(Security::new(), Role::Client).unwrap()
    }

    /// Runs `work` beside a nanny whose workers run a script, until both are over; gives the workers struck off.
    fn beside_a_nanny<W: Future<Output = ()>>(script: &str, work: impl FnOnce(RpcPool, Address) -> W) -> Vec<String> {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let listener = transport().listen(&"tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
            let options = WorkerOptions::new(listener.address().to_string());
            let scheduler = Arc::new(Scheduler::default());
            let _scheduler = Listening::start(listener, scheduler.clone());
            let Reception { address, mut desk, listening } = Reception::open(&options).await.unwrap();
            let command = || {
                let mut command = Command::new("sh");
                command.args(["-c", script]);
                command
            };
            let nanny = async {
                let never = std::pin::pin!(std::future::pending());
                look_after(command, NannyPolicy::default(), never, &mut desk).await.unwrap();
                drop(listening);
            };
            let ((), ()) = tokio::join!(nanny, work(RpcPool::new(transport(), 4), address.parse().unwrap()));
            std::mem::take(&mut *scheduler.0.lock().unwrap())
        })
    }

    fn request(op: &str) -> Value {
        Value::map([("op", op.into())])
    }

    #[test]
    fn a_worker_that_is_ended_is_struck_off_and_the_next_one_starts() {
        let struck_off = beside_a_nanny(JOINS, |pool, nanny| async move {
            assert_eq!(pool.call(&nanny, &request("instantiate")).await.unwrap(), running());
            assert_eq!(pool.call(&nanny, &request("kill")).await.unwrap(), Value::Nil);
            assert_eq!(pool.call(&nanny, &request("restart")).await.unwrap(), "OK".into());
            let identity = pool.call(&nanny, &request("identity")).await.unwrap();
            assert_eq!(identity.text("type").unwrap(), "Nanny");
            assert_eq!(pool.call(&nanny, &request("terminate")).await.unwrap(), "OK".into());
        });
        assert!(!struck_off.is_empty() && struck_off.iter().all(|address| address == "tcp://127.0.0.1:7"));
    }

    #[test]
    fn a_restart_ends_with_its_time() {
        let struck_off = beside_a_nanny("read x", |pool, nanny| async move {
            let mut restart = request("restart");
            restart.put("timeout", 0.05.into());
            assert_eq!(pool.call(&nanny, &restart).await.unwrap(), "timed out".into());
            restart.put("timeout", (-1.0).into());
            assert!(pool.call(&nanny, &restart).await.unwrap_err().to_string().contains("no time to wait"));
            pool.call(&nanny, &request("close_gracefully")).await.unwrap();
            // The last worker goes, and its nanny with it; the answer may be lost then.
            drop(pool.call(&nanny, &request("kill")).await);
        });
        assert!(struck_off.is_empty(), "{struck_off:?} had never joined");
    }

    #[test]
    fn nonsense_harms_nobody_else() {
        beside_a_nanny(JOINS, |pool, nanny| async move {
            for nonsense in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 64], &[0; 64], b""] {
                let mut socket = tokio::net::TcpStream::connect((&*nanny.host, nanny.port)).await.unwrap();
                socket.write_all(nonsense).await.unwrap();
                socket.shutdown().await.unwrap();
                // The nanny hangs up; what it says before that does not matter.
                drop(socket.read_to_end(&mut Vec::new()).await);
            }
            let refused = pool.call(&nanny, &Value::map([("no op", "x".into())])).await.unwrap_err();
            assert!(refused.is_remote(), "{refused}");
            assert_eq!(pool.call(&nanny, &request("instantiate")).await.unwrap(), running());
            pool.call(&nanny, &request("terminate")).await.unwrap();
        });
    }

    #[test]
    fn code_that_is_sent_along_is_refused() {
        beside_a_nanny("read x", |pool, nanny| async move {
            for op in ["run", "plugin_add", "plugin_remove", "get_environ", "upload_file", "nonsense"] {
                let error = pool.call(&nanny, &request(op)).await.unwrap_err().to_string();
                assert!(error.contains(&format!("`{op}` is not answered")), "{error}");
            }
            pool.call(&nanny, &request("terminate")).await.unwrap();
        });
    }
}
