//! Requests to the local system, as from a browser or a program.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::Body;
use ureq::http::{Request, Response};

/// The most time for one response.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client that follows no redirect and accepts every status.
#[derive(Debug, Clone)]
pub(super) struct HttpClient(Agent);

/// A response, or why there was none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HttpAnswer {
    /// The status; 0 when there was no response.
    pub(super) status: u16,
    /// The target of a redirect.
    pub(super) location: Option<String>,
    /// The body, or why there was no response.
    pub(super) body: String,
}

impl HttpClient {
    /// A client with a time limit.
    pub(super) fn new() -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .build();
        Self(config.into())
    }

    /// Requests a page as a browser does, with the session cookie if there is one.
    pub(super) fn page(&self, url: &str, token: Option<&str>) -> HttpAnswer {
        self.get(url, "text/html", token)
    }

    /// Requests data as a program does, with the session cookie if there is one.
    pub(super) fn data(&self, url: &str, token: Option<&str>) -> HttpAnswer {
        self.get(url, "application/json", token)
    }

    /// Sends JSON.
    pub(super) fn post(&self, url: &str, body: &Value) -> HttpAnswer {
        let request = self.0.post(url).header("content-type", "application/json");
        to_answer(request.send(body.to_string()))
    }

    /// Requests data as a program does that has a key of its own.
    pub(super) fn api(&self, url: &str, key: &str) -> HttpAnswer {
        let request = self.0.get(url).header("accept", "application/json");
        to_answer(request.header("authorization", format!("Bearer {key}")).call())
    }

    /// Sends JSON with the key.
    pub(super) fn api_post(&self, url: &str, key: &str, body: &Value) -> HttpAnswer {
        let request = self.0.post(url).header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {key}"));
        to_answer(request.send(body.to_string()))
    }

    fn get(&self, url: &str, accept: &str, token: Option<&str>) -> HttpAnswer {
        let mut request = Request::get(url).header("accept", accept);
        if let Some(token) = token {
            request = request.header("cookie", format!("__session={token}"));
        }
        match request.body(()) {
            Ok(request) => to_answer(self.0.run(request)),
            Err(error) => HttpAnswer::failed(&error),
        }
    }
}

impl HttpAnswer {
    /// The body as JSON; null if it is no JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    fn failed(why: &dyn std::error::Error) -> Self {
        Self { status: 0, location: None, body: why.to_string() }
    }
}

fn to_answer(response: Result<Response<Body>, ureq::Error>) -> HttpAnswer {
    let mut response = match response {
        Ok(response) => response,
        Err(error) => return HttpAnswer::failed(&error),
    };
    let location = response.headers().get("location");
    let location = location.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let status = response.status().as_u16();
    match response.body_mut().read_to_string() {
        Ok(body) => HttpAnswer { status, location, body },
        Err(error) => HttpAnswer::failed(&error),
    }
}
