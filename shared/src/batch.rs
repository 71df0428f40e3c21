//! What becomes of the messages of one batch when D1 refuses it, decided without D1.
//!
//! One bad message spoils no other: a batch that is refused for its content is halved until the
//! culprit stands alone, and that one is parked. A fault that is nobody's gives every message back,
//! but parks the one whose last attempt it was.

use crate::fault::{Disposition, Fault, is_last, retry_after};
use crate::plan::{DeadLetter, Message};

/// A part of a batch that is committed together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The queue that it came from.
    pub queue: String,
    /// Messages to apply.
    pub messages: Vec<Message>,
    /// Messages to park.
    pub letters: Vec<DeadLetter>,
}

/// What was decided for one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The queue's own id for it.
    pub message_id: String,
    /// What becomes of it.
    pub disposition: Disposition,
}

/// What a refusal leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Next {
    /// Parts to commit instead.
    pub parts: Vec<Part>,
    /// What is settled without.
    pub verdicts: Vec<Verdict>,
}

impl Part {
    /// How many messages it settles.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len() + self.letters.len()
    }

    /// Whether there is nothing to commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The part was committed: every message in it is done with.
    #[must_use]
    pub fn committed(&self) -> Vec<Verdict> {
        let messages = self.messages.iter().map(|message| &message.id);
        let letters = self.letters.iter().map(|letter| &letter.message_id);
        let ids = messages.chain(letters).cloned();
        ids.map(|message_id| Verdict { message_id, disposition: Disposition::Ack }).collect()
    }

    /// The part was refused: what to commit instead, and which messages are given back.
    ///
    /// `jitter` is any number.
    #[must_use]
    pub fn refused(self, fault: &Fault, jitter: u32) -> Next {
        match fault {
            Fault::Content(_) => self.halve(fault, jitter),
            Fault::Transient(_) | Fault::Overloaded(_) => self.give_back(fault, jitter),
        }
    }

    fn halve(mut self, fault: &Fault, jitter: u32) -> Next {
        match (self.messages.len(), self.letters.len()) {
            (0, 0 | 1) => self.give_back(fault, jitter), // Even parking it was refused.
            (0, letters) => {
                let letters = self.letters.split_off(letters / 2);
                let half = Self { letters, queue: self.queue.clone(), messages: vec![] };
                Next { parts: vec![self, half], verdicts: vec![] }
            }
            (1, 0) => {
                let part = self.parked(fault);
                Next { parts: vec![part], verdicts: vec![] }
            }
            (1, _) => {
                let letters = std::mem::take(&mut self.letters);
                let rest = Self { letters, queue: self.queue.clone(), messages: vec![] };
                Next { parts: vec![self, rest], verdicts: vec![] }
            }
            (messages, _) => {
                let messages = self.messages.split_off(messages / 2);
                let half = Self { messages, queue: self.queue.clone(), letters: vec![] };
                Next { parts: vec![self, half], verdicts: vec![] }
            }
        }
    }

    /// Each message after a delay of its own: what comes back together is smaller than what went.
    fn give_back(mut self, fault: &Fault, jitter: u32) -> Next {
        let mut lots = (0..).map(|n| jitter.wrapping_add(n));
        let mut back = |message_id: &str, attempts| Verdict {
            message_id: message_id.into(),
            disposition: retry_after(fault, attempts, lots.next().unwrap_or(jitter)),
        };
        let letters = self.letters.drain(..);
        let mut verdicts: Vec<_> =
            letters.map(|letter| back(&letter.message_id, letter.attempts)).collect();
        let (last, rest): (Vec<_>, Vec<_>) =
            self.messages.into_iter().partition(|message| is_last(message.attempts));
        verdicts.extend(rest.iter().map(|message| back(&message.id, message.attempts)));
        let last = Self { messages: last, queue: self.queue, letters: vec![] }.parked(fault);
        let parts = if last.is_empty() { vec![] } else { vec![last] };
        Next { parts, verdicts }
    }

    /// Every message of it as a dead letter.
    fn parked(self, fault: &Fault) -> Self {
        let park = |message: &Message| message.park(&self.queue, fault.reason(), fault.cause());
        let mut letters: Vec<_> = self.messages.iter().map(park).collect();
        letters.extend(self.letters);
        Self { queue: self.queue, messages: vec![], letters }
    }
}

#[cfg(test)]
mod tests {
    use super::{Next, Part, Verdict};
    use crate::envelope::{Envelope, Letter};
    use crate::fault::{Disposition, Fault};
    use crate::id::MessageId;
    use crate::plan::Message;
    use crate::projection::Digest;
    use crate::time::UnixMillis;

    fn message(id: &str, attempts: u32) -> Message {
        let envelope = Envelope {
            svix_id: MessageId::parse(id).unwrap(),
            attempted_at: UnixMillis(0),
            received_at: UnixMillis(0),
            event_at: None,
            body_digest: Digest::of(b""),
            kind: "x.y".into(),
            note: String::new(),
            letter: Letter::Ignored,
        };
        let text = envelope.seal();
        Message { id: id.into(), attempts, sent_at: UnixMillis(0), text, envelope }
    }

    fn part(messages: Vec<Message>) -> Part {
        Part { queue: "q".into(), messages, letters: vec![] }
    }

    /// What became of a batch in the end.
    #[derive(Default)]
    struct Ran {
        applied: Vec<String>,
        parked: Vec<String>,
        verdicts: Vec<Verdict>,
    }

    /// Commits parts, as the consumer does, against a database that refuses what `refuses` says.
    fn run(whole: Part, refuses: impl Fn(&Part) -> Option<Fault>) -> Ran {
        let (mut parts, mut ran, mut commits) = (vec![whole], Ran::default(), 0);
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            commits += 1;
            assert!(commits < 1000, "it does not end");
            if let Some(fault) = refuses(&part) {
                let next = part.refused(&fault, 0);
                parts.extend(next.parts);
                ran.verdicts.extend(next.verdicts);
            } else {
                ran.applied.extend(part.messages.iter().map(|message| message.id.clone()));
                ran.parked.extend(part.letters.iter().map(|letter| letter.message_id.clone()));
                ran.verdicts.extend(part.committed());
            }
        }
        ran
    }

    fn holds(part: &Part, bad: &str) -> bool {
        part.messages.iter().any(|message| message.id == bad)
    }

    #[track_caller]
    fn check_one_bad(size: usize, bad: &str) {
        let messages = (0..size).map(|i| message(&format!("m{i}"), 1)).collect();
        let content = || Fault::Content("constraint failed".into());
        let Ran { parked, verdicts, .. } =
            run(part(messages), |part| holds(part, bad).then(content));
        assert_eq!(parked, [bad]);
        assert_eq!(verdicts.len(), size);
        assert!(verdicts.iter().all(|v| v.disposition == Disposition::Ack));
    }

    #[test]
    fn a_bad_message_at_any_place_costs_its_neighbours_nothing() {
        for size in 1..=9 {
            (0..size).for_each(|bad| check_one_bad(size, &format!("m{bad}")));
        }
    }

    #[test]
    fn a_bad_message_does_not_spoil_what_was_parked_beside_it() {
        let mut whole = part(vec![message("m0", 1)]);
        whole.letters = vec![message("m1", 1).park("q", "malformed", "")];
        let content = || Fault::Content("constraint failed".into());
        let Ran { parked, verdicts, .. } = run(whole, |part| holds(part, "m0").then(content));
        assert_eq!((parked.len(), verdicts.len()), (2, 2));
    }

    /// How the database takes something.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Taken {
        /// As it is.
        Well,
        /// As a dead letter, and not as a message.
        Parked,
        /// Not even as a dead letter.
        Never,
    }

    /// Every way to take `size` things.
    fn ways(size: u32) -> impl Iterator<Item = Vec<Taken>> {
        let taken = |way| match way % 3 {
            0 => Taken::Well,
            1 => Taken::Parked,
            _ => Taken::Never,
        };
        (0..3_u32.pow(size)).map(move |way| (0..size).map(|i| taken(way / 3_u32.pow(i))).collect())
    }

    /// Runs a batch of messages `m0`, `m1` and so on, and letters `l0`, `l1` and so on.
    #[track_caller]
    fn check_ways(messages: &[Taken], letters: &[Taken]) {
        let named = |kind: char, all: &[Taken]| -> Vec<(String, Taken)> {
            all.iter().enumerate().map(|(i, taken)| (format!("{kind}{i}"), *taken)).collect()
        };
        let all = [named('l', letters), named('m', messages)].concat();
        let (letters, messages) = all.split_at(letters.len());
        let taken = |id: &str| all.iter().find(|(all, _)| all == id).unwrap().1;
        let mut whole = part(messages.iter().map(|(id, _)| message(id, 1)).collect());
        let park = |(id, _): &(String, Taken)| message(id, 1).park("q", "malformed", "");
        whole.letters = letters.iter().map(park).collect();

        let ran = run(whole, |part| {
            let message = part.messages.iter().any(|it| taken(&it.id) != Taken::Well);
            let letter = part.letters.iter().any(|it| taken(&it.message_id) == Taken::Never);
            (message || letter).then(|| Fault::Content("constraint failed".into()))
        });

        let want = all.iter().map(|(id, taken)| match taken {
            Taken::Well if id.starts_with('m') => (id.clone(), "applied"),
            Taken::Well | Taken::Parked => (id.clone(), "parked"),
            Taken::Never => (id.clone(), "given back"),
        });
        let mut ids: Vec<_> =
            ran.verdicts.iter().map(|verdict| verdict.message_id.clone()).collect();
        ids.sort_unstable();
        assert_eq!(ids, all.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(), "{all:?}");
        let back = ran.verdicts.into_iter().filter(|it| it.disposition != Disposition::Ack);
        let mut got: Vec<_> = back.map(|verdict| (verdict.message_id, "given back")).collect();
        got.extend(ran.applied.into_iter().map(|id| (id, "applied")));
        got.extend(ran.parked.into_iter().map(|id| (id, "parked")));
        got.sort_unstable();
        assert_eq!(got, want.collect::<Vec<_>>(), "{all:?}");
    }

    #[test]
    fn every_message_and_every_letter_of_a_refused_batch_gets_one_verdict() {
        for (messages, letters) in (0..=4).flat_map(|m| (0..=4).map(move |l| (m, l))) {
            for messages in ways(messages) {
                // To a letter the first two ways are one.
                let letters = ways(letters).filter(|all| !all.contains(&Taken::Parked));
                letters.for_each(|letters| check_ways(&messages, &letters));
            }
        }
    }

    #[test]
    fn a_passing_fault_gives_back_all_but_the_last_attempt() {
        let whole = part(vec![message("m0", 1), message("m1", 9)]);
        let Next { parts, verdicts } = whole.refused(&Fault::Transient("lost".into()), 0);
        assert_eq!(parts[0].letters[0].message_id, "m1");
        assert_eq!(parts[0].letters[0].reason, "retries-exhausted");
        let back = Verdict { message_id: "m0".into(), disposition: Disposition::RetryAfter(1) };
        assert_eq!(verdicts, [back]);
    }

    #[test]
    fn what_an_overloaded_database_refused_at_the_last_attempt_is_parked() {
        let whole = part(vec![message("m0", 8), message("m1", 9)]);
        let Next { parts, verdicts } = whole.refused(&Fault::Overloaded("full".into()), 0);
        let letter = message("m1", 9).park("q", "overloaded", "full");
        assert_eq!(parts, [Part { letters: vec![letter], ..part(vec![]) }]);
        let back = Verdict { message_id: "m0".into(), disposition: Disposition::RetryAfter(300) };
        assert_eq!(verdicts, [back]);
    }

    #[test]
    fn f_4_what_an_overloaded_database_refused_comes_back_in_smaller_batches() {
        for jitter in [0, 7, u32::MAX - 50] {
            let whole = part((0..100).map(|i| message(&format!("m{i}"), 1)).collect());
            let Next { verdicts, .. } = whole.refused(&Fault::Overloaded("full".into()), jitter);
            let mut batches = std::collections::BTreeMap::<u32, usize>::new();
            let seconds = verdicts.iter().filter_map(|verdict| match verdict.disposition {
                Disposition::RetryAfter(seconds) => Some(seconds),
                Disposition::Ack => None,
            });
            seconds.for_each(|seconds| *batches.entry(seconds).or_default() += 1);
            assert_eq!(batches.keys().copied().collect::<Vec<_>>(), (15..=30).collect::<Vec<_>>());
            assert!(batches.values().all(|messages| *messages <= 8), "{batches:?}");
            assert_eq!(batches.values().sum::<usize>(), 100);
        }
    }

    #[test]
    fn what_cannot_even_be_parked_is_given_back() {
        for fault in [Fault::Transient("lost".into()), Fault::Content("too big".into())] {
            let Ran { parked, verdicts, .. } =
                run(part(vec![message("m0", 9)]), |_| Some(fault.clone()));
            assert!(parked.is_empty());
            assert!(matches!(
                verdicts[..],
                [Verdict { disposition: Disposition::RetryAfter(_), .. }]
            ));
        }
    }
}
