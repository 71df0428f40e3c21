//! The body, up to a limit. What the sender says of its length is a hint to stop early, never a
//! promise: the bytes are counted.

use futures_util::StreamExt as _;
use worker::Request;

use crate::receive::Rejection;

/// Reads the whole body.
///
/// # Errors
/// [`Rejection::Encoded`] when the body claims to be compressed: Svix signs plain bytes and sends
/// them as they are, so nobody has to guess which of the two was signed;
/// [`Rejection::TooLarge`] as soon as more than `max` bytes are announced or have come;
/// [`Rejection::Aborted`] when the sender stops in the middle.
pub(crate) async fn read(request: &mut Request, max: usize) -> Result<Vec<u8>, Rejection> {
    let encoding = request.headers().get("content-encoding").ok().flatten();
    if encoding.is_some_and(|encoding| !encoding.trim().eq_ignore_ascii_case("identity")) {
        return Err(Rejection::Encoded);
    }
    let announced = request.headers().get("content-length").ok().flatten();
    if announced.and_then(|text| text.parse::<usize>().ok()).is_some_and(|length| max < length) {
        return Err(Rejection::TooLarge { max });
    }
    let mut body = Vec::new();
    // A request without a body has no stream to read.
    let Ok(mut stream) = request.stream() else { return Ok(body) };
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Rejection::Aborted)?;
        if max < body.len() + chunk.len() {
            return Err(Rejection::TooLarge { max });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
