//! The process of a worker, with or without one that looks after it.

use std::ffi::OsString;
use std::future::Future;
use std::pin::pin;
use std::process::Command;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::exec::remote::worker::{TaskRunner, WorkerOptions, stay_joined};

use super::line::{Beats, Line, asked_to_leave};
use super::policy::NannyPolicy;
use super::process::look_after;
use super::server::Reception;

const OP: &str = "worker";

/// The options of a worker's program that a nanny adds for the worker it starts; its address follows.
const OF_A_CHILD: [&str; 3] = ["--no-nanny", "--supervised", "--nanny-address"];

/// Runs a worker until the scheduler asks it to end, or this process is asked to leave: by a signal, or, if it is
/// supervised, by the end of the line that is its standard input.
///
/// # Errors
///
/// The settings are wrong, or there is no such line.
pub(crate) fn run_as_worker<R: TaskRunner>(options: &WorkerOptions, runner: Arc<R>, is_supervised: bool) -> Result<()> {
    block_on(async {
        let line = line_if(is_supervised)?;
        tokio::select! {
            ended = stay_joined(options, runner) => ended,
            asked = asked_to_leave(line, &options.beats) => asked,
        }
    })
}

/// Starts this program again as a worker, and again when it dies or when the scheduler asks for that: see [`look_after`].
///
/// # Errors
///
/// The settings are wrong, the program cannot be started, or several workers in a row died before they had joined.
pub(crate) fn look_after_this_program(options: &WorkerOptions, policy: NannyPolicy, is_supervised: bool) -> Result<()> {
    let program = std::env::current_exe()
        .map_err(|source| Error::remote(OP, "this program", format!("it has no name: {source}")).with_source(source))?;
    let own: Vec<OsString> = std::env::args_os().collect();
    block_on(async {
        let beats = Beats::default();
        let mut asked = pin!(asked_to_leave(line_if(is_supervised)?, &beats));
        let Reception { address, mut desk, listening: _listening } = tokio::select! {
            open = Reception::open(options) => open?,
            asked = &mut asked => return asked,
        };
        let command = || {
            let mut command = Command::new(&program);
            command.args(arguments_of_a_child(&own, &address));
            command
        };
        look_after(command, policy, asked, &mut desk).await
    })
}

/// The arguments of this process without its name, with those that make it a worker whose nanny is elsewhere.
fn arguments_of_a_child(own: &[OsString], nanny: &str) -> Vec<OsString> {
    let own = own.iter().skip(1).filter(|arg| OF_A_CHILD.iter().all(|child| arg != child) && *arg != "--nanny");
    own.cloned().chain(OF_A_CHILD.map(OsString::from)).chain([nanny.into()]).collect()
}

fn line_if(is_supervised: bool) -> Result<Option<Line>> {
    is_supervised.then(Line::to_parent).transpose()
}

fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| Error::threads(1, source))?;
    let result = runtime.block_on(work);
    // A kernel may run for long yet; nobody waits for it.
    runtime.shutdown_background();
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_gets_the_same_arguments_and_no_nanny() {
        let own = ["worker", "--supervised", "tcp://127.0.0.1:1", "--nanny", "--nthreads", "2"].map(OsString::from);
        let expected = [
            "tcp://127.0.0.1:1",
            "--nthreads",
            "2",
            "--no-nanny",
            "--supervised",
            "--nanny-address",
            "tcp://127.0.0.1:2",
        ];
        assert_eq!(arguments_of_a_child(&own, "tcp://127.0.0.1:2"), expected.map(OsString::from));
    }
}
