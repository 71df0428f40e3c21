//! The body, up to a limit.

use edge::body::{self, Unread};
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
    let announced = body::announced(request.headers());
    body::up_to(max, announced, request.stream()).await.map_err(|unread| match unread {
        Unread::TooLarge => Rejection::TooLarge { max },
        Unread::Aborted => Rejection::Aborted,
    })
}
