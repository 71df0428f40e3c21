//! Responses other than the requested one: 4xx, 503, and the redirect to sign in.

use serde::Serialize;
use shared::session::handshake::clean_path;
use shared::settings::ssr::SsrSettings;
use url::form_urlencoded;
use worker::{Response, Result};

use crate::authorize::AccessDenied;
use crate::incoming::{IncomingRequest, RequestMethod};
use crate::route::Route;
use crate::{page, reply, sign_out};

/// The error code in the JSON of every 403.
const FORBIDDEN: &str = "forbidden";

/// The response for a guarded page.
pub(crate) fn page_response(
    denied: &AccessDenied<'_>,
    incoming: &IncomingRequest,
    config: &SsrSettings,
) -> Result<Response> {
    match denied {
        // A browser opens pages by `GET`: `HEAD` comes from a program.
        AccessDenied::SignedOut
            if incoming.accepts_html && incoming.method == RequestMethod::Get =>
        {
            to_sign_in(incoming, config)
        }
        AccessDenied::SignedOut | AccessDenied::BadQuery(_) => json_response(denied),
        AccessDenied::Forbidden(..) => forbidden(incoming, config),
        AccessDenied::Unavailable(..) => unavailable(),
    }
}

/// The 403 page, with the sign-out form: the user may have the wrong account.
fn forbidden(incoming: &IncomingRequest, config: &SsrSettings) -> Result<Response> {
    let sign_out = sign_out::sign_out_form(config, incoming);
    let page = render(page::forbidden(sign_out.as_ref()))?;
    reply::html_with_form(sign_out.as_ref(), 403, page)
}

/// The response without role details: 400, 401, 403 or 503.
pub(crate) fn json_response(denied: &AccessDenied<'_>) -> Result<Response> {
    match denied {
        AccessDenied::SignedOut => {
            reply::error_json(401, "unauthenticated", &[("www-authenticate", "Bearer")])
        }
        AccessDenied::BadQuery(error) => reply::error_json(400, &error.to_string(), &[]),
        AccessDenied::Forbidden(..) => reply::error_json(403, FORBIDDEN, &[]),
        AccessDenied::Unavailable(..) => reply::unavailable_json(),
    }
}

/// An error with the version and age of the roles that it is based on.
#[derive(Serialize)]
struct DeniedResponse {
    error: &'static str,
    version: i64,
    source: &'static str,
    age_ms: i64,
}

/// The response for API routes, with role details where roles are known.
pub(crate) fn json_response_with_roles(denied: &AccessDenied<'_>) -> Result<Response> {
    let (status, error, more, roles) = match denied {
        AccessDenied::Forbidden(_, roles) => (403, FORBIDDEN, &[][..], *roles),
        AccessDenied::Unavailable(_, Some(roles)) => {
            (503, "unavailable", &[reply::RETRY_AFTER][..], *roles)
        }
        AccessDenied::SignedOut
        | AccessDenied::BadQuery(_)
        | AccessDenied::Unavailable(_, None) => {
            return json_response(denied);
        }
    };
    let (version, source, age_ms) = (roles.version(), roles.source.as_str(), roles.age_ms);
    reply::json(status, &DeniedResponse { error, version, source, age_ms }, more)
}

fn to_sign_in(incoming: &IncomingRequest, config: &SsrSettings) -> Result<Response> {
    let Some(to) = &config.sign_in_url else { return unavailable() };
    let here = clean_path(&incoming.path, incoming.query.as_deref().unwrap_or_default());
    // An external sign-in page needs an absolute URL.
    let origin = match &config.sessions {
        Some(sessions) if !to.starts_with('/') => sessions.site_origin(&incoming.origin),
        Some(_) | None => "",
    };
    let separator = if to.contains('?') { '&' } else { '?' };
    let back = format!("{origin}{here}");
    let back: String = form_urlencoded::byte_serialize(back.as_bytes()).collect();
    reply::redirect_302(&format!("{to}{separator}redirect_url={back}"))
}

/// The 503 page.
pub(crate) fn unavailable() -> Result<Response> {
    reply::html(503, render(page::unavailable())?, &[reply::RETRY_AFTER])
}

/// 404.
pub(crate) fn not_found(incoming: &IncomingRequest) -> Result<Response> {
    if incoming.accepts_html {
        reply::html(404, render(page::not_found())?, &[])
    } else {
        reply::error_json(404, "not found", &[])
    }
}

/// 405.
pub(crate) fn method_not_allowed(route: &Route) -> Result<Response> {
    let allow = [("allow", "GET, HEAD")];
    if route.answers_json() {
        reply::error_json(405, "method not allowed", &allow)
    } else {
        reply::html(405, render(page::method_not_allowed())?, &allow)
    }
}

/// Converts a rendering error, for the log.
pub(crate) fn render(page: askama::Result<String>) -> Result<String> {
    page.map_err(|error| worker::Error::RustError(error.to_string()))
}
