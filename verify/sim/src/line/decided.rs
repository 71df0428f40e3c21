//! What the consumer decides about each batch that it can be handed: asked of `shared::{plan,
//! batch}` once, and looked up by the model.

use shared::batch::{self, BatchPart, BatchProgress};
use shared::d1_error::D1Error;
use shared::limits::{ATTEMPTS_MAX, DEAD_ATTEMPTS_MAX};
use shared::plan::{DeliveryOutcome, OpenedMessage, plan};
use shared::retry::{self, QueueAction};

use super::history::Script;

/// The queue of the events.
pub(super) const QUEUE: &str = "rolecall-events";

/// A message that has been handed out: its event, twice, and one more on its last attempt; plus
/// one. 0 is none.
pub type MessageNumber = u8;

/// At most two messages, the lesser first.
pub type Pair = [MessageNumber; 2];

/// A message of an event. What comes before the last but one attempt differs only in its count.
#[must_use]
pub fn message_number(event: u8, last: bool) -> MessageNumber {
    event * 2 + u8::from(last) + 1
}

/// The event of a message.
#[must_use]
pub fn event(held: MessageNumber) -> u8 {
    held.saturating_sub(1) / 2
}

/// Whether it is its last attempt before the platform moves it to the dead-letter queue.
#[must_use]
pub fn is_last(held: MessageNumber) -> bool {
    held.is_multiple_of(2)
}

/// The messages of a pair.
pub fn each(pair: Pair) -> impl Iterator<Item = MessageNumber> {
    pair.into_iter().filter(|held| *held != 0)
}

/// These messages as a pair.
#[must_use]
pub fn pair(of: impl IntoIterator<Item = MessageNumber>) -> Pair {
    let mut of = of.into_iter();
    let mut pair = [of.next().unwrap_or_default(), of.next().unwrap_or_default()];
    pair.sort_unstable();
    pair
}

/// What is decided about one batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// The events whose changes it takes in, in the order of the plan.
    pub takes: Vec<u8>,
    /// The deliveries that it notes as applied, as bits.
    pub notes: u8,
    /// The events that it parks, as bits.
    pub parks: u8,
    /// Whether it parks one that the platform would hand out again.
    pub parks_early: bool,
    /// What is acknowledged once it is committed.
    pub acks: Pair,
    /// What goes back into the queue when D1 refuses it for a passing reason.
    pub back: Pair,
}

/// All that a consumer can decide.
#[derive(Clone, Debug)]
pub struct Decisions {
    applied: Vec<Decided>,
    parked: Vec<Decided>,
    dead: Vec<Decided>,
    dead_parked: Vec<Decided>,
    ended: Vec<Decided>,
    base: usize,
}

impl Decisions {
    /// Asks about every batch.
    #[must_use]
    pub fn new(script: &Script) -> Self {
        let most = script.clerks * 2;
        let pairs = (0..=most).flat_map(|a| (0..=most).map(move |b| pair([a, b])));
        let messages = |of| each(of).filter_map(|held| message(script, held)).collect();
        let one = |attempts| {
            let of = (0..script.clerks)
                .filter_map(move |event| message(script, message_number(event, true)));
            of.map(move |it| vec![OpenedMessage { attempts, ..it }])
        };
        let (first, last) = (ATTEMPTS_MAX + 1, ATTEMPTS_MAX + DEAD_ATTEMPTS_MAX);
        Self {
            applied: pairs.clone().map(|of| decide(script, applies(messages(of)))).collect(),
            parked: pairs.map(|of| decide(script, parks(&messages(of)))).collect(),
            dead: one(first).map(|of| decide(script, applies(of))).collect(),
            dead_parked: one(first).map(|of| decide(script, parks(&of))).collect(),
            ended: one(last).map(|of| decide(script, ends(applies(of)))).collect(),
            base: usize::from(most) + 1,
        }
    }

    /// About messages that are applied.
    #[must_use]
    pub fn applied(&self, of: Pair) -> Option<&Decided> {
        self.applied.get(self.index(of))
    }

    /// About messages that are parked.
    #[must_use]
    pub fn parked(&self, of: Pair) -> Option<&Decided> {
        self.parked.get(self.index(of))
    }

    /// About the message of an event that the dead-letter queue hands out.
    #[must_use]
    pub fn dead(&self, event: u8) -> Option<&Decided> {
        self.dead.get(usize::from(event))
    }

    /// The same, when it is parked; a wrong form asks.
    #[must_use]
    pub fn dead_parked(&self, event: u8) -> Option<&Decided> {
        self.dead_parked.get(usize::from(event))
    }

    /// About one that D1 refuses for a passing reason at the last attempt of all.
    #[must_use]
    pub fn ended(&self, event: u8) -> Option<&Decided> {
        self.ended.get(usize::from(event))
    }

    fn index(&self, of: Pair) -> usize {
        usize::from(of[0]) * self.base + usize::from(of[1])
    }
}

fn applies(messages: Vec<OpenedMessage>) -> BatchPart {
    BatchPart { queue: QUEUE.into(), messages, dead_letters: vec![] }
}

fn parks(messages: &[OpenedMessage]) -> BatchPart {
    let park = |it: &OpenedMessage| it.to_dead_letter(QUEUE, "retries-exhausted", "");
    BatchPart {
        queue: QUEUE.into(),
        messages: vec![],
        dead_letters: messages.iter().map(park).collect(),
    }
}

/// What is left to commit when D1 refuses this for a passing reason.
fn ends(part: BatchPart) -> BatchPart {
    refused(part).0
}

fn refused(part: BatchPart) -> (BatchPart, Vec<batch::MessageDecision>) {
    let mut work = BatchProgress::new(part, vec![]);
    if let Some(part) = work.next_part() {
        work.record_failure(part, &D1Error::classify("Network connection lost"), 0);
    }
    let left = work.next_part().unwrap_or_default();
    (left, work.decisions().to_vec())
}

fn committed(part: BatchPart) -> Vec<batch::MessageDecision> {
    let mut work = BatchProgress::new(part, vec![]);
    if let Some(part) = work.next_part() {
        work.record_commit(&part);
    }
    work.decisions().to_vec()
}

fn decide(script: &Script, part: BatchPart) -> Decided {
    let plan = plan(QUEUE, &part.messages, part.dead_letters.clone());
    let events = || (0..script.clerks).filter_map(|event| Some((event, script.message(event)?)));
    let takes = plan.changes.values().flatten().filter_map(|change| {
        (0..script.clerks).find(|event| script.change(*event) == Some(change))
    });
    let applied = plan.deliveries.iter().filter(|it| it.outcome != DeliveryOutcome::Parked);
    let notes = applied.filter_map(|it| events().find(|(_, of)| of.envelope == it.envelope));
    let parked = plan.dead_letters.iter().filter_map(|it| it.message_id.parse().ok());
    let (acks, back) = (committed(part.clone()), refused(part).1);
    let is_retried = |it: &&batch::MessageDecision| it.action != QueueAction::Ack;
    Decided {
        takes: takes.collect(),
        notes: notes.fold(0, |bits, (event, _)| bits | 1 << event),
        parks: parked.fold(0, |bits, held: MessageNumber| bits | 1 << event(held)),
        parks_early: plan.dead_letters.iter().any(|it| !retry::is_last_attempt(it.attempts)),
        acks: pair(acks.iter().filter_map(|it| it.message_id.parse().ok())),
        back: pair(back.iter().filter(is_retried).filter_map(|it| it.message_id.parse().ok())),
    }
}

/// A message as the queue hands it out. Its number is the queue's own id for it.
fn message(script: &Script, held: MessageNumber) -> Option<OpenedMessage> {
    let attempts = if is_last(held) { ATTEMPTS_MAX } else { ATTEMPTS_MAX - 1 };
    Some(OpenedMessage { id: held.to_string(), attempts, ..script.message(event(held))?.clone() })
}

#[cfg(test)]
mod tests {
    use super::{Decisions, event, is_last, message_number, pair};
    use crate::line::history::History;

    #[test]
    fn a_number_says_which_message_it_is() {
        for known in 0..4 {
            for last in [false, true] {
                assert_eq!(
                    (event(message_number(known, last)), is_last(message_number(known, last))),
                    (known, last)
                );
            }
        }
    }

    #[test]
    fn a_refused_batch_is_given_back_whole() {
        let decisions = Decisions::new(&History::Ties.script());
        let both = pair([message_number(1, true), message_number(2, false)]);
        let decided = decisions.applied(both).unwrap();
        assert_eq!((decided.back, decided.acks), (both, both));
        assert_eq!((decided.notes, decided.parks), (0b110, 0));
        let parked = decisions.parked(pair([message_number(1, true)])).unwrap();
        assert_eq!((parked.notes, parked.parks, parked.parks_early), (0, 0b10, true));
        assert_eq!(parked.back, pair([message_number(1, true)]));
    }

    #[test]
    fn what_is_dead_is_applied_or_waits_and_is_parked_at_the_very_last() {
        let decisions = Decisions::new(&History::Ties.script());
        let dead = decisions.dead(2).unwrap();
        assert_eq!(
            (dead.notes, dead.parks, dead.back),
            (0b100, 0, pair([message_number(2, true)]))
        );
        let ended = decisions.ended(2).unwrap();
        assert_eq!((ended.notes, ended.parks, ended.parks_early), (0, 0b100, false));
        assert!(decisions.dead_parked(2).unwrap().parks_early);
    }
}
