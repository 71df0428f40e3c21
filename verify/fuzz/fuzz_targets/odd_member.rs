//! The fuzz target `odd_member`: see `fuzz::odd_member`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = fuzz::odd_member::run(data);
});
