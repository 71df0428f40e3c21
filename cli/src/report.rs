//! A replay in tables: its plan, and at the end planned against became.

use shared::operators::api::replays::{
    PlannedLetterPage, Replay, ReplayAction, ReplayCount, ReplayState,
};
use shared::operators::letter::LetterClass;
use shared::operators::words::counted;

use crate::client::Client;
use crate::failure::{Failure, Kind};
use crate::filter::in_words;
use crate::screen::Screen;
use crate::sheet::{Look, Sheet, plain};

/// The most letters that a report names.
const DIFFERENCES_MAX: usize = 20;

/// Shows the plan: what would become of how many letters, with examples.
///
/// # Errors
/// When the output fails.
pub(crate) fn plan(screen: &Screen, replay: &Replay) -> Result<(), Failure> {
    head(screen, replay)?;
    if replay.counts.is_empty() {
        return Ok(());
    }
    screen.say("")?;
    let mut sheet = Sheet::new(&["CLASS", "LETTERS", "WHAT HAPPENS"]);
    for class in LetterClass::ALL {
        let letters: u64 =
            replay.counts.iter().filter(|it| it.planned == class).map(|it| it.letters).sum();
        if letters != 0 {
            sheet.row([class.as_str(), &letters.to_string(), intent(replay, class)]);
        }
    }
    screen.show(&sheet)?;
    if !replay.examples.is_empty() {
        screen.say("\nExamples:")?;
        letters(screen, &replay.examples)?;
    }
    Ok(())
}

/// What the replay is, without its letters.
///
/// # Errors
/// When the output fails.
pub(crate) fn head(screen: &Screen, replay: &Replay) -> Result<(), Failure> {
    let what = match replay.action {
        ReplayAction::Replay => format!("replay at {} letters a minute", replay.rate),
        ReplayAction::Discard => "discard".to_owned(),
    };
    screen.say(format!("{}: {what}, {}", replay.id, replay.state.as_str()))?;
    screen.say(format!("  letters:  {} ({})", replay.total, in_words(&replay.filter)))?;
    screen.say(format!("  progress: {} sent, {} settled", replay.sent, replay.settled))?;
    screen.say(format!("  reason:   {} ({})", replay.reason, replay.actor))?;
    if !replay.hash.is_empty() {
        screen.say(format!("  hash:     {}", replay.hash))?;
    }
    screen.say(format!("  {}", replay.message))
}

/// What applying the plan does with letters of a class.
fn intent(replay: &Replay, class: LetterClass) -> &'static str {
    match (replay.action, class) {
        (ReplayAction::Discard, _) => "closed as discarded",
        (_, LetterClass::Applied) => "sent; would be applied",
        (_, LetterClass::Superseded) if replay.discard_unchanged => "discarded: a later change won",
        (_, LetterClass::Superseded) => "sent; nothing changes: a later change won",
        (_, LetterClass::Duplicate) if replay.discard_unchanged => "discarded: applied already",
        (_, LetterClass::Duplicate) => "sent; nothing changes: applied already",
        (_, LetterClass::Unreadable) => "left: no build can read it",
        (_, LetterClass::Newer) => "left: a newer build wrote it",
    }
}

/// Whether letters became what was planned.
pub(crate) fn is_as_planned(replay: &Replay, count: &ReplayCount) -> bool {
    let want = match (replay.action, count.planned) {
        (ReplayAction::Discard, _) => "discarded",
        (_, LetterClass::Superseded | LetterClass::Duplicate) if replay.discard_unchanged => {
            "discarded"
        }
        (_, class) if class.is_sendable() => class.as_str(),
        _ => "left",
    };
    count.became == want
}

/// Shows planned against became, and the letters that differ: a bounded number of them.
///
/// # Errors
/// When the letters cannot be read, or the output fails.
pub(crate) fn outcome(client: &Client, screen: &Screen, replay: &Replay) -> Result<(), Failure> {
    head(screen, replay)?;
    screen.say("")?;
    let mut sheet = Sheet::new(&["PLANNED", "BECAME", "LETTERS", ""]);
    for count in &replay.counts {
        let (look, mark) = match () {
            () if is_as_planned(replay, count) => (Look::Good, "as planned"),
            () if count.became == "parked" => (Look::Bad, "parked again"),
            () if is_open(count) => (Look::Plain, "no outcome yet"),
            () => (Look::Odd, "differs"),
        };
        let letters = count.letters.to_string();
        sheet.looks([
            plain(count.planned.as_str()),
            plain(&count.became),
            plain(&letters),
            (mark, look),
        ]);
    }
    screen.show(&sheet)?;
    differences(client, screen, replay)?;
    if replay.counts.iter().any(|count| count.became == "left") {
        let letters = format!("{} --letters --became left", replay.id);
        screen.note(format!("Those that were left: rolecall dead-letters status {letters}"));
    }
    Ok(())
}

fn is_open(count: &ReplayCount) -> bool {
    matches!(count.became.as_str(), "waiting" | "sent")
}

fn differences(client: &Client, screen: &Screen, replay: &Replay) -> Result<(), Failure> {
    let differ = |count: &&ReplayCount| !is_as_planned(replay, count) && !is_open(count);
    let all: u64 = replay.counts.iter().filter(differ).map(|count| count.letters).sum();
    if all == 0 {
        return Ok(());
    }
    let (mut found, mut more) = (Vec::new(), Vec::new());
    for count in replay.counts.iter().filter(differ) {
        let rest = DIFFERENCES_MAX.saturating_sub(found.len());
        let (planned, became) = (count.planned.as_str(), &count.became);
        if u64::try_from(rest).is_ok_and(|rest| rest < count.letters) {
            let letters = format!("{} --letters --all-pages", replay.id);
            more.push(format!("{letters} --planned {planned} --became {became}"));
        }
        if rest == 0 {
            continue;
        }
        let query = [
            ("planned", planned.to_owned()),
            ("became", became.clone()),
            ("limit", rest.to_string()),
        ];
        let page: PlannedLetterPage = client.get(&["replays", &replay.id, "letters"], &query)?;
        found.extend(page.letters.into_iter().take(rest));
    }
    screen.say(format!("\nNot as planned, {} of {all}:", found.len()))?;
    letters(screen, &found)?;
    more.iter()
        .try_for_each(|args| screen.say(format!("More: rolecall dead-letters status {args}")))
}

/// Shows letters of a replay.
///
/// # Errors
/// When the output fails.
pub(crate) fn letters(
    screen: &Screen,
    letters: &[shared::operators::api::replays::PlannedLetter],
) -> Result<(), Failure> {
    let mut sheet = Sheet::new(&["LETTER", "TYPE", "SUBJECT", "REASON", "PLANNED", "BECAME"]);
    for it in letters {
        let (kind, subject) = (it.event_type.as_deref(), it.subject.as_deref());
        let [kind, subject] =
            [kind, subject].map(|text| text.filter(|text| !text.is_empty()).unwrap_or("–"));
        sheet.row([&it.id, kind, subject, &it.reason, it.planned.as_str(), &it.became]);
    }
    screen.show(&sheet)
}

/// What the end of a replay means for the exit code.
///
/// # Errors
/// When it did not come to its end, or a letter was parked again.
pub(crate) fn verdict(replay: &Replay) -> Result<(), Failure> {
    let id = &replay.id;
    let stopped = |code, next: &str| {
        let message = format!("{id} is {}: {}", replay.state.as_str(), replay.message);
        Err(Failure::new(Kind::Refused, code, message, next))
    };
    match replay.state {
        ReplayState::Refused => stopped("plan-changed", "Make a new plan and read it."),
        ReplayState::Stopped => {
            stopped("canary-stopped", "Remove the cause that the letters name, then plan again.")
        }
        ReplayState::Canceled => stopped("canceled", "What was not sent is parked: plan again."),
        ReplayState::Paused => {
            stopped("paused", &format!("Run: rolecall dead-letters resume {id}"))
        }
        ReplayState::Done => again(replay),
        ReplayState::Planned if replay.total == 0 => {
            stopped("not-applied", &format!("Run: rolecall dead-letters cancel {id}"))
        }
        ReplayState::Planned => {
            let apply = format!("rolecall dead-letters apply {id} --hash {}", replay.hash);
            stopped("not-applied", &format!("Read the plan, then run: {apply}"))
        }
        ReplayState::Planning
        | ReplayState::Checking
        | ReplayState::Canary
        | ReplayState::Running => Ok(()),
    }
}

fn again(replay: &Replay) -> Result<(), Failure> {
    let parked = replay.counts.iter().filter(|count| count.became == "parked");
    let parked: u64 = parked.map(|count| count.letters).sum();
    if parked == 0 {
        return Ok(());
    }
    let message = format!("parked again: {} of {}", counted(&parked, "letter"), replay.id);
    let next = "Look at one with `rolecall dead-letters show ID`, remove the cause, plan again.";
    Err(Failure::new(Kind::Failed, "parked-again", message, next))
}
