//! What the nanny is asked, between the listener that hears it and the loop that does it.

use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::exec::remote::comm::{Address, RpcPool};
use crate::exec::remote::wire::Value;

/// How long the scheduler may take to strike a worker off its list.
const UNREGISTER_LIMIT: Duration = Duration::from_secs(10);

/// What somebody asks of a nanny; the sender is told when it is done.
#[derive(Debug)]
pub(super) enum Request {
    /// The worker of the moment makes room for the next one. Done when it is gone and the scheduler knows.
    Replace(oneshot::Sender<()>),
    /// Done when there is a worker that has joined.
    Await(oneshot::Sender<()>),
    /// No worker follows the one of the moment.
    Retire,
    /// The nanny leaves, and its worker does.
    Dismiss,
}

/// What is asked of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Replace,
    Retire,
    Dismiss,
}

/// The scheduler, for those who have something to tell it.
#[derive(Debug)]
pub(super) struct Registry {
    pub(super) pool: RpcPool,
    pub(super) scheduler: Address,
}

/// What has been asked and is not done.
#[derive(Debug)]
pub(super) struct Desk {
    requests: UnboundedReceiver<Request>,
    registry: Option<Registry>,
    /// Where the worker of the moment has joined; empty if it has not.
    address: String,
    wait_for_end: Vec<oneshot::Sender<()>>,
    wait_for_start: Vec<oneshot::Sender<()>>,
    is_retired: bool,
    is_dismissed: bool,
}

impl Desk {
    /// A desk, and where requests are put on it. Without a registry there is nobody to tell of workers that are gone.
    pub(super) fn new(registry: Option<Registry>) -> (Self, UnboundedSender<Request>) {
        let (sender, requests) = unbounded_channel();
        let desk = Self {
            requests,
            registry,
            address: String::new(),
            wait_for_end: Vec::new(),
            wait_for_start: Vec::new(),
            is_retired: false,
            is_dismissed: false,
        };
        (desk, sender)
    }

    /// The next thing to do. Nothing is lost if the waiting is given up.
    pub(super) async fn wish(&mut self) -> Wish {
        loop {
            if self.is_dismissed {
                return Wish::Dismiss;
            }
            if !self.wait_for_end.is_empty() {
                return Wish::Replace;
            }
            match self.requests.recv().await {
                Some(Request::Retire) => {
                    self.is_retired = true;
                    return Wish::Retire;
                }
                Some(request) => self.note(request),
                // Nobody can ask any more.
                None => std::future::pending().await,
            }
        }
    }

    fn note(&mut self, request: Request) {
        match request {
            Request::Replace(done) => self.wait_for_end.push(done),
            Request::Await(done) if self.address.is_empty() => self.wait_for_start.push(done),
            Request::Await(done) => tell([done]),
            Request::Retire => self.is_retired = true,
            Request::Dismiss => self.is_dismissed = true,
        }
    }

    /// The worker of the moment says where it has joined; empty if it has not.
    pub(super) fn heard(&mut self, address: String) {
        self.address = address;
        if !self.address.is_empty() {
            tell(self.wait_for_start.drain(..));
        }
    }

    /// The worker of the moment has ended. Gives whether another one may follow, as far as that has been asked.
    ///
    /// If it was asked to, the scheduler is told before whoever asked: it counts its workers right after, and would find one
    /// that is gone.
    pub(super) async fn ended(&mut self) -> bool {
        let address = std::mem::take(&mut self.address);
        if !self.wait_for_end.is_empty() && !address.is_empty() {
            self.unregister(&address).await;
        }
        // What has been asked until now was about that worker too.
        while let Ok(request) = self.requests.try_recv() {
            self.note(request);
        }
        tell(self.wait_for_end.drain(..));
        !self.is_retired && !self.is_dismissed
    }

    async fn unregister(&self, address: &str) {
        let Some(Registry { pool, scheduler }) = &self.registry else { return };
        let request = Value::map([
            ("op", "unregister".into()),
            ("address", address.into()),
            ("stimulus_id", format!("nanny-kill-{address}").into()),
        ]);
        if let Err(error) = pool.call_within(UNREGISTER_LIMIT, scheduler, &request).await {
            // It will also see that the worker's connections are closed.
            eprintln!("hyperslab nanny: {error}");
        }
    }
}

/// Who has asked may not wait any more.
fn tell(waiting: impl IntoIterator<Item = oneshot::Sender<()>>) {
    waiting.into_iter().for_each(|done| done.send(()).unwrap_or(()));
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;

    fn in_runtime(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
    }

    fn ask(
        sender: &UnboundedSender<Request>,
        request: impl FnOnce(oneshot::Sender<()>) -> Request,
    ) -> oneshot::Receiver<()> {
        let (done, is_done) = oneshot::channel();
        sender.send(request(done)).unwrap();
        is_done
    }

    #[test]
    fn all_who_want_a_worker_gone_wait_for_one_end() {
        in_runtime(async {
            let (mut desk, sender) = Desk::new(None);
            let mut first = ask(&sender, Request::Replace);
            assert_eq!(desk.wish().await, Wish::Replace);
            // It is told to leave and has not left.
            assert_eq!(first.try_recv(), Err(TryRecvError::Empty));
            let second = ask(&sender, Request::Replace);
            assert!(desk.ended().await);
            first.await.unwrap();
            second.await.unwrap();
        });
    }

    #[test]
    fn who_waits_for_a_worker_is_told_when_it_has_joined() {
        in_runtime(async {
            let (mut desk, sender) = Desk::new(None);
            let before = ask(&sender, Request::Await);
            sender.send(Request::Retire).unwrap();
            assert_eq!(desk.wish().await, Wish::Retire);
            desk.heard(String::new());
            desk.heard("tcp://127.0.0.1:1".into());
            before.await.unwrap();
            let mut after = ask(&sender, Request::Await);
            assert!(!desk.ended().await, "it was the last one");
            after.try_recv().unwrap_err();
            desk.heard("tcp://127.0.0.1:2".into());
            after.await.unwrap();
        });
    }

    #[test]
    fn a_dismissal_goes_before_all_else() {
        in_runtime(async {
            let (mut desk, sender) = Desk::new(None);
            let _gone = ask(&sender, Request::Replace);
            sender.send(Request::Dismiss).unwrap();
            assert_eq!(desk.wish().await, Wish::Replace);
            assert!(!desk.ended().await);
            assert_eq!(desk.wish().await, Wish::Dismiss);
        });
    }
}
