//! `/healthz`.

use worker::Response;

use crate::config;
use crate::context::RequestContext;
use crate::incoming::RequestMethod;
use crate::reply::{self, AnswerForm, Failure};
use crate::route::{Handler, RouteRow};

pub(crate) const ROUTES: &[RouteRow] = &[RouteRow {
    method: RequestMethod::Get,
    path: "/healthz",
    form: AnswerForm::Json,
    handler: Handler::Open(|cx| Box::pin(async { health(cx) })),
}];

/// Healthy if all settings are valid.
fn health(cx: &RequestContext<'_>) -> Result<Response, Failure> {
    let (status, health) = edge::settings::health(&config::settings(cx.env).errors);
    reply::json(status, &health)
}
