//! Reads bodies of requests and responses.

use std::fmt;

use futures_util::StreamExt as _;
use wasm_bindgen_futures::JsFuture;
use worker::{ByteStream, Error, Headers, Response, ResponseBody, Result};

/// The whole body as a string.
///
/// One JavaScript call: `Response::text` reads chunk by chunk, which makes a guard 10 % slower.
///
/// # Errors
/// If the body is aborted. Invalid UTF-8 becomes U+FFFD, as in Fetch.
pub async fn text(response: Response) -> Result<String> {
    let (_, body) = response.into_parts();
    let stream = match body {
        ResponseBody::Stream(stream) => stream,
        ResponseBody::Body(bytes) => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
        ResponseBody::Empty => return Ok(String::new()),
    };
    let whole = web_sys::Response::new_with_opt_readable_stream(Some(&stream))?;
    let text = JsFuture::from(whole.text()?).await?;
    text.as_string().ok_or_else(|| Error::RustError("body is not a string".to_owned()))
}

/// Why a body was not read completely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// More bytes are declared or received than allowed.
    TooLarge,
    /// The sender closed the connection before the end.
    Aborted,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "body too large",
            Self::Aborted => "body aborted",
        })
    }
}

impl std::error::Error for BodyError {}

/// The value of Content-Length.
#[must_use]
pub fn content_length(headers: &Headers) -> Option<usize> {
    headers.get("content-length").ok()??.parse().ok()
}

/// Reads the whole body, up to `bytes_max`. Content-Length is only used to stop early; bytes are
/// counted.
///
/// # Errors
/// [`BodyError`], as early as possible.
pub async fn read_up_to(
    bytes_max: usize,
    content_length: Option<usize>,
    stream: Result<ByteStream>,
) -> std::result::Result<Vec<u8>, BodyError> {
    if content_length.is_some_and(|length| bytes_max < length) {
        return Err(BodyError::TooLarge);
    }
    let mut body = Vec::new();
    // No body: no stream.
    let Ok(mut stream) = stream else { return Ok(body) };
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| BodyError::Aborted)?;
        if bytes_max < body.len() + chunk.len() {
            return Err(BodyError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
