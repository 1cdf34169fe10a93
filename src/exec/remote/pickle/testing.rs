//! What Python makes of a pickle.

use std::io::Write;
use std::process::{Command, Stdio};

/// Runs a script that finds the pickle at its standard input, and gives what it prints. Nothing if `HYPERSLAB_DASK_PYTHON` names
/// no Python with `distributed`.
pub(super) fn python_says(script: &str, pickle: &[u8]) -> Option<String> {
    let Some(python) = std::env::var_os("HYPERSLAB_DASK_PYTHON") else {
        eprintln!("skipped: HYPERSLAB_DASK_PYTHON names no Python with `distributed`");
        return None;
    };
    let mut process = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("as the test set it up");
    process.stdin.take().expect("as the test set it up").write_all(pickle).expect("as the test set it up");
    let output = process.wait_with_output().expect("as the test set it up");
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).expect("as the test set it up"))
}
