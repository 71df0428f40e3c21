//! `GET /metrics`, for Prometheus: what D1 knows, what `Meter` knows, and whether they answered.
//!
//! [`shared::metrics::table`] has every metric. The format is the classic one or `OpenMetrics`, by
//! `Accept`. The number of series is bounded: no id is a label.

mod accept;
mod database;
mod gather;
mod page;
mod samples;
mod shards;

use shared::operators::authentication::{Refusal, may_read_metrics};
use worker::Response;

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
    let format = accept::Format::preferred(&cx.incoming.accept);
    let text = page::encoded(gather::page(cx.env).await, format);
    let text = text.map_err(|_| Failure::internal("the metrics cannot be encoded"))?;
    reply::bytes(200, format.media_type(), text.into_bytes())
}
