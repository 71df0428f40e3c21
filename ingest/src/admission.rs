//! What is let in. Pure: headers, bytes, configuration and the time go in, a decision comes out.

use shared::envelope::Envelope;
use shared::event::{self, Payload};
use shared::limits::{UPLOAD_MS_MAX, UPLOADS_BYTES_MAX};
use shared::settings::SettingError;
use shared::settings::ingest::IngestSettings;
use shared::signature::{self, UnverifiedDelivery};
use shared::time::UnixMillis;

/// Why a delivery was not taken. Each is one row of the answer table in `reply`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IngestError {
    #[error("the door is misconfigured")]
    Misconfigured(Vec<SettingError>),
    #[error("signature: {0}")]
    Signature(signature::SignatureError),
    #[error("the body claims an encoding, and what is signed is plain")]
    ContentEncoded,
    #[error("the body has more than {max} bytes")]
    TooLarge { max: usize },
    #[error("the body ended early")]
    Aborted,
    #[error("the body had not come in {UPLOAD_MS_MAX} ms")]
    Timeout,
    #[error("the bodies on their way in take more than {UPLOADS_BYTES_MAX} bytes")]
    OverCapacity,
    #[error("too many requests from this address that no secret signed")]
    RateLimited,
    #[error("the delivery is of another Clerk instance than CLERK_INSTANCE_ID")]
    ForeignInstance,
    #[error("the queue refused: {0}")]
    QueueUnavailable(String),
}

/// A delivery that is let in, with what is to be enqueued of it.
#[derive(Debug)]
pub(crate) struct AdmittedDelivery {
    pub(crate) accepted: AcceptedDelivery,
    pub(crate) envelope: Option<Envelope>,
}

/// What the answer and the log say of a delivery that was taken.
#[derive(Debug)]
pub(crate) struct AcceptedDelivery {
    pub(crate) id: String,
    pub(crate) kind: Option<String>,
    pub(crate) fate: IngestOutcome,
    /// What of it was left out; mostly empty.
    pub(crate) note: String,
    pub(crate) weak_secrets: usize,
}

/// What becomes of a delivery that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IngestOutcome {
    Enqueued,
    EnqueuedUnreadable,
    Ignored,
}

impl IngestOutcome {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Enqueued => "enqueued",
            Self::EnqueuedUnreadable => "enqueued-unreadable",
            Self::Ignored => "ignored",
        }
    }
}

/// Verifies what a delivery claims, reads it, and decides what is enqueued of it.
pub(crate) fn admit(
    claim: UnverifiedDelivery<'_>,
    body: &[u8],
    config: &IngestSettings,
    now: UnixMillis,
) -> Result<AdmittedDelivery, IngestError> {
    let body = claim.verify(body, &config.secrets).map_err(IngestError::Signature)?;
    let incoming = event::parse(&body);
    if let (Some(ours), Some(theirs)) = (&config.instance_id, &incoming.instance_id)
        && ours != theirs
    {
        return Err(IngestError::ForeignInstance);
    }
    let fate = match incoming.payload {
        Payload::Event(_) => IngestOutcome::Enqueued,
        Payload::Unreadable(_) => IngestOutcome::EnqueuedUnreadable,
        Payload::Ignored => IngestOutcome::Ignored,
    };
    let (id, weak_secrets) = (body.id().to_string(), config.secrets.weak_count());
    let (kind, note) = (incoming.kind.clone(), incoming.note.clone());
    let accepted = AcceptedDelivery { id, kind, fate, note, weak_secrets };
    let envelope = (fate != IngestOutcome::Ignored)
        .then(|| Envelope::new(body.id().clone(), body.attempted_at(), now, incoming));
    Ok(AdmittedDelivery { accepted, envelope })
}
