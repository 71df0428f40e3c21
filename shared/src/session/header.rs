//! The header of a token.

use jsonwebtoken::Algorithm;

use super::Rejection;
use crate::json::{Object, leaf};

/// The category of a session's token, and of the answer to a handshake. Source of both:
/// clerk/javascript, `packages/backend/src/tokens/jwtCategories.ts`. Templates and machines have
/// others, and what users may write into those is no session and sets no cookie.
const CATEGORY_SESSION: &str = "cl_B7d4PD111AAA";
/// The category that says nothing about the token: some instances write it into every one.
const CATEGORY_IGNORE: &str = "cl_I7d4PD111III";

/// Whether Clerk signs sessions and handshakes so. Older tokens say nothing of their category.
fn is_taken(category: Option<&str>) -> bool {
    matches!(category, None | Some(CATEGORY_SESSION | CATEGORY_IGNORE))
}

/// What `jsonwebtoken` reads more loosely than we want: there, an array is as good as an object,
/// `{"RS256":null}` as `"RS256"`, a `null` as nothing, and of two `cat`s the last one counts. Here
/// all of them are refused.
const STRICT: [&str; 6] = ["alg", "typ", "cat", "kid", "crit", "b64"];

/// The key that the token names, if the header is one of a session's or a handshake's: Clerk writes
/// both alike, and what is inside tells them apart. Keys and addresses of keys inside the header
/// (`jwk`, `jku`, `x5u`) are never looked at.
pub(super) fn read(token: &str, json: &[u8]) -> Result<Option<String>, Rejection> {
    let strict = str::from_utf8(json).ok().and_then(|json| Object::read(json, &STRICT).ok());
    let strict = strict.filter(|strict| !strict.has_twice()).ok_or(Rejection::Header)?;
    let raw = |name| strict.raw(name).map_err(|_| Rejection::Header);
    let text = |name| raw(name)?.map(leaf).transpose().map_err(|_| Rejection::Header);
    let (_, typ, cat): (Option<String>, Option<String>, Option<String>) =
        (text("alg")?, text("typ")?, text("cat")?);
    let header = jsonwebtoken::decode_header(token).map_err(|_| Rejection::Header)?;
    if header.alg != Algorithm::RS256 {
        return Err(Rejection::Algorithm);
    }
    if raw("crit")?.is_some() || raw("b64")?.is_some() {
        return Err(Rejection::Critical);
    }
    if typ.is_some_and(|typ| typ != "JWT") {
        return Err(Rejection::Type);
    }
    if is_taken(cat.as_deref()) { Ok(header.kid) } else { Err(Rejection::Category) }
}
