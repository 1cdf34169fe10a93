//! The nanny's loop: starts a worker, watches it, starts the next.

use std::future::Future;
use std::pin::Pin;
use std::process::{Command as BlockingCommand, ExitStatus};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::error::{Error, Result};
use crate::exec::remote::worker::process_bytes_of;

use super::line::{Beats, Line, asked_to_leave};
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

/// Looks after the workers that `command` starts until one ends in peace, or this process is asked to leave by a signal
/// or the end of its line.
///
/// # Errors
///
/// A worker cannot be started, or several in a row died before they had joined.
pub(crate) async fn look_after(
    command: impl Fn() -> BlockingCommand,
    policy: NannyPolicy,
    line: Option<Line>,
) -> Result<()> {
    let beats = Beats::default();
    let mut asked = std::pin::pin!(asked_to_leave(line, &beats));
    let mut supervision = Supervision::new(policy);
    loop {
        let (mut worker, line) = start(command())?;
        let id = worker.id().unwrap_or(0);
        supervision.started();
        let status = match watch(&mut worker, line, &mut supervision, asked.as_mut()).await? {
            Watched::Dismissed => return Ok(()),
            Watched::Ended(status) => status,
        };
        match supervision.ended(status.success()) {
            Next::Done => return Ok(()),
            Next::GiveUp { n_deaths } => {
                let detail = format!("{n_deaths} workers in a row died before they had joined; the last: {status}");
                return Err(Error::remote(OP, format!("process {id}"), detail));
            }
            Next::StartAfter(pause) => {
                eprintln!("hyperslab nanny: worker {id} died ({status}), the next one starts");
                tokio::select! {
                    asked = &mut asked => return asked,
                    () = sleep(pause) => {}
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
) -> Result<Watched> {
    let id = worker.id().unwrap_or(0);
    let mut looks = interval(LOOK_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut has_line = true;
    loop {
        tokio::select! {
            status = worker.wait() => return ended(status),
            heard = line.heard(), if has_line => match heard {
                Some(has_joined) => supervision.beat(has_joined),
                None => has_line = false,
            },
            _ = looks.tick() => if let Some(fault) = supervision.look(process_bytes_of(id)) {
                eprintln!("hyperslab nanny: worker {id} is ended: {fault}");
                // It may have ended by itself just now.
                drop(worker.start_kill());
                return ended(worker.wait().await);
            },
            asked = &mut asked => {
                asked?;
                drop(line);
                if timeout(LEAVE_LIMIT, worker.wait()).await.is_err() {
                    drop(worker.kill().await);
                }
                return Ok(Watched::Dismissed);
            }
        }
    }
}

fn ended(status: std::io::Result<ExitStatus>) -> Result<Watched> {
    let failed = |source| Error::remote(OP, "the worker", &source).with_source(source);
    status.map(Watched::Ended).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> BlockingCommand {
        let mut command = BlockingCommand::new("sh");
        command.args(["-c", script]);
        command
    }

    /// Looks after workers that run a script; a dismissed nanny has no parent any more.
    fn look_after_script(script: &str, policy: NannyPolicy, is_dismissed: bool) -> Result<()> {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let (parent, own) = Line::to_child().unwrap();
            let parent = Some(parent).filter(|_| !is_dismissed);
            let result = look_after(|| shell(script), policy, Some(Line::of(own).unwrap())).await;
            drop(parent);
            result
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

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let start = || BlockingCommand::new("/nowhere/worker");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = runtime.block_on(look_after(start, NannyPolicy::default(), None)).unwrap_err();
        assert!(error.to_string().contains("/nowhere/worker"), "{error}");
    }
}
