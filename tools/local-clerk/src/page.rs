//! The sign-in page and what its buttons do.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::claims::{ClientRecord, SessionClaims};
use crate::clock::now_ms;
use crate::cookies;
use crate::redirect::target;
use crate::sample_users::{self, SampleUser};
use crate::state::{CLIENT_TTL_S, SESSION_TTL_S, SharedState};

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignIn {
    people: Vec<Row>,
    destination: String,
    redirect_url: String,
    app: String,
}

struct Row {
    id: &'static str,
    name: String,
    contact: String,
    meant: &'static str,
}

impl Row {
    fn of(person: &SampleUser) -> Self {
        let contact = match (person.primary_email(), person.username) {
            (Some(email), _) => email.to_owned(),
            (None, Some(username)) => format!("no e-mail address; username {username}"),
            (None, None) => "no e-mail address".to_owned(),
        };
        Self { id: person.id, name: person.display_name(), contact, meant: person.description }
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem {
    text: &'static str,
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    redirect_url: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Chosen {
    user_id: String,
    redirect_url: Option<String>,
}

pub(crate) async fn root() -> Redirect {
    Redirect::to("/sign-in")
}

pub(crate) async fn show(State(state): State<SharedState>, Query(asked): Query<Asked>) -> Response {
    let app = state.apps.asked(asked.redirect_url.as_deref());
    let destination = target(app, asked.redirect_url.as_deref(), AFTER_SIGN_IN);
    let page = SignIn {
        people: sample_users::ALL.into_iter().map(Row::of).collect(),
        destination: destination.to_string(),
        redirect_url: asked.redirect_url.unwrap_or_default(),
        app: app.origin(),
    };
    html(&state, StatusCode::OK, &page)
}

pub(crate) async fn sign_in(
    State(state): State<SharedState>,
    headers: HeaderMap,
    Form(chosen): Form<Chosen>,
) -> Response {
    let Some(person) = sample_users::find(&chosen.user_id) else {
        let page = Problem { text: "There is no such sample user." };
        return html(&state, StatusCode::BAD_REQUEST, &page);
    };
    let now_s = now_ms() / 1000;
    let app = state.apps.asked(chosen.redirect_url.as_deref());
    let claims = SessionClaims::new(&state.issuer, &app.origin(), person.id, now_s, SESSION_TTL_S);
    let client = ClientRecord {
        sub: claims.sub.clone(),
        sid: claims.sid.clone(),
        iat: now_s,
        exp: now_s.saturating_add(CLIENT_TTL_S),
    };
    let (Ok(token), Ok(record)) =
        (state.session_key.sign_session(&claims), state.session_key.sign_client_record(&client))
    else {
        let page = Problem { text: "The session could not be signed." };
        return html(&state, StatusCode::INTERNAL_SERVER_ERROR, &page);
    };
    let to = target(app, chosen.redirect_url.as_deref(), AFTER_SIGN_IN);
    let endings = cookies::endings(Some(&cookies::suffix(&state)));
    let browser = cookies::browser_id(None, &headers);
    let mut cookies: Vec<String> =
        endings.iter().flat_map(|it| cookies::signed_in(&token, now_s, it)).collect();
    cookies.extend(endings.iter().map(|it| cookies::browser_cookie(&browser, it)));
    cookies.push(cookies::client_cookie(&record, CLIENT_TTL_S));
    leave(to.as_str(), &cookies)
}

pub(crate) async fn sign_out(
    State(state): State<SharedState>,
    Form(asked): Form<Asked>,
) -> Response {
    let app = state.apps.asked(asked.redirect_url.as_deref());
    let to = target(app, asked.redirect_url.as_deref(), AFTER_SIGN_OUT);
    let endings = cookies::endings(Some(&cookies::suffix(&state)));
    let mut cookies: Vec<String> = endings.iter().flat_map(|it| cookies::signed_out(it)).collect();
    cookies.push(cookies::client_cookie("", 0));
    leave(to.as_str(), &cookies)
}

const AFTER_SIGN_IN: &str = "/dashboard";
const AFTER_SIGN_OUT: &str = "/";

fn leave(to: &str, cookies: &[String]) -> Response {
    let cookies = AppendHeaders(cookies.iter().map(|cookie| (SET_COOKIE, cookie.as_str())));
    (StatusCode::SEE_OTHER, [(LOCATION, to), (CACHE_CONTROL, "no-store")], cookies).into_response()
}

fn html(state: &SharedState, status: StatusCode, page: &impl Template) -> Response {
    let Ok(text) = page.render() else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "the page could not be written\n")
            .into_response();
    };
    // Browsers hold the redirect after a form to `form-action` as well, hence the application.
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' {}; base-uri 'none'; \
         frame-ancestors 'none'",
        state.apps.origins().collect::<Vec<_>>().join(" ")
    );
    let mut response = (status, Html(text)).into_response();
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Not `no-referrer`: with that, browsers post with `Origin: null`, which is refused.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
