//! The fuzz target `redirect_url`: see `fuzz::redirect_url`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = fuzz::redirect_url::run(data);
});
