//! Parses `Cookie` headers and Clerk's `Set-Cookie` lines.

/// The cookie with the session token.
pub const SESSION_COOKIE: &str = "__session";

/// The cookie with the time of the browser's last session change, in seconds; 0 is "signed out".
pub const CLIENT_UAT_COOKIE: &str = "__client_uat";

/// A cookie has two values: a sibling domain can set a second one, and the header does not say
/// which is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cookie is set twice with different values")]
pub struct DuplicateCookie;

/// The value of the cookie `name`. An empty value counts as absent.
///
/// Spaces and tabs around names and values are ignored; nothing else is trimmed or decoded (RFC
/// 6265, section 5.2).
///
/// # Errors
/// [`DuplicateCookie`] if the cookie has two values.
pub fn single_value<'a>(header: &'a str, name: &str) -> Result<Option<&'a str>, DuplicateCookie> {
    let mut values = values(header, name);
    let first = values.next();
    if values.any(|value| Some(value) != first) { Err(DuplicateCookie) } else { Ok(first) }
}

/// The distinct values of the cookie `name`, in their order.
#[must_use]
pub fn distinct_values<'a>(header: &'a str, name: &str) -> Vec<&'a str> {
    let mut all = Vec::new();
    for value in values(header, name) {
        // Avoids quadratic time for a header full of them.
        if all.len() <= VALUES_MAX && !all.contains(&value) {
            all.push(value);
        }
    }
    all
}

/// Distinct values kept.
const VALUES_MAX: usize = 64;

fn values<'a>(header: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let of_name = name_value_pairs(header).filter(move |(known, _)| *known == name);
    of_name.map(|(_, value)| value).filter(|value| !value.is_empty())
}

fn name_value_pairs(header: &str) -> impl Iterator<Item = (&str, &str)> {
    const BLANK: [char; 2] = [' ', '\t'];
    header
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.trim_matches(BLANK), value.trim_matches(BLANK)))
}

/// Bytes in a line of `Set-Cookie`. A browser keeps 4,096 of name and value (RFC 6265bis, section
/// 5.6); the rest is room for attributes.
const LINE_BYTES_MAX: usize = 5_120;

/// The cookies that are Clerk's to set on an application's domain, each also with the instance's
/// suffix (clerk/javascript, `packages/backend/src/constants.ts`).
const CLERK_COOKIES: [&str; 5] =
    [SESSION_COOKIE, CLIENT_UAT_COOKIE, "__refresh", "__clerk_db_jwt", "__clerk_handshake"];

/// The allowed attributes (RFC 6265bis, section 4.1). Others are dropped.
const ATTRIBUTES: [&str; 8] =
    ["path", "domain", "max-age", "expires", "secure", "httponly", "samesite", "partitioned"];

/// A validated `Set-Cookie` line of Clerk's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetCookie {
    name: String,
    value: String,
    line: String,
}

impl SetCookie {
    /// Parses a line of a handshake token; `suffix` is the instance's.
    ///
    /// `None` for a cookie that is not Clerk's and for an invalid line: a control character could
    /// inject another header.
    #[must_use]
    pub fn parse(raw: &str, suffix: Option<&str>) -> Option<Self> {
        if LINE_BYTES_MAX < raw.len() || !raw.bytes().all(|b| matches!(b, b' '..=b'~')) {
            return None;
        }
        let (pair, attributes) = raw.split_once(';').unwrap_or((raw, ""));
        let (name, value) = pair.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        if !is_clerk_cookie(name, suffix) || !value.bytes().all(is_value_byte) {
            return None;
        }
        let kept = attributes.split(';').map(str::trim).filter(|attribute| is_known(attribute));
        let line = kept.fold(format!("{name}={value}"), |line, attribute| line + "; " + attribute);
        Some(Self { name: name.to_owned(), value: value.to_owned(), line })
    }

    /// The value of `Set-Cookie`.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }

    /// The session token, if it sets (not deletes) a session cookie.
    #[must_use]
    pub fn session_token(&self) -> Option<&str> {
        let is_session = self.name.starts_with(SESSION_COOKIE);
        (is_session && !self.value.is_empty()).then_some(self.value.as_str())
    }
}

fn is_clerk_cookie(name: &str, suffix: Option<&str>) -> bool {
    CLERK_COOKIES.iter().any(|clerk_name| {
        name.strip_prefix(clerk_name).is_some_and(|rest| {
            rest.is_empty() || suffix.is_some_and(|suffix| rest.strip_prefix('_') == Some(suffix))
        })
    })
}

/// `cookie-octet` of RFC 6265, section 4.1.1.
fn is_value_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\')
}

fn is_known(attribute: &str) -> bool {
    let name = attribute.split('=').next().unwrap_or_default().trim();
    ATTRIBUTES.iter().any(|known| known.eq_ignore_ascii_case(name))
}
