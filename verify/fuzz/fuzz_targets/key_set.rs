//! The fuzz target `key_set`: see `fuzz::key_set`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = fuzz::key_set::run(data);
});
