//! What becomes of the messages of one batch when D1 does not commit it.
//!
//! A batch that is refused for its content, or because it is too expensive, is halved until the
//! failing message is alone. A message refused for its content is parked. Every other failed
//! message is retried; at its last attempt it is parked, and only if it failed alone.

use crate::d1_error::D1Error;
use crate::plan::{DeadLetter, OpenedMessage};
use crate::retry::{QueueAction, is_last_attempt, retry_after};

/// Consecutive overload errors after which the rest of the batch is retried later: as many as it
/// takes to find one expensive message among a hundred. More mean that D1 itself is overloaded, and
/// each further commit would make that worse.
pub const OVERLOADS_MAX: u32 = 8;

/// A part of a batch, committed together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchPart {
    /// The queue that it came from.
    pub queue: String,
    /// Messages to apply.
    pub messages: Vec<OpenedMessage>,
    /// Messages to park.
    pub dead_letters: Vec<DeadLetter>,
}

/// What was decided for one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageDecision {
    /// The queue's own id for it.
    pub message_id: String,
    /// What Queues is told about it.
    pub action: QueueAction,
}

/// The progress of one batch: what is still to be committed, and what is decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchProgress {
    parts: Vec<BatchPart>,
    decisions: Vec<MessageDecision>,
    /// Consecutive overload errors.
    overloads: u32,
}

/// New parts and decisions after a failed commit.
#[derive(Debug, Default)]
struct AfterFailure {
    parts: Vec<BatchPart>,
    decisions: Vec<MessageDecision>,
}

impl BatchProgress {
    /// A batch of which some messages are decided already.
    #[must_use]
    pub fn new(whole: BatchPart, decisions: Vec<MessageDecision>) -> Self {
        Self { parts: vec![whole], decisions, overloads: 0 }
    }

    /// The part to commit next; `None` when every message has its decision. The caller must report
    /// the result with [`record_commit`](Self::record_commit) or
    /// [`record_failure`](Self::record_failure).
    pub fn next_part(&mut self) -> Option<BatchPart> {
        while let Some(part) = self.parts.pop() {
            if !part.is_empty() {
                return Some(part);
            }
        }
        None
    }

    /// The part was committed: all its messages are acknowledged.
    pub fn record_commit(&mut self, part: &BatchPart) {
        self.overloads = 0;
        self.decisions.extend(part.acks());
    }

    /// D1 did not commit the part. `jitter` is a random number.
    pub fn record_failure(&mut self, part: BatchPart, error: &D1Error, jitter: u32) {
        self.overloads = match error {
            D1Error::Rejected(_) => 0,
            D1Error::Transient(_) => self.overloads,
            D1Error::Overloaded(_) => self.overloads.saturating_add(1),
        };
        if self.overloads <= OVERLOADS_MAX {
            let next = part.after_failure(error, self.jitter_for_next(jitter));
            return self.absorb(next);
        }
        let rest = std::mem::take(&mut self.parts);
        self.absorb(part.retry_or_park(error, self.jitter_for_next(jitter)));
        for part in rest {
            self.absorb(part.retry_all(error, self.jitter_for_next(jitter)));
        }
    }

    /// The decisions so far.
    #[must_use]
    pub fn decisions(&self) -> &[MessageDecision] {
        &self.decisions
    }

    fn absorb(&mut self, AfterFailure { parts, decisions }: AfterFailure) {
        self.parts.extend(parts);
        self.decisions.extend(decisions);
    }

    /// A different jitter for each message.
    fn jitter_for_next(&self, jitter: u32) -> u32 {
        jitter.wrapping_add(u32::try_from(self.decisions.len()).unwrap_or_default())
    }
}

impl BatchPart {
    /// The number of messages in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len() + self.dead_letters.len()
    }

    /// Returns whether there is nothing to commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn acks(&self) -> impl Iterator<Item = MessageDecision> {
        let messages = self.messages.iter().map(|message| &message.id);
        let dead_letters = self.dead_letters.iter().map(|letter| &letter.message_id);
        let ids = messages.chain(dead_letters).cloned();
        ids.map(|message_id| MessageDecision { message_id, action: QueueAction::Ack })
    }

    fn after_failure(self, error: &D1Error, jitter: u32) -> AfterFailure {
        match error {
            D1Error::Rejected(_) | D1Error::Overloaded(_) if 1 < self.len() => self.halve(),
            D1Error::Rejected(_) if self.dead_letters.is_empty() => self.park_all(error),
            D1Error::Rejected(_) | D1Error::Overloaded(_) | D1Error::Transient(_) => {
                self.retry_or_park(error, jitter)
            }
        }
    }

    /// Two parts for one that holds more than one message.
    fn halve(mut self) -> AfterFailure {
        let mut half = self.with(vec![], vec![]);
        match self.messages.len() {
            0 => half.dead_letters = self.dead_letters.split_off(self.dead_letters.len() / 2),
            1 => std::mem::swap(&mut half.dead_letters, &mut self.dead_letters),
            messages => half.messages = self.messages.split_off(messages / 2),
        }
        AfterFailure { parts: vec![self, half], decisions: vec![] }
    }

    /// Retries all. A message that failed alone at its last attempt is parked, unless parking it
    /// was what failed.
    fn retry_or_park(self, error: &D1Error, jitter: u32) -> AfterFailure {
        match (self.messages.as_slice(), self.dead_letters.as_slice()) {
            ([message], []) if is_last_attempt(message.attempts) => self.park_all(error),
            ([], [letter]) => {
                let action = retry_after(error, letter.attempts, jitter);
                let message_id = letter.message_id.clone();
                AfterFailure {
                    parts: vec![],
                    decisions: vec![MessageDecision { message_id, action }],
                }
            }
            _ => self.retry_all(error, jitter),
        }
    }

    /// Retries each message after a delay of its own, so that they return in smaller batches. A
    /// message at its last attempt is committed alone instead.
    fn retry_all(mut self, error: &D1Error, jitter: u32) -> AfterFailure {
        let mut next = AfterFailure::default();
        let mut jitters = (0..).map(|n| jitter.wrapping_add(n));
        let mut retry = |message_id: &str, attempts| MessageDecision {
            message_id: message_id.into(),
            action: retry_after(error, attempts, jitters.next().unwrap_or(jitter)),
        };
        for letter in std::mem::take(&mut self.dead_letters) {
            if is_last_attempt(letter.attempts) {
                next.parts.push(self.with(vec![], vec![letter]));
            } else {
                next.decisions.push(retry(&letter.message_id, letter.attempts));
            }
        }
        for message in std::mem::take(&mut self.messages) {
            if is_last_attempt(message.attempts) {
                next.parts.push(self.with(vec![message], vec![]));
            } else {
                next.decisions.push(retry(&message.id, message.attempts));
            }
        }
        next
    }

    /// The same part with every message as a dead letter.
    fn park_all(self, error: &D1Error) -> AfterFailure {
        let park =
            |it: &OpenedMessage| it.to_dead_letter(&self.queue, error.reason(), error.text());
        let dead_letters = self.messages.iter().map(park).collect();
        AfterFailure { parts: vec![self.with(vec![], dead_letters)], decisions: vec![] }
    }

    fn with(&self, messages: Vec<OpenedMessage>, dead_letters: Vec<DeadLetter>) -> Self {
        Self { queue: self.queue.clone(), messages, dead_letters }
    }
}

#[cfg(test)]
mod tests {
    use super::{BatchPart, BatchProgress, MessageDecision, OVERLOADS_MAX};
    use crate::d1_error::D1Error;
    use crate::envelope::Envelope;
    use crate::event::Payload;
    use crate::id::SvixId;
    use crate::limits::{ATTEMPTS_MAX, DEAD_ATTEMPTS_MAX};
    use crate::plan::OpenedMessage;
    use crate::projection::ContentDigest;
    use crate::retry::QueueAction;
    use crate::time::UnixMillis;

    const LAST: u32 = ATTEMPTS_MAX + DEAD_ATTEMPTS_MAX;

    fn message(id: &str, attempts: u32) -> OpenedMessage {
        let envelope = Envelope {
            svix_id: SvixId::parse(id).unwrap(),
            attempted_at: UnixMillis(0),
            received_at: UnixMillis(0),
            event_at: None,
            body_digest: ContentDigest::of(b""),
            event_type: "x.y".into(),
            note: String::new(),
            replay: None,
            payload: Payload::Ignored,
        };
        let text = envelope.encode();
        OpenedMessage { id: id.into(), attempts, sent_at: UnixMillis(0), text, envelope }
    }

    fn part(messages: Vec<OpenedMessage>) -> BatchPart {
        BatchPart { queue: "q".into(), messages, dead_letters: vec![] }
    }

    /// What became of a batch in the end.
    #[derive(Default)]
    struct RunResult {
        commits: u32,
        applied: Vec<String>,
        parked: Vec<String>,
        decisions: Vec<MessageDecision>,
    }

    impl RunResult {
        fn retried(&self) -> Vec<&str> {
            let back = self.decisions.iter().filter(|it| it.action != QueueAction::Ack);
            back.map(|it| it.message_id.as_str()).collect()
        }
    }

    /// Commits parts, as the consumer does, against a database that refuses what `refuses` says.
    fn run(whole: BatchPart, refuses: impl FnMut(&BatchPart) -> Option<D1Error>) -> RunResult {
        run_with(whole, 0, refuses)
    }

    fn run_with(
        whole: BatchPart,
        jitter: u32,
        mut refuses: impl FnMut(&BatchPart) -> Option<D1Error>,
    ) -> RunResult {
        let (mut work, mut ran) = (BatchProgress::new(whole, vec![]), RunResult::default());
        while let Some(part) = work.next_part() {
            ran.commits += 1;
            assert!(ran.commits < 1000, "it does not end");
            if let Some(error) = refuses(&part) {
                work.record_failure(part, &error, jitter);
            } else {
                ran.applied.extend(part.messages.iter().map(|message| message.id.clone()));
                ran.parked.extend(part.dead_letters.iter().map(|letter| letter.message_id.clone()));
                work.record_commit(&part);
            }
        }
        ran.decisions = work.decisions().to_vec();
        ran
    }

    fn overloaded() -> D1Error {
        D1Error::Overloaded("exceeded timeout".into())
    }

    fn transient() -> D1Error {
        D1Error::Transient("lost".into())
    }

    fn hundred_messages(attempts: u32) -> BatchPart {
        part((0..100).map(|i| message(&format!("m{i}"), attempts)).collect())
    }

    fn holds(part: &BatchPart, bad: &str) -> bool {
        part.messages.iter().any(|message| message.id == bad)
    }

    #[track_caller]
    fn check_one_bad(size: usize, bad: &str) {
        let messages = (0..size).map(|i| message(&format!("m{i}"), 1)).collect();
        let content = || D1Error::Rejected("constraint failed".into());
        let RunResult { parked, decisions, .. } =
            run(part(messages), |part| holds(part, bad).then(content));
        assert_eq!(parked, [bad]);
        assert_eq!(decisions.len(), size);
        assert!(decisions.iter().all(|v| v.action == QueueAction::Ack));
    }

    #[test]
    fn one_bad_message_does_not_affect_the_others() {
        for size in 1..=9 {
            (0..size).for_each(|bad| check_one_bad(size, &format!("m{bad}")));
        }
    }

    #[test]
    fn one_bad_message_does_not_affect_a_parked_one() {
        let mut whole = part(vec![message("m0", 1)]);
        whole.dead_letters = vec![message("m1", 1).to_dead_letter("q", "malformed", "")];
        let content = || D1Error::Rejected("constraint failed".into());
        let RunResult { parked, decisions, .. } =
            run(whole, |part| holds(part, "m0").then(content));
        assert_eq!((parked.len(), decisions.len()), (2, 2));
    }

    /// What the database accepts.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Accepts {
        /// As it is.
        AsMessage,
        /// As a dead letter, and not as a message.
        AsDeadLetter,
        /// Not even as a dead letter.
        Never,
    }

    /// Every combination for `size` messages.
    fn all_combinations(size: u32) -> impl Iterator<Item = Vec<Accepts>> {
        let taken = |way| match way % 3 {
            0 => Accepts::AsMessage,
            1 => Accepts::AsDeadLetter,
            _ => Accepts::Never,
        };
        (0..3_u32.pow(size)).map(move |way| (0..size).map(|i| taken(way / 3_u32.pow(i))).collect())
    }

    /// Runs a batch of messages `m0`, `m1` and so on, and dead letters `l0`, `l1` and so on.
    #[track_caller]
    fn check_combination(messages: &[Accepts], dead_letters: &[Accepts]) {
        let named = |kind: char, all: &[Accepts]| -> Vec<(String, Accepts)> {
            all.iter().enumerate().map(|(i, taken)| (format!("{kind}{i}"), *taken)).collect()
        };
        let all = [named('l', dead_letters), named('m', messages)].concat();
        let (dead_letters, messages) = all.split_at(dead_letters.len());
        let taken = |id: &str| all.iter().find(|(all, _)| all == id).unwrap().1;
        let mut whole = part(messages.iter().map(|(id, _)| message(id, 1)).collect());
        let park =
            |(id, _): &(String, Accepts)| message(id, 1).to_dead_letter("q", "malformed", "");
        whole.dead_letters = dead_letters.iter().map(park).collect();

        let ran = run(whole, |part| {
            let message = part.messages.iter().any(|it| taken(&it.id) != Accepts::AsMessage);
            let letter = part.dead_letters.iter().any(|it| taken(&it.message_id) == Accepts::Never);
            (message || letter).then(|| D1Error::Rejected("constraint failed".into()))
        });

        let want = all.iter().map(|(id, taken)| match taken {
            Accepts::AsMessage if id.starts_with('m') => (id.clone(), "applied"),
            Accepts::AsMessage | Accepts::AsDeadLetter => (id.clone(), "parked"),
            Accepts::Never => (id.clone(), "given back"),
        });
        let mut ids: Vec<_> =
            ran.decisions.iter().map(|decision| decision.message_id.clone()).collect();
        ids.sort_unstable();
        assert_eq!(ids, all.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(), "{all:?}");
        let back = ran.decisions.into_iter().filter(|it| it.action != QueueAction::Ack);
        let mut got: Vec<_> = back.map(|decision| (decision.message_id, "given back")).collect();
        got.extend(ran.applied.into_iter().map(|id| (id, "applied")));
        got.extend(ran.parked.into_iter().map(|id| (id, "parked")));
        got.sort_unstable();
        assert_eq!(got, want.collect::<Vec<_>>(), "{all:?}");
    }

    #[test]
    fn every_message_and_dead_letter_of_a_refused_batch_gets_one_decision() {
        for (messages, dead_letters) in (0..=4).flat_map(|m| (0..=4).map(move |l| (m, l))) {
            for messages in all_combinations(messages) {
                // For a dead letter, `AsMessage` and `AsDeadLetter` are the same.
                let dead_letters = all_combinations(dead_letters)
                    .filter(|all| !all.contains(&Accepts::AsDeadLetter));
                dead_letters.for_each(|dead_letters| check_combination(&messages, &dead_letters));
            }
        }
    }

    #[test]
    fn a_transient_error_retries_everything() {
        let attempts = [1, 8, 9, 10, 60, LAST - 1];
        let messages = attempts.map(|it| message(&format!("m{it}"), it)).to_vec();
        let ran = run(part(messages), |_| Some(transient()));
        assert_eq!((ran.commits, ran.retried().len(), ran.parked.len()), (1, 6, 0));
        assert_eq!(ran.decisions[0].action, QueueAction::RetryAfter(1));
    }

    #[test]
    fn at_the_last_attempt_only_a_message_that_fails_alone_is_parked() {
        let messages = ["m0", "m1", "m2"].map(|id| message(id, LAST)).to_vec();
        let mut whole = part(messages);
        whole.messages.push(message("m3", LAST - 1));
        whole.dead_letters = vec![message("m4", LAST).to_dead_letter("q", "malformed", "")];
        // D1 failed for the whole batch, and again for one message.
        let ran = run(whole, |part| (1 < part.len() || holds(part, "m1")).then(transient));
        assert_eq!(ran.parked, ["m1", "m4"]);
        assert_eq!((ran.retried(), ran.applied.len()), (vec!["m3"], 2));
    }

    #[test]
    fn one_expensive_message_does_not_affect_the_others() {
        for bad in 0..100 {
            let bad = format!("m{bad}");
            let ran = run(hundred_messages(1), |part| holds(part, &bad).then(overloaded));
            assert_eq!((ran.applied.len(), ran.parked.len()), (99, 0), "{bad}");
            assert_eq!(ran.retried(), [bad.as_str()]);
        }
        for bad in ["m0", "m57", "m99"] {
            let ran = run(hundred_messages(LAST), |part| holds(part, bad).then(overloaded));
            assert_eq!((ran.applied.len(), ran.retried().len()), (99, 0), "{bad}");
            assert_eq!(ran.parked, [bad]);
        }
    }

    #[test]
    fn an_overloaded_database_gets_few_commits_and_nothing_is_parked() {
        for attempts in [1, 9, 10, LAST - 1] {
            let ran = run(hundred_messages(attempts), |_| Some(overloaded()));
            assert_eq!(ran.commits, OVERLOADS_MAX + 1);
            assert_eq!((ran.retried().len(), ran.decisions.len(), ran.parked.len()), (100, 100, 0));
        }
    }

    #[test]
    fn a_batch_that_is_too_expensive_is_committed_in_parts() {
        let ran = run(hundred_messages(1), |part| (10 < part.len()).then(overloaded));
        assert_eq!((ran.applied.len(), ran.decisions.len()), (100, 100));
    }

    #[test]
    fn a_message_at_its_last_attempt_is_parked_when_the_database_is_overloaded() {
        let whole = part(vec![message("m0", LAST - 1), message("m1", LAST)]);
        let mut dead_letters = vec![];
        let ran = run(whole, |part| {
            dead_letters.extend(part.dead_letters.clone());
            (!part.messages.is_empty()).then(overloaded)
        });
        assert_eq!(
            dead_letters,
            [message("m1", LAST).to_dead_letter("q", "overloaded", "exceeded timeout")]
        );
        assert_eq!((ran.parked, ran.decisions.len()), (vec!["m1".to_owned()], 2));
    }

    #[test]
    fn f_4_messages_refused_by_an_overloaded_database_return_in_smaller_batches() {
        for jitter in [0, 7, u32::MAX - 50] {
            let ran = run_with(hundred_messages(1), jitter, |_| Some(overloaded()));
            let mut batches = std::collections::BTreeMap::<u32, usize>::new();
            let seconds = ran.decisions.iter().filter_map(|decision| match decision.action {
                QueueAction::RetryAfter(seconds) => Some(seconds),
                QueueAction::Ack => None,
            });
            seconds.for_each(|seconds| *batches.entry(seconds).or_default() += 1);
            assert_eq!(batches.keys().copied().collect::<Vec<_>>(), (15..=30).collect::<Vec<_>>());
            assert!(batches.values().all(|messages| *messages <= 8), "{batches:?}");
            assert_eq!(batches.values().sum::<usize>(), 100);
        }
    }

    #[test]
    fn a_message_that_cannot_be_parked_is_retried() {
        for error in [transient(), overloaded(), D1Error::Rejected("too big".into())] {
            let ran = run(part(vec![message("m0", LAST)]), |_| Some(error.clone()));
            assert_eq!((ran.parked.len(), ran.retried()), (0, vec!["m0"]));
        }
        for error in [transient(), overloaded()] {
            let ran = run(hundred_messages(LAST), |_| Some(error.clone()));
            assert_eq!((ran.parked.len(), ran.retried().len()), (0, 100));
        }
    }
}
