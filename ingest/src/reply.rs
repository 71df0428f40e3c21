//! HTTP responses of ingest. [`IngestError`] has the status and the text of each rejection.

use serde_json::json;
use shared::admission::{ACCEPTED_STATUS, DeliverySummary, IngestError};
use shared::settings::SettingError;
use worker::{Response, Result};

pub(crate) fn response(
    outcome: &std::result::Result<DeliverySummary, IngestError>,
) -> Result<Response> {
    match outcome {
        Ok(summary) => edge::reply::json(ACCEPTED_STATUS, &json!({ "id": summary.id })),
        Err(rejection) => {
            let (error, message) = rejection.public_error();
            let body = json!({ "error": error, "message": message });
            let seconds = rejection.retry_after_s().map(|seconds| seconds.to_string());
            let retry = seconds.as_deref().map(|seconds| ("retry-after", seconds));
            edge::reply::with_headers(rejection.status(), &body, retry.as_slice())
        }
    }
}

/// Reports 200 if deliveries can be accepted.
pub(crate) fn health(errors: &[SettingError]) -> Result<Response> {
    let (status, health) = edge::settings::health(errors);
    edge::reply::json(status, &health)
}

pub(crate) fn not_found() -> Result<Response> {
    let message = "unknown path; use POST /webhooks/clerk";
    edge::reply::json(404, &json!({ "error": "not_found", "message": message }))
}

pub(crate) fn method_not_allowed(allow: &str) -> Result<Response> {
    let body = json!({ "error": "method_not_allowed", "message": format!("allowed: {allow}") });
    edge::reply::with_headers(405, &body, &[("allow", allow)])
}
