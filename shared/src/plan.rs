//! From queued messages to what one D1 batch will hold. Decides everything; the executor has no
//! choices left. The same messages give the same plan, on any machine.

use std::collections::{BTreeMap, BTreeSet};

use crate::envelope::Envelope;
use crate::event::Payload;
use crate::id::UserId;
use crate::merge::{EntityChange, EntityKind, EntityState, MergeContext};
use crate::projection::EntityFields;
use crate::time::UnixMillis;

/// A queue message whose envelope was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedMessage {
    /// The queue's own id for it.
    pub id: String,
    /// How often it has been handed out, this time included.
    pub attempts: u32,
    /// When it was sent to the queue.
    pub sent_at: UnixMillis,
    /// Its bytes as they came, for the dead letters.
    pub text: String,
    /// What it says.
    pub envelope: Envelope,
}

/// A message that is put aside, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The queue's own id for the message.
    pub message_id: String,
    /// The queue that it came from.
    pub queue: String,
    /// Why, in one word for queries.
    pub reason: String,
    /// Why, in a sentence for people; no personal data.
    pub detail: String,
    /// How often it was handed out.
    pub attempts: u32,
    /// When it was sent to the queue.
    pub first_seen_at: UnixMillis,
    /// Its bytes as they came.
    pub text: String,
    /// What is known of the delivery, when the envelope could be opened.
    pub envelope: Option<Envelope>,
}

/// The outcome of a delivery, as far as it is known before D1 is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Applied or superseded: D1 tells, by what the row holds after the batch.
    DecidedByRow(EntityChange),
    /// Put aside.
    Parked,
    /// Of a type that is not synced.
    Ignored,
}

/// One row of `deliveries`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// What arrived.
    pub envelope: Envelope,
    /// What becomes of it.
    pub outcome: DeliveryOutcome,
}

/// Everything that one D1 batch will write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchPlan {
    /// The changes of each table, in the order of arrival; the law makes the order irrelevant.
    pub changes: BTreeMap<EntityKind, Vec<EntityChange>>,
    /// App roles named by any change, whether it wins or not: rows are a function of the events.
    pub role_names: BTreeSet<String>,
    /// What is remembered of the changes, whether they win or not.
    pub context: MergeContext,
    /// What became of each delivery.
    pub deliveries: Vec<DeliveryRecord>,
    /// Messages put aside.
    pub dead_letters: Vec<DeadLetter>,
    /// Users whose role caches are hinted first.
    pub touched: BTreeSet<UserId>,
}

/// Plans one batch: what `messages` change, and what is put aside in `dead_letters`.
#[must_use]
pub fn plan(queue: &str, messages: &[OpenedMessage], dead_letters: Vec<DeadLetter>) -> BatchPlan {
    let mut plan = BatchPlan { dead_letters, ..BatchPlan::default() };
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
    /// Merged into the rows: applied or superseded.
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

    /// Takes in one change.
    pub fn add(&mut self, change: &EntityChange) {
        if let EntityState::Live(live) = &change.state
            && let EntityFields::User(user) = &live.fields
        {
            self.role_names.extend(user.app_roles.iter().cloned());
        }
        self.context.observe(change);
        self.changes.entry(change.entity).or_default().push(change.clone());
    }
}

impl OpenedMessage {
    /// Puts this message aside.
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

    /// A message about this object that names these users outright.
    fn message(entity: EntityKind, object: &str, users: &[&str]) -> OpenedMessage {
        let id = EntityId::parse(object).unwrap();
        let users = users.iter().map(|user| UserId::parse(user).unwrap()).collect();
        let changes = vec![EntityChange { entity, id, state: EntityState::Deleted }];
        let envelope = Envelope {
            svix_id: SvixId::parse("msg_1").unwrap(),
            attempted_at: UnixMillis(0),
            received_at: UnixMillis(0),
            event_at: None,
            body_digest: ContentDigest::of(b""),
            kind: "x.y".into(),
            note: String::new(),
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
    fn what_names_no_user_or_is_only_put_aside_touches_nobody() {
        check_touched(&[message(EntityKind::Organization, "org_1", &[])], &[]);
        let letter = message(EntityKind::User, "user_ada", &["user_ada"]).to_dead_letter(
            "q",
            "malformed",
            "",
        );
        assert!(plan("q", &[], vec![letter]).touched.is_empty());
    }
}
