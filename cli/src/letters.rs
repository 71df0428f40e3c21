//! `rolecall dead-letters`: what could not be applied.

mod apply;
mod change;
mod export;
mod list;
mod replays;
mod show;

pub(crate) use self::list::summaries;

use clap::Subcommand;

use crate::app::App;
use crate::failure::Failure;

/// Commands for dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum LettersCommand {
    /// List letters, the oldest first.
    #[command(after_help = "Example:\n  rolecall dead-letters list reason=overloaded after=24h")]
    List(list::ListArgs),
    /// Count letters by state, reason, type and day.
    #[command(after_help = "Example:\n  rolecall dead-letters matrix --state parked")]
    Matrix(list::StateArgs),
    /// Show one letter: why it was parked, and what a replay would do now.
    #[command(after_help = "Example:\n  rolecall dead-letters show 3f1c9a")]
    Show(show::ShowArgs),
    /// Plan a replay: nothing changes, and the plan's id and hash are printed.
    #[command(after_help = "Example:\n  rolecall dead-letters plan reason=overloaded \
                            --reason \"D1 is back\"")]
    Plan(change::PlanArgs),
    /// Apply a plan that was read: five letters first, then the others at its rate.
    #[command(after_help = "Example:\n  rolecall dead-letters apply replay_7 --hash 9c2e… --yes")]
    Apply(apply::ApplyArgs),
    /// Plan, confirm, apply and watch, in one command.
    #[command(after_help = "Example:\n  rolecall dead-letters replay type=user.created \
                            --reason \"fixed in 1.4\"")]
    Replay(change::ReplayArgs),
    /// Close letters without a replay, with a reason.
    #[command(after_help = "Example:\n  rolecall dead-letters discard id=3f1c9a \
                            --reason \"test data\"")]
    Discard(change::DiscardArgs),
    /// Show replays, or one: planned against became.
    #[command(after_help = "Examples:\n  rolecall dead-letters status\n  \
                            rolecall dead-letters status replay_7 --watch\n  \
                            rolecall dead-letters status replay_7 --letters --became parked")]
    Status(replays::StatusArgs),
    /// Stop a replay for now: nothing more is sent.
    #[command(after_help = "Example:\n  rolecall dead-letters pause replay_7 --yes")]
    Pause(replays::StepArgs),
    /// Go on with a paused replay.
    #[command(after_help = "Example:\n  rolecall dead-letters resume replay_7 --yes")]
    Resume(replays::StepArgs),
    /// End a replay: letters that were not sent stay parked.
    #[command(after_help = "Example:\n  rolecall dead-letters cancel replay_7 --yes")]
    Cancel(replays::StepArgs),
    /// Write letters with their bytes as NDJSON. They may hold personal data.
    #[command(after_help = "Example:\n  rolecall dead-letters export reason=malformed \
                            --output letters.ndjson")]
    Export(export::ExportArgs),
}

/// Runs one of them.
///
/// # Errors
/// Those of the command.
pub(crate) fn run(app: &App, command: &LettersCommand) -> Result<(), Failure> {
    match command {
        LettersCommand::List(args) => list::list(app, args),
        LettersCommand::Matrix(args) => list::matrix(app, args),
        LettersCommand::Show(args) => show::run(app, args),
        LettersCommand::Plan(args) => change::plan(app, args),
        LettersCommand::Apply(args) => apply::apply(app, args),
        LettersCommand::Replay(args) => change::replay(app, args),
        LettersCommand::Discard(args) => change::discard(app, args),
        LettersCommand::Status(args) => replays::status(app, args),
        LettersCommand::Pause(args) => replays::step(app, args, "pause"),
        LettersCommand::Resume(args) => replays::step(app, args, "resume"),
        LettersCommand::Cancel(args) => replays::step(app, args, "cancel"),
        LettersCommand::Export(args) => export::run(app, args),
    }
}
