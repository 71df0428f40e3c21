//! The JSON interface for programs: keys, deliveries, switches, the day.

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

/// A refusal, as `{"error": "…"}`.
#[derive(Debug)]
pub(crate) struct Refusal(StatusCode, String);

impl Refusal {
    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, text.into())
    }

    /// Something failed here.
    pub(crate) fn broken(error: impl std::error::Error) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for Refusal {
    fn from(rejection: PathRejection) -> Self {
        Self(rejection.status(), rejection.body_text())
    }
}

impl IntoResponse for Refusal {
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
pub(crate) struct DeliveryAsked {
    #[serde(rename = "type")]
    kind: Option<String>,
    data: Option<Value>,
    timestamp: Option<i64>,
    body: Option<String>,
    svix_id: Option<String>,
    #[serde(default)]
    faults: DeliveryFaults,
}

impl DeliveryAsked {
    fn delivery(self, instance_id: &str, now_ms: i64) -> Result<WebhookDelivery, Refusal> {
        let faults = self.faults;
        check_ranges(faults.duplicate.unwrap_or(0), faults.delay_ms.unwrap_or(0))
            .map_err(|err| Refusal::bad(err.to_string()))?;
        let svix_id = match self.svix_id {
            Some(id) if id.is_empty() || !id.bytes().all(|b| b.is_ascii_graphic()) => {
                return Err(Refusal::bad("svix_id must be visible ASCII without spaces"));
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
                return Err(Refusal::bad(
                    "give either `type` and `data` (and `timestamp`, if you like) or `body`",
                ));
            }
        };
        Ok(WebhookDelivery { svix_id, body, faults })
    }
}

/// What can be wrong with a delivery.
pub(crate) async fn wrong() -> Json<[Tampering; 6]> {
    Json(Tampering::ALL)
}

pub(crate) async fn deliver(
    State(state): State<SharedState>,
    asked: Result<Json<DeliveryAsked>, JsonRejection>,
) -> Result<Json<DeliveryResult>, Refusal> {
    let delivery = asked?.0.delivery(state.session_key.instance_id(), now_ms())?;
    Ok(Json(state.deliver(delivery).await))
}

pub(crate) async fn faults(State(state): State<SharedState>) -> Json<FaultSwitches> {
    Json(state.fault_injector().switches())
}

/// The switches as set, and the deliveries that the old window held.
#[derive(Serialize)]
pub(crate) struct Switched {
    #[serde(flatten)]
    faults: FaultSwitches,
    released: Vec<DeliveryReport>,
}

pub(crate) async fn set_faults(
    State(state): State<SharedState>,
    asked: Result<Json<FaultSwitches>, JsonRejection>,
) -> Result<Json<Switched>, Refusal> {
    let faults = asked?.0.validated().map_err(|err| Refusal::bad(err.to_string()))?;
    let held = state.fault_injector().set_switches(faults);
    Ok(Json(Switched { faults, released: state.send(held).await }))
}

pub(crate) async fn flush(State(state): State<SharedState>) -> Json<Value> {
    let held = state.fault_injector().flush();
    Json(json!({ "released": state.send(held).await }))
}

pub(crate) async fn day(State(state): State<SharedState>) -> Json<Vec<DayStep>> {
    Json(state.day.script())
}

/// A step as it went.
#[derive(Serialize)]
pub(crate) struct Played {
    title: &'static str,
    effect: &'static str,
    expected_status: &'static [u16],
    /// Whether the last answer was a right one; absent when the delivery was lost or is held back
    /// by the switches, for then nothing is known.
    ok: Option<bool>,
    #[serde(flatten)]
    delivered: DeliveryResult,
}

pub(crate) async fn play_day(
    State(state): State<SharedState>,
    index: Result<Path<usize>, PathRejection>,
) -> Result<Json<Played>, Refusal> {
    let Path(index) = index?;
    let steps = state.day.script();
    let count = steps.len();
    match steps.into_iter().nth(index) {
        Some(step) => Ok(Json(play(&state, step).await)),
        None => {
            Err(Refusal(StatusCode::NOT_FOUND, format!("the day has {count} steps, from 0 on")))
        }
    }
}

pub(crate) async fn revocation(State(state): State<SharedState>) -> Json<DayStep> {
    Json(state.day.revocation(now_ms()))
}

pub(crate) async fn play_revocation(State(state): State<SharedState>) -> Json<Played> {
    Json(play(&state, state.day.revocation(now_ms())).await)
}

pub(crate) async fn grant(State(state): State<SharedState>) -> Json<DayStep> {
    Json(state.day.grant(now_ms()))
}

pub(crate) async fn play_grant(State(state): State<SharedState>) -> Json<Played> {
    Json(play(&state, state.day.grant(now_ms())).await)
}

async fn play(state: &SharedState, step: DayStep) -> Played {
    let DayStep { title, effect, expected_status, delivery, .. } = step;
    let delivered = state.deliver(delivery).await;
    let ok = delivered
        .report
        .attempts
        .last()
        .map(|last| last.status.is_some_and(|status| expected_status.contains(&status)));
    Played { title, effect, expected_status, ok, delivered }
}
