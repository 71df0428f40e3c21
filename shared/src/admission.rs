//! Decides whether a webhook delivery is accepted, with which status it is rejected otherwise, and
//! what part of it is enqueued. The Worker `ingest` reads the request and sends what is decided
//! here.
//!
//! In this order: [`check_declared`] before the body is read, [`UnverifiedDelivery::parse`] on the
//! headers, [`Upload`] while the body arrives, [`admit`] on the whole body.

mod error;
mod rate_limit;
mod upload;

pub use error::{IngestError, RATE_LIMIT_RETRY_AFTER_S};
pub use rate_limit::rate_limit_key;
pub use upload::{Upload, UploadBudget, UploadLimit};

use crate::envelope::Envelope;
use crate::event::{self, Payload};
use crate::settings::ingest::IngestSettings;
use crate::signature::UnverifiedDelivery;
use crate::time::UnixMillis;

/// The status of a delivery that is accepted, whatever its outcome.
pub const ACCEPTED_STATUS: u16 = 202;

/// An accepted delivery.
#[derive(Debug)]
pub struct AdmittedDelivery {
    /// For the response and the log.
    pub summary: DeliverySummary,
    /// What to enqueue; `None` when no synced field can change.
    pub envelope: Option<Envelope>,
}

/// The parts of an accepted delivery that the response and the log contain.
#[derive(Debug)]
pub struct DeliverySummary {
    /// The `svix-id`.
    pub id: String,
    /// The event type, if it was readable.
    pub event_type: Option<String>,
    /// What happens to the delivery.
    pub outcome: Admission,
    /// Which parts were skipped; mostly empty.
    pub note: String,
    /// How many of the configured secrets are weak.
    pub weak_secrets: usize,
}

/// What happens to an accepted delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Its event is enqueued.
    Enqueued,
    /// It is enqueued as a future dead letter, because it is malformed.
    EnqueuedUnreadable,
    /// It is acknowledged and dropped: its type is not synced.
    Ignored,
}

impl Admission {
    /// The word in the log, and the value of the label `outcome` in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enqueued => "enqueued",
            Self::EnqueuedUnreadable => "enqueued-unreadable",
            Self::Ignored => "ignored",
        }
    }
}

/// Checks `content-encoding` and `content-length`, before any byte of the body is read. Returns the
/// declared length.
///
/// # Errors
/// [`IngestError::ContentEncoded`] if the body claims to be compressed: Svix signs plain bytes and
/// sends them as they are. [`IngestError::TooLarge`] if more than `max` bytes are declared.
pub fn check_declared(
    content_encoding: Option<&str>,
    content_length: Option<usize>,
    max: usize,
) -> Result<Option<usize>, IngestError> {
    if content_encoding.is_some_and(|encoding| !encoding.trim().eq_ignore_ascii_case("identity")) {
        return Err(IngestError::ContentEncoded);
    }
    match content_length {
        Some(length) if max < length => Err(IngestError::TooLarge { max }),
        declared => Ok(declared),
    }
}

/// Verifies and parses a delivery, and decides what part of it is enqueued.
///
/// # Errors
/// [`IngestError::Signature`] if no secret signed it, [`IngestError::ForeignInstance`] if it is
/// from another Clerk instance than the configured one.
pub fn admit(
    delivery: UnverifiedDelivery<'_>,
    body: &[u8],
    settings: &IngestSettings,
    now: UnixMillis,
) -> Result<AdmittedDelivery, IngestError> {
    let body = delivery.verify(body, &settings.secrets)?;
    let parsed = event::parse(&body);
    if let (Some(ours), Some(theirs)) = (&settings.instance_id, &parsed.instance_id)
        && ours != theirs
    {
        return Err(IngestError::ForeignInstance);
    }
    let outcome = match parsed.payload {
        Payload::Event(_) => Admission::Enqueued,
        Payload::Unreadable(_) => Admission::EnqueuedUnreadable,
        Payload::Ignored => Admission::Ignored,
    };
    let summary = DeliverySummary {
        id: body.id().to_string(),
        event_type: parsed.event_type.clone(),
        outcome,
        note: parsed.note.clone(),
        weak_secrets: settings.secrets.weak_count(),
    };
    let envelope = (outcome != Admission::Ignored)
        .then(|| Envelope::new(body.id().clone(), body.attempted_at(), now, parsed));
    Ok(AdmittedDelivery { summary, envelope })
}

#[cfg(test)]
mod tests {
    use super::{Admission, IngestError, check_declared};
    use crate::metrics::labels::DOOR_OUTCOME;

    #[test]
    fn each_outcome_is_in_the_table_and_no_other() {
        let all = [Admission::Enqueued, Admission::EnqueuedUnreadable, Admission::Ignored];
        assert_eq!(all.map(Admission::as_str), DOOR_OUTCOME.values);
    }

    #[test]
    fn w_16_declared_length_is_checked_before_the_body() {
        assert_eq!(check_declared(None, Some(10), 10).unwrap(), Some(10));
        let larger = check_declared(None, Some(11), 10);
        assert!(matches!(larger, Err(IngestError::TooLarge { max: 10 })));
        assert_eq!(check_declared(Some(" Identity "), None, 10).unwrap(), None);
        let encoded = check_declared(Some("gzip"), Some(11), 10);
        assert!(matches!(encoded, Err(IngestError::ContentEncoded)));
    }
}
