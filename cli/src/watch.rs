//! Carries a replay on, step by step, and waits for what becomes of it. Without this the sweep of
//! the consumer does the same, more slowly.

use std::thread;
use std::time::Duration;

use clap::Args;
use shared::operators::api::replays::{Replay, ReplayState};

use crate::client::Client;
use crate::failure::{Failure, Kind};
use crate::progress::Progress;
use crate::screen::Screen;

/// How often in a row no usable answer may come.
const MISSES_MAX: u32 = 5;

/// How a replay is watched.
#[derive(Clone, Debug, Args)]
pub(crate) struct WatchArgs {
    /// Seconds between two looks at the replay.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = parse_interval)]
    interval: Duration,
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "give seconds, 2 or 0.5".to_owned())?;
    let is_fit = (0.01..=3600.0).contains(&seconds);
    is_fit.then(|| Duration::from_secs_f64(seconds)).ok_or("give 0.01 to 3600 seconds".to_owned())
}

/// Carries a plan on until it is whole.
///
/// # Errors
/// When no usable answer comes.
pub(crate) fn until_planned(
    client: &Client,
    screen: &Screen,
    replay: Replay,
    args: &WatchArgs,
) -> Result<Replay, Failure> {
    carry(client, screen, replay, args, |state| state == ReplayState::Planning)
}

/// Carries an applied replay on until it is at its end, or paused.
///
/// # Errors
/// As [`until_planned`].
pub(crate) fn until_settled(
    client: &Client,
    screen: &Screen,
    replay: Replay,
    args: &WatchArgs,
) -> Result<Replay, Failure> {
    carry(client, screen, replay, args, |state| state.is_open() && state != ReplayState::Paused)
}

fn carry(
    client: &Client,
    screen: &Screen,
    mut replay: Replay,
    args: &WatchArgs,
    goes_on: impl Fn(ReplayState) -> bool,
) -> Result<Replay, Failure> {
    let mut progress = Progress::new(screen);
    let mut misses = 0;
    while {
        let is_new = progress.show(&replay);
        // Pages of a plan are computed as fast as they come; messages are sent at their rate.
        let is_computed = matches!(replay.state, ReplayState::Planning | ReplayState::Checking);
        if goes_on(replay.state) && !(is_new && is_computed) {
            thread::sleep(args.interval);
        }
        goes_on(replay.state)
    } {
        match client.post(&["replays", &replay.id, "continue"], &serde_json::json!({}), None) {
            Ok(next) => (replay, misses) = (next, 0),
            Err(failure) if failure.kind == Kind::Unreachable && misses < MISSES_MAX => {
                misses += 1;
                progress.note(&format!("{}; trying again", failure.error.message));
                thread::sleep(args.interval * 2_u32.pow(misses));
            }
            Err(mut failure) => {
                failure.error.next = format!(
                    "{} The replay goes on by itself; look again with: \
                     rolecall dead-letters status {} --watch",
                    failure.error.next, replay.id
                );
                return Err(failure);
            }
        }
    }
    Ok(replay)
}
