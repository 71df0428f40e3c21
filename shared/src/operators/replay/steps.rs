//! The next step of a replay, from what was read.

mod rows;
mod select;

use serde_json::json;

pub use self::rows::{CountRow, ItemRow, Mark};

use self::select::Selection;
use super::commands::Act;
use super::progress::StoredReplay;
use super::rate::allowance;
use super::{LEAVE_PER_STEP, PAGE_LETTERS};
use crate::operators::api::replays::ReplayState::{
    self, Canary, Canceled, Checking, Done, Paused, Planned, Planning, Refused, Running, Stopped,
};
use crate::operators::cursor::Cursor;
use crate::operators::letter::LetterState;
use crate::sql::letter_lists::LetterQuery;
use crate::time::UnixMillis;

/// What a step is decided from, read in one batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// The next waiting letters, at most [`PAGE_LETTERS`].
    pub items: Vec<ItemRow>,
    /// The letters of the canary.
    pub canary: Vec<ItemRow>,
    /// All letters, counted.
    pub counts: Vec<CountRow>,
}

/// A step: everything that its batch writes, and the messages that are sent after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The replay after the step.
    pub after: StoredReplay,
    /// Letters that are marked, each with its message.
    pub send: Vec<(Mark, String)>,
    /// Letters that are discarded.
    pub discard: Vec<Mark>,
    /// Positions of letters that are left: they are not parked at their generation any more.
    pub leave: Vec<i64>,
    /// Whether waiting letters are left: the replay is at its end.
    pub leave_waiting: bool,
    /// For the audit trail.
    pub acts: Vec<Act>,
}

/// The letters that a plan chooses, and after which of them it goes on.
#[must_use]
pub fn selection(replay: &StoredReplay) -> (LetterQuery, Option<Cursor>) {
    let query = LetterQuery {
        filter: replay.filter.clone(),
        state: Some(LetterState::Parked),
        seen_until: Some(replay.created_at),
    };
    let cursor = replay.progress.cursor.as_deref();
    (query, cursor.and_then(|cursor| Cursor::decode(cursor).ok()))
}

/// The next step of a replay that is not being planned or checked. `None`: nothing to do now.
#[must_use]
pub fn next_step(replay: &StoredReplay, reads: &Reads, now: UnixMillis) -> Option<Step> {
    let mut step = Step::new(replay, now);
    let done = match replay.state {
        Canary if replay.progress.canary.is_none() => step.begin_canary(replay, reads, now),
        Canary => step.watch_canary(replay, reads, now),
        Running => step.run(replay, reads, now),
        Done | Refused | Stopped | Canceled => replay.is_open && step.wind_up(reads),
        Planning | Planned | Checking | Paused => false,
    };
    done.then_some(step)
}

/// How many letters wait of which something is to become, how many wait in all, and how many are
/// on their way.
fn waiting(replay: &StoredReplay, counts: &[CountRow]) -> (i64, i64, i64) {
    let sum = |want: &dyn Fn(&CountRow) -> bool| -> i64 {
        counts.iter().filter(|row| want(row)).map(|row| row.letters).sum()
    };
    let waits = |row: &CountRow| row.became == "waiting";
    (
        sum(&|row| waits(row) && replay.acts_on(row.planned)),
        sum(&waits),
        sum(&|row| row.became == "sent"),
    )
}

impl Step {
    fn new(replay: &StoredReplay, now: UnixMillis) -> Self {
        let after = StoredReplay { updated_at: now, ..replay.clone() };
        let (send, discard, leave, acts) = (vec![], vec![], vec![], vec![]);
        Self { after, send, discard, leave, leave_waiting: false, acts }
    }

    /// Sends the first letters, or finds that there are none.
    fn begin_canary(&mut self, replay: &StoredReplay, reads: &Reads, now: UnixMillis) -> bool {
        let mut selection = Selection::canary(replay);
        let last = selection.take_from(&reads.items);
        let positions = selection.positions.clone();
        self.take(selection);
        if !positions.is_empty() {
            self.after.progress.canary = Some(positions);
        } else if reads.items.len() < usize::try_from(PAGE_LETTERS).unwrap_or(usize::MAX) {
            self.after.progress.canary = Some(vec![]);
            self.go_on(now);
        } else if let Some(last) = last {
            self.after.progress.position = last;
        }
        true
    }

    /// Goes on when each letter of the canary has its outcome. One that was lost is sent again. A
    /// canary of which nothing is left is followed by another one.
    fn watch_canary(&mut self, replay: &StoredReplay, reads: &Reads, now: UnixMillis) -> bool {
        let became = |word: &str| reads.canary.iter().any(|item| item.became == word);
        if became("parked") {
            self.end(replay, Stopped, "replays.stopped", reads);
            return true;
        }
        if became("waiting") {
            let waits = reads.canary.iter().filter(|item| item.became == "waiting").cloned();
            let mut selection = Selection::canary(replay);
            selection.take_from(&waits.collect::<Vec<_>>());
            self.take(selection);
            return true;
        }
        if became("sent") {
            return false;
        }
        if !reads.canary.is_empty() && reads.canary.iter().all(|item| item.became == "left") {
            // None was sent, because another replay took them all: this says nothing of the others.
            self.after.progress.canary = None;
            return true;
        }
        self.go_on(now);
        true
    }

    /// The other letters follow, those of the first minute at once.
    fn go_on(&mut self, now: UnixMillis) {
        self.after.state = Running;
        let progress = &mut self.after.progress;
        (progress.position, progress.started_at, progress.sent) = (-1, now.plus(-60_000), 0);
    }

    /// Sends as many letters as the rate allows; discards need no allowance.
    fn run(&mut self, replay: &StoredReplay, reads: &Reads, now: UnixMillis) -> bool {
        if reads.items.is_empty() {
            return self.finish(replay, reads);
        }
        let progress = &replay.progress;
        let allowed = allowance(progress.rate, progress.started_at, progress.sent, now);
        let mut selection = Selection::new(replay, allowed.letters);
        let Some(last) = selection.take_from(&reads.items) else { return false };
        let sent = i64::try_from(selection.send.len()).unwrap_or(i64::MAX);
        self.take(selection);
        let progress = &mut self.after.progress;
        progress.position = last;
        (progress.started_at, progress.sent) = (allowed.started_at, allowed.sent + sent);
        true
    }

    /// No letter waits behind the last position. Those that were returned wait before it.
    fn finish(&mut self, replay: &StoredReplay, reads: &Reads) -> bool {
        let (to_do, _, sent) = waiting(replay, &reads.counts);
        if to_do > 0 && replay.progress.position >= 0 {
            self.after.progress.position = -1;
            return true;
        }
        if sent > 0 || to_do > 0 {
            return false;
        }
        self.end(replay, Done, "replays.done", reads);
        true
    }

    fn end(
        &mut self,
        replay: &StoredReplay,
        state: ReplayState,
        action: &'static str,
        reads: &Reads,
    ) {
        self.after.state = state;
        let mut became = std::collections::BTreeMap::<&str, i64>::new();
        for row in &reads.counts {
            *became.entry(&row.became).or_default() += row.letters;
        }
        let detail = json!({ "reason": replay.reason, "became": became });
        self.acts.push(Act { action, detail });
        self.leave_rest(reads);
    }

    /// After the end: marks what was not sent, and waits for what was.
    fn wind_up(&mut self, reads: &Reads) -> bool {
        let (_, waiting, sent) = waiting(&self.after, &reads.counts);
        if waiting == 0 && sent > 0 {
            return false;
        }
        self.leave_rest(reads);
        true
    }

    fn leave_rest(&mut self, reads: &Reads) {
        let (_, waiting, sent) = waiting(&self.after, &reads.counts);
        self.leave_waiting = waiting > 0;
        self.after.is_open = waiting > LEAVE_PER_STEP || sent > 0;
    }

    fn take(&mut self, selection: Selection<'_>) {
        let Selection { replay, send, discard, leave, .. } = selection;
        let is_canary = replay.state == Canary;
        let mut act = |action, letters: usize| {
            if letters > 0 {
                let (reason, left) = (&replay.reason, leave.len());
                let detail = json!({
                    "reason": reason, "letters": letters, "left": left, "canary": is_canary,
                });
                self.acts.push(Act { action, detail });
            }
        };
        act("letters.replayed", send.len());
        act("letters.discarded", discard.len());
        (self.send, self.discard, self.leave) = (send, discard, leave);
    }
}
