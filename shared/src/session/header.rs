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
/// What the categories of all of Clerk's other tokens begin with.
const CATEGORY_PREFIX: &str = "cl_B7d4PD";

/// Which tokens are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A session's.
    Session,
    /// A handshake's. Its category is not documented, so it is known by what it is not.
    Handshake,
}

impl Class {
    fn admits(self, category: Option<&str>) -> bool {
        match (self, category) {
            (_, None | Some(CATEGORY_IGNORE)) | (Self::Session, Some(CATEGORY_SESSION)) => true,
            (Self::Session, Some(_)) => false,
            (Self::Handshake, Some(other)) => !other.starts_with(CATEGORY_PREFIX),
        }
    }
}

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

/// The key that the token names, if the header is one of `class`. Keys and addresses of keys
/// inside the header (`jwk`, `jku`, `x5u`) are never looked at.
pub(super) fn read(token: &str, json: &[u8], class: Class) -> Result<Option<String>, Rejection> {
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
    if class.admits(strict.cat.as_deref()) { Ok(header.kid) } else { Err(Rejection::Category) }
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
