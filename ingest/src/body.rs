//! The body, up to a limit, within a time.

use std::rc::Rc;
use std::time::Duration;

use edge::body;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use shared::limits::{UPLOAD_MS_MAX, UPLOADS_BYTES_MAX};
use worker::{Delay, Headers, Request};

use crate::admission::IngestError;
use crate::upload::{Upload, UploadBudget, UploadLimit};

thread_local! {
    /// What the bodies under way in this isolate hold.
    static BUDGET: Rc<UploadBudget> = UploadBudget::new(UPLOADS_BYTES_MAX);
}

/// What is announced of a body, judged before anything else: no delivery is so large, or encoded.
///
/// # Errors
/// [`IngestError::TooLarge`] when more than `max` bytes are announced;
/// [`IngestError::ContentEncoded`] when the body claims to be compressed: Svix signs plain bytes
/// and sends them as they are, so nobody has to guess which of the two was signed.
pub(crate) fn declared_length(headers: &Headers, max: usize) -> Result<Option<usize>, IngestError> {
    let encoding = headers.get("content-encoding").ok().flatten();
    if encoding.is_some_and(|encoding| !encoding.trim().eq_ignore_ascii_case("identity")) {
        return Err(IngestError::ContentEncoded);
    }
    match body::content_length(headers) {
        Some(length) if max < length => Err(IngestError::TooLarge { max }),
        announced => Ok(announced),
    }
}

/// Reads the whole body, of which so much was announced.
///
/// # Errors
/// [`IngestError::TooLarge`] as soon as more than `max` bytes have come; [`IngestError::Aborted`]
/// when the sender stops in the middle, [`IngestError::Timeout`] when it has not come in time;
/// [`IngestError::OverCapacity`] when too much else is on its way in.
pub(crate) async fn read_body_in_time(
    request: &mut Request,
    max: usize,
    announced: Option<usize>,
) -> Result<Upload, IngestError> {
    let all = Box::pin(read_body(request, max, announced));
    match select(all, Delay::from(Duration::from_millis(UPLOAD_MS_MAX))).await {
        Either::Left((body, _)) => body,
        Either::Right(_) => Err(IngestError::Timeout),
    }
}

async fn read_body(
    request: &mut Request,
    max: usize,
    announced: Option<usize>,
) -> Result<Upload, IngestError> {
    let full = |full| match full {
        UploadLimit::Body => IngestError::TooLarge { max },
        UploadLimit::Isolate => IngestError::OverCapacity,
    };
    let mut body = BUDGET.with(|budget| Upload::begin(budget, max, announced));
    // Where there is no body there is no stream to read.
    let Ok(mut stream) = request.stream() else { return Ok(body) };
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| IngestError::Aborted)?;
        body.push(&chunk).map_err(full)?;
    }
    Ok(body)
}
