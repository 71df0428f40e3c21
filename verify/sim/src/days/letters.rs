//! Dead letters: what D1 holds of them is held to what was committed, and what an operator replays
//! is what D1 kept.

use std::rc::Rc;

use super::Broken;
use super::count::Rare;
use super::database::D1;
use super::state::Text;
use super::world::World;

/// A row of `dead_letters`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parked {
    /// The message.
    message: String,
    /// Why.
    reason: String,
    /// How often it was handed out.
    attempts: u32,
    /// Its bytes.
    text: Text,
}

const PARKED: &str =
    "SELECT message_id, reason, attempts, envelope FROM dead_letters ORDER BY message_id";

impl D1<'_> {
    /// Every dead letter, by message.
    fn parked(&self) -> rusqlite::Result<Vec<Parked>> {
        let mut prepared = self.db.sql.prepare_cached(PARKED)?;
        let parked = |row: &rusqlite::Row<'_>| {
            let (message, reason, attempts) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let text = Rc::from(row.get_ref(3)?.as_str()?);
            Ok(Parked { message, reason, attempts, text })
        };
        prepared.query_map([], parked)?.collect()
    }
}

impl World<'_> {
    /// I8: the dead letters that D1 holds are those that were committed, with their bytes.
    pub(super) fn keeps_letters(&mut self) {
        let found = match self.d1.parked() {
            Ok(found) => found,
            Err(error) => return self.laws.broken = Some(Broken::harness(&error)),
        };
        let mirror = &self.laws.mirror.parked;
        let text = |sent: usize| self.sent.get(sent).map(|it| &it.text);
        let is_right = |it: &Parked| {
            mirror.get(&it.message).is_some_and(|want| {
                (&want.reason, want.attempts) == (&it.reason, it.attempts)
                    && text(want.sent) == Some(&it.text)
            })
        };
        let wrong = found.iter().find(|it| !is_right(it));
        if wrong.is_some() || found.len() != mirror.len() {
            let (held, want) = (found.len(), mirror.len());
            let how = format!("D1 holds {held} dead letters of {want}, and wrongly {wrong:?}");
            self.laws.breaks("I8 conservation", how);
        }
    }

    /// The operator sends the dead letters that D1 holds through the queue again, byte for byte:
    /// one for each text, and none that was applied since. The rows stay.
    pub(super) fn replay(&mut self) {
        let rows = match self.d1.parked() {
            Ok(rows) => rows,
            Err(error) => return self.laws.broken = Some(Broken::harness(&error)),
        };
        let wanted = self.laws.letters();
        for Parked { message, text, .. } in
            rows.into_iter().filter(|it| wanted.contains(&it.message))
        {
            let Some(sent) = self.queue.messages.get(&message).copied() else { continue };
            self.say(format_args!("operator: replays {message}"));
            self.count(Rare::LetterReplayed);
            self.enqueue_text(sent, text);
        }
    }
}
