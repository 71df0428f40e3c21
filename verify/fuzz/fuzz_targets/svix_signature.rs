//! The fuzz target `svix_signature`: see `fuzz::svix_signature`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = fuzz::svix_signature::run(data);
});
