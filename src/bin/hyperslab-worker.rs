//! A worker on a dask.distributed scheduler that knows the crate's own kernels and formats of files.
//!
//! For kernels of your own write a program like this one, and register them: see `hyperslab::exec::remote::worker_main`.

use std::process::ExitCode;

use hyperslab::exec::remote::worker_main;
use hyperslab::kernel::Registry;

fn main() -> ExitCode {
    let mut registry = Registry::new();
    match registry.register_files() {
        Ok(()) => worker_main(registry),
        Err(error) => {
            eprintln!("hyperslab worker: {error}");
            ExitCode::FAILURE
        }
    }
}
