//! Calls objects.

use std::time::Duration;

use futures_util::future::{Either, select};
use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::{AbortController, AbortSignal, Delay, Method, ObjectNamespace, Request, RequestInit};

/// Posts JSON to the object with a name, and returns its answer.
///
/// # Errors
/// If there is no answer in time, or none with status 200 and the JSON of a `T`.
pub async fn post_json<T: DeserializeOwned>(
    objects: &ObjectNamespace,
    name: &str,
    url: &str,
    body: &impl Serialize,
    timeout_ms: u64,
) -> Result<T, String> {
    let abort = AbortController::default();
    let body = serde_json::to_string(body).map_err(|error| error.to_string())?;
    let call = Box::pin(post(objects, name, url, body, abort.signal()));
    match select(call, Delay::from(Duration::from_millis(timeout_ms))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => {
            // An open request would keep the invocation alive.
            abort.abort();
            Err("timed out".to_owned())
        }
    }
}

async fn post<T: DeserializeOwned>(
    objects: &ObjectNamespace,
    name: &str,
    url: &str,
    body: String,
    signal: AbortSignal,
) -> Result<T, String> {
    let text = |error: worker::Error| error.to_string();
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(body.into()));
    let request = Request::new_with_init(url, &init).map_err(text)?;
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
