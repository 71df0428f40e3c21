//! The story of one delivery, in sentences in the order of time.

use super::rows::{JsonRow, LetterRow, ReplayRow, RowError, read_rows};
use super::words::duration;
use crate::operators::api::explain::{DeliveryRow, DeliveryStory, Explanation, StoryLine};
use crate::operators::letter::LetterState;
use crate::operators::words::counted;
use crate::time::UnixMillis;

/// Explains a delivery from the results of [`crate::sql::explain::delivery`]. `None` if nothing is
/// known of it.
///
/// # Errors
/// If the results are not those of that batch.
pub fn delivery(svix_id: &str, results: &[Vec<JsonRow>]) -> Result<Option<Explanation>, RowError> {
    let [rows, letters, replays] = results else {
        return Err(RowError("expected three results".into()));
    };
    let row: Option<DeliveryRow> = read_rows(rows)?.into_iter().next();
    let letters: Vec<LetterRow> = read_rows(letters)?;
    let replays: Vec<ReplayRow> = read_rows(replays)?;
    if row.is_none() && letters.is_empty() {
        return Ok(None);
    }
    let mut story = Story::default();
    if let Some(row) = &row {
        story.committed(row);
    }
    for letter in &letters {
        let of_letter: Vec<_> = replays.iter().filter(|it| it.letter == letter.letter.id).collect();
        story.letter(letter, row.is_some());
        for replay in &of_letter {
            story.replay(replay);
        }
        story.end_of_letter(letter, &of_letter);
    }
    let letters = letters.into_iter().map(|it| it.letter).collect();
    let delivery = Some(DeliveryStory { row, letters, story: story.in_order() });
    Ok(Some(Explanation { id: svix_id.into(), delivery, entity: None }))
}

#[derive(Default)]
struct Story(Vec<StoryLine>);

impl Story {
    fn say(&mut self, at: UnixMillis, text: impl Into<String>) {
        self.0.push(StoryLine { at, text: text.into() });
    }

    /// By time; lines of one time stay in the order in which they were said.
    fn in_order(mut self) -> Vec<StoryLine> {
        self.0.sort_by_key(|line| line.at);
        self.0
    }

    fn committed(&mut self, row: &DeliveryRow) {
        if let Some(at) = row.event_at {
            let about = row.subject.as_ref().map(|id| format!(" about {id}")).unwrap_or_default();
            self.say(at, format!("{} happened in Clerk{about}.", row.event_type));
        }
        self.say(
            row.attempted_at,
            format!("Svix signed this attempt to deliver {}, and sent it.", row.event_type),
        );
        let took = duration(row.received_at.since(row.attempted_at));
        self.say(
            row.received_at,
            format!("Ingest received it after {took}, verified it and put it into the queue."),
        );
        let batch = if row.batch.is_empty() {
            "a D1 batch".into()
        } else {
            format!("the D1 batch {}", row.batch)
        };
        let lag = duration(row.applied_at.since(row.received_at));
        self.say(
            row.applied_at,
            format!("The consumer committed it in {batch}, {lag} after it was received."),
        );
        self.say(
            row.applied_at,
            format!("Its outcome is {}. {}", row.outcome, meaning(&row.outcome)),
        );
        if 1 < row.copies {
            let text = format!(
                "It was committed {} times in all. A repetition changes nothing, unless the first \
                 one was parked or ignored.",
                row.copies
            );
            self.say(row.applied_at, text);
        }
        if row.id_reused {
            self.say(
                row.applied_at,
                "The same svix-id came with two different bodies: look at the sender.",
            );
        }
        if !row.note.is_empty() {
            self.say(row.applied_at, format!("Left out of it: {}.", row.note));
        }
    }

    fn letter(&mut self, row: &LetterRow, is_committed: bool) {
        let letter = &row.letter;
        if !is_committed {
            self.say(
                letter.first_seen_at,
                format!("Its message {} was put into the queue.", letter.id),
            );
        }
        let again = match letter.generation {
            0 => String::new(),
            1 => " again".into(),
            times => format!(" again, {times} times by now,"),
        };
        let detail =
            if letter.detail.is_empty() { String::new() } else { format!(" ({})", letter.detail) };
        self.say(
            letter.last_seen_at,
            format!(
                "Parked{again} as the dead letter {} after {}: {}{detail}.",
                letter.id,
                counted(&letter.attempts, "attempt"),
                letter.reason
            ),
        );
        if 0 < row.returns {
            let text = format!(
                "The sweep returned the dead letter {} to parked {} times: its message was lost \
                 on the way to the queue or in it.",
                letter.id, row.returns
            );
            self.say(row.state_at, text);
        }
    }

    fn replay(&mut self, row: &ReplayRow) {
        let ReplayRow { letter, replay, action, actor, reason, planned, became, .. } = row;
        let verb = if action == "discard" { "discard" } else { "replay" };
        self.say(
            row.created_at,
            format!(
                "{actor} planned in {replay} to {verb} the dead letter {letter}, with the reason \
                 \"{reason}\": it would be {planned}."
            ),
        );
        let Some(at) = row.became_at else { return };
        let text = match became.as_str() {
            "waiting" => format!("{replay} waits to send it again."),
            "sent" => format!("{replay} sent it to the queue."),
            "left" => format!("{replay} ended without it."),
            "parked" => format!("In {replay} it was parked again; the plan said {planned}."),
            "discarded" => format!("{replay} discarded it."),
            became => {
                format!(
                    "In {replay} it became {became}, the plan said {planned}. {}",
                    meaning(became)
                )
            }
        };
        self.say(at, text);
    }

    /// The state of a letter that no replay tells.
    fn end_of_letter(&mut self, row: &LetterRow, replays: &[&ReplayRow]) {
        let letter = &row.letter;
        let told = replays.iter().any(|replay| Some(&replay.replay) == letter.replay_id.as_ref());
        if letter.state == LetterState::Parked {
            self.say(
                row.state_at.max(letter.last_seen_at),
                format!("The dead letter {} is parked: replay or discard it.", letter.id),
            );
        } else if !told {
            self.say(
                row.state_at,
                format!("The dead letter {} is {}.", letter.id, letter.state.as_str()),
            );
        }
    }
}

/// What an outcome means.
fn meaning(outcome: &str) -> &'static str {
    match outcome {
        "applied" => "The database took its state.",
        "superseded" => "The database had a later state already: nothing changed.",
        "duplicate" => "The database had this state already: nothing changed.",
        "ignored" => "Nothing in it is synced: there was nothing to store.",
        "parked" => "It could not be applied: its dead letter says why.",
        _ => "This build does not know that outcome.",
    }
}
