//! What Python makes of a pickle.

use std::io::Write;
use std::process::{Command, Stdio};

/// Runs a script that finds the pickle at its standard input, and gives what it prints. Nothing if `HYPERSLAB_PYTHON` names
/// no Python with `distributed`.
pub(super) fn python_says(script: &str, pickle: &[u8]) -> Option<String> {
    let Some(python) = std::env::var_os("HYPERSLAB_PYTHON") else {
        eprintln!("skipped: HYPERSLAB_PYTHON names no Python with `distributed`");
        return None;
    };
    let mut process =
        Command::new(python).args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(pickle).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).unwrap())
}
