//! The body of an answer from another Worker.

use wasm_bindgen_futures::JsFuture;
use worker::{Error, Response, ResponseBody, Result};

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
