//! The fuzz target `merge_law`: see `fuzz::merge_law`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = fuzz::merge_law::run(data);
});
