//! See `hyperslab::exec::remote::fuzz::block`.
#![no_main]

use hyperslab::exec::remote::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzz::block(bytes));
