//! `GET /metrics`, for Prometheus.

use worker::Response;

use crate::config;
use crate::context::RequestContext;
use crate::incoming::RequestMethod;
use crate::reply::Failure;
use crate::route::{AnswerForm, Handler, RouteRow};
use shared::operators::authentication::{Refusal, may_read_metrics};

pub(crate) const ROUTES: &[RouteRow] = &[RouteRow {
    method: RequestMethod::Get,
    path: "/metrics",
    form: AnswerForm::Json,
    handler: Handler::Open(|cx| Box::pin(get(cx))),
}];

async fn get(cx: &RequestContext<'_>) -> Result<Response, Failure> {
    let settings = config::settings(cx.env);
    let headers = cx.incoming.credential_headers();
    if !may_read_metrics(headers.authorization, &settings.metrics_tokens) {
        return Err(Refusal::InvalidToken.into());
    }
    crate::reply::json(200, &crate::api::overview::overview(cx.env).await?)
}
