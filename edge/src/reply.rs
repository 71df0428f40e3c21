//! JSON responses.

use serde::Serialize;
use worker::{Response, ResponseBuilder, Result};

/// A response with a JSON body. Never cached.
///
/// # Errors
/// If `body` cannot be serialized, or the status is invalid.
pub fn json<T: Serialize>(status: u16, body: &T) -> Result<Response> {
    with_headers(status, body, &[])
}

/// A response between Workers: no headers, for speed.
///
/// # Errors
/// As [`json`].
pub fn internal_json<T: Serialize>(status: u16, body: &T) -> Result<Response> {
    Ok(ResponseBuilder::new().with_status(status).fixed(serde_json::to_vec(body)?))
}

/// As [`json`], with more headers.
///
/// # Errors
/// As [`json`], or if a header is invalid.
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
