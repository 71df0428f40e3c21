//! From queue messages to everything that one D1 batch will write. The same messages give the same
//! plan, on any machine.

use std::collections::{BTreeMap, BTreeSet};

use crate::envelope::Envelope;
use crate::event::Payload;
use crate::id::UserId;
use crate::merge::{EntityChange, EntityKind, EntityState, MergeContext};
use crate::operators::letter::ReplayTag;
use crate::projection::EntityFields;
use crate::time::UnixMillis;

/// A queue message whose envelope was decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedMessage {
    /// The queue's own id for it.
    pub id: String,
    /// Delivery attempts in both queues, this one included.
    pub attempts: u32,
    /// When it was sent to the queue.
    pub sent_at: UnixMillis,
    /// Its raw text, for the dead letters.
    pub text: String,
    /// The decoded envelope.
    pub envelope: Envelope,
}

/// A parked message, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The queue's own id for the message.
    pub message_id: String,
    /// The queue that it came from.
    pub queue: String,
    /// Machine-readable reason.
    pub reason: String,
    /// Human-readable detail, without personal data.
    pub detail: String,
    /// Delivery attempts in both queues.
    pub attempts: u32,
    /// When it was sent to the queue.
    pub first_seen_at: UnixMillis,
    /// Its raw text.
    pub text: String,
    /// The envelope, if it could be decoded.
    pub envelope: Option<Envelope>,
    /// The letter that the message replayed: then it is parked there, and is no new letter.
    pub replay: Option<ReplayTag>,
}

/// The outcome of a delivery, as far as it is known before the batch runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Applied, duplicate or superseded: SQL decides it by comparing the row after the batch.
    DecidedByRow(EntityChange),
    /// Parked.
    Parked,
    /// Of a type that is not synced.
    Ignored,
}

/// One row of `deliveries`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// The delivery.
    pub envelope: Envelope,
    /// Its outcome.
    pub outcome: DeliveryOutcome,
}

/// Everything that one D1 batch will write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchPlan {
    /// The random id of its D1 batch, as in the log. The consumer sets it.
    pub batch: String,
    /// The changes of each table. Their order does not matter.
    pub changes: BTreeMap<EntityKind, Vec<EntityChange>>,
    /// App roles named by any change, even one that loses.
    pub role_names: BTreeSet<String>,
    /// The merge context of all changes.
    pub context: MergeContext,
    /// The outcome of each delivery.
    pub deliveries: Vec<DeliveryRecord>,
    /// Parked messages.
    pub dead_letters: Vec<DeadLetter>,
    /// Users whose role caches are hinted first.
    pub touched: BTreeSet<UserId>,
    /// Messages that an earlier attempt had failed for.
    pub retried: u32,
}

/// Plans one batch: the changes of `messages`, and the messages parked in `dead_letters`.
#[must_use]
pub fn plan(queue: &str, messages: &[OpenedMessage], dead_letters: Vec<DeadLetter>) -> BatchPlan {
    let attempts = messages.iter().map(|message| message.attempts);
    let attempts = attempts.chain(dead_letters.iter().map(|letter| letter.attempts));
    let retried = count(attempts.filter(|attempts| 1 < *attempts));
    let mut plan = BatchPlan { dead_letters, retried, ..BatchPlan::default() };
    for message in messages {
        let envelope = &message.envelope;
        let outcome = match &envelope.payload {
            Payload::Ignored => DeliveryOutcome::Ignored,
            Payload::Unreadable(unreadable) => {
                let reason = unreadable.reason.as_str();
                plan.dead_letters.push(message.to_dead_letter(queue, reason, &unreadable.detail));
                continue;
            }
            Payload::Event(event) => {
                plan.touched.extend(event.users.iter().cloned());
                for change in &event.changes {
                    plan.add(change);
                }
                event
                    .changes
                    .first()
                    .cloned()
                    .map_or(DeliveryOutcome::Ignored, DeliveryOutcome::DecidedByRow)
            }
        };
        plan.deliveries.push(DeliveryRecord { envelope: envelope.clone(), outcome });
    }
    let parked = plan.dead_letters.iter().filter_map(|letter| letter.envelope.clone());
    let parked =
        parked.map(|envelope| DeliveryRecord { envelope, outcome: DeliveryOutcome::Parked });
    plan.deliveries.extend(parked.collect::<Vec<_>>());
    plan
}

/// How many deliveries of a batch ended in each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutcomeCounts {
    /// Merged into the rows: applied, duplicate or superseded.
    pub merged: u32,
    /// Of a type that is not synced.
    pub ignored: u32,
    /// Parked.
    pub parked: u32,
}

impl BatchPlan {
    /// The counts for the log.
    #[must_use]
    pub fn outcome_counts(&self) -> OutcomeCounts {
        let mut counts = OutcomeCounts::default();
        for delivery in &self.deliveries {
            match delivery.outcome {
                DeliveryOutcome::DecidedByRow(_) => counts.merged += 1,
                DeliveryOutcome::Ignored => counts.ignored += 1,
                DeliveryOutcome::Parked => counts.parked += 1,
            }
        }
        counts
    }

    /// The letters without an envelope. No delivery is recorded for them.
    pub fn unopened_letters(&self) -> impl Iterator<Item = &DeadLetter> {
        self.dead_letters.iter().filter(|letter| letter.envelope.is_none())
    }

    /// The number of messages.
    #[must_use]
    pub fn messages(&self) -> u32 {
        count(&self.deliveries).saturating_add(count(self.unopened_letters()))
    }

    /// Adds one change.
    pub fn add(&mut self, change: &EntityChange) {
        if let EntityState::Live(live) = &change.state
            && let EntityFields::User(user) = &live.fields
        {
            self.role_names.extend(user.app_roles.iter().cloned());
        }
        self.context.observe(change);
        self.changes.entry(change.kind).or_default().push(change.clone());
    }
}

impl DeadLetter {
    /// The id of its row in `dead_letters`.
    #[must_use]
    pub fn row_id(&self) -> &str {
        self.replay.as_ref().map_or(&self.message_id, |tag| &tag.letter)
    }
}

fn count(items: impl IntoIterator) -> u32 {
    u32::try_from(items.into_iter().count()).unwrap_or(u32::MAX)
}

impl OpenedMessage {
    /// Parks this message.
    #[must_use]
    pub fn to_dead_letter(&self, queue: &str, reason: &str, detail: &str) -> DeadLetter {
        DeadLetter {
            message_id: self.id.clone(),
            queue: queue.into(),
            reason: reason.into(),
            detail: detail.into(),
            attempts: self.attempts,
            first_seen_at: self.sent_at,
            text: self.text.clone(),
            envelope: Some(self.envelope.clone()),
            replay: self.envelope.replay.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{OpenedMessage, plan};
    use crate::envelope::Envelope;
    use crate::event::{Event, Payload};
    use crate::id::{EntityId, SvixId, UserId};
    use crate::merge::{EntityChange, EntityKind, EntityState};
    use crate::projection::ContentDigest;
    use crate::time::UnixMillis;

    /// A message about this object that names these users directly.
    fn message(entity: EntityKind, object: &str, users: &[&str]) -> OpenedMessage {
        let id = EntityId::parse(object).unwrap();
        let users = users.iter().map(|user| UserId::parse(user).unwrap()).collect();
        let changes = vec![EntityChange { kind: entity, id, state: EntityState::Deleted }];
        let envelope = Envelope {
            svix_id: SvixId::parse("msg_1").unwrap(),
            attempted_at: UnixMillis(0),
            received_at: UnixMillis(0),
            event_at: None,
            body_digest: ContentDigest::of(b""),
            event_type: "x.y".into(),
            note: String::new(),
            replay: None,
            payload: Payload::Event(Event { changes, users }),
        };
        let text = envelope.encode();
        OpenedMessage { id: "queue-1".into(), attempts: 1, sent_at: UnixMillis(0), text, envelope }
    }

    #[track_caller]
    fn check_touched(messages: &[OpenedMessage], want: &[&str]) {
        let planned = plan("q", messages, vec![]);
        let touched: Vec<_> = planned.touched.iter().map(UserId::as_str).collect();
        assert_eq!(touched, want);
    }

    #[test]
    fn the_users_that_events_name_are_touched_each_once() {
        let ada = message(EntityKind::User, "user_ada", &["user_ada"]);
        let bob = message(EntityKind::Membership, "orgmem_1", &["user_bob"]);
        let both = message(EntityKind::Membership, "orgmem_2", &["user_bob", "user_ada"]);
        check_touched(std::slice::from_ref(&ada), &["user_ada"]);
        check_touched(std::slice::from_ref(&bob), &["user_bob"]);
        check_touched(&[bob, both, ada], &["user_ada", "user_bob"]);
    }

    #[test]
    fn events_without_users_and_parked_messages_touch_no_user() {
        check_touched(&[message(EntityKind::Organization, "org_1", &[])], &[]);
        let letter = message(EntityKind::User, "user_ada", &["user_ada"]).to_dead_letter(
            "q",
            "malformed",
            "",
        );
        assert!(plan("q", &[], vec![letter]).touched.is_empty());
    }
}
