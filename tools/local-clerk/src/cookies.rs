//! The cookies of a signed-in browser: those that the application reads, and this server's own.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha1::{Digest, Sha1};

use crate::ids::new_id;
use crate::state::{SESSION_TTL_S, ServerState};

/// This server's own cookie: which browser is this, and who is signed in with it.
const CLIENT: &str = "__client";

/// The cookie, and the parameter, by which applications of a development instance tell Clerk which
/// browser this is: without it Clerk's SDK asks for a handshake first.
const DEV_BROWSER: &str = "__clerk_db_jwt";

/// What such an id begins with.
const DEV_BROWSER_PREFIX: &str = "dvb_";

/// Seconds for which a browser keeps it: a year.
const DEV_BROWSER_TTL_S: i64 = 31_536_000;

/// Seconds for which Clerk lets a browser keep `__client_uat`: ten years.
const CLIENT_UAT_TTL_S: i64 = 315_360_000;

/// What the names of cookies end in: the plain pair's, and the suffixed one's where it is used.
pub(crate) fn endings(suffix: Option<&str>) -> Vec<String> {
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

/// Which browser this is: what was asked, what its cookie says, else a new one.
pub(crate) fn browser_id(asked: Option<&str>, headers: &HeaderMap) -> String {
    let is_id = |id: &&str| {
        let tail = id.strip_prefix(DEV_BROWSER_PREFIX).unwrap_or_default();
        !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let known = asked.filter(is_id).or_else(|| cookie(headers, DEV_BROWSER).filter(is_id));
    known.map_or_else(|| new_id(DEV_BROWSER_PREFIX), str::to_owned)
}

/// The cookie that says so.
pub(crate) fn browser_cookie(id: &str, ending: &str) -> String {
    format!("{DEV_BROWSER}{ending}={id}; Path=/; SameSite=Lax; Max-Age={DEV_BROWSER_TTL_S}")
}

/// The cookies of a session: the token, and since when somebody is signed in. A cookie belongs to a
/// host, whatever the port: the application on 127.0.0.1 gets them too.
pub(crate) fn signed_in(token: &str, since_s: i64, ending: &str) -> Vec<String> {
    vec![session_cookie(token, SESSION_TTL_S, ending), uat_cookie(since_s, ending)]
}

/// The cookies that end a session.
pub(crate) fn signed_out(ending: &str) -> Vec<String> {
    vec![session_cookie("", 0, ending), uat_cookie(0, ending)]
}

fn session_cookie(token: &str, ttl_s: i64, ending: &str) -> String {
    format!("__session{ending}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={ttl_s}")
}

fn uat_cookie(since_s: i64, ending: &str) -> String {
    format!("__client_uat{ending}={since_s}; Path=/; SameSite=Lax; Max-Age={CLIENT_UAT_TTL_S}")
}

/// The cookie by which this server knows the browser again; a life of 0 ends it.
pub(crate) fn client_cookie(record: &str, ttl_s: i64) -> String {
    format!("{CLIENT}={record}; Path=/; HttpOnly; SameSite=Lax; Max-Age={ttl_s}")
}

/// The suffix of this instance's cookies: the beginning of its publishable key's SHA-1.
/// <https://github.com/clerk/javascript>, packages/shared/src/keys.ts
pub(crate) fn suffix(state: &ServerState) -> String {
    let host = state.issuer.trim_start_matches("http://");
    let key = format!("pk_test_{}", STANDARD.encode(format!("{host}$")));
    URL_SAFE_NO_PAD.encode(Sha1::digest(key)).chars().take(8).collect()
}
