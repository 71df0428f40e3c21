//! Cookies: the header that a browser sends, and the lines that Clerk asks us to set.

/// The cookie with the session token.
pub const SESSION_COOKIE: &str = "__session";

/// The cookie with the time of the browser's last session change, in seconds; 0 is "signed out".
pub const CLIENT_UAT_COOKIE: &str = "__client_uat";

/// A cookie has two values: a sibling domain can set a second one, and nothing in the header says
/// which is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cookie has two values")]
pub struct DuplicateCookie;

/// The value of the cookie `name`. An empty one is what signing out leaves behind: none.
///
/// Spaces and tabs around names and values do not count, and nothing else is taken away or decoded
/// (RFC 6265, section 5.2): a name in other white space is another name.
///
/// # Errors
/// [`DuplicateCookie`] when the cookie has two values.
pub fn single_value<'a>(header: &'a str, name: &str) -> Result<Option<&'a str>, DuplicateCookie> {
    let mut values = values(header, name);
    let first = values.next();
    if values.any(|value| Some(value) != first) { Err(DuplicateCookie) } else { Ok(first) }
}

/// The different values of the cookie `name`, read likewise, in the order in which they came.
#[must_use]
pub fn distinct_values<'a>(header: &'a str, name: &str) -> Vec<&'a str> {
    let mut all = Vec::new();
    for value in values(header, name) {
        // A browser sends few of one name; a header full of them must not cost its square.
        if all.len() <= VALUES_MAX && !all.contains(&value) {
            all.push(value);
        }
    }
    all
}

/// Values of one cookie that are told apart.
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

/// What may stand behind the value (RFC 6265bis, section 4.1). Whatever else does is left out.
const ATTRIBUTES: [&str; 8] =
    ["path", "domain", "max-age", "expires", "secure", "httponly", "samesite", "partitioned"];

/// A cookie of Clerk's, ready for `Set-Cookie`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetCookie {
    name: String,
    value: String,
    line: String,
}

impl SetCookie {
    /// Reads a line as Clerk writes it into a handshake; `suffix` is the instance's.
    ///
    /// `None` for a cookie that is not Clerk's and for a line that is not one cookie: what holds a
    /// control character could end the header and begin another.
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

    /// What goes behind `Set-Cookie:`.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }

    /// The token that it carries, when it is a session's cookie and not its end.
    #[must_use]
    pub fn session_token(&self) -> Option<&str> {
        let is_session = self.name.starts_with(SESSION_COOKIE);
        (is_session && !self.value.is_empty()).then_some(self.value.as_str())
    }
}

fn is_clerk_cookie(name: &str, suffix: Option<&str>) -> bool {
    CLERK_COOKIES.iter().any(|clerks| {
        name.strip_prefix(clerks).is_some_and(|rest| {
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
