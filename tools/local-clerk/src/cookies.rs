//! The cookies of a signed-in browser: those that the application reads, and this server's own.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha1::{Digest, Sha1};

use crate::ids::new_id;
use crate::state::{SESSION_TTL_S, ServerState};

/// This server's own cookie: its record of the browser and of the signed-in user.
const CLIENT: &str = "__client";

/// The cookie and the parameter with the id of the browser, for development instances. Without it
/// Clerk's SDK starts a handshake first.
const DEV_BROWSER: &str = "__clerk_db_jwt";

/// The prefix of the id of a browser.
const DEV_BROWSER_PREFIX: &str = "dvb_";

/// The lifetime of that cookie: a year.
const DEV_BROWSER_TTL_S: i64 = 31_536_000;

/// The lifetime of `__client_uat`, as at Clerk: ten years.
const CLIENT_UAT_TTL_S: i64 = 315_360_000;

/// The endings of cookie names: an empty one, and the suffix of the instance if it is used.
pub(crate) fn name_suffixes(suffix: Option<&str>) -> Vec<String> {
    [String::new()].into_iter().chain(suffix.map(|suffix| format!("_{suffix}"))).collect()
}

/// This server's record of the browser.
pub(crate) fn client_record(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, CLIENT)
}

fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| name.trim() == wanted).map(|(_, value)| value.trim())
}

/// The id of the browser: from the parameter, else from its cookie, else a new one.
pub(crate) fn browser_id(param: Option<&str>, headers: &HeaderMap) -> String {
    let is_id = |id: &&str| {
        let tail = id.strip_prefix(DEV_BROWSER_PREFIX).unwrap_or_default();
        !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let known = param.filter(is_id).or_else(|| cookie(headers, DEV_BROWSER).filter(is_id));
    known.map_or_else(|| new_id(DEV_BROWSER_PREFIX), str::to_owned)
}

/// The cookie with the id of the browser.
pub(crate) fn browser_cookie(id: &str, name_suffix: &str) -> String {
    format!("{DEV_BROWSER}{name_suffix}={id}; Path=/; SameSite=Lax; Max-Age={DEV_BROWSER_TTL_S}")
}

/// The cookies of a session: the token, and the time of the sign-in. A cookie belongs to a host,
/// not to a port, so the application on 127.0.0.1 gets them too.
pub(crate) fn sign_in_cookies(token: &str, since_s: i64, name_suffix: &str) -> Vec<String> {
    vec![session_cookie(token, SESSION_TTL_S, name_suffix), client_uat_cookie(since_s, name_suffix)]
}

/// The cookies that end a session.
pub(crate) fn sign_out_cookies(name_suffix: &str) -> Vec<String> {
    vec![session_cookie("", 0, name_suffix), client_uat_cookie(0, name_suffix)]
}

fn session_cookie(token: &str, ttl_s: i64, name_suffix: &str) -> String {
    format!("__session{name_suffix}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={ttl_s}")
}

fn client_uat_cookie(since_s: i64, name_suffix: &str) -> String {
    format!("__client_uat{name_suffix}={since_s}; Path=/; SameSite=Lax; Max-Age={CLIENT_UAT_TTL_S}")
}

/// The cookie with the record of the browser. A `ttl_s` of 0 deletes it.
pub(crate) fn client_cookie(record: &str, ttl_s: i64) -> String {
    format!("{CLIENT}={record}; Path=/; HttpOnly; SameSite=Lax; Max-Age={ttl_s}")
}

/// The suffix of the instance's cookies: the first 8 characters of its publishable key's SHA-1.
/// <https://github.com/clerk/javascript>, packages/shared/src/keys.ts
pub(crate) fn instance_suffix(state: &ServerState) -> String {
    let host = state.issuer.trim_start_matches("http://");
    let key = format!("pk_test_{}", STANDARD.encode(format!("{host}$")));
    URL_SAFE_NO_PAD.encode(Sha1::digest(key)).chars().take(8).collect()
}
