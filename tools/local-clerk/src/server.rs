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

use crate::config::Config;
use crate::session_key::{SessionKey, SessionKeyError};
use crate::state::{ServerState, SharedState};
use crate::{api, backend, handshake, origin, page, tokens};

/// How long requests under way may go on once the server is told to stop.
const LAST_REQUESTS: Duration = Duration::from_secs(3);

/// Why the server did not start; the message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The session key is missing and cannot be made, or is something else.
    #[error(transparent)]
    Key(#[from] SessionKeyError),
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
    state: SharedState,
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
        let session_key = SessionKey::load_or_create(&config.state_dir)?;
        let state = ServerState::new(config, issuer, session_key);
        Ok(Self { listener, state: Arc::new(state) })
    }

    /// The server's address, `http://127.0.0.1:PORT`: the issuer of its tokens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.state.issuer
    }

    /// Serves until `stop` is done; then takes no more and lets what is under way end, for at most
    /// three seconds. Deliveries that a window of reordering still holds are not sent.
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

fn routes(state: SharedState) -> Router {
    Router::new()
        .route("/", get(page::root))
        .route("/sign-in", get(page::show).post(page::sign_in))
        .route("/sign-out", post(page::sign_out))
        .route("/health", get(api::health))
        .route("/.well-known/jwks.json", get(api::jwks))
        .route("/v1/client/handshake", get(handshake::shake))
        .route("/local/tokens", post(tokens::create_token))
        .route("/local/tokens/wrong", get(tokens::list_invalid_tokens))
        .route("/local/deliveries", post(api::deliver))
        .route("/local/deliveries/wrong", get(api::wrong))
        .route("/local/faults", get(api::faults).put(api::set_faults))
        .route("/local/flush", post(api::flush))
        .route("/local/day", get(api::day))
        .route("/local/day/{index}", post(api::play_day))
        .route("/local/day/revocation", get(api::revocation).post(api::play_revocation))
        .route("/local/day/grant", get(api::grant).post(api::play_grant))
        .merge(backend::routes(&state))
        .layer(middleware::from_fn_with_state(Arc::clone(&state), origin::refuse_strangers))
        .with_state(state)
}
