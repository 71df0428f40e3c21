//! Sends deliveries as Svix does: each attempt signed anew, failures tried again, no redirects.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use tokio::time::{sleep, timeout};

use crate::clock::now_ms;
use crate::config::{Secret, WebhookUrl};
use crate::delivery::{Delivery, Signed, Tamper};
use crate::faults::{Fate, Outgoing, Wrong};

/// The pause before each attempt. Svix's begin with 0, 5 s and 5 min; a scale of 100 makes the
/// first retry wait as long.
const PAUSES_MS: [u64; 3] = [0, 50, 500];

/// Svix waits this long for an answer. <https://docs.svix.com/retries>
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// Svix keeps this much of an answer's body.
const ANSWER_BYTES_MAX: usize = 20_000;

/// The receiver's side of one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// The status; absent when there was no answer.
    pub status: Option<u16>,
    /// The body of the answer, or why there was none.
    pub body: String,
}

impl Attempt {
    fn unanswered(why: String) -> Self {
        Self { status: None, body: why }
    }

    /// Whether the receiver took it: Svix counts 2xx alone, so a redirect is a failure.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.status
            .and_then(|status| StatusCode::from_u16(status).ok())
            .is_some_and(|status| status.is_success())
    }
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// `svix-id`.
    pub svix_id: String,
    /// Every attempt of every copy, in order.
    pub attempts: Vec<Attempt>,
    /// Whether it was lost on purpose.
    pub dropped: bool,
    /// Whether it waits for its window of reordering to fill.
    pub held: bool,
}

impl Report {
    /// The report of a delivery that waits.
    #[must_use]
    pub const fn held(svix_id: String) -> Self {
        Self { svix_id, attempts: Vec::new(), dropped: false, held: true }
    }
}

/// Sends to one receiver with one secret.
#[derive(Debug)]
pub struct Sender {
    client: Client<HttpConnector, Body>,
    to: WebhookUrl,
    secret: Secret,
    retry_scale: u32,
}

impl Sender {
    /// A sender; the pauses between attempts are multiplied by `retry_scale`.
    #[must_use]
    pub fn new(to: WebhookUrl, secret: Secret, retry_scale: u32) -> Self {
        // No idle connections: a receiver that was restarted must not cost the next attempt.
        let client =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http::<Body>();
        Self { client, to, secret, retry_scale }
    }

    /// Sends a delivery as its fate says, and tells how it went.
    pub async fn send(&self, outgoing: Outgoing) -> Report {
        let Outgoing { delivery, fate } = outgoing;
        let mut attempts = Vec::new();
        let dropped = match fate {
            Fate::Dropped => true,
            Fate::Sent { copies, delay_ms, wrong } => {
                sleep(Duration::from_millis(delay_ms)).await;
                for _ in 0..copies {
                    attempts.extend(self.send_copy(&delivery, wrong).await);
                }
                false
            }
        };
        Report { svix_id: delivery.svix_id, attempts, dropped, held: false }
    }

    async fn send_copy(&self, delivery: &Delivery, wrong: Wrong) -> Vec<Attempt> {
        match wrong {
            Wrong::Forged(tamper) => vec![self.attempt(delivery, Some(tamper)).await],
            Wrong::FirstAttempt => self.persist(delivery, Some(Tamper::Body)).await,
            Wrong::Nothing => self.persist(delivery, None).await,
        }
    }

    /// Tries until it is accepted or the schedule ends; `first` spoils the first attempt alone.
    async fn persist(&self, delivery: &Delivery, first: Option<Tamper>) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        let mut tamper = first;
        for pause_ms in PAUSES_MS {
            sleep(Duration::from_millis(pause_ms).saturating_mul(self.retry_scale)).await;
            let attempt = self.attempt(delivery, tamper.take()).await;
            let accepted = attempt.accepted();
            attempts.push(attempt);
            if accepted {
                break;
            }
        }
        attempts
    }

    async fn attempt(&self, delivery: &Delivery, tamper: Option<Tamper>) -> Attempt {
        let request = Signed::new(delivery, tamper, self.secret.webhook(), now_ms() / 1000)
            .map_err(|err| err.to_string())
            .and_then(|signed| signed.into_request(self.to.as_uri()).map_err(|e| e.to_string()));
        match request {
            Ok(request) => timeout(ANSWER_TIMEOUT, self.exchange(request))
                .await
                .unwrap_or_else(|_| Attempt::unanswered("no answer within 15 s".to_owned())),
            Err(why) => Attempt::unanswered(format!("could not be signed: {why}")),
        }
    }

    async fn exchange(&self, request: Request<Body>) -> Attempt {
        let response = match self.client.request(request).await {
            Ok(response) => response,
            Err(err) => {
                return Attempt::unanswered(format!("{} did not answer: {err}", self.to.as_uri()));
            }
        };
        let status = Some(response.status().as_u16());
        let body = match to_bytes(Body::new(response.into_body()), ANSWER_BYTES_MAX).await {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(err) => format!("the answer's body was not read: {err}"),
        };
        Attempt { status, body }
    }
}
