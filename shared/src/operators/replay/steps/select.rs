//! Chooses the letters of one step, in the order of the plan.

use super::{ItemRow, Mark};
use crate::event::Payload;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::operators::letter::{LetterState, ReplayTag};
use crate::operators::replay::classify::open_bytes;
use crate::operators::replay::progress::StoredReplay;
use crate::operators::replay::{CANARY_LETTERS, CHUNK_BYTES_MAX, PAGE_LETTERS};

/// What was chosen, and what still may be.
pub(super) struct Selection<'a> {
    pub(super) replay: &'a StoredReplay,
    pub(super) send: Vec<(Mark, String)>,
    /// The positions of `send`.
    pub(super) positions: Vec<i64>,
    pub(super) discard: Vec<Mark>,
    pub(super) leave: Vec<i64>,
    /// Letters that may be sent.
    letters: usize,
    bytes: usize,
    /// Whether letters are discarded too: not before the canary has its outcome.
    discards: bool,
}

/// What the selection says to one letter.
enum Verdict {
    Taken,
    Skipped,
    /// No more can be sent in this step.
    Full,
}

impl<'a> Selection<'a> {
    pub(super) fn new(replay: &'a StoredReplay, allowed: u32) -> Self {
        let letters = usize::try_from(allowed.min(PAGE_LETTERS)).unwrap_or(usize::MAX);
        Self {
            replay,
            send: vec![],
            positions: vec![],
            discard: vec![],
            leave: vec![],
            letters,
            bytes: CHUNK_BYTES_MAX,
            discards: true,
        }
    }

    pub(super) fn canary(replay: &'a StoredReplay) -> Self {
        Self { letters: CANARY_LETTERS, discards: false, ..Self::new(replay, 0) }
    }

    /// Chooses from these letters until no more can be sent. Returns the last position that was
    /// chosen or passed over; `None` if the first letter has to wait.
    pub(super) fn take_from(&mut self, items: &[ItemRow]) -> Option<i64> {
        let mut last = None;
        for item in items {
            if let Verdict::Full = self.consider(item) {
                break;
            }
            last = Some(item.position);
        }
        last
    }

    fn consider(&mut self, item: &ItemRow) -> Verdict {
        if !self.replay.acts_on(item.planned) {
            return Verdict::Skipped;
        }
        let discards = self.replay.discards(item.planned);
        if discards && !self.discards {
            return Verdict::Skipped;
        }
        let mark = Mark { id: item.id.clone(), generation: item.generation };
        if discards && is_as_planned(item) {
            self.discard.push(mark);
            return Verdict::Taken;
        }
        let message = if discards { None } else { message(self.replay, item) };
        let Some(message) = message else {
            self.leave.push(item.position);
            return Verdict::Taken;
        };
        let fits = message.len() <= self.bytes || self.send.is_empty();
        if self.letters == 0 || !fits {
            return Verdict::Full;
        }
        self.letters -= 1;
        self.bytes = self.bytes.saturating_sub(message.len());
        self.positions.push(item.position);
        self.send.push((mark, message));
        Verdict::Taken
    }
}

/// Whether nothing happened to the letter since its generation was read.
fn is_as_planned(item: &ItemRow) -> bool {
    item.state == Some(LetterState::Parked) && item.letter_generation == Some(item.generation)
}

/// The message for the queue: the envelope with the tag. `None` if it must not be sent any more.
fn message(replay: &StoredReplay, item: &ItemRow) -> Option<String> {
    if !is_as_planned(item) {
        return None;
    }
    let (digest, bytes) = (item.digest.as_deref()?, item.envelope.as_deref()?);
    let mut envelope = open_bytes(digest, bytes).ok()?;
    if let Payload::Unreadable(_) = envelope.payload {
        return None;
    }
    let (letter, replay) = (item.id.clone(), replay.id.clone());
    envelope.replay = Some(ReplayTag { letter, replay, generation: item.generation });
    Some(envelope.encode()).filter(|text| text.len() <= MESSAGE_BYTES_MAX)
}
