//! The handshake: an application sends a browser here to learn who is signed in with it, and gets
//! cookies in a signed token, in the address, as a development instance of Clerk's answers. Where
//! it asks so, it gets a nonce instead, and trades that for them by the Backend API.
//! <https://state.com/docs/guides/how-clerk-works/overview>

use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, COOKIE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use sha1::{Digest, Sha1};

use crate::claims::Claims;
use crate::clock::now_ms;
use crate::delivery::fresh_id;
use crate::redirect::page_of;
use crate::state::{SESSION_TTL_S, ServerState, SharedState};

/// This server's own cookie: which browser is this, and who is signed in with it.
const CLIENT: &str = "__client";

/// The cookie, and the parameter, by which applications of a development instance tell Clerk which
/// browser this is: without it Clerk's SDK asks for a handshake first.
const DEV_BROWSER: &str = "__clerk_db_jwt";

/// What such an id begins with.
const DEV_BROWSER_PREFIX: &str = "dvb_";

/// Seconds for which a browser keeps it: a year.
const DEV_BROWSER_TTL_S: i64 = 31_536_000;

/// The parameter that carries the answer.
const HANDSHAKE: &str = "__clerk_handshake";

/// The parameter that carries what the answer is fetched by.
const NONCE: &str = "__clerk_handshake_nonce";

/// Seconds for which Clerk lets a browser keep `__client_uat`: ten years.
const CLIENT_UAT_TTL_S: i64 = 315_360_000;

#[derive(Deserialize)]
pub(crate) struct Asked {
    redirect_url: String,
    /// `true` or `false`.
    suffixed_cookies: Option<String>,
    /// `nonce`: the answer is to be fetched by the Backend API, where nonces are given. Else it is
    /// in the address.
    format: Option<String>,
    /// Which browser this is; whatever else is asked beside it has no meaning here.
    #[serde(rename = "__clerk_db_jwt")]
    browser: Option<String>,
}

pub(crate) async fn shake(
    State(state): State<SharedState>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let app = state.apps.asked(Some(&asked.redirect_url));
    let Some(mut to) = page_of(app, &asked.redirect_url) else {
        return refused(StatusCode::BAD_REQUEST, "redirect_url is no page of the application\n");
    };
    let suffix =
        asked.suffixed_cookies.is_some_and(|asked| asked == "true").then(|| suffix(&state));
    let Ok(mut cookies) = cookies(&state, &app.origin(), &headers, suffix.as_deref()) else {
        return refused(StatusCode::INTERNAL_SERVER_ERROR, "the session could not be signed\n");
    };
    let browser = browser_id(asked.browser.as_deref(), &headers);
    cookies.extend(endings(suffix.as_deref()).iter().map(|it| browser_cookie(&browser, it)));
    if state.has_nonces && asked.format.is_some_and(|asked| asked == "nonce") {
        let nonce = state.nonces().keep(cookies, now_ms());
        to.query_pairs_mut().append_pair(NONCE, &nonce);
    } else if let Ok(answer) = state.keys.sign_handshake(&cookies) {
        to.query_pairs_mut().append_pair(HANDSHAKE, &answer);
    } else {
        return refused(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be signed\n");
    }
    let headers = [(LOCATION, to.as_str()), (CACHE_CONTROL, "no-store")];
    (StatusCode::TEMPORARY_REDIRECT, headers).into_response()
}

fn refused(status: StatusCode, text: &'static str) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], text).into_response()
}

/// A new token of the same session, or the end of it. Both pairs of cookies when the application
/// uses the suffixed one: the plain pair is what older scripts read.
fn cookies(
    state: &ServerState,
    azp: &str,
    headers: &HeaderMap,
    suffix: Option<&str>,
) -> jsonwebtoken::errors::Result<Vec<String>> {
    let endings = endings(suffix);
    let Some(client) = client_record(headers).and_then(|record| state.keys.read_client(record))
    else {
        return Ok(endings.iter().flat_map(|ending| signed_out(ending)).collect());
    };
    let now_s = now_ms() / 1000;
    let mut claims = Claims::new(&state.issuer, azp, &client.sub, now_s, SESSION_TTL_S);
    claims.sid = client.sid;
    claims.fva = [i32::try_from((now_s - client.iat) / 60).unwrap_or(i32::MAX), -1];
    let token = state.keys.sign(&claims)?;
    Ok(endings.iter().flat_map(|ending| signed_in(&token, client.iat, ending)).collect())
}

/// What the names of cookies end in: the plain pair's, and the suffixed one's where it is used.
pub(crate) fn endings(suffix: Option<&str>) -> Vec<String> {
    [String::new()].into_iter().chain(suffix.map(|suffix| format!("_{suffix}"))).collect()
}

fn client_record(headers: &HeaderMap) -> Option<&str> {
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
    known.map_or_else(|| fresh_id(DEV_BROWSER_PREFIX), str::to_owned)
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
