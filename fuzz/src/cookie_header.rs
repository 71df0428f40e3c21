//! The two headers in which a token can come: the first line is `Authorization`, the rest is
//! `Cookie`, and the reference reads both again by the grammar of RFC 6265.
//!
//! The token that is chosen stands where it is said to stand, and two tokens of different users
//! are never settled in favour of one. The same text is then taken for a cookie that Clerk asks
//! us to set.

use serde_json::Value;
use shared::session::Rejection;
use shared::session::cookies::SetCookie;
use shared::session::source::{Carrier, Found, Instance, Presented, Stage, choose};
use shared::time::UnixMillis;

use crate::Target;
use crate::reference::base64url;

/// See the module.
pub const TARGET: Target = Target {
    name: "cookie_header",
    run,
    met: &["no token", "bearer", "suffixed cookie", "plain cookie", "two values", "two users"],
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
    set(cookie);
    let presented = Presented {
        authorization: (!authorization.is_empty()).then_some(authorization),
        cookie: (!cookie.is_empty()).then_some(cookie),
    };
    let check = |suffix, stage| check(presented, &Instance { issuer: ISSUER, suffix, stage });
    let _ = check(None, Stage::Production);
    let _ = check(Some(SUFFIX), Stage::Development);
    check(Some(SUFFIX), Stage::Production)
}

fn check(presented: Presented<'_>, instance: &Instance<'_>) -> &'static str {
    let cookies = Cookies::read(presented.cookie.unwrap_or_default(), instance.suffix);
    let ours = choose(presented, instance, NOW);
    let by_cookie = choose(Presented { authorization: None, ..presented }, instance, NOW);
    if let Some(reason) = cookies.refused() {
        assert_eq!((ours, by_cookie), (Err(Rejection::Ambiguous), Err(Rejection::Ambiguous)));
        return reason;
    }
    let by_cookie = by_cookie.unwrap_or_else(|error| panic!("{error}: {presented:?}"));
    stands(&by_cookie, &cookies, presented);
    let bearer = presented.authorization.and_then(|value| value.strip_prefix("Bearer "));
    let Some(bearer) = bearer else {
        assert_eq!(ours, Ok(by_cookie));
        return match (by_cookie.token, by_cookie.carrier) {
            (None, _) => "no token",
            (Some(_), Carrier::Suffixed) => "suffixed cookie",
            (Some(_), Carrier::Plain | Carrier::Header) => "plain cookie",
        };
    };
    if differ(Some(bearer), by_cookie.token) {
        assert_eq!(ours, Err(Rejection::Ambiguous), "{presented:?}");
        return "two users";
    }
    let found = Found { token: Some(bearer), carrier: Carrier::Header, client_uat: None };
    assert_eq!(ours, Ok(found), "{presented:?}");
    "bearer"
}

/// A chosen token is the value of the cookie that it is said to come from, and where no cookie
/// speaks of a sign-out, somebody's only token is not passed over.
fn stands(found: &Found<'_>, cookies: &Cookies<'_>, presented: Presented<'_>) {
    let values = match found.carrier {
        Carrier::Plain => &cookies.plain,
        Carrier::Suffixed => &cookies.suffixed,
        Carrier::Header => panic!("no header was sent with {presented:?}"),
    };
    assert!(found.token.is_none_or(|token| values.as_slice() == [token]), "{presented:?}");
    let is_told = !cookies.plain_uat.is_empty() || !cookies.suffixed_uat.is_empty();
    if !is_told && cookies.suffixed.is_empty() && claim(cookies.plain.first(), "iss").is_some() {
        let is_foreign = claim(cookies.plain.first(), "iss").as_deref() != Some(ISSUER);
        assert!(is_foreign || found.token.is_some(), "passed over: {presented:?}");
    }
}

/// The different values of Clerk's cookies.
struct Cookies<'a> {
    plain: Vec<&'a str>,
    plain_uat: Vec<&'a str>,
    suffixed: Vec<&'a str>,
    suffixed_uat: Vec<&'a str>,
}

impl<'a> Cookies<'a> {
    fn read(header: &'a str, suffix: Option<&str>) -> Self {
        let suffixed = |name: &str| {
            suffix.map(|suffix| values(header, &format!("{name}_{suffix}"))).unwrap_or_default()
        };
        Self {
            plain: values(header, "__session"),
            plain_uat: values(header, "__client_uat"),
            suffixed: suffixed("__session"),
            suffixed_uat: suffixed("__client_uat"),
        }
    }

    /// Why nothing may be chosen, whatever else the request carries.
    fn refused(&self) -> Option<&'static str> {
        let all = [&self.plain, &self.plain_uat, &self.suffixed, &self.suffixed_uat];
        if all.into_iter().any(|values| 1 < values.len()) {
            return Some("two values");
        }
        let (plain, suffixed) = (self.plain.first().copied(), self.suffixed.first().copied());
        let is_ours = claim(plain.as_ref(), "iss").as_deref() == Some(ISSUER);
        let is_out = self.plain_uat == ["0"] || self.suffixed_uat == ["0"];
        (is_ours && !is_out && differ(plain, suffixed)).then_some("two users")
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

/// Whether both tokens name a user, and not the same.
fn differ(one: Option<&str>, other: Option<&str>) -> bool {
    let [one, other] = [one, other].map(|token| claim(token.as_ref(), "sub"));
    one.is_some() && other.is_some() && one != other
}

/// What a token claims, unchecked.
fn claim(token: Option<&&str>, name: &str) -> Option<String> {
    let payload = base64url(token?.split('.').nth(1)?)?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    claims.get(name)?.as_str().map(str::to_owned)
}

/// A cookie that is set on Clerk's word is one of Clerk's, on one line, and is read again the same.
fn set(raw: &str) {
    let Some(cookie) = SetCookie::parse(raw, Some(SUFFIX)) else { return };
    let line = cookie.line();
    assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{raw:?} became {line:?}");
    assert!(line.starts_with("__"), "{raw:?} became {line:?}");
    assert_eq!(SetCookie::parse(line, Some(SUFFIX)), Some(cookie.clone()), "{raw:?}");
}
