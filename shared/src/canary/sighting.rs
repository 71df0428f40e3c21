//! What the consumer's batches say of the canary user.

use crate::event::Payload;
use crate::merge::EntityState;
use crate::plan::OpenedMessage;
use crate::projection::EntityFields;
use crate::time::UnixMillis;

/// A delivery of the canary user in a batch of the consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Its app roles.
    pub roles: Vec<String>,
    /// Its version.
    pub updated_at: UnixMillis,
    /// When it arrived at the door.
    pub arrived_at: UnixMillis,
    /// When the queue took it.
    pub queued_at: UnixMillis,
    /// When the consumer took it.
    pub taken_at: UnixMillis,
    /// When D1 had committed it; `None` before that.
    pub committed_at: Option<UnixMillis>,
}

impl Sighting {
    /// What a message of a batch says of the canary user. `None` for any other message,
    /// and for one that replays a letter: its times are not those of the event.
    #[must_use]
    pub fn of(
        user_id: &str,
        message: &OpenedMessage,
        taken_at: UnixMillis,
        committed_at: Option<UnixMillis>,
    ) -> Option<Self> {
        let envelope = &message.envelope;
        if envelope.replay.is_some() || envelope.subject() != Some(user_id) {
            return None;
        }
        let Payload::Event(event) = &envelope.payload else { return None };
        let EntityState::Live(live) = &event.changes.first()?.state else { return None };
        let EntityFields::User(user) = &live.fields else { return None };
        Some(Self {
            roles: user.app_roles.clone(),
            updated_at: live.rank.updated_at,
            arrived_at: envelope.received_at,
            queued_at: message.sent_at,
            taken_at,
            committed_at,
        })
    }
}
