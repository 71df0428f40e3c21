//! A small server that answers as a console does: with what a test gave it.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::operators::api::ApiError;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The token that the console accepts. A program's run fails when it stands in its output.
pub(crate) const TOKEN: &str = "operator-token-0123456789-0123456789";

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Reply {
    pub(crate) fn json(value: &impl Serialize) -> Self {
        Self::text("application/json", serde_json::to_string(value).unwrap())
    }

    pub(crate) fn text(content_type: &str, body: impl Into<String>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { status: 200, headers, body: body.into() }
    }

    pub(crate) fn error(status: u16, error: &str, message: &str, next: &str) -> Self {
        let [error, message, next] = [error, message, next].map(str::to_owned);
        Self::json(&ApiError { error, message, next }).status(status)
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// `GET /api/v1/whoami?…`
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

#[derive(Default)]
struct Book {
    replies: HashMap<String, VecDeque<Reply>>,
    seen: Vec<Seen>,
    is_open: bool,
}

/// The server; it ends with the test.
pub(crate) struct Console {
    pub(crate) url: String,
    book: Arc<Mutex<Book>>,
    _runtime: Runtime,
}

impl Console {
    pub(crate) fn start() -> Self {
        let book: Arc<Mutex<Book>> = Arc::default();
        let runtime = Runtime::new().unwrap();
        let app = Router::new().fallback(answer).with_state(Arc::clone(&book));
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = runtime.block_on(TcpListener::bind(any)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { url, book, _runtime: runtime }
    }

    /// Answers this route, `GET dead-letters` for example. With several answers each is given
    /// once, the last one again and again. A route with `?` answers that query alone.
    pub(crate) fn on(self, route: &str, replies: impl IntoIterator<Item = Reply>) -> Self {
        let (method, path) = route.split_once(' ').unwrap();
        let path = if path.starts_with('/') { path.into() } else { format!("/api/v1/{path}") };
        let replies = replies.into_iter().collect();
        self.book.lock().unwrap().replies.insert(format!("{method} {path}"), replies);
        self
    }

    /// Answers without a token too.
    pub(crate) fn open(self) -> Self {
        self.book.lock().unwrap().is_open = true;
        self
    }

    /// What was asked.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.book.lock().unwrap().seen.clone()
    }

    /// The lines of what was asked.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }
}

async fn answer(
    State(book): State<Arc<Mutex<Book>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut book = book.lock().unwrap();
    let line = format!("{method} {uri}");
    let may = headers.get("authorization").is_some_and(|it| *it == format!("Bearer {TOKEN}"));
    let body = String::from_utf8(body.to_vec()).unwrap();
    book.seen.push(Seen { line: line.clone(), headers, body });
    let path = format!("{method} {}", uri.path());
    let known = if book.replies.contains_key(&line) { line } else { path };
    let may = may || book.is_open;
    let reply = match book.replies.get_mut(&known) {
        _ if !may => Reply::error(401, "wrong-token", "no such token", ""),
        Some(replies) if 1 < replies.len() => replies.pop_front().unwrap(),
        Some(replies) => replies[0].clone(),
        None => Reply::error(404, "not-found", &format!("nothing at {known}"), ""),
    };
    let status = StatusCode::from_u16(reply.status).unwrap();
    let mut response = (status, reply.body).into_response();
    response.headers_mut().remove("content-type");
    for (name, value) in reply.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}
