//! The header of a token.

use jsonwebtoken::Algorithm;

use super::TokenError;
use crate::json::{JsonObject, parse_scalar};

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
pub(super) fn parse_header(token: &str, json: &[u8]) -> Result<Option<String>, TokenError> {
    let strict = str::from_utf8(json).ok().and_then(|json| JsonObject::parse(json, &STRICT).ok());
    let strict = strict.filter(|strict| !strict.has_duplicate()).ok_or(TokenError::BadHeader)?;
    let raw = |name| strict.raw_member(name).map_err(|_| TokenError::BadHeader);
    let text = |name| raw(name)?.map(parse_scalar).transpose().map_err(|_| TokenError::BadHeader);
    let (_, typ, cat): (Option<String>, Option<String>, Option<String>) =
        (text("alg")?, text("typ")?, text("cat")?);
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::BadHeader)?;
    if header.alg != Algorithm::RS256 {
        return Err(TokenError::WrongAlgorithm);
    }
    if raw("crit")?.is_some() || raw("b64")?.is_some() {
        return Err(TokenError::UnsupportedExtension);
    }
    if typ.is_some_and(|typ| typ != "JWT") {
        return Err(TokenError::WrongType);
    }
    if is_taken(cat.as_deref()) { Ok(header.kid) } else { Err(TokenError::WrongCategory) }
}
