//! Sends deliveries as Svix does: signs each attempt, retries failures, follows no redirects.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use tokio::time::{sleep, timeout};

use crate::clock::now_ms;
use crate::config::{WebhookSecret, WebhookUrl};
use crate::delivery::{SignedRequest, Tampering, WebhookDelivery};
use crate::faults::{Corruption, DeliveryPlan, PlannedDelivery};

/// The pause before each attempt. Svix's begin with 0, 5 s and 5 min; a scale of 100 makes the
/// first retry wait as long.
const PAUSES_MS: [u64; 3] = [0, 50, 500];

/// Svix waits this long for a response. <https://docs.svix.com/retries>
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(15);

/// Svix keeps this much of a response's body.
const RESPONSE_BYTES_MAX: usize = 20_000;

/// The receiver's response to one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveryAttempt {
    /// The status; absent when there was no response.
    pub status: Option<u16>,
    /// The body of the response, or why there was none.
    pub body: String,
}

impl DeliveryAttempt {
    fn without_response(why: String) -> Self {
        Self { status: None, body: why }
    }

    /// Whether the receiver accepted it: for Svix only 2xx counts, so a redirect is a failure.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.status
            .and_then(|status| StatusCode::from_u16(status).ok())
            .is_some_and(|status| status.is_success())
    }
}

/// The result of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveryReport {
    /// `svix-id`.
    pub svix_id: String,
    /// Every attempt of every copy, in order.
    pub attempts: Vec<DeliveryAttempt>,
    /// Whether it was lost on purpose.
    pub dropped: bool,
    /// Whether it waits until the reordering window is full.
    pub held: bool,
}

impl DeliveryReport {
    /// The report of a delivery that is held back.
    #[must_use]
    pub const fn held_back(svix_id: String) -> Self {
        Self { svix_id, attempts: Vec::new(), dropped: false, held: true }
    }
}

/// Sends to one receiver with one secret.
#[derive(Debug)]
pub struct WebhookSender {
    client: Client<HttpConnector, Body>,
    to: WebhookUrl,
    secret: WebhookSecret,
    retry_scale: u32,
}

impl WebhookSender {
    /// `retry_scale` multiplies the pauses between attempts.
    #[must_use]
    pub fn new(to: WebhookUrl, secret: WebhookSecret, retry_scale: u32) -> Self {
        // No idle connections: the next attempt must not fail because the receiver was restarted.
        let client =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http::<Body>();
        Self { client, to, secret, retry_scale }
    }

    /// Sends a delivery as planned, and reports the result.
    pub async fn send(&self, outgoing: PlannedDelivery) -> DeliveryReport {
        let PlannedDelivery { delivery, plan } = outgoing;
        let mut attempts = Vec::new();
        let dropped = match plan {
            DeliveryPlan::Drop => true,
            DeliveryPlan::Send { copies, delay_ms, corruption } => {
                sleep(Duration::from_millis(delay_ms)).await;
                for _ in 0..copies {
                    attempts.extend(self.send_copy(&delivery, corruption).await);
                }
                false
            }
        };
        DeliveryReport { svix_id: delivery.svix_id, attempts, dropped, held: false }
    }

    async fn send_copy(
        &self,
        delivery: &WebhookDelivery,
        corruption: Corruption,
    ) -> Vec<DeliveryAttempt> {
        match corruption {
            Corruption::Forged(tamper) => vec![self.send_once(delivery, Some(tamper)).await],
            Corruption::FirstAttempt => {
                self.send_with_retries(delivery, Some(Tampering::Body)).await
            }
            Corruption::None => self.send_with_retries(delivery, None).await,
        }
    }

    /// Retries until it is accepted or the schedule ends. `first` is for the first attempt alone.
    async fn send_with_retries(
        &self,
        delivery: &WebhookDelivery,
        first: Option<Tampering>,
    ) -> Vec<DeliveryAttempt> {
        let mut attempts = Vec::new();
        let mut tamper = first;
        for pause_ms in PAUSES_MS {
            sleep(Duration::from_millis(pause_ms).saturating_mul(self.retry_scale)).await;
            let attempt = self.send_once(delivery, tamper.take()).await;
            let accepted = attempt.is_accepted();
            attempts.push(attempt);
            if accepted {
                break;
            }
        }
        attempts
    }

    async fn send_once(
        &self,
        delivery: &WebhookDelivery,
        tamper: Option<Tampering>,
    ) -> DeliveryAttempt {
        let request = SignedRequest::new(delivery, tamper, self.secret.signer(), now_ms() / 1000)
            .map_err(|err| err.to_string())
            .and_then(|signed| signed.into_request(self.to.as_uri()).map_err(|e| e.to_string()));
        match request {
            Ok(request) => {
                timeout(RESPONSE_TIMEOUT, self.response_to(request)).await.unwrap_or_else(|_| {
                    DeliveryAttempt::without_response(
                        "no response within 15 s: check that the receiver is not blocked"
                            .to_owned(),
                    )
                })
            }
            Err(why) => DeliveryAttempt::without_response(format!(
                "could not sign the delivery: {why}; check its svix_id"
            )),
        }
    }

    async fn response_to(&self, request: Request<Body>) -> DeliveryAttempt {
        let response = match self.client.request(request).await {
            Ok(response) => response,
            Err(err) => {
                return DeliveryAttempt::without_response(format!(
                    "{} did not respond: {err}; check that the receiver runs",
                    self.to.as_uri()
                ));
            }
        };
        let status = Some(response.status().as_u16());
        let body = match to_bytes(Body::new(response.into_body()), RESPONSE_BYTES_MAX).await {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(err) => format!("could not read the body of the response: {err}"),
        };
        DeliveryAttempt { status, body }
    }
}
