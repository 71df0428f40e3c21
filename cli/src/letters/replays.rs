//! `dead-letters status`, `pause`, `resume` and `cancel`.

use clap::Args;
use shared::operators::api::replays::{
    PlannedLetter, PlannedLetterPage, Replay, ReplayPage, ReplayState,
};
use shared::operators::letter::LetterClass;

use super::apply;
use crate::app::App;
use crate::client::Client;
use crate::confirm::confirm;
use crate::failure::{Failure, Kind};
use crate::pages::{self, Page, PageArgs};
use crate::screen::Screen;
use crate::sheet::{Look, Sheet, plain};
use crate::text::time;
use crate::watch::{self, WatchArgs};
use crate::{heads, report};

/// Arguments of `status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// One replay; by default a list of them.
    id: Option<String>,
    /// Carry it on, and wait for its end.
    #[arg(long, requires = "id")]
    watch: bool,
    /// List its letters.
    #[arg(long, requires = "id", conflicts_with = "watch")]
    letters: bool,
    /// Of its letters, only those planned so.
    #[arg(long, value_name = "CLASS", requires = "letters", value_parser = parse_class)]
    planned: Option<LetterClass>,
    /// Of its letters, only those that became this: waiting, sent, left or a state.
    #[arg(long, value_name = "STATE", requires = "letters")]
    became: Option<String>,
    #[command(flatten)]
    pages: PageArgs,
    #[command(flatten)]
    interval: WatchArgs,
}

/// Arguments of `pause`, `resume` and `cancel`.
#[derive(Debug, Args)]
pub(crate) struct StepArgs {
    /// The replay.
    id: String,
    /// Do it without being asked.
    #[arg(long)]
    yes: bool,
}

fn parse_class(text: &str) -> Result<LetterClass, String> {
    let names = LetterClass::ALL.map(LetterClass::as_str).join(", ");
    LetterClass::from_name(text).ok_or_else(|| format!("the classes are {names}"))
}

/// `dead-letters status`.
///
/// # Errors
/// When it cannot be read; with `--watch`, as `apply`.
pub(crate) fn status(app: &App, args: &StatusArgs) -> Result<(), Failure> {
    let client = app.client()?;
    let Some(id) = &args.id else {
        return pages::show::<ReplayPage>(&client, &app.screen, &["replays"], &[], &args.pages);
    };
    if args.letters {
        let planned = args.planned.map(|class| ("planned", class.as_str().to_owned()));
        let became = args.became.clone().map(|became| ("became", became));
        let query: Vec<_> = planned.into_iter().chain(became).collect();
        let route = ["replays", id, "letters"];
        return pages::show::<PlannedLetterPage>(&client, &app.screen, &route, &query, &args.pages);
    }
    let replay: Replay = client.get(&["replays", id], &[])?;
    if args.watch {
        let replay = watch::until_settled(&client, &app.screen, replay, &args.interval)?;
        return apply::end(app, &client, &replay);
    }
    show(app, &client, &replay)
}

fn show(app: &App, client: &Client, replay: &Replay) -> Result<(), Failure> {
    if app.screen.json {
        return app.screen.print_json(replay);
    }
    if matches!(replay.state, ReplayState::Planning | ReplayState::Planned) {
        return report::plan(&app.screen, replay);
    }
    report::outcome(client, &app.screen, replay)
}

/// `dead-letters pause`, `resume` or `cancel`: the word of the step is that of the route.
///
/// # Errors
/// When it is not confirmed, or the replay is in no state for it.
pub(crate) fn step(app: &App, args: &StepArgs, word: &str) -> Result<(), Failure> {
    let client = app.client()?;
    let replay: Replay = client.get(&["replays", &args.id], &[])?;
    if app.screen.json {
        app.screen.event(&replay);
    } else {
        report::head(&app.screen, &replay)?;
    }
    if !replay.state.is_open() && replay.state != ReplayState::Planned {
        let message = format!("{} is at its end: {}", args.id, replay.state.as_str());
        let next = "Make a new plan for the letters that are still parked.";
        return Err(Failure::new(Kind::Refused, "replay-ended", message, next));
    }
    confirm(&app.screen, args.yes, word)?;
    let nothing = serde_json::json!({});
    let replay: Replay = client.post(&["replays", &args.id, word], &nothing, None)?;
    heads::show(&client, &app.screen);
    if app.screen.json {
        return app.screen.print_json(&replay);
    }
    app.screen.say("")?;
    report::head(&app.screen, &replay)
}

impl Page for ReplayPage {
    type Item = Replay;

    fn parts(&self) -> (&[Replay], Option<&str>) {
        (&self.replays, self.next.as_deref())
    }

    fn show(&self, screen: &Screen) -> Result<(), Failure> {
        let mut sheet =
            Sheet::new(&["ID", "ACTION", "STATE", "SETTLED", "REASON", "ACTOR", "PLANNED AT"]);
        for it in &self.replays {
            let (settled, at) = (format!("{}/{}", it.settled, it.total), time(it.created_at));
            let state = (it.state.as_str(), look(it.state));
            let (id, action) = (plain(&it.id), plain(it.action.as_str()));
            let (reason, actor) = (plain(&it.reason), plain(&it.actor));
            sheet.looks([id, action, state, plain(&settled), reason, actor, plain(&at)]);
        }
        screen.show(&sheet)
    }
}

fn look(state: ReplayState) -> Look {
    match state {
        ReplayState::Done => Look::Good,
        ReplayState::Refused | ReplayState::Stopped => Look::Bad,
        ReplayState::Paused | ReplayState::Canceled => Look::Odd,
        ReplayState::Planning
        | ReplayState::Planned
        | ReplayState::Checking
        | ReplayState::Canary
        | ReplayState::Running => Look::Plain,
    }
}

impl Page for PlannedLetterPage {
    type Item = PlannedLetter;

    fn parts(&self) -> (&[PlannedLetter], Option<&str>) {
        (&self.letters, self.next.as_deref())
    }

    fn show(&self, screen: &Screen) -> Result<(), Failure> {
        report::letters(screen, &self.letters)
    }
}
