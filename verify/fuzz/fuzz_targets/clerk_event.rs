//! The fuzz target `clerk_event`: see `fuzz::clerk_event`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = fuzz::clerk_event::run(data);
});
