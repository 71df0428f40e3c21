//! The header of a token.

use jsonwebtoken::Algorithm;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::Rejection;

/// The category of a session's token. Source of all three: clerk/javascript,
/// `packages/backend/src/tokens/jwtCategories.ts`.
const CATEGORY_SESSION: &str = "cl_B7d4PD111AAA";
/// The category that says nothing about the token.
const CATEGORY_IGNORE: &str = "cl_I7d4PD111III";

/// What `jsonwebtoken` reads more loosely than we want: there, a `null` is as good as nothing, and
/// of two `cat`s the last one counts. Here both are refused.
#[derive(Deserialize)]
struct Strict {
    #[serde(default, deserialize_with = "some")]
    typ: Option<String>,
    #[serde(default, deserialize_with = "some")]
    cat: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "present")]
    b64: bool,
}

/// The key that the token names, if the header is a session token's. Keys and addresses of keys
/// inside the header (`jwk`, `jku`, `x5u`) are never looked at.
pub(super) fn read(token: &str, json: &[u8]) -> Result<Option<String>, Rejection> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| Rejection::Header)?;
    if header.alg != Algorithm::RS256 {
        return Err(Rejection::Algorithm);
    }
    let strict: Strict = serde_json::from_slice(json).map_err(|_| Rejection::Header)?;
    if strict.crit || strict.b64 {
        return Err(Rejection::Critical);
    }
    if strict.typ.is_some_and(|typ| typ != "JWT") {
        return Err(Rejection::Type);
    }
    match strict.cat.as_deref() {
        None | Some(CATEGORY_SESSION | CATEGORY_IGNORE) => Ok(header.kid),
        Some(_) => Err(Rejection::Category),
    }
}

/// A value that may be absent, but not `null`.
pub(super) fn some<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Whether the name is there at all, whatever stands behind it.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}
