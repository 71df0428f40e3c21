//! The fuzz target `session_token`: see `fuzz::session_token`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = fuzz::session_token::run(data);
});
