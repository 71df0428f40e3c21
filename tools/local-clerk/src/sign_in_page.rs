//! The sign-in page and its forms.

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
use crate::config::AppUrl;
use crate::cookies;
use crate::redirect::redirect_target;
use crate::sample_users::{self, SampleUser};
use crate::state::{CLIENT_TTL_S, SESSION_TTL_S, SharedState};

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SampleUserPage {
    people: Vec<SampleUserRow>,
    destination: String,
    redirect_url: String,
    app: String,
    console: Option<String>,
}

struct SampleUserRow {
    id: &'static str,
    name: String,
    contact: String,
    description: &'static str,
}

impl SampleUserRow {
    fn new(person: &SampleUser) -> Self {
        let contact = match (person.primary_email(), person.username) {
            (Some(email), _) => email.to_owned(),
            (None, Some(username)) => format!("no e-mail address; username {username}"),
            (None, None) => "no e-mail address".to_owned(),
        };
        Self {
            id: person.id,
            name: person.display_name(),
            contact,
            description: person.description,
        }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    text: &'static str,
}

#[derive(Deserialize)]
pub(crate) struct PageQuery {
    redirect_url: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct SignInForm {
    user_id: String,
    redirect_url: Option<String>,
}

pub(crate) async fn root() -> Redirect {
    Redirect::to("/sign-in")
}

pub(crate) async fn show(
    State(state): State<SharedState>,
    Query(query): Query<PageQuery>,
) -> Response {
    let app = state.apps.find_by_page(query.redirect_url.as_deref());
    let destination = redirect_target(app, query.redirect_url.as_deref(), AFTER_SIGN_IN);
    let page = SampleUserPage {
        people: sample_users::ALL.into_iter().map(SampleUserRow::new).collect(),
        destination: destination.to_string(),
        redirect_url: query.redirect_url.unwrap_or_default(),
        app: app.origin(),
        console: state.console.as_ref().map(AppUrl::origin),
    };
    html(&state, StatusCode::OK, &page)
}

pub(crate) async fn sign_in(
    State(state): State<SharedState>,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> Response {
    let Some(person) = sample_users::find(&form.user_id) else {
        let page = ErrorPage { text: "There is no such sample user." };
        return html(&state, StatusCode::BAD_REQUEST, &page);
    };
    let now_s = now_ms() / 1000;
    let app = state.apps.find_by_page(form.redirect_url.as_deref());
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
        let page = ErrorPage { text: "The session could not be signed. Restart the local Clerk." };
        return html(&state, StatusCode::INTERNAL_SERVER_ERROR, &page);
    };
    let to = redirect_target(app, form.redirect_url.as_deref(), AFTER_SIGN_IN);
    let suffixes = cookies::name_suffixes(Some(&cookies::instance_suffix(&state)));
    let browser = cookies::browser_id(None, &headers);
    let mut cookies: Vec<String> =
        suffixes.iter().flat_map(|it| cookies::sign_in_cookies(&token, now_s, it)).collect();
    cookies.extend(suffixes.iter().map(|it| cookies::browser_cookie(&browser, it)));
    cookies.push(cookies::client_cookie(&record, CLIENT_TTL_S));
    redirect_with_cookies(to.as_str(), &cookies)
}

pub(crate) async fn sign_out(
    State(state): State<SharedState>,
    Form(form): Form<PageQuery>,
) -> Response {
    let app = state.apps.find_by_page(form.redirect_url.as_deref());
    let to = redirect_target(app, form.redirect_url.as_deref(), AFTER_SIGN_OUT);
    let suffixes = cookies::name_suffixes(Some(&cookies::instance_suffix(&state)));
    let mut cookies: Vec<String> =
        suffixes.iter().flat_map(|it| cookies::sign_out_cookies(it)).collect();
    cookies.push(cookies::client_cookie("", 0));
    redirect_with_cookies(to.as_str(), &cookies)
}

const AFTER_SIGN_IN: &str = "/dashboard";
const AFTER_SIGN_OUT: &str = "/";

fn redirect_with_cookies(to: &str, cookies: &[String]) -> Response {
    let cookies = AppendHeaders(cookies.iter().map(|cookie| (SET_COOKIE, cookie.as_str())));
    (StatusCode::SEE_OTHER, [(LOCATION, to), (CACHE_CONTROL, "no-store")], cookies).into_response()
}

fn html(state: &SharedState, status: StatusCode, page: &impl Template) -> Response {
    let Ok(text) = page.render() else {
        return (
            StatusCode::INTERNAL_SERVER_ERROR,
            "could not render the page: restart the local Clerk\n",
        )
            .into_response();
    };
    // Browsers apply `form-action` to the redirect after a form too, so it names the applications.
    let csp = format!(
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' {}; base-uri 'none'; \
         frame-ancestors 'none'",
        state.apps.origins().collect::<Vec<_>>().join(" ")
    );
    let mut response = (status, Html(text)).into_response();
    let headers = response.headers_mut();
    if let Ok(csp) = HeaderValue::from_str(&csp) {
        headers.insert(CONTENT_SECURITY_POLICY, csp);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Not `no-referrer`: browsers would then post with `Origin: null`, which is refused.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
