//! The body, up to a limit, within a time.

use std::rc::Rc;
use std::time::Duration;

use edge::body;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use shared::limits::{UPLOAD_MS_MAX, UPLOADS_BYTES_MAX};
use worker::{Delay, Headers, Request};

use crate::receive::Rejection;
use crate::upload::{Budget, Full, Upload};

thread_local! {
    /// What the bodies under way in this isolate hold.
    static BUDGET: Rc<Budget> = Budget::new(UPLOADS_BYTES_MAX);
}

/// What is announced of a body, judged before anything else: no delivery is so large, or encoded.
///
/// # Errors
/// [`Rejection::TooLarge`] when more than `max` bytes are announced; [`Rejection::Encoded`] when
/// the body claims to be compressed: Svix signs plain bytes and sends them as they are, so nobody
/// has to guess which of the two was signed.
pub(crate) fn announced(headers: &Headers, max: usize) -> Result<Option<usize>, Rejection> {
    let encoding = headers.get("content-encoding").ok().flatten();
    if encoding.is_some_and(|encoding| !encoding.trim().eq_ignore_ascii_case("identity")) {
        return Err(Rejection::Encoded);
    }
    match body::announced(headers) {
        Some(length) if max < length => Err(Rejection::TooLarge { max }),
        announced => Ok(announced),
    }
}

/// Reads the whole body, of which so much was announced.
///
/// # Errors
/// [`Rejection::TooLarge`] as soon as more than `max` bytes have come; [`Rejection::Aborted`] when
/// the sender stops in the middle, [`Rejection::Late`] when it has not come in time;
/// [`Rejection::Overfull`] when too much else is on its way in.
pub(crate) async fn read(
    request: &mut Request,
    max: usize,
    announced: Option<usize>,
) -> Result<Upload, Rejection> {
    let all = Box::pin(all(request, max, announced));
    match select(all, Delay::from(Duration::from_millis(UPLOAD_MS_MAX))).await {
        Either::Left((body, _)) => body,
        Either::Right(_) => Err(Rejection::Late),
    }
}

async fn all(
    request: &mut Request,
    max: usize,
    announced: Option<usize>,
) -> Result<Upload, Rejection> {
    let full = |full| match full {
        Full::Body => Rejection::TooLarge { max },
        Full::Budget => Rejection::Overfull,
    };
    let mut body = BUDGET.with(|budget| Upload::begin(budget, max, announced));
    // Where there is no body there is no stream to read.
    let Ok(mut stream) = request.stream() else { return Ok(body) };
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Rejection::Aborted)?;
        body.push(&chunk).map_err(full)?;
    }
    Ok(body)
}
