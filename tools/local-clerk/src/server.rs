//! The server: routes, what they share, start and end.

use std::future::Future;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::routing::{get, post};
use axum::{Router, middleware};
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::clock::now_ms;
use crate::config::{Apps, Config, SecretKey};
use crate::day::Day;
use crate::delivery::Delivery;
use crate::faults::{Line, Outgoing};
use crate::keys::{KeyError, Keys};
use crate::nonces::Nonces;
use crate::objects::{Kind, Objects};
use crate::sender::{Report, Sender};
use crate::wrong::Forger;
use crate::{api, backend, handshake, origin, page, tokens};

/// How long a session lasts.
pub const SESSION_TTL_S: i64 = 3_600;

/// How long a browser stays signed in: Clerk's default.
pub const CLIENT_TTL_S: i64 = 7 * 86_400;

/// How long requests under way may go on once the server is told to stop.
const LAST_REQUESTS: Duration = Duration::from_secs(3);

/// Why the server did not start; the message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The session key is missing and cannot be made, or is something else.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Another program has the port.
    #[error(
        "port {0} on 127.0.0.1 is taken: stop the program that listens there, or choose another \
         with --port"
    )]
    PortTaken(u16),
    /// The port could not be listened on for another reason.
    #[error("could not listen on 127.0.0.1:{0}: {1}; choose another port with --port")]
    Listen(u16, #[source] io::Error),
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    clerk: Shared,
}

impl Server {
    /// Opens the port and the key.
    ///
    /// # Errors
    /// [`StartError`] when either cannot be had.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let failed = |err: io::Error| {
            if err.kind() == io::ErrorKind::AddrInUse {
                StartError::PortTaken(config.port)
            } else {
                StartError::Listen(config.port, err)
            }
        };
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)).await.map_err(failed)?;
        let issuer = format!("http://{}", listener.local_addr().map_err(failed)?);
        // After the port: of two starts at once, only one makes the key.
        let keys = Keys::open(&config.state_dir)?;
        let day = Day::new(keys.instance_id(), now_ms());
        let clerk = Clerk {
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
        };
        Ok(Self { listener, clerk: Arc::new(clerk) })
    }

    /// The server's address, `http://127.0.0.1:PORT`: the issuer of its tokens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.clerk.issuer
    }

    /// Serves until `stop` is done; then takes no more and lets what is under way end, for at most
    /// three seconds. Deliveries that a window of reordering still holds are not sent.
    ///
    /// # Errors
    /// [`io::Error`] when the listener fails.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let (stopping, stopped) = oneshot::channel::<()>();
        let serve = axum::serve(self.listener, routes(self.clerk)).with_graceful_shutdown(async {
            stop.await;
            drop(stopping);
        });
        let out_of_time = async {
            // Nothing is ever sent: the channel ends when the sender is dropped, above.
            let _ended = stopped.await;
            tokio::time::sleep(LAST_REQUESTS).await;
        };
        tokio::select! {
            ended = serve => ended,
            () = out_of_time => Ok(()),
        }
    }
}

fn routes(clerk: Shared) -> Router {
    Router::new()
        .route("/", get(page::root))
        .route("/sign-in", get(page::show).post(page::sign_in))
        .route("/sign-out", post(page::sign_out))
        .route("/health", get(api::health))
        .route("/.well-known/jwks.json", get(api::jwks))
        .route("/v1/client/handshake", get(handshake::shake))
        .route("/local/tokens", post(tokens::token))
        .route("/local/tokens/wrong", get(tokens::wrong))
        .route("/local/deliveries", post(api::deliver))
        .route("/local/deliveries/wrong", get(api::wrong))
        .route("/local/faults", get(api::faults).put(api::set_faults))
        .route("/local/flush", post(api::flush))
        .route("/local/day", get(api::day))
        .route("/local/day/{index}", post(api::play_day))
        .route("/local/day/revocation", get(api::revocation).post(api::play_revocation))
        .route("/local/day/grant", get(api::grant).post(api::play_grant))
        .merge(backend::routes(&clerk))
        .layer(middleware::from_fn_with_state(Arc::clone(&clerk), origin::refuse_strangers))
        .with_state(clerk)
}

/// What every handler has.
pub(crate) type Shared = Arc<Clerk>;

/// The stand-in's state.
#[derive(Debug)]
pub(crate) struct Clerk {
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

impl Clerk {
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
        let clerk = Arc::clone(self);
        let sending = tokio::spawn(async move {
            let mut reports = Vec::with_capacity(outgoing.len());
            for delivery in outgoing {
                reports.push(clerk.sender.send(delivery).await);
            }
            reports
        });
        sending.await.unwrap_or_default()
    }
}
