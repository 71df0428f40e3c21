//! `dead-letters plan`, `apply`, `replay` and `discard`.

use clap::Args;
use shared::operators::api::replays::{
    ApplyRequest, PlanRequest, Replay, ReplayAction, ReplayState,
};

use crate::app::App;
use crate::client::Client;
use crate::confirm::confirm;
use crate::failure::{Failure, Kind};
use crate::filter::FilterArgs;
use crate::text::now;
use crate::watch::{self, WatchArgs};
use crate::{heads, report};

/// What is planned.
#[derive(Debug, Args)]
struct Choice {
    #[command(flatten)]
    filter: FilterArgs,
    /// Why, for the audit trail: at most 200 characters, no personal data.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// How letters are sent.
#[derive(Debug, Args)]
struct Sending {
    /// Letters a minute; by default 600.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=6000))]
    rate: Option<u32>,
    /// Discard the letters that would change nothing instead of sending them.
    #[arg(long)]
    discard_unchanged: bool,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    sending: Sending,
    /// Plan to close the letters without a replay.
    #[arg(long, conflicts_with_all = ["rate", "discard_unchanged"])]
    discard: bool,
    #[command(flatten)]
    watch: WatchArgs,
}

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

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    sending: Sending,
    #[command(flatten)]
    applying: Applying,
}

/// Arguments of `discard`.
#[derive(Debug, Args)]
pub(crate) struct DiscardArgs {
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    applying: Applying,
}

/// How a plan is applied.
#[derive(Debug, Args)]
struct Applying {
    /// Do it without being asked.
    #[arg(long)]
    yes: bool,
    /// Do not wait for the end: the replay goes on by itself.
    #[arg(long)]
    no_watch: bool,
    #[command(flatten)]
    watch: WatchArgs,
}

/// `dead-letters plan`.
///
/// # Errors
/// When the plan cannot be made.
pub(crate) fn plan(app: &App, args: &PlanArgs) -> Result<(), Failure> {
    let action = if args.discard { ReplayAction::Discard } else { ReplayAction::Replay };
    let request = request(action, &args.choice, Some(&args.sending))?;
    let client = app.client()?;
    let replay = planned(app, &client, &request, &args.watch)?;
    heads::show(&client, &app.screen);
    if app.screen.json {
        return app.screen.print_json(&replay);
    }
    report::plan(&app.screen, &replay)?;
    let Replay { id, hash, .. } = &replay;
    app.screen.note(format!("Apply it with: rolecall dead-letters apply {id} --hash {hash}"));
    Ok(())
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

/// `dead-letters replay`.
///
/// # Errors
/// As [`plan`] and [`apply`].
pub(crate) fn replay(app: &App, args: &ReplayArgs) -> Result<(), Failure> {
    let sending = Some(&args.sending);
    plan_and_apply(app, ReplayAction::Replay, &args.choice, sending, &args.applying)
}

/// `dead-letters discard`.
///
/// # Errors
/// As [`replay`].
pub(crate) fn discard(app: &App, args: &DiscardArgs) -> Result<(), Failure> {
    plan_and_apply(app, ReplayAction::Discard, &args.choice, None, &args.applying)
}

fn plan_and_apply(
    app: &App,
    action: ReplayAction,
    choice: &Choice,
    sending: Option<&Sending>,
    applying: &Applying,
) -> Result<(), Failure> {
    let request = request(action, choice, sending)?;
    let client = app.client()?;
    let replay = planned(app, &client, &request, &applying.watch)?;
    if replay.state != ReplayState::Planned {
        // What nobody here has read is not applied.
        return end(app, &client, &replay).and_then(|()| Err(not_planned(&replay)));
    }
    if replay.total == 0 {
        let message = format!("no parked letter is chosen ({})", replay.id);
        let next = "Look at the letters: rolecall dead-letters list --state parked";
        return Err(Failure::new(Kind::Failed, "nothing-chosen", message, next));
    }
    apply_plan(app, &client, &replay, &replay.hash, applying)
}

fn request(
    action: ReplayAction,
    choice: &Choice,
    sending: Option<&Sending>,
) -> Result<PlanRequest, Failure> {
    Ok(PlanRequest {
        action,
        filter: choice.filter.of_change(now())?,
        reason: choice.reason.clone(),
        rate: sending.and_then(|sending| sending.rate),
        discard_unchanged: sending.is_some_and(|sending| sending.discard_unchanged),
    })
}

/// Makes a plan, to its last page.
fn planned(
    app: &App,
    client: &Client,
    request: &PlanRequest,
    watch: &WatchArgs,
) -> Result<Replay, Failure> {
    // The same request, sent again by something on the way, makes one plan.
    let key = format!("{:032x}", fastrand::u128(..));
    let replay = client.post(&["replays"], request, Some(&key))?;
    watch::until_planned(client, &app.screen, replay, watch)
}

fn not_planned(replay: &Replay) -> Failure {
    let message = format!("{} is {} already", replay.id, replay.state.as_str());
    let next = format!("Someone else drives it. Run: rolecall dead-letters status {}", replay.id);
    Failure::new(Kind::Refused, "not-planned", message, next)
}

/// Shows a plan, asks, applies it and watches it to its end.
fn apply_plan(
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
        confirm(screen, args.yes, report::action_word(replay.action))?;
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
