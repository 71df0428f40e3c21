//! The JSON interface for programs: keys, deliveries, fault switches, the scripted day.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::now_ms;
use crate::day::DayStep;
use crate::delivery::{DeliveryFaults, Tampering, WebhookDelivery};
use crate::faults::{FaultSwitches, check_ranges};
use crate::ids::new_svix_id;
use crate::payload::event_body;
use crate::sender::DeliveryReport;
use crate::state::{DeliveryResult, SharedState};

/// An error, as `{"error": "…"}`.
#[derive(Debug)]
pub(crate) struct ApiError(StatusCode, String);

impl ApiError {
    pub(crate) fn bad_request(text: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, text.into())
    }

    /// An internal error.
    pub(crate) fn internal(error: impl std::error::Error) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        Self(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self(rejection.status(), rejection.body_text())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

pub(crate) async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

pub(crate) async fn jwks(State(state): State<SharedState>) -> Json<Value> {
    Json(state.session_key.jwks().clone())
}

/// A delivery to make: an event's type and data, or a raw body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveryRequest {
    #[serde(rename = "type")]
    kind: Option<String>,
    data: Option<Value>,
    timestamp: Option<i64>,
    body: Option<String>,
    svix_id: Option<String>,
    #[serde(default)]
    faults: DeliveryFaults,
}

impl DeliveryRequest {
    fn delivery(self, instance_id: &str, now_ms: i64) -> Result<WebhookDelivery, ApiError> {
        let faults = self.faults;
        check_ranges(faults.duplicate.unwrap_or(0), faults.delay_ms.unwrap_or(0))
            .map_err(|err| ApiError::bad_request(err.to_string()))?;
        let svix_id = match self.svix_id {
            Some(id) if id.is_empty() || !id.bytes().all(|b| b.is_ascii_graphic()) => {
                return Err(ApiError::bad_request(
                    "svix_id must be visible ASCII without spaces: leave it out for a new one",
                ));
            }
            Some(id) => id,
            None => new_svix_id(),
        };
        let body = match (self.body, self.kind, self.data, self.timestamp) {
            (Some(body), None, None, None) => body,
            (None, Some(kind), Some(data), timestamp) => {
                event_body(instance_id, &kind, &data, timestamp.unwrap_or(now_ms))
            }
            _ => {
                return Err(ApiError::bad_request(
                    "give either `body`, or `type` and `data` and optionally `timestamp`",
                ));
            }
        };
        Ok(WebhookDelivery { svix_id, body, faults })
    }
}

/// The ways to tamper with a delivery.
pub(crate) async fn list_tamperings() -> Json<[Tampering; 6]> {
    Json(Tampering::ALL)
}

pub(crate) async fn deliver(
    State(state): State<SharedState>,
    request: Result<Json<DeliveryRequest>, JsonRejection>,
) -> Result<Json<DeliveryResult>, ApiError> {
    let delivery = request?.0.delivery(state.session_key.instance_id(), now_ms())?;
    Ok(Json(state.deliver(delivery).await))
}

pub(crate) async fn get_faults(State(state): State<SharedState>) -> Json<FaultSwitches> {
    Json(state.fault_injector().switches())
}

/// The new switches, and the deliveries that the old window held back.
#[derive(Serialize)]
pub(crate) struct SwitchesResponse {
    #[serde(flatten)]
    faults: FaultSwitches,
    released: Vec<DeliveryReport>,
}

pub(crate) async fn set_faults(
    State(state): State<SharedState>,
    request: Result<Json<FaultSwitches>, JsonRejection>,
) -> Result<Json<SwitchesResponse>, ApiError> {
    let faults = request?.0.validated().map_err(|err| ApiError::bad_request(err.to_string()))?;
    let held = state.fault_injector().set_switches(faults);
    Ok(Json(SwitchesResponse { faults, released: state.send(held).await }))
}

pub(crate) async fn flush(State(state): State<SharedState>) -> Json<Value> {
    let held = state.fault_injector().flush();
    Json(json!({ "released": state.send(held).await }))
}

pub(crate) async fn get_day(State(state): State<SharedState>) -> Json<Vec<DayStep>> {
    Json(state.day.script())
}

/// The result of a step.
#[derive(Serialize)]
pub(crate) struct StepResponse {
    title: &'static str,
    effect: &'static str,
    expected_status: &'static [u16],
    /// Whether the last response was an expected one. Absent when a switch lost the delivery or
    /// holds it back: then there was no response.
    ok: Option<bool>,
    #[serde(flatten)]
    delivered: DeliveryResult,
}

pub(crate) async fn play_step(
    State(state): State<SharedState>,
    index: Result<Path<usize>, PathRejection>,
) -> Result<Json<StepResponse>, ApiError> {
    let Path(index) = index?;
    let steps = state.day.script();
    let count = steps.len();
    match steps.into_iter().nth(index) {
        Some(step) => Ok(Json(play(&state, step).await)),
        None => Err(ApiError(
            StatusCode::NOT_FOUND,
            format!("there is no such step: the day has {count}, counted from 0"),
        )),
    }
}

pub(crate) async fn get_revocation(State(state): State<SharedState>) -> Json<DayStep> {
    Json(state.day.revocation(now_ms()))
}

pub(crate) async fn play_revocation(State(state): State<SharedState>) -> Json<StepResponse> {
    Json(play(&state, state.day.revocation(now_ms())).await)
}

pub(crate) async fn get_grant(State(state): State<SharedState>) -> Json<DayStep> {
    Json(state.day.grant(now_ms()))
}

pub(crate) async fn play_grant(State(state): State<SharedState>) -> Json<StepResponse> {
    Json(play(&state, state.day.grant(now_ms())).await)
}

async fn play(state: &SharedState, step: DayStep) -> StepResponse {
    let DayStep { title, effect, expected_status, delivery, .. } = step;
    let delivered = state.deliver(delivery).await;
    let ok = delivered
        .report
        .attempts
        .last()
        .map(|last| last.status.is_some_and(|status| expected_status.contains(&status)));
    StepResponse { title, effect, expected_status, ok, delivered }
}
