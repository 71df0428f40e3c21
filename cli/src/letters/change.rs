//! `dead-letters plan`, `replay` and `discard`.

use clap::Args;
use shared::operators::api::replays::{PlanRequest, Replay, ReplayAction, ReplayState};

use super::apply::{Applying, apply_plan, end};
use crate::app::App;
use crate::client::Client;
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
    let Replay { id, hash, total, .. } = &replay;
    if 0 < *total {
        app.screen.note(format!("Apply it with: rolecall dead-letters apply {id} --hash {hash}"));
    }
    Ok(())
}

/// `dead-letters replay`.
///
/// # Errors
/// As [`plan`] and [`apply_plan`].
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
    // With one key, a request that is sent again makes one plan.
    let key = format!("{:032x}", fastrand::u128(..));
    let replay = watch::patiently(
        watch,
        |text| app.screen.note(text),
        || client.post(&["replays"], request, Some(&key)),
    )?;
    watch::until_planned(client, &app.screen, replay, watch)
}

fn not_planned(replay: &Replay) -> Failure {
    let message = format!("{} is {} already", replay.id, replay.state.as_str());
    let next = format!("Someone else drives it. Run: rolecall dead-letters status {}", replay.id);
    Failure::new(Kind::Refused, "not-planned", message, next)
}
