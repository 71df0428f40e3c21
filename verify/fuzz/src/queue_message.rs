//! Queued text, of this wire version, of another, or of none.
//!
//! What opens is sealed to something that opens the same, whatever form it came in. A newer
//! version is said to be newer, and nothing else is.

use serde_json::Value;
use shared::envelope::{Envelope, EnvelopeError};
use shared::event::{Payload, UnreadableReason};
use shared::limits::ENVELOPE_BYTES_MAX;
use shared::plan::{OpenedMessage, plan};
use shared::projection::PROJECTION_VERSION;
use shared::sql::statements;
use shared::time::UnixMillis;

use crate::Target;
use crate::reference::{member, members};

/// See the module.
pub const TARGET: Target = Target {
    name: "queue_message",
    run,
    met: &["event", "ignored", "unreadable", "newer", "malformed"],
};

/// The wire version of this build.
const VERSION: u64 = 1;

/// Opens one message.
///
/// # Panics
/// When it does not seal to the same, or is named newer or malformed without being so.
#[must_use]
pub fn run(data: &[u8]) -> &'static str {
    let Ok(text) = str::from_utf8(data) else { return "not text" };
    let version = version(text);
    match Envelope::decode(text) {
        Ok(envelope) => {
            assert_eq!(version, Some(VERSION), "{text}");
            check_round_trip(text, &envelope);
            match envelope.payload {
                Payload::Event(_) => "event",
                Payload::Ignored => "ignored",
                Payload::Unreadable(_) => "unreadable",
            }
        }
        Err(EnvelopeError::NewerVersion(named)) => {
            let by_fields = version == Some(VERSION) && u64::from(PROJECTION_VERSION) < named;
            assert!(by_fields || (version == Some(named) && VERSION < named), "{named}: {text}");
            "newer"
        }
        Err(EnvelopeError::Malformed(_)) => {
            assert!(version.is_none_or(|version| version <= VERSION), "not told newer: {text}");
            "malformed"
        }
    }
}

/// The wire version that a text names, once and in the form that every version keeps.
fn version(text: &str) -> Option<u64> {
    member(&members(text.as_bytes(), &["v"])?, "v")?.as_u64()
}

fn check_round_trip(text: &str, envelope: &Envelope) {
    let sealed = envelope.encode();
    assert!(sealed.len() <= ENVELOPE_BYTES_MAX, "{} bytes", sealed.len());
    let again = Envelope::decode(&sealed).expect("what was sealed opens");
    assert_eq!(again.encode(), sealed);
    let is_cut = match &again.payload {
        Payload::Unreadable(unreadable) => unreadable.reason == UnreadableReason::Size,
        Payload::Event(_) | Payload::Ignored => false,
    };
    assert!(again == *envelope || is_cut, "{text} became {sealed}");

    // A build after this one writes the same and more, under a greater number.
    let mut newer: Value = serde_json::from_str(&sealed).expect("JSON");
    newer.as_object_mut().expect("an object").insert("v".into(), (VERSION + 1).into());
    assert_eq!(Envelope::decode(&newer.to_string()), Err(EnvelopeError::NewerVersion(VERSION + 1)));

    let message = OpenedMessage {
        id: "queue-1".into(),
        attempts: 1,
        sent_at: UnixMillis(0),
        text: sealed,
        envelope: again,
    };
    let plan = plan("rolecall-events", &[message], vec![]);
    assert_eq!(plan.deliveries.len(), 1, "one delivery, one account of it");
    assert!(!statements(&plan, UnixMillis(0)).is_empty());
}
