//! The one place that draws lots.

/// Any number: it spreads what would otherwise come again all at once.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::as_conversions,
    reason = "the cast saturates"
)]
pub fn jitter() -> u32 {
    (worker::js_sys::Math::random() * f64::from(u32::MAX)) as u32
}
