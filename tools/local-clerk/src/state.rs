//! What the request handlers share: the settings, the session key, and what changes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;

use crate::clock::now_ms;
use crate::config::{AppUrl, Apps, SecretKey, ServerConfig};
use crate::day::ScriptedDay;
use crate::delivery::WebhookDelivery;
use crate::faults::{FaultInjector, PlannedDelivery};
use crate::invalid_tokens::TokenForger;
use crate::nonces::NonceStore;
use crate::resources::{ResourceKind, ResourceStore};
use crate::sender::{DeliveryReport, WebhookSender};
use crate::session_key::SessionKey;

/// The lifetime of a session.
pub(crate) const SESSION_TTL_S: i64 = 3_600;

/// How long a browser stays signed in; this is Clerk's default.
pub(crate) const CLIENT_TTL_S: i64 = 7 * 86_400;

/// The state as every handler gets it.
pub(crate) type SharedState = Arc<ServerState>;

/// The state of the server.
#[derive(Debug)]
pub(crate) struct ServerState {
    /// This server's address, which its tokens name as their issuer.
    pub(crate) issuer: String,
    /// The applications.
    pub(crate) apps: Apps,
    /// The operators' console.
    pub(crate) console: Option<AppUrl>,
    /// The session key.
    pub(crate) session_key: SessionKey,
    /// Makes invalid tokens.
    pub(crate) forger: TokenForger,
    /// The scripted day. It ends when this server starts, so each step is the same delivery each
    /// time it is played.
    pub(crate) day: ScriptedDay,
    /// The key that requests to the Backend API must carry.
    pub(crate) secret_key: SecretKey,
    /// Whether a handshake may return a nonce.
    pub(crate) has_nonces: bool,
    sender: WebhookSender,
    fault_injector: Mutex<FaultInjector>,
    resources: Mutex<ResourceStore>,
    nonces: Mutex<NonceStore>,
}

/// The result of a delivery, and of those that were sent with it.
#[derive(Debug, Serialize)]
pub(crate) struct DeliveryResult {
    /// The requested delivery.
    #[serde(flatten)]
    pub(crate) report: DeliveryReport,
    /// Deliveries that were held back until now, in the order in which they were sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) released: Vec<DeliveryReport>,
}

impl ServerState {
    /// The state at the start of a server whose address is `issuer`.
    pub(crate) fn new(config: ServerConfig, issuer: String, session_key: SessionKey) -> Self {
        let day = ScriptedDay::new(session_key.instance_id(), now_ms());
        Self {
            resources: Mutex::new(ResourceStore::after_day(&day.script())),
            nonces: Mutex::default(),
            forger: TokenForger::default(),
            day,
            secret_key: config.secret_key,
            has_nonces: config.nonces,
            issuer,
            apps: config.apps,
            console: config.console,
            session_key,
            sender: WebhookSender::new(
                config.webhook_url,
                config.webhook_secret,
                config.retry_scale,
            ),
            fault_injector: Mutex::new(FaultInjector::new(config.faults, config.seed)),
        }
    }

    /// The fault switches. A poisoned lock is used all the same: no call leaves the state half
    /// changed.
    pub(crate) fn fault_injector(&self) -> MutexGuard<'_, FaultInjector> {
        self.fault_injector.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The resources of the instance.
    pub(crate) fn resources(&self) -> MutexGuard<'_, ResourceStore> {
        self.resources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All resources of a kind.
    pub(crate) fn list(&self, kind: ResourceKind) -> Vec<Value> {
        self.resources().list(kind)
    }

    /// The handshakes that the application has yet to fetch.
    pub(crate) fn nonces(&self) -> MutexGuard<'_, NonceStore> {
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a delivery, unless it is held back. Its event counts from now on, whether or not it
    /// arrives; a forged event does not count.
    pub(crate) async fn deliver(self: &Arc<Self>, delivery: WebhookDelivery) -> DeliveryResult {
        if delivery.faults.tamper.is_none() {
            self.resources().apply_event(&delivery.body);
        }
        let svix_id = delivery.svix_id.clone();
        let outgoing = self.fault_injector().plan(delivery);
        let mut released = self.send(outgoing).await;
        let own = released.iter().position(|report| report.svix_id == svix_id);
        let report = match own {
            Some(at) => released.remove(at),
            None => DeliveryReport::held_back(svix_id),
        };
        DeliveryResult { report, released }
    }

    /// Sends one delivery after the other. This is a task of its own: a client that disconnects
    /// ends its handler, but must not end the deliveries.
    pub(crate) async fn send(
        self: &Arc<Self>,
        outgoing: Vec<PlannedDelivery>,
    ) -> Vec<DeliveryReport> {
        let state = Arc::clone(self);
        let sending = tokio::spawn(async move {
            let mut reports = Vec::with_capacity(outgoing.len());
            for delivery in outgoing {
                reports.push(state.sender.send(delivery).await);
            }
            reports
        });
        sending.await.unwrap_or_default()
    }
}
