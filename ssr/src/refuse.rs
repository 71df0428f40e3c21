//! What those are told who do not get what they asked for.

use serde::Serialize;
use shared::session::handshake::clean_path;
use shared::settings::ssr::Ssr;
use url::form_urlencoded;
use worker::{Response, Result};

use crate::asker::Refusal;
use crate::incoming::{Incoming, Method};
use crate::roles::Roles;
use crate::route::Route;
use crate::{page, reply, sign_out};

/// On a page under a guard.
pub(crate) fn page(refusal: Refusal, incoming: &Incoming, config: &Ssr) -> Result<Response> {
    match refusal {
        // A person's browser opens pages by `GET`: whoever sends `HEAD` is a program.
        Refusal::SignedOut if incoming.wants_page && incoming.method == Method::Get => {
            to_sign_in(incoming, config)
        }
        Refusal::SignedOut => data(&refusal),
        Refusal::Leaving(leave) => reply::leave(&leave),
        Refusal::Forbidden => forbidden(incoming, config),
        Refusal::Unknowable => unavailable(),
    }
}

/// 403 for a person, who may have signed in with the wrong account.
fn forbidden(incoming: &Incoming, config: &Ssr) -> Result<Response> {
    let sign_out = sign_out::of(config, incoming);
    let page = rendered(page::forbidden(sign_out.as_ref()))?;
    reply::html_with(sign_out.as_ref(), 403, page)
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

/// Why a question gets no answer, and the roles that this rests on.
#[derive(Serialize)]
struct Told {
    error: &'static str,
    version: i64,
    source: &'static str,
    age_ms: i64,
}

/// On a question, with roles in hand that bar the user or are too old.
pub(crate) fn data_with(refusal: &Refusal, roles: &Roles) -> Result<Response> {
    let (status, error, more) = match refusal {
        Refusal::Forbidden => (403, "forbidden", &[][..]),
        Refusal::Unknowable => (503, "unavailable", &[reply::RETRY_AFTER][..]),
        Refusal::SignedOut | Refusal::Leaving(_) => return data(refusal),
    };
    let (version, source, age_ms) = (roles.version(), roles.source.as_str(), roles.age_ms);
    reply::json(status, &Told { error, version, source, age_ms }, more)
}

fn to_sign_in(incoming: &Incoming, config: &Ssr) -> Result<Response> {
    let Some(to) = &config.sign_in_url else { return unavailable() };
    let here = clean_path(&incoming.path, incoming.query.as_deref().unwrap_or_default());
    // Another site would take a path for one of its own.
    let origin = match &config.sessions {
        Some(sessions) if !to.starts_with('/') => sessions.own_origin(&incoming.origin),
        Some(_) | None => "",
    };
    let separator = if to.contains('?') { '&' } else { '?' };
    let back = format!("{origin}{here}");
    let back: String = form_urlencoded::byte_serialize(back.as_bytes()).collect();
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
