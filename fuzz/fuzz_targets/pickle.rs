//! See `hyperslab::exec::remote::fuzz::pickle`.
#![no_main]

use hyperslab::exec::remote::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzz::pickle(bytes));
