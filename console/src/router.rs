//! Finds the route of a request and answers it.
//!
//! Routes are rows of a table, so the access check comes before the handler of each of them, and a
//! test compares the table with `console/openapi.json`. `matchit` finds the row, as in axum and in
//! `worker::Router`; but that one takes closures, which no test can list, and it parses the URL.

use matchit::Router;
use shared::operators::authentication::{self, Refusal};
use worker::{Env, Request, Response, Result};

use crate::authenticate::{authenticate, keep_name_once};
use crate::context::{CallerContext, PathParams, RequestContext};
use crate::incoming::{IncomingRequest, RequestMethod};
use crate::reply::{self, AnswerForm, Failure};
use crate::route::{Handler, RouteRow};
use crate::{api, audit_log, health, metrics, sign_in, site};

/// The routes of each area.
pub(crate) const AREAS: &[&[RouteRow]] = &[
    health::ROUTES,
    metrics::ROUTES,
    sign_in::ROUTES,
    api::whoami::ROUTES,
    api::overview::ROUTES,
    api::letters::ROUTES,
    api::letter::ROUTES,
    api::replay_changes::ROUTES,
    api::replays::ROUTES,
    api::explain::ROUTES,
    api::roles::ROUTES,
    api::audit::ROUTES,
    site::assets::ROUTES,
    site::session::ROUTES,
    site::overview::ROUTES,
    site::letters::ROUTES,
    site::replays::ROUTES,
    site::replay_forms::ROUTES,
    site::users::ROUTES,
    site::audit::ROUTES,
];

/// Answers a request.
///
/// # Errors
/// If not even an error can be answered.
pub(crate) async fn answer(
    req: &Request,
    env: &Env,
    incoming: &IncomingRequest,
) -> Result<Response> {
    let (row, params) = match find(incoming) {
        Ok(found) => found,
        Err(failure) => {
            let request = RequestContext { req, env, incoming, params: Vec::new() };
            return failed(form_of(&incoming.path), &request, &failure);
        }
    };
    let request = RequestContext { req, env, incoming, params };
    match call(row, &request).await {
        Ok(answer) => Ok(answer),
        Err(failure) => failed(row.form, &request, &failure),
    }
}

/// The answer for a failure, as JSON or as a page.
fn failed(form: AnswerForm, request: &RequestContext<'_>, failure: &Failure) -> Result<Response> {
    match form {
        AnswerForm::Json => reply::failure(failure),
        AnswerForm::Page => site::frame::failure_of_stranger(request, failure)
            .or_else(|while_shown| reply::failure(&while_shown)),
    }
}

async fn call(row: &RouteRow, request: &RequestContext<'_>) -> Result<Response, Failure> {
    let handler = match row.handler {
        Handler::Open(handler) => return handler(request).await,
        Handler::Look(handler) | Handler::Change(handler) => handler,
    };
    let caller = match authenticate(request.env, request.incoming).await {
        Ok(caller) => caller,
        Err(refusal) => return Err(refused(row, request, None, refusal).await),
    };
    if matches!(row.handler, Handler::Change(_)) {
        keep_name_once(request.env, &caller).await;
        let IncomingRequest { origin, .. } = request.incoming;
        let headers = request.incoming.origin_headers();
        if let Err(refusal) = authentication::permit_change(&caller, headers, origin) {
            return Err(refused(row, request, Some(&caller.actor), refusal).await);
        }
    }
    handler(&CallerContext { request, caller }).await
}

/// Writes the refused attempt into the audit trail, as far as it takes it.
async fn refused(
    row: &RouteRow,
    request: &RequestContext<'_>,
    actor: Option<&str>,
    refusal: Refusal,
) -> Failure {
    tracing::info!(route = row.path, actor, reason = refusal.code(), "request refused");
    audit_log::record_refusal(request.env, actor, row.path, refusal).await;
    Failure::from(refusal)
}

/// The row of a request, and the parameters in its path, decoded.
fn find(incoming: &IncomingRequest) -> Result<(&'static RouteRow, PathParams), Failure> {
    thread_local! {
        static ROUTER: Router<Vec<&'static RouteRow>> = build(AREAS).unwrap_or_default();
    }
    ROUTER.with(|router| {
        let found = router.at(&incoming.path).map_err(|_| Failure::no_route())?;
        let method = match incoming.method {
            RequestMethod::Head => RequestMethod::Get,
            RequestMethod::Get | RequestMethod::Post | RequestMethod::Other => incoming.method,
        };
        let Some(row) = found.value.iter().find(|row| row.method == method) else {
            let allowed = found.value.iter().map(|row| row.method);
            return Err(Failure::method_not_allowed(allowed));
        };
        Ok((*row, params(row.path, &found.params)?))
    })
}

/// A router that has each path once, with the rows of its methods.
fn build(
    areas: &[&'static [RouteRow]],
) -> Result<Router<Vec<&'static RouteRow>>, matchit::InsertError> {
    let mut paths: Vec<(&str, Vec<&'static RouteRow>)> = Vec::new();
    for row in areas.iter().flat_map(|area| area.iter()) {
        match paths.iter_mut().find(|(path, _)| *path == row.path) {
            Some((_, rows)) => rows.push(row),
            None => paths.push((row.path, vec![row])),
        }
    }
    let mut router = Router::new();
    for (path, rows) in paths {
        router.insert(path, rows)?;
    }
    Ok(router)
}

/// The parameters by the names in the row's path.
fn params(path: &'static str, found: &matchit::Params<'_, '_>) -> Result<PathParams, Failure> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let params = names.map(|name| {
        let raw = found.get(name).unwrap_or_default();
        let text = percent_encoding::percent_decode_str(raw).decode_utf8();
        text.map(|text| (name, text.into_owned())).map_err(|_| Failure::no_route())
    });
    params.collect()
}

/// Errors of paths that do not exist.
fn form_of(path: &str) -> AnswerForm {
    if path.starts_with("/api/") { AnswerForm::Json } else { AnswerForm::Page }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::{AREAS, build};
    use crate::incoming::RequestMethod;
    use crate::reply::AnswerForm;

    #[test]
    fn each_route_with_json_is_described_and_no_other_is() {
        let document: Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
        let paths = document["paths"].as_object().unwrap().iter();
        let described = paths.flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(move |method| format!("{method} {path}"))
        });
        let described: BTreeSet<String> = described.collect();
        let rows = AREAS.iter().flat_map(|area| area.iter());
        let routes = rows.filter(|row| row.form == AnswerForm::Json).map(|row| {
            let method = if row.method == RequestMethod::Post { "post" } else { "get" };
            format!("{method} {}", row.path)
        });
        assert_eq!(routes.collect::<BTreeSet<_>>(), described);
    }

    #[test]
    fn each_route_is_there_once_and_found() {
        let router = build(AREAS).unwrap();
        let mut rows: Vec<_> = AREAS.concat();
        assert!(5 < rows.len());
        for row in &rows {
            let found = router.at(row.path).unwrap();
            let of_method = found.value.iter().filter(|found| found.method == row.method);
            assert_eq!(of_method.count(), 1, "{} is there twice", row.path);
        }
        rows.dedup_by_key(|row| row.path);
        for wrong in ["/api/v1/overview/", "/api/v1//overview", "/API/v1/overview", "/api/v2/audit"]
        {
            assert!(router.at(wrong).is_err(), "{wrong}");
        }
    }
}
