//! What the request handlers share: the settings, the session key, and what changes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;

use crate::clock::now_ms;
use crate::config::{Apps, Config, SecretKey};
use crate::day::Day;
use crate::delivery::Delivery;
use crate::faults::{Line, Outgoing};
use crate::keys::Keys;
use crate::nonces::Nonces;
use crate::objects::{Kind, Objects};
use crate::sender::{Report, Sender};
use crate::wrong::Forger;

/// How long a session lasts.
pub(crate) const SESSION_TTL_S: i64 = 3_600;

/// How long a browser stays signed in: Clerk's default.
pub(crate) const CLIENT_TTL_S: i64 = 7 * 86_400;

/// What every handler has.
pub(crate) type SharedState = Arc<ServerState>;

/// The stand-in's state.
#[derive(Debug)]
pub(crate) struct ServerState {
    /// This server's address.
    pub(crate) issuer: String,
    /// The applications.
    pub(crate) apps: Apps,
    /// The session key.
    pub(crate) keys: Keys,
    /// Makes tokens that are wrong.
    pub(crate) forger: Forger,
    /// The scripted day. It ends at this server's start, so that each step of it is the same
    /// delivery however often it is played.
    pub(crate) day: Day,
    /// What the Backend API is asked with.
    pub(crate) secret_key: SecretKey,
    /// Whether a handshake may be answered with a nonce.
    pub(crate) has_nonces: bool,
    sender: Sender,
    line: Mutex<Line>,
    objects: Mutex<Objects>,
    nonces: Mutex<Nonces>,
}

/// What became of a delivery, and of those that waited for it.
#[derive(Debug, Serialize)]
pub(crate) struct Delivered {
    /// The delivery that was asked for.
    #[serde(flatten)]
    pub(crate) report: Report,
    /// Others that were held back and left with it, in the order in which they were sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) released: Vec<Report>,
}

impl ServerState {
    /// The state at the start of a server whose address is `issuer`.
    pub(crate) fn new(config: Config, issuer: String, keys: Keys) -> Self {
        let day = Day::new(keys.instance_id(), now_ms());
        Self {
            objects: Mutex::new(Objects::after(&day.script())),
            nonces: Mutex::default(),
            forger: Forger::default(),
            day,
            secret_key: config.secret_key,
            has_nonces: config.nonces,
            issuer,
            apps: config.apps,
            keys,
            sender: Sender::new(config.webhook, config.secret, config.retry_scale),
            line: Mutex::new(Line::new(config.faults, config.seed)),
        }
    }

    /// The switches. A poisoned lock is taken all the same: the line is sound between any two of
    /// its calls.
    pub(crate) fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the instance holds.
    pub(crate) fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All objects of a kind.
    pub(crate) fn all(&self, kind: Kind) -> Vec<Value> {
        self.objects().all(kind)
    }

    /// The answers to handshakes that wait to be fetched.
    pub(crate) fn nonces(&self) -> MutexGuard<'_, Nonces> {
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a delivery into the line and sends what leaves it. What it tells is so from here on,
    /// whether or not it arrives; what a forger tells is not.
    pub(crate) async fn deliver(self: &Arc<Self>, delivery: Delivery) -> Delivered {
        if delivery.faults.tamper.is_none() {
            self.objects().take(&delivery.body);
        }
        let svix_id = delivery.svix_id.clone();
        let leaving = self.line().push(delivery);
        let mut released = self.send(leaving).await;
        let own = released.iter().position(|report| report.svix_id == svix_id);
        let report = match own {
            Some(at) => released.remove(at),
            None => Report::held(svix_id),
        };
        Delivered { report, released }
    }

    /// Sends in order, one after the other, to the end: in a task of its own, since a client that
    /// hangs up ends its handler, and what Clerk has to deliver does not hang on that.
    pub(crate) async fn send(self: &Arc<Self>, outgoing: Vec<Outgoing>) -> Vec<Report> {
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
