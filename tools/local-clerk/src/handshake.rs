//! The handshake: an application redirects a browser here to learn who is signed in. The browser
//! returns with the cookies, in a signed token in the address, as from a development instance of
//! Clerk. On request it returns with a nonce, which the application exchanges for the cookies.
//! <https://clerk.com/docs/guides/how-clerk-works/overview>

use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::claims::SessionClaims;
use crate::clock::now_ms;
use crate::cookies::{
    browser_cookie, browser_id, client_record, instance_suffix, name_suffixes, sign_in_cookies,
    sign_out_cookies,
};
use crate::redirect::app_page;
use crate::state::{SESSION_TTL_S, ServerState, SharedState};

/// The parameter with the handshake token.
const HANDSHAKE: &str = "__clerk_handshake";

/// The parameter with the nonce.
const NONCE: &str = "__clerk_handshake_nonce";

#[derive(Deserialize)]
pub(crate) struct HandshakeQuery {
    redirect_url: String,
    /// `true` or `false`.
    suffixed_cookies: Option<String>,
    /// `nonce`: return a nonce, if this server gives nonces. Else return a token.
    format: Option<String>,
    /// The id of the browser. Other parameters are ignored.
    #[serde(rename = "__clerk_db_jwt")]
    browser: Option<String>,
}

pub(crate) async fn handshake(
    State(state): State<SharedState>,
    Query(query): Query<HandshakeQuery>,
    headers: HeaderMap,
) -> Response {
    let app = state.apps.find_by_page(Some(&query.redirect_url));
    let Some(mut to) = app_page(app, &query.redirect_url) else {
        return error_response(
            StatusCode::BAD_REQUEST,
            "redirect_url must be a page of the application: see --app-url and --other-app-url\n",
        );
    };
    let suffix = query
        .suffixed_cookies
        .is_some_and(|value| value == "true")
        .then(|| instance_suffix(&state));
    let Ok(mut cookies) = cookies(&state, &app.origin(), &headers, suffix.as_deref()) else {
        return error_response(
            StatusCode::INTERNAL_SERVER_ERROR,
            "could not sign the session: restart the local Clerk\n",
        );
    };
    let browser = browser_id(query.browser.as_deref(), &headers);
    cookies.extend(name_suffixes(suffix.as_deref()).iter().map(|it| browser_cookie(&browser, it)));
    if state.has_nonces && query.format.is_some_and(|format| format == "nonce") {
        let nonce = state.nonces().insert(cookies, now_ms());
        to.query_pairs_mut().append_pair(NONCE, &nonce);
    } else if let Ok(token) = state.session_key.sign_handshake(&cookies) {
        to.query_pairs_mut().append_pair(HANDSHAKE, &token);
    } else {
        return error_response(
            StatusCode::INTERNAL_SERVER_ERROR,
            "could not sign the handshake: restart the local Clerk\n",
        );
    }
    let headers = [(LOCATION, to.as_str()), (CACHE_CONTROL, "no-store")];
    (StatusCode::TEMPORARY_REDIRECT, headers).into_response()
}

fn error_response(status: StatusCode, text: &'static str) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], text).into_response()
}

/// The cookies of a new token of the same session, or those that end it. If the application uses
/// suffixed cookies, the plain ones are set too: older scripts read them.
fn cookies(
    state: &ServerState,
    azp: &str,
    headers: &HeaderMap,
    suffix: Option<&str>,
) -> jsonwebtoken::errors::Result<Vec<String>> {
    let name_suffixes = name_suffixes(suffix);
    let Some(client) =
        client_record(headers).and_then(|record| state.session_key.verify_client_record(record))
    else {
        return Ok(name_suffixes
            .iter()
            .flat_map(|name_suffix| sign_out_cookies(name_suffix))
            .collect());
    };
    let now_s = now_ms() / 1000;
    let mut claims = SessionClaims::new(&state.issuer, azp, &client.sub, now_s, SESSION_TTL_S);
    claims.sid = client.sid;
    claims.fva = [i32::try_from((now_s - client.iat) / 60).unwrap_or(i32::MAX), -1];
    let token = state.session_key.sign_session(&claims)?;
    Ok(name_suffixes
        .iter()
        .flat_map(|name_suffix| sign_in_cookies(&token, client.iat, name_suffix))
        .collect())
}
