//! The clock: the only place where this program reads the time.

/// Milliseconds since 1970-01-01T00:00:00Z.
///
/// A clock before 1970 reads as 0: then every token and signature is refused as too old.
#[must_use]
pub fn now_ms() -> i64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "a native program; this is where it reads the clock"
    )]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}
