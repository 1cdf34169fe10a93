//! The nanny's loop: starts a worker, watches it, starts the next.

use std::future::Future;
use std::pin::Pin;
use std::process::{Command as BlockingCommand, ExitStatus};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::error::{Error, Result};
use crate::exec::remote::worker::look_at;

use super::desk::{Desk, Wish};
use super::line::Line;
use super::policy::{LOOK_INTERVAL, NannyPolicy, Next, Supervision};

const OP: &str = "nanny";

/// How long a worker may take to leave before it is ended.
const LEAVE_LIMIT: Duration = Duration::from_secs(2);

/// How the watch over one worker came to its end.
enum Watched {
    Ended(ExitStatus),
    /// The nanny is to leave, and the worker has left.
    Dismissed,
}

/// Looks after the workers that `command` starts until one ends in peace, or the nanny is to leave: because `asked` is
/// over, or a request says so.
///
/// # Errors
///
/// A worker cannot be started, or several in a row died before they had joined.
pub(super) async fn look_after(
    command: impl Fn() -> BlockingCommand,
    policy: NannyPolicy,
    mut asked: Pin<&mut impl Future<Output = Result<()>>>,
    desk: &mut Desk,
) -> Result<()> {
    let mut supervision = Supervision::new(policy);
    loop {
        let (mut worker, line) = start(command())?;
        let id = worker.id().unwrap_or(0);
        supervision.started();
        let status = match watch(&mut worker, line, &mut supervision, asked.as_mut(), desk).await? {
            Watched::Dismissed => return Ok(()),
            Watched::Ended(status) => status,
        };
        let may_follow = tokio::select! {
            asked = &mut asked => return asked,
            may_follow = desk.ended() => may_follow,
        };
        if !may_follow {
            supervision.retire();
        }
        match supervision.ended(status.success()) {
            Next::Done => return Ok(()),
            Next::GiveUp { n_deaths } => {
                let detail = format!("{n_deaths} workers in a row died before they had joined; the last: {status}");
                return Err(Error::remote(OP, format!("process {id}"), detail));
            }
            Next::StartAfter(pause) => {
                eprintln!("hyperslab nanny: worker {id} has ended ({status}), the next one starts");
                tokio::select! {
                    asked = &mut asked => return asked,
                    () = sleep(pause) => {}
                    // Whatever is asked of the worker of the moment: there is none.
                    _ = desk.wish() => if !desk.ended().await {
                        return Ok(());
                    }
                }
            }
        }
    }
}

fn start(command: BlockingCommand) -> Result<(Child, Line)> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |source: std::io::Error| {
        Error::remote(OP, &program, format!("the worker could not be started: {source}")).with_source(source)
    };
    let (ours, theirs) = Line::to_child().map_err(failed)?;
    // In a group of its own a Ctrl-C in the terminal reaches the nanny only, which tells the worker to leave.
    let child = Command::from(command).stdin(theirs).process_group(0).kill_on_drop(true).spawn();
    Ok((child.map_err(failed)?, ours))
}

/// Watches one worker until it has ended.
async fn watch(
    worker: &mut Child,
    mut line: Line,
    supervision: &mut Supervision,
    mut asked: Pin<&mut impl Future<Output = Result<()>>>,
    desk: &mut Desk,
) -> Result<Watched> {
    let id = worker.id().unwrap_or(0);
    let mut looks = interval(LOOK_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut has_line = true;
    loop {
        tokio::select! {
            status = worker.wait() => return ended(status),
            heard = line.heard(), if has_line => match heard {
                Some(address) => {
                    supervision.beat(!address.is_empty());
                    desk.heard(address);
                }
                None => has_line = false,
            },
            _ = looks.tick() => {
                let seen = look_at(id);
                if let Some(fault) = supervision.look(seen.n_bytes, seen.is_stopped) {
                    eprintln!("hyperslab nanny: worker {id} is ended: {fault}");
                    // It may have ended by itself just now.
                    drop(worker.start_kill());
                    return ended(worker.wait().await);
                }
            }
            wish = desk.wish() => match wish {
                Wish::Retire => supervision.retire(),
                Wish::Replace => {
                    supervision.replace();
                    return ended(leave(worker, line).await);
                }
                Wish::Dismiss => return dismissed(worker, line).await,
            },
            asked = &mut asked => {
                asked?;
                return dismissed(worker, line).await;
            }
        }
    }
}

/// Tells a worker to leave, and ends it if it does not.
async fn leave(worker: &mut Child, line: Line) -> std::io::Result<ExitStatus> {
    drop(line);
    match timeout(LEAVE_LIMIT, worker.wait()).await {
        Ok(status) => status,
        Err(_) => {
            // It may have ended by itself just now.
            drop(worker.start_kill());
            worker.wait().await
        }
    }
}

async fn dismissed(worker: &mut Child, line: Line) -> Result<Watched> {
    // However it ends, nobody looks after it any more.
    drop(leave(worker, line).await);
    Ok(Watched::Dismissed)
}

fn ended(status: std::io::Result<ExitStatus>) -> Result<Watched> {
    let failed = |source| Error::remote(OP, "the worker", &source).with_source(source);
    status.map(Watched::Ended).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::sync::mpsc::UnboundedSender;
    use tokio::sync::oneshot;

    use super::super::desk::Request;
    use super::*;

    fn shell(script: &str) -> BlockingCommand {
        let mut command = BlockingCommand::new("sh");
        command.args(["-c", script]);
        command
    }

    fn in_runtime<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    /// Looks after workers that run a script until they are over; a nanny that is dismissed is so from the beginning.
    fn look_after_script(script: &str, policy: NannyPolicy, is_dismissed: bool) -> Result<()> {
        in_runtime(async {
            let asked = async { if is_dismissed { Ok(()) } else { std::future::pending().await } };
            let (mut desk, _requests) = Desk::new(None);
            look_after(|| shell(script), policy, std::pin::pin!(asked), &mut desk).await
        })
    }

    fn impatient() -> NannyPolicy {
        NannyPolicy { first_pause: Duration::ZERO, most_silent_looks: 0, ..NannyPolicy::default() }
    }

    #[test]
    fn a_worker_that_ends_in_peace_is_not_started_again() {
        look_after_script("exit 0", NannyPolicy::default(), false).unwrap();
    }

    #[test]
    fn workers_that_never_join_are_given_up() {
        let policy = NannyPolicy { first_pause: Duration::ZERO, ..NannyPolicy::default() };
        let error = look_after_script("exit 3", policy, false).unwrap_err();
        assert!(error.is_remote() && error.to_string().contains("exit status: 3"), "{error}");
    }

    #[test]
    fn a_worker_that_hangs_is_ended() {
        let error = look_after_script("exec sleep 1000", impatient(), false).unwrap_err();
        assert!(error.to_string().contains("signal: 9"), "{error}");
    }

    #[test]
    fn a_worker_leaves_when_the_nanny_is_told_to() {
        look_after_script("read x", NannyPolicy::default(), true).unwrap();
    }

    /// What a worker does that joins and then waits for the end of its line.
    const JOINS: &str = "echo tcp://127.0.0.1:1 >&0; read x";

    /// Looks after workers while somebody asks something; gives the number of workers there were.
    async fn look_after_while<A: Future<Output = ()>>(
        script: &str,
        policy: NannyPolicy,
        ask: impl FnOnce(UnboundedSender<Request>) -> A,
    ) -> usize {
        let n_started = Cell::new(0);
        let command = || {
            n_started.set(n_started.get() + 1);
            shell(script)
        };
        let (mut desk, requests) = Desk::new(None);
        let never = std::pin::pin!(std::future::pending());
        let (nanny, ()) = tokio::join!(look_after(command, policy, never, &mut desk), ask(requests));
        nanny.unwrap();
        n_started.get()
    }

    async fn ask(requests: &UnboundedSender<Request>, request: impl FnOnce(oneshot::Sender<()>) -> Request) {
        let (done, is_done) = oneshot::channel();
        requests.send(request(done)).unwrap();
        is_done.await.unwrap();
    }

    #[test]
    fn workers_are_replaced_as_often_as_that_is_asked() {
        for (script, joins) in [(JOINS, true), ("read x", false)] {
            let n_started = in_runtime(look_after_while(script, NannyPolicy::default(), |requests| async move {
                for _ in 0..6 {
                    ask(&requests, Request::Replace).await;
                    if joins {
                        ask(&requests, Request::Await).await;
                    }
                }
                requests.send(Request::Dismiss).unwrap();
            }));
            // Who has not joined may be asked for while there is none.
            let fewest = if joins { 6 } else { 2 };
            assert!((fewest..=7).contains(&n_started), "{n_started}");
        }
    }

    #[test]
    fn nobody_waits_for_the_next_worker_to_be_dismissed() {
        // The first one dies early, and the next one would not start for a long time.
        let policy = NannyPolicy { first_pause: Duration::from_hours(1), ..NannyPolicy::default() };
        let n_started = in_runtime(look_after_while("exit 3", policy, |requests| async move {
            ask(&requests, Request::Replace).await;
            requests.send(Request::Dismiss).unwrap();
        }));
        assert!((1..=2).contains(&n_started), "{n_started}");
    }

    #[test]
    fn nobody_follows_a_retired_worker() {
        let n_started = in_runtime(look_after_while("read x", NannyPolicy::default(), |requests| async move {
            requests.send(Request::Retire).unwrap();
            ask(&requests, Request::Replace).await;
        }));
        assert_eq!(n_started, 1);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let never = std::pin::pin!(std::future::pending());
        let (mut desk, _requests) = Desk::new(None);
        let start = || BlockingCommand::new("/nowhere/worker");
        let error = in_runtime(look_after(start, NannyPolicy::default(), never, &mut desk)).unwrap_err();
        assert!(error.to_string().contains("/nowhere/worker"), "{error}");
    }
}
