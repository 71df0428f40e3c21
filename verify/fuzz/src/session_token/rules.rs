//! The rules of a session token, said once more: what the reader and the checker must agree with.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{ISSUER, NOW_S, PARTY};
use crate::reference::{base64url, member, members};

/// What a session says: who, which, when it ends, who acts.
pub(super) type Said = (String, String, i64, Option<String>);

/// A token taken apart by the reference.
pub(super) struct Parts {
    pub(super) kid: Option<String>,
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
    /// It names nothing but what Clerk names: no reader may refuse it.
    pub(super) is_plain: bool,
}

/// RFC 7515 as Clerk uses it: `alg` RS256, `typ` JWT, `cat` of a session, nothing critical.
pub(super) fn parts(token: &str) -> Option<Parts> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else { return None };
    if 8192 < token.len() || parts.contains(&"") {
        return None;
    }
    let (header, payload) = (base64url(header)?, base64url(payload)?);
    let signature = base64url(signature)?;
    let names = ["alg", "typ", "cat", "kid", "crit", "b64"];
    let header_of = members(&header, &names)?;
    let text = |name: &str| match member(&header_of, name) {
        None => Some(None),
        Some(Value::String(text)) => Some(Some(text.as_str())),
        Some(_) => None,
    };
    let categories = [None, Some("cl_B7d4PD111AAA"), Some("cl_I7d4PD111III")];
    let is_ours = text("alg")? == Some("RS256")
        && [None, Some("JWT")].contains(&text("typ")?)
        && categories.contains(&text("cat")?)
        && member(&header_of, "crit").is_none()
        && member(&header_of, "b64").is_none();
    let kid = match member(&header_of, "kid") {
        None | Some(Value::Null) => None,
        Some(kid) => Some(kid.as_str()?.to_owned()),
    };
    let only: BTreeMap<String, Value> = serde_json::from_slice(&header).unwrap_or_default();
    let is_plain = !only.is_empty() && only.keys().all(|name| names.contains(&name.as_str()));
    is_ours.then_some(Parts { kid, payload, signature, is_plain })
}

/// The claims as the reference reads them; `None` for those of no session of ours.
pub(super) fn claims(payload: &[u8]) -> Option<Said> {
    str::from_utf8(payload).ok()?;
    let names = ["iss", "sub", "sid", "azp", "exp", "nbf", "iat", "sts", "act"];
    let claims = members(payload, &names)?;
    let text = |name: &str| match member(&claims, name) {
        None => Some(None),
        Some(value) => value.as_str().map(Some),
    };
    let seconds = |name: &str| match member(&claims, name) {
        None => Some(None),
        Some(value) => value.as_u64().filter(|s| *s <= 253_402_300_799).map(Some),
    };
    let (user, session) = (text("sub")?.filter(|it| is_user(it))?, text("sid")?);
    let session = session.filter(|it| is_id(it))?;
    let exp = seconds("exp")?.filter(|exp| NOW_S < exp + 5)?;
    let is_early = |at: Option<u64>| at.is_some_and(|at| NOW_S + 5 < at);
    if is_early(seconds("nbf")?) || is_early(seconds("iat")?) {
        return None;
    }
    let is_ours = text("iss")? == Some(ISSUER)
        && text("azp")? == Some(PARTY)
        && [None, Some("active")].contains(&text("sts")?);
    let actor = match member(&claims, "act") {
        None => None,
        Some(act) => Some(actor(act, payload)?),
    };
    let said = (user.into(), session.into(), i64::try_from(exp * 1000).ok()?, actor);
    is_ours.then_some(said)
}

/// Whether every reader of JSON takes these claims for the same.
pub(super) fn is_plain(payload: &[u8]) -> bool {
    let read: serde_json::Result<BTreeMap<String, Value>> = serde_json::from_slice(payload);
    read.is_ok_and(|claims| {
        let names: Vec<&str> = claims.keys().map(String::as_str).collect();
        members(payload, &names).is_some()
    })
}

/// Who acts: an object that names it once. `Value` keeps the last of two: the text is read again.
fn actor(act: &Value, payload: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Raw<'a> {
        #[serde(borrow)]
        act: &'a serde_json::value::RawValue,
    }
    let raw: Raw<'_> = serde_json::from_slice(payload).ok()?;
    let sub = act.as_object()?.get("sub")?.as_str().filter(|it| (1..=256).contains(&it.len()))?;
    members(raw.act.get().as_bytes(), &["sub"])?;
    Some(sub.to_owned())
}

fn is_user(text: &str) -> bool {
    is_id(text) && text.starts_with("user_") && "user_".len() < text.len()
}

fn is_id(text: &str) -> bool {
    let symbols = |symbol: char| symbol.is_ascii_alphanumeric() || "_-".contains(symbol);
    (1..=128).contains(&text.len()) && text.chars().all(symbols)
}
