//! The header of a token.

use jsonwebtoken::Algorithm;

use super::TokenError;
use crate::json::{JsonObject, parse_scalar};

/// The category of session tokens and of handshake tokens. Source of both:
/// clerk/javascript, `packages/backend/src/tokens/jwtCategories.ts`. Tokens of templates and
/// machines have others: users may write into those, so they are never sessions or handshakes.
const CATEGORY_SESSION: &str = "cl_B7d4PD111AAA";
/// A category that some instances set on every token.
const CATEGORY_IGNORE: &str = "cl_I7d4PD111III";

/// Whether it is a category of sessions and handshakes. Older tokens have none.
fn is_allowed(category: Option<&str>) -> bool {
    matches!(category, None | Some(CATEGORY_SESSION | CATEGORY_IGNORE))
}

/// Members that are parsed strictly here. `jsonwebtoken` accepts an array for an object,
/// `{"RS256":null}` for `"RS256"`, `null` for a missing member, and duplicates.
const STRICT: [&str; 6] = ["alg", "typ", "cat", "kid", "crit", "b64"];

/// The key id, if the header is that of a session or handshake token: both have the same header,
/// and their claims differ. Keys and key URLs in the header (`jwk`, `jku`, `x5u`) are never used.
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
    if is_allowed(cat.as_deref()) { Ok(header.kid) } else { Err(TokenError::WrongCategory) }
}
