//! A server, a receiver and a client, on free ports of this machine.

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

/// The operators' console.
pub(crate) const CONSOLE: &str = "http://127.0.0.1:8789";

/// A request that the receiver got.
#[derive(Clone, Debug)]
pub(crate) struct ReceivedRequest {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl ReceivedRequest {
    pub(crate) fn id(&self) -> &str {
        self.headers["svix-id"].to_str().unwrap()
    }

    pub(crate) fn verifies(&self) -> bool {
        Webhook::new(SECRET).unwrap().verify(&self.body, &self.headers).is_ok()
    }
}

/// A receiver. It responds with the given statuses first, then with 202 or 401 by the signature.
#[derive(Clone, Default)]
pub(crate) struct WebhookReceiver {
    url: String,
    arrived: Arc<Mutex<Vec<ReceivedRequest>>>,
    next_statuses: Arc<Mutex<VecDeque<u16>>>,
}

impl WebhookReceiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let receiver = Self { url, ..Self::default() };
        let routes = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        receiver
    }

    pub(crate) fn respond_with(&self, statuses: &[u16]) {
        self.next_statuses.lock().unwrap().extend(statuses);
    }

    pub(crate) fn arrived(&self) -> Vec<ReceivedRequest> {
        self.arrived.lock().unwrap().clone()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.arrived().iter().map(|arrived| arrived.id().to_owned()).collect()
    }
}

async fn receive(
    State(receiver): State<WebhookReceiver>,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let arrived = ReceivedRequest { headers, body };
    let genuine = if arrived.verifies() { 202 } else { 401 };
    let status = receiver.next_statuses.lock().unwrap().pop_front().unwrap_or(genuine);
    receiver.arrived.lock().unwrap().push(arrived);
    let elsewhere = format!("{}/elsewhere", receiver.url);
    (StatusCode::from_u16(status).unwrap(), [("location", elsewhere)], "taken")
}

/// A server that runs until the test ends.
pub(crate) struct RunningClerk {
    pub(crate) url: String,
}

pub(crate) struct HttpReply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl HttpReply {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json", "{}", self.text);
        serde_json::from_str(&self.text).unwrap()
    }
}

impl RunningClerk {
    /// Starts with all switches off and no pauses. All tests of a run share its key.
    pub(crate) async fn start(receiver: &WebhookReceiver) -> Self {
        Self::start_with(receiver, FaultSwitches::default()).await
    }

    pub(crate) async fn start_with(receiver: &WebhookReceiver, faults: FaultSwitches) -> Self {
        let webhook = format!("{}/webhooks/clerk", receiver.url);
        Self::start_by(config(state_dir(), &webhook, faults)).await
    }

    pub(crate) async fn start_by(config: ServerConfig) -> Self {
        let server = Server::start(config).await.unwrap();
        let url = server.url().to_owned();
        tokio::spawn(async move { server.run(std::future::pending()).await.unwrap() });
        Self { url }
    }

    /// The id of its key, which is the instance id.
    pub(crate) async fn instance_id(&self) -> String {
        let set = self.get("/.well-known/jwks.json").await.json();
        set["keys"][0]["kid"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn get(&self, path: &str) -> HttpReply {
        self.request("GET", path, &[], "").await
    }

    /// Sends a request to the Backend API, with the secret key.
    pub(crate) async fn backend(&self, path: &str) -> HttpReply {
        let key = format!("Bearer {SECRET_KEY}");
        self.request("GET", path, &[("authorization", key.as_str())], "").await
    }

    /// The suffix of the instance's cookies, as in Clerk's SDK: packages/shared/src/keys.ts.
    pub(crate) fn suffix(&self) -> String {
        let host = self.url.strip_prefix("http://").unwrap();
        let key = format!("pk_test_{}", STANDARD.encode(format!("{host}$")));
        URL_SAFE_NO_PAD.encode(Sha1::digest(key))[..8].to_owned()
    }

    pub(crate) async fn json(&self, method: &str, path: &str, body: Value) -> HttpReply {
        self.request(method, path, &[("content-type", "application/json")], &body.to_string()).await
    }

    /// Posts and expects 200.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let reply = self.json("POST", path, body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()
    }

    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> HttpReply {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .body(Body::from(body.to_owned()))
            .unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        send(request).await
    }
}

async fn send(request: Request<Body>) -> HttpReply {
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let response: Response<_> = client.request(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(Body::new(body), 1_000_000).await.unwrap();
    HttpReply {
        status: parts.status.as_u16(),
        headers: parts.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

pub(crate) fn config(state_dir: &Path, webhook: &str, faults: FaultSwitches) -> ServerConfig {
    ServerConfig {
        port: 0,
        apps: Apps::new(AppUrl::parse(APP).unwrap(), vec![AppUrl::parse(OTHER_APP).unwrap()]),
        console: Some(AppUrl::parse(CONSOLE).unwrap()),
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

/// A state directory with a key, since making a key takes a while.
pub(crate) fn state_dir() -> &'static Path {
    static DIR: OnceLock<TempDir> = OnceLock::new();
    DIR.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        SessionKey::load_or_create(dir.path()).unwrap();
        dir
    })
    .path()
}
