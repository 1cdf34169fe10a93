//! Which Python runs the scheduler, and making one where there is none.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::config;
use crate::error::{Error, Result};

const OP: &str = "local cluster";

/// What a Python is asked for; the dashboard needs the second package.
const PACKAGES: [&str; 2] = ["distributed", "bokeh"];

/// The Python that is named, here or by the environment, or the first one found that has `distributed`; if allowed, one is
/// made. One that is named is not replaced with another.
pub(super) fn find(named: Option<&Path>, may_install: bool) -> Result<PathBuf> {
    let named = named.map(Path::to_owned).or_else(config::dask_python);
    find_among(named.as_deref(), &candidates(), || may_install.then(own_environment))
}

fn find_among(
    named: Option<&Path>,
    candidates: &[PathBuf],
    own: impl FnOnce() -> Option<Result<PathBuf>>,
) -> Result<PathBuf> {
    if let Some(python) = named {
        let remedy =
            "`pip install distributed bokeh` there, or name another one with `python(..)` or HYPERSLAB_DASK_PYTHON";
        return check(python).map(|()| python.to_owned()).map_err(|error| error.with_remedy(remedy));
    }
    if let Some(python) = candidates.iter().find(|python| check(python).is_ok()) {
        return Ok(python.clone());
    }
    own().unwrap_or_else(|| {
        let error = Error::remote(OP, "scheduler", "no Python with the package `distributed` was found");
        Err(error.with_remedy(
            "name one with `python(..)` or HYPERSLAB_DASK_PYTHON, or allow one to be made with `install(true)`",
        ))
    })
}

/// Those on the path, and the one that was made before.
fn candidates() -> Vec<PathBuf> {
    [PathBuf::from("python3"), PathBuf::from("python")].into_iter().chain(own_python()).collect()
}

/// Fails unless the program is a Python that has the package.
fn check(python: &Path) -> Result<()> {
    run(python, &["-c".into(), "import distributed".into()])
}

fn own_python() -> Option<PathBuf> {
    Some(config::cache_folder()?.join("dask").join("bin").join("python"))
}

/// A virtual environment in the cache folder, made now if it is not there.
fn own_environment() -> Result<PathBuf> {
    let python = own_python()
        .ok_or_else(|| Error::remote(OP, "scheduler", "there is no cache folder to install a Python environment in"))?;
    let folder = python.parent().and_then(Path::parent).unwrap_or(&python).to_owned();
    eprintln!("hyperslab: installing {} into {}", PACKAGES.join(" and "), folder.display());
    run(Path::new("python3"), &["-m".into(), "venv".into(), folder.into_os_string()])?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"].into_iter().chain(PACKAGES);
    run(&python, &pip.map(OsString::from).collect::<Vec<_>>())?;
    check(&python).map(|()| python)
}

fn run(program: &Path, args: &[OsString]) -> Result<()> {
    let failed = |detail: String| Error::remote(OP, program.display(), detail);
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    let output = output.map_err(|source| failed(format!("not started: {source}")).with_source(source))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.trim_end().lines().last().unwrap_or("it said nothing");
    Err(failed(format!("{}: {last}", output.status)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_works_is_taken_and_a_named_one_is_not_replaced() {
        let works = PathBuf::from("true");
        let candidates = [PathBuf::from("/nowhere/python"), PathBuf::from("false"), works.clone()];
        assert_eq!(find_among(None, &candidates, || None).unwrap(), works);
        let named = find_among(Some(Path::new("/nowhere/python")), &candidates, || None).unwrap_err();
        assert!(named.is_remote() && named.to_string().contains("/nowhere/python"), "{named}");
        assert!(named.to_string().contains("pip install distributed"), "{named}");
    }

    #[test]
    fn without_any_the_error_says_what_to_do_and_a_new_one_is_made_only_if_allowed() {
        let none = [PathBuf::from("false")];
        let error = find_among(None, &none, || None).unwrap_err();
        assert!(error.to_string().contains("HYPERSLAB_DASK_PYTHON"), "{error}");
        assert_eq!(find_among(None, &none, || Some(Ok("made".into()))).unwrap(), PathBuf::from("made"));
    }
}
