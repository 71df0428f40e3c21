//! The fuzz target `cookie_header`: see `fuzz::cookie_header`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = fuzz::cookie_header::run(data);
});
