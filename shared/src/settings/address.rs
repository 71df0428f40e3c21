//! Which spellings of addresses are taken, and what is made of them.
//!
//! Clerk and browsers write an origin in one way alone, and tokens are compared with it letter by
//! letter: a slash or a capital too many, and no token matches.

use std::borrow::Cow;

use url::{Host, Url};

/// An address that nobody on the way can answer for: https, or http on the loopback. A bare host
/// means https.
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

/// As [`https_or_loopback_url`], with what is wrong otherwise.
pub(super) fn https_or_loopback(text: &str) -> Result<Url, &'static str> {
    https_or_loopback_url(text)
        .ok_or("is neither https nor on the loopback: write such as https://example.com")
}

/// Clerk's Frontend API, with the path of a proxy if there is one.
pub(super) fn frontend(text: &str) -> Result<Url, &'static str> {
    let url = https_or_loopback(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a ? or a # in it: write the address without");
    }
    if url.path().contains("/.well-known") {
        return Err("is the address of a document: write the part before /.well-known");
    }
    Ok(url)
}

/// What Clerk writes into `iss`: the address of its Frontend API, without a slash at the end.
pub(super) fn issuer(text: &str) -> Result<String, &'static str> {
    frontend(text).map(|url| url.as_str().trim_end_matches('/').to_owned())
}

/// Adds origins, separated by commas or blanks.
pub(super) fn origins(text: &str, into: &mut Vec<String>) -> Result<(), &'static str> {
    for item in text.split(|letter: char| letter == ',' || letter.is_ascii_whitespace()) {
        if !item.is_empty() {
            into.push(origin(item)?);
        }
    }
    Ok(())
}

/// An origin as a browser writes it
/// (<https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin>). Of a scheme that is not the
/// web's (`chrome-extension`) it is taken as it stands.
fn origin(text: &str) -> Result<String, &'static str> {
    for byte in text.bytes() {
        match byte {
            b'"' | b'\'' => return Err("has quotes in it: write the origins alone, with commas"),
            b';' => return Err("has a semicolon in it: separate origins by commas"),
            b'*' => return Err("has a * in it, which stands for nothing: write each origin out"),
            _ => {}
        }
    }
    let text = with_scheme(text);
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err("has an origin without https:// or http:// before it: write that too");
    };
    let host = rest.strip_suffix('/').unwrap_or(rest);
    // Browsers take an underscore too; no policy of a page is made of this.
    if !is_plain_host(host, b'_') {
        return Err("has more than origins: write scheme, host and port alone, such as \
                    https://app.example.com");
    }
    let scheme = scheme.to_ascii_lowercase();
    let origin = format!("{scheme}://{host}");
    if !matches!(scheme.as_str(), "https" | "http") {
        return Ok(origin);
    }
    let url = Url::parse(&origin)
        .map_err(|_| "has an origin whose host or port cannot be read: write it anew")?;
    Ok(url.origin().ascii_serialization())
}

/// Where people sign in: a path of this site, or an address.
pub(super) fn sign_in(text: &str) -> Result<String, &'static str> {
    if !has_no_whitespace(text) || text.contains('#') {
        return Err("has a # or a blank in it, and what follows would be lost: write it without");
    }
    if text.starts_with('/') && crate::session::redirect::local_path(text) == text {
        return Ok(text.to_owned());
    }
    let url = Url::parse(text).ok().filter(|url| {
        let is_web = text.contains("://") && matches!(url.scheme(), "https" | "http");
        is_web && has_plain_host(url)
    });
    url.map(String::from).ok_or(
        "is neither a path of this site nor an http(s) address: write such as /sign-in or \
         https://accounts.example.com/sign-in",
    )
}

/// Names nobody, and a host that is plain.
fn has_plain_host(url: &Url) -> bool {
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    is_anonymous && url.host_str().is_some_and(|host| is_plain_host(host, b'.'))
}

/// Letters of a host, with a port. Others would say something of their own in a policy of a page.
fn is_plain_host(host: &str, also: u8) -> bool {
    let is_one = |b: u8| matches!(b, b'.' | b'-' | b':' | b'[' | b']') || b == also;
    !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || is_one(b))
}

/// A parser of URLs drops line ends and tabs without a word.
fn has_no_whitespace(text: &str) -> bool {
    text.bytes().all(|byte| !byte.is_ascii_whitespace() && !byte.is_ascii_control())
}

/// `https://` before a name of the internet that has nothing before it. Not before a name with a
/// port, or a bare `localhost`: that may be meant either way.
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
/// (<https://clerk.com/docs/guides/customizing-clerk/account-portal>). A stand-in on the loopback
/// serves both at one address.
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
