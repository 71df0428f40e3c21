//! Calls the role cache objects, each call within a time.

use std::time::Duration;

use futures_util::future::{Either, select};
use serde::de::DeserializeOwned;
use worker::{AbortController, AbortSignal, Delay, ObjectNamespace, Request, RequestInit};

/// Calls a user's object, and reads its reply.
pub(crate) async fn call<T: DeserializeOwned>(
    roles: &ObjectNamespace,
    user_id: &str,
    (url, init): (&str, &RequestInit),
    timeout_ms: u64,
) -> Result<T, String> {
    let abort = AbortController::default();
    let reply = Box::pin(fetch(roles, user_id, (url, init), abort.signal()));
    match select(reply, Delay::from(Duration::from_millis(timeout_ms))).await {
        Either::Left((reply, _)) => reply,
        Either::Right(_) => {
            // An open request would keep the invocation alive.
            abort.abort();
            Err("timed out".into())
        }
    }
}

async fn fetch<T: DeserializeOwned>(
    roles: &ObjectNamespace,
    user_id: &str,
    (url, init): (&str, &RequestInit),
    signal: AbortSignal,
) -> Result<T, String> {
    let text = |error: worker::Error| error.to_string();
    let request = Request::new_with_init(url, init).map_err(text)?;
    let abortable = web_sys::RequestInit::new();
    abortable.set_signal(Some(&signal));
    let request = web_sys::Request::new_with_request_and_init(request.inner(), &abortable);
    let request = request.map_err(|error| text(error.into()))?.into();
    let stub = roles.get_by_name(user_id).map_err(text)?;
    let mut response = stub.fetch_with_request(request).await.map_err(text)?;
    if response.status_code() != 200 {
        return Err(format!("object answered with status {}", response.status_code()));
    }
    response.json().await.map_err(text)
}
