//! Random numbers.

use std::time::Duration;

use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::WorkerGlobalScope;
use worker::{Delay, js_sys};

/// A random UUID (122 bits).
///
/// # Errors
/// If the runtime has no Web Crypto.
pub fn uuid() -> Result<String, JsValue> {
    let global: WorkerGlobalScope = js_sys::global().unchecked_into();
    Ok(global.crypto()?.random_uuid())
}

/// Twelve random hexadecimal digits, for ids of things that must be told apart and not be secret.
/// Empty if the runtime has no Web Crypto.
#[must_use]
pub fn short_id() -> String {
    let uuid = uuid().unwrap_or_default();
    uuid.chars().filter(char::is_ascii_hexdigit).take(12).collect()
}

/// A random number for jitter, which avoids synchronized retries.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::as_conversions,
    reason = "the cast saturates"
)]
pub fn jitter() -> u32 {
    (js_sys::Math::random() * f64::from(u32::MAX)) as u32
}

/// Waits for a random time before a write is tried again that another one came before. `outrun` is
/// how often that happened, from 0. Without a wait all writers that read the same head would read
/// the next one together too, and only one of them would get through each time.
pub async fn wait_outrun(outrun: u32) {
    /// Milliseconds at most: 20, 40, 80, 160, and then 320.
    const FIRST_MS: u32 = 20;
    const DOUBLINGS_MAX: u32 = 4;
    let most = FIRST_MS << outrun.min(DOUBLINGS_MAX);
    Delay::from(Duration::from_millis(u64::from(jitter() % most))).await;
}
