//! Random numbers.

use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::WorkerGlobalScope;
use worker::js_sys;

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
