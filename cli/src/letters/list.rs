//! `dead-letters list` and `matrix`.

use chrono::{DateTime, Utc};
use clap::Args;
use shared::operators::api::letters::{LetterMatrix, LetterPage, LetterSummary};
use shared::operators::letter::LetterState;

use crate::app::App;
use crate::failure::Failure;
use crate::filter::{FilterArgs, query};
use crate::pages::{self, Page, PageArgs};
use crate::screen::Screen;
use crate::sheet::{Look, Sheet, plain};
use crate::text::{now, time};

/// Arguments of `list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    pages: PageArgs,
}

/// The state of letters.
#[derive(Debug, Args)]
pub(crate) struct StateArgs {
    /// Only letters in this state.
    #[arg(long, value_name = "STATE", value_parser = parse_state)]
    state: Option<LetterState>,
}

impl StateArgs {
    /// As a member of a query.
    pub(crate) fn query(&self) -> Option<(&'static str, String)> {
        self.state.map(|state| ("state", state.as_str().to_owned()))
    }
}

fn parse_state(text: &str) -> Result<LetterState, String> {
    let names = LetterState::ALL.map(LetterState::as_str).join(", ");
    LetterState::from_name(text).ok_or_else(|| format!("the states are {names}"))
}

/// `dead-letters list`.
///
/// # Errors
/// When the filter is wrong or the letters cannot be read.
pub(crate) fn list(app: &App, args: &ListArgs) -> Result<(), Failure> {
    let mut query = query(&args.filter.of_list(now())?);
    query.extend(args.state.query());
    pages::show::<LetterPage>(&app.client()?, &app.screen, &["dead-letters"], &query, &args.pages)
}

impl Page for LetterPage {
    type Item = LetterSummary;

    fn parts(&self) -> (&[LetterSummary], Option<&str>) {
        (&self.letters, self.next.as_deref())
    }

    fn show(&self, screen: &Screen) -> Result<(), Failure> {
        summaries(screen, &self.letters)
    }
}

/// Shows letters as a table.
///
/// # Errors
/// When the output fails.
pub(crate) fn summaries(screen: &Screen, letters: &[LetterSummary]) -> Result<(), Failure> {
    let header = ["ID", "STATE", "REASON", "TYPE", "SUBJECT", "FIRST SEEN", "ATTEMPTS"];
    let mut sheet = Sheet::new(&header);
    for it in letters {
        let (kind, subject) = (it.event_type.as_deref(), it.subject.as_deref());
        let [kind, subject] = [kind, subject].map(|text| plain(text.unwrap_or("–")));
        let (first, attempts) = (time(it.first_seen_at), it.attempts.to_string());
        let state = (it.state.as_str(), look(it.state));
        let (id, reason) = (plain(&it.id), plain(&it.reason));
        sheet.looks([id, state, reason, kind, subject, plain(&first), plain(&attempts)]);
    }
    screen.show(&sheet)
}

fn look(state: LetterState) -> Look {
    match state {
        LetterState::Parked => Look::Bad,
        LetterState::Replaying => Look::Odd,
        LetterState::Applied => Look::Good,
        LetterState::Superseded | LetterState::Duplicate | LetterState::Discarded => Look::Plain,
    }
}

/// `dead-letters matrix`.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn matrix(app: &App, args: &StateArgs) -> Result<(), Failure> {
    let query: Vec<_> = args.query().into_iter().collect();
    let matrix: LetterMatrix = app.client()?.get(&["dead-letters", "matrix"], &query)?;
    if app.screen.json {
        return app.screen.print_json(&matrix);
    }
    if matrix.cells.is_empty() {
        app.screen.note("None.");
        return Ok(());
    }
    let mut sheet = Sheet::new(&["STATE", "REASON", "TYPE", "DAY", "LETTERS"]);
    for it in &matrix.cells {
        let seconds = it.day.saturating_mul(86_400);
        let day = DateTime::<Utc>::from_timestamp(seconds, 0);
        let day = day.map_or_else(|| it.day.to_string(), |day| day.format("%Y-%m-%d").to_string());
        let kind = if it.event_type.is_empty() { "–" } else { &it.event_type };
        let (state, letters) = ((it.state.as_str(), look(it.state)), it.letters.to_string());
        sheet.looks([state, plain(&it.reason), plain(kind), plain(&day), plain(&letters)]);
    }
    app.screen.show(&sheet)?;
    app.screen.note("The letters of a line: rolecall dead-letters list reason=REASON type=TYPE");
    Ok(())
}
