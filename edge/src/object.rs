//! Calls objects, each call within a time.

use std::time::Duration;

use futures_util::future::{Either, select};
use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::{AbortController, AbortSignal, Delay, Method, ObjectNamespace, Request, RequestInit};

/// Posts JSON to the object with a name, and reads its reply.
///
/// # Errors
/// As [`call`].
pub async fn post_json<T: DeserializeOwned>(
    objects: &ObjectNamespace,
    name: &str,
    (url, body): (&str, &impl Serialize),
    timeout_ms: u64,
) -> Result<T, String> {
    let body = serde_json::to_string(body).map_err(|error| error.to_string())?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(body.into()));
    call(objects, name, (url, &init), timeout_ms).await
}

/// Calls the object with a name, and reads its reply.
///
/// # Errors
/// If there is no reply in time, or none with status 200 and the JSON of a `T`.
pub async fn call<T: DeserializeOwned>(
    objects: &ObjectNamespace,
    name: &str,
    (url, init): (&str, &RequestInit),
    timeout_ms: u64,
) -> Result<T, String> {
    let abort = AbortController::default();
    let reply = Box::pin(fetch(objects, name, (url, init), abort.signal()));
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
    objects: &ObjectNamespace,
    name: &str,
    (url, init): (&str, &RequestInit),
    signal: AbortSignal,
) -> Result<T, String> {
    let text = |error: worker::Error| error.to_string();
    let request = Request::new_with_init(url, init).map_err(text)?;
    let abortable = web_sys::RequestInit::new();
    abortable.set_signal(Some(&signal));
    let request = web_sys::Request::new_with_request_and_init(request.inner(), &abortable);
    let request = request.map_err(|error| text(error.into()))?.into();
    let stub = objects.get_by_name(name).map_err(text)?;
    let mut response = stub.fetch_with_request(request).await.map_err(text)?;
    if response.status_code() != 200 {
        return Err(format!("object answered with status {}", response.status_code()));
    }
    response.json().await.map_err(text)
}
