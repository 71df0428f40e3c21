//! The one place that draws lots.

use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::WorkerGlobalScope;
use worker::js_sys;

/// A text that nobody can guess: 122 bits, as letters, digits and `-`.
///
/// # Errors
/// When the platform has no cryptography.
pub fn uuid() -> Result<String, JsValue> {
    let global: WorkerGlobalScope = js_sys::global().unchecked_into();
    Ok(global.crypto()?.random_uuid())
}

/// Any number: it spreads what would otherwise come again all at once.
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
