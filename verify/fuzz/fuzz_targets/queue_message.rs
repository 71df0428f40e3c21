//! The fuzz target `queue_message`: see `fuzz::queue_message`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = fuzz::queue_message::run(data);
});
