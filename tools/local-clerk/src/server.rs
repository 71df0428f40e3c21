//! The server: its routes, its start and its end.

use std::future::Future;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::routing::{get, post};
use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::config::ServerConfig;
use crate::session_key::{SessionKey, SessionKeyError};
use crate::state::{ServerState, SharedState};
use crate::{api, backend, handshake, origin, sign_in_page, tokens};

/// How long current requests may take when the server stops.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);

/// Why the server did not start. The message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The session key could not be loaded or made.
    #[error(transparent)]
    Key(#[from] SessionKeyError),
    /// Another program uses the port.
    #[error(
        "port {0} on 127.0.0.1 is taken: stop the program that listens there, or choose another \
         with --port"
    )]
    PortTaken(u16),
    /// Listening on the port failed for another reason.
    #[error("could not listen on 127.0.0.1:{0}: {1}; choose another port with --port")]
    Listen(u16, #[source] io::Error),
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    state: SharedState,
}

impl Server {
    /// Opens the port, then loads or makes the key.
    ///
    /// # Errors
    /// [`StartError`] when one of them fails.
    pub async fn start(config: ServerConfig) -> Result<Self, StartError> {
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
        // After the port: if two servers start at once, only one makes the key.
        let session_key = SessionKey::load_or_create(&config.state_dir)?;
        let state = ServerState::new(config, issuer, session_key);
        Ok(Self { listener, state: Arc::new(state) })
    }

    /// The server's address, `http://127.0.0.1:PORT`: the issuer of its tokens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.state.issuer
    }

    /// Serves until `stop` completes, then accepts no more requests and waits at most three seconds
    /// for the current ones. Deliveries that are still held back are not sent.
    ///
    /// # Errors
    /// [`io::Error`] when the listener fails.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let (stopping, stopped) = oneshot::channel::<()>();
        let serve = axum::serve(self.listener, routes(self.state)).with_graceful_shutdown(async {
            stop.await;
            drop(stopping);
        });
        let out_of_time = async {
            // Nothing is sent: the channel closes when its sender is dropped, above.
            let _ended = stopped.await;
            tokio::time::sleep(SHUTDOWN_GRACE).await;
        };
        tokio::select! {
            ended = serve => ended,
            () = out_of_time => Ok(()),
        }
    }
}

fn routes(state: SharedState) -> Router {
    Router::new()
        .route("/", get(sign_in_page::root))
        .route("/sign-in", get(sign_in_page::show).post(sign_in_page::sign_in))
        .route("/sign-out", post(sign_in_page::sign_out))
        .route("/health", get(api::health))
        .route("/.well-known/jwks.json", get(api::jwks))
        .route("/v1/client/handshake", get(handshake::handshake))
        .route("/local/tokens", post(tokens::create_token))
        .route("/local/tokens/wrong", get(tokens::list_invalid_tokens))
        .route("/local/deliveries", post(api::deliver))
        .route("/local/deliveries/wrong", get(api::list_tamperings))
        .route("/local/faults", get(api::get_faults).put(api::set_faults))
        .route("/local/flush", post(api::flush))
        .route("/local/day", get(api::get_day))
        .route("/local/day/{index}", post(api::play_step))
        .route("/local/day/revocation", get(api::get_revocation).post(api::play_revocation))
        .route("/local/day/grant", get(api::get_grant).post(api::play_grant))
        .merge(backend::routes(&state))
        .layer(middleware::from_fn_with_state(Arc::clone(&state), origin::reject_cross_site))
        .with_state(state)
}
