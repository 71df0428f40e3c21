//! Clerk's Backend API: asks for the canary's change. Nothing of its answers reaches the log.

use std::time::Duration;

use edge::body;
use futures_util::future::{Either, select};
use shared::canary::CanaryRun;
use shared::canary::clerk::{self, ANSWER_BYTES_MAX, API_VERSION};
use shared::limits::CLERK_TIMEOUT_MS;
use shared::settings::consumer::CanarySettings;
use shared::time::UnixMillis;
use worker::{
    AbortController, AbortSignal, Delay, Fetch, Headers, Method, Request, RequestInit,
    RequestRedirect,
};

/// Why Clerk did not make the change, as far as is known.
pub(crate) struct Problem {
    pub(crate) text: String,
    /// The next minute will not help.
    pub(crate) needs_operator: bool,
}

impl From<&str> for Problem {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), needs_operator: false }
    }
}

/// Changes the canary's user. Gives the new `updated_at`.
pub(crate) async fn change(
    settings: &CanarySettings,
    run: &CanaryRun,
) -> Result<UnixMillis, Problem> {
    let abort = AbortController::default();
    let answer = Box::pin(send(settings, run, abort.signal()));
    match select(answer, Delay::from(Duration::from_millis(CLERK_TIMEOUT_MS))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => {
            abort.abort();
            Err("timed out".into())
        }
    }
}

async fn send(
    settings: &CanarySettings,
    run: &CanaryRun,
    signal: AbortSignal,
) -> Result<UnixMillis, Problem> {
    let request = request(settings, run).map_err(|_| "a request that cannot be made")?;
    let sent = Fetch::Request(request).send_with_signal(&signal).await;
    let mut answer = sent.map_err(|_| "no connection")?;
    let status = answer.status_code();
    let declared = body::content_length(answer.headers());
    let text = body::read_up_to(ANSWER_BYTES_MAX, declared, answer.stream()).await;
    let text = text.map_err(|_| "an answer that broke off or is too large")?;
    let needs_operator = clerk::needs_operator(status);
    clerk::read_answer(status, &String::from_utf8_lossy(&text))
        .map_err(|text| Problem { text, needs_operator })
}

/// Redirects are not followed: the key goes to the configured address alone.
fn request(settings: &CanarySettings, run: &CanaryRun) -> worker::Result<Request> {
    let url = clerk::change_url(&settings.api_url, settings.user_id.as_str());
    let url = url.ok_or_else(|| worker::Error::RustError("no address".to_owned()))?;
    let headers = Headers::new();
    headers.set("authorization", &settings.secret_key.bearer())?;
    headers.set("content-type", "application/json")?;
    headers.set("clerk-api-version", API_VERSION)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Patch)
        .with_headers(headers)
        .with_body(Some(clerk::change_body(run).into()))
        .with_redirect(RequestRedirect::Manual);
    Request::new_with_init(url.as_str(), &init)
}
