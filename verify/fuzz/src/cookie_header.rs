//! The two headers in which a token can come: the first line is `Authorization`, the rest is
//! `Cookie`, and the reference reads both again by the grammar of RFC 6265.
//!
//! Each token that is judged stands where it is said to stand, a bearer comes first, and no token
//! that claims to be the instance's is passed over, however often its cookie comes. The same text
//! is then taken for a cookie that Clerk asks us to set.

use serde_json::Value;
use shared::session::CANDIDATES_MAX;
use shared::session::candidates::{
    ClerkInstance, CredentialHeaders, InstanceType, TokenCandidate, TokenLocation, find_candidates,
};
use shared::session::cookies::SetCookie;
use shared::time::UnixMillis;

use crate::Target;
use crate::reference::base64url;

/// See the module.
pub const TARGET: Target = Target {
    name: "cookie_header",
    run,
    met: &["no token", "bearer", "suffixed cookie", "plain cookie", "several", "beside a bearer"],
};

const SUFFIX: &str = "qReyu04C";

const ISSUER: &str = "https://clerk.example.com";

const NOW: UnixMillis = UnixMillis(1_700_000_010_000);

/// Chooses among the tokens of one request, for each kind of instance.
///
/// # Panics
/// When the choice is not one that may be made.
#[must_use]
pub fn run(data: &[u8]) -> &'static str {
    let Ok(text) = str::from_utf8(data) else { return "not text" };
    let (authorization, cookie) = text.split_once('\n').unwrap_or(("", text));
    check_set_cookie(cookie);
    let presented = CredentialHeaders {
        authorization: (!authorization.is_empty()).then_some(authorization),
        cookie: (!cookie.is_empty()).then_some(cookie),
    };
    let check = |suffix, instance_type| {
        check(presented, &ClerkInstance { issuer: ISSUER, suffix, instance_type })
    };
    let _ = check(None, InstanceType::Production);
    let _ = check(Some(SUFFIX), InstanceType::Development);
    check(Some(SUFFIX), InstanceType::Production)
}

fn check(presented: CredentialHeaders<'_>, instance: &ClerkInstance<'_>) -> &'static str {
    let cookies = Cookies::read(presented.cookie.unwrap_or_default(), instance.suffix);
    let bearer = presented.authorization.and_then(|value| value.strip_prefix("Bearer "));
    let ours = cookies.ours(bearer);
    let Ok(found) = find_candidates(presented, instance, NOW) else {
        assert!(CANDIDATES_MAX <= ours.len(), "not crowded: {presented:?}");
        return "crowded";
    };
    let first = found.first().unwrap_or_else(|| panic!("no place in {presented:?}"));
    if let Some(bearer) = bearer {
        let head = TokenCandidate {
            token: Some(bearer),
            location: TokenLocation::AuthorizationHeader,
            client_uat: None,
        };
        assert_eq!(*first, head, "{presented:?}");
    }
    found
        .iter()
        .filter(|it| it.location != TokenLocation::AuthorizationHeader)
        .for_each(|it| cookies.stands(it));
    let is_among = |token: &&str| found.iter().any(|it| it.token == Some(token));
    // Without a scheme it may be a token too; then cookies of its user are left out.
    if bearer.is_some() || first.location != TokenLocation::AuthorizationHeader {
        assert!(ours.iter().all(is_among) || 64 < cookies.most(), "passed over: {presented:?}");
    }
    match (first.token, first.location, found.len()) {
        (_, TokenLocation::AuthorizationHeader, 1) => "bearer",
        (_, TokenLocation::AuthorizationHeader, _) => "beside a bearer",
        (_, _, 2..) => "several",
        (None, ..) => "no token",
        (Some(_), TokenLocation::SuffixedCookie, _) => "suffixed cookie",
        (Some(_), TokenLocation::Cookie, _) => "plain cookie",
    }
}

/// The different values of Clerk's cookies that carry tokens.
struct Cookies<'a> {
    plain: Vec<&'a str>,
    suffixed: Vec<&'a str>,
}

impl<'a> Cookies<'a> {
    fn read(header: &'a str, suffix: Option<&str>) -> Self {
        let suffixed = suffix.map(|suffix| values(header, &format!("__session_{suffix}")));
        Self { plain: values(header, "__session"), suffixed: suffixed.unwrap_or_default() }
    }

    /// A token is a value of the cookie that it is said to come from.
    fn stands(&self, found: &TokenCandidate<'_>) {
        let values = match found.location {
            TokenLocation::Cookie => &self.plain,
            TokenLocation::SuffixedCookie => &self.suffixed,
            TokenLocation::AuthorizationHeader => return,
        };
        assert!(found.token.is_none_or(|token| values.contains(&token)), "{found:?}");
    }

    /// The tokens that claim to be the instance's; beside a bearer those of another user.
    fn ours(&self, bearer: Option<&str>) -> Vec<&'a str> {
        let all = self.plain.iter().chain(&self.suffixed).copied();
        let ours = all.filter(|token| claim(Some(token), "iss").as_deref() == Some(ISSUER));
        ours.filter(|token| bearer.is_none_or(|bearer| differ(bearer, token))).collect()
    }

    /// How many values one of them has.
    fn most(&self) -> usize {
        self.plain.len().max(self.suffixed.len())
    }
}

/// The different values of a cookie that are not empty. Only spaces and tabs surround a name or a
/// value (RFC 6265 section 5.2): a name in other white space is another name.
fn values<'a>(header: &'a str, name: &str) -> Vec<&'a str> {
    let mut values = Vec::new();
    for pair in header.split(';') {
        let Some(at) = pair.find('=') else { continue };
        let (known, value) = (pair.get(..at), pair.get(at + 1..));
        let known = known.unwrap_or_default().trim_matches([' ', '\t']);
        let value = value.unwrap_or_default().trim_matches([' ', '\t']);
        if known == name && !value.is_empty() && !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

/// Whether a token beside the bearer names a user, and not the bearer's.
fn differ(bearer: &str, beside: &str) -> bool {
    let [bearer, beside] = [bearer, beside].map(|token| claim(Some(&token), "sub"));
    beside.is_some() && bearer != beside
}

/// What a token claims, unchecked.
fn claim(token: Option<&&str>, name: &str) -> Option<String> {
    let payload = base64url(token?.split('.').nth(1)?)?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    claims.get(name)?.as_str().map(str::to_owned)
}

/// A cookie that is set on Clerk's word is one of Clerk's, on one line, and is read again the same.
fn check_set_cookie(raw: &str) {
    let Some(cookie) = SetCookie::parse(raw, Some(SUFFIX)) else { return };
    let line = cookie.line();
    assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{raw:?} became {line:?}");
    assert!(line.starts_with("__"), "{raw:?} became {line:?}");
    assert_eq!(SetCookie::parse(line, Some(SUFFIX)), Some(cookie.clone()), "{raw:?}");
}
