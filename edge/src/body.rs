//! Bodies: of an answer from another Worker, and of whatever comes from outside.

use std::fmt;

use futures_util::StreamExt as _;
use wasm_bindgen_futures::JsFuture;
use worker::{ByteStream, Error, Headers, Response, ResponseBody, Result};

/// The whole body as text.
///
/// In one step out of wasm: `Response::text` takes a reader and asks it chunk by chunk, which cost
/// a guard a tenth of its time.
///
/// # Errors
/// When the body breaks off. What is no UTF-8 becomes U+FFFD, as Fetch has it.
pub async fn text(answer: Response) -> Result<String> {
    let (_, body) = answer.into_parts();
    let stream = match body {
        ResponseBody::Stream(stream) => stream,
        ResponseBody::Body(bytes) => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
        ResponseBody::Empty => return Ok(String::new()),
    };
    let whole = web_sys::Response::new_with_opt_readable_stream(Some(&stream))?;
    let text = JsFuture::from(whole.text()?).await?;
    text.as_string().ok_or_else(|| Error::RustError("a body that is no text".to_owned()))
}

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// More bytes are announced, or have come, than are taken.
    TooLarge,
    /// The sender stopped in the middle.
    Aborted,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the body is too large",
            Self::Aborted => "the body ended early",
        })
    }
}

impl std::error::Error for BodyError {}

/// The length that a sender announces.
#[must_use]
pub fn content_length(headers: &Headers) -> Option<usize> {
    headers.get("content-length").ok()??.parse().ok()
}

/// The whole body, up to `bytes_max`. What the sender says of its length is a hint to stop early,
/// never a promise: the bytes are counted.
///
/// # Errors
/// [`BodyError`], as soon as it is known.
pub async fn read_up_to(
    bytes_max: usize,
    announced: Option<usize>,
    stream: Result<ByteStream>,
) -> std::result::Result<Vec<u8>, BodyError> {
    if announced.is_some_and(|length| bytes_max < length) {
        return Err(BodyError::TooLarge);
    }
    let mut body = Vec::new();
    // Where there is no body there is no stream to read.
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
