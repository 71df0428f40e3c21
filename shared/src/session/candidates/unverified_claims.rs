//! Unverified claims, used only to compare and order tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::json::JsonObject;

/// Which issuer a token claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ClaimedIssuer {
    /// This instance's.
    Ours,
    /// Another issuer, or one that is not a string.
    Other,
    /// It has no issuer, or is not a token.
    #[default]
    Missing,
}

/// The claims that tokens are ordered by.
#[derive(Debug, Default)]
pub(super) struct UnverifiedClaims {
    pub(super) issuer: ClaimedIssuer,
    pub(super) subject: Option<String>,
    pub(super) issued_at: Option<i64>,
    pub(super) expires_at: Option<i64>,
}

impl UnverifiedClaims {
    pub(super) fn parse(token: &str, issuer: &str) -> Self {
        let payload = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let text = payload.as_deref().and_then(|payload| str::from_utf8(payload).ok());
        let claims =
            text.and_then(|text| JsonObject::parse(text, &["iss", "sub", "iat", "exp"]).ok());
        let Some(claims) = claims else { return Self::default() };
        let seconds = |name| claims.scalar::<i64>(name).ok().flatten();
        Self {
            issuer: classify_issuer(&claims.raw_member("iss"), issuer),
            subject: claims.scalar("sub").ok().flatten(),
            issued_at: seconds("iat"),
            expires_at: seconds("exp"),
        }
    }
}

/// As in Clerk's SDK, which tests for a JavaScript falsy value: `0`, `false`, `null` and an empty
/// string count as missing, and any other value that is not a string as another issuer's. So does a
/// duplicate: parsers may disagree about it.
fn classify_issuer(iss: &serde_json::Result<Option<&RawValue>>, issuer: &str) -> ClaimedIssuer {
    let Ok(iss) = iss else { return ClaimedIssuer::Other }; // Duplicate.
    let Some(iss) = iss else { return ClaimedIssuer::Missing };
    match serde_json::from_str(iss.get()) {
        Ok(Value::Null | Value::Bool(false)) => ClaimedIssuer::Missing,
        Ok(Value::Number(number)) if number.as_f64() == Some(0.0) => ClaimedIssuer::Missing,
        Ok(Value::String(text)) if text.is_empty() => ClaimedIssuer::Missing,
        Ok(Value::String(text)) if text == issuer => ClaimedIssuer::Ours,
        Ok(
            Value::Bool(true)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_),
        )
        | Err(_) => ClaimedIssuer::Other,
    }
}
