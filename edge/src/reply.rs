//! JSON answers.

use serde::Serialize;
use worker::{Response, ResponseBuilder, Result};

/// An answer with a JSON body. Never cached: what the Workers say holds for one moment.
///
/// # Errors
/// When `body` cannot be written as JSON, or the platform refuses the status.
pub fn json<T: Serialize>(status: u16, body: &T) -> Result<Response> {
    with_headers(status, body, &[])
}

/// An answer of one Worker to another, who knows that it is JSON and keeps none: without headers,
/// each of which costs a step out of wasm.
///
/// # Errors
/// As [`json`].
pub fn internal_json<T: Serialize>(status: u16, body: &T) -> Result<Response> {
    Ok(ResponseBuilder::new().with_status(status).fixed(serde_json::to_vec(body)?))
}

/// As [`json`], with further headers.
///
/// # Errors
/// As [`json`], or when the platform refuses a header.
pub fn with_headers<T: Serialize>(
    status: u16,
    body: &T,
    headers: &[(&str, &str)],
) -> Result<Response> {
    let mut builder = ResponseBuilder::new()
        .with_status(status)
        .with_header("content-type", "application/json; charset=utf-8")?
        .with_header("cache-control", "private, no-store")?
        .with_header("x-content-type-options", "nosniff")?;
    for (name, value) in headers {
        builder = builder.with_header(name, value)?;
    }
    Ok(builder.fixed(serde_json::to_vec(body)?))
}
