//! Reads the request body, with limits of size and time.

use std::rc::Rc;
use std::time::Duration;

use edge::body;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use shared::admission::{IngestError, Upload, UploadBudget, UploadLimit, check_declared};
use shared::limits::{UPLOAD_TIMEOUT_MS, UPLOADS_BYTES_MAX};
use worker::{Delay, Headers, Request};

thread_local! {
    /// The memory of all uploads in this isolate.
    static BUDGET: Rc<UploadBudget> = UploadBudget::new(UPLOADS_BYTES_MAX);
}

/// Checks the headers that describe the body. Returns the declared length.
///
/// # Errors
/// As [`check_declared`].
pub(crate) fn declared_length(headers: &Headers, max: usize) -> Result<Option<usize>, IngestError> {
    let encoding = headers.get("content-encoding").ok().flatten();
    check_declared(encoding.as_deref(), body::content_length(headers), max)
}

/// Reads the whole body, with the declared length.
///
/// # Errors
/// [`IngestError::TooLarge`] as soon as more than `max` bytes are received;
/// [`IngestError::Aborted`] if the connection is closed before the end, [`IngestError::Timeout`] if
/// it does not end in time; [`IngestError::OverCapacity`] if other uploads use all the memory.
pub(crate) async fn read_body_in_time(
    request: &mut Request,
    max: usize,
    declared: Option<usize>,
) -> Result<Upload, IngestError> {
    let body = Box::pin(read_body(request, max, declared));
    match select(body, Delay::from(Duration::from_millis(UPLOAD_TIMEOUT_MS))).await {
        Either::Left((body, _)) => body,
        Either::Right(_) => Err(IngestError::Timeout),
    }
}

async fn read_body(
    request: &mut Request,
    max: usize,
    declared: Option<usize>,
) -> Result<Upload, IngestError> {
    let limit_error = |limit| match limit {
        UploadLimit::Body => IngestError::TooLarge { max },
        UploadLimit::Isolate => IngestError::OverCapacity,
    };
    let mut body = BUDGET.with(|budget| Upload::begin(budget, max, declared));
    // A request without a body has no stream.
    let Ok(mut stream) = request.stream() else { return Ok(body) };
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| IngestError::Aborted)?;
        body.push(&chunk).map_err(limit_error)?;
    }
    Ok(body)
}
