//! `GET /metrics`: what D1 knows, for Prometheus.
//!
//! The classic text format, or `OpenMetrics` if `Accept` asks for it. Series are bounded: reasons
//! are a closed set, and no id and no event type is a label.

mod figures;

use prometheus_client::encoding::{prometheus_text, text};
use shared::operators::authentication::{Refusal, may_read_metrics};
use worker::Response;

use crate::api::overview;
use crate::context::RequestContext;
use crate::incoming::RequestMethod;
use crate::reply::{self, AnswerForm, Failure};
use crate::route::{Handler, RouteRow};
use crate::{audit_log, config};

pub(crate) const ROUTES: &[RouteRow] = &[RouteRow {
    method: RequestMethod::Get,
    path: "/metrics",
    form: AnswerForm::Json,
    handler: Handler::Open(|cx| Box::pin(get(cx))),
}];

/// The media type of `OpenMetrics`.
const OPEN_METRICS: &str = "application/openmetrics-text";

async fn get(cx: &RequestContext<'_>) -> Result<Response, Failure> {
    let settings = config::settings(cx.env);
    let headers = cx.incoming.credential_headers();
    if settings.metrics_tokens.is_empty() {
        let next = "Set the secret METRICS_TOKEN for the Worker console; see docs/deploy.md.";
        return Err(Failure::new(503, "not-configured", "METRICS_TOKEN is not set.", next));
    }
    if !may_read_metrics(headers.authorization, &settings.metrics_tokens) {
        let Some(_) = headers.authorization else { return Err(Refusal::SignedOut.into()) };
        audit_log::record_refusal(cx.env, None, "/metrics", Refusal::InvalidToken).await;
        return Err(Refusal::InvalidToken.into());
    }
    cx.query(&[])?;
    let figures = overview::figures(cx.env).await?;
    let registry = figures::registry(&figures, edge::clock::now());
    let mut page = String::new();
    let (encoded, media_type) = if cx.incoming.accept.contains(OPEN_METRICS) {
        let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        (text::encode(&mut page, &registry), media_type)
    } else {
        (prometheus_text::encode(&mut page, &registry), prometheus_text::CONTENT_TYPE)
    };
    encoded.map_err(|_| Failure::internal("the metrics cannot be encoded"))?;
    reply::bytes(200, media_type, page.into_bytes())
}
