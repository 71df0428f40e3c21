//! A server, a receiver and a client, all on free ports of this machine.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, Request, Response, StatusCode};
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use local_clerk::config::{AppUrl, Apps, SecretKey, ServerConfig, WebhookSecret, WebhookUrl};
use local_clerk::faults::FaultSwitches;
use local_clerk::server::Server;
use local_clerk::session_key::SessionKey;
use serde_json::Value;
use sha1::{Digest, Sha1};
use svix::webhooks::Webhook;
use tempfile::TempDir;
use tokio::net::TcpListener;

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const SECRET_KEY: &str = "sk_test_of_the_tests";
pub(crate) const APP: &str = "http://127.0.0.1:8787";

/// Another application of the same instance.
pub(crate) const OTHER_APP: &str = "http://127.0.0.1:8791";

/// What arrived in one request.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Arrived {
    pub(crate) fn id(&self) -> &str {
        self.headers["svix-id"].to_str().unwrap()
    }

    pub(crate) fn verifies(&self) -> bool {
        Webhook::new(SECRET).unwrap().verify(&self.body, &self.headers).is_ok()
    }
}

/// A receiver: answers as it is told first, then 202 or 401 as the signature says.
#[derive(Clone, Default)]
pub(crate) struct Receiver {
    url: String,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    told: Arc<Mutex<VecDeque<u16>>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let receiver = Self { url, ..Self::default() };
        let routes = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        receiver
    }

    pub(crate) fn answers(&self, statuses: &[u16]) {
        self.told.lock().unwrap().extend(statuses);
    }

    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.arrived().iter().map(|arrived| arrived.id().to_owned()).collect()
    }
}

async fn receive(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let arrived = Arrived { headers, body };
    let genuine = if arrived.verifies() { 202 } else { 401 };
    let status = receiver.told.lock().unwrap().pop_front().unwrap_or(genuine);
    receiver.arrived.lock().unwrap().push(arrived);
    let elsewhere = format!("{}/elsewhere", receiver.url);
    (StatusCode::from_u16(status).unwrap(), [("location", elsewhere)], "taken")
}

/// A server that runs until the test ends.
pub(crate) struct Clerk {
    pub(crate) url: String,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json", "{}", self.text);
        serde_json::from_str(&self.text).unwrap()
    }
}

impl Clerk {
    /// With every switch off, no pauses, and a key shared by all tests of the run.
    pub(crate) async fn start(receiver: &Receiver) -> Self {
        Self::start_with(receiver, FaultSwitches::default()).await
    }

    pub(crate) async fn start_with(receiver: &Receiver, faults: FaultSwitches) -> Self {
        let webhook = format!("{}/webhooks/clerk", receiver.url);
        let server = Server::start(config(state_dir(), &webhook, faults)).await.unwrap();
        let url = server.url().to_owned();
        tokio::spawn(async move { server.run(std::future::pending()).await.unwrap() });
        Self { url }
    }

    /// The id of its key, which is the instance's.
    pub(crate) async fn instance_id(&self) -> String {
        let set = self.get("/.well-known/jwks.json").await.json();
        set["keys"][0]["kid"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[], "").await
    }

    /// Asks the Backend API, with its key.
    pub(crate) async fn backend(&self, path: &str) -> Reply {
        let key = format!("Bearer {SECRET_KEY}");
        self.ask("GET", path, &[("authorization", key.as_str())], "").await
    }

    /// What the instance's own cookies end in, as Clerk's SDK has it: packages/shared/src/keys.ts.
    pub(crate) fn suffix(&self) -> String {
        let host = self.url.strip_prefix("http://").unwrap();
        let key = format!("pk_test_{}", STANDARD.encode(format!("{host}$")));
        URL_SAFE_NO_PAD.encode(Sha1::digest(key))[..8].to_owned()
    }

    pub(crate) async fn json(&self, method: &str, path: &str, body: Value) -> Reply {
        self.ask(method, path, &[("content-type", "application/json")], &body.to_string()).await
    }

    /// Posts and expects 200.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let reply = self.json("POST", path, body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()
    }

    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .body(Body::from(body.to_owned()))
            .unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        exchange(request).await
    }
}

async fn exchange(request: Request<Body>) -> Reply {
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let response: Response<_> = client.request(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(Body::new(body), 1_000_000).await.unwrap();
    Reply {
        status: parts.status.as_u16(),
        headers: parts.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

pub(crate) fn config(state_dir: &Path, webhook: &str, faults: FaultSwitches) -> ServerConfig {
    ServerConfig {
        port: 0,
        apps: Apps::new(AppUrl::parse(APP).unwrap(), vec![AppUrl::parse(OTHER_APP).unwrap()]),
        webhook_url: WebhookUrl::parse(webhook).unwrap(),
        webhook_secret: WebhookSecret::parse(SECRET).unwrap(),
        secret_key: SecretKey::parse(SECRET_KEY).unwrap(),
        nonces: true,
        state_dir: state_dir.to_owned(),
        faults,
        seed: 1,
        retry_scale: 0,
    }
}

/// A state directory that holds a key: making one takes a while.
pub(crate) fn state_dir() -> &'static Path {
    static DIR: OnceLock<TempDir> = OnceLock::new();
    DIR.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        SessionKey::load_or_create(dir.path()).unwrap();
        dir
    })
    .path()
}
