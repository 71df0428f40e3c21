//! The handshake: an application sends a browser here to learn who is signed in with it, and gets
//! cookies in a signed token, in the address, as a development instance of Clerk's answers. Where
//! it asks so, it gets a nonce instead, and trades that for them by the Backend API.
//! <https://state.com/docs/guides/how-clerk-works/overview>

use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::claims::SessionClaims;
use crate::clock::now_ms;
use crate::cookies::{
    browser_cookie, browser_id, client_record, endings, signed_in, signed_out, suffix,
};
use crate::redirect::page_of;
use crate::state::{SESSION_TTL_S, ServerState, SharedState};

/// The parameter that carries the answer.
const HANDSHAKE: &str = "__clerk_handshake";

/// The parameter that carries what the answer is fetched by.
const NONCE: &str = "__clerk_handshake_nonce";

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
    } else if let Ok(answer) = state.session_key.sign_handshake(&cookies) {
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
    let Some(client) =
        client_record(headers).and_then(|record| state.session_key.verify_client_record(record))
    else {
        return Ok(endings.iter().flat_map(|ending| signed_out(ending)).collect());
    };
    let now_s = now_ms() / 1000;
    let mut claims = SessionClaims::new(&state.issuer, azp, &client.sub, now_s, SESSION_TTL_S);
    claims.sid = client.sid;
    claims.fva = [i32::try_from((now_s - client.iat) / 60).unwrap_or(i32::MAX), -1];
    let token = state.session_key.sign_session(&claims)?;
    Ok(endings.iter().flat_map(|ending| signed_in(&token, client.iat, ending)).collect())
}
