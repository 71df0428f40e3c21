//! What those are told who do not get what they asked for.

use shared::session::redirect::local_path;
use url::form_urlencoded;
use worker::{Response, Result};

use crate::asker::Refusal;
use crate::config::Config;
use crate::incoming::Incoming;
use crate::route::Route;
use crate::{page, reply};

/// On a page under a guard.
pub(crate) fn page(refusal: Refusal, incoming: &Incoming, config: &Config) -> Result<Response> {
    match refusal {
        Refusal::SignedOut if incoming.wants_page => to_sign_in(incoming, config),
        Refusal::SignedOut => data(&refusal),
        Refusal::Leaving(leave) => reply::leave(&leave),
        Refusal::Forbidden => reply::html(403, rendered(page::forbidden())?, &[]),
        Refusal::Unknowable => unavailable(),
    }
}

/// On a question, and where no person is looking.
pub(crate) fn data(refusal: &Refusal) -> Result<Response> {
    match refusal {
        Refusal::SignedOut | Refusal::Leaving(_) => {
            reply::trouble(401, "unauthenticated", &[("www-authenticate", "Bearer")])
        }
        Refusal::Forbidden => reply::trouble(403, "forbidden", &[]),
        Refusal::Unknowable => reply::unavailable_json(),
    }
}

fn to_sign_in(incoming: &Incoming, config: &Config) -> Result<Response> {
    let to = match &config.sign_in_url {
        Ok(to) => to,
        Err(mistake) => {
            tracing::error!(%mistake, "nobody can be sent to sign in");
            return unavailable();
        }
    };
    let here = match &incoming.query {
        Some(query) => local_path(&format!("{}?{query}", incoming.path)),
        None => local_path(&incoming.path),
    };
    let separator = if to.contains('?') { '&' } else { '?' };
    let back: String = form_urlencoded::byte_serialize(here.as_bytes()).collect();
    reply::found(&format!("{to}{separator}redirect_url={back}"))
}

/// 503 for a person.
pub(crate) fn unavailable() -> Result<Response> {
    reply::html(503, rendered(page::unavailable())?, &[reply::RETRY_AFTER])
}

/// 404.
pub(crate) fn not_found(incoming: &Incoming) -> Result<Response> {
    if incoming.wants_page {
        reply::html(404, rendered(page::not_found())?, &[])
    } else {
        reply::trouble(404, "not found", &[])
    }
}

/// 405.
pub(crate) fn not_allowed(route: &Route) -> Result<Response> {
    let allow = [("allow", "GET, HEAD")];
    if route.is_data() {
        reply::trouble(405, "method not allowed", &allow)
    } else {
        reply::html(405, rendered(page::not_allowed())?, &allow)
    }
}

/// A page that was rendered, or the error for the log.
pub(crate) fn rendered(page: askama::Result<String>) -> Result<String> {
    page.map_err(|error| worker::Error::RustError(error.to_string()))
}
