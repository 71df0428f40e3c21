//! `dead-letters apply`: a plan that was read is carried out and watched to its end.

use clap::Args;
use shared::operators::api::replays::{ApplyRequest, Replay, ReplayState};

use crate::app::App;
use crate::client::Client;
use crate::confirm::confirm;
use crate::failure::{Failure, Kind};
use crate::watch::{self, WatchArgs};
use crate::{heads, report};

/// Arguments of `apply`.
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// The planned replay.
    id: String,
    /// The hash of the plan that was read.
    #[arg(long, value_name = "HASH")]
    hash: String,
    #[command(flatten)]
    applying: Applying,
}

/// How a plan is applied.
#[derive(Debug, Args)]
pub(crate) struct Applying {
    /// Do it without being asked.
    #[arg(long)]
    yes: bool,
    /// Do not wait for the end: the replay goes on by itself.
    #[arg(long)]
    no_watch: bool,
    #[command(flatten)]
    pub(super) watch: WatchArgs,
}

/// `dead-letters apply`.
///
/// # Errors
/// When it is not confirmed, is refused, or does not come to its end.
pub(crate) fn apply(app: &App, args: &ApplyArgs) -> Result<(), Failure> {
    let client = app.client()?;
    let replay: Replay = client.get(&["replays", &args.id], &[])?;
    let replay = watch::until_planned(&client, &app.screen, replay, &args.applying.watch)?;
    if replay.hash != args.hash {
        let message = format!("this is not the hash of {}", args.id);
        let next = format!("Read the plan: rolecall dead-letters status {}", args.id);
        return Err(Failure::new(Kind::Refused, "plan-changed", message, next));
    }
    apply_plan(app, &client, &replay, &args.hash, &args.applying)
}

/// Shows a plan, asks, applies it and watches it to its end.
pub(super) fn apply_plan(
    app: &App,
    client: &Client,
    replay: &Replay,
    hash: &str,
    args: &Applying,
) -> Result<(), Failure> {
    let screen = &app.screen;
    if screen.json {
        screen.event(replay);
    } else {
        report::plan(screen, replay)?;
    }
    // Applying twice is harmless: one that was applied is only watched.
    let mut replay = replay.clone();
    if replay.state == ReplayState::Planned {
        confirm(screen, args.yes, replay.action.as_str())?;
        let request = ApplyRequest { hash: hash.to_owned() };
        replay = client.post(&["replays", &replay.id, "apply"], &request, None)?;
        heads::show(client, screen);
    }
    if args.no_watch {
        return end(app, client, &replay);
    }
    let replay = watch::until_settled(client, screen, replay, &args.watch)?;
    end(app, client, &replay)
}

/// Shows planned against became, and says what that means.
///
/// # Errors
/// When the replay was refused or stopped, or a letter was parked again.
pub(crate) fn end(app: &App, client: &Client, replay: &Replay) -> Result<(), Failure> {
    if app.screen.json {
        app.screen.print_json(replay)?;
    } else {
        app.screen.say("")?;
        report::outcome(client, &app.screen, replay)?;
    }
    report::verdict(replay)
}
