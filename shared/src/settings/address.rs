//! Parses and normalizes URLs and origins.
//!
//! Clerk and browsers write an origin in exactly one way, and tokens are compared with it byte by
//! byte: with one extra slash or capital letter no token would match.

use std::borrow::Cow;

use url::{Host, Url};

/// An https URL, or an http URL of the loopback. A bare host means https.
pub(super) fn https_or_loopback_url(text: &str) -> Option<Url> {
    if !has_no_whitespace(text) {
        return None;
    }
    let url = Url::parse(&with_scheme(text)).ok()?;
    let is_safe = match url.scheme() {
        "https" => true,
        "http" => is_loopback(&url),
        _ => false,
    };
    (is_safe && has_plain_host(&url)).then_some(url)
}

/// As [`https_or_loopback_url`], with an error text.
pub(super) fn https_or_loopback(text: &str) -> Result<Url, &'static str> {
    https_or_loopback_url(text)
        .ok_or("is neither an https URL nor a loopback URL: write for example https://example.com")
}

/// Clerk's Frontend API, with the path of a proxy if there is one.
pub(super) fn frontend(text: &str) -> Result<Url, &'static str> {
    let url = https_or_loopback(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("contains ? or #: write the URL without them");
    }
    if url.path().contains("/.well-known") {
        return Err("contains /.well-known: write the part before it");
    }
    Ok(url)
}

/// What Clerk writes into `iss`: the URL of its Frontend API, without a slash at the end.
pub(super) fn issuer(text: &str) -> Result<String, &'static str> {
    frontend(text).map(|url| url.as_str().trim_end_matches('/').to_owned())
}

/// Parses origins separated by commas or spaces, and appends them.
pub(super) fn origins(text: &str, into: &mut Vec<String>) -> Result<(), &'static str> {
    for item in text.split(|letter: char| letter == ',' || letter.is_ascii_whitespace()) {
        if !item.is_empty() {
            into.push(origin(item)?);
        }
    }
    Ok(())
}

/// An origin as a browser writes it
/// (<https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin>). With a scheme
/// other than http and https (`chrome-extension`) it is kept as it is.
fn origin(text: &str) -> Result<String, &'static str> {
    for byte in text.bytes() {
        match byte {
            b'"' | b'\'' => return Err("contains quotes: separate origins by commas"),
            b';' => return Err("contains a semicolon: separate origins by commas"),
            b'*' => return Err("contains a wildcard (*): list each origin"),
            _ => {}
        }
    }
    let text = with_scheme(text);
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err("contains an origin without a scheme: add https://");
    };
    let host = rest.strip_suffix('/').unwrap_or(rest);
    // Browsers accept an underscore too. These origins are not used in a Content-Security-Policy.
    if !is_plain_host(host, b'_') {
        return Err("contains more than origins: write only scheme, host and port, for example \
                    https://app.example.com");
    }
    let scheme = scheme.to_ascii_lowercase();
    let origin = format!("{scheme}://{host}");
    if !matches!(scheme.as_str(), "https" | "http") {
        return Ok(origin);
    }
    let url = Url::parse(&origin)
        .map_err(|_| "contains an origin with an invalid host or port: correct it")?;
    Ok(url.origin().ascii_serialization())
}

/// The sign-in page: a path of this site, or a URL.
pub(super) fn sign_in(text: &str) -> Result<String, &'static str> {
    if !has_no_whitespace(text) || text.contains('#') {
        return Err("contains # or spaces: write the URL without them");
    }
    if text.starts_with('/') && crate::session::redirect::local_path(text) == text {
        return Ok(text.to_owned());
    }
    let url = Url::parse(text).ok().filter(|url| {
        let is_web = text.contains("://") && matches!(url.scheme(), "https" | "http");
        is_web && has_plain_host(url)
    });
    url.map(String::from).ok_or(
        "is neither a path of this site nor an http(s) URL: write for example /sign-in or \
         https://accounts.example.com/sign-in",
    )
}

/// Returns whether the URL has a plain host and no user info.
fn has_plain_host(url: &Url) -> bool {
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    is_anonymous && url.host_str().is_some_and(|host| is_plain_host(host, b'.'))
}

/// Returns whether this is a host, with or without a port. Other characters could break the
/// Content-Security-Policy.
fn is_plain_host(host: &str, also: u8) -> bool {
    let is_one = |b: u8| matches!(b, b'.' | b'-' | b':' | b'[' | b']') || b == also;
    !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || is_one(b))
}

/// The URL parser would silently drop line ends and tabs.
fn has_no_whitespace(text: &str) -> bool {
    text.bytes().all(|byte| !byte.is_ascii_whitespace() && !byte.is_ascii_control())
}

/// Adds `https://` to a bare domain name. Not to a name with a port or to a bare `localhost`: there
/// the scheme is ambiguous.
fn with_scheme(text: &str) -> Cow<'_, str> {
    let host = text.split_once('/').map_or(text, |(host, _)| host);
    let (_, top) = host.rsplit_once('.').unwrap_or_default();
    let is_name = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        && top.bytes().next().is_some_and(|first| first.is_ascii_alphabetic());
    if is_name { format!("https://{text}").into() } else { text.into() }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Clerk hosts sign-in beside the Frontend API: `clerk.<domain>` has `accounts.<domain>`, and a
/// development instance `x.clerk.accounts.dev` has `x.accounts.dev`
/// (<https://clerk.com/docs/guides/customizing-clerk/account-portal>). A test
/// server on the loopback serves both at one origin.
pub(super) fn clerk_sign_in(mut url: Url) -> Option<Url> {
    if let Some(host) = url.host_str().and_then(portal_host) {
        url.set_host(Some(&host)).ok()?;
    }
    url.set_path("/sign-in");
    Some(url)
}

fn portal_host(frontend: &str) -> Option<String> {
    if let Some(domain) = frontend.strip_prefix("clerk.") {
        return Some(format!("accounts.{domain}"));
    }
    let (name, rest) = frontend.split_once(".clerk.accounts.")?;
    Some(format!("{name}.accounts.{rest}"))
}
